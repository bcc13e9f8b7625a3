"""When an account is fetched next (books.md 5.1). Pure: clock and account are passed in."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from nostro.books.links.models import FetchSchedule
from nostro.core.retries import BOOKS_BACKOFF

MAX_JITTER = dt.timedelta(minutes=5)
_HOURS = {
    FetchSchedule.HOURLY: 1,
    FetchSchedule.EVERY_2_HOURS: 2,
    FetchSchedule.EVERY_4_HOURS: 4,
    FetchSchedule.EVERY_6_HOURS: 6,
    FetchSchedule.EVERY_12_HOURS: 12,
    FetchSchedule.EVERY_24_HOURS: 24,
}


def interval(schedule: str) -> dt.timedelta | None:
    """The time between two fetches; ``None`` for a manual schedule, a day for given times."""
    if schedule == FetchSchedule.DAILY_AT:
        return dt.timedelta(days=1)
    hours = _HOURS.get(FetchSchedule(schedule))
    return None if hours is None else dt.timedelta(hours=hours)


def jitter(account_id: UUID, between: dt.timedelta) -> dt.timedelta:
    """Always the same for one account: up to a tenth of the interval, at most 5 minutes."""
    share = int.from_bytes(hashlib.sha256(account_id.bytes).digest()[:4], "big") / 2**32
    return min(between / 10, MAX_JITTER) * share


def next_fetch(
    schedule: str, times: Sequence[dt.time], account_id: UUID, *, after: dt.datetime, zone: str
) -> dt.datetime | None:
    """The next planned fetch after a moment; missed times are not queued up."""
    between = interval(schedule)
    if between is None:
        return None
    offset = jitter(account_id, between)
    if schedule != FetchSchedule.DAILY_AT:
        return after + between + offset
    local = after.astimezone(ZoneInfo(zone))
    days = (local.date(), local.date() + dt.timedelta(days=1))
    planned = [dt.datetime.combine(day, at, ZoneInfo(zone)) for day in days for at in times]
    return min((at + offset for at in planned if at > local), default=None)


def retry_at(failures: int, *, now: dt.datetime, planned: dt.datetime | None) -> dt.datetime | None:
    """After the ``failures``-th retryable failure in a row: 1 min, 5 min, 15 min, 1 h, then the normal schedule."""
    if failures > len(BOOKS_BACKOFF):
        return planned
    retry = now + BOOKS_BACKOFF[failures - 1]
    return retry if planned is None else min(retry, planned)
