"""Every list as a file: one mechanism for CSV and workbooks, which never run what a bank wrote (decision 0022)."""

from __future__ import annotations

import csv
import datetime as dt
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from xlsxwriter import Workbook  # type: ignore[import-untyped]

from nostro.web.errors import Problem

Format = Literal["csv", "xlsx"]
FORMATS: tuple[Format, ...] = ("csv", "xlsx")
#: A workbook's sheet holds no more rows than this.
WORKBOOK_ROWS = 1_048_575
#: A cell that starts so would be computed by a spreadsheet; an apostrophe before it makes it text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
#: A workbook's numbers are floats: longer amounts are written as text, so that no digit is lost.
_EXACT_DIGITS = 15
_CELL_LIMIT = 32_767
_WORKBOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def export(name: str, kind: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """A download of ``rows`` under ``heads``, written while they are read. ``name`` is without an ending.

    Cells may be text, numbers, amounts, dates, instants, ids or ``None``. Raises :class:`Problem` for another kind.
    """
    name = "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)[:80]
    if kind == "csv":
        response = StreamingHttpResponse(_csv(heads, rows), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
        return response  # type: ignore[return-value]
    if kind == "xlsx":
        file = _workbook(name, heads, rows)
        return FileResponse(  # type: ignore[return-value]
            file, as_attachment=True, filename=f"{name}.xlsx", content_type=_WORKBOOK_TYPE
        )
    raise Problem("There is no such file format.", what_to_do="Use csv or xlsx.", code="formatUnknown")


class _Echo:
    def write(self, text: str) -> str:
        return text


def _csv(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    writer: Any = csv.writer(_Echo())
    yield "\ufeff"  # spreadsheets recognise UTF-8 by it
    yield writer.writerow(heads)
    for row in rows:
        yield writer.writerow([_csv_cell(value) for value in row])


def _csv_cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat(timespec="seconds")
    if isinstance(value, int | dt.date | UUID):
        return value
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _workbook(name: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Any:
    """A workbook in a file without a name, which is gone when it is closed."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    book = Workbook(file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet()
    bold = book.add_format({"bold": True})
    formats = {"day": book.add_format({"num_format": "yyyy-mm-dd"}), "amount": book.add_format({"num_format": "0.00#"})}
    sheet.freeze_panes(1, 0)
    for column, head in enumerate(heads):
        sheet.write_string(0, column, head, bold)
    for number, row in enumerate(rows, start=1):
        if number > WORKBOOK_ROWS:
            file.close()
            raise Problem(
                "This list is too long for a workbook.", what_to_do="Download it as CSV.", code="workbookTooLong"
            )
        for column, value in enumerate(row):
            _write(sheet, number, column, value, formats)
    book.close()
    file.seek(0)
    return file


def _write(sheet: Any, row: int, column: int, value: object, formats: dict[str, Any]) -> None:
    if value is None or value == "":
        return
    if isinstance(value, Decimal) and len(value.as_tuple().digits) <= _EXACT_DIGITS:
        sheet.write_number(row, column, Decimal(format(value, "f")), formats["amount"])
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**_EXACT_DIGITS:
        sheet.write_number(row, column, value)
    elif isinstance(value, dt.date) and not isinstance(value, dt.datetime) and value.year > 1900:
        sheet.write_datetime(row, column, dt.datetime.combine(value, dt.time()), formats["day"])
    else:
        text = _csv_cell(value) if isinstance(value, Decimal | dt.datetime) else value
        sheet.write_string(row, column, str(text)[:_CELL_LIMIT])
