"""Exchange rates that the company knows, for amounts the bank did not state in its currency (books.md 14.2)."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from decimal import Decimal

from nostro.books.companies.models import Company
from nostro.books.ledger.models import ExchangeRate
from nostro.core.money import quantize


class Rates:
    """The rates of one company, read once for a batch."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self._known: dict[str, list[tuple[dt.date, Decimal]]] = {}

    def rate(self, currency: str, date: dt.date) -> Decimal | None:
        """What one unit is worth on ``date``: the newest rate until then, else the oldest after it, else ``None``."""
        if currency == self.company.currency:
            return Decimal(1)
        if currency not in self._known:
            rows = ExchangeRate.objects.filter(company=self.company, currency=currency).order_by("valid_from")
            self._known[currency] = list(rows.values_list("valid_from", "rate"))
        known = self._known[currency]
        if not known:
            return None
        return known[max(0, bisect_right(known, date, key=lambda pair: pair[0]) - 1)][1]

    def company_amount(self, amount: Decimal, currency: str, date: dt.date) -> Decimal | None:
        """``amount`` in the company's currency, rounded half up; ``None`` where no rate is known."""
        if currency == self.company.currency:
            return amount
        rate = self.rate(currency, date)
        return None if rate is None else quantize(amount * rate, self.company.currency)


def rates_of(company: Company, limit: int = 500) -> list[ExchangeRate]:
    """The newest rates, by currency."""
    return list(ExchangeRate.objects.filter(company=company).order_by("currency", "-valid_from")[:limit])


def set_rate(
    company: Company, currency: str, valid_from: dt.date, rate: Decimal, *, source: str = ""
) -> ExchangeRate:  # fmt: skip
    """Record what one unit of ``currency`` is worth from a day on; the same day again replaces it.

    Entries that were made with another rate stay as they are (books.md 14.2).
    """
    row, _ = ExchangeRate.objects.update_or_create(
        company=company, currency=currency, valid_from=valid_from, defaults={"rate": rate, "source": source}
    )
    return row
