"""Accounts in several currencies: overseas customers and suppliers, exchanges between the company's own accounts."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from typing import Any

from nostro.sandbox.histories import parties
from nostro.sandbox.histories.company import codes, end_to_end, opening, owner
from nostro.sandbox.histories.rows import (
    Place,
    Row,
    convert_from_euro,
    exchange,
    falls_on,
    is_bank_day,
    rate,
    shared_chance,
)

#: What the euro account of ``user_multi_currency`` is exchanged from.
FOREIGN = ("USD", "JPY")


def trade_account(place: Place, day: dt.date) -> Iterator[Row]:
    """The day's rows of one currency's account of a trading company. All figures are drawn in euro cents first."""
    chance = place.chance(day)
    if day == place.starts_on:
        yield opening(day, convert_from_euro(3_000_000, place.currency, rate(place.seed, place.currency, day)))
    if not is_bank_day(day):
        return
    if chance.random() < 0.4:
        yield _trade(chance, place, day, chance.randint(30_000, 400_000), "debtor")
    if chance.random() < 0.35:
        yield _trade(chance, place, day, -chance.randint(20_000, 350_000), "creditor")
    if falls_on(day, 28):
        fee = convert_from_euro(900, place.currency, rate(place.seed, place.currency, day))
        body = {"remittanceInformationUnstructured": f"{place.currency} account fee", **codes("PMNT-CNTR-FEES", "FEE")}
        yield Row(-fee, day, {**body, "creditorName": "Nostro Test Bank"})
    yield from exchanges(place, day, FOREIGN if place.currency == "EUR" else (place.currency,))


def _trade(chance: random.Random, place: Place, day: dt.date, cents: int, role: str) -> Row:
    name = chance.choice([name for name, currency in parties.OVERSEAS if currency == place.currency])
    scaled = convert_from_euro(abs(cents), place.currency, rate(place.seed, place.currency, day))
    body: dict[str, Any] = {
        "endToEndId": end_to_end(chance),
        f"{role}Name": name,
        f"{role}Account": {"other": {"identification": f"TEST{abs(cents) % 10**8:08d}"}},
        "remittanceInformationUnstructured": f"Contract {chance.randrange(10**5):05d} shipment {day:%Y-%m}",
        **codes("PMNT-RCDT-XBCT" if cents > 0 else "PMNT-ICDT-XBCT", "FOREIGN"),
    }
    return Row(scaled if cents > 0 else -scaled, day, body)


def exchanges(place: Place, day: dt.date, currencies: tuple[str, ...]) -> Iterator[Row]:
    """Each month some of every foreign currency is sold for euro; the euro account shows the other side."""
    if not falls_on(day, 17):
        return
    sells = place.currency != "EUR"
    for currency in currencies:
        quoted = rate(place.seed, currency, day)
        cents = shared_chance(place.seed, f"exchange {place.psu} {currency}", day).randrange(100_000, 300_000, 1_000)
        body = {
            "endToEndId": f"FX-{day:%Y%m%d}-{currency}",
            "currencyExchange": exchange(currency, "EUR", currency, quoted, day),
            "remittanceInformationUnstructured": f"Exchange {currency} to EUR {day:%Y-%m}",
            "creditorName" if sells else "debtorName": owner(place.psu),
            **codes("PMNT-CNTR-FCWD" if sells else "PMNT-CNTR-FCDP", "EXCHANGE"),
        }
        yield Row(-convert_from_euro(cents, currency, quoted) if sells else cents, day, body)
