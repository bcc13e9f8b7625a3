"""XLSX read and written, and our own tables in both shapes (formats.md 6.10, 7)."""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.formats.rows import TEXTS, entries
from tests.formats.samples import DAY, IBAN, OPTIONS, Reading, outgoing, reading, written
from xlsxwriter import Workbook  # type: ignore[import-untyped]

from nostro.formats import Detail, Entry, FormatError, Hints, WriteError, WriteOptions, lossy_fields, survey, write
from nostro.formats.csv.own import guarded, unguarded
from nostro.formats.values import FileHead

MAPPING: dict[str, Any] = {
    "columns": {"Datum": "booking_date", "Bedrag": "amount", "Saldo": "balance", "Mededeling": "description"},
    "currency": "EUR",
    "account": IBAN,
}
FORMS = ["csv", "xlsx"]


def workbook(fill: Callable[[Any, Any], None]) -> bytes:
    buffer = io.BytesIO()
    book = Workbook(buffer, {"in_memory": True})
    fill(book, book.add_worksheet("Blad"))
    book.close()
    return buffer.getvalue()


def rows_into(sheet: Any, *rows: list[Any], column: int = 0, first: int = 0) -> None:
    for number, row in enumerate([["Datum", "Bedrag", "Saldo", "Mededeling"], *rows], first):
        for at, value in enumerate(row, column):
            sheet.write(number, at, value)


def of_bank(book: Any, sheet: Any) -> None:
    day = book.add_format({"num_format": "dd/mm/yyyy"})
    rows_into(sheet, [None, 0.30000000000000004, 100.3, "a"], [None, -2.4, "97,90", "b"], [46339, 1, 98.9, 12], first=2)
    sheet.write_datetime(3, 0, dt.datetime(2026, 11, 12), day)
    sheet.write_string(4, 0, "13/11/2026")
    sheet.write_string(0, 0, "Mijn bank")


def mapped(data: bytes, **hints: Any) -> Reading:
    return reading(data, Hints(mapping=MAPPING, **hints))


def refused(data: bytes, **hints: Any) -> FormatError:
    with pytest.raises(FormatError) as error:
        mapped(data, **hints)
    return error.value


def test_numbers_dates_and_texts_of_a_sheet() -> None:
    found = mapped(workbook(of_bank))
    assert [str(row.amount) for row in found.rows] == ["0.30", "-2.40", "1.00"]
    assert [row.booking_date for row in found.rows] == [dt.date(2026, 11, day) for day in (12, 13, 13)]
    assert found.states == ["proved"] and not found.codes
    assert found.rows[2].remittance_information_unstructured == ("12",)
    assert str(found.rows[0].position) == "sheet Blad, cell A4"


def test_an_amount_with_more_decimals_than_its_currency_is_not_rounded() -> None:
    found = mapped(workbook(lambda _, sheet: rows_into(sheet, ["13/11/2026", 12.345, None, "x"])))
    assert found.rows[0].amount == Decimal("12.345") and "F-SCALE" in found.codes


def test_the_cell_of_a_wrong_value_is_named() -> None:
    error = refused(workbook(lambda _, sheet: rows_into(sheet, ["13/11/2026", "much", None, "x"], column=2)))
    assert error.problem.code == "F-FIELD"
    assert str(error.problem.position) == "field Bedrag, sheet Blad, cell D2"


def with_formula(value: object) -> bytes:
    def fill(_: Any, sheet: Any) -> None:
        rows_into(sheet, ["13/11/2026", None, None, "x"], ["14/11/2026", 1.5, None, "y"])
        sheet.write_formula("B2", "=1+1", None, value)

    return workbook(fill)


def test_the_stored_value_of_a_formula_is_taken_and_none_is_an_error() -> None:
    assert [str(row.amount) for row in mapped(with_formula(2)).rows] == ["2.00", "1.50"]
    for value in ("", "#DIV/0!"):
        error = refused(with_formula(value))
        assert (error.problem.code, error.problem.position.cell) == ("F-FIELD", "B2")


