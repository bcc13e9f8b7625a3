"""Bank files as people see them: import, preview, undo, import again, export."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from tests.house import RunningHouse
from tests.hub.files.factories import camt, chained, entry, statement
from tests.journeys import steps

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("journeys")]
ROWS = [
    entry("1210.00", 6, "Invoice 2026-041", debtor_name="Royal Upholstery", debtor_account="BE43068999999501"),
    entry("-3.50", 10, "Coffee", creditor_name="Coffee Corner"),
    entry("-3.50", 10, "Coffee", creditor_name="Coffee Corner"),
    entry("-250.00", 14, "+++090/9337/55493+++", creditor_name="City Energy", creditor_account="BE62510007547061"),
]
OCTOBER = {"name": "october.xml", "mimeType": "application/xml", "buffer": camt(*chained([ROWS[:3], ROWS[3:]]))}
#: The first half again, where the text of one row differs and the closing balance is wrong by one euro.
_ODD = statement([entry("-3.50", 10, "Koffie", creditor_name="Coffee Corner"), ROWS[2]], first=9, last=12)
WRONG = {
    "name": "wrong.xml",
    "mimeType": "application/xml",
    "buffer": camt(_ODD).replace(b">993.00<", b">994.00<"),
}


def look(page: Page, directory: Path, name: str) -> None:
    """Both widths, in light and in dark."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        steps.picture(page, directory, f"{name}-{scheme}")
    page.emulate_media(color_scheme="light")


def hand_in(page: Page, *files: dict[str, object]) -> None:
    page.get_by_label("Statement files").set_input_files(list(files))  # type: ignore[arg-type]
    page.get_by_role("button", name="Read files").click()


def test_a_file_is_previewed_imported_undone_and_imported_again(
    house: RunningHouse, context: BrowserContext, screenshots: Path, watched: list[str]
) -> None:
    page = context.new_page()
    steps.sign_up(page, house, "files@example.org")
    steps.create_organization(page, house, "Files BV")

    # An account that nobody knows is asked about, and nothing is stored before.
    page.get_by_role("link", name="Import file").click()
    look(page, screenshots, "files-empty")
    hand_in(page, OCTOBER)
    expect(page.get_by_role("heading", level=1)).to_have_text("This file would bring 4 transactions", timeout=60_000)
    expect(page.get_by_text("This account is not known yet. What is it?")).to_be_visible()
    look(page, screenshots, "file-preview")
    page.get_by_label("Its bank").fill("KBC")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This file brought 4 transactions", timeout=60_000)
    look(page, screenshots, "file-imported")
    address = page.url

    # The account: its balance, its proof, its run.
    page.locator("article.card h3 a").click()
    expect(page.get_by_text("From files").first).to_be_visible()
    expect(page.get_by_text("1,953.00").first).to_be_visible()
    expect(page.get_by_text("Proved").first).to_be_visible()
    look(page, screenshots, "file-account")

    # The same file again brings nothing.
    page.get_by_role("link", name="Import file").click()
    look(page, screenshots, "account-files")
    hand_in(page, OCTOBER)
    expect(page.get_by_role("heading", level=1)).to_have_text("This file would bring 0 transactions", timeout=60_000)
    expect(page.get_by_text("The same file was imported before.")).to_be_visible()
    page.get_by_role("button", name="Discard file").click()
    expect(page.get_by_text("The file is discarded")).to_be_visible()

    # A file that does not add up and that differs waits, and tells which rows are odd.
    hand_in(page, WRONG)
    expect(page.get_by_text("It looks like one that is stored:")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("F-BALANCE").first).to_be_visible()
    look(page, screenshots, "file-odd")
    page.get_by_role("button", name="Discard file").click()

    # Undo, and import again.
    page.goto(address)
    page.locator("summary", has_text="Undo import").click()
    page.get_by_role("dialog").get_by_role("button", name="Undo import").click()
    expect(page.get_by_text("The import is undone.")).to_be_visible()
    look(page, screenshots, "file-undone")
    page.get_by_role("link", name="Bank files", exact=True).first.click()
    hand_in(page, OCTOBER)
    expect(page.get_by_role("heading", level=1)).to_have_text("This file would bring 4 transactions", timeout=60_000)
    # The account came with the import and went with it, so it is asked about again.
    expect(page.get_by_text("This account is not known yet. What is it?")).to_be_visible()
    page.get_by_label("Its bank").fill("KBC")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This file brought 4 transactions", timeout=60_000)

    # Export the month; what comes back changes nothing.
    page.locator("article.card h3 a").click()
    page.get_by_role("link", name="export a period").click()
    page.get_by_label("First day").fill("2026-10-01")
    page.get_by_label("Last day").fill("2026-10-31")
    page.get_by_role("button", name="Prepare file").click()
    look(page, screenshots, "export")
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("Download file")).click()
    exported = download.value.path().read_bytes()
    page.goto(address)
    page.get_by_role("link", name="Bank files", exact=True).first.click()
    hand_in(page, {"name": "export.xml", "mimeType": "application/xml", "buffer": exported})
    expect(page.get_by_role("heading", level=1)).to_have_text("This file would bring 0 transactions", timeout=60_000)
    assert watched == []


