"""A payment as people see it: prepared by a program, signed at the bank, back as a transaction; and a request paid."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect
from tests.house import RunningHouse
from tests.journeys import steps

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("journeys")]
CREDITOR = {
    "currency": "EUR", "creditorName": "Alex Creditor", "creditorAccountReference": "BE84732645584359",
    "creditorAccountReferenceType": "IBAN", "remittanceInformation": "Invoice 42",
}  # fmt: skip


class Program:
    """Software with an integration that may prepare payments."""

    def __init__(self, house: RunningHouse, client_id: str, secret: str) -> None:
        self.http = httpx.Client(base_url=house.url, timeout=30)
        token = self.http.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=(client_id, secret))
        self.http.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
        accounts = self.http.get("/accounts").json()["data"]
        in_euro = [each for each in accounts if each["attributes"]["currency"] == "EUR"]
        self.account = next(each["id"] for each in in_euro if each["attributes"]["subtype"] == "checking")

    def prepare(self, segment: str, attributes: Any) -> Any:
        path = f"/accounts/{self.account}/{segment}"
        return self.http.post(path, json={"data": {"attributes": attributes}}).json()["data"]


def create_paying_integration(page: Page) -> tuple[str, str]:
    page.get_by_role("link", name="Integrations", exact=True).click()
    page.get_by_role("link", name="Add integration").first.click()
    page.get_by_label("Name").fill("Shop")
    page.get_by_label("It may also prepare payments").check()
    page.get_by_role("button", name="Create integration").click()
    values = page.locator(".secret__value")
    expect(values).to_have_count(3)
    return values.nth(0).inner_text().strip(), values.nth(1).inner_text().strip()


def sign_at_the_bank(page: Page) -> None:
    page.get_by_role("link", name=re.compile("Go to")).click()
    page.get_by_label("User name").fill("user_good")
    page.get_by_label("Password").fill("sandbox")
    page.get_by_role("button", name="Log in").click()
    page.get_by_label(re.compile("code", re.I)).fill("123456")
    page.get_by_role("button", name="Sign").click()


def test_a_payment_is_signed_and_comes_back_as_a_transaction(
    house: RunningHouse, context: BrowserContext, screenshots: Path, watched: list[str]
) -> None:
    page = context.new_page()

    def keep(name: str) -> None:
        steps.picture(page, screenshots, f"payments-{name}")

    steps.sign_up(page, house, "pia@acme.example")
    steps.create_organization(page, house, "Acme Pays")
    steps.link_sandbox_accounts(page, "user_good")
    page.get_by_role("link", name="Payments", exact=True).click()
    keep("1-none-yet")
    program = Program(house, *create_paying_integration(page))
    payment = program.prepare("payments", {"amount": "12.34", **CREDITOR})
    bulk = {"reference": "Suppliers of November", "payments": [{"amount": 1, **CREDITOR}, {"amount": 2, **CREDITOR}]}
    program.prepare("bulk-payments", bulk)
    request = program.prepare("payment-requests", {"amount": 7, "remittanceInformation": "Order 1001"})
    page.goto(f"{house.url}/hub/")
    page.get_by_role("link", name="Payments", exact=True).click()
    expect(page.get_by_text("Not signed")).to_have_count(2)
    keep("2-waiting")

    page.goto(payment["links"]["redirect"])
    keep("3-to-sign")
    page.get_by_role("button", name="Sign at the bank").click()
    keep("4-to-the-bank")
    sign_at_the_bank(page)
    expect(page.get_by_text("The bank has executed it.")).to_be_visible(timeout=90_000)
    keep("5-accepted")
    page.get_by_role("link", name="Transactions").click()
    expect(page.get_by_text("Alex Creditor").first).to_be_visible()
    keep("6-back-as-a-transaction")

    page.context.clear_cookies()
    page.goto(request["links"]["redirect"])
    keep("7-a-stranger-pays")
    page.get_by_role("button", name="Pay at the bank").click()
    sign_at_the_bank(page)
    expect(page.get_by_text("Your bank has executed the payment.")).to_be_visible(timeout=90_000)
    keep("8-paid")
    assert watched == []
