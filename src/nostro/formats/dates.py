"""Dates as files write them: the bank's calendar day, never shifted (formats.md 2.2)."""

from __future__ import annotations

import calendar
import datetime as dt
from functools import lru_cache
from typing import NamedTuple


class ReadDate(NamedTuple):
    """``day`` is ``None`` for an empty date; ``corrected`` if it does not exist and became the month's last day."""

    day: dt.date | None
    corrected: bool = False


_NONE = ReadDate(None)


@lru_cache(maxsize=4096)
def iso_date(text: str) -> ReadDate:
    """``2026-11-12`` with whatever time and zone behind it. Raises ``ValueError``."""
    date = text[:10]
    if not date.strip("0- "):
        return _NONE
    if len(date) != 10 or date[4] != "-" or date[7] != "-" or (len(text) > 10 and text[10] not in "T+-Z "):
        raise ValueError("not a date")
    return _day(date[:4], date[5:7], date[8:10])


@lru_cache(maxsize=4096)
def yymmdd(text: str) -> ReadDate:
    """``261112``: years 80-99 are 19xx, 00-79 are 20xx. Raises ``ValueError``."""
    if not text.strip("0 "):
        return _NONE
    if len(text) != 6:
        raise ValueError("not a date")
    return _day(("19" if text[:2] >= "80" else "20") + text[:2], text[2:4], text[4:])


@lru_cache(maxsize=4096)
def ddmmyy(text: str) -> ReadDate:
    """``121126``, as :func:`yymmdd`."""
    return yymmdd(text[4:6] + text[2:4] + text[:2]) if len(text) == 6 else yymmdd(text)


@lru_cache(maxsize=4096)
def nearest_mmdd(text: str, to: dt.date) -> ReadDate:
    """``0102`` in the year that puts it nearest to ``to`` (value 31 Dec 2026 → 2 Jan 2027). Raises ``ValueError``."""
    if not text.strip("0 "):
        return _NONE
    years = range(max(to.year - 1, 1), min(to.year + 2, 9999))
    candidates = [_day(f"{year:04d}", text[:2], text[2:4]) for year in years]
    return min(candidates, key=lambda read: abs(((read.day or to) - to).days))


def _day(year: str, month: str, day: str) -> ReadDate:
    if not (year + month + day).isascii() or not (year + month + day).isdigit():
        raise ValueError("not a date")
    numbers = int(year), int(month), int(day)
    try:
        return ReadDate(dt.date(*numbers))
    except ValueError:
        if not (numbers[0] and 1 <= numbers[1] <= 12 and 1 <= numbers[2] <= 31):
            raise ValueError("not a date") from None
    return ReadDate(dt.date(numbers[0], numbers[1], calendar.monthrange(numbers[0], numbers[1])[1]), corrected=True)
