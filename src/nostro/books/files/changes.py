"""Rows of a file that say otherwise of a line that is known: D-CHANGED (books.md 10, formats.md 8.1 and 8.5)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from nostro.books.files.models import JournalFileStatement
from nostro.books.journals.importing import LineValues
from nostro.books.journals.models import Line
from nostro.books.journals.same_booking import booking_keys, may_change, same_bookings
from nostro.core.identity.file_comparison import Compared, RowOfStatement
from nostro.core.identity.file_rows import RowOfFile


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
    free = [line for line in lines if line.pk not in seen and may_change(line)]
    if not free:
        return []
    rows = [*(each.row for each in compared.added), *(each.row for each in compared.held)]
    said = {
        row.number: (values[row.number], booking_keys(values[row.number], _keys([statement_of[row.number]])))
        for row in rows
    }
    found = same_bookings(said, [(line, booking_keys(line, _keys(shown_in.get(line.pk, ())))) for line in free])
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


def _keys(statements: Iterable[JournalFileStatement]) -> list[Hashable]:
    """Of statements that are known when they come again: number, year and opening. Banks begin numbers each year."""
    found: list[Hashable] = []
    for each in statements:
        day = each.complete_from or each.first_day
        if each.number and day is not None and each.opening is not None:
            found.append(("statement", each.number, day.year, each.opening))
    return found
