"""The reader of XLSX (formats.md 6.10): calamine gives the cells, the tables of CSV do the rest."""

from __future__ import annotations

import datetime as dt
import io
import itertools
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from nostro.formats.csv.layout import Layout, layout_of
from nostro.formats.csv.reader import table_events
from nostro.formats.csv.sheets import HEAD_LINES, Cell, Row
from nostro.formats.limits import MAX_SHEET_BYTES
from nostro.formats.problems import FormatError, excerpt, fail, problem
from nostro.formats.streams import Source
from nostro.formats.values import Event, FileHead, Hints, Position
from nostro.formats.xlsx.parts import SheetFacts, looked_at, part_names

#: Digits of a binary number that are the person's; the rest is the machine's.
_DIGITS = 15
_SIGNIFICANT = f".{_DIGITS}g"


def read(source: Source) -> Iterator[Event]:
    """The events of the only sheet with a table, or of the one named by ``profile["sheet"]``."""
    data = _whole(source)
    facts = looked_at(data)
    book = _opened(data)
    sheet, layout = _chosen(book, source.hints)
    found = facts.get(part_names(data).get(sheet.name, ""), SheetFacts())
    if found.valueless:
        message = "the cell has an error, or a formula whose value was not stored: open the file, save it, try again"
        raise fail("F-FIELD", message, Position(sheet=sheet.name, cell=found.valueless))
    yield FileHead("xlsx", "", layout.mapping.name if layout.mapping else "Nostro", "utf-8")
    if found.hidden:
        message = f"{found.hidden} rows of the sheet are hidden; they were read as well"
        yield problem("F-TEXT", message, Position(sheet=sheet.name))
    yield from table_events(_rows(sheet), layout, source.hints, sheet.name)


def _whole(source: Source) -> bytes:
    parts, size = [], 0
    for block in source.blocks():
        size += len(block)
        if size > MAX_SHEET_BYTES:
            raise fail("F-TOO-LARGE", f"the workbook has more than {MAX_SHEET_BYTES >> 20} MiB", Position(byte=size))
        parts.append(block)
    return b"".join(parts)


def _opened(data: bytes) -> CalamineWorkbook:
    try:
        return CalamineWorkbook.from_filelike(io.BytesIO(data))
    except (CalamineError, OSError, ValueError) as error:
        raise fail("F-SYNTAX", f"the workbook cannot be opened: {excerpt(str(error))}") from None


def _chosen(book: CalamineWorkbook, hints: Hints) -> tuple[CalamineSheet, Layout]:
    """The sheet with a table whose layout is known. Raises F-MAPPING where none is or several are."""
    wanted = hints.profile.get("sheet")
    found: list[tuple[CalamineSheet, Layout]] = []
    refusal: FormatError | None = None
    for meta in book.sheets_metadata:
        if meta.typ != SheetTypeEnum.WorkSheet or (wanted is not None and meta.name != wanted):
            continue
        if meta.visible != SheetVisibleEnum.Visible and wanted is None:
            continue
        sheet = _sheet(book, meta.name)
        head = [row for row in itertools.islice(_rows(sheet), HEAD_LINES) if len(row.cells) > 1]
        if len(head) < 2:
            continue
        try:
            found.append((sheet, layout_of([("", head)], hints)))
        except FormatError as error:
            place = Position(sheet=meta.name)
            refusal = refusal or FormatError(problem(error.problem.code, error.problem.message, place))
    if len(found) > 1:
        names = ", ".join(excerpt(sheet.name) for sheet, _ in found[:5])
        raise fail("F-MAPPING", f"the sheets {names} all hold tables; say which")
    if not found:
        raise refusal or fail("F-EMPTY", "no sheet of the workbook holds a table")
    return found[0]


def sheet_heads(source: Source) -> dict[str, list[Row]]:
    """The first rows of each visible sheet that has some, by its name."""
    data = _whole(source)
    looked_at(data)
    book = _opened(data)
    heads = {}
    for meta in book.sheets_metadata:
        if meta.typ == SheetTypeEnum.WorkSheet and meta.visible == SheetVisibleEnum.Visible:
            rows = [row for row in itertools.islice(_rows(_sheet(book, meta.name)), HEAD_LINES) if len(row.cells) > 1]
            if len(rows) > 1:
                heads[meta.name] = rows
    return heads


def _sheet(book: CalamineWorkbook, name: str) -> CalamineSheet:
    try:
        return book.get_sheet_by_name(name)
    except (CalamineError, OSError, ValueError) as error:
        raise fail("F-SYNTAX", f"the sheet cannot be read: {excerpt(str(error))}", Position(sheet=name)) from None


def _rows(sheet: CalamineSheet) -> Iterator[Row]:
    """Rows with a cell that is not empty; columns count from the first of the sheet."""
    before: list[Cell] = [""] * (sheet.start[1] if sheet.start else 0)
    for number, cells in enumerate(sheet.iter_rows(), 1):
        if any(cells) or any(cell != "" for cell in cells):
            yield Row(number, before + [cell if isinstance(cell, str) else _cell(cell) for cell in cells])


def _cell(value: Any) -> Cell:
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, dt.datetime):
        return value.date()
    return value if isinstance(value, dt.date) else str(value)


def _number(value: float) -> Cell:
    """The number a person wrote: fifteen digits of the binary one (formats.md 6.10)."""
    number = Decimal(format(value, _SIGNIFICANT))
    if not number.is_finite() or number.adjusted() > _DIGITS + 9:
        return str(value)
    return number
