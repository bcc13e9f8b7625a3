"""A company's credit card: purchases at home and abroad, refunds, and what is paid back each month."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from nostro.sandbox.histories.company import card_payments, codes
from nostro.sandbox.histories.rows import Place, Row, falls_on

#: A purchase is booked at most so many days later, a refund too.
LATEST_BOOKING = dt.timedelta(days=14)


def credit_card(place: Place, day: dt.date) -> Iterator[Row]:
    """The day's rows of the card: what was bought, and on the fifth what was spent in the month before, paid back."""
    yield from card_payments(place.chance(day), place, day)
    if not falls_on(day, 5):
        return
    spent = _booked_in_month_before(place, day)
    if spent:
        body = {"debtorName": "Settlement", "remittanceInformationUnstructured": f"SETTLEMENT {day:%Y-%m}"}
        yield Row(-spent, day, {**body, **codes("PMNT-CCRD-XBCP", "SETTLE")})


def _booked_in_month_before(place: Place, day: dt.date) -> int:
    until = day.replace(day=1) - dt.timedelta(days=1)
    since = until.replace(day=1)
    first = max(place.starts_on, since - LATEST_BOOKING)
    days = (first + dt.timedelta(days=number) for number in range((until - first).days + 1))
    rows = (row for each in days for row in card_payments(place.chance(each), place, each))
    return sum(row.minor for row in rows if since <= row.booked_on <= until)
