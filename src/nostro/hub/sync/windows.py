"""Which days a run asks for (connectors.md 1.7 and 1.11), and how many of them a complete answer really covers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from nostro.core.transactions import Window
from nostro.hub.accounts.models import Account
from nostro.hub.accounts.queries import oldest_absent_day, unread_history
from nostro.hub.sync.models import Schedule
from nostro.hub.sync.schedule import WIDE_READ_EVERY

OVERLAP_DAYS = 14
WIDE_DAYS = 90
#: Smaller windows after a bank refused a longer one (connectors.md 4.2); at most six steps.
LADDER_DAYS = (730, 365, 90, 89, 60, 30)
#: A bank that names no limit is asked for this much at first.
LONGEST_DAYS = 3650
#: For so long after the person's confirmation banks open the whole history (connectors.md 1.11.1).
FRESH = dt.timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the first page of a run asks for.

    ``wide``: the whole history or the wide read of 90 days. ``history_from``: where the bank's history is believed to
    begin, for a run that wants all of it, else None. ``is_fresh``: what the bank shows now is all that it has.
    """

    window: Window
    wide: bool
    history_from: dt.date | None
    is_fresh: bool


def first_window(account: Account, schedule: Schedule, *, today: dt.date, history_days: int, now: dt.datetime) -> Asked:
    """The window to ask for.

    The first read takes the whole history. Later ones overlap what is covered by 14 days; once a week, and once after
    a red balance proof, it is 90 days. None is longer than the bank was found to accept. A history that was begun and
    not read to its end is asked for again right after each confirmation by the person, whatever the bank refused in
    between: many banks open old days only then. So are the days that an outage of weeks took out of reach.
    """
    fresh = is_fresh(account, now)
    longest = today - dt.timedelta(days=schedule.longest_window_days or LONGEST_DAYS)
    if account.covered_to is None or (fresh and unread_history(account)):
        begin = today - dt.timedelta(days=history_days or LONGEST_DAYS)
        if account.history_from is not None:
            begin = max(begin, account.history_from)
        knows_better = fresh and account.history_from is not None
        return Asked(Window(begin if knows_better else max(begin, longest), today), True, begin, fresh)
    last_wide = schedule.last_wide_read_at
    wide = last_wide is None or now - last_wide >= WIDE_READ_EVERY or schedule.wide_read_wanted
    begin = min(account.covered_to, today) - dt.timedelta(days=OVERLAP_DAYS)
    if wide:
        begin = min(begin, today - dt.timedelta(days=WIDE_DAYS))
    begin = max(begin, longest)
    missed = min(filter(None, (missed_from(schedule, now), oldest_absent_day(account))), default=today)
    if fresh and missed < min(begin, today - dt.timedelta(days=WIDE_DAYS)):
        return Asked(Window(missed, today), True, None, fresh)
    return Asked(Window(begin, today), wide, None, fresh)


def missed_from(schedule: Schedule, now: dt.datetime) -> dt.date | None:
    """The first day that the weekly reads would have looked at again had none of them failed for two weeks or more."""
    last_wide, days = schedule.last_wide_read_at, [schedule.missed_from]
    if last_wide is not None and now - last_wide >= 2 * WIDE_READ_EVERY:
        days.append(last_wide.date() - dt.timedelta(days=WIDE_DAYS))
    return min(filter(None, days), default=None)


def is_fresh(account: Account, at: dt.datetime) -> bool:
    """Whether the person has just confirmed at the bank; always for sources that know no confirmation."""
    return account.authorised_at is None or at - account.authorised_at <= FRESH


def days_shown(window: Window, oldest_row: dt.date | None, today: dt.date) -> Window:
    """What a complete answer for ``window`` covers, when it was given without a fresh confirmation by the person.

    Without one a bank need not show more than 90 days, and some leave out the rest without a word. An answer that has
    older rows is believed; one that has none says nothing about older days, so that nothing there counts as read or as
    gone.
    """
    legal = today - dt.timedelta(days=WIDE_DAYS)
    if window.date_from >= legal or (oldest_row is not None and oldest_row < legal):
        return window
    return Window(legal, window.date_to)


def smaller_windows(window: Window, min_date: dt.date | None = None) -> Iterator[Window]:
    """What to ask for after the bank refused ``window``: from the oldest day it accepts, then down the ladder."""
    days = (window.date_to - window.date_from).days
    if min_date is not None and window.date_from < min_date <= window.date_to:
        yield Window(min_date, window.date_to)
        days = (window.date_to - min_date).days
    for step in LADDER_DAYS:
        if step < days:
            yield Window(window.date_to - dt.timedelta(days=step), window.date_to)
