"""Booked rows of one read become stored transactions, in one database transaction (connectors.md 1.10).

``nostro.core.identity`` decides what is new, known, changed and gone; this module fetches the stored rows it needs and
writes what it decided. A read of many rows is compared in stretches of days, so that memory stays flat however long
the account's history is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, Sum

from nostro.core.identity import (
    MatchResult,
    ReadRow,
    ReadWarning,
    ReferencePolicy,
    StoredRow,
    match,
)
from nostro.core.transactions import BankRow, Window
from nostro.hub.accounts.changes import (
    add_new,
    bring_back,
    is_stale,
    mark_absent,
    refresh_known,
    remove_gone,
    write_modified,
)
from nostro.hub.accounts.models import Account, Transaction
from nostro.hub.accounts.rows import ReadPage
from nostro.hub.accounts.stored import Store, stored_between, stored_with_references_outside

#: Rows, read or stored, that are compared at once.
STRETCH_ROWS = 20_000
#: Stored rows that one read may fail to show and that are still looked for on other days.
MAX_MOVED_ROWS = 20_000
_FIRST_DAY, _LAST_DAY = date.min, date.max


@dataclass(frozen=True, slots=True)
class Counts:
    """What one read changed. ``missing`` rows were absent from this read for the first time."""

    created: int = 0
    updated: int = 0
    removed: int = 0
    restored: int = 0
    known: int = 0
    missing: int = 0
    warnings: tuple[ReadWarning, ...] = ()

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.created + other.created,
            self.updated + other.updated,
            self.removed + other.removed,
            self.restored + other.restored,
            self.known + other.known,
            self.missing + other.missing,
            (*self.warnings, *other.warnings)[:100],
        )


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Days that are compared at once, both ends included. The first one takes the rows without a date."""

    first: date
    last: date
    undated: bool

    def holds(self, day: date | None) -> bool:
        return self.undated if day is None else self.first <= day <= self.last


@dataclass(slots=True)
class _Read:
    """One read of one account and what is needed to compare it."""

    account: Account
    pages: Sequence[ReadPage]
    policy: ReferencePolicy
    source: str
    window: Window | None
    complete: bool
    synchronization_id: UUID
    now: datetime
    #: Stored rows that the read does not show on their own day: a row that changed its day may be one of them.
    moved: dict[UUID, StoredRow] = field(default_factory=dict)
    #: Stored rows that no stretch has shown so far: missed for the first time, and for the second.
    absent: set[UUID] = field(default_factory=set)
    gone: set[UUID] = field(default_factory=set)

    def rows(self, stretch: _Stretch) -> tuple[list[BankRow], list[UUID | None]]:
        """The read rows of these days, and for each the raw answer it came from."""
        rows: list[BankRow] = []
        origins: list[UUID | None] = []
        for page in self.pages:
            if any(map(stretch.holds, page.days)):
                for row in page.rows():
                    if stretch.holds(row.booking_date):
                        rows.append(row)
                        origins.append(page.raw_answer_id)
        return rows, origins


def apply_booked(
    account: Account,
    pages: Sequence[ReadPage],
    *,
    policy: ReferencePolicy,
    source: str,
    window: Window | None,
    complete: bool,
    synchronization_id: UUID,
    now: datetime,
) -> Counts:
    """Store the booked rows of one read of ``account`` and say what changed.

    ``source`` names the connector whose ``policy`` this is. ``complete`` says that the chain of pages over ``window``
    reached its end; an incomplete read only adds rows. Applying the same read again changes nothing, except that two
    complete reads without a row remove it: so call this once per read, in the transaction that ends the run.
    """
    read = _Read(account, pages, policy, source, window, complete, synchronization_id, now)
    # An error ends the caller's transaction too, so there is no need to be able to go back to here.
    with transaction.atomic(savepoint=False):
        lock_account(account)
        counts = Counts()
        stretches = list(_stretches(read))
        if len(stretches) > 1 and complete and _has_rows(account):
            counts, stretches = _look_ahead(read, stretches)
        for stretch in stretches:
            counts += _apply_stretch(read, stretch)
        counts += _end_missing(read)
        if counts.created or counts.updated or counts.restored or counts.removed:
            count_rows(account)
    return counts


