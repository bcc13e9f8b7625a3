"""The payments of a batch, which the bank booked as one row (formats.md 2.7).

They are details of that row and never rows of their own, so no balance counts them. In the database they are a list
of objects with the names of ``nostro.formats.Detail``, amounts and dates as text, in the bank's order.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from nostro.formats.values import Detail

#: More parts of one row are not kept; the bank's file is, and the row says how many there were.
MAX_PARTS = 5_000
_AMOUNTS = frozenset(["amount", "fee"])
#: What only the bank's file says in its own words; it stays in the file.
_NOT_KEPT = frozenset(["raw"])


class Batch(Protocol):
    """A stored row, booked, pending or staged."""

    @property
    def amount(self) -> Decimal: ...

    @property
    def currency(self) -> str: ...

    @property
    def fee(self) -> Decimal | None: ...

    @property
    def details(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one row. ``total`` is their sum where each has an amount in the row's currency, else None;
    ``difference`` is the row less that sum, and ``is_explained`` says that the stated charges are exactly it."""

    parts: tuple[Detail, ...]
    total: Decimal | None
    difference: Decimal | None
    is_explained: bool


def stored_parts(details: Iterable[Detail]) -> list[dict[str, Any]]:
    """The parts as the database keeps them; what a part does not have is left out."""
    return [
        {name: _plain(value) for name, value in vars(each).items() if name not in _NOT_KEPT and value not in (None, ())}
        for each, _ in zip(details, range(MAX_PARTS), strict=False)
    ]


def read_parts(stored: Sequence[Mapping[str, Any]] | None) -> tuple[Detail, ...]:
    """The parts that the database keeps."""
    return tuple(
        Detail.from_values({"raw": {}, **{name: _value(name, value) for name, value in each.items()}})
        for each in stored or ()
    )


def parts_of(row: Batch) -> Parts | None:
    """The parts of a row and their sum; None for a row that is no batch."""
    parts = read_parts(row.details)
    if not parts:
        return None
    amounts = [each.amount for each in parts if each.currency in {None, row.currency}]
    counted = [amount for amount in amounts if amount is not None]
    if len(counted) < len(parts):
        return Parts(parts, None, None, False)
    total = sum(counted, Decimal(0))
    difference = row.amount - total
    return Parts(parts, total, difference, bool(difference) and abs(difference) == row.fee)


#: Parts that one page shows.
PARTS_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Part:
    """One payment of a batch as a page shows it."""

    index: int
    name: str
    account: str
    message: str
    amount: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True)
class ShownParts:
    """The parts of a batch that are shown, how many there are, and their sum check."""

    rows: list[Part]
    count: int
    sums: Parts


def shown_parts(row: Batch, account_number: Callable[[str | None], str]) -> ShownParts | None:
    """The payments that the bank booked as this one; None for a row that is no batch. ``account_number`` says how a
    number is shown."""
    sums = parts_of(row)
    if sums is None:
        return None
    rows = []
    for each in sums.parts[:PARTS_SHOWN]:
        is_out = (row.amount if each.amount is None else each.amount) < 0
        structured = each.remittance_information_structured
        rows.append(
            Part(
                each.index,
                (each.creditor_name if is_out else each.debtor_name) or "",
                account_number(each.creditor_account if is_out else each.debtor_account),
                " ".join((*structured, *each.remittance_information_unstructured)) or each.end_to_end_id or "",
                each.amount,
                each.currency or row.currency,
            )
        )
    return ShownParts(rows, len(sums.parts), sums)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _value(name: str, value: Any) -> Any:
    if name in _AMOUNTS:
        return Decimal(value)
    if name == "transaction_date":
        return dt.date.fromisoformat(value)
    if name == "references":
        return tuple((scheme, text) for scheme, text in value)
    return tuple(value) if isinstance(value, list) else value
