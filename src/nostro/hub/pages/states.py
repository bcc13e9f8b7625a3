"""States in words: what a health, a proof or a consent means to the person who reads it, and what to do."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from nostro.core.money import quantize
from nostro.hub.accounts.models import Account
from nostro.hub.linking.models import Connection, Health
from nostro.hub.pages.progress import AccountProgress

#: Renewal is offered from here on (connectors.md 1.6, books.md 8).
RENEWAL_OFFERED_DAYS = 30


@dataclass(frozen=True)
class State:
    """A state line: tone, word, one sentence. ``needs_person`` puts it on top of the overview."""

    tone: str
    word: str
    sentence: str = ""
    needs_person: bool = False
    renewable: bool = False


def consent_days_left(account: Account, now: dt.datetime) -> int | None:
    """Whole days until the consent ends; None when the bank named no end, negative when it is over."""
    if account.authorisation_expires_at is None:
        return None
    return (account.authorisation_expires_at - now).days


def account_state(
    account: Account, connection: Connection | None, progress: AccountProgress, now: dt.datetime
) -> State:
    """The worst of connection and account, in one sentence (connectors.md 1.6)."""
    if progress.is_running:
        return State("act", _("Synchronizing"), progress.sentence)
    source = _worse(account, connection)
    if source is not None:
        return _health_state(source.health, source.health_reason, source.health_until)
    run = progress.synchronization
    if run is not None and run.status == "error":
        return State("warn", _("Reading failed"), _("Nothing was lost; it is tried again by itself."))
    days = consent_days_left(account, now)
    if days is not None and days <= RENEWAL_OFFERED_DAYS:
        sentence = ngettext("The consent ends in %(n)s day.", "The consent ends in %(n)s days.", max(days, 0)) % {
            "n": max(days, 0)
        }
        return State("warn", _("Expiring"), sentence, needs_person=days <= 14, renewable=True)
    if account.synchronized_at is None:
        return State("quiet", _("Not read yet"), _("The first import has not finished."))
    return State("good", _("Up to date"))


def proof_state(account: Account) -> State:
    """The balance check in words (connectors.md 1.11)."""
    if account.proof == "green":
        return State("good", _("Proved"), _("The transactions add up to the bank's balance."))
    if account.proof == "red" and account.proof_difference is not None:
        difference = quantize(account.proof_difference, account.currency)
        return State(
            "bad",
            _("Does not add up"),
            _("The bank's balance and its transactions differ by %(amount)s %(currency)s.")
            % {"amount": difference, "currency": account.currency},
            needs_person=True,
        )
    return State("quiet", _("Not proved"), _("There are not two balances to compare yet."))


def _worse(account: Account, connection: Connection | None) -> Account | Connection | None:
    """Whichever of the two is in the worse health; None when both are well."""
    order = [health.value for health in Health]
    ill = [each for each in (connection, account) if each is not None and each.health not in ("active", "expiringSoon")]
    return min(ill, key=lambda each: order.index(each.health)) if ill else None


def _health_state(health: str, reason: str, until: dt.datetime | None) -> State:
    when = date_format(timezone.localtime(until), "H:i") if until else ""
    if health == Health.PSU_ACTION_REQUIRED:
        return State(
            "bad",
            _("Renew consent"),
            reason or _("The bank wants your consent again."),
            needs_person=True,
            renewable=True,
        )
    if health == Health.RATE_LIMITED:
        sentence = _("The bank allows the next automatic read at %(when)s.") % {"when": when} if when else reason
        return State("warn", _("Waiting"), sentence)
    if health == Health.ASPSP_UNAVAILABLE:
        return State(
            "warn",
            _("Bank does not answer"),
            reason or _("Nothing was lost; it is tried again by itself."),
        )
    if health == Health.DISABLED:
        return State("bad", _("Paused"), reason, needs_person=True)
    return State("warn", _("Incomplete"), reason)