def undo_removal(account: Account, transaction_id: UUID, *, synchronization_id: UUID, now: datetime) -> bool:
    """Bring a tombstone back because a person says the bank is wrong; False if the row is no tombstone.

    Reads that go on not showing the row remove it no more; once the bank shows it again, it is a row like any other.
    ``synchronization_id`` names the cause in the row's history.
    """
    with transaction.atomic():
        lock_account(account)
        if not bring_back(account, transaction_id, synchronization_id, now):
            return False
        count_rows(account)
    return True


def lock_account(account: Account) -> None:
    """Wait for other writers of this account's rows, to the end of the transaction."""
    Account.objects.select_for_update(no_key=True).only("id").get(pk=account.pk)


def count_rows(account: Account) -> None:
    """Keep number and sum of the booked rows at the account, so that proofs and pages need not add them up."""
    live = Transaction.objects.filter(account=account, removed_at=None)
    figures = live.aggregate(number=Count("id"), total=Sum("amount"))
    account.transaction_count = figures["number"]
    account.booked_total = figures["total"] or Decimal(0)
    account.save(update_fields=["transaction_count", "booked_total"])


def _stretches(read: _Read) -> Iterator[_Stretch]:
    """Split all days into stretches of at most :data:`STRETCH_ROWS` read rows and as many stored ones, oldest first.

    A single day is never split, because equal rows of a day are counted.
    """
    rows_of_day: Counter[date] = Counter()
    for page in read.pages:
        for day, number in page.days.items():
            rows_of_day[day or _FIRST_DAY] += number
    if max(rows_of_day.total(), read.account.transaction_count) > STRETCH_ROWS:
        for day, number in _stored_days(read):
            rows_of_day[day or _FIRST_DAY] = max(rows_of_day[day or _FIRST_DAY], number)
    first, in_stretch = _FIRST_DAY, 0
    for day in sorted(rows_of_day):
        if in_stretch and in_stretch + rows_of_day[day] > STRETCH_ROWS:
            yield _Stretch(first, day - timedelta(days=1), undated=first == _FIRST_DAY)
            first, in_stretch = day, 0
        in_stretch += rows_of_day[day]
    yield _Stretch(first, _LAST_DAY, undated=first == _FIRST_DAY)


def _stored_days(read: _Read) -> list[tuple[date | None, int]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT booking_date, count(*) FROM accounts_transaction"
            " WHERE account_id = %s AND booking_date BETWEEN %s AND %s GROUP BY booking_date",
            [read.account.pk, *_asked_days(read)],
        )
        days: list[tuple[date | None, int]] = cursor.fetchall()
        return days


def _asked_days(read: _Read) -> tuple[date, date]:
    return (read.window.date_from, read.window.date_to) if read.window else (_FIRST_DAY, _LAST_DAY)


def _has_rows(account: Account) -> bool:
    return Transaction.objects.filter(account=account).exists()


def _look_ahead(read: _Read, stretches: Sequence[_Stretch]) -> tuple[Counts, list[_Stretch]]:
    """Find the stored rows that no row of their own stretch explains, before anything is written.

    Returns the stretches that are left to apply, and what the others counted: where every row is known and nothing
    is to be written, no row of another day can change that.
    """
    counts, left = Counts(), []
    for stretch in stretches:
        bank_rows, _ = read.rows(stretch)
        rows, stored = _identified(read, stretch, bank_rows)
        result = _match(read, rows, stored)
        for row in (*result.absent_once, *result.gone):
            if len(read.moved) < MAX_MOVED_ROWS:
                read.moved[row.id] = row
        if _changes_nothing(result):
            counts += Counts(known=len(result.known), warnings=result.warnings)
        else:
            left.append(stretch)
    return counts, left


def _changes_nothing(result: MatchResult) -> bool:
    return not (
        result.new
        or result.modified
        or result.deferred
        or result.absent_once
        or result.gone
        or any(map(is_stale, result.known))
    )


