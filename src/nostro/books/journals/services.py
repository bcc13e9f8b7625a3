"""Verbs on journals and single lines."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from nostro.books.companies.models import Company, LockType, Role
from nostro.books.companies.queries import require_role
from nostro.books.journals.grouping import carry_on_without, group_lines
from nostro.books.journals.importing import LineValues, NewLine, book_held_line, import_lines
from nostro.books.journals.models import (
    Feed,
    Journal,
    JournalKind,
    Line,
    LineStatus,
    NotDuplicate,
    Source,
    Statement,
)
from nostro.books.journals.queries import access_journal, access_line
from nostro.books.ledger.chart import account_for, new_bank_account
from nostro.books.ledger.models import EntryItem, Purpose
from nostro.books.ledger.posting import Side, draft_entry, first_open_day, post
from nostro.core.account_keys import normalise_account_number
from nostro.core.identity import books_fingerprint
from nostro.core.money import MoneyError, parse_currency, to_minor_units
from nostro.core.text import clean
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem


@transaction.atomic
def create_journal(
    user: User | None,
    company: Company,
    *,
    name: str,
    currency: str,
    kind: str = JournalKind.BANK,
    code: str = "",
    account_number: str = "",
    bank_name: str = "",
    bic: str = "",
) -> Journal:
    """A journal with its own bank account in the ledger and the company's suspense account.

    Without ``code`` the next free one is taken (BNK1, CARD1, …). Raises :class:`Problem` for a taken code or account
    number, an unknown currency or a missing suspense account.
    """
    Company.objects.select_for_update(no_key=True).get(pk=company.pk)
    name, number = clean(name, 100), normalise_account_number(account_number)
    if not name:
        raise Problem("The journal has no name.", what_to_do="Type a name.", code="nameMissing", field="name")
    try:
        currency = parse_currency(currency)
    except MoneyError:
        raise Problem(
            "This is no currency.", what_to_do="Use three letters.", code="currencyUnknown", field="currency"
        ) from None
    _refuse_taken(company, number, currency)
    suspense = account_for(company, Purpose.SUSPENSE)
    is_card = kind == JournalKind.CREDIT_CARD
    journal = Journal.objects.create(
        company=company,
        name=name,
        code=_free_code(company, code, "CARD" if is_card else "BNK"),
        kind=JournalKind.CREDIT_CARD if is_card else JournalKind.BANK,
        currency=currency,
        account_number=number[:70],
        bank_name=clean(bank_name, 200),
        bic=clean(bic, 11),
        bank_account=new_bank_account(company, name, currency, credit_card=is_card),
        suspense_account=suspense,
    )
    record(
        tenant_id=company.id,
        actor=user,
        action="journal.created",
        obj=journal,
        sentence=f"Journal {journal.code} {name} in {currency} was created.",
    )
    return journal


def _refuse_taken(company: Company, number: str, currency: str) -> None:
    if (
        number
        and Journal.objects.filter(company=company, account_number=number, currency=currency, active=True).exists()
    ):
        raise Problem(
            "There is a journal for this account number and currency.",
            what_to_do="Use the existing journal.",
            code="journalExists",
            field="account_number",
        )


def _free_code(company: Company, wanted: str, prefix: str) -> str:
    taken = set(Journal.objects.filter(company=company).values_list("code", flat=True))
    code = re.sub(r"[^A-Z0-9]", "", wanted.upper())[:8]
    if code in taken:
        raise Problem(f"The code {code} is taken.", what_to_do="Choose another code.", code="codeTaken", field="code")
    return code or next(free for n in range(1, 10_000) if (free := f"{prefix}{n}") not in taken)


def set_feed(journal: Journal, feed: Feed) -> None:
    """Set "Bank Feeds" of a journal (books.md 4)."""
    Journal.objects.filter(pk=journal.pk).update(feed=feed)
    journal.feed = feed


@transaction.atomic
def add_manual_line(
    user: User,
    journal_id: UUID,
    *,
    date: dt.date,
    amount: Decimal,
    label: str,
    counterparty_name: str = "",
    now: dt.datetime,
) -> Line:
    """Type a bank transaction by hand. The feed's line of the same fingerprint will be held, never doubled."""
    journal = access_journal(user, journal_id, role=Role.CLERK)
    if not amount:
        raise Problem("The amount is zero.", what_to_do="Type an amount.", code="amountInvalid", field="amount")
    try:
        to_minor_units(amount, journal.currency)
    except MoneyError as error:
        raise Problem(
            str(error).capitalize() + ".", what_to_do="Correct it.", code="amountInvalid", field="amount"
        ) from None
    if date > journal.today(now):
        raise Problem(
            "The date is in the future.", what_to_do="Use today or an earlier day.", code="dateInFuture", field="date"
        )
    label = clean(label)
    fingerprint = books_fingerprint(
        reference=journal.account_number, currency=journal.currency, booking_date=date, amount=amount, remittance=label
    )
    Journal.objects.select_for_update().get(pk=journal.pk)
    occurrence = Line.objects.filter(journal=journal, fingerprint=fingerprint).count() + 1
    values = LineValues(
        booking_date=date,
        value_date=date,
        amount=amount,
        currency=journal.currency,
        label=label,
        remittance_text=label,
        counterparty_name=clean(counterparty_name, 280),
    )
    new = NewLine(values, Source.MANUAL, fingerprint, occurrence)
    (made,) = import_lines(journal, [new], identity="", run_id=None, today=journal.today(now), actor=user)
    return Line.objects.get(pk=made.id)


