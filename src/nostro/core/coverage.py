"""Which days were read (books.md 11.5).

A day without transactions and a day that nobody read look the same in a list. Coverage tells them apart: it keeps
the windows that were read completely and finds the days that were not.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from itertools import groupby
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from nostro.core.calendar import DEFAULT_ZONE
from nostro.core.transactions import Window

DayState = Literal["covered", "file", "open", "gap", "before_start"]

#: Days one question may span: about fifty years.
MAX_DAYS = 20_000

_ONE_DAY = dt.timedelta(days=1)


class CoverageError(ValueError):
    """A question about more days than :data:`MAX_DAYS`."""


class CommittedRead(NamedTuple):
    """A committed run: the window it read and the instant the data were from (the Hub's ``synchronizedAt``)."""

    window: Window
    synchronized_at: dt.datetime


class Span(NamedTuple):
    """Consecutive days in one state, both ends included; a piece of the coverage bar."""

    window: Window
    state: DayState


def merge_windows(windows: Iterable[Window]) -> tuple[Window, ...]:
    """The same days in as few windows as possible, oldest first; overlapping and adjacent ones are joined."""
    merged: list[Window] = []
    for window in sorted(windows, key=lambda window: (window.date_from, window.date_to)):
        if window.date_to < window.date_from:
            continue
        last = merged[-1] if merged else None
        if last is not None and (window.date_from - last.date_to).days <= 1:
            merged[-1] = Window(last.date_from, max(last.date_to, window.date_to))
        else:
            merged.append(window)
    return tuple(merged)


def missing_windows(covered: Iterable[Window], within: Window) -> tuple[Window, ...]:
    """The days of ``within`` that no window covers, oldest first."""
    missing: list[Window] = []
    start = within.date_from
    for window in merge_windows(covered):
        if window.date_to < start:
            continue
        if window.date_from > within.date_to:
            break
        if window.date_from > start:
            missing.append(Window(start, window.date_from - _ONE_DAY))
        if window.date_to >= within.date_to:
            return tuple(missing)
        start = window.date_to + _ONE_DAY
    if start <= within.date_to:
        missing.append(Window(start, within.date_to))
    return tuple(missing)


def day_states(
    within: Window,
    *,
    fetch_from: dt.date,
    today: dt.date,
    reads: Iterable[CommittedRead] = (),
    files: Iterable[Window] = (),
    zone: str = DEFAULT_ZONE,
) -> tuple[tuple[dt.date, DayState], ...]:
    """The state of each day of ``within``, oldest first (books.md 11.5).

    A day is covered by a read whose data are from after the end of that day in the bank's ``zone``. ``today`` and
    later days are open. Raises :class:`CoverageError` for too many days.
    """
    if (within.date_to - within.date_from).days >= MAX_DAYS:
        raise CoverageError(f"coverage answers for at most {MAX_DAYS} days at once")
    bank_zone = ZoneInfo(zone)
    covered = _days(within, (_ended_days(read, bank_zone) for read in reads))
    in_files = _days(within, files)
    states: list[tuple[dt.date, DayState]] = []
    day = within.date_from
    while day <= within.date_to:
        states.append((day, _state(day, fetch_from, today, covered, in_files)))
        day += _ONE_DAY
    return tuple(states)


def _ended_days(read: CommittedRead, zone: ZoneInfo) -> Window:
    """The days of the read that were over when the data were taken."""
    last_ended = read.synchronized_at.astimezone(zone).date() - _ONE_DAY
    return Window(read.window.date_from, min(read.window.date_to, last_ended))


def _days(within: Window, windows: Iterable[Window]) -> frozenset[dt.date]:
    days: set[dt.date] = set()
    for window in merge_windows(windows):
        day, last = max(window.date_from, within.date_from), min(window.date_to, within.date_to)
        while day <= last:
            days.add(day)
            day += _ONE_DAY
    return frozenset(days)


def _state(
    day: dt.date,
    fetch_from: dt.date,
    today: dt.date,
    covered: frozenset[dt.date],
    in_files: frozenset[dt.date],
) -> DayState:
    if day >= today:
        return "open"
    if day >= fetch_from and day in covered:
        return "covered"
    if day in in_files:
        return "file"
    return "before_start" if day < fetch_from else "gap"


def spans(states: Iterable[tuple[dt.date, DayState]]) -> tuple[Span, ...]:
    """Days of :func:`day_states` joined to spans of one state, for the coverage bar and for gap messages."""
    result: list[Span] = []
    for state, group in groupby(states, key=lambda item: item[1]):
        days = [day for day, _ in group]
        result.append(Span(Window(days[0], days[-1]), state))
    return tuple(result)
