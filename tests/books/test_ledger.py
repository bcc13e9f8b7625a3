"""The ledger: entries that must balance (I-1), documents, and the import of open items."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal

import pytest
import xlsxwriter  # type: ignore[import-untyped]
from django.db import IntegrityError, connection, transaction
from tests.books.steps import balance

from nostro.books.companies.models import Company
from nostro.books.companies.services import create_company
from nostro.books.journals.importing import LineValues, NewLine, import_lines
from nostro.books.journals.models import Line, Source
from nostro.books.journals.services import create_journal
from nostro.books.ledger.chart import account_for, lay_down_chart
from nostro.books.ledger.imports import ImportErrors, import_open_items
from nostro.books.ledger.models import Document, Entry, EntryItem, LedgerAccount, Purpose
from nostro.books.ledger.posting import Side, draft_entry, post
from nostro.books.ledger.services import create_document
from nostro.core.identity import Alias
from nostro.core.ids import new_id
from nostro.people.models import User
from nostro.web.errors import Problem

DAY = dt.date(2026, 11, 10)


def check_constraints() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


@pytest.mark.parametrize(("first", "second"), [(("10", "10"), ("-9.99", "-10")), (("10", "10"), ("-10", "-9"))])
def test_an_entry_that_does_not_balance_is_refused_by_the_database(
    company: Company, first: tuple[str, str], second: tuple[str, str]
) -> None:
    accounts = [account_for(company, Purpose.SALES).id, account_for(company, Purpose.SUSPENSE).id]
    sides = [
        Side(account, Decimal(own), "EUR", Decimal(foreign))
        for account, (own, foreign) in zip(accounts, (first, second), strict=True)
    ]
    with pytest.raises(IntegrityError, match="does not balance"), transaction.atomic():
        post([draft_entry(company, kind="manual", date=DAY, label="x", sides=sides)])
        check_constraints()


@pytest.mark.parametrize(
    "change",
    ["DELETE FROM ledger_entryitem WHERE id = %s", "UPDATE ledger_entryitem SET amount = amount + 1 WHERE id = %s"],
)
def test_a_posted_entry_cannot_be_unbalanced_later(owner: User, company: Company, change: str) -> None:
    bill = create_document(owner, company, kind="bill", partner_name="S", number="1", date=DAY, amount=Decimal("5.00"))
    # The document's own item is kept by its document already.
    item = EntryItem.objects.exclude(pk=bill.open_item_id).first()
    assert item is not None
    with pytest.raises(IntegrityError, match="does not balance"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(change, [item.id])
        check_constraints()


@pytest.mark.parametrize(("currency", "amount"), [("EUR", "121.00"), ("JPY", "121"), ("KWD", "121.005")])
def test_documents_are_open_items_in_every_currency(owner: User, currency: str, amount: str) -> None:
    company = create_company(owner, name=currency, country="BE", currency=currency)
    for kind, sign in (("invoice", 1), ("credit_note", -1), ("bill", -1), ("refund", 1)):
        document = create_document(
            owner, company, kind=kind, partner_name="P", number=kind, date=DAY, amount=Decimal(amount)
        )
        assert document.open_item.residual == sign * Decimal(amount)
        again = create_document(
            owner, company, kind=kind, partner_name="p", number=kind, date=DAY, amount=Decimal(amount)
        )
        assert again.id == document.id
    check_constraints()
    with pytest.raises(Problem, match="is no amount"):
        create_document(owner, company, kind="bill", partner_name="P", number="x", date=DAY, amount=Decimal("1.2345"))
    with pytest.raises(Problem, match="exists already"):
        create_document(owner, company, kind="bill", partner_name="P", number="bill", date=DAY, amount=Decimal(7))


def test_the_chart_is_laid_down_once(company: Company) -> None:
    before = LedgerAccount.objects.filter(company=company).count()
    lay_down_chart(company)
    assert LedgerAccount.objects.filter(company=company).count() == before > 20


def test_import_reports_all_errors_together_and_imports_nothing(owner: User, company: Company) -> None:
    file = (
        "kind;partner;number;date;amount;reference\n"
        "invoice;A;1;2026-11-01;121,00;+++020/3430/57642+++\n"
        "invoice;B;2;31.02.2026;5\n"
        "invoice;;3;2026-11-01;5\n"
        "invoice;C;4;2026-11-01;1.234,50\n"
    )
    with pytest.raises(ImportErrors) as caught:
        import_open_items(owner, company.id, file.encode())
    assert [(error.row, error.column) for error in caught.value.errors] == [(3, "date"), (4, "partner"), (5, "amount")]
    assert not Document.objects.exists()


def test_import_twice_changes_nothing(owner: User, company: Company) -> None:
    file = b"Customer,No,Day,Total\nA,1,2026-11-01,121.00\nB,2,01/11/2026,-5\n"
    mapping = {"partner": "Customer", "number": "No", "date": "Day", "amount": "Total"}
    assert import_open_items(owner, company.id, file, mapping).created == 2
    outcome = import_open_items(owner, company.id, file, mapping)
    assert (outcome.created, outcome.known) == (0, 2)
    assert balance(account_for(company, Purpose.RECEIVABLE)) == Decimal("116.00")
    assert set(Document.objects.values_list("kind", flat=True)) == {"invoice", "credit_note"}


def a_workbook(rows: list[list[object]]) -> bytes:
    """The first sheet of an XLSX file."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"default_date_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet()
    for index, row in enumerate(rows):
        for column, value in enumerate(row):
            sheet.write(index, column, value)
    book.close()
    return file.getvalue()


