"""Lines and items of the worked examples, with names instead of ids."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from nostro.books.reconcile.engine import Book, ItemKind, LineFacts, OpenItem, PartnerBook
from nostro.books.reconcile.engine.partners import KnownPartner
from nostro.core.references import canonical_keys

DAY = dt.date(2026, 3, 2)


def an_id(name: str) -> UUID:
    """The same id for the same name."""
    return uuid5(NAMESPACE_URL, name)


def an_item(name: str = "INV/2026/0007", residual: str = "121.00", reference: str = "", **changes: Any) -> OpenItem:
    values: dict[str, Any] = {
        "id": an_id(name),
        "kind": ItemKind.DOCUMENT,
        "name": name,
        "account_id": an_id("receivable"),
        "currency": "EUR",
        "residual": Decimal(residual),
        "date": DAY,
        "numbers": (name.upper(),),
        "keys": canonical_keys(reference),
    }
    return OpenItem(**{**values, **changes})


def a_line(amount: str, text: str = "", **changes: Any) -> LineFacts:
    currency = changes.pop("currency", "EUR")
    values: dict[str, Any] = {
        "id": an_id(f"line {amount} {text}"),
        "journal_id": an_id("journal"),
        "currency": currency,
        "rests": {currency: Decimal(amount)},
        "date": DAY,
        "texts": (text,),
    }
    return LineFacts(**{**values, **changes})


def a_book(*items: OpenItem, partners: dict[str, str] | None = None, **known: Any) -> Book:
    """``partners`` are names by the word for their id."""
    people = [KnownPartner(an_id(word), name) for word, name in (partners or {}).items()]
    return Book(items, PartnerBook(people, **known))
