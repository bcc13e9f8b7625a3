"""The writer of XLSX (formats.md 7): amounts are numbers, references and account numbers text, nothing is a formula.

XlsxWriter keeps finished rows in a temporary file of its own, so that memory stays flat; nothing else here does.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from xlsxwriter import Workbook  # type: ignore[import-untyped]

from nostro.core.money import decimals
from nostro.formats.csv.rows_out import header, lossy_fields, rows, used_fields
from nostro.formats.csv.sheets import Cell
from nostro.formats.limits import MAX_SHEET_ROWS
from nostro.formats.problems import WriteError
from nostro.formats.writing import Outgoing, WriteOptions

__all__ = ["lossy_fields", "write"]

#: Digits a binary number keeps.
_DIGITS = 15
_PIECE = 1 << 16
_CELL = 32_767


def write(outgoing: Outgoing, options: WriteOptions) -> Iterator[bytes]:
    """The workbook in pieces, when it is whole. Raises :class:`WriteError` for more rows than a sheet is read with."""
    buffer = io.BytesIO()
    book = Workbook(buffer, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties({"created": dt.datetime.fromisoformat(options.created).replace(tzinfo=None)})
    sheet = book.add_worksheet("Statement")
    fields = used_fields(outgoing)
    places = max(decimals(statement.head.account.currency) for statement in outgoing.statements)
    figure = book.add_format({"num_format": "#,##0" + ("." + "0" * places if places else "")})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for column, name in enumerate(header(fields)):
        sheet.write_string(0, column, name)
    for number, row in enumerate(rows(outgoing, fields), 1):
        if number >= MAX_SHEET_ROWS:
            raise WriteError(f"a sheet holds at most {MAX_SHEET_ROWS - 1} rows; write CSV or a shorter period")
        for column, cell in enumerate(row):
            if cell is not None:
                _write(sheet, (number, column), cell, figure if isinstance(cell, Decimal) else day)
    sheet.freeze_panes(1, 0)
    book.close()
    data = buffer.getbuffer()
    for start in range(0, len(data), _PIECE):
        yield bytes(data[start : start + _PIECE])


def _write(sheet: Any, at: tuple[int, int], cell: Cell, form: Any) -> None:
    if isinstance(cell, Decimal) and len(cell.as_tuple().digits) <= _DIGITS:
        sheet.write_number(*at, cell, form)
    elif isinstance(cell, dt.date):
        sheet.write_datetime(*at, cell, form)
    else:
        text = format(cell, "f") if isinstance(cell, Decimal) else cell
        if len(text) > _CELL:
            raise WriteError(f"a cell holds at most {_CELL} characters")
        sheet.write_string(*at, text)
