"""Bank files and the Books: an archive of two accounts, and an account of the Hub that only files feed."""

from __future__ import annotations

import io
import re
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from tests.house import RunningHouse
from tests.hub.files.factories import camt, entry, statement
from tests.journeys import steps
from tests.journeys.test_bank_files import OCTOBER, hand_in, look

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("journeys")]
SAVINGS = "BE43068999999501"
COFFEE = entry("-3.50", 10, "Coffee")
CURRENT = statement([entry("1210.00", 6, "Invoice 2026-041"), COFFEE, COFFEE])
OTHER = statement([entry("250.00", 12, "To savings")], iban=SAVINGS, opening=Decimal(5000))


def archive() -> dict[str, object]:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as into:
        into.writestr("2026-10/current.xml", camt(CURRENT))
        into.writestr("2026-10/savings.xml", camt(OTHER))
        into.writestr("2026-10/letter.pdf", b"%PDF-1.7 a letter")
    return {"name": "october.zip", "mimeType": "application/zip", "buffer": made.getvalue()}


def preview(page: Page, lines: int) -> None:
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text(f"This file would bring {lines} line{'' if lines == 1 else 's'}", timeout=60_000)


def brought(page: Page, lines: int) -> None:
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text(f"This file brought {lines} line{'' if lines == 1 else 's'}", timeout=60_000)


def test_an_archive_of_two_accounts(
    house: RunningHouse, context: BrowserContext, screenshots: Path, watched: list[str]
) -> None:
    page = context.new_page()
    steps.sign_up(page, house, "archive@example.org")
    steps.create_company(page, house, "Archive NV")
    page.get_by_role("link", name="Add manually").first.click()
    page.get_by_label("Account number").fill("BE68539007547034")
    page.get_by_role("button", name="Add journal").click()
    page.goto(f"{house.url}/books/")
    page.get_by_role("link", name="Import files").click()
    look(page, screenshots, "books-company-files-empty")
    hand_in(page, archive())

    # One account has its journal; the other is asked about, and nothing is stored before.
    preview(page, 3)
    expect(page.get_by_text("No journal has this account yet.")).to_be_visible()
    expect(page.get_by_text("letter.pdf").first).to_be_visible()
    look(page, screenshots, "books-archive-preview")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("It is not said what becomes of the account")).to_be_visible()
    look(page, screenshots, "books-archive-asked")
    page.get_by_label("Add a journal for this account and import them").check()
    page.get_by_role("button", name="Import", exact=True).click()
    brought(page, 4)
    look(page, screenshots, "books-archive-imported")
    address = page.url

    page.goto(f"{house.url}/books/")
    expect(page.get_by_text("Agrees with the bank")).to_have_count(2)
    look(page, screenshots, "books-archive-dashboard")

    # Undone as a whole: both journals are as before.
    page.goto(address)
    page.locator("summary", has_text="Undo import").click()
    page.get_by_role("dialog").get_by_role("button", name="Undo import").click()
    expect(page.get_by_text("The import is undone.")).to_be_visible()
    look(page, screenshots, "books-archive-undone")
    page.goto(f"{house.url}/books/")
    expect(page.get_by_text("Agrees with the bank")).to_have_count(0)

    # And again: the same lines come back, now that both journals are known.
    page.get_by_role("link", name="Import files").click()
    look(page, screenshots, "books-company-files")
    hand_in(page, archive())
    preview(page, 4)
    page.get_by_role("button", name="Import", exact=True).click()
    brought(page, 4)
    page.goto(f"{house.url}/books/")
    expect(page.get_by_text("Agrees with the bank")).to_have_count(2)
    # The browser tells that the answer to the form without an answer was a refusal.
    assert [each for each in watched if "400 (Bad Request)" not in each] == []


