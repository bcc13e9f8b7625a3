"""Histories that exist for one question each: ten thousand rows, twins, pending rows, hostile text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from nostro.sandbox.histories import parties
from nostro.sandbox.histories.company import codes, current_account, direct_debit, opening, receipt, supplier_payment
from nostro.sandbox.histories.rows import FOREVER, Place, Row

MANY_ROWS = 10_000
HISTORY_DAYS = 729

HOSTILE_TEXTS = (
    "<script>alert('bank')</script><img src=x onerror=alert(1)>",
    "\u202e0005 RUE ecnarF\u202c right to left \u2066marks\u2069",
    "=HYPERLINK(\"http://example.invalid\",\"open\")",
    "+1+1|calc", "@SUM(A1:A9)", "-2+3",
    "nul \x00 bell \x07 escape \x1b[31m tab \t line \r\n end",
    "' OR '1'='1'; DROP TABLE rows; --",
    "{{ 7*7 }} ${7*7} %s %n",
    "Z\u0337\u0322a\u0337l\u0337g\u0337o\u0337 \U0001f4a9 \ufeff zero\u200bwidth",
)  # fmt: skip


def as_user_good(history: Callable[[Place, dt.date], Iterator[Row]]) -> Callable[[Place, dt.date], Iterator[Row]]:
    """The very rows that ``user_good`` has, for customers to whom the bank writes them in another format."""

    def rows(place: Place, day: dt.date) -> Iterator[Row]:
        yield from history(replace(place, psu="user_good"), day)

    return rows


def many_rows(place: Place, day: dt.date) -> Iterator[Row]:
    """Exactly ten thousand booked rows, spread over the first 24 months; nothing afterwards."""
    at = (day - place.starts_on).days
    if at >= HISTORY_DAYS:
        return
    chance = place.chance(day)
    first, last = at * MANY_ROWS // HISTORY_DAYS, (at + 1) * MANY_ROWS // HISTORY_DAYS
    for number in range(first, last):
        if number == 0:
            yield opening(day, 100_000_000)
        elif number == 1:
            yield direct_debit(place, day, parties.LANDLORD, 315_000)
        else:
            yield receipt(chance, day) if number % 2 else supplier_payment(chance, day)


def empty(place: Place, day: dt.date) -> Iterator[Row]:
    """No row at all."""
    del place, day
    yield from ()


def no_ids(place: Place, day: dt.date) -> Iterator[Row]:
    """A company at a bank that gives no id to any row."""
    for row in current_account(place, day):
        yield replace(row, has_ids=False)


def twins(place: Place, day: dt.date) -> Iterator[Row]:
    """Each Monday two equal payments without any id; now and then other rows."""
    if day == place.starts_on:
        yield opening(day, 5_000_000)
    if day.weekday() == 0:
        for _ in range(2):
            yield twin(day)
    elif day.weekday() == 2:
        yield receipt(place.chance(day), day)


def twin(day: dt.date) -> Row:
    """A payment of which there are many equal ones, without ids."""
    body = {
        "creditorName": "Spoorkaart Automaat",
        "remittanceInformationUnstructured": "Dagkaart",
        **codes("PMNT-CCRD-POSD", "CARD"),
    }
    return Row(-1_250, day, body, has_ids=False)


def pending_then_booked(place: Place, day: dt.date) -> Iterator[Row]:
    """A company, and on every Wednesday three pending rows: one books unchanged after two days, one books after two
    days with a higher amount and the same end-to-end id, one vanishes after three."""
    yield from current_account(place, day)
    if day.weekday() != 2:
        return
    booked_on = day + dt.timedelta(days=2)
    yield Row(-2_000, booked_on, _pending("Kantoorhuis Penneland", f"PEND-A-{day:%Y%m%d}"), day)
    yield Row(
        -11_500, booked_on, _pending("Hotel zum alten Stellwerk", f"PEND-B-{day:%Y%m%d}"), day, None, FOREVER, -10_000
    )
    vanishes = _pending("Tankstation Drongenveld", f"PEND-C-{day:%Y%m%d}")
    yield Row(-7_500, FOREVER, vanishes, day, gone_on=day + dt.timedelta(days=3))


def _pending(name: str, end_to_end: str) -> dict[str, Any]:
    text = f"Reservation {name}"
    body = {"endToEndId": end_to_end, "creditorName": name, "remittanceInformationUnstructured": text}
    return {**body, **codes("PMNT-CCRD-POSD", "CARD")}


def hostile_text(place: Place, day: dt.date) -> Iterator[Row]:
    """One row a week whose texts attack whoever shows, exports or stores them."""
    if day == place.starts_on:
        yield opening(day, 1_000_000)
    if day.weekday() != 1:
        return
    week = day.toordinal() // 7
    text = HOSTILE_TEXTS[week % len(HOSTILE_TEXTS)]
    body: dict[str, Any] = {"creditorName": text[:70], "remittanceInformationUnstructured": text[:140]}
    if week % 5 == 0:
        lines = [f"{number} {text} ".ljust(140, ".")[:140] for number in range(40)]
        body["remittanceInformationUnstructuredArray"] = lines
        body["additionalInformation"] = (text * 20)[:500]
    yield Row(-100 - week % 50, day, {**body, **codes("PMNT-ICDT-ESCT", "DEBIT")})
