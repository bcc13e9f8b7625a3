"""Customers and suppliers: found, made, renamed, archived, and known by account numbers."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from tests.books.pages.conftest import House
from tests.books.pages.test_reconcile import post
from tests.books.reconcile.steps import line_of

from nostro.books.ledger.models import Partner, PartnerBankAccount
from nostro.books.reconcile.automation import look
from nostro.books.reconcile.models import StoredProposal
from nostro.people.models import AuditRecord

NUMBER = "BE43 0689 9999 9501"


@pytest.fixture
def customer(house: House) -> Partner:
    return house.document.partner


def shown(browser: Client, house: House, **query: str) -> str:
    return browser.get(reverse("books:partners", args=[house.company.id]), query).content.decode()


def test_the_list_finds_by_name_vat_number_and_account_number(house: House, browser: Client, customer: Partner) -> None:
    for name in ("Zebra & <b>Sons</b>", "Aardvark"):
        post(browser, "new_partner", house.company.id, name=name, vat_number="BE0123456789" if name[0] == "Z" else "")
    zebra = Partner.objects.get(name__startswith="Zebra")
    post(browser, "change_numbers", zebra.id, change="add", account_number=NUMBER)

    everybody = shown(browser, house)
    assert everybody.index("Aardvark") < everybody.index("Zebra &amp; &lt;b&gt;Sons&lt;/b&gt;")
    for text in ("zebra", "0123456", "0689 9999"):
        found = shown(browser, house, q=text)
        assert "Zebra" in found and "Aardvark" not in found, text
    assert "Nobody is found" in shown(browser, house, q="nobody")


def test_a_page_ends_and_the_next_begins_there(house: House, browser: Client) -> None:
    Partner.objects.bulk_create(Partner(company=house.company, name=f"P{number:03}") for number in range(150))
    first = shown(browser, house)
    assert "P050" in first and "P149" not in first and "Next page" in first
    second = shown(browser, house, after="P098")
    assert "P099" in second and "P149" in second and "P098<" not in second


def test_a_name_is_taken_once_whatever_its_capitals(house: House, browser: Client, customer: Partner) -> None:
    refused = post(browser, "new_partner", house.company.id, name=customer.name.upper())
    assert "already" in refused.content.decode()
    post(browser, "new_partner", house.company.id, name="Other")
    refused = post(browser, "partner", customer.id, name="other", active="on")
    assert "already" in refused.content.decode()
    customer.refresh_from_db()
    assert customer.name != "other"


def test_an_archived_partner_is_in_its_own_list_and_every_change_is_written_down(
    house: House, browser: Client, customer: Partner
) -> None:
    post(browser, "partner", customer.id, name="Renamed NV", vat_number="BE 1")
    assert "Renamed NV" not in shown(browser, house)
    assert "Renamed NV" in shown(browser, house, show="archived")
    told = AuditRecord.objects.filter(action="partner.changed").get()
    assert (told.before["active"], told.after) == (True, {"name": "Renamed NV", "vat_number": "BE 1", "active": False})


def test_payments_are_known_by_a_number_until_it_is_switched_off(
    house: House, browser: Client, customer: Partner
) -> None:
    post(browser, "change_numbers", customer.id, change="add", account_number=NUMBER)
    number = PartnerBankAccount.objects.get(partner=customer, account_number="BE43068999999501")
    line = line_of(house.journal, "3.21", "no words", counterparty_account="BE43068999999501")
    look(house.company)
    assert line_partner(line.id) == str(customer.id)
    post(browser, "change_numbers", customer.id, change="off", number=str(number.id))
    look(house.company)
    assert line_partner(line.id) is None
    post(browser, "change_numbers", customer.id, change="add", account_number=NUMBER.lower())
    number.refresh_from_db()
    assert number.active and PartnerBankAccount.objects.filter(account_number=number.account_number).count() == 1


def line_partner(line_id: object) -> str | None:
    """Whom the engine took the line for."""
    partner_id: str | None = StoredProposal.objects.get(line_id=line_id).body["partner_id"]
    return partner_id


def test_a_number_of_two_characters_is_refused(browser: Client, customer: Partner) -> None:
    refused = post(browser, "change_numbers", customer.id, change="add", account_number="B-E")
    assert "This is no account number." in refused.content.decode()


def test_the_page_shows_what_is_open(house: House, browser: Client, customer: Partner) -> None:
    page = browser.get(reverse("books:partner", args=[customer.id]))
    assert [one.amount for one in page.context["owing"]] == [
        sum((item.residual_currency or Decimal(0) for item in page.context["items"]), Decimal(0))
    ]
    assert house.document.number in page.content.decode()
