"""The head of a table, what is guessed of its columns, and what a mapping makes of its first rows (formats.md 6.9)."""

from __future__ import annotations

import io
import tomllib
from decimal import Decimal
from typing import Any

import pytest
import xlsxwriter  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from nostro.formats import Entry, FormatError, Hints, read, survey
from nostro.formats.csv.guessing import guess
from nostro.formats.csv.looking import SHOWN_ROWS, TableHead, in_encoding, interpret, table_head
from nostro.formats.csv.mapping import as_toml, mapping_of

OWN = Hints(account="BE68539007547034", currency="EUR")
NAMED = """Konto;BE68539007547034
Waehrung;EUR

Boekdag;Omschr;Geld;Stand;Wie
12/11/2026;koffie en koek;-2,40;997,60;CAFÉ
13/11/2026;brood en wijn;-3,40;994,20;BAKKER
"""
NAMELESS = """2026-11-12,BE68539007547034,"12,50",D,EUR,Koffie met melk
2026-11-13,BE68539007547034,"1,50",C,EUR,Terug van geld
"""
TWO_COLUMNS = """Datum;Tekst van de bank;Soll;Haben
31.10.2026;Huur van november;1.250,00;
02.11.2026;Loon van oktober;;2.100,00
"""


def head(text: str, encoding: str = "utf-8", hints: Hints = OWN) -> TableHead:
    data = text.encode(encoding)
    return table_head([data], survey([data]), hints)


def whole(text: str, data: dict[str, Any]) -> list[Decimal]:
    """The amounts that the reader itself gives with this mapping."""
    raw = text.encode()
    hints = Hints(account=OWN.account, currency=OWN.currency, mapping=data, format="csv")
    return [each.amount for each in read([raw], survey([raw]), hints) if isinstance(each, Entry)]


@pytest.mark.parametrize(
    ("text", "columns", "amounts"),
    [
        (NAMED, {"Boekdag": "booking_date", "Omschr": "description", "Geld": "amount", "Stand": "balance"},
         ["-2.40", "-3.40"]),
        (NAMELESS, {"#1": "booking_date", "#2": "account", "#3": "amount", "#4": "indicator", "#5": "currency",
                    "#6": "description"}, ["-12.50", "1.50"]),
        (TWO_COLUMNS, {"Datum": "booking_date", "Tekst van de bank": "description", "Soll": "debit", "Haben": "credit"},
         ["-1250.00", "2100.00"]),
    ],
    ids=["named", "nameless", "two columns"],
)  # fmt: skip
def test_a_guess_reads_the_table_as_the_reader_would(text: str, columns: dict[str, str], amounts: list[str]) -> None:
    found = head(text)
    data = guess(found)
    assert data["columns"] == columns
    made = interpret(found, data, OWN)
    assert made.refusal is None
    assert [str(each.amount) for each in made.entries] == amounts
    assert whole(text, data) == [each.amount for each in made.entries]


def test_the_lines_above_the_table_name_account_and_currency() -> None:
    assert guess(head(NAMED))["preamble"] == {"account": ["Konto"], "currency": ["Waehrung"]}


def test_an_amount_with_signs_wins_over_columns_beside_it() -> None:
    data = guess(head("Datum;Bedrag;Credit;Debet\n12/11/2026;-2,40;;-2,40\n13/11/2026;3,40;3,40;\n"))
    assert data["columns"] == {"Datum": "booking_date", "Bedrag": "amount", "Credit": "ignore", "Debet": "ignore"}


def test_a_balance_that_does_not_fit_is_named_and_a_wrong_mapping_refused() -> None:
    found = head(NAMED.replace("994,20", "994,30"))
    data = guess(head(NAMED))
    made = interpret(found, data, OWN)
    assert [each.code for each in made.problems if each.severity == "quarantine"] == ["F-BALANCE"]
    wrongs: list[dict[str, Any]] = [
        {"columns": {}},
        {"columns": {"Nope": "amount", "Boekdag": "booking_date"}},
        {"dates": ["x"]},
    ]
    for wrong in wrongs:
        refused = interpret(found, {**data, **wrong}, OWN).refusal
        assert refused is not None and refused.code == "F-MAPPING"


def test_what_may_be_two_things_is_asked() -> None:
    found = head("Datum;Bedrag\n03/04/2026;1,234\n05/06/2026;2,345\n")
    made = interpret(found, guess(found), OWN)
    assert made.refusal is not None and made.refusal.code == "F-MAPPING"
    told = interpret(found, {**guess(found), "dates": ["dmy"], "decimal": "."}, OWN)
    assert told.refusal is None and [each.amount for each in told.entries] == [1234, 2345]


def test_the_head_is_bounded_and_reads_again_in_another_encoding() -> None:
    found = head(NAMED + "14/11/2026;x;-1,00;993,20;A\n" * 500, "cp1252")
    assert len(found.rows) == SHOWN_ROWS
    assert found.rows[0].cells[4] == "CAFÉ"
    assert in_encoding(found, "cp850").rows[0].cells[4] != "CAFÉ"
    assert in_encoding(in_encoding(found, "cp850"), "cp1252") == found


def test_a_workbook_shows_the_sheet_that_is_asked_for() -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        for name, amount in (("Oktober", -1.5), ("November", -2.5)):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["Datum", "Bedrag", "Omschrijving"])
            for number in (1, 2):
                sheet.write_row(number, 0, [f"1{number + 2}/11/2026", amount, "koffie en koek"])
    data = out.getvalue()
    first = table_head([data], survey([data]), OWN)
    assert (first.sheet, first.sheets) == ("Oktober", ("Oktober", "November"))
    second = table_head([data], survey([data]), Hints(profile={"sheet": "November"}))
    assert second.rows[0].cells[1] == Decimal("-2.5")
    made = interpret(second, guess(second), OWN)
    assert [str(each.amount) for each in made.entries] == ["-2.50", "-2.50"]


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(FormatError):
        head("only one line of text")


_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12)


@settings(max_examples=100)
@given(
    st.dictionaries(_TEXTS, st.sampled_from(["amount", "booking_date", "description"]), min_size=1, max_size=5), _TEXTS
)
def test_a_mapping_survives_its_text_form(columns: dict[str, str], word: str) -> None:
    data = {"name": word, "columns": columns, "credit_words": [word, '"\\'], "status": {word: "skip"}}
    assert tomllib.loads(as_toml(data)) == data


def test_a_guess_is_a_mapping() -> None:
    for text in (NAMED, NAMELESS, TWO_COLUMNS):
        mapping_of(tomllib.loads(as_toml(guess(head(text)))))
