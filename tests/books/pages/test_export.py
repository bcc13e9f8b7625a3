"""Lists as files: nothing computes, no digit is lost, every list can be had (user-wants; decision 0022)."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from tests.books.conftest import NOW
from tests.books.pages.conftest import House

from nostro.books.journals.services import add_manual_line, remove_line
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
    response = browser.get(url + (query if table == "missing" else ""))
    file = content(response)

    assert response.status_code == 200
    assert "attachment" in response["Content-Disposition"]
    rows = file.decode("utf-8-sig").splitlines() if kind == "csv" else sheet(file).split("<row ")[1:]
    assert len(rows) > 1


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
