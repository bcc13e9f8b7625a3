"""Which months of an account were read completely, as a bar: the question "is it complete?" at one glance."""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass
from typing import Literal

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

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


def coverage_bar(covered_from: dt.date | None, covered_to: dt.date | None, today: dt.date) -> CoverageBar:
    """The months up to today's, at least 13 and at most 24: back to the first one read, where that is in reach.

    ``covered_from`` to ``covered_to`` is what complete reads cover without a gap, both days included (books.md 6,
    connectors.md 1.11); the present month counts as complete when it was read to yesterday or later.
    """
    number = _number(today)
    wanted = number - _number(covered_from) + 1 if covered_from else LEAST_MONTHS
    count = min(max(wanted, LEAST_MONTHS), MAX_MONTHS)
    months = []
    for position in range(count):
        year, month = divmod(number - count + 1 + position, 12)
        first = dt.date(year, month + 1, 1)
        last = first.replace(day=calendar.monthrange(year, month + 1)[1])
        due = min(last, today - dt.timedelta(days=1)) if last >= today else last
        months.append(Month(first, _tone(first, max(due, first), covered_from, covered_to), position * MONTH_WIDTH))
    return CoverageBar(months)


def _tone(
    first: dt.date, last: dt.date, covered_from: dt.date | None, covered_to: dt.date | None
) -> Literal["good", "warn", "quiet"]:
    if covered_from is None or covered_to is None or covered_from > last or covered_to < first:
        return "quiet"
    return "good" if covered_from <= first and covered_to >= last else "warn"


def _number(day: dt.date) -> int:
    return day.year * 12 + day.month - 1
