"""Compares the staged rows of one account with the stored ones, in stretches of days (formats.md 8).

The same walk serves the preview, which only counts, and the import, which writes what it finds after each stretch.
Statements of a file are compared one after the other, each with what the ones before it brought, so that a file with
overlapping statements is the same as several files.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from django.db import connection

from nostro.core.identity.file_rows import (
    DayWalk,
    HeldRow,
    RowOfFile,
    StoredState,
    StoredTransaction,
    in_common,
    match_file,
)
from nostro.core.ids import new_id
from nostro.hub.accounts.from_files import Placed, StoredForFiles, rows_per_day, stored_for_files
from nostro.hub.accounts.models import Account
from nostro.hub.files.limits import MAX_SHOWN_ROWS, STRETCH_ROWS
from nostro.hub.files.models import FileAccount, FileStatement

_ONE_DAY = dt.timedelta(days=1)


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
    #: The first new rows and the held ones, by their number in the file, for people.
    new_numbers: list[int] = field(default_factory=list)
    held_rows: list[HeldRow] = field(default_factory=list)
    not_shown_ids: list[uuid.UUID] = field(default_factory=list)

    def add(self, other: Found) -> None:
        self.new += other.new
        self.known += other.known
        self.restored += other.restored
        self.held += other.held
        self.not_shown += other.not_shown
        self.held_sum += other.held_sum
        self.new_numbers = (self.new_numbers + other.new_numbers)[:MAX_SHOWN_ROWS]
        self.not_shown_ids = (self.not_shown_ids + other.not_shown_ids)[:MAX_SHOWN_ROWS]
        self.held_rows += other.held_rows


@dataclass(slots=True)
class Stretch:
    """What is to be written of one stretch."""

    placed: list[Placed] = field(default_factory=list)
    restored: list[uuid.UUID] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
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
    statements = {each.pk: each for each in FileStatement.objects.filter(file_account=file_account).order_by("index")}
    for first, last in _stretches(file_account, account):
        comparison = _Comparison(account, statements, first, last, add_held=add_held)
        found = comparison.run(_staged_between(file_account, first, last))
        if write is not None:
            write(comparison.stretch, found)
        total.add(found)
    return total


def _stretches(file_account: FileAccount, account: Account | None) -> Iterator[tuple[dt.date, dt.date]]:
    """Days, oldest first, of at most :data:`STRETCH_ROWS` staged and as many stored rows; a day is never split."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT booking_date, count(*) FROM files_stagedrow WHERE file_id = %s AND statement_id IN"
            " (SELECT id FROM files_filestatement WHERE file_account_id = %s) GROUP BY 1 ORDER BY 1",
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
            " WHERE s.file_id = %s AND t.file_account_id = %s AND s.booking_date BETWEEN %s AND %s"
            " ORDER BY t.index, s.number",
            [file_account.file_id, file_account.pk, first, last],
        )
        return [_Staged(values[0], values[1], RowOfFile(*values[2:])) for values in cursor.fetchall()]


class _Sighting(NamedTuple):
    statement_id: uuid.UUID
    number: int
    fingerprint: str


