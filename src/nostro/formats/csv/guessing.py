"""A mapping proposed by names and contents of the first rows, for a person to look at; it never applies by itself."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from nostro.core.money import parse_currency
from nostro.core.text import fold
from nostro.formats.csv.days import orders_of
from nostro.formats.csv.figures import FigureStyle, bare
from nostro.formats.csv.looking import TableHead
from nostro.formats.csv.proposing import propose
from nostro.formats.csv.sheets import Cell
from nostro.formats.texts import account_number, is_valid_iban

CREDIT_WORDS = ("bij", "c", "cr", "credit", "crédit", "haben", "in", "h", "abono", "+")
DEBIT_WORDS = ("af", "d", "dr", "debit", "débit", "debet", "soll", "out", "s", "cargo", "-")
_CREDIT, _DEBIT = frozenset(map(fold, CREDIT_WORDS)), frozenset(map(fold, DEBIT_WORDS))
#: Words on average from which a column is a text that people wrote.
_LONG = 8


def guess(head: TableHead) -> dict[str, Any]:
    """The mapping as data. What neither names nor contents tell stays out of it."""
    by_name = propose(head.names).columns if head.names else {}
    fields = {at: by_name[head.key(at)] for at in range(head.width) if head.key(at) in by_name}
    columns = {at: cells_of(head, at) for at in range(head.width)}
    for at, cells in columns.items():
        if at not in fields and cells:
            field = _by_contents(cells, set(fields.values()))
            if field:
                fields[at] = field
    _choose_amount(fields, columns)
    _choose_balance(fields, columns)
    _choose_text(fields, columns)
    data: dict[str, Any] = {
        "name": "mapping", "columns": {head.key(at): field for at, field in sorted(fields.items())},
    }  # fmt: skip
    if head.names:
        data["header"] = list(head.names)
    if head.delimiter:
        data["delimiter"] = head.delimiter
    data.update(_signs(fields, columns))
    preamble = _preamble(head)
    if preamble:
        data["preamble"] = preamble
    return data


def cells_of(head: TableHead, at: int) -> list[Cell]:
    """The cells of a column that are not empty."""
    return [row.cells[at] for row in head.rows if at < len(row.cells) and row.cells[at] != ""]


def _by_contents(cells: Sequence[Cell], taken: set[str]) -> str | None:
    if all(map(_is_date, cells)):
        return next((field for field in ("booking_date", "value_date") if field not in taken), None)
    texts = [cell.strip() for cell in cells if isinstance(cell, str)]
    if len(texts) < len(cells):
        return None
    if all(is_valid_iban(account_number(text)) for text in texts):
        is_own = len(set(texts)) == 1 and len(texts) > 1 and "account" not in taken
        return "account" if is_own else None if "counterparty_account" in taken else "counterparty_account"
    if "currency" not in taken and all(map(_is_currency, texts)):
        return "currency"
    words = set(map(fold, texts))
    if words <= _CREDIT | _DEBIT and "indicator" not in taken and not words <= {"+", "-", ""}:
        return "indicator"
    return None


def _choose_amount(fields: dict[int, str], columns: dict[int, list[Cell]]) -> None:
    """An amount with signs wins over columns of debits and credits; without any name the column that has signs."""
    amounts = [at for at, field in fields.items() if field == "amount"]
    if amounts:
        if any(_is_negative(cell) for cell in columns[amounts[0]]):
            for at in [at for at, field in fields.items() if field in ("debit", "credit", "indicator")]:
                fields[at] = "ignore"
        return
    if {"debit", "credit"} <= set(fields.values()):
        return
    figures = [at for at, cells in columns.items() if at not in fields and cells and all(map(_is_figure, cells))]
    signed = [at for at in figures if any(map(_is_negative, columns[at]))] or figures
    if signed:
        fields[signed[0]] = "amount"


def _choose_balance(fields: dict[int, str], columns: dict[int, list[Cell]]) -> None:
    """The column that goes on from row to row by the amounts, in either order."""
    amounts = [_figures(columns[at]) for at, field in fields.items() if field == "amount"]
    if "balance" in fields.values() or not amounts or amounts[0] is None or len(amounts[0]) < 2:
        return
    moved = amounts[0]
    for at, cells in columns.items():
        if at in fields or len(cells) != len(moved) or not all(map(_is_figure, cells)):
            continue
        balances = _figures(cells)
        if balances is None:
            continue
        steps = [after - before for before, after in itertools.pairwise(balances)]
        if steps == moved[1:] or steps == [-amount for amount in moved[:-1]]:
            fields[at] = "balance"
            return


def _figures(cells: Sequence[Cell]) -> list[Decimal] | None:
    style = FigureStyle()
    for cell in cells:
        if isinstance(cell, str):
            style.note(cell.strip())
    try:
        return [cell if isinstance(cell, Decimal) else style.read(str(cell).strip(), "EUR") for cell in cells]
    except ValueError:
        return None


def _choose_text(fields: dict[int, str], columns: dict[int, list[Cell]]) -> None:
    if "description" in fields.values():
        return
    lengths = {
        at: sum(len(str(cell)) for cell in cells) / len(cells)
        for at, cells in columns.items()
        if at not in fields and cells and all(isinstance(cell, str) and not _is_figure(cell) for cell in cells)
    }
    longest = max(lengths, key=lambda at: lengths[at], default=None)
    if longest is not None and lengths[longest] >= _LONG:
        fields[longest] = "description"


def _signs(fields: dict[int, str], columns: dict[int, list[Cell]]) -> dict[str, Any]:
    at = next((at for at, field in fields.items() if field == "indicator"), None)
    if at is not None:
        words = sorted({str(cell).strip() for cell in columns[at]})
        return {
            "sign": "indicator",
            "credit_words": [word for word in words if fold(word) in _CREDIT],
            "debit_words": [word for word in words if fold(word) in _DEBIT],
        }
    return {"sign": "columns"} if "amount" not in fields.values() and "debit" in fields.values() else {}


def _preamble(head: TableHead) -> dict[str, list[str]]:
    """The words above the table behind which account number and currency stand."""
    found: dict[str, list[str]] = {}
    for row in head.above:
        for word, value in zip(row.cells, row.cells[1:], strict=False):
            if not (isinstance(word, str) and isinstance(value, str) and word.strip()):
                continue
            if is_valid_iban(account_number(value)):
                found.setdefault("account", [word.strip()])
            elif _is_currency(value.strip()):
                found.setdefault("currency", [word.strip()])
    return found


def _is_date(cell: Cell) -> bool:
    return isinstance(cell, dt.date) or (isinstance(cell, str) and bool(orders_of(cell.strip())))


def _is_figure(cell: Cell) -> bool:
    if isinstance(cell, str):
        try:
            bare(cell.strip())
        except ValueError:
            return False
        return True
    return isinstance(cell, Decimal)


def _is_negative(cell: Cell) -> bool:
    if isinstance(cell, Decimal):
        return cell < 0
    try:
        return isinstance(cell, str) and bare(cell.strip())[0]
    except ValueError:
        return False


def _is_currency(text: str) -> bool:
    if len(text) != 3 or not text.isupper():
        return False
    try:
        parse_currency(text)
    except ValueError:
        return False
    return True
