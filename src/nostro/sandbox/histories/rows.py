"""One row of a history, and what the generators share: chance that repeats, bank days, rates."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import uuid
from dataclasses import dataclass, field
from typing import Any

from nostro.sandbox.money import amount_object, decimals

FOREVER = dt.date.max


@dataclass(frozen=True, slots=True)
class Row:
    """A movement of one account. ``minor`` is signed (credit +) in minor units of the account's currency.

    It is pending from ``seen_on`` (with ``pending_minor``), booked from ``booked_on`` on, and gone from ``gone_on`` on.
    A row that the bank books into the past is seen later than it is booked; one that is listed later than that counts
    in balances before any list shows it. ``body`` holds the standard's fields besides ids, dates and amount.
    ``has_ids`` says whether the bank gives ids, ``reference`` which ``entryReference`` instead of its own.
    """

    minor: int
    booked_on: dt.date
    body: dict[str, Any]
    seen_on: dt.date | None = None
    value_on: dt.date | None = None
    gone_on: dt.date = FOREVER
    pending_minor: int | None = None
    has_ids: bool = True
    listed_on: dt.date | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row is made: the bank's seed, whose account, its key among the customer's accounts, its currency."""

    seed: int
    psu: str
    key: str
    currency: str
    starts_on: dt.date = field(default=dt.date.min)

    def chance(self, day: dt.date, what: str = "") -> random.Random:
        """Repeatable chance for one day of this account."""
        return shared_chance(self.seed, f"{self.psu}|{self.key}|{self.currency}|{what}", day)


def shared_chance(seed: int, what: str, day: dt.date) -> random.Random:
    """Repeatable chance that two accounts can agree on."""
    return random.Random(f"{seed}|{what}|{day.isoformat()}")  # noqa: S311 - repeatable on purpose, protects nothing


def derived_number(*parts: object) -> int:
    """A large whole number that depends on ``parts`` only."""
    return int.from_bytes(hashlib.sha256("|".join(map(str, parts)).encode()).digest()[:8], "big")


def derived_id(*parts: object) -> str:
    """A UUID that depends on ``parts`` only."""
    return str(uuid.UUID(bytes=hashlib.sha256("|".join(map(str, parts)).encode()).digest()[:16], version=4))


def is_bank_day(day: dt.date) -> bool:
    """Monday to Friday, without 1 January, 1 May, 25 and 26 December (the fixed closing days of TARGET)."""
    return day.weekday() < 5 and (day.month, day.day) not in {(1, 1), (5, 1), (12, 25), (12, 26)}


def next_bank_day(day: dt.date) -> dt.date:
    """The first bank day on or after ``day``."""
    while not is_bank_day(day):
        day += dt.timedelta(days=1)
    return day


def falls_on(day: dt.date, day_of_month: int, months: range = range(1, 13)) -> bool:
    """Whether what is due on ``day_of_month`` (at most 28) of one of ``months`` is booked on ``day``.

    Due on a closed day means booked on the next bank day.
    """
    if not is_bank_day(day):
        return False
    due = day
    while True:
        if due.day == day_of_month and due.month in months:
            return True
        due -= dt.timedelta(days=1)
        if is_bank_day(due):
            return False


#: Units of a currency for one euro, in ten-thousandths.
_RATES = {"EUR": 10_000, "USD": 10_840, "GBP": 8_560, "CHF": 9_430, "JPY": 1_612_500, "KWD": 3_330}


def rate(seed: int, currency: str, day: dt.date) -> int:
    """Ten-thousandths of ``currency`` for one euro on ``day``: the bank's own rate of that month."""
    base = _RATES[currency]
    if currency == "EUR":
        return base
    wobble = shared_chance(seed, f"rate {currency}", day.replace(day=1)).randint(-250, 250)
    return base + base * wobble // 10_000


def convert_from_euro(cents: int, currency: str, ten_thousandths: int) -> int:
    """Minor units of ``currency`` for euro cents, rounded down."""
    return int(cents * ten_thousandths * 10 ** decimals(currency) // (100 * 10_000))


def exchange(source: str, target: str, foreign: str, ten_thousandths: int, day: dt.date) -> list[dict[str, str]]:
    """The standard's ``currencyExchange``: euro is the unit, the rate is in ``foreign``."""
    assert foreign in (source, target)
    whole, fraction = divmod(ten_thousandths, 10_000)
    return [
        {
            "sourceCurrency": source,
            "exchangeRate": f"{whole}.{fraction:04d}",
            "unitCurrency": "EUR",
            "targetCurrency": target,
            "quotationDate": day.isoformat(),
        }
    ]


def batch(parts: list[dict[str, Any]], amounts: list[int], currency: str) -> dict[str, Any]:
    """The standard's batch fields; each part carries its share of the amount."""
    details = [
        {**part, "transactionAmount": amount_object(minor, currency)}
        for part, minor in zip(parts, amounts, strict=True)
    ]
    return {"batchIndicator": True, "batchNumberOfTransactions": len(details), "entryDetails": details}
