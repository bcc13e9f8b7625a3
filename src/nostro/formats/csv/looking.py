"""The first rows of a table, for a person who says what its columns mean (formats.md 6.9, *Screen*).

:func:`table_head` reads them once, where files are read; :func:`interpret` shows as often as wanted what a mapping
makes of them, without the file.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from nostro.core.text import fold
from nostro.formats.csv.layout import Layout, head_candidates, header_row, is_header, names_of
from nostro.formats.csv.mapped import MappedRows
from nostro.formats.csv.mapping import column_at, mapping_of
from nostro.formats.csv.sheets import HEAD_LINES, Cell, Place, Row
from nostro.formats.problems import FormatError, fail
from nostro.formats.streams import Source
from nostro.formats.survey import Survey
from nostro.formats.values import Entry, Hints, Problem

#: Rows that are shown to a person, and lines above the table; characters of one cell.
SHOWN_ROWS = 20
SHOWN_ABOVE = 40
SHOWN_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class TableHead:
    """``names`` are those of the columns, empty where the table has no header; ``above`` are the lines before it.

    ``sheet`` and ``sheets`` are of a workbook; ``delimiter`` of CSV. ``encoding`` is the one the text was read in.
    """

    delimiter: str
    names: tuple[str, ...]
    above: tuple[Row, ...]
    rows: tuple[Row, ...]
    encoding: str = "utf-8"
    sheet: str | None = None
    sheets: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """How many columns there are."""
        return max([len(self.names), *(len(row.cells) for row in self.rows)])

    @property
    def signature(self) -> str:
        """What tells this table from others: the separator and the folded names, or how many columns without them."""
        names = [fold(name) for name in self.names] or [str(self.width)]
        return "\x1f".join([self.delimiter, *names])

    def key(self, at: int) -> str:
        """How a mapping names the column at this position from 0: by its name, else by its position from 1."""
        name = self.names[at] if at < len(self.names) else ""
        folded = [fold(each) for each in self.names]
        return name if name and name[:1] != "#" and folded.count(fold(name)) == 1 else f"#{at + 1}"


@dataclass(frozen=True, slots=True)
class Interpreted:
    """What a mapping makes of the first rows. ``refusal`` says why it cannot be used, or what it does not decide."""

    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    refusal: Problem | None = None


def table_head(chunks: Iterable[bytes], survey: Survey, hints: Hints) -> TableHead:
    """The head of the CSV file or workbook. Raises ``FormatError`` for what is no table."""
    source = Source(chunks, survey, hints)
    if (hints.format or survey.format) == "xlsx":
        from nostro.formats.xlsx.reader import sheet_heads

        heads = sheet_heads(source)
        wanted = hints.profile.get("sheet")
        chosen = next((name for name in heads if name == wanted), next(iter(heads), None))
        if chosen is None:
            raise fail("F-EMPTY", "no sheet of the workbook holds a table")
        return replace(_head([("", heads[chosen])]), sheet=chosen, sheets=tuple(heads))
    lines = list(itertools.islice(source.lines(), HEAD_LINES))
    return replace(_head(head_candidates(lines)), encoding=source.encoding)


def _head(candidates: Sequence[tuple[str, list[Row]]]) -> TableHead:
    delimiter, number, row = header_row(candidates)
    rows = next(rows for sign, rows in candidates if sign == delimiter)
    if is_header(row.cells):
        names, above, below = names_of(row.cells), rows[:number], rows[number + 1 :]
    else:
        names, above, below = (), [], rows
    shown = [_cut(each) for each in below if len(each.cells) > 1][:SHOWN_ROWS]
    return TableHead(delimiter, names, tuple(map(_cut, above[-SHOWN_ABOVE:])), tuple(shown))


def _cut(row: Row) -> Row:
    cells: list[Cell] = [cell[:SHOWN_CHARACTERS] if isinstance(cell, str) else cell for cell in row.cells]
    return Row(row.line, cells)


def interpret(head: TableHead, data: Mapping[str, Any], hints: Hints) -> Interpreted:
    """The first rows by this mapping; a refusal instead of an exception, because a person looks at it."""
    entries: list[Entry] = []
    problems: list[Problem] = []
    try:
        mapping = mapping_of(data)
        header = tuple(map(fold, head.names))
        missing = [column for column, _ in mapping.columns if column_at(column, header) is None]
        if missing:
            raise fail("F-MAPPING", f"the table has no column {', '.join(missing[:5])}")
        layout = Layout(head.delimiter, 0, header, head.names, mapping)
        rows = MappedRows(layout, hints, Place(head.names, head.sheet), head.above)
        for event in rows.read(head.rows):
            if isinstance(event, Entry):
                entries.append(event)
            elif isinstance(event, Problem):
                problems.append(event)
    except FormatError as error:
        return Interpreted(tuple(entries), tuple(problems), error.problem)
    return Interpreted(tuple(entries), tuple(problems))


def in_encoding(head: TableHead, encoding: str) -> TableHead:
    """The head as it would read in another encoding; the whole file decides once it is read again."""

    def again(cell: Cell) -> Cell:
        return cell.encode(head.encoding, "replace").decode(encoding, "replace") if isinstance(cell, str) else cell

    def rows(given: tuple[Row, ...]) -> tuple[Row, ...]:
        return tuple(Row(row.line, [again(cell) for cell in row.cells]) for row in given)

    names = tuple(str(again(name)) for name in head.names)
    return replace(head, names=names, above=rows(head.above), rows=rows(head.rows), encoding=encoding)