def test_a_journal_of_the_books_takes_a_file(
    house: RunningHouse, context: BrowserContext, screenshots: Path, watched: list[str]
) -> None:
    page = context.new_page()
    steps.sign_up(page, house, "journal-files@example.org")
    steps.create_company(page, house, "Files NV")
    page.get_by_role("link", name="Add manually").first.click()
    page.get_by_label("Account number").fill("BE68539007547034")
    page.get_by_role("button", name="Add journal").click()
    page.goto(f"{house.url}/books/")
    page.get_by_role("main").get_by_role("link", name=re.compile("BE68|BNK1")).first.click()
    page.get_by_role("link", name="Bank files").click()
    look(page, screenshots, "books-files-empty")
    hand_in(page, OCTOBER)
    expect(page.get_by_role("heading", level=1)).to_have_text("This file would bring 4 lines", timeout=60_000)
    look(page, screenshots, "books-file-preview")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This file brought 4 lines", timeout=60_000)
    look(page, screenshots, "books-file-imported")
    page.locator("summary", has_text="Undo import").click()
    page.get_by_role("dialog").get_by_role("button", name="Undo import").click()
    expect(page.get_by_text("The import is undone.")).to_be_visible()
    page.get_by_role("link", name="Bank files", exact=True).first.click()
    hand_in(page, OCTOBER)
    expect(page.get_by_role("heading", level=1)).to_have_text("This file would bring 4 lines", timeout=60_000)
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This file brought 4 lines", timeout=60_000)
    page.locator("article.card h3 a").click()
    expect(page.get_by_text("1,953.00").first).to_be_visible()
    look(page, screenshots, "books-file-journal")
    assert watched == []


TABLE = """Uitdraai van;BE68539007547034
Munt;EUR

Boekdag;Omschr;Geld;Stand;Wie
14/10/2026;+++090/9337/55493+++;-250,00;1953,00;CITY ENERGY
10/10/2026;Koffie en koek;-3,50;2203,00;COFFEE CORNER
10/10/2026;Koffie en koek;-3,50;2206,50;COFFEE CORNER
06/10/2026;Invoice 2026-041;1210,00;2210,00;ROYAL UPHOLSTERY
"""


def test_the_columns_of_a_table_are_explained_once(
    house: RunningHouse, context: BrowserContext, screenshots: Path, watched: list[str]
) -> None:
    page = context.new_page()
    steps.sign_up(page, house, "tables@example.org")
    steps.create_organization(page, house, "Tables BV")
    table = {"name": "october.csv", "mimeType": "text/csv", "buffer": TABLE.encode("cp1252")}
    page.get_by_role("link", name="Import file").click()
    hand_in(page, table)
    expect(page.get_by_text("Needs an answer")).to_be_visible(timeout=60_000)
    look(page, screenshots, "table-asking")
    page.get_by_role("link", name="Say what the columns mean").click()
    expect(page.get_by_text("The balance beside each row fits its amount.")).to_be_visible()

    # What comes of it changes with the answers, without a click.
    page.get_by_label("Geld").select_option(label="Fee")
    expect(page.get_by_text("no column is mapped to amount")).to_be_visible()
    page.get_by_label("Geld").select_option(label="Amount")
    page.get_by_label("Wie").select_option(label="Name")
    expect(page.get_by_text("CITY ENERGY").nth(1)).to_be_visible()
    look(page, screenshots, "table-columns")
    page.get_by_role("button", name="Read file like this").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This file would bring 4 transactions", timeout=60_000)
    expect(page.get_by_text("Proved")).to_be_visible()

    # The next one is read by itself.
    page.get_by_role("link", name="Bank files").click()
    hand_in(page, {**table, "name": "again.csv", "buffer": TABLE.replace("-250,00;1953", "-251,00;1952").encode()})
    expect(page.get_by_role("heading", level=1)).to_have_text("This file would bring 4 transactions", timeout=60_000)
    assert not watched