def test_hidden_rows_count_with_a_warning() -> None:
    def fill(_: Any, sheet: Any) -> None:
        rows_into(sheet, ["13/11/2026", 1.5, None, "x"], ["14/11/2026", 2.5, None, "y"])
        sheet.set_row(1, None, None, {"hidden": True})

    found = mapped(workbook(fill))
    assert (len(found.rows), found.codes) == (2, ["F-TEXT"])
    assert "1 rows of the sheet are hidden" in found.problems[0].message


def test_the_only_sheet_with_a_table_is_taken_and_among_several_one_is_named() -> None:
    def one(book: Any, sheet: Any) -> None:
        rows_into(sheet, ["13/11/2026", 1.5, None, "x"])
        book.add_worksheet("Uitleg").write(0, 0, "Wat dit is")

    def two(book: Any, sheet: Any) -> None:
        one(book, sheet)
        rows_into(book.add_worksheet("Oud"), ["13/11/2025", 9, None, "x"])

    assert len(mapped(workbook(one)).rows) == 1
    error = refused(workbook(two))
    assert error.problem.code == "F-MAPPING" and "Blad, Oud" in str(error)
    assert mapped(workbook(two), profile={"sheet": "Oud"}).rows[0].amount == 9


# --- hostile ---------------------------------------------------------------------------------------------------------


def repacked(data: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in source.namelist():
            archive.writestr(name, change(name, source.read(name)))
    return target.getvalue()


def in_sheet(old: bytes, new: bytes) -> bytes:
    data = workbook(of_bank)
    return repacked(data, lambda name, part: part.replace(old, new) if name.startswith("xl/worksheets/") else part)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (in_sheet(b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet'), "F-UNSAFE"),
        (in_sheet(b'r="A4"', b'r="XFD1048576"'), "F-TOO-LARGE"),
        (in_sheet(b'r="A4"', b'r="GR199999"'), "F-TOO-LARGE"),
        (in_sheet(b"</worksheet>", b"<!--" + b" " * (130 << 20) + b"--></worksheet>"), "F-TOO-LARGE"),
        (workbook(of_bank)[:-200], "F-TRUNCATED"),
        (workbook(of_bank)[:2000] + b"xl/workbook", "F-TRUNCATED"),
        (in_sheet(b"<row", b"<f></row"), "F-SYNTAX"),
    ],
    ids=["entity", "far cell", "many cells", "bomb", "no list", "cut", "markup"],
)
def test_what_no_workbook_needs_is_refused(data: bytes, code: str) -> None:
    assert refused(data, format="xlsx").problem.code == code


def test_a_workbook_cut_or_changed_anywhere_ends_in_a_problem_or_in_rows() -> None:
    data = workbook(of_bank)
    for end in range(0, len(data), 97):
        with pytest.raises(FormatError):
            mapped(data[:end], format="xlsx")
    for place in range(30, len(data), 61):
        try:
            mapped(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :], format="xlsx")
        except FormatError:
            continue


# --- our own tables --------------------------------------------------------------------------------------------------


def values(row: Entry) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(row).items()
        if name not in {"position", "raw"} and value not in (None, (), False)
    }


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_all_fields_come_back_but_details_and_raw(form: str, currency: str, data: st.DataObject) -> None:
    rows = data.draw(st.lists(entries(currency=currency, batches=False), max_size=6))
    statement = outgoing(rows, currency=currency)
    assert set(lossy_fields(form, FileHead(form), [statement])) <= {"details", "raw"}
    found = reading(written(form, statement))
    assert [values(row) for row in found.rows] == [values(row) for row in rows]
    assert found.states == ["proved"] and not found.codes
    assert found.heads[0].account == statement.head.account


@pytest.mark.parametrize("form", FORMS)
def test_every_field_there_is_comes_back(form: str) -> None:
    row = Entry(
        Decimal("-1234567890123456.12"), "EUR", booking_date=DAY, value_date=DAY, transaction_date=DAY,
        fee=Decimal("0.50"), entry_reference="007", transaction_id="1e5", creditor_name="=HYPERLINK()",
        creditor_account="0012",
        remittance_information_unstructured=("a;b", "c,d"), remittance_information_structured=("RF18539007547034",),
        currency_exchange=({"source": "USD", "rate": "1.10", "instructed_amount": Decimal("12.50")},),
        batch_indicator=True, batch_number_of_transactions=3, balance_after_transaction=Decimal("7.00"), reversal=True,
        references=(("uetr", "a=b"), ("txId", "x")), counterparty_side="creditor", masked_pan="xxxx1234",
    )  # fmt: skip
    found = reading(written(form, outgoing([row])))
    assert values(found.rows[0]) == values(row)


