"""The balance of a journal day by day, for its graph (books.md 7)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.db.models import Sum

from nostro.books.journals.models import Journal, Line, LineStatus

_COUNTED = (LineStatus.POSTED, LineStatus.WITHDRAWN)


def balance_series(journal: Journal, *, until: dt.date, days: int = 90) -> list[tuple[dt.date, Decimal]]:
    """(day, computed balance at its end) for each of the last ``days`` days up to ``until``, oldest first.

    It begins with the first line; without lines it is empty.
    """
    lines = Line.objects.filter(journal=journal, status__in=_COUNTED, order_date__lte=until)
    first = lines.order_by("order_date").values_list("order_date", flat=True).first()
    if first is None:
        return []
    start = max(first, until - dt.timedelta(days=days - 1))
    before: Decimal | None = lines.filter(order_date__lt=start).aggregate(total=Sum("amount"))["total"]
    rows = lines.filter(order_date__gte=start).values_list("order_date").annotate(total=Sum("amount"))
    change = dict(rows.order_by("order_date"))
    balance, series = journal.opening_amount + (before or 0), []
    for offset in range((until - start).days + 1):
        day = start + dt.timedelta(days=offset)
        balance += change.get(day, 0)
        series.append((day, balance))
    return series
