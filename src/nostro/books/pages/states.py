"""States in words: what a proof, a health, a connection or a line means to the person who reads it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.utils import timezone
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from nostro.books.journals.grouping import leaves_out_a_period
from nostro.books.journals.models import GroupingChoice, Journal, Line, LineStatus, Proof, Statement
from nostro.books.links.models import Connection, ConnectionState, FetchState, Health, OnlineAccount, Run, RunStatus
from nostro.web.present import date_text, iban_groups, money_text
from nostro.web.said import said

#: Renewal is offered from here on (books.md 8).
RENEWAL_OFFERED_DAYS = 30
BUSY = {FetchState.QUEUED, FetchState.REFRESHING, FetchState.READING, FetchState.IMPORTING}


@dataclass(frozen=True)
class State:
    """A state line: tone, word, one sentence."""

    tone: str
    word: str
    sentence: str = ""


def amount_text(amount: Decimal, currency: str) -> str:
    """An amount inside a sentence."""
    return str(money_text(amount, currency, get_language() or "en"))


def proof_state(proof: str, difference: Decimal | None, currency: str) -> State:
    """Whether bank and books agree (books.md 13.3)."""
    if proof == Proof.GREEN:
        return State("good", _("Agrees with the bank"))
    if proof == Proof.RED and difference is not None:
        return State(
            "bad",
            _("Differs from the bank"),
            _("The lines that the bank has add up to %(amount)s more than it states.")
            % {"amount": amount_text(difference, currency)}
            if difference > 0
            else _("The lines that the bank has add up to %(amount)s less than it states.")
            % {"amount": amount_text(-difference, currency)},
        )
    return State("quiet", _("Not proved yet"), _("The bank has stated no balance with a date to compare with."))


def health_state(account: OnlineAccount) -> State:
    """What an account's health means, and what to do."""
    sentences = {
        Health.EXPIRING: ("warn", _("Renew the consent at the Hub before it ends.")),
        Health.EXPIRED: ("bad", _("The bank's consent has ended. Renew it at the Hub; nothing was lost.")),
        Health.NOT_AUTHORISED: ("bad", _("The Hub no longer shows this account. Add it to the integration there.")),
        Health.BANK_UNAVAILABLE: ("warn", _("It is tried again by itself; nothing was lost.")),
        Health.ATTENDED_ONLY: ("warn", _("The bank answers only while somebody is present: fetch by hand.")),
        Health.RATE_LIMITED: ("warn", _("It is asked again as soon as the bank allows it.")),
        Health.ERROR: ("bad", _("The last fetches did not succeed; nothing was lost.")),
        Health.PAUSED: ("quiet", ""),
    }
    tone, sentence = sentences.get(Health(account.health), ("good", ""))
    return State(tone, str(Health(account.health).label), sentence)


def connection_state(connection: Connection) -> State:
    """The state of a connection."""
    tones = {
        ConnectionState.CONNECTED: "good",
        ConnectionState.DEGRADED: "warn",
        ConnectionState.ACTION_REQUIRED: "bad",
    }
    state = ConnectionState(connection.state)
    return State(tones.get(state, "quiet"), str(state.label))


def hub_page(connection: Connection) -> str:
    """Where a person goes to renew a consent or to change an integration."""
    return f"{connection.hub_url}/hub/" if connection.hub_url == settings.DEFAULT_HUB_URL else connection.hub_url


def is_busy(account: OnlineAccount | None) -> bool:
    """Whether a fetch of the account is under way."""
    return account is not None and account.fetch_state in BUSY


def run_state(run: Run) -> State:
    """What a fetch does or brought."""
    if run.status in {RunStatus.QUEUED, RunStatus.RUNNING}:
        return State("act", str(RunStatus(run.status).label))
    tone = {"done": "good", "failed": "bad"}.get(run.status, "warn")
    return State(tone, str(RunStatus(run.status).label), said(run.result))


def line_state(line: Line) -> State:
    """What is to be done with a line."""
    if line.status == LineStatus.POSTED:
        if line.reconciled:
            return State("good", _("Matched"))
        if line.suspense_residual != line.amount:
            return State("warn", _("Partly matched"))
        return State("act", _("Not matched"))
    tone = "warn" if line.status in {"held_locked", "held_duplicate", "held_currency", "withdrawn"} else "quiet"
    return State(tone, str(LineStatus(line.status).label), said(line.status_reason))


def journal_title(journal: Journal) -> str:
    """The journal's name; an account number in groups of four."""
    if journal.account_number and journal.name == journal.account_number:
        return "\N{NO-BREAK SPACE}".join(iban_groups(journal.name))
    return journal.name


def day_text(day: dt.date) -> str:
    """A day inside a sentence, by locale."""
    return date_text(day, get_language() or "en")


def moment_text(moment: dt.datetime) -> str:
    """A day and a time inside a sentence."""
    local = timezone.localtime(moment)
    return f"{day_text(local.date())}, {local:%H:%M}"


def statement_title(statement: Statement) -> str:
    """What a statement covers, in words: a fetch has no name of its own."""
    if statement.grouping == GroupingChoice.PER_SYNCHRONIZATION:
        return _("Fetched %(day)s") % {"day": moment_text(statement.created_at)}
    return _("Statement %(name)s") % {"name": statement.key}


def statement_states(statement: Statement, previous: Statement | None) -> list[State]:
    """Complete and valid (books.md 13.2), each in a word and, where it fails, in a sentence."""
    currency = statement.journal.currency
    states = []
    if statement.stated_end is None:
        states.append(State("quiet", _("The bank stated no end")))
    elif statement.stated_end == statement.computed_end:
        states.append(State("good", _("Complete")))
    else:
        sentence = _("The lines add up to %(computed)s, the bank stated %(stated)s.") % {
            "computed": amount_text(statement.computed_end, currency),
            "stated": amount_text(statement.stated_end, currency),
        }
        states.append(State("warn", _("Not complete"), sentence))
    if previous is not None:
        end = previous.computed_end if previous.stated_end is None else previous.stated_end
        if end != statement.start:
            told = _("Its start differs from the end before by %(amount)s.")
            if leaves_out_a_period(previous, statement):
                told = _("A statement is missing in between: its start differs from the end before by %(amount)s.")
            sentence = told % {"amount": amount_text(statement.start - end, currency)}
            return [*states, State("warn", _("Not valid"), sentence)]
    return [*states, State("good", _("Valid"))]


def consent_state(days: int | None) -> State | None:
    """Days left of the bank's consent; None when the bank named no end."""
    if days is None:
        return None
    if days < 0:
        return State("bad", _("Consent ended"))
    word = ngettext("%(n)s day of consent left", "%(n)s days of consent left", days) % {"n": days}
    return State("warn" if days <= RENEWAL_OFFERED_DAYS else "quiet", word)


def consent_days_left(account: OnlineAccount, now: dt.datetime) -> int | None:
    """Whole days until the consent ends; negative when it is over."""
    return None if account.consent_expires_at is None else (account.consent_expires_at - now).days
