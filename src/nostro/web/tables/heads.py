"""The head of a table as a room keeps it, and which table it is."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from nostro.formats.csv.looking import TableHead
from nostro.formats.csv.sheets import Cell, Row


def signature_of(head: TableHead) -> str:
    """What tells this table from others, in 64 characters."""
    return hashlib.sha256(head.signature.encode()).hexdigest()


def head_as_json(head: TableHead) -> dict[str, Any]:
    """Rows as lists of [line, cells]; a cell is text, or a list of its kind and its text."""
    return {
        "delimiter": head.delimiter, "names": list(head.names), "encoding": head.encoding, "sheet": head.sheet,
        "sheets": list(head.sheets), "above": _rows_as_json(head.above), "rows": _rows_as_json(head.rows),
    }  # fmt: skip


def _rows_as_json(rows: Iterable[Row]) -> list[Any]:
    return [[row.line, [_cell_as_json(cell) for cell in row.cells]] for row in rows]


def _cell_as_json(cell: Cell) -> str | list[str]:
    if isinstance(cell, str):
        # PostgreSQL holds no NUL in its JSON.
        return cell.replace("\x00", "")
    return ["number", format(cell, "f")] if isinstance(cell, Decimal) else ["date", cell.isoformat()]


def head_from_json(kept: Mapping[str, Any]) -> TableHead:
    """The reverse of :func:`head_as_json`."""
    return TableHead(
        kept["delimiter"], tuple(kept["names"]), _rows_from_json(kept["above"]), _rows_from_json(kept["rows"]),
        kept["encoding"], kept["sheet"], tuple(kept["sheets"]),
    )  # fmt: skip


def _rows_from_json(kept: Sequence[Any]) -> tuple[Row, ...]:
    return tuple(Row(line, [_cell_from_json(cell) for cell in cells]) for line, cells in kept)


def _cell_from_json(kept: str | list[str]) -> Cell:
    if isinstance(kept, str):
        return kept
    return Decimal(kept[1]) if kept[0] == "number" else dt.date.fromisoformat(kept[1])
