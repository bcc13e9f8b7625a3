"""Rows of a file that say otherwise of a line that is known: D-CHANGED (books.md 10, formats.md 8.1 and 8.5).

A bank corrects a statement and hands it out again: the same booking with another amount or on another day. Taken for a
new one it would double the old. What proves that it is the same booking is the bank's own reference, or the same
statement, and in both cases all else being equal; and neither side may have two that fit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from nostro.books.files.models import JournalFileStatement
from nostro.books.journals.importing import LineValues
from nostro.books.journals.models import Line, LineStatus, Source
from nostro.core.identity.file_comparison import Compared, RowOfStatement
from nostro.core.identity.file_rows import RowOfFile

#: Days between two dates that a bank may give one booking.
MOVED_DAYS = 10
_KNOWN = frozenset({LineStatus.POSTED, LineStatus.HELD_LOCKED, LineStatus.INFORMATIONAL})


class ChangedRow(NamedTuple):
    """A row of the file, its statement, and the line it says otherwise of."""

    row: RowOfFile
    statement_id: UUID
    line: Line


def take_changed(
    compared: Compared,
    values: Mapping[int, LineValues],
    statement_of: Mapping[int, JournalFileStatement],
    lines: Iterable[Line],
    shown_in: Mapping[UUID, Iterable[JournalFileStatement]],
) -> list[ChangedRow]:
    """Take out of what a file would add or hold the rows that are changes of known lines; they are seen as those.

    ``statement_of`` gives the statement of a row by its number in the file, ``shown_in`` those that showed a line.
    """
    seen = {line_id for _, line_id in compared.seen}
    free = [line for line in lines if line.pk not in seen and line.status in _KNOWN and line.source != Source.MANUAL]
    if not free:
        return []
    rows = [*(each.row for each in compared.added), *(each.row for each in compared.held)]
    keys_of_rows = {row.number: _keys(values[row.number], [statement_of[row.number]]) for row in rows}
    keys_of_lines = {line.pk: _keys(line, shown_in.get(line.pk, ())) for line in free}
    found = _paired(rows, free, keys_of_rows, keys_of_lines)
    if found:
        # Other statements of the file may show the same row again, as one that the first of them adds.
        instead = {each.id: found[each.row.number].pk for each in compared.added if each.row.number in found}
        compared.seen = [(each, instead.get(line_id, line_id)) for each, line_id in compared.seen]
        compared.seen += [
            (RowOfStatement(statement_of[each.row.number].pk, each.row), found[each.row.number].pk)
            for each in compared.held
            if each.row.number in found
        ]
        compared.added = [each for each in compared.added if each.row.number not in found]
        compared.held = [each for each in compared.held if each.row.number not in found]
    return [ChangedRow(row, statement_of[row.number].pk, found[row.number]) for row in rows if row.number in found]


def _paired(
    rows: Iterable[RowOfFile],
    free: Iterable[Line],
    keys_of_rows: Mapping[int, list[Hashable]],
    keys_of_lines: Mapping[UUID, list[Hashable]],
) -> dict[int, Line]:
    """Number of the row → line, where one row and one line have a key and nothing else has it."""
    rows_by_key: defaultdict[Hashable, list[RowOfFile]] = defaultdict(list)
    lines_by_key: defaultdict[Hashable, list[Line]] = defaultdict(list)
    for row in rows:
        for key in keys_of_rows[row.number]:
            rows_by_key[key].append(row)
    for line in free:
        for key in keys_of_lines[line.pk]:
            lines_by_key[key].append(line)
    found: dict[int, Line] = {}
    taken: set[UUID] = set()
    for key, named in rows_by_key.items():
        known = lines_by_key.get(key, [])
        if len(named) != 1 or len(known) != 1:
            continue
        [row], [line] = named, known
        is_near = abs((row.booking_date - line.booking_date).days) <= MOVED_DAYS
        if is_near and row.number not in found and line.pk not in taken:
            found[row.number] = line
            taken.add(line.pk)
    return found


def _keys(said: LineValues | Line, statements: Iterable[JournalFileStatement]) -> list[Hashable]:
    """What only the same booking shares: a proof that it is the same, and all but the amount, or all but the day."""
    proofs: list[Hashable] = [("reference", said.bank_reference)] if said.bank_reference else []
    proofs += [key for each in statements if (key := _statement_key(each)) is not None]
    rest = (said.currency, said.counterparty_account, said.counterparty_name, said.remittance_text, said.end_to_end_id)
    return [key for proof in proofs for key in ((proof, said.booking_date, rest), (proof, said.amount, rest))]


def _statement_key(statement: JournalFileStatement) -> Hashable | None:
    """The same statement handed out again: its number, year and opening balance. Banks begin numbers anew each year."""
    day = statement.complete_from or statement.first_day
    if not statement.number or day is None or statement.opening is None:
        return None
    return "statement", statement.number, day.year, statement.opening
