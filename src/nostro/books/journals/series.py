"""The balance of a journal day by day, for its graph (books.md 7)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from nostro.books.journals.models import Journal
from nostro.books.journals.totals import DayBalances


def balance_series(journal: Journal, *, until: dt.date, days: int = 90) -> list[tuple[dt.date, Decimal]]:
    """(day, computed balance at its end) for each of the last ``days`` days up to ``until``, oldest first.

    It begins with the first line; without lines it is empty.
    """
    balances = DayBalances(journal, until=until)
    if not balances.days:
        return []
    start = max(balances.days[0], until - dt.timedelta(days=days - 1))
    offsets = range(1, (until - start).days + 2)
    return [
        (start + dt.timedelta(days=offset - 1), balances.before(start + dt.timedelta(days=offset)))
        for offset in offsets
    ]
