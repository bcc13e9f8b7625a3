"""The README's tour, walked in a real browser: from sign-up to a reconciled line."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from tests.house import RunningHouse
from tests.journeys import steps

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("journeys")]


def test_from_sign_up_to_a_reconciled_line(
    house: RunningHouse, context: BrowserContext, screenshots: Path, watched: list[str]
) -> None:
    page = context.new_page()

    def keep(name: str) -> None:
        steps.picture(page, screenshots, name)

    page.goto(f"{house.url}/")
    keep("01-home")
    steps.sign_up(page, house, "ada@acme.example")
    steps.create_organization(page, house, "Acme")
    keep("02-no-account-yet")
    steps.link_sandbox_accounts(page, "user_good")
    expect(page.get_by_text("Up to date")).to_have_count(2)
    keep("03-accounts")

    page.get_by_role("link", name="Transactions").click()
    keep("04-transactions")
    page.get_by_role("link", name="Integrations").click()
    client_id, secret = steps.create_integration(page, "Books of Acme")
    keep("05-secret-shown-once")
    page.get_by_role("button", name="I have copied both").click()
    expect(page.get_by_text(secret)).to_have_count(0)

    steps.create_company(page, house, "Acme")
    steps.connect_bank(page, client_id, secret)
    keep("06-accounts-grid")
    steps.link_all_accounts(page)
    keep("07-linked")
    page.get_by_role("link", name="Show the dashboard").last.click()
    expect(page.get_by_text("Agrees with the bank")).to_have_count(2)
    keep("08-dashboard")

    _reconcile_with_an_invoice(page, keep)
    assert watched == []


def _reconcile_with_an_invoice(page: Page, keep: object) -> None:
    """An invoice of the same amount is found for an incoming line, matched, undone, and matched again."""
    assert callable(keep)
    page.get_by_role("link", name="Reconcile", exact=True).click()
    line = page.locator("#lines li a").filter(has=page.locator(".money--positive")).first
    line.click()
    amount = page.locator("#line .balance data").get_attribute("value")
    assert amount is not None
    here = page.url
    steps.add_invoice(page, "INV/2026/0001", amount, (dt.date.today() - dt.timedelta(days=30)).isoformat())
    keep("09-open-items")

    _match(page, here)
    keep("10-reconciled")
    page.get_by_role("button", name="Undo match").first.click()
    expect(page.get_by_role("button", name="Undo match")).to_have_count(0)
    _match(page, here)


def _match(page: Page, line_address: str) -> None:
    page.goto(line_address)
    page.locator("label.choice").filter(has_text="INV/2026/0001").get_by_role("checkbox").check()
    page.get_by_role("button", name="Match chosen items").click()
    # The explanation names the invoice; its reason differs once the payer is known from the first match.
    explained = page.locator(".notice").filter(has_text="Matched").filter(has_text="INV/2026/0001")
    expect(explained.get_by_role("button", name="Undo match")).to_be_visible()
