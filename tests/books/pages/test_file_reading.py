"""Tables of a bank that nobody knows: a person says once what the columns mean (formats.md 6.9)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from tests.books.files.steps import archive
from tests.books.pages.conftest import signed_in

from nostro.books.companies.models import Company
from nostro.books.companies.services import create_company
from nostro.books.files import working
from nostro.books.files.models import JournalFile, TableMapping
from nostro.books.journals.models import Journal, Line
from nostro.books.journals.services import create_journal
from nostro.people.models import User

IBAN = "BE68539007547034"
#: The worked example of formats.md 6.9, by other names.
TABLE = (
    b"Dag;Waarde;Rest;Wie;Wat\n"
    b"12/11/2026;-2,40;997,60;<b>CAFE</b> DE HOEK;koffie met gebak\n"
    b"12/11/2026;-2,40;995,20;<b>CAFE</b> DE HOEK;koffie met gebak\n"
    b"13/11/2026;1.000,00;1.995,20;KLANT NV;factuur 12 november\n"
)
COLUMNS = {
    "column_0": "booking_date", "column_1": "amount", "column_2": "balance", "column_3": "counterparty_name",
    "column_4": "description", "sign": "signed",
}  # fmt: skip


@pytest.fixture
def journal(owner: User, company: Company) -> Journal:
    return create_journal(owner, company, name="Bank", currency="EUR", account_number=IBAN)


def hand_in(browser: Client, address: str, data: bytes, name: str = "table.csv") -> JournalFile:
    browser.post(address, {"uploads": [SimpleUploadedFile(name, data)]})
    return read_again(JournalFile.objects.latest("created_at"))


def read_again(file: JournalFile) -> JournalFile:
    working.work(file.pk)
    file.refresh_from_db()
    return file


def page_of(file: JournalFile, name: str = "journal_file") -> str:
    return reverse(f"books:{name}", kwargs={"file_id": file.pk})


def told(browser: Client, address: str) -> str:
    return browser.get(address).content.decode()


def test_a_person_says_once_what_the_columns_mean(browser: Client, journal: Journal) -> None:
    address = reverse("books:journal_files", kwargs={"journal_id": journal.id})
    file = hand_in(browser, address, TABLE)
    assert (file.status, file.problems[0]["code"]) == ("asking", "F-MAPPING")
    assert page_of(file, "file_reading") in told(browser, page_of(file))
    # The page proposes, and shows what comes of it beside the columns; nothing is imported from it.
    asked = told(browser, page_of(file, "file_reading"))
    assert "CAFE&lt;/b&gt; DE HOEK" in asked
    assert "<b>CAFE" not in asked
    shown = browser.post(page_of(file, "file_reading"), {**COLUMNS, "preview": "1"}).content.decode()
    assert "The balance beside each row fits its amount." in shown
    turned = {**COLUMNS, "column_1": "", "column_2": "amount"}
    assert "No column is the balance" in browser.post(page_of(file, "file_reading"), turned).content.decode()
    assert not (Line.objects.exists() or TableMapping.objects.exists())
    browser.post(page_of(file, "file_reading"), {**COLUMNS, "read": "1", "remember": "on"})
    file = read_again(file)
    assert (file.status, file.new_count) == ("waiting", 3)
    browser.post(page_of(file))
    read_again(file)
    lines = Line.objects.order_by("order_date", "day_seq")
    assert list(lines.values_list("amount", flat=True)) == [Decimal("-2.40"), Decimal("-2.40"), Decimal(1000)]
    journal.refresh_from_db()
    assert journal.proof == "green"
    # Tables like it are not asked about again, also inside an archive.
    again = hand_in(browser, address, TABLE)
    assert (again.status, again.known_count, again.new_count) == ("waiting", 3, 0)
    packed = hand_in(browser, address, archive(a_csv=TABLE), "a.zip")
    assert (packed.status, packed.known_count) == ("waiting", 3)
    assert TableMapping.objects.get().version == 1
    assert '"Dag" = "booking_date"' in told(browser, page_of(again, "mapping_file"))


def test_a_mapping_is_changed_by_a_next_version(browser: Client, journal: Journal) -> None:
    address = reverse("books:journal_files", kwargs={"journal_id": journal.id})
    file = hand_in(browser, address, TABLE)
    reading = page_of(file, "file_reading")
    browser.post(reading, {**COLUMNS, "column_4": "", "read": "1", "remember": "on"})
    read_again(file)
    browser.post(reading, {**COLUMNS, "read": "1", "remember": "on"})
    assert read_again(file).new_count == 3
    assert list(TableMapping.objects.order_by("version").values_list("version", flat=True)) == [1, 2]
    assert hand_in(browser, address, TABLE).answers["mapping"]["columns"]["Wat"] == "description"


def test_without_a_journal_the_account_is_asked_too(browser: Client, company: Company, journal: Journal) -> None:
    address = reverse("books:company_files", kwargs={"company_id": company.id})
    file = hand_in(browser, address, TABLE)
    reading = page_of(file, "file_reading")
    browser.post(reading, {**COLUMNS, "read": "1"})
    assert (read_again(file).status, file.problems[0]["code"]) == ("asking", "F-ACCOUNT")
    browser.post(reading, {**COLUMNS, "account": "BE68 5390 0754 7034", "currency": "EUR", "read": "1"})
    assert (read_again(file).status, file.new_count) == ("waiting", 3)
    assert file.accounts.get().journal == journal
    assert not TableMapping.objects.exists()


def test_answers_that_cannot_be_used_say_why(browser: Client, journal: Journal) -> None:
    address = reverse("books:journal_files", kwargs={"journal_id": journal.id})
    file = hand_in(browser, address, TABLE)
    answer = browser.post(page_of(file, "file_reading"), {**COLUMNS, "column_0": "", "read": "1"})
    assert (answer.status_code, "no column is mapped to a date" in answer.content.decode()) == (400, True)
    assert JournalFile.objects.get().status == "asking"


def test_a_file_that_is_no_table_has_no_such_page(browser: Client, journal: Journal) -> None:
    address = reverse("books:journal_files", kwargs={"journal_id": journal.id})
    file = hand_in(browser, address, b"%PDF-1.7")
    assert (file.status, browser.get(page_of(file, "file_reading")).status_code) == ("failed", 302)


def test_tables_of_an_archive_have_a_page_each(browser: Client, stranger: User, journal: Journal) -> None:
    address = reverse("books:journal_files", kwargs={"journal_id": journal.id})
    other = TABLE.replace(b"Dag;Waarde", b"Dia;Valor")
    file = hand_in(browser, address, archive(a_csv=TABLE, b_csv=other), "year.zip")
    pages = [reverse("books:table_reading", kwargs={"file_id": file.pk, "number": number}) for number in (1, 2)]
    shown = told(browser, page_of(file))
    assert [each in shown for each in pages] == [True, True]
    assert ("a.csv" in told(browser, pages[0]), "Dia" in told(browser, pages[1])) == (True, True)
    # That nobody has said yet what the columns mean is the question, no fault; what is wrong is told of its table only.
    assert "F-MAPPING" not in shown
    browser.post(pages[0], {**COLUMNS, "column_1": "", "column_4": "amount", "read": "1"})
    read_again(file)
    assert [("a.csv: " in told(browser, each)) for each in pages] == [True, False]
    # An answer by which nothing could be read is given anew.
    assert (file.status, pages[0] in told(browser, page_of(file))) == ("failed", True)
    for each in pages:
        assert browser.post(each, {**COLUMNS, "read": "1", "remember": "on"}).status_code == 302
        read_again(file)
    assert (file.status, file.new_count, file.known_count) == ("waiting", 3, 3)
    mapping = reverse("books:table_mapping", kwargs={"file_id": file.pk, "number": 2})
    assert '"Dia" = "booking_date"' in told(browser, mapping)
    assert browser.get(reverse("books:table_reading", kwargs={"file_id": file.pk, "number": 9})).status_code == 302
    for each in (*pages, mapping):
        assert signed_in(stranger).get(each).status_code == 404


def test_what_one_company_said_is_not_used_in_another(
    browser: Client, stranger: User, company: Company, journal: Journal
) -> None:
    address = reverse("books:journal_files", kwargs={"journal_id": journal.id})
    file = hand_in(browser, address, TABLE)
    browser.post(page_of(file, "file_reading"), {**COLUMNS, "read": "1", "remember": "on"})
    other = signed_in(stranger)
    for name in ("file_reading", "mapping_file"):
        assert other.get(page_of(file, name)).status_code == 404
    assert other.post(page_of(file, "file_reading"), {**COLUMNS, "read": "1"}).status_code == 404
    TableMapping.objects.update(company=create_company(stranger, name="Other NV", country="BE", currency="EUR"))
    assert hand_in(browser, address, TABLE + b"14/11/2026;-1,00;1.994,20;X;een gewone tekst\n").status == "asking"
