"""The page of a line's foreign amount: said once, before matching, by who may match."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from tests.books.pages.conftest import House

from nostro.books.companies.models import Company


def test_it_is_said_shown_and_kept(browser: Client, house: House) -> None:
    line = house.line("-50")
    assert (
        reverse("books:foreign_amount", args=[line.id])
        in browser.get(reverse("books:line", args=[line.id])).content.decode()
    )
    address = reverse("books:foreign_amount", args=[line.id])
    page = browser.post(address, {"foreign_amount": "54,30", "foreign_currency": "usd"}, follow=True).content.decode()
    line.refresh_from_db()
    assert (line.foreign_amount, line.foreign_currency) == (Decimal("-54.30"), "USD")
    assert "The foreign amount is kept." in page and address not in page


@pytest.mark.parametrize(
    ("amount", "currency", "told"),
    [
        ("", "USD", "This field is required"), ("x", "USD", "Type an amount"), ("5", "EUR", "is known already"),
        ("5.001", "USD", "at most 2 decimals"), ("5", "U1D", "no currency"), ("0", "USD", "no amount"),
    ],
    ids=["empty", "text", "own", "too fine", "no currency", "zero"],
)  # fmt: skip
def test_what_is_wrong_is_told_beside_it(amount: str, currency: str, told: str, browser: Client, house: House) -> None:
    address = reverse("books:foreign_amount", args=[house.line("-50").id])
    page = browser.post(address, {"foreign_amount": amount, "foreign_currency": currency}).content.decode()
    assert told in page and house.line("-50").foreign_amount is None


def test_readers_and_matched_lines_are_refused(
    browser: Client, house: House, member: Callable[[Company, str], Client]
) -> None:
    address = reverse("books:foreign_amount", args=[house.line("-50").id])
    assert member(house.company, "reader").get(address).status_code == 403
    matched = reverse("books:foreign_amount", args=[house.line("1100").id])
    page = browser.post(matched, {"foreign_amount": "5", "foreign_currency": "USD"}).content.decode()
    assert "This line is matched already" in page
