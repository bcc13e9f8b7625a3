"""Steps that journeys share, each as a person takes it: by labels and buttons, never by internals."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, expect
from tests.house import RunningHouse

PASSWORD = "paper ledger 1494"
WIDTHS = {"wide": {"width": 1280, "height": 900}, "narrow": {"width": 390, "height": 844}}


def picture(page: Page, directory: Path, name: str) -> None:
    """Keep the page as it looks at both widths, and require that it never scrolls sideways."""
    for width, size in WIDTHS.items():
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.screenshot(path=directory / f"{name}-{width}.png", full_page=True)
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{name} scrolls sideways by {overflow} px at {width}"
    page.set_viewport_size(WIDTHS["wide"])  # type: ignore[arg-type]


def mailed_link(house: RunningHouse, address: str) -> str:
    """The path of the last link mailed to an address."""
    mails = sorted(house.mail_directory.glob("*.log"), key=lambda path: path.stat().st_mtime, reverse=True)
    for mail in mails:
        text = mail.read_text()
        links = re.findall(r"https?://\S+", text)
        if f"To: {address}" in text and links:
            return urlsplit(links[-1]).path
    raise AssertionError(f"no mail with a link for {address}")


def sign_up(page: Page, house: RunningHouse, email: str) -> None:
    """Sign up, follow the link in the mail, and confirm."""
    page.goto(f"{house.url}/")
    page.get_by_role("link", name="Sign up").first.click()
    page.get_by_label("First name").fill("Ada")
    page.get_by_label("Last name").fill("Byron")
    page.get_by_label("Email").fill(email)
    for field in page.locator("input[type=password]").all():
        field.fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile("mail", re.I))
    page.goto(house.url + mailed_link(house, email))
    page.get_by_role("button", name=re.compile("confirm", re.I)).click()


def create_organization(page: Page, house: RunningHouse, name: str) -> None:
    page.goto(f"{house.url}/hub/")
    page.get_by_label("Name of the organization").fill(name)
    page.get_by_role("button", name="Create organization").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("How much do we have?")


def log_in_at_the_bank(page: Page, customer: str) -> None:
    """The sandbox bank's own pages: log in, then approve all accounts."""
    page.get_by_label("User name").fill(customer)
    page.get_by_label("Password").fill("sandbox")
    page.get_by_role("button", name="Log in").click()
    page.get_by_label(re.compile("code", re.I)).fill("123456")
    page.get_by_role("button", name="Approve access").click()


def link_sandbox_accounts(page: Page, customer: str) -> None:
    """Add account, from the overview to the end of the first import."""
    page.get_by_role("link", name="Sandbox", exact=True).click()
    page.get_by_role("link", name="Add account").first.click()
    page.get_by_role("link", name=re.compile("Choose")).first.click()
    page.get_by_role("button", name="Ask the bank for consent").click()
    page.get_by_role("link", name=re.compile("Go to")).click()
    log_in_at_the_bank(page, customer)
    page.get_by_role("button", name="Import these accounts").click()
    page.get_by_role("link", name="Show the accounts").click(timeout=90_000)


def create_integration(page: Page, name: str) -> tuple[str, str]:
    """Add an integration for all accounts; returns Client ID and Secret ID as they are shown, once."""
    page.get_by_role("link", name="Integrations").click()
    page.get_by_role("link", name="Add integration").first.click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create integration").click()
    values = page.locator(".secret__value")
    expect(values).to_have_count(3)
    return values.nth(0).inner_text().strip(), values.nth(1).inner_text().strip()


def create_company(page: Page, house: RunningHouse, name: str) -> None:
    page.goto(f"{house.url}/books/")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create company").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Do bank and books agree?")


def connect_bank(page: Page, client_id: str, secret: str) -> None:
    """From the dashboard to the accounts grid."""
    page.get_by_role("link", name="Connect bank").first.click()
    page.get_by_role("link", name="I have a Client ID and a Secret ID").click()
    page.get_by_label("Client ID").fill(client_id)
    page.get_by_label("Secret ID").fill(secret)
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Which account feeds which journal?")


def link_all_accounts(page: Page) -> None:
    """One new journal for each account, from the first transaction on; returns when all fetches have ended."""
    for field in page.get_by_label("Fetch from").all():
        field.fill("2020-01-01")
    for rate in page.get_by_label("Exchange rate").all():
        rate.fill("0.86")
    page.get_by_role("button", name="Create new journals for all unmatched").click()
    link = page.get_by_role("button", name="Link accounts")
    if link.is_visible():
        link.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What has arrived?")
    expect(page.get_by_text("Transactions read so far")).to_have_count(0, timeout=120_000)


def add_invoice(page: Page, number: str, amount: str, date: str) -> None:
    page.get_by_role("link", name="Invoices and bills").click()
    page.get_by_role("link", name=re.compile("Add|New")).first.click()
    page.get_by_label("Kind").select_option("invoice")
    page.get_by_label("Customer or supplier").fill("Royal Upholstery")
    page.get_by_label("Number").fill(number)
    page.get_by_label("Date", exact=True).fill(date)
    page.get_by_label("Amount", exact=True).fill(amount)
    page.get_by_role("button", name="Post", exact=True).click()
