"""Dates in tables, whose order is decided over the whole file (formats.md 6.5, 6.9)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from nostro.formats.dates import ReadDate, iso_date

ORDERS = ("dmy", "mdy", "ymd")
_NUMBERS = re.compile(r"([0-9]{1,4})\s?[-/. ]\s?([0-9]{1,2})\s?[-/. ]\s?([0-9]{1,4})(?:[T ,].{0,40}|Z)?")
_COMPACT = re.compile(r"([12][0-9]{3})([01][0-9])([0-3][0-9])(?:[T ]?[0-9:.]{0,16})?")
_NAMED = re.compile(r"([0-9]{1,2})[-. /]{1,2}([^\W\d_]{3,9})[-. /]{1,2}([0-9]{2,4})(?:[ ,].{0,40})?")
_NAMED_FIRST = re.compile(r"([^\W\d_]{3,9})\.? ([0-9]{1,2}),? ([0-9]{4})(?:[ ,].{0,40})?")
#: First letters of the months in English, Dutch, French, German and Spanish.
_MONTHS = (
    ("jan", "ene"), ("feb", "fev", "fév"), ("mar", "maa", "mrt", "mär", "mrz"), ("apr", "avr", "abr"),
    ("may", "mei", "mai"), ("jun", "juin"), ("jul", "juil"), ("aug", "aou", "aoû", "ago"), ("sep",),
    ("oct", "okt"), ("nov",), ("dec", "déc", "dez", "dic"),
)  # fmt: skip
_NONE = ReadDate(None)


@lru_cache(maxsize=4096)
def orders_of(text: str) -> tuple[str, ...]:
    """The orders in which the text is a date; all three if it needs none, empty if it is no date at all."""
    found = _NUMBERS.fullmatch(text)
    if found is None:
        return ORDERS if _unordered(text) is not None else ()
    first, second, third = found.groups()
    if len(first) == 4:
        return ORDERS if int(second) <= 12 else ()
    if len(first) > 2 or len(third) not in (2, 4):
        return ()
    one, two = int(first), int(second)
    if one == two:
        return ("dmy", "mdy") if 1 <= one <= 12 else ()
    return tuple(
        order for order, day, month in (("dmy", one, two), ("mdy", two, one)) if 1 <= day <= 31 and 1 <= month <= 12
    )


@lru_cache(maxsize=4096)
def day_of(text: str, order: str) -> ReadDate:
    """The day as written, whatever time and zone follow it. Raises ``ValueError``."""
    if not text.strip("0-/. "):
        return _NONE
    found = _NUMBERS.fullmatch(text)
    if found is None:
        unordered = _unordered(text)
        if unordered is None:
            raise ValueError("not a date")
        return unordered
    first, second, third = found.groups()
    if len(first) == 4:
        return _built(first, second, third)
    day, month = (second, first) if order == "mdy" else (first, second)
    if order == "ymd" or len(third) not in (2, 4):
        raise ValueError("not a date in this order")
    return _built(third, month, day)


def _unordered(text: str) -> ReadDate | None:
    try:
        if found := _COMPACT.fullmatch(text):
            return _built(*found.groups())
        if found := _NAMED.fullmatch(text):
            day, month, year = found.groups()
            return _built(year, _month(month), day)
        if found := _NAMED_FIRST.fullmatch(text):
            month, day, year = found.groups()
            return _built(year, _month(month), day)
    except ValueError:
        pass
    return None


def _month(name: str) -> str:
    folded = name.casefold()
    # Four letters tell juin from juillet.
    for length in (4, 3):
        for number, beginnings in enumerate(_MONTHS, 1):
            if folded[:length] in beginnings:
                return str(number)
    raise ValueError("not a month")


def _built(year: str, month: str, day: str) -> ReadDate:
    if len(year) == 2:
        year = ("19" if year >= "80" else "20") + year
    return iso_date(f"{year}-{month:0>2}-{day:0>2}")


class DayStyle:
    """The order of the dates of a file. :meth:`note` each in the order of the file, then :meth:`read`."""

    def __init__(self, orders: Sequence[str] = ORDERS) -> None:
        self._orders = tuple(orders) or ORDERS
        #: A date that can be read in two ways, while nothing has decided between them.
        self.question: str | None = None

    @property
    def is_decided(self) -> bool:
        """True if no further text changes how dates are read."""
        return len(self._orders) == 1

    def note(self, text: str) -> None:
        """Look at one text; sets or answers :attr:`question`."""
        if len(self._orders) == 1:
            return
        left = [order for order in self._orders if order in orders_of(text)]
        if not left or len(left) == len(ORDERS):
            return
        if len(left) == 1 or "ymd" not in left:
            self._orders = tuple(left)
        if len(self._orders) == 1:
            self.question = None
        elif self.question is None and day_of(text, "dmy") != day_of(text, "mdy"):
            self.question = text

    def read(self, text: str) -> ReadDate:
        """The day. Raises ``ValueError``."""
        return day_of(text, self._orders[0])
