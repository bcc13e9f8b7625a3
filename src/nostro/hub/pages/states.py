"""States in words: what a health, a proof or a consent means to the person who reads it, and what to do."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Literal

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from nostro.hub.accounts.models import Account
from nostro.hub.accounts.queries import unread_history
from nostro.hub.directory.maintenance import Maintenance
from nostro.hub.linking.models import Connection, Health
from nostro.hub.pages.progress import AccountProgress
from nostro.hub.sync.health import HISTORY_UNREAD, MAINTENANCE, AccountHealth, health_of
from nostro.web.present import money_text

#: Renewal is offered from here on (connectors.md 1.6, books.md 8).
RENEWAL_OFFERED_DAYS = 30

#: The one button of a state line.
Action = Literal["", "renew", "synchronize", "find_gap"]


@dataclass(frozen=True)
class State:
    """A state line: tone, word, one sentence, one button. ``needs_person`` puts it on top of the overview."""

    tone: str
    word: str
    sentence: str = ""
    needs_person: bool = False
    action: Action = ""


def consent_days_left(account: Account, now: dt.datetime) -> int | None:
    """Whole days until the consent ends; None when the bank named no end, negative when it is over."""
    if account.authorisation_expires_at is None:
        return None
    return (account.authorisation_expires_at - now).days


def account_state(
    account: Account, connection: Connection | None, progress: AccountProgress, now: dt.datetime
) -> State:
    """The worst of connection, account and consent, in one sentence with one button (connectors.md 1.6)."""
    if progress.is_running:
        return State("act", _("Synchronizing"), progress.sentence)
    # An account that a bank showed has the bank's id; one that only files told about has none.
    if connection is None and not account.resource_id:
        return _from_files(account)
    health = health_of(account, connection, now)
    if account.bank_status == "deleted" and health.health == Health.DEGRADED:
        return State("quiet", _("Closed"), _("The bank has closed this account; what was read stays."))
    if health.health not in {Health.ACTIVE, Health.EXPIRING_SOON}:
        return _history_state(account) if health.code == HISTORY_UNREAD else _health_state(health, now)
    run = progress.synchronization
    if run is not None and run.status == "error":
        sentence = _("Nothing was lost; it is tried again by itself.")
        return State("warn", _("Reading failed"), sentence, action="synchronize")
    return _working_state(account, health, now)


def _history_state(account: Account) -> State:
    unread = unread_history(account)
    assert unread is not None
    days = {"unread_from": date_format(unread.date_from), "unread_to": date_format(unread.date_to)}
    sentence = _("Older transactions may be missing, from %(unread_from)s to %(unread_to)s.") % days
    return State("warn", _("Incomplete"), sentence, needs_person=True, action="renew")


def _from_files(account: Account) -> State:
    """Of an account that no connection ever read."""
    if account.proof == "red":
        return replace(proof_state(account), action="find_gap")
    return State("good", _("From files"), _("Its transactions come from the bank files that you import."))


def _working_state(account: Account, health: AccountHealth, now: dt.datetime) -> State:
    """Of an account that is read without errors."""
    if health.health == Health.EXPIRING_SOON:
        sentence = _consent_sentence(account, now)
        return State("warn", _("Expiring"), sentence, needs_person=True, action="renew")
    if account.proof == "red":
        return replace(proof_state(account), action="find_gap")
    if account.synchronized_at is None:
        return State("quiet", _("Not read yet"), _("The first import has not finished."), action="synchronize")
    return _well(account, now)


def _well(account: Account, now: dt.datetime) -> State:
    days = consent_days_left(account, now)
    if days is not None and days <= RENEWAL_OFFERED_DAYS:
        return State("good", _("Up to date"), _consent_sentence(account, now), action="renew")
    sentence = _("Everything is read and proved.") if account.proof == "green" else ""
    return State("good", _("Up to date"), sentence or _("All readings succeed."), action="synchronize")


def _consent_sentence(account: Account, now: dt.datetime) -> str:
    days = max(consent_days_left(account, now) or 0, 0)
    return ngettext("The consent ends in %(n)s day.", "The consent ends in %(n)s days.", days) % {"n": days}


def proof_state(account: Account) -> State:
    """The balance check in words (connectors.md 1.11)."""
    if account.proof == "green":
        return State("good", _("Proved"), _("The transactions add up to the bank's balance."))
    if account.proof == "red" and account.proof_difference is not None:
        difference = money_text(account.proof_difference, account.currency, get_language() or "en")
        return State(
            "bad",
            _("Does not add up"),
            _("The bank's balance and its transactions differ by %(amount)s.") % {"amount": difference},
            needs_person=True,
        )
    return State("quiet", _("Not proved"), _("There are not two balances to compare yet."))


def _health_state(found: AccountHealth, now: dt.datetime) -> State:
    if found.health == Health.PSU_ACTION_REQUIRED:
        told = _("The consent has ended; what was read stays readable.") if found.code == "consentEnded" else ""
        sentence = told or found.reason or _("The bank wants your consent again.")
        return State("bad", _("Renew consent"), sentence, needs_person=True, action="renew")
    if found.health == Health.RATE_LIMITED:
        return State("warn", _("Waiting"), _closed_sentence(found, now), action="synchronize")
    if found.code == MAINTENANCE:
        return State("warn", _("Maintenance"), work_sentence(found.until, now))
    if found.health == Health.ASPSP_UNAVAILABLE:
        sentence = found.reason or _("Nothing was lost; it is tried again by itself.")
        return State("warn", _("Bank does not answer"), sentence, action="synchronize")
    if found.health == Health.DISABLED:
        return State("bad", _("Paused"), found.reason, needs_person=True, action="synchronize")
    return State("warn", _("Incomplete"), found.reason, action="synchronize")


def _closed_sentence(found: AccountHealth, now: dt.datetime) -> str:
    if found.until is None:
        return found.reason
    return _("The bank allows the next automatic read at %(when)s.") % {"when": _clock_time(found.until, now)}


def work_sentence(until: dt.datetime | None, now: dt.datetime) -> str:
    """Of a bank that is being worked on, with the end of that where it is known."""
    if until is None:
        return _("The bank is being worked on. What was read stays readable, and reading goes on by itself afterwards.")
    sentence = _(
        "The bank is being worked on until %(when)s. What was read stays readable; reading then goes on by itself."
    )
    return sentence % {"when": _clock_time(until, now)}


def no_access_sentence(until: dt.datetime | None, now: dt.datetime) -> str:
    """The same for somebody who has no account there yet."""
    if until is None:
        return _("The bank is being worked on, and it is not known for how long.")
    return _("The bank is being worked on until %(when)s.") % {"when": _clock_time(until, now)}


def announced_sentence(work: Maintenance, now: dt.datetime) -> str:
    """Of work that lies ahead."""
    assert work.begins is not None
    begins = _clock_time(work.begins, now)
    if work.ends is None:
        return _("From %(begins)s on this bank is being worked on and not read.") % {"begins": begins}
    return _("From %(begins)s to %(ends)s this bank is being worked on and not read.") % {
        "begins": begins,
        "ends": _clock_time(work.ends, work.begins),
    }


def _clock_time(moment: dt.datetime, now: dt.datetime) -> str:
    """The time of day, with the day unless it lies within 24 hours of ``now``."""
    soon = moment - now <= dt.timedelta(hours=24)
    return date_format(timezone.localtime(moment), "H:i" if soon else "j M, H:i")
