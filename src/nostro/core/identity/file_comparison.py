"""All statements of a file against the stored rows of some days (formats.md 8): pure, for both halves.

Statements are compared one after the other, each with what the ones before it brought, so that a file with overlapping
statements is the same as several files. ``file_rows`` decides about the rows of one statement; here rows that belong
to other parts of a day are kept from it.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from nostro.core.identity.file_rows import (
    ALIKE_DAYS,
    DayWalk,
    FileMatch,
    HeldRow,
    RowOfFile,
    StoredTransaction,
    in_common,
    match_file,
)

_AROUND = [dt.timedelta(days=number) for number in range(-ALIKE_DAYS, ALIKE_DAYS + 1) if number]


class StatementFacts(NamedTuple):
    """What is known of a statement. The days are of its booked rows, ``complete_…`` those it lists completely."""

    id: UUID
    proved: bool
    opening: Decimal | None
    closing: Decimal | None
    first_day: dt.date | None
    last_day: dt.date | None
    complete_from: dt.date | None
    complete_to: dt.date | None

    def lists(self, day: dt.date) -> bool:
        """Whether it lists a day completely for sure: not its first and last one, because it may end within a day."""
        first, last = self.complete_from, self.complete_to
        return first is not None and last is not None and first < day < last


class RowOfStatement(NamedTuple):
    """A row and the statement that lists it."""

    statement_id: UUID
    row: RowOfFile


class Shown(NamedTuple):
    """A statement showed a stored row, as its ``number``-th row of its file."""

    statement_id: UUID
    number: int


class Added(NamedTuple):
    """A new row with the id and the ordinal it gets."""

    statement_id: UUID
    row: RowOfFile
    id: UUID
    ordinal: int


@dataclass(slots=True)
class Compared:
    """What the rows are. ``seen`` pairs each row that is stored, or will be, with its id."""

    added: list[Added] = field(default_factory=list)
    known: int = 0
    restored: list[tuple[RowOfFile, StoredTransaction]] = field(default_factory=list)
    held: list[HeldRow] = field(default_factory=list)
    not_shown: list[StoredTransaction] = field(default_factory=list)
    seen: list[tuple[RowOfStatement, UUID]] = field(default_factory=list)


class FileComparison:
    """Stored rows of some days, what files showed of them, and what each statement adds.

    ``shown`` says which statements of earlier files showed a stored row; rows in ``fed`` were shown by something that
    lists whole days, so that they are of no part of a day. ``new_ids`` gives ascending ids.
    """

    def __init__(
        self,
        statements: Iterable[StatementFacts],
        stored: Iterable[StoredTransaction],
        shown: dict[UUID, list[Shown]],
        fed: set[UUID],
        *,
        read_by_feed: Callable[[dt.date], bool],
        add_held: bool,
        new_ids: Callable[[int], list[UUID]],
    ) -> None:
        self.result = Compared()
        self._statements = {each.id: each for each in statements}
        self._fed, self._read_by_feed, self._add_held, self._new_ids = fed, read_by_feed, add_held, new_ids
        self._pool: defaultdict[dt.date, list[StoredTransaction]] = defaultdict(list)
        self._last_ordinal: Counter[str] = Counter()
        self._shown_by: defaultdict[UUID, set[UUID]] = defaultdict(set)
        self._amounts: defaultdict[tuple[UUID, dt.date], list[tuple[int, Decimal]]] = defaultdict(list)
        self._walks: dict[tuple[UUID, dt.date], DayWalk | None] = {}
        for row in stored:
            self._pool[row.booking_date].append(row)
            self._last_ordinal[row.fingerprint] = max(self._last_ordinal[row.fingerprint], row.ordinal)
            for each in shown.get(row.id, ()):
                self._shown_by[row.id].add(each.statement_id)
                self._amounts[each.statement_id, row.booking_date].append((each.number, row.amount))

    def compare(self, rows: Sequence[RowOfStatement]) -> Compared:
        """Compare all rows of these days, statement by statement as they come."""
        by_statement: dict[UUID, list[RowOfFile]] = {}
        for statement_id, row in rows:
            by_statement.setdefault(statement_id, []).append(row)
            self._amounts[statement_id, row.booking_date].append((row.number, row.amount))
        for statement_id, mine in by_statement.items():
            self._statement(self._statements[statement_id], mine)
        return self.result

    def _statement(self, statement: StatementFacts, rows: Sequence[RowOfFile]) -> None:
        days = {row.booking_date for row in rows}
        # A row that looks like one of these may lie on a day beside it, where the statement shows nothing.
        days |= {day + each for day in days for each in _AROUND if statement.lists(day + each)}
        around = sorted(day for day in days if day in self._pool)
        stored = [row for day in around for row in self._pool[day] if not self._is_apart(row, statement)]
        found = match_file(
            rows, stored, listed=statement.lists, read_by_feed=self._read_by_feed, add_held=self._add_held
        )
        self._keep(statement, found)
        # Creation order is the order of the days, within a day that of the file.
        new = sorted(found.new, key=lambda row: (row.booking_date, row.number))
        for row, row_id in zip(new, self._new_ids(len(new)), strict=True):
            self._add(statement, row, row_id)

    def _keep(self, statement: StatementFacts, found: FileMatch) -> None:
        for row, stored in (*found.known, *found.restored):
            self._note(statement, row, stored.id)
        for _, back in found.restored:
            rows = self._pool[back.booking_date]
            rows[rows.index(back)] = back._replace(state="live")
        self.result.known += len(found.known)
        self.result.restored += found.restored
        self.result.held += found.held
        self.result.not_shown += found.not_shown

    def _add(self, statement: StatementFacts, row: RowOfFile, row_id: UUID) -> None:
        self._last_ordinal[row.fingerprint] += 1
        ordinal = self._last_ordinal[row.fingerprint]
        self.result.added.append(Added(statement.id, row, row_id, ordinal))
        self._pool[row.booking_date].append(
            StoredTransaction(
                row_id, row.booking_date, row.amount, row.currency, row.fingerprint, ordinal, row.reference
            )
        )
        self._note(statement, row, row_id)

    def _note(self, statement: StatementFacts, row: RowOfFile, row_id: UUID) -> None:
        self.result.seen.append((RowOfStatement(statement.id, row), row_id))
        self._shown_by[row_id].add(statement.id)

    # --- parts of a day

    def _is_apart(self, row: StoredTransaction, statement: StatementFacts) -> bool:
        """Whether the row belongs to other parts of its day than the statement, as the balances prove."""
        shown_by = self._shown_by.get(row.id)
        if not shown_by or row.id in self._fed or statement.id in shown_by:
            return False
        walk = self._walk(statement, row.booking_date)
        if walk is None:
            return False
        others = (self._walk(self._statements[each], row.booking_date) for each in shown_by)
        return all(other is not None and not in_common(walk, other) for other in others)

    def _walk(self, statement: StatementFacts, day: dt.date) -> DayWalk | None:
        """The statement's walk of the balance on its first or last day; None inside it and for unproved ones."""
        key = (statement.id, day)
        if key not in self._walks:
            self._walks[key] = self._new_walk(statement, day)
        return self._walks[key]

    def _new_walk(self, statement: StatementFacts, day: dt.date) -> DayWalk | None:
        if not statement.proved or statement.opening is None or statement.closing is None:
            return None
        amounts = tuple(amount for _, amount in sorted(self._amounts[statement.id, day]))
        if day == statement.first_day:
            return DayWalk(statement.opening, amounts)
        if day == statement.last_day:
            return DayWalk(statement.closing - sum(amounts, Decimal(0)), amounts)
        return None