def _apply_stretch(read: _Read, stretch: _Stretch) -> Counts:
    bank_rows, origins = read.rows(stretch)
    rows, stored = _identified(read, stretch, bank_rows)
    result = _match(read, rows, stored)
    elsewhere = [row for row in read.moved.values() if not stretch.holds(row.booking_date)]
    elsewhere += _same_reference_outside(read, result, stored)
    if elsewhere and result.new:
        result = _match(read, rows, [*stored, *elsewhere])
    result = _only_of_stretch(result, stretch, elsewhere)
    for found in (*(row.stored for row in result.modified), *(row.stored for row in result.known)):
        if read.moved.pop(found.id, None):
            read.absent.discard(found.id)
            read.gone.discard(found.id)
    read.absent.update(row.id for row in result.absent_once)
    read.gone.update(row.id for row in result.gone)
    return _write(read, result, {id(row): origin for row, origin in zip(rows, origins, strict=True)})


def _match(read: _Read, rows: Sequence[ReadRow], stored: Sequence[StoredRow]) -> MatchResult:
    return match(rows, stored, complete=read.complete, policy=read.policy, window=read.window)


def _only_of_stretch(result: MatchResult, stretch: _Stretch, elsewhere: Sequence[StoredRow]) -> MatchResult:
    """Whether a row of another stretch is missing is decided there."""
    if not elsewhere:
        return result
    return replace(
        result,
        absent_once=tuple(row for row in result.absent_once if stretch.holds(row.booking_date)),
        gone=tuple(row for row in result.gone if stretch.holds(row.booking_date)),
    )


def _identified(read: _Read, stretch: _Stretch, bank_rows: Sequence[BankRow]) -> tuple[list[ReadRow], list[StoredRow]]:
    """The read rows of a stretch and the stored ones they may be, both reduced to their identity."""
    store = _stored_rows(read, stretch, bank_rows)
    return [store.identify(row, read.policy, read.source) for row in bank_rows], store.rows


def _stored_rows(read: _Read, stretch: _Stretch, rows: Sequence[BankRow]) -> Store:
    """Every stored row of these days that was asked for or shares its day with a read row."""
    first, last = _asked_days(read)
    days = {row.booking_date for row in rows if row.booking_date is not None}
    first = max(stretch.first, min([first, *days]))
    last = min(stretch.last, max([last, *days]))
    undated = stretch.undated and (read.window is None or any(row.booking_date is None for row in rows))
    return stored_between(read.account, first, last, undated=undated, policy=read.policy, source=read.source)


def _same_reference_outside(read: _Read, result: MatchResult, stored: Sequence[StoredRow]) -> list[StoredRow]:
    """Stored rows of days that were not asked for and that have a reference of a row that seems new."""
    references = [reference for new in result.new for reference in new.row.references if reference]
    if not references or read.window is None or not _has_rows(read.account):
        return []
    have = {row.id for row in stored}
    found = stored_with_references_outside(
        read.account,
        references,
        read.window.date_from,
        read.window.date_to,
        MAX_MOVED_ROWS,
        policy=read.policy,
        source=read.source,
    )
    return [row for row in found if row.id not in have and row.id not in read.moved]


def _write(read: _Read, result: MatchResult, origins: dict[int, UUID | None]) -> Counts:
    account, run, now = read.account, read.synchronization_id, read.now
    updated, moved_back = write_modified(account, result.modified, origins, run, now)
    created = add_new(account, result.new, origins, run, now)
    restored = refresh_known(account, result.known, run, now)
    return Counts(
        created=created,
        updated=updated,
        restored=restored + moved_back,
        known=len(result.known) - restored,
        warnings=result.warnings,
    )


def _end_missing(read: _Read) -> Counts:
    """Only now is it known that no other day shows them."""
    mark_absent(read.account, read.absent)
    removed = remove_gone(read.account, read.gone, read.synchronization_id, read.now)
    return Counts(removed=removed, missing=len(read.absent))
