"""The form of an invoice or bill: taxes taken out of a total, terms, and who may use it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from tests.books.pages.conftest import House, signed_in

from nostro.books.companies.models import Company
from nostro.books.ledger.models import Document
from nostro.people.models import User

FORM = {
    "kind": "invoice", "partner_name": "Acme NV", "number": "INV-9", "date": "2026-11-10", "amount": "120,58",
    "currency": "EUR", "form_key": "a",
}  # fmt: skip
EARLY = {"discount_percent": "2", "discount_until": "2026-11-20", "discount_option": "always"}


def send(browser: Client, house: House, **more: str) -> tuple[int, str]:
    answer = browser.post(reverse("books:add_document", args=[house.company.id]), {**FORM, **more})
    return answer.status_code, answer.content.decode()


def test_one_rate_is_taken_out_of_the_total(browser: Client, house: House) -> None:
    assert send(browser, house, percent_1="21", **EARLY)[0] == 302
    document = Document.objects.get(number="INV-9")
    assert (document.tax_amount, document.discount, document.discount_tax) == (Decimal("20.58"), Decimal(2), 0)
    page = browser.get(reverse("books:document", args=[document.id])).content.decode()
    assert "Tax of 21 %" in page
    assert "118.58" in page


def test_several_rates_must_add_up(browser: Client, house: House) -> None:
    rows = {"percent_1": "21", "net_1": "50.00", "percent_2": "6", "net_2": "50.00"}
    status, page = send(browser, house, **rows)
    assert status == 200
    assert "add up to 113.50 EUR" in page
    assert send(browser, house, **rows, amount="113.50")[0] == 302


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"percent_1": "21", "percent_2": "6"}, "With several rates each needs its net amount."),
        ({"net_1": "100"}, "Type the rate of this net amount"),
        ({"discount_percent": "2"}, "Type the last day"),
        ({"discount_until": "2026-11-20"}, "Type the percentage"),
        ({"percent_1": "210"}, "out of range"),
        ({"percent_1": "21", "currency": "E1R"}, "no currency"),
    ],
)  # fmt: skip
def test_what_is_missing_is_told_beside_its_field(
    browser: Client, house: House, more: dict[str, str], told: str
) -> None:
    status, page = send(browser, house, **more)
    assert status == 200
    assert told in page
    assert "<details open" in page or "currency" in more
    assert not Document.objects.filter(number="INV-9").exists()


def test_readers_and_strangers_post_nothing(
    house: House, stranger: User, member: Callable[[Company, str], Client]
) -> None:
    assert send(signed_in(stranger), house)[0] == 404
    assert send(member(house.company, "reader"), house)[0] == 403
    assert not Document.objects.filter(number="INV-9").exists()
