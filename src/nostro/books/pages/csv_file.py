"""Downloads as CSV that a spreadsheet can open without running what a bank wrote."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse

#: A cell that starts so would be computed by a spreadsheet; an apostrophe before it makes it text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    def write(self, text: str) -> str:
        return text


def csv_response(name: str, rows: Iterable[Sequence[object]]) -> StreamingHttpResponse:
    """A download that is written while it is read, so that its size does not matter."""
    response = StreamingHttpResponse(_lines(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _lines(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    writer: Any = csv.writer(_Echo())
    yield "\ufeff"  # spreadsheets recognise UTF-8 by it
    for row in rows:
        yield writer.writerow([_cell(value) for value in row])


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    return format(value, "f") if hasattr(value, "as_tuple") else value
