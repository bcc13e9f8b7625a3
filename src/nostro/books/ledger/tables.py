"""Tables of CSV and XLSX files: a heading, and rows as text by the names of their columns."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from python_calamine import CalamineError, CalamineWorkbook

from nostro.formats.problems import FormatError
from nostro.formats.xlsx.parts import looked_at
from nostro.web.errors import Problem

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS, MAX_COLUMNS = 10_000, 200
_ZIP = b"PK\x03\x04"


class Table(NamedTuple):
    """Names of columns in lower case, and rows with their number in the file, the heading being 1."""

    columns: tuple[str, ...]
    rows: list[tuple[int, dict[str, str]]]


def read_table(file: bytes) -> Table:
    """The table of a CSV file (UTF-8 or Windows-1252; comma, semicolon or tab), or of a workbook's first sheet.

    Raises :class:`Problem` for files that are too large, no text, or broken.
    """
    if len(file) > MAX_BYTES:
        raise Problem("The file is too large.", what_to_do="Split it; 5 MB at most.", code="fileTooLarge", field="file")
    lines = enumerate(_workbook(file), 1) if file.startswith(_ZIP) else _text(file)
    _, heading = next(lines, (1, []))
    columns = tuple(name.strip().casefold() for name in heading[:MAX_COLUMNS])
    rows: list[tuple[int, dict[str, str]]] = []
    for number, cells in lines:
        if any(cell.strip() for cell in cells):
            rows.append((number, {name: cell.strip() for name, cell in zip(columns, cells, strict=False) if name}))
        if len(rows) > MAX_ROWS:
            raise Problem(
                "The file has too many rows.",
                what_to_do=f"Split it; {MAX_ROWS} at most.",
                code="fileTooLarge",
                field="file",
            )
    return Table(columns, rows)


def _text(file: bytes) -> Iterator[tuple[int, Sequence[str]]]:
    text = _decoded(file)
    delimiter = max(";,\t", key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error:
        raise _unreadable() from None


def _decoded(file: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return file.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise _unreadable()


def _workbook(file: bytes) -> Iterator[Sequence[str]]:
    try:
        looked_at(file)  # refuses archives that would grow beyond measure
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(file)).get_sheet_by_index(0)
        rows: Iterable[Sequence[Any]] = sheet.iter_rows()
        for cells in rows:
            yield [_cell(value) for value in cells]
    except (FormatError, CalamineError, OSError, ValueError):
        raise _unreadable() from None


def _cell(value: Any) -> str:
    """A number has the fifteen digits that are the person's; a moment is its day."""
    if isinstance(value, float):
        return format(value, ".15g")
    if isinstance(value, dt.datetime):
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def _unreadable() -> Problem:
    return Problem(
        "The file cannot be read.", what_to_do="Save it as CSV (UTF-8) or XLSX.", code="fileUnreadable", field="file"
    )
