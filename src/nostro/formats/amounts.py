"""Amounts as files write them (formats.md 2.1): exact, never rounded, never through a float."""

from __future__ import annotations

import re
from decimal import Decimal

from nostro.core.money import MAX_DECIMALS, MAX_INTEGER_DIGITS, decimals

_FORM = re.compile(rf"\+?([0-9]{{1,{MAX_INTEGER_DIGITS}}})(?:[.,]([0-9]{{0,{MAX_DECIMALS}}}))?")


def amount_of(text: str, currency: str) -> Decimal:
    """An unsigned amount: leading zeros, a leading ``+`` and a trailing comma are accepted, point or comma part it.

    Digits beyond the currency's decimals are cut if they are zeros and kept otherwise (:func:`exceeds`). Raises
    ``ValueError`` for anything else.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError("not an amount")
    whole, fraction = found.groups()
    if not fraction:
        return Decimal(whole)
    if len(fraction) > 2 or currency != "EUR":
        kept = decimals(currency)
        fraction = fraction[:kept] + fraction[kept:].rstrip("0")
    return Decimal(f"{whole}.{fraction}")


def exact(text: str) -> Decimal:
    """An unsigned number with all its digits, for rates and instructed amounts. Raises ``ValueError``."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError("not a number")
    return Decimal(f"{found.group(1)}.{found.group(2) or '0'}" if found.group(2) else found.group(1))


def exceeds(amount: Decimal, currency: str) -> bool:
    """True if the amount has more decimals than its currency: F-SCALE on a booked row."""
    # The text tells most amounts apart and costs half of asking the number for its exponent.
    text = str(amount)
    if text[-3:-2] == "." and currency == "EUR":
        return False
    exponent = amount.as_tuple().exponent
    return isinstance(exponent, int) and -exponent > decimals(currency)
