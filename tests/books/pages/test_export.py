"""Lists as files: nothing computes, no digit is lost, every list can be had (user-wants; decision 0022)."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from tests.books.conftest import NOW
from tests.books.files.steps import read
from tests.books.pages.conftest import House, signed_in
from tests.hub.files.factories import camt, entry, statement

from nostro.books.journals.services import add_manual_line, remove_line
from nostro.books.ledger.drafts import make_draft
from nostro.books.ledger.misc import MiscFacts, MiscSide, post_misc
from nostro.books.ledger.queries import accounts_of
from nostro.books.ledger.services import DocumentFacts
from nostro.books.links.models import OnlineAccount
from nostro.books.pages import exports_of_company
from nostro.books.pages.export import export
from nostro.books.pages.exports import OF_COMPANY, OF_JOURNAL
from nostro.people.models import User
from nostro.web.errors import Problem

ROW = ["=1+1", "@x", Decimal("-1E+3"), None, dt.date(2026, 11, 2), Decimal("12345678901234567.89"), 7]
HEADS = ["a", "b", "c", "d", "e", "f", "g"]


def content(response: Any) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


def sheet(file: bytes) -> str:
    return zipfile.ZipFile(io.BytesIO(file)).read("xl/worksheets/sheet1.xml").decode()


def test_cells_that_a_spreadsheet_would_compute_become_text() -> None:
    text = content(export("x", "csv", HEADS, [ROW])).decode("utf-8-sig")

    assert text == "a,b,c,d,e,f,g\r\n'=1+1,'@x,-1000,,2026-11-02,12345678901234567.89,7\r\n"


def test_a_workbook_has_no_formula_and_keeps_long_amounts_as_text() -> None:
    xml = sheet(content(export("x", "xlsx", HEADS, [ROW])))

    assert "<f>" not in xml
    assert "=1+1" in xml
    assert "<v>-1000</v>" in xml
    assert "12345678901234567.89" in xml
    assert "<v>12345678901234567" not in xml


def test_another_format_is_refused() -> None:
    with pytest.raises(Problem):
        export("x", "exe", HEADS, [])


def hand_in_file(owner: User, house: House) -> None:
    read(owner, house.journal, camt(statement([entry()])))


def post_entry(owner: User, house: House) -> None:
    house_accounts = list(accounts_of(house.company))
    one, other = [each for each in house_accounts if each.kind in {"income", "expense"}][:2]
    facts = MiscFacts(dt.date(2026, 11, 1), "Salaries", (MiscSide(one.id, Decimal(5)), MiscSide(other.id, -Decimal(5))))
    post_misc(owner, house.company, facts)


def keep_draft(owner: User, house: House) -> None:
    facts = DocumentFacts(kind="bill", partner_name="=Acme", number="", date=dt.date(2026, 11, 1), amount=Decimal(7))
    make_draft(owner, house.company, facts)


#: What a list needs that is not in the house.
KEPT = {"files": hand_in_file, "entries": post_entry, "drafts": keep_draft}


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("table", [*OF_JOURNAL, *OF_COMPANY, "items"])
def test_every_list_is_a_file(table: str, kind: str, house: House, browser: Client, owner: User) -> None:
    query = "?first=2026-11-01&last=2026-11-30"
    if table in OF_JOURNAL:
        url = reverse("books:export_journal", args=[house.journal.id, table, kind])
    elif table in OF_COMPANY:
        url = reverse("books:export_company", args=[house.company.id, table, kind])
    else:
        url = reverse("books:export_account", args=[house.journal.bank_account_id, kind])
    if table == "missing":
        remove_line(owner, house.line("-50").id, reason="private", now=NOW)
    if table == "duplicates":
        for _ in range(2):
            add_manual_line(
                owner, house.journal.id, date=dt.date(2026, 11, 11), amount=Decimal(-5), label="Coffee", now=NOW
            )
    if table in KEPT:
        KEPT[table](owner, house)
    response = browser.get(url + (query if table == "missing" else ""))
    file = content(response)

    assert response.status_code == 200
    assert "attachment" in response["Content-Disposition"]
    rows = file.decode("utf-8-sig").splitlines() if kind == "csv" else sheet(file).split("<row ")[1:]
    assert len(rows) > 1


def test_the_list_of_connections_tells_the_newest_transaction_and_when_the_bank_may_be_asked(
    house: House, browser: Client
) -> None:
    def row() -> dict[str, str]:
        url = reverse("books:export_company", args=[house.company.id, "synchronization", "csv"])
        return next(csv.DictReader(io.StringIO(content(browser.get(url)).decode("utf-8-sig"))))

    assert (row()["last_transaction"], row()["refresh_not_before"]) == ("2026-11-11", "")
    again = timezone.now().replace(microsecond=0) + dt.timedelta(hours=5)
    OnlineAccount.objects.update(waiting_until=again)
    assert row()["refresh_not_before"] != ""
    for url in (
        reverse("books:synchronization", args=[house.company.id]),
        reverse("books:connection", args=[house.connection.id]),
    ):
        assert "the bank may be asked again" in browser.get(url).content.decode()


def test_a_list_of_a_company_is_refused_to_the_neighbour(house: House, stranger: User) -> None:
    neighbour = signed_in(stranger)
    for table in OF_COMPANY:
        assert neighbour.get(reverse("books:export_company", args=[house.company.id, table, "csv"])).status_code == 404


def test_a_list_of_bank_files_is_read_in_pages(
    house: House, browser: Client, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports_of_company, "FILES_PAGE", 1)
    for _ in range(3):
        hand_in_file(owner, house)
    for url in (
        reverse("books:export_company", args=[house.company.id, "files", "csv"]),
        reverse("books:export_journal", args=[house.journal.id, "files", "csv"]),
    ):
        assert len(content(browser.get(url)).decode().splitlines()) == 4


def test_lines_come_with_their_balance_and_only_those_of_the_filter(house: House, browser: Client) -> None:
    url = reverse("books:export_journal", args=[house.journal.id, "lines", "csv"])
    rows = content(browser.get(url)).decode("utf-8-sig").splitlines()

    assert len(rows) == 1 + len(house.lines)
    assert ",-50.00,EUR,1071.00," in rows[1]
    assert len(content(browser.get(url + "?filter=held")).decode().splitlines()) == 1


def test_missing_without_a_period_is_told_before_a_file_begins(house: House, browser: Client) -> None:
    response = browser.get(reverse("books:export_journal", args=[house.journal.id, "missing", "csv"]))

    assert response.status_code == 422 or response.status_code == 400
    assert "Content-Disposition" not in response


def test_a_list_that_does_not_exist_is_not_found(house: House, browser: Client) -> None:
    assert browser.get(reverse("books:export_journal", args=[house.journal.id, "secrets", "csv"])).status_code == 404
    assert browser.get(reverse("books:export_company", args=[house.company.id, "secrets", "csv"])).status_code == 404


def test_a_statement_is_a_pdf_whatever_the_bank_wrote(house: House, browser: Client) -> None:
    statement = house.journal.statements.latest("id")
    response = browser.get(reverse("books:statement_pdf", args=[statement.id]))

    assert response["Content-Type"] == "application/pdf"
    assert response.content.startswith(b"%PDF-")
    assert len(response.content) < 200_000
