"""Sums and counts of journals from the totals that the database keeps (decision 0022): no page reads all lines."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Collection, Mapping
from decimal import Decimal
from itertools import accumulate
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Sum

from nostro.books.journals.models import Journal, Total

ORDER, BOOKING, COUNT = "order", "booking", "count"


class Counts(NamedTuple):
    """How many lines a journal has, and how many of them wait for what."""

    lines: int = 0
    to_reconcile: int = 0
    to_check: int = 0
    held: int = 0


def counts_of(journal_ids: Collection[UUID]) -> Mapping[UUID, Counts]:
    """The counts of each journal that has lines."""
    rows = Total.objects.filter(journal_id__in=journal_ids, basis=COUNT).values_list("journal_id")
    sums = rows.annotate(Sum("lines"), Sum("to_reconcile"), Sum("to_check"), Sum("held"))
    return {journal_id: Counts(*values) for journal_id, *values in sums}


def posted_until(journal: Journal, day: dt.date) -> Decimal:
    """Σ of the posted lines with a booking date up to and with a day."""
    rows = Total.objects.filter(journal_id=journal.id, basis=BOOKING, day__lte=day)
    total: Decimal | None = rows.aggregate(total=Sum("amount"))["total"]
    return total or Decimal(0)


class DayBalances:
    """The computed balance of a journal at the end of each day on which lines moved it."""

    def __init__(self, journal: Journal, *, until: dt.date | None = None) -> None:
        rows = Total.objects.filter(journal_id=journal.id, basis=ORDER)
        if until is not None:
            rows = rows.filter(day__lte=until)
        found = list(rows.order_by("day").values_list("day").annotate(Sum("amount")))
        self.opening = journal.opening_amount
        self.days: list[dt.date] = [day for day, _ in found]
        self.changes: list[Decimal] = [change for _, change in found]
        self._ends: list[Decimal] = list(accumulate(self.changes, initial=self.opening))

    def before(self, day: dt.date) -> Decimal:
        """The balance at the beginning of a day."""
        return self._ends[bisect_left(self.days, day)]


def has_unfolded(journal: Journal) -> bool:
    """Whether something was appended since the totals were folded: the counts are one row then."""
    return Total.objects.filter(journal_id=journal.id, basis=COUNT)[:2].count() > 1


def fold_totals(journal: Journal) -> None:
    """Make one row of the several rows of a basis and day; what they add up to stays.

    A row that another transaction holds is left for the next time, so nobody waits.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH several AS (
                SELECT basis, day FROM journals_total WHERE journal_id = %(journal)s
                GROUP BY basis, day HAVING count(*) > 1
            ), held AS (
                SELECT t.id FROM journals_total t
                JOIN several s ON t.basis = s.basis AND t.day IS NOT DISTINCT FROM s.day
                WHERE t.journal_id = %(journal)s FOR UPDATE OF t SKIP LOCKED
            ), gone AS (
                DELETE FROM journals_total t USING held h WHERE t.id = h.id
                RETURNING t.basis, t.day, t.amount, t.lines, t.to_reconcile, t.to_check, t.held
            )
            INSERT INTO journals_total (journal_id, basis, day, amount, lines, to_reconcile, to_check, held)
            SELECT %(journal)s, basis, day, sum(amount), sum(lines), sum(to_reconcile), sum(to_check), sum(held)
            FROM gone GROUP BY basis, day
            """,
            {"journal": journal.id},
        )
