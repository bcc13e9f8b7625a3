"""Which days a run asks for (connectors.md 1.7 and 1.11)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from nostro.core.transactions import Window
from nostro.hub.accounts.models import Account
from nostro.hub.sync.models import Schedule
from nostro.hub.sync.schedule import WIDE_READ_EVERY

OVERLAP_DAYS = 14
WIDE_DAYS = 90
#: Smaller windows after a bank refused a longer one (connectors.md 4.2); at most six steps.
LADDER_DAYS = (730, 365, 90, 89, 60, 30)
#: A bank that names no limit is asked for this much at first.
LONGEST_DAYS = 3650


def first_window(
    account: Account, schedule: Schedule, *, today: dt.date, history_days: int, now: dt.datetime
) -> tuple[Window, bool]:
    """The window to ask for, and whether it is the wide read.

    The first read takes the whole history. Later ones overlap what is covered by 14 days; once a week, and once after
    a red balance proof, it is 90 days. None is longer than the bank was found to accept.
    """
    longest = schedule.longest_window_days or LONGEST_DAYS
    if account.covered_to is None:
        return Window(today - dt.timedelta(days=min(history_days or LONGEST_DAYS, longest)), today), True
    last_wide = schedule.last_wide_read_at
    wide = last_wide is None or now - last_wide >= WIDE_READ_EVERY or schedule.wide_read_wanted
    begin = min(account.covered_to, today) - dt.timedelta(days=OVERLAP_DAYS)
    if wide:
        begin = min(begin, today - dt.timedelta(days=WIDE_DAYS))
    return Window(max(begin, today - dt.timedelta(days=longest)), today), wide


def smaller_windows(window: Window, min_date: dt.date | None = None) -> Iterator[Window]:
    """What to ask for after the bank refused ``window``: from the oldest day it accepts, then down the ladder."""
    days = (window.date_to - window.date_from).days
    if min_date is not None and window.date_from < min_date <= window.date_to:
        yield Window(min_date, window.date_to)
        days = (window.date_to - min_date).days
    for step in LADDER_DAYS:
        if step < days:
            yield Window(window.date_to - dt.timedelta(days=step), window.date_to)
