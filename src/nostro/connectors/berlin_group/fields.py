"""Reading single fields of hostile JSON. Every reader takes what it can and says in ``warnings`` what it could not."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

from nostro.core.masking import mask_card_numbers, mask_pan
from nostro.core.money import MoneyError, parse_amount, parse_currency
from nostro.core.text import MAX_NAME_LENGTH, MAX_REFERENCE_LENGTH, MAX_TEXT_LENGTH, clean

#: Years outside this range are placeholders (0001-01-01, 9999-12-31) and count as "no date".
MIN_YEAR, MAX_YEAR = 1970, 2200
MAX_LIST_ITEMS = 50
MAX_WARNINGS = 100

_AMOUNT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?![0-9])", re.ASCII)


class UnreadableError(ValueError):
    """A field without which its row means nothing. The message names the field, never its content."""


@dataclass
class Warnings:
    """What could not be read, each sentence once, at most :data:`MAX_WARNINGS`."""

    found: dict[str, None] = field(default_factory=dict)

    def add(self, text: str) -> None:
        if len(self.found) < MAX_WARNINGS:
            self.found.setdefault(text)

    def as_tuple(self) -> tuple[str, ...]:
        return tuple(self.found)


def amount_of(value: Any, where: str) -> tuple[Decimal, str]:
    """Read ``{"amount": "-5.00", "currency": "EUR"}``; the number may be text or a JSON number.

    Raises :class:`UnreadableError` if the amount or the currency is missing or no such thing.
    """
    if not isinstance(value, Mapping):
        raise UnreadableError(f"{where} is missing")
    text = value.get("amount")
    # Decimal() itself would also take "1_000" and digits of other scripts.
    if isinstance(text, str) and not _AMOUNT.fullmatch(text.strip()):
        raise UnreadableError(f"{where} is no number")
    try:
        return parse_amount(text), parse_currency(value.get("currency"))
    except (MoneyError, ArithmeticError) as error:
        raise UnreadableError(f"{where}: {error}") from None


def text_of(value: Any, limit: int = MAX_TEXT_LENGTH) -> str | None:
    """Text, cleaned, capped, without card numbers. Numbers that banks send for text are written out."""
    if not isinstance(value, str):
        value = _written_out(value)
        if value is None:
            return None
    return mask_card_numbers(clean(value, limit)) or None


def _written_out(value: Any) -> str | None:
    return str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def short_text_of(value: Any) -> str | None:
    """A code, or a text that is as short as one."""
    return text_of(value, 35)


def name_of(value: Any) -> str | None:
    """The name of a person, company or product."""
    return text_of(value, MAX_NAME_LENGTH)


def reference_of(value: Any) -> str | None:
    """A reference, never masked. One beyond the limit ends in a digest of the whole, so that it stays distinct."""
    if not isinstance(value, str):
        value = _written_out(value)
        if value is None:
            return None
    if len(value) > MAX_REFERENCE_LENGTH:
        digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return clean(value, MAX_REFERENCE_LENGTH - 33) + "#" + digest
    return clean(value, MAX_REFERENCE_LENGTH) or None


def date_of(value: Any, where: str, warnings: Warnings) -> dt.date | None:
    """A calendar date, also from a date with time, whose day is taken as written and never shifted."""
    if value is None or value == "":
        return None
    # The eleventh character tells a date from a longer number.
    day = _calendar_date(value.strip()[:11]) if isinstance(value, str) else None
    if day is None:
        warnings.add(f"{where} is no date")
    elif not MIN_YEAR <= day.year <= MAX_YEAR:
        warnings.add(f"{where} is a placeholder (year {day.year})")
        return None
    return day


def calendar_date_of(value: Any) -> dt.date | None:
    """A calendar date as :func:`date_of` reads it, for fields whose oddities were already told."""
    return date_of(value, "", Warnings())


@lru_cache(maxsize=2048)
def _calendar_date(text: str) -> dt.date | None:
    # The same few days are on every row of a page.
    found = _DATE.match(text)
    try:
        return dt.date.fromisoformat(found.group()) if found else None
    except ValueError:
        return None


def instant_of(value: Any) -> dt.datetime | None:
    """A date with time and zone; without a zone it is no instant, so None."""
    if not isinstance(value, str):
        return None
    try:
        instant = dt.datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else None


def flag_of(value: Any) -> bool | None:
    """A boolean, also as the text that some banks send."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def count_of(value: Any) -> int | None:
    """A count below a million, also as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:7])
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1_000_000:
        return value
    return None


def list_of(value: Any) -> list[Any]:
    """A list, capped; one value that a bank did not wrap is a list of one."""
    if value is None:
        return []
    return value[:MAX_LIST_ITEMS] if isinstance(value, list) else [value]


def account_number_of(value: Any) -> str | None:
    """IBAN, BBAN or masked card number out of an account reference, in the standard's order of preference."""
    if not isinstance(value, Mapping):
        return None
    for name in ("iban", "bban"):
        if number := reference_of(value.get(name)):
            return number.replace(" ", "")
    if card := masked_pan_of(value):
        return card
    other = value.get("other")
    identification = other.get("identification") if isinstance(other, Mapping) else other
    return reference_of(value.get("msisdn")) or reference_of(identification)


def masked_pan_of(value: Mapping[str, Any]) -> str | None:
    """A masked card number, whichever of its three names a bank uses; a full one is masked."""
    for name in ("maskedPan", "maskedPAN", "pan"):
        if number := reference_of(value.get(name)):
            return mask_pan(number)
    return None


def href_of(links: Any, name: str) -> str | None:
    """The address of the link ``name`` in a ``_links`` object; plain text instead of ``{"href": …}`` is accepted."""
    link = links.get(name) if isinstance(links, Mapping) else None
    if isinstance(link, Mapping):
        link = link.get("href")
    return link if isinstance(link, str) and link else None
