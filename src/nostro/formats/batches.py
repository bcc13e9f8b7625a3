"""Details of a row: several payments that the bank booked as one (formats.md 2.7)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from nostro.formats.values import Detail

Values = dict[str, Any]

#: Fields of a detail that say nothing of the row, even where all details have the same.
_OWN = frozenset(
    ("index", "raw", "amount", "currency", "references", "reversal", "fee", "currency_exchange")
)  # fmt: skip


def add_details(row: Values, details: list[Values]) -> None:
    """Put the details, values for :class:`Detail`, into the row's values; ``row`` holds amount and raw.

    The fields of an only detail move up; of several the row gets their number and what is equal in all.
    ``details_difference`` is set where every detail has an amount and they do not add up.
    """
    if len(details) == 1:
        _move_up(row, details[0])
    else:
        add_batch(row, details)


def add_batch(row: Values, details: list[Values]) -> None:
    """Put several details into the row's values."""
    row["batch_indicator"] = True
    row["batch_number_of_transactions"] = len(details)
    for key, value in details[0].items():
        if key not in _OWN and all(other.get(key) == value for other in details):
            row.setdefault(key, value)
    _compare(row, details)
    row["details"] = tuple(map(Detail.from_values, details))


def _move_up(row: Values, detail: Values) -> None:
    for key, value in detail.items():
        if key not in _OWN:
            row.setdefault(key, value)
    row["raw"].update((f"detail/{path}", text) for path, text in detail["raw"].items())
    references = (*row.get("references", ()), *detail.get("references", ()))
    if references:
        row["references"] = tuple(dict.fromkeys(references))
    _compare(row, [detail])


def _compare(row: Values, details: list[Values]) -> None:
    amounts: list[Decimal] = [detail["amount"] for detail in details if detail.get("amount") is not None]
    if len(amounts) == len(details):
        difference = row["amount"] - sum(amounts, Decimal(0))
        if difference:
            row["details_difference"] = difference
