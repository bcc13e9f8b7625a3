"""Linking without the bank's own pages (password, method, code), and by OAuth, in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from tests.house import RunningHouse
from tests.journeys import steps

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("journeys")]


def _ask_as(page: Page, house: RunningHouse, customer: str) -> None:
    """From the accounts of the sandbox to the first step at the bank."""
    page.goto(f"{house.url}/hub/")
    page.get_by_role("link", name="Sandbox", exact=True).click()
    page.get_by_role("link", name="Add account").first.click()
    page.get_by_role("link", name=re.compile("Choose")).first.click()
    page.get_by_label(re.compile("Name or number of your login")).fill(customer)
    page.get_by_role("button", name="Ask the bank for consent").click()


def test_embedded_and_oauth(
    house: RunningHouse, context: BrowserContext, screenshots: Path, watched: list[str]
) -> None:
    page = context.new_page()
    page.goto(f"{house.url}/")
    steps.sign_up(page, house, "eve@linking.example")
    steps.create_organization(page, house, "Linking")

    _ask_as(page, house, "user_mfa_embedded")
    expect(page.get_by_role("heading", level=1)).to_have_text("How do you sign in at your bank?")
    steps.picture(page, screenshots, "link-1-credentials")
    page.get_by_label("Password or PIN").fill("sandbox")
    page.get_by_role("button", name="Sign in").click()
    steps.picture(page, screenshots, "link-2-method")
    page.locator("input[value=photo]").check()
    page.get_by_role("button", name="Confirm this way").click()
    expect(page.locator("img.challenge")).to_be_visible()
    steps.picture(page, screenshots, "link-3-challenge")
    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Send the code").click()
    expect(page.get_by_text("The code was wrong.")).to_be_visible()
    page.get_by_label("Code").fill("123456")
    page.get_by_role("button", name="Send the code").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Which accounts do you want here?")
    page.get_by_role("button", name="Import these accounts").click()
    page.get_by_role("link", name="Show the accounts").click(timeout=90_000)

    _ask_as(page, house, "user_good_oauth")
    page.get_by_role("link", name=re.compile("Go to")).click()
    page.get_by_label("User name").fill("user_good_oauth")
    page.get_by_label("Password").fill("sandbox")
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name=re.compile("Go to")).click()
    steps.log_in_at_the_bank(page, "user_good_oauth")
    expect(page.get_by_role("heading", level=1)).to_have_text("Which accounts do you want here?")
    page.get_by_role("button", name="Import these accounts").click()
    page.get_by_role("link", name="Show the accounts").click(timeout=90_000)
    assert watched == []
