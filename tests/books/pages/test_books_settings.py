"""Pages: how a company reconciles, its accounts from a file, and write-offs over several accounts."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from tests.books.pages.conftest import House
from tests.books.reconcile.steps import line_of
from tests.books.steps import balance

from nostro.books.companies.models import Company
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import LedgerAccount, Purpose
from nostro.books.reconcile.automation import automation_of


def test_settings_are_kept_and_shown(company: Company, browser: Client) -> None:
    address = reverse("books:reconcile_settings", args=[company.id])
    page = browser.get(address).content.decode()
    assert 'value="18"' in page and "Days of grace" in page
    wanted = {"grace_days": "2", "look_back_months": "24", "reconcile_mode": "keep_suspense"}
    assert browser.post(address, wanted).status_code == 302
    company.refresh_from_db()
    settings = automation_of(company)
    assert (settings.enabled, settings.grace_days, settings.look_back_months) == (False, 2, 24)
    assert company.reconcile_mode == "keep_suspense"
    assert "32" in browser.post(address, {**wanted, "grace_days": "32"}).content.decode()


def test_accounts_are_imported_and_errors_are_told_by_row(company: Company, browser: Client) -> None:
    address = reverse("books:import_accounts", args=[company.id])
    good = SimpleUploadedFile("chart.csv", b"code;name;kind\n657100;Charges;expense\n")
    assert browser.post(address, {"file": good}).status_code == 302
    assert LedgerAccount.objects.filter(company=company, code="657100").exists()
    bad = SimpleUploadedFile("chart.csv", b"code;name;kind\n657200;;expense\n")
    assert "The account has no name." in browser.post(address, {"file": bad}).content.decode()


@pytest.mark.parametrize("amount", ["1.00", ""], ids=["part", "without_amount"])
def test_what_is_left_goes_over_two_accounts(house: House, browser: Client, amount: str) -> None:
    residual = house.document.open_item.residual_currency
    assert residual is not None
    line = line_of(house.journal, str(residual - 10), "thanks")
    posted = {
        "items": str(house.document.open_item_id), "rest_account": "653000", "rest_tax": "21",
        "rest_account_2": "657000", "rest_amount_2": amount,
    }  # fmt: skip
    number = house.document.number
    answer = browser.post(f"{reverse('books:match_items', args=[line.id])}?find={number}", posted)
    if not amount:
        assert "Type how much goes to this account." in answer.content.decode()
        return
    assert answer.status_code == 302
    assert balance(account_for(house.company, Purpose.BANK_FEES)) == Decimal("1.00")
    assert balance(account_for(house.company, Purpose.DISCOUNT_GIVEN)) == Decimal("7.44")
