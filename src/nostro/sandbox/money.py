"""Amounts as whole minor units (cents, yen, fils) and as the text the standard wants. No float, no rounding."""

from __future__ import annotations

import re

_DECIMALS = {"JPY": 0, "KWD": 3}
_AMOUNT = re.compile(r"(-?)(\d{1,14})(?:\.(\d{1,3}))?")


def decimals(currency: str) -> int:
    """Decimals of the currencies this bank keeps accounts in (ISO 4217)."""
    return _DECIMALS.get(currency, 2)


def amount_text(minor: int, currency: str) -> str:
    """EUR -350 is ``-3.50``, JPY 350 is ``350``, KWD 350 is ``0.350``."""
    places = decimals(currency)
    sign, digits = ("-" if minor < 0 else ""), str(abs(minor)).zfill(places + 1)
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else sign + digits


def amount_object(minor: int, currency: str) -> dict[str, str]:
    """The standard's ``amount``."""
    return {"currency": currency, "amount": amount_text(minor, currency)}


def parse_minor(text: object, currency: str) -> int:
    """Minor units of an amount written as decimal text. Raises ``ValueError`` for anything else."""
    match = _AMOUNT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError("an amount is decimal text with at most 14 digits before the point")
    sign, whole, fraction = match.group(1), match.group(2), match.group(3) or ""
    places = decimals(currency)
    if len(fraction) > places:
        raise ValueError(f"{currency} has {places} decimals")
    minor = int(whole + fraction.ljust(places, "0"))
    return -minor if sign else minor