def test_a_workbook_is_imported_and_its_columns_are_remembered(owner: User, company: Company) -> None:
    heading: list[object] = ["Klant", "Nr", "Datum", "Bedrag", "Btw"]
    mapping = {"partner": "klant", "number": "NR", "date": "Datum", "amount": "Bedrag", "tax_percent": "Btw"}
    day = dt.date(2026, 11, 3)
    first = a_workbook([heading, ["A", "W-1", day, 121.1, "21 %"], [], ["B", 17, "2026-11-04", 0.3, None]])
    with pytest.raises(Problem, match="no column partner, number, date, amount"):
        import_open_items(owner, company.id, first)
    assert import_open_items(owner, company.id, first, mapping).created == 2
    document = Document.objects.get(number="W-1")
    assert (document.date, document.amount, document.tax_amount) == (day, Decimal("121.1"), Decimal("21.02"))
    assert Document.objects.get(number="17").amount == Decimal("0.3")
    second = a_workbook([heading, ["A", "W-2", day, 5, None]])
    assert import_open_items(owner, company.id, second).created == 1


@pytest.mark.parametrize("file", [b"PK\x03\x04 and nothing else", b"\x81\x8d\x8f", b""])
def test_files_that_hold_no_table_are_refused_with_a_reason(owner: User, company: Company, file: bytes) -> None:
    with pytest.raises(Problem) as caught:
        import_open_items(owner, company.id, file)
    assert caught.value.code in {"fileUnreadable", "columnsMissing"}
    assert not Document.objects.exists()


def test_nothing_is_posted_into_a_locked_period(owner: User, company: Company) -> None:
    company.lock_date = DAY
    company.save()
    with pytest.raises(Problem, match="locked"):
        create_document(owner, company, kind="bill", partner_name="P", number="1", date=DAY, amount=Decimal(7))
    assert not Entry.objects.exists()


def test_a_batch_is_a_handful_of_statements(
    owner: User, company: Company, django_assert_max_num_queries: object
) -> None:
    journal = create_journal(owner, company, name="Bank", currency="EUR")
    batch = [
        NewLine(LineValues(DAY, DAY, Decimal("1.00"), "EUR"), Source.FEED, new_id().hex, 1, Alias("hub", str(n)))
        for n in range(500)
    ]
    with django_assert_max_num_queries(14):  # type: ignore[operator]
        import_lines(journal, batch, identity="x", run_id=None, today=dt.date(2026, 11, 12))
    check_constraints()
    assert Line.objects.count() == 500
    assert balance(journal.bank_account) == 500
    assert balance(journal.suspense_account) == -500
    with pytest.raises(IntegrityError), transaction.atomic():
        import_lines(journal, batch[:1], identity="x", run_id=None, today=dt.date(2026, 11, 12))
