"""Which months of an account were read completely, as a bar: the question "is it complete?" at one glance."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from nostro.core.coverage import merge_windows
from nostro.core.transactions import Window

MAX_MONTHS = 24
LEAST_MONTHS = 13
#: User units of the drawing; it is stretched to any width.
MONTH_WIDTH, GAP = 10, 1


@dataclass(frozen=True)
class Month:
    """One month of the bar. ``tone`` names the fill: good (all of its days), warn (a part), quiet (none)."""

    first: dt.date
    tone: Literal["good", "warn", "quiet"]
    x: int

    @property
    def word(self) -> str:
        words = {
            "good": pgettext("month", "complete"),
            "warn": pgettext("month", "partly read"),
            "quiet": pgettext("month", "not read"),
        }
        return words[self.tone]

    @property
    def title(self) -> str:
        """For those who hover, and for readers of screens."""
        return _("%(month)s: %(state)s") % {"month": date_format(self.first, "F Y"), "state": self.word}


@dataclass(frozen=True)
class CoverageBar:
    """The months, oldest first, and the width of the whole in user units."""

    months: list[Month]

    @property
    def width(self) -> int:
        return len(self.months) * MONTH_WIDTH - GAP


def coverage_bar(
    covered_from: dt.date | None, covered_to: dt.date | None, today: dt.date, files: Sequence[Window] = ()
) -> CoverageBar:
    """The months up to today's, at least 13 and at most 24: back to the first one read, where that is in reach.

    ``covered_from`` to ``covered_to`` is what complete reads cover without a gap, both days included (books.md 6,
    connectors.md 1.11); the present month counts as complete when it was read to yesterday or later. ``files`` are days
    that bank files list completely.
    """
    number = _number(today)
    read = [Window(covered_from, covered_to)] if covered_from and covered_to else []
    windows = merge_windows([*read, *files])
    wanted = number - _number(windows[0].date_from) + 1 if windows else LEAST_MONTHS
    count = min(max(wanted, LEAST_MONTHS), MAX_MONTHS)
    months = []
    for position in range(count):
        year, month = divmod(number - count + 1 + position, 12)
        first = dt.date(year, month + 1, 1)
        last = first.replace(day=calendar.monthrange(year, month + 1)[1])
        due = min(last, today - dt.timedelta(days=1)) if last >= today else last
        months.append(Month(first, _tone(first, max(due, first), windows), position * MONTH_WIDTH))
    return CoverageBar(months)


def _tone(first: dt.date, last: dt.date, windows: Sequence[Window]) -> Literal["good", "warn", "quiet"]:
    touching = [each for each in windows if each.date_from <= last and each.date_to >= first]
    if not touching:
        return "quiet"
    return "good" if any(each.date_from <= first and each.date_to >= last for each in touching) else "warn"


def _number(day: dt.date) -> int:
    return day.year * 12 + day.month - 1