def test_the_books_read_an_account_of_the_hub_that_only_files_feed(
    house: RunningHouse, context: BrowserContext, screenshots: Path, watched: list[str]
) -> None:
    page = context.new_page()
    steps.sign_up(page, house, "only-files@example.org")
    steps.create_organization(page, house, "Only Files BV")
    page.get_by_role("link", name="Import file").click()
    hand_in(page, OCTOBER)
    expect(page.get_by_role("heading", level=1)).to_have_text("This file would bring 4 transactions", timeout=60_000)
    page.get_by_label("Its bank").fill("KBC")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This file brought 4 transactions", timeout=60_000)
    page.get_by_role("link", name="Integrations").click()
    client_id, secret = steps.create_integration(page, "Books of files")
    page.get_by_role("button", name="I have copied both").click()

    steps.create_company(page, house, "Only Files NV")
    steps.connect_bank(page, client_id, secret)
    look(page, screenshots, "books-hub-files-grid")
    steps.link_all_accounts(page)
    look(page, screenshots, "books-hub-files-result")
    page.get_by_role("link", name="Show the dashboard").last.click()
    expect(page.get_by_text("Agrees with the bank")).to_have_count(1)
    look(page, screenshots, "books-hub-files-dashboard")
    # What came after the statement is not known, and nothing says otherwise.
    expect(page.get_by_text("days were not read")).to_be_visible()
    page.get_by_role("button", name="Fetch transactions").first.click()
    expect(page.get_by_text("Last fetch just now")).to_be_visible()
    look(page, screenshots, "books-hub-files-fetched")
    assert watched == []


def packed(**members: str) -> dict[str, object]:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as into:
        for name, text in members.items():
            into.writestr(f"{name}.csv", text)
    return {"name": "tables.zip", "mimeType": "application/zip", "buffer": made.getvalue()}


def test_tables_in_an_archive_and_a_row_that_is_another_transaction(
    house: RunningHouse, context: BrowserContext, screenshots: Path, watched: list[str]
) -> None:
    page = context.new_page()
    steps.sign_up(page, house, "packed-tables@example.org")
    steps.create_company(page, house, "Packed NV")
    page.get_by_role("link", name="Add manually").first.click()
    page.get_by_label("Account number").fill("BE68539007547034")
    page.get_by_role("button", name="Add journal").click()
    page.get_by_role("link", name="Bank files").click()

    # Each table is asked about by itself.
    dutch = "Boekdag;Geld;Stand;Wie\n13/10/2026;-3,50;1996,50;COFFEE\n14/10/2026;-20,00;1976,50;BAKER\n"
    hand_in(page, packed(october=dutch, november=dutch.replace("Boekdag;Geld", "Jour;Somme").replace("/10/", "/11/")))
    expect(page.get_by_text("Needs an answer").first).to_be_visible(timeout=60_000)
    look(page, screenshots, "books-tables-asking")
    for name, day, amount in (("october", "Boekdag", "Geld"), ("november", "Jour", "Somme")):
        page.get_by_role("link", name=re.compile(rf"Say what the columns mean.*{name}\.csv")).click()
        page.get_by_label(day).select_option(label="Booking date")
        page.get_by_label(amount).select_option(label="Amount")
        page.get_by_label("Stand").select_option(label="Balance after the row")
        page.get_by_label("Wie").select_option(label="Name")
        expect(page.get_by_text("The balance beside each row fits its amount.")).to_be_visible(timeout=60_000)
        look(page, screenshots, f"books-tables-{name}")
        page.get_by_role("button", name="Read file like this").click()
    preview(page, 4)
    look(page, screenshots, "books-tables-preview")
    page.get_by_role("button", name="Discard file").click()

    # One reference of the bank for two rents: the second is no correction of the first.
    rent = entry("-800.00", 22, "Rent", entry_reference="B77", creditor_name="Landlord")
    more = entry("-850.00", 22, "Rent", entry_reference="B77", creditor_name="Landlord")
    for number, row in (("1", rent), ("2", more)):
        content = camt(statement([row], number=number))
        hand_in(page, {"name": f"{number}.xml", "mimeType": "application/xml", "buffer": content})
        preview(page, 1 if number == "1" else 0)
        if number == "2":
            look(page, screenshots, "books-change-preview")
        page.get_by_role("button", name="Import", exact=True).click()
        brought(page, 1 if number == "1" else 0)
        if number == "1":
            page.get_by_role("link", name="Bank files", exact=True).first.click()
    look(page, screenshots, "books-change-imported")
    page.get_by_role("link", name="Rent").first.click()
    look(page, screenshots, "books-change-line")
    page.get_by_role("button", name="It is another transaction").click()
    expect(page.get_by_text("the other transaction has a line of its own")).to_be_visible(timeout=60_000)
    look(page, screenshots, "books-change-another")
    assert watched == []