@transaction.atomic
def remove_line(user: User, line_id: UUID, *, reason: str, now: dt.datetime) -> Line:
    """Make a tombstone of an unreconciled line: its entry is reversed, its ids stay, a fetch never brings it back.

    ``reason`` is kept; the word "duplicate" as reason tells the balance proof that the bank has it only once.
    """
    line = locked_line(user, line_id)
    if line.status == LineStatus.REMOVED:
        return line
    require_undecided(line)
    before = line.status
    if line.entry is not None:
        reverse_entry(line, "Removed")
    left, line.entry, line.statement = line.statement, None, None
    line.status, line.status_reason = LineStatus.REMOVED, clean(reason, 500) or "removed"
    line.suspense_residual, line.reconciled = Decimal(0), False
    line.save()
    carry_on_without(left, line.amount)
    record(
        tenant_id=line.company_id,
        actor=user,
        action="line.removed",
        obj=line,
        sentence=f"Line of {line.booking_date:%d %b %Y}, {line.amount} {line.currency}, was removed: "
        f"{line.status_reason}.",
        before={"status": before},
        after={"status": line.status},
    )
    return line


def require_undecided(line: Line) -> None:
    """Raises :class:`Problem` for a line that is matched or lies in a confirmed statement."""
    if line.entry_id and line.suspense_residual != line.amount:
        raise Problem("This line is reconciled.", what_to_do="Undo its match first.", code="lineReconciled")
    if line.statement is not None and line.statement.confirmed_at:
        raise Problem(
            "The statement of this line is confirmed.", what_to_do="Reopen the statement.", code="statementConfirmed"
        )


@transaction.atomic
def restore_line(user: User, line_id: UUID, *, now: dt.datetime) -> Line:
    """Take a removal back: the line is posted again, once."""
    line = locked_line(user, line_id)
    if line.status != LineStatus.REMOVED:
        return line
    post_held(line, user, "line.restored", now)
    return line


@transaction.atomic
def keep_both(user: User, line_id: UUID, *, now: dt.datetime) -> Line:
    """A held possible duplicate is a transaction of its own: post it, and never suggest the pair again."""
    line = locked_line(user, line_id)
    if line.status == LineStatus.HELD_DUPLICATE:
        if line.duplicate_of_id is not None:
            first, second = sorted([line.id, line.duplicate_of_id])
            NotDuplicate.objects.get_or_create(company_id=line.company_id, first_id=first, second_id=second)
        line.duplicate_of = None
        post_held(line, user, "line.kept", now)
    return line


@transaction.atomic
def merge_duplicate(user: User, line_id: UUID, *, now: dt.datetime) -> Line:
    """The held line is the line it resembles: its ids and details go there, its own row ends (books.md 11.2).

    Returns the line that stays, with its matches as they were.
    """
    held = locked_line(user, line_id)
    if held.status != LineStatus.HELD_DUPLICATE or held.duplicate_of_id is None:
        raise Problem("This line is not held as a duplicate.", what_to_do="Reload the page.", code="lineNotHeld")
    kept = Line.objects.select_for_update().get(pk=held.duplicate_of_id)
    if kept.status == LineStatus.REMOVED:
        raise Problem(
            "The line that this one may be was removed.",
            why="A line merged into a removed one would be lost.",
            what_to_do="Keep both, or restore the removed line first.",
            code="lineRemoved",
        )
    held.aliases.update(line=kept)
    held.pending_lines.update(line=kept)
    filled = [name for name in DETAILS if getattr(held, name) and not getattr(kept, name)]
    for name in filled:
        setattr(kept, name, getattr(held, name))
    changed = list(filled)
    if kept.source == Source.MANUAL:
        # From now on it is the bank's, which may show it again under another id.
        kept.fingerprint, kept.occurrence = held.fingerprint, held.occurrence
        changed += ["fingerprint", "occurrence"]
    kept.save(update_fields=changed)
    record(
        tenant_id=kept.company_id,
        actor=user,
        action="line.merged",
        obj=kept,
        sentence=f"The bank's line of {held.booking_date:%d %b %Y}, {held.amount} {held.currency}, was merged.",
        before={"held": str(held.id)},
        after={"filled": filled},
    )
    held.delete()
    return kept


