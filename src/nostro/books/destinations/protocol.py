"""What Books needs of the place where lines are booked: its own ledger now, an Odoo database later (books.md 17)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from nostro.books.journals.importing import NewLine
from nostro.books.journals.models import Journal


class Destination(Protocol):
    """A place for lines. Every call may be repeated on the same input and then changes nothing more."""

    def import_batch(
        self, journal: Journal, batch: Sequence[NewLine], *, identity: str, run_id: UUID, now: dt.datetime
    ) -> int:
        """Book at most 500 lines, oldest first, in one transaction; returns how many are posted."""
        ...

    def close_run(self, journal: Journal, *, now: dt.datetime) -> None:
        """After the last batch: opening balance, statements, balance proof."""
        ...
