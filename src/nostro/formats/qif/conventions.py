"""How a QIF file writes dates and amounts, decided over the whole file (formats.md 6.5)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal

from nostro.formats.amounts import amount_of
from nostro.formats.dates import ReadDate, iso_date

Order = Literal["dmy", "mdy", "ymd"]

ORDERS: tuple[Order, ...] = ("dmy", "mdy", "ymd")
_DATE = re.compile(r"([0-9]{1,4})\s{0,2}[-/. ]\s{0,2}([0-9]{1,2})\s{0,2}([-/.' ])\s{0,2}([0-9]{1,4})")
_NUMBER = re.compile(r"(?=[.,]?[0-9])[0-9.,][0-9.,' ]{0,40}")
_BETWEEN_THOUSANDS = re.compile(r"[.,' ]")
_LAST_MARK = re.compile(r"([.,])([0-9]*)$")


def read_date(text: str, order: Order) -> ReadDate:
    """``12/11/26``, ``12.11.2026``, ``11/ 2'26``, ``2026-11-12``. An apostrophe means 20xx. Raises ``ValueError``."""
    found = _DATE.fullmatch(text.strip())
    if found is None:
        raise ValueError("not a date")
    first, second, mark, third = found.groups()
    if order == "ymd":
        year, month, day = first, second, third
        # With two digits this order would fit nearly every date; then a person must have said so.
        if len(day) > 2:
            raise ValueError("not a date")
    else:
        day, month, year = (first, second, third) if order == "dmy" else (second, first, third)
        if len(first) > 2:
            raise ValueError("not a date")
    if len(year) != 4:
        if len(year) > 2:
            raise ValueError("not a date")
        year = ("19" if int(year) >= 80 and mark != "'" else "20") + year.zfill(2)
    return iso_date(f"{year}-{month:0>2}-{day:0>2}")


class DateOrders:
    """Which orders every date seen so far is valid in; ``add`` each, then ask :attr:`possible`."""

    def __init__(self) -> None:
        self.possible: list[Order] = list(ORDERS)
        self._different: set[tuple[Order, Order]] = set()

    def add(self, text: str) -> bool:
        """Count one date; False if no order is left that fits it and all before."""
        read = {order: day for order in self.possible if (day := _day(text, order)) is not None}
        self.possible = list(read)
        self._different |= {(one, other) for one in read for other in read if one < other and read[one] != read[other]}
        return bool(read)

    @property
    def is_clear(self) -> bool:
        """True if all orders left mean the same days."""
        return not any(one in self.possible and other in self.possible for one, other in self._different)


def _day(text: str, order: Order) -> object:
    try:
        read = read_date(text, order)
    except ValueError:
        return None
    # A corrected day is no day of this order; two digits never begin with the year unless a person says so.
    if read.corrected or (order == "ymd" and not text.strip()[:4].isdigit()):
        return None
    return read.day


class DecimalMarks:
    """Whether ``.`` or ``,`` parts the decimals; ``add`` each amount, then ask :meth:`mark`."""

    def __init__(self) -> None:
        self._is_decimal: set[str] = set()
        #: An amount like ``1,234``, which may be either.
        self.doubtful = False

    def add(self, text: str) -> None:
        """Count one amount."""
        mark = _LAST_MARK.search(text.strip())
        if mark is None:
            return
        sign, digits = mark.groups()
        other = "," if sign == "." else "."
        if other in text or len(digits) != 3:
            self._is_decimal.add(sign)
        elif text.count(sign) == 1:
            self.doubtful = True
        else:
            self._is_decimal.add(other)

    @property
    def mark(self) -> str | None:
        """The decimal mark; ``None`` if nothing tells it, or both occur."""
        return next(iter(self._is_decimal)) if len(self._is_decimal) == 1 else None


def read_amount(text: str, currency: str, mark: str | None) -> Decimal:
    """A signed amount. Without a known mark the last one before one or two digits is it. Raises ``ValueError``."""
    written = text.strip()
    negative = written[:1] == "-"
    digits = written[1:].strip() if written[:1] in ("-", "+") else written
    if not _NUMBER.fullmatch(digits):
        raise ValueError("not an amount")
    if mark is None:
        found = _LAST_MARK.search(digits)
        mark = found.group(1) if found and len(found.group(2)) != 3 else "."
    whole, _, fraction = digits.rpartition(mark) if mark in digits else (digits, "", "")
    bare = _BETWEEN_THOUSANDS.sub("", whole) or "0"
    value = amount_of(f"{bare}.{fraction}", currency)
    return -value if negative else value