#: Fields that a later answer of the bank may fill where they are empty.
DETAILS = (
    "value_date",
    "counterparty_name",
    "counterparty_account",
    "counterparty_bic",
    "structured_reference",
    "remittance_text",
    "description",
    "end_to_end_id",
    "mandate_id",
    "creditor_id",
    "purpose_code",
    "bank_code",
    "bank_reference",
    "transaction_type",
    "fee",
)


def locked_line(user: User, line_id: UUID, role: Role = Role.CLERK) -> Line:
    """The line for a person of that role, locked until the transaction ends.

    Raises :class:`Problem` where it ended while somebody else held it: merged, it is another line now.
    """
    line = access_line(user, line_id, role=role)
    held = Line.objects.select_for_update(of=("self",)).select_related("journal", "company", "entry", "statement")
    found = held.filter(pk=line.pk).first()
    if found is None:
        raise Problem(
            "This line is not there any more.",
            why="Somebody merged it with another line meanwhile.",
            what_to_do="Look at the list of lines: the other line is there.",
            code="lineGone",
        )
    return found


def post_held(line: Line, user: User | None, action: str, now: dt.datetime) -> None:
    """Post a held or removed line if nothing holds it any more, and record it."""
    book_held_line(line)
    group_lines(line.journal, today=line.journal.today(now))
    record(
        tenant_id=line.company_id,
        actor=user,
        action=action,
        obj=line,
        sentence=f"Line of {line.booking_date:%d %b %Y}, {line.amount} {line.currency}, was posted.",
        after={"status": line.status},
    )


def reverse_entry(line: Line, label: str) -> None:
    """Post the opposite of the line's entry, on the first open day."""
    entry = line.entry
    assert entry is not None
    sides = [
        Side(item.account_id, -item.amount, item.currency, -item.amount_currency, item.partner_id)
        for item in EntryItem.objects.filter(entry=entry)
    ]
    post(
        [
            draft_entry(
                line.company,
                kind="reversal",
                date=first_open_day(line.company, entry.date, LockType.BANK),
                label=f"{label}: {entry.label}",
                sides=sides,
                journal_id=entry.journal_id,
                reverses=entry,
            )
        ]
    )


@transaction.atomic
def confirm_statement(user: User, statement_id: UUID, *, now: dt.datetime) -> Statement:
    """Freeze a statement: late lines of its period go to a later one (books.md 5.2 rule 5)."""
    statement = Statement.objects.select_for_update().filter(pk=statement_id).first()
    if statement is None:
        raise NotFound("statement")
    require_role(user, statement.company_id, Role.ACCOUNTANT, "statement")
    if statement.confirmed_at is None:
        statement.confirmed_at = now
        statement.save(update_fields=["confirmed_at"])
        record(
            tenant_id=statement.company_id,
            actor=user,
            action="statement.confirmed",
            obj=statement,
            sentence=f"Statement {statement.name} was confirmed with the end {statement.computed_end}.",
        )
    return statement


@transaction.atomic
def regroup(user: User, journal_id: UUID, *, now: dt.datetime) -> None:
    """Cut all statements that are not confirmed again, by the journal's present grouping (books.md 5.2 rule 4)."""
    journal = access_journal(user, journal_id, role=Role.ACCOUNTANT)
    Journal.objects.select_for_update().get(pk=journal.pk)
    open_statements = Statement.objects.filter(journal=journal, confirmed_at=None)
    Line.objects.filter(statement__in=open_statements).update(statement=None, late=False)
    open_statements.delete()
    group_lines(journal, today=journal.today(now))
    record(
        tenant_id=journal.company_id,
        actor=user,
        action="journal.regrouped",
        obj=journal,
        sentence=f"The statements of {journal.code} were cut again: {journal.get_grouping_display()}.",
    )
