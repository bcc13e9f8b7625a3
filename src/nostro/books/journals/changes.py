"""What a bank does to its transactions afterwards: details that come later, changes, withdrawals (books.md 10)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from nostro.books.companies.models import Role
from nostro.books.journals.balances import WITHDRAWN_REASON
from nostro.books.journals.grouping import carry_on_without, group_lines
from nostro.books.journals.importing import LineValues, book_held_line
from nostro.books.journals.models import BankChange, ChangeKind, Decision, Journal, Line, LineStatus
from nostro.books.journals.services import DETAILS, locked_line, require_undecided, reverse_entry
from nostro.core.identity import ABSENCES_UNTIL_GONE
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import Problem


class Changed(NamedTuple):
    """What the bank says of a line now."""

    line_id: UUID
    amount: Decimal
    currency: str
    booking_date: dt.date
    fingerprint: str
    #: The import of a file that says so; none: the feed.
    run_id: UUID | None = None


def open_changes(journal: Journal) -> list[BankChange]:
    """What waits for a decision, suspected withdrawals too."""
    return list(BankChange.objects.filter(line__journal=journal, decision=Decision.OPEN).select_related("line"))


@transaction.atomic
def fill_details(journal: Journal, seen: Mapping[UUID, LineValues]) -> int:
    """Fill the empty texts of unreconciled lines with what the bank says now, audited; returns the lines filled."""
    if not seen:
        return 0
    filled = 0
    for line in Line.objects.select_for_update().filter(journal=journal, pk__in=list(seen), reconciled=False):
        values = seen[line.id]
        names = empty_details(line, values)
        if not names:
            continue
        for name in names:
            setattr(line, name, getattr(values, name))
        if not line.label:
            line.label = values.label
        line.save(update_fields=[*names, "label"])
        filled += 1
        record(
            tenant_id=line.company_id,
            actor=None,
            action="line.filled",
            obj=line,
            sentence=f"The bank sent more about the line of {line.booking_date:%d %b %Y}: {', '.join(names)}.",
            after={name: str(getattr(line, name)) for name in names},
        )
    return filled


def empty_details(line: Line, values: LineValues) -> list[str]:
    """The texts of a line that are empty and that the bank tells."""
    return [name for name in DETAILS if not getattr(line, name) and getattr(values, name, "") not in {"", None}]


@transaction.atomic
def note_changes(journal: Journal, changed: Sequence[Changed], shown: Collection[UUID]) -> None:
    """Keep changes for a decision, once each. ``shown`` are lines the feed shows as they are: what it made wait for
    them is over, and a suspected withdrawal was none. What a file says otherwise waits until a person decides."""
    for change in open_changes(journal):
        if change.line_id in shown and change.run_id is None:
            _take_back(change)
    if not changed:
        return
    known = set(
        BankChange.objects.filter(line__in=[each.line_id for each in changed], kind=ChangeKind.CHANGED)
        .exclude(decision=Decision.ACCEPTED)
        .values_list("line_id", "amount", "currency", "booking_date")
    )
    for each in changed:
        if (each.line_id, each.amount, each.currency, each.booking_date) in known:
            continue
        BankChange.objects.filter(line_id=each.line_id, decision=Decision.OPEN).delete()
        BankChange.objects.create(company_id=journal.company_id, kind=ChangeKind.CHANGED, **each._asdict())


def forget_changes(run_id: UUID) -> None:
    """The import that said otherwise of lines is undone: what still waits for a decision is over."""
    BankChange.objects.filter(run_id=run_id, decision=Decision.OPEN).delete()


def _take_back(change: BankChange) -> None:
    line = change.line
    if line.status == LineStatus.WITHDRAWN:
        line.status, line.status_reason = LineStatus.POSTED, ""
        line.save(update_fields=["status", "status_reason"])
        record(
            tenant_id=line.company_id,
            actor=None,
            action="line.shown_again",
            obj=line,
            sentence=f"The bank shows the line of {line.booking_date:%d %b %Y} again.",
        )
    change.delete()


@transaction.atomic
def suspect_withdrawals(journal: Journal, absent: Collection[UUID]) -> list[UUID]:
    """Count a read that should have shown these lines; returns those absent often enough to be asked for by id."""
    if not absent:
        return []
    decided = BankChange.objects.filter(line__in=list(absent), kind=ChangeKind.WITHDRAWN).exclude(
        decision=Decision.OPEN
    )
    waiting = {change.line_id: change for change in open_changes(journal)}
    doubtful: list[UUID] = []
    for line_id in sorted(set(absent) - set(decided.values_list("line_id", flat=True))):
        change = waiting.get(line_id)
        if change is None:
            BankChange.objects.create(
                company_id=journal.company_id, line_id=line_id, kind=ChangeKind.WITHDRAWN, absences=1, is_certain=False
            )
        elif change.kind == ChangeKind.WITHDRAWN and not change.is_certain:
            change.absences = min(change.absences + 1, 1_000)
            change.save(update_fields=["absences"])
            if change.absences >= ABSENCES_UNTIL_GONE:
                doubtful.append(line_id)
    return doubtful


@transaction.atomic
def note_withdrawal(line_id: UUID, *, was_found: bool) -> None:
    """The Hub was asked for the line by id: it stays posted and waits for a decision only where it is gone."""
    change = BankChange.objects.select_related("line").filter(line_id=line_id, decision=Decision.OPEN).first()
    if change is None or change.kind != ChangeKind.WITHDRAWN:
        return
    if was_found:
        change.delete()
        return
    change.is_certain = True
    change.save(update_fields=["is_certain"])
    line = change.line
    if line.status == LineStatus.POSTED:
        line.status, line.status_reason = LineStatus.WITHDRAWN, "The bank removed this transaction."
        line.save(update_fields=["status", "status_reason"])
    record(
        tenant_id=line.company_id,
        actor=None,
        action="line.withdrawn",
        obj=line,
        sentence=f"The bank removed the line of {line.booking_date:%d %b %Y}, {line.amount} {line.currency}.",
    )


# --- decisions -------------------------------------------------------------------------------------------------


@transaction.atomic
def accept_change(user: User, line_id: UUID, *, now: dt.datetime) -> Line:
    """Do what the bank did: reverse the entry, and post it again as the bank has it now, or not at all."""
    line = locked_line(user, line_id, Role.ACCOUNTANT)
    change = waiting_change(line)
    require_undecided(line)
    if change.kind == ChangeKind.CHANGED and change.currency != line.currency:
        raise Problem(
            "The bank changed the currency of this transaction.",
            what_to_do="Remove the line and import the transaction again.",
            code="currencyChanged",
        )
    before = {"amount": str(line.amount), "booking_date": line.booking_date.isoformat(), "status": line.status}
    if line.entry is not None:
        reverse_entry(line, "Changed by the bank")
    left, amount = line.statement, line.amount
    line.entry, line.statement, line.suspense_residual, line.reconciled = None, None, Decimal(0), False
    if change.kind == ChangeKind.WITHDRAWN:
        line.status, line.status_reason = LineStatus.REMOVED, WITHDRAWN_REASON
        line.save()
    else:
        assert change.amount is not None and change.booking_date is not None
        line.amount, line.booking_date, line.fingerprint = change.amount, change.booking_date, change.fingerprint
        line.order_date = line.journal.accounting_day(line.booking_date, line.value_date)
        line.company_amount, line.foreign_amount, line.foreign_currency = None, None, ""
        book_held_line(line)
    decide(change, Decision.ACCEPTED, now)
    # ``book_held_line`` has stored the line without its statement.
    carry_on_without(left, amount)
    group_lines(line.journal, today=line.journal.today(now))
    line.refresh_from_db()
    record(
        tenant_id=line.company_id,
        actor=user,
        action="change.accepted",
        obj=line,
        sentence=f"The bank's change was accepted: {before['amount']} of {before['booking_date']} is now "
        f"{line.amount} {line.currency} of {line.booking_date.isoformat()}, {line.get_status_display()}.",
        before=before,
        after={"amount": str(line.amount), "booking_date": line.booking_date.isoformat(), "status": line.status},
    )
    return line


@transaction.atomic
def ignore_change(user: User, line_id: UUID, *, now: dt.datetime) -> Line:
    """Leave the line as it is; the same change is never asked about again."""
    line = locked_line(user, line_id, Role.ACCOUNTANT)
    change = waiting_change(line)
    if line.status == LineStatus.WITHDRAWN:
        line.status, line.status_reason = LineStatus.POSTED, ""
        line.save(update_fields=["status", "status_reason"])
    decide(change, Decision.IGNORED, now)
    record(
        tenant_id=line.company_id,
        actor=user,
        action="change.ignored",
        obj=line,
        sentence=f"The bank's change of the line of {line.booking_date:%d %b %Y} was ignored.",
    )
    return line


def waiting_change(line: Line) -> BankChange:
    """What waits for a decision about a line. Raises Problem ``nothingToDecide``."""
    change = BankChange.objects.filter(line=line, decision=Decision.OPEN, is_certain=True).first()
    if change is None:
        raise Problem("No change waits for a decision.", what_to_do="Reload the page.", code="nothingToDecide")
    return change


def decide(change: BankChange, decision: Decision, now: dt.datetime) -> None:
    """Keep what a person decided."""
    change.decision, change.decided_at = decision, now
    change.save(update_fields=["decision", "decided_at"])
