"""Exchange rates on their page: entered with their source, by accountants only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

from django.test import Client
from django.urls import reverse
from tests.books.reconcile.steps import line_of

from nostro.books.companies.models import Company
from nostro.books.journals.models import LineStatus
from nostro.books.journals.services import create_journal
from nostro.books.ledger.models import ExchangeRate
from nostro.people.models import User

RATE = {"currency": "usd", "valid_from": "2026-11-01", "rate": "0.915", "source": "ECB reference rate"}


def test_a_rate_is_kept_with_its_source_and_posts_what_waited(owner: User, browser: Client, company: Company) -> None:
    journal = create_journal(owner, company, name="Dollars", currency="USD")
    line = line_of(journal, "100.00")
    assert line.status == LineStatus.HELD_CURRENCY
    url = reverse("books:rates", args=[company.id])
    answer = browser.post(url, RATE, follow=True).content.decode()
    assert "The rate is kept; 1 line is posted." in answer
    assert "ECB reference rate" in answer
    line.refresh_from_db()
    assert (line.status, line.company_amount) == (LineStatus.POSTED, Decimal("91.50"))
    browser.post(url, {**RATE, "rate": "0.92"})
    kept = ExchangeRate.objects.get()
    assert (kept.rate, kept.valid_from, kept.source) == (Decimal("0.92"), dt.date(2026, 11, 1), "ECB reference rate")
    line.refresh_from_db()
    assert line.company_amount == Decimal("91.50"), "the three amounts of a line are never computed again"


def test_wrong_rates_and_small_roles_are_refused(
    browser: Client, company: Company, member: Callable[[Company, str], Client]
) -> None:
    url = reverse("books:rates", args=[company.id])
    for change, told in (
        ({"currency": "EUR"}, "currency of the books"),
        ({"currency": "12x"}, "three letters"),
        ({"rate": "0"}, "greater than or equal"),
        ({"source": ""}, "required"),
    ):
        assert told in browser.post(url, {**RATE, **change}).content.decode()
    assert member(company, "clerk").post(url, RATE).status_code == 403
    assert not ExchangeRate.objects.exists()
