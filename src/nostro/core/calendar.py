"""Days: which calendar day a bank means, and which statement a day belongs to (books.md 1 and 5.2).

Bank dates have no time zone and are never shifted. Only where a service sends an instant instead of a date
must the day be found again.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Grouping = Literal["per_synchronization", "daily", "weekly", "bi_monthly", "monthly"]
GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)

DEFAULT_ZONE = "Europe/Brussels"


class CalendarError(ValueError):
    """A date that cannot be read, or a time zone that does not exist."""


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CalendarError(f"unknown time zone: {name}") from None


def booking_day(value: str | dt.date | dt.datetime, zone: str = DEFAULT_ZONE) -> dt.date:
    """The calendar day a bank means by a date or an instant (books.md 1).

    A date, and a time without zone, is taken as it stands. Midnight UTC is how services write a plain date,
    so it means that date. Any other instant is converted to the bank's time ``zone`` and then cut. Raises
    :class:`CalendarError`.
    """
    moment = _parse(value) if isinstance(value, str) else value
    if not isinstance(moment, dt.datetime):
        return moment
    if moment.tzinfo is None or _is_midnight_utc(moment):
        return moment.date()
    try:
        return moment.astimezone(_zone(zone)).date()
    except OverflowError:
        raise CalendarError("the date is out of range") from None


def _parse(text: str) -> dt.date | dt.datetime:
    text = text.strip()
    try:
        return dt.date.fromisoformat(text) if len(text) == 10 else dt.datetime.fromisoformat(text)
    except ValueError:
        raise CalendarError("a date must look like 2026-11-20 or 2026-11-20T22:30:00Z") from None


def _is_midnight_utc(moment: dt.datetime) -> bool:
    return moment.utcoffset() == dt.timedelta(0) and moment.time() == dt.time(0)


def iso_week(day: dt.date) -> str:
    """ISO year and week: 2026-12-31 and 2027-01-01 are both ``2026-W53``."""
    year, week, _ = day.isocalendar()
    return f"{year:04d}-W{week:02d}"


def grouping_key(grouping: Grouping, day: dt.date, run_id: str) -> str:
    """Key of the statement that a line of ``day`` belongs to (books.md 5.2).

    ``run_id`` names the fetch run that brought the line and is the key when grouping per synchronization.
    """
    match grouping:
        case "per_synchronization":
            return run_id
        case "daily":
            return day.isoformat()
        case "weekly":
            return iso_week(day)
        case "bi_monthly":
            return f"{day:%Y-%m}-{1 if day.day <= 15 else 2}"
        case "monthly":
            return f"{day:%Y-%m}"


def grouping_start(grouping: Grouping, day: dt.date) -> dt.date:
    """First day of the statement that ``day`` belongs to, for the order date of books.md 5.2 rule 6.

    Per synchronization has no period of its own: the day itself is returned, and the last order date of the
    previous statement is the caller's to apply.
    """
    match grouping:
        case "per_synchronization" | "daily":
            return day
        case "weekly":
            return day - dt.timedelta(days=day.weekday())
        case "bi_monthly":
            return day.replace(day=1 if day.day <= 15 else 16)
        case "monthly":
            return day.replace(day=1)
