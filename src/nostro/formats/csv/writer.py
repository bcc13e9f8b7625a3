"""The streaming writer of CSV (formats.md 7): a column per field used, no cell a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from decimal import Decimal

from nostro.formats.csv.own import guarded
from nostro.formats.csv.rows_out import header, lossy_fields, rows, used_fields
from nostro.formats.csv.sheets import Cell
from nostro.formats.writing import Outgoing, WriteOptions

__all__ = ["lossy_fields", "write"]

_PIECE = 1 << 16


def write(outgoing: Outgoing, options: WriteOptions) -> Iterator[bytes]:
    """The table in pieces: UTF-8, CRLF, a header, bare numbers for amounts."""
    fields = used_fields(outgoing)
    buffer = io.StringIO(newline="")
    table = csv.writer(buffer, delimiter=options.delimiter, lineterminator="\r\n")
    if options.byte_order_mark:
        buffer.write("\ufeff")
    table.writerow(header(fields))
    for row in rows(outgoing, fields):
        table.writerow([_text(cell, comma=options.decimal_comma) for cell in row])
        if buffer.tell() > _PIECE:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _text(cell: Cell | None, *, comma: bool) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return guarded(cell)
    if isinstance(cell, Decimal):
        text = format(cell, "f")
        return text.replace(".", ",") if comma else text
    return cell.isoformat()
