"""Posting entries. The database refuses what does not balance when the transaction commits (books.md I-1)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from nostro.books.companies.models import Company, LockType
from nostro.books.ledger.bulk import copy_rows
from nostro.books.ledger.models import Entry, EntryItem
from nostro.core.text import clean
from nostro.web.errors import Problem


@dataclass(frozen=True, slots=True)
class Side:
    """One side of an entry, debit +, credit −: ``amount`` in the company's currency, ``amount_currency`` in
    ``currency``. ``is_open`` makes it an open item with the whole amount as residual; ``analytic`` may say what it is
    for."""

    account_id: UUID
    amount: Decimal
    currency: str
    amount_currency: Decimal
    partner_id: UUID | None = None
    due_date: dt.date | None = None
    label: str = ""
    is_open: bool = False
    analytic: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry that is not stored yet, and its items."""

    entry: Entry
    items: tuple[EntryItem, ...]


def draft_entry(
    company: Company,
    *,
    kind: str,
    date: dt.date,
    label: str,
    sides: Sequence[Side],
    journal_id: UUID | None = None,
    reverses: Entry | None = None,
) -> Draft:
    """Build an entry and its items; :func:`post` stores it."""
    entry = Entry(company_id=company.id, kind=kind, date=date, label=label, journal_id=journal_id, reverses=reverses)
    return Draft(entry, tuple(item_of(entry, side) for side in sides))


def item_of(entry: Entry, side: Side) -> EntryItem:
    """An item of ``entry`` for one side, not stored yet."""
    return EntryItem(
        company_id=entry.company_id,
        entry_id=entry.id,
        account_id=side.account_id,
        partner_id=side.partner_id,
        date=entry.date,
        due_date=side.due_date,
        label=side.label or entry.label,
        analytic=side.analytic and clean(side.analytic, 60),
        amount=side.amount,
        currency=side.currency,
        amount_currency=side.amount_currency,
        residual=side.amount if side.is_open else None,
        residual_currency=side.amount_currency if side.is_open else None,
    )


def post(drafts: Iterable[Draft]) -> None:
    """Store entries and items in two statements, in the caller's transaction."""
    drafts = list(drafts)
    copy_rows([draft.entry for draft in drafts])
    copy_rows([item for draft in drafts for item in draft.items])


def set_residuals(residuals: Mapping[UUID, tuple[Decimal, Decimal]]) -> None:
    """What is left of open items that the caller has locked: in the item's currency, and in the company's."""
    if not residuals:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE ledger_entryitem SET residual_currency = new.own, residual = new.company
               FROM unnest(%s::uuid[], %s::numeric[], %s::numeric[]) AS new(id, own, company)
               WHERE ledger_entryitem.id = new.id""",
            [list(residuals), [own for own, _ in residuals.values()], [company for _, company in residuals.values()]],
        )


def change_items(amounts: Mapping[UUID, tuple[Decimal, Decimal]], *, delete: Sequence[UUID] = ()) -> None:
    """Give items of an entry other amounts (the company's currency, their own), or take them out of it.

    For the suspense item and the counterparts of a bank entry in edit mode only (books.md 14.3); the database sees to
    it that each entry still balances.
    """
    with connection.cursor() as cursor:
        if amounts:
            values = amounts.values()
            cursor.execute(
                """UPDATE ledger_entryitem SET amount = new.amount, amount_currency = new.own
                   FROM unnest(%s::uuid[], %s::numeric[], %s::numeric[]) AS new(id, amount, own)
                   WHERE ledger_entryitem.id = new.id""",
                [list(amounts), [amount for amount, _ in values], [own for _, own in values]],
            )
        if delete:
            cursor.execute("DELETE FROM ledger_entryitem WHERE id = ANY(%s)", [list(delete)])


def reversal_of(company: Company, entry: Entry) -> Draft:
    """A draft that takes back ``entry``, on its day or the first open one after it (books.md 14.6)."""
    date = first_open_day(company, entry.date)
    sides = sides_against(entry)
    return draft_entry(company, kind="reversal", date=date, label=entry.label, sides=sides, reverses=entry)


def sides_against(entry: Entry) -> list[Side]:
    """What takes back ``entry``, in the order of its items; nothing of it is open."""
    return [
        Side(
            item.account_id,
            -item.amount,
            item.currency,
            -item.amount_currency,
            item.partner_id,
            label=item.label,
            analytic=item.analytic,
        )
        for item in EntryItem.objects.filter(entry=entry).order_by("id")
    ]


class Lock(NamedTuple):
    """A lock in force: the last day it covers, and its name as a sentence begins with it."""

    until: dt.date
    name: str


_NAMES = {
    LockType.ALL: "The books",
    LockType.HARD: "The books",
    LockType.SALES: "Sales",
    LockType.PURCHASES: "Purchases",
    LockType.BANK: "Bank entries",
}


def hold_locks(company: Company) -> None:
    """Read the company's locks anew and hold them: who moves one waits until the caller's transaction is over, so what
    is dated by them is not refused when it is stored (books.md I-15)."""
    columns = [str(kind) for kind in LockType]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(columns)} FROM companies_company WHERE id = %s FOR SHARE",  # noqa: S608
            [company.id],
        )
        for column, day in zip(columns, cursor.fetchone(), strict=True):
            setattr(company, column, day)


def lock_for(company: Company, kind: LockType | None = None) -> Lock | None:
    """The latest lock that an entry meets: those of all entries, and the one of its ``kind`` (books.md 14.4)."""
    kinds = [LockType.HARD, LockType.ALL, *([kind] if kind else [])]
    locks = [Lock(day, _NAMES[each]) for each in kinds if (day := getattr(company, each)) is not None]
    return max(locks, key=lambda lock: lock.until, default=None)


def lock_of(company: Company, kind: LockType | None = None) -> dt.date | None:
    """The last locked day for entries of a kind; without one, for entries that have none."""
    lock = lock_for(company, kind)
    return lock and lock.until


def require_open(company: Company, date: dt.date, kind: LockType | None = None) -> None:
    """Raises :class:`Problem` D-LOCKED for a date on or before a lock."""
    lock = lock_for(company, kind)
    if lock is not None and date <= lock.until:
        raise Problem(
            f"{lock.name} are locked until {lock.until:%d %b %Y}.",
            what_to_do="Use a later date, or ask an accountant to move the lock.",
            code="D-LOCKED",
            field="date",
        )


def first_open_day(company: Company, date: dt.date, kind: LockType | None = None) -> dt.date:
    """``date``, or the day after the lock where ``date`` is locked (books.md 14.4)."""
    locked = lock_of(company, kind)
    return date if locked is None or date > locked else locked + dt.timedelta(days=1)