@pytest.mark.parametrize("form", FORMS)
def test_a_statement_without_rows_carries_its_balance(form: str) -> None:
    found = reading(written(form, outgoing([]), outgoing([], iban="BE71096123456769")))
    assert [head.account.iban for head in found.heads] == [IBAN, "BE71096123456769"]
    assert found.states == ["proved", "proved"] and not found.rows


@pytest.mark.parametrize("form", FORMS)
def test_details_and_raw_are_told_before_writing(form: str) -> None:
    row = Entry(Decimal(5), "EUR", booking_date=DAY, details=(Detail(1), Detail(2)), raw={"x": "y"})
    assert lossy_fields(form, FileHead(form), [outgoing([row])]) == ("details", "raw")
    assert values(reading(written(form, outgoing([row]))).rows[0]) == values(Entry(Decimal(5), "EUR", booking_date=DAY))


@settings(max_examples=60, deadline=None)
@given(st.one_of(TEXTS, st.sampled_from(["=1", "'=1", "''=1", "-", "@x", "+1", "'", "' =1", "＝1", "\t=1"])))
def test_no_cell_of_csv_is_run_and_each_comes_back(text: str) -> None:
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_nothing_in_a_workbook_is_a_formula_or_a_link() -> None:
    row = Entry(
        Decimal(5), "EUR", booking_date=DAY, debtor_name='=cmd|" /C calc"!A0', additional_information="https://x.test"
    )
    with zipfile.ZipFile(io.BytesIO(written("xlsx", outgoing([row])))) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
        assert b"<f>" not in sheet and b"hyperlink" not in sheet


def test_the_options_of_csv() -> None:
    rows = [Entry(Decimal("-1234.50"), "EUR", booking_date=DAY, creditor_name="Élysée;x")]
    options = WriteOptions("2026-11-13T06:00:00", delimiter=";", decimal_comma=True, byte_order_mark=True)
    data = b"".join(write("csv", FileHead("csv"), [outgoing(rows)], options))
    assert data.startswith(b"\xef\xbb\xbfaccount;") and data.endswith(b"\r\n") and b";-1234,50;" in data
    (line,) = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig")), delimiter=";"))
    assert line["creditorName"] == "Élysée;x"
    assert values(reading(data).rows[0]) == values(rows[0])


@pytest.mark.parametrize("form", FORMS)
def test_same_rows_same_bytes(form: str) -> None:
    statement = outgoing([Entry(Decimal(5), "EUR", booking_date=DAY)])
    assert written(form, statement) == written(form, statement)
    assert survey([written(form, statement)]).format == form


def test_a_sheet_is_written_no_longer_than_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nostro.formats.xlsx.writer.MAX_SHEET_ROWS", 3)
    rows = [Entry(Decimal(5), "EUR", booking_date=DAY)] * 3
    with pytest.raises(WriteError, match="at most 2 rows"):
        list(write("xlsx", FileHead("xlsx"), [outgoing(rows)], OPTIONS))


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b",5,EUR", b",five,EUR", "F-FIELD"),
        (b",iban,", b",ibam,", "F-ACCOUNT"),
        (b",iban,EUR", b",iban,E", "F-ACCOUNT"),
        (b"2026-11-12", b"12-11-2026", "F-FIELD"),
        (b"booked", b"cooked", "F-FIELD"),
    ],
    ids=["amount", "kind", "currency", "date", "status"],
)
def test_our_own_table_changed_by_hand_says_where(old: bytes, new: bytes, code: str) -> None:
    data = written("csv", outgoing([Entry(Decimal(5), "EUR", booking_date=DAY)]))
    assert old in data
    with pytest.raises(FormatError, match="Line 2") as error:
        reading(data.replace(old, new, 1))
    assert error.value.problem.code == code
