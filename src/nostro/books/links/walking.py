"""Walking the Hub's list of transactions from the newest to older ones (books.md 10 step 4)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from itertools import takewhile

from nostro.books.hub_client.client import PAGE_LIMIT, TransactionPage
from nostro.books.hub_client.values import HubTransaction


@dataclass
class Walked:
    """What a walk brought: items newest first, and the id that becomes the next cursor."""

    items: list[HubTransaction] = field(default_factory=list)
    next_cursor: str = ""
    cursor_met: bool = False
    reached_end: bool = False
    horizon: dt.date = dt.date.min
    #: Ids whose payload was not there when the last fetch ended.
    fresh: set[str] = field(default_factory=set)
    #: Items since the last one that was not older than the horizon.
    old_in_a_row: int = 0

    def passes(self, page: TransactionPage) -> bool:
        """Note the ages of a page; whether a whole page, as large as was asked for, lies before the horizon now.

        A Hub may send shorter pages; where it cuts its list decides nothing (I-10).
        """
        old = list(takewhile(lambda item: item.booking_date < self.horizon, reversed(page.transactions)))
        is_old = len(old) == len(page.transactions)
        self.old_in_a_row = self.old_in_a_row + len(old) if is_old else len(old)
        return self.old_in_a_row >= PAGE_LIMIT

    def complete_since(self, fetch_from: dt.date) -> dt.date:
        """The day from which on it showed all that the Hub has: everything, where it came to the end of the list."""
        return min(self.horizon, fetch_from) if self.reached_end else self.horizon
