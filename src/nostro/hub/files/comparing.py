"""Compares the staged rows of one account with the stored ones, in stretches of days (formats.md 8).

The same walk serves the preview, which only counts, and the import, which writes what it finds after each stretch.
What the rows are is decided by ``nostro.core.identity.file_comparison``.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from django.db import connection

from nostro.core.identity.file_comparison import Compared, FileComparison, RowOfStatement, Shown, StatementFacts
from nostro.core.identity.file_rows import ALIKE_DAYS, HeldRow, RowOfFile, StoredState, StoredTransaction
from nostro.core.ids import new_id
from nostro.hub.accounts.filling import Shown as ShownRow
from nostro.hub.accounts.from_files import Placed, StoredForFiles, rows_per_day, stored_for_files
from nostro.hub.accounts.models import Account
from nostro.hub.files.limits import STRETCH_ROWS
from nostro.hub.files.models import FileAccount, FileStatement

_AROUND = dt.timedelta(days=ALIKE_DAYS)


class Seen(NamedTuple):
    """A statement showed a transaction, as its ``number``-th row of the file and under this fingerprint."""

    statement_id: uuid.UUID
    transaction_id: uuid.UUID
    number: int
    fingerprint: str


@dataclass(slots=True)
class Found:
    """What one stretch, or the whole file, means for an account."""

    new: int = 0
    known: int = 0
    restored: int = 0
    held: int = 0
    not_shown: int = 0
    held_sum: Decimal = Decimal(0)
    held_rows: list[HeldRow] = field(default_factory=list)

    def add(self, other: Found) -> None:
        self.new += other.new
        self.known += other.known
        self.restored += other.restored
        self.held += other.held
        self.not_shown += other.not_shown
        self.held_sum += other.held_sum
        self.held_rows += other.held_rows


@dataclass(slots=True)
class Stretch:
    """What is to be written of one stretch."""

    placed: list[Placed] = field(default_factory=list)
    restored: list[uuid.UUID] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    #: Stored rows that the file shows too, and the staged row that may fill what is empty in them.
    shown: list[ShownRow] = field(default_factory=list)
    #: The change of the account's sums.
    days: list[tuple[dt.date, Decimal]] = field(default_factory=list)


class _Staged(NamedTuple):
    id: uuid.UUID
    statement_id: uuid.UUID
    row: RowOfFile


def compare(
    file_account: FileAccount,
    account: Account | None,
    *,
    add_held: bool,
    write: Callable[[Stretch, Found], None] | None = None,
) -> Found:
    """Compare all rows of one account of a file; ``account`` None is one that would be added.

    ``write`` is called after each stretch, in the order of the days, and must store it.
    """
    total = Found()
    statements = {
        each.pk: each
        for each in FileStatement.objects.filter(file_account=file_account, left_out=False).order_by("index")
    }
    stretches = list(_stretches(file_account, account))
    for first, last in stretches:
        staged = _staged_between(file_account, first, last)
        # Beyond the file's own days there may be rows that look like its first and last ones.
        since = first - _AROUND if (first, last) == stretches[0] else first
        until = last + _AROUND if (first, last) == stretches[-1] else last
        comparison = _comparison(account, statements, since, until, add_held=add_held)
        rows = [RowOfStatement(each.statement_id, each.row) for each in staged]
        stretch, found = _result(comparison.compare(rows), staged)
        if write is not None:
            write(stretch, found)
        total.add(found)
    return total


def _stretches(file_account: FileAccount, account: Account | None) -> Iterator[tuple[dt.date, dt.date]]:
    """Days, oldest first, of at most :data:`STRETCH_ROWS` staged and as many stored rows; a day is never split."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT booking_date, count(*) FROM files_stagedrow WHERE file_id = %s AND standing = 'booked'"
            " AND statement_id IN (SELECT id FROM files_filestatement WHERE file_account_id = %s AND NOT left_out)"
            " GROUP BY 1 ORDER BY 1",
            [file_account.file_id, file_account.pk],
        )
        days: dict[dt.date, int] = dict(cursor.fetchall())
    if not days:
        return
    stored = rows_per_day(account, min(days), max(days)) if account else {}
    first, last, rows = None, None, 0
    for day in sorted(days.keys() | stored.keys()):
        here = max(days.get(day, 0), stored.get(day, 0))
        if first is not None and last is not None and rows + here > STRETCH_ROWS:
            yield first, last
            first, rows = None, 0
        first, last, rows = first or day, day, rows + here
    if first is not None and last is not None:
        yield first, last


def _staged_between(file_account: FileAccount, first: dt.date, last: dt.date) -> list[_Staged]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.id, s.statement_id, s.number, s.booking_date, s.amount, s.currency,"
            " encode(s.fingerprint, 'hex'), coalesce(s.entry_reference, ''), s.own_id FROM files_stagedrow s"
            " JOIN files_filestatement t ON t.id = s.statement_id"
            " WHERE s.file_id = %s AND t.file_account_id = %s AND NOT t.left_out"
            " AND s.standing = 'booked' AND s.booking_date BETWEEN %s AND %s"
            " ORDER BY t.index, s.number",
            [file_account.file_id, file_account.pk, first, last],
        )
        return [_Staged(values[0], values[1], RowOfFile(*values[2:])) for values in cursor.fetchall()]