class _Comparison:
    """One stretch of days: what is stored, what files showed of it, and what each statement adds."""

    def __init__(
        self,
        account: Account | None,
        statements: dict[uuid.UUID, FileStatement],
        first: dt.date,
        last: dt.date,
        *,
        add_held: bool,
    ) -> None:
        self.stretch = Stretch()
        self._account, self._statements, self._add_held = account, dict(statements), add_held
        self._pool: dict[dt.date, list[StoredTransaction]] = defaultdict(list)
        self._last_ordinal: Counter[str] = Counter()
        self._shown_by: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
        self._fed: set[uuid.UUID] = set()
        self._walks: dict[tuple[uuid.UUID, dt.date], DayWalk | None] = {}
        self._amounts: dict[tuple[uuid.UUID, dt.date], list[tuple[int, Decimal]]] = defaultdict(list)
        if account is not None:
            self._load(account, first, last)

    def _load(self, account: Account, first: dt.date, last: dt.date) -> None:
        sightings, undone = _sightings(account, first, last)
        for row in stored_for_files(account, first, last):
            mine = sightings.get(row.id, [])
            aliases = sorted({each.fingerprint for each in mine} - {row.fingerprint})
            state = _state(row, undone.get(row.id, set()))
            reference = row.entry_reference or ""
            self._pool[row.booking_date].append(
                StoredTransaction(
                    row.id, row.booking_date, row.amount, row.currency, row.fingerprint, row.occurrence, reference,
                    tuple(aliases), state,
                )
            )  # fmt: skip
            self._last_ordinal[row.fingerprint] = max(self._last_ordinal[row.fingerprint], row.occurrence)
            if row.is_fed or not mine:
                self._fed.add(row.id)
            for each in mine:
                self._shown_by[row.id].add(each.statement_id)
                self._amounts[each.statement_id, row.booking_date].append((each.number, row.amount))
        missing = {each for shown in self._shown_by.values() for each in shown} - self._statements.keys()
        self._statements |= FileStatement.objects.in_bulk(missing)

    def run(self, staged: Sequence[_Staged]) -> Found:
        found = Found()
        by_statement: dict[uuid.UUID, list[_Staged]] = {}
        for each in staged:
            by_statement.setdefault(each.statement_id, []).append(each)
            self._amounts[each.statement_id, each.row.booking_date].append((each.row.number, each.row.amount))
        for statement_id, rows in by_statement.items():
            found.add(self._statement(self._statements[statement_id], rows))
        return found

    def _statement(self, statement: FileStatement, staged: Sequence[_Staged]) -> Found:
        days = {each.row.booking_date for each in staged}
        stored = [row for day in sorted(days) for row in self._pool[day] if not self._is_apart(row, statement)]
        ends = statement.complete_from, statement.complete_to
        result = match_file(
            [each.row for each in staged],
            stored,
            listed=lambda day: ends[0] is not None and ends[1] is not None and ends[0] < day < ends[1],
            read_by_feed=self._read_by_feed,
            add_held=self._add_held,
        )
        by_number = {each.row.number: each for each in staged}
        for row, known in (*result.known, *result.restored):
            self._note(statement, row, known.id)
        for row, back in result.restored:
            self.stretch.restored.append(back.id)
            self.stretch.days.append((row.booking_date, row.amount))
            self._live_again(back)
        # Creation order is the order of the days, within a day that of the file.
        ordered = sorted(result.new, key=lambda row: (row.booking_date, row.number))
        for row, transaction_id in zip(ordered, sorted(new_id() for _ in ordered), strict=True):
            self._add(statement, by_number[row.number], transaction_id)
        return Found(
            len(result.new),
            len(result.known),
            len(result.restored),
            len(result.held),
            len(result.not_shown),
            sum((held.row.amount for held in result.held if held.reason != "withdrawn"), Decimal(0)),
            [row.number for row in ordered[:MAX_SHOWN_ROWS]],
            list(result.held),
            [row.id for row in result.not_shown[:MAX_SHOWN_ROWS]],
        )

    def _add(self, statement: FileStatement, staged: _Staged, transaction_id: uuid.UUID) -> None:
        row = staged.row
        self._last_ordinal[row.fingerprint] += 1
        ordinal = self._last_ordinal[row.fingerprint]
        self.stretch.placed.append(Placed(staged.id, transaction_id, ordinal))
        self.stretch.days.append((row.booking_date, row.amount))
        self._pool[row.booking_date].append(
            StoredTransaction(
                transaction_id, row.booking_date, row.amount, row.currency, row.fingerprint, ordinal, row.reference
            )
        )
        self._note(statement, row, transaction_id)

    def _note(self, statement: FileStatement, row: RowOfFile, transaction_id: uuid.UUID) -> None:
        self.stretch.seen.append(Seen(statement.pk, transaction_id, row.number, row.fingerprint))
        self._shown_by[transaction_id].add(statement.pk)

    def _live_again(self, back: StoredTransaction) -> None:
        rows = self._pool[back.booking_date]
        rows[rows.index(back)] = back._replace(state="live")

    def _read_by_feed(self, day: dt.date) -> bool:
        """Days that the account's connection read to their end."""
        account = self._account
        if account is None or account.covered_from is None or account.covered_to is None:
            return False
        return account.covered_from <= day < account.covered_to

    # --- parts of a day

    def _is_apart(self, row: StoredTransaction, statement: FileStatement) -> bool:
        """Whether the row belongs to other parts of its day than the statement, as the balances prove."""
        shown_by = self._shown_by.get(row.id)
        if not shown_by or row.id in self._fed or statement.pk in shown_by:
            return False
        walk = self._walk(statement, row.booking_date)
        if walk is None:
            return False
        others = (self._walk(self._statements[each], row.booking_date) for each in shown_by)
        return all(other is not None and not in_common(walk, other) for other in others)

    def _walk(self, statement: FileStatement, day: dt.date) -> DayWalk | None:
        """The statement's walk of the balance on its first or last day; None inside it and for unproved ones."""
        key = (statement.pk, day)
        if key not in self._walks:
            self._walks[key] = self._new_walk(statement, day)
        return self._walks[key]

    def _new_walk(self, statement: FileStatement, day: dt.date) -> DayWalk | None:
        if statement.proof != "proved" or statement.opening is None or statement.closing is None:
            return None
        amounts = tuple(amount for _, amount in sorted(self._amounts[statement.pk, day]))
        if day == statement.first_day:
            return DayWalk(statement.opening, amounts)
        if day == statement.last_day:
            return DayWalk(statement.closing - sum(amounts, Decimal(0)), amounts)
        return None


def _state(row: StoredForFiles, undone: set[dt.datetime | None]) -> StoredState:
    if row.removed_at is None:
        return "live"
    if row.same_as is not None:
        return "set_aside"
    return "undone" if row.removed_at in undone else "withdrawn"


def _sightings(
    account: Account, first: dt.date, last: dt.date
) -> tuple[dict[uuid.UUID, list[_Sighting]], dict[uuid.UUID, set[dt.datetime | None]]]:
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
    live: dict[uuid.UUID, list[_Sighting]] = defaultdict(list)
    undone: dict[uuid.UUID, set[dt.datetime | None]] = defaultdict(set)
    for transaction_id, statement_id, number, fingerprint, undone_at in rows:
        if undone_at is None:
            live[transaction_id].append(_Sighting(statement_id, number, fingerprint))
        else:
            undone[transaction_id].add(undone_at)
    return live, undone
