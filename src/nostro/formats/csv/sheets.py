"""Tables as rows of cells with their place, whatever they are stored in."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from nostro.formats.limits import MAX_SHEET_COLUMNS
from nostro.formats.problems import fail, problem
from nostro.formats.values import Position, Problem

Cell = str | Decimal | dt.date

#: Lines in which header and separator are looked for.
HEAD_LINES = 200


class Row(NamedTuple):
    """``line`` of the file, or row of the sheet, from 1; a row of several lines is named by its last.

    ``written`` counts the cells that the file has where more were added.
    """

    line: int
    cells: Sequence[Cell]
    written: int = 0


class Place(NamedTuple):
    """Makes positions: of CSV by line and column name, of a sheet by cell and column name."""

    header: Sequence[str]
    sheet: str | None = None

    def __call__(self, row: Row, column: int | None = None) -> Position:
        """The place of a cell, or of the whole row."""
        name = self.header[column][:40] if column is not None and column < len(self.header) else None
        if self.sheet is None:
            return Position(line=row.line, field=name or (f"#{column + 1}" if column is not None else None))
        cell = f"{letters(column or 0)}{row.line}"
        return Position(sheet=self.sheet, cell=cell, field=name)


def letters(column: int) -> str:
    """The letters of a column of a sheet, from 0: A, B, … AA."""
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


class Ending:
    """Passes chunks on and knows afterwards whether the file ended with a line end."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self._last = b"\n"

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            if chunk:
                self._last = (self._last + chunk[-2:])[-2:]
            yield chunk

    @property
    def is_complete(self) -> bool:
        """True if the last line has its end."""
        return self._last.strip(b"\x00")[-1:] in (b"\n", b"\r", b"\x1a", b"")


def csv_rows(lines: Iterable[tuple[int, str]], delimiter: str) -> Iterator[Row]:
    """The rows that are not blank. Raises F-SYNTAX for quotes that do not fit, F-TRUNCATED for one without end."""
    number = 0

    def texts() -> Iterator[str]:
        nonlocal number
        for at, line in lines:
            number = at
            yield line + "\n"

    rows = csv.reader(texts(), delimiter=delimiter, strict=True)
    while True:
        try:
            cells = next(rows, None)
        except csv.Error as error:
            raise _malformed(str(error), number) from None
        if cells is None:
            return
        if not cells or not any(cells):
            continue
        if len(cells) > MAX_SHEET_COLUMNS:
            raise fail("F-TOO-LARGE", f"the row has more than {MAX_SHEET_COLUMNS} cells", Position(line=number))
        yield Row(number, cells)


def _malformed(reason: str, line: int) -> Exception:
    place = Position(line=line)
    if "unexpected end" in reason:
        return fail("F-TRUNCATED", "a quoted cell has no end", place)
    if "limit" in reason:
        return fail("F-TOO-LARGE", "a quoted cell does not end", place)
    return fail("F-SYNTAX", "quotes do not stand where a cell begins or ends", place)


def cut_warning(line: int) -> Problem:
    """The remark that the last row may have been cut (formats.md 11, P-10)."""
    return problem(
        "F-TRUNCATED", "the last line has no line end: it may be cut", Position(line=line), severity="warning"
    )