def _comparison(
    account: Account | None,
    statements: dict[uuid.UUID, FileStatement],
    first: dt.date,
    last: dt.date,
    *,
    add_held: bool,
) -> FileComparison:
    """What is stored of these days, ready to be compared."""
    stored: list[StoredTransaction] = []
    shown: dict[uuid.UUID, list[Shown]] = {}
    fed: set[uuid.UUID] = set()
    if account is not None:
        sightings, undone = _sightings(account, first, last)
        for row in stored_for_files(account, first, last):
            mine = sightings.get(row.id, [])
            aliases = tuple(sorted({fingerprint for _, fingerprint in mine} - {row.fingerprint}))
            state = _state(row, undone.get(row.id, set()))
            stored.append(
                StoredTransaction(
                    row.id, row.booking_date, row.amount, row.currency, row.fingerprint, row.occurrence,
                    row.entry_reference or "", aliases, state,
                )
            )  # fmt: skip
            shown[row.id] = [each for each, _ in mine]
            if row.is_fed or not mine:
                fed.add(row.id)
    earlier = {each.statement_id for all_ in shown.values() for each in all_} - statements.keys()
    known = (*statements.values(), *FileStatement.objects.in_bulk(earlier).values())
    return FileComparison(
        map(_facts, known),
        stored,
        shown,
        fed,
        read_by_feed=lambda day: _read_by_feed(account, day),
        add_held=add_held,
        new_ids=lambda number: sorted(new_id() for _ in range(number)),
    )


def _facts(each: FileStatement) -> StatementFacts:
    return StatementFacts(
        each.pk, each.proof == "proved", each.opening, each.closing, each.first_day, each.last_day,
        each.complete_from, each.complete_to,
    )  # fmt: skip


def _read_by_feed(account: Account | None, day: dt.date) -> bool:
    """Days that the account's connection read to their end."""
    if account is None or account.covered_from is None or account.covered_to is None:
        return False
    return account.covered_from <= day < account.covered_to


def _result(compared: Compared, staged: Sequence[_Staged]) -> tuple[Stretch, Found]:
    """What is to be written, and what a person is told."""
    ids = {each.row.number: each.id for each in staged}
    added = {each.id for each in compared.added}
    stretch = Stretch(
        [Placed(ids[each.row.number], each.id, each.ordinal) for each in compared.added],
        [stored.id for _, stored in compared.restored],
        [Seen(each.statement_id, row_id, each.row.number, each.row.fingerprint) for each, row_id in compared.seen],
        # What was written from the stored row itself has nothing to add to it.
        [
            ShownRow(row_id, ids[each.row.number])
            for each, row_id in compared.seen
            if row_id not in added and row_id != each.row.own_id
        ],
        [
            *((each.row.booking_date, each.row.amount) for each in compared.added),
            *((row.booking_date, row.amount) for row, _ in compared.restored),
        ],
    )
    held = (each.row.amount for each in compared.held if each.reason != "withdrawn")
    found = Found(
        len(compared.added),
        compared.known,
        len(compared.restored),
        len(compared.held),
        len(compared.not_shown),
        sum(held, Decimal(0)),
        compared.held,
    )
    return stretch, found


def _state(row: StoredForFiles, undone: set[dt.datetime | None]) -> StoredState:
    if row.removed_at is None:
        return "live"
    if row.same_as is not None:
        return "set_aside"
    return "undone" if row.removed_at in undone else "withdrawn"


def _sightings(
    account: Account, first: dt.date, last: dt.date
) -> tuple[dict[uuid.UUID, list[tuple[Shown, str]]], dict[uuid.UUID, set[dt.datetime | None]]]:
    """What statements showed of the rows of these days, and when the imports of those that no longer count ended."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.transaction_id, s.statement_id, s.number, encode(s.fingerprint, 'hex'), f.undone_at"
            " FROM accounts_transaction x JOIN files_sighting s ON s.transaction_id = x.id"
            " JOIN files_filestatement t ON t.id = s.statement_id JOIN files_fileimport f ON f.id = t.file_id"
            " WHERE x.account_id = %s AND x.booking_date BETWEEN %s AND %s",
            [account.pk, first, last],
        )
        rows = cursor.fetchall()
    live: dict[uuid.UUID, list[tuple[Shown, str]]] = defaultdict(list)
    undone: dict[uuid.UUID, set[dt.datetime | None]] = defaultdict(set)
    for transaction_id, statement_id, number, fingerprint, undone_at in rows:
        if undone_at is None:
            live[transaction_id].append((Shown(statement_id, number), fingerprint))
        else:
            undone[transaction_id].add(undone_at)
    return live, undone
