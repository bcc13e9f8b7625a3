"""CSV by mapping, preset or proposal, proved by its running balance (formats.md 6.9)."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.formats.corpus import mutated
from tests.formats.samples import Reading, reading

from bench import bank_files
from nostro.core.money import decimals
from nostro.formats import FormatError, Hints, sentence
from nostro.formats.amounts import exceeds
from nostro.formats.csv.figures import FigureStyle, amount
from nostro.formats.csv.presets import DATA
from nostro.formats.csv.proposing import propose

CURRENCIES = ("EUR", "JPY", "KWD", "USD")
IBAN = "BE68539007547034"
BELGIAN = {
    "columns": {
        "Rekening": "account", "Datum": "booking_date", "Bedrag": "amount", "Saldo": "balance",
        "Tegenpartij": "counterparty_name", "Mededeling": "description",
    },
    "currency": "EUR",
}  # fmt: skip
COFFEES = (
    "Rekening;Datum;Bedrag;Saldo;Tegenpartij;Mededeling\r\n"
    "BE68539007547034;12/11/2026;-2,40;997,60;CAFE DE HOEK;\r\n"
    "BE68539007547034;12/11/2026;-2,40;995,20;CAFE DE HOEK;\r\n"
    "BE68539007547034;13/11/2026;121,00;1.116,20;KLANT;factuur 7\r\n"
)


def mapped(text: str | bytes, mapping: dict[str, Any] | None = None, **hints: Any) -> Reading:
    return reading(text, Hints(mapping=mapping or BELGIAN, **hints))


def refused(text: str | bytes, hints: Hints) -> FormatError:
    with pytest.raises(FormatError) as error:
        reading(text, hints)
    return error.value


def table(header: str, *rows: str) -> str:
    return "\n".join([header, *rows, ""])


def test_two_equal_rows_are_both_real_and_the_running_balance_proves_them() -> None:
    found = mapped(COFFEES)
    assert [row.amount for row in found.rows] == [Decimal("-2.40"), Decimal("-2.40"), Decimal("121.00")]
    assert found.states == ["proved"] and not found.codes
    assert [balance.amount for balance in found.tails[0].balances] == [Decimal("1000.00"), Decimal("1116.20")]
    assert [row.booking_date for row in found.rows] == [dt.date(2026, 11, day) for day in (12, 12, 13)]
    assert (found.rows[0].creditor_name, found.rows[2].debtor_name) == ("CAFE DE HOEK", "KLANT")
    assert found.heads[0].account.iban == IBAN


def test_the_first_row_that_does_not_fit_its_neighbour_is_named() -> None:
    found = mapped(COFFEES.replace("995,20", "995,30"))
    assert found.quarantined
    assert "F-BALANCE" in found.codes
    assert str(found.problems[0].position) == "line 3"
    assert "995.30" in found.problems[0].message and "995.20" in found.problems[0].message


@pytest.mark.parametrize("newest", [False, True])
@pytest.mark.parametrize("gap", [False, True])
def test_the_order_that_fits_is_taken_and_rows_without_a_balance_count(newest: bool, gap: bool) -> None:
    header, *rows = COFFEES.splitlines()
    if gap:
        rows[1] = rows[1].replace("995,20", "")
    found = mapped(table(header, *(reversed(rows) if newest else rows)))
    assert found.states == ["proved"] and not found.codes
    assert [balance.amount for balance in found.tails[0].balances] == [Decimal("1000.00"), Decimal("1116.20")]


# --- presets, mappings, proposals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", DATA, ids=lambda data: data["name"])
def test_each_preset_reads_its_sample_by_its_signature(data: dict[str, Any]) -> None:
    found = reading(data["sample"].lstrip("\n"), Hints(account=IBAN))
    assert len(found.rows) >= 2
    assert not found.quarantined and set(found.codes) <= {"F-SKIPPED"}
    assert all(row.booking_date and row.booking_date.year == 2026 for row in found.rows)
    has_balance = "balance" in data["columns"].values()
    assert set(found.states) == {"proved" if has_balance else "unproved"}
    assert all(tail.entries_seen == tail.entries_emitted + tail.skipped for tail in found.tails)


@pytest.mark.parametrize("data", DATA, ids=lambda data: data["name"])
def test_a_bank_that_changes_its_columns_is_asked_about(data: dict[str, Any]) -> None:
    column = data["header"][1]
    error = refused(data["sample"].lstrip("\n").replace(column, "Renamed"), Hints(account=IBAN))
    assert error.problem.code == "F-MAPPING"
    assert data["name"] in str(error) and "Renamed" in str(error)


def test_a_table_without_mapping_is_refused_with_a_proposal_that_may_be_accepted() -> None:
    error = refused(COFFEES, Hints())
    assert error.problem.code == "F-MAPPING"
    assert "Datum = booking_date" in str(error) and "Saldo = balance" in str(error)
    accepted = reading(COFFEES, Hints(currency="EUR", profile={"mapping": "proposed"}))
    assert [row.amount for row in accepted.rows] == [row.amount for row in mapped(COFFEES).rows]
    assert accepted.states == ["proved"]


def test_a_proposal_that_two_columns_could_be_is_not_usable() -> None:
    proposal = propose(["Datum", "Boekingsdatum", "Bedrag"])
    assert proposal.unsure == ("Datum", "Boekingsdatum") and not proposal.is_usable
    assert propose(["Date", "Debit", "Credit"]).data["sign"] == "columns"
    assert not propose(["Date", "Amount", "Debit", "Credit"]).is_usable
    assert propose(["Date", "Description", "Description", "Amount"]).columns["#3"] == "description"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"columns": {"Datum": "nonsense"}}, "'nonsense'"),
        ({"columns": {"Bedrag": "amount"}}, "no column is mapped to a date"),
        ({"columns": {"Datum": "booking_date"}}, "amount"),
        ({"columns": {"A": "amount", "B": "amount", "D": "booking_date"}}, "two columns"),
        ({"sign": "indicator"}, "indicator"),
        ({"sign": "sideways"}, "sideways"),
        ({"fee": "subtract"}, "no column is mapped to fee"),
        ({"dates": ["dym"]}, "dates may be"),
        ({"status": {"x": "perhaps"}}, "perhaps"),
        ({"colums": {}}, "colums"),
        ({"columns": {}}, "columns"),
        ({"columns": {"Absent": "amount", "Datum": "booking_date"}}, "no column 'Absent'|no column Absent"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_mapping_that_cannot_be_used_says_which_word(change: dict[str, Any], words: str) -> None:
    with pytest.raises(FormatError, match=words) as error:
        mapped(COFFEES, BELGIAN | change)
    assert error.value.problem.code == "F-MAPPING"


# --- figures and dates -----------------------------------------------------------------------------------------------

PLAIN = {"columns": {"d": "booking_date", "a": "amount"}, "currency": "EUR", "account": IBAN}


def amounts(*texts: str, **more: Any) -> list[Decimal]:
    rows = [f'13/11/2026;"{text}";' for text in texts]
    return [row.amount for row in mapped(table("d;a;x", *rows, *rows), PLAIN | more).rows[: len(texts)]]


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["1.234,56", "-2,40"], ["1234.56", "-2.40"]),
        (["1,234.56", "-2.40"], ["1234.56", "-2.40"]),
        (["1,234", "5,60"], ["1.234", "5.60"]),
        (["1,234", "5.60"], ["1234", "5.60"]),
        (["1.234.567", "12"], ["1234567", "12"]),
        (["+2,4", "2,40-", "(2,40)", "\u22122,40"], ["2.4", "-2.40", "-2.40", "-2.40"]),
        (["€ 1 234,50", "1'234,50 EUR", "-1\u00a0234,50", "EUR -3,00"], ["1234.50", "1234.50", "-1234.50", "-3.00"]),
        (["0,123", "1"], ["0.123", "1"]),
        (["50,", "1,00"], ["50", "1.00"]),
    ],
    ids=lambda value: value[0],
)  # fmt: skip
def test_the_decimal_sign_is_decided_per_column_over_the_whole_file(texts: list[str], values: list[str]) -> None:
    assert amounts(*texts) == [Decimal(value) for value in values]


def test_a_figure_that_may_be_read_in_two_ways_is_asked_about_never_guessed() -> None:
    text = table("d;a;x", *["13/11/2026;1,234;"] * 3)
    error = refused(text, Hints(mapping=PLAIN))
    assert error.problem.code == "F-MAPPING" and "'1,234'" in str(error)
    assert [row.amount for row in mapped(text, PLAIN | {"decimal": "."}).rows] == [Decimal(1234)] * 3


@pytest.mark.parametrize("wrong", ["12.50", "1.2.3", "12,5x", "--5", "1,2,3", "..", "٣"])
def test_a_figure_that_contradicts_the_column_is_an_error_with_its_place(wrong: str) -> None:
    text = table("d;a;x", "13/11/2026;5,60;", f"13/11/2026;{wrong};", "13/11/2026;1,10;")
    error = refused(text, Hints(mapping=PLAIN))
    assert error.problem.code == "F-FIELD"
    assert str(error.problem.position) == "line 3, field a"


def test_too_many_decimals_are_never_rounded() -> None:
    found = mapped(table("d;a;x", *["13/11/2026;12,345;", "13/11/2026;1,10;"] * 2), PLAIN | {"decimal": ","})
    assert found.rows[0].amount == Decimal("12.345") and "F-SCALE" in found.codes and found.quarantined


def days(*texts: str, **hints: Any) -> list[dt.date | None]:
    return [
        row.booking_date for row in mapped(table("d;a;x", *[f"{text};1,10;" for text in texts]), PLAIN, **hints).rows
    ]


@pytest.mark.parametrize(
    ("texts", "day"),
    [
        (["03/04/2026", "13/04/2026", "3/4/26"], dt.date(2026, 4, 3)),
        (["03/04/2026", "04/13/2026", "3/4/26"], dt.date(2026, 3, 4)),
        (["03.04.2026", "25.04.26", "1.4.2026"], dt.date(2026, 4, 3)),
        (["2026-04-03", "2026-04-03T23:30:00-05:00", "20260403"], dt.date(2026, 4, 3)),
        (["3 Apr 2026", "3-avr.-2026", "April 3, 2026"], dt.date(2026, 4, 3)),
        (["04/04/2026", "04/04/2026", "04/04/26"], dt.date(2026, 4, 4)),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_the_order_of_dates_is_decided_over_the_whole_file(texts: list[str], day: dt.date) -> None:
    found = days(*texts)
    assert len(found) == len(texts) and found[0] == day


def test_dates_that_fit_two_orders_are_asked_about() -> None:
    texts = ["03/04/2026", "05/04/2026", "06/04/2026"]
    error = refused(table("d;a;x", *[f"{text};1,10;" for text in texts]), Hints(mapping=PLAIN))
    assert error.problem.code == "F-MAPPING" and "'03/04/2026'" in str(error)
    assert days(*texts, date_order="mdy")[0] == dt.date(2026, 3, 4)


def test_dates_that_fit_no_common_order_are_an_error() -> None:
    error = refused(table("d;a;x", "13/04/2026;1,10;", "04/13/2026;1,10;", "01/01/2026;1,10;"), Hints(mapping=PLAIN))
    assert (error.problem.code, error.problem.position.line) == ("F-FIELD", 3)
    assert "'04/13/2026' is not a date" in sentence(error.problem)


def test_a_day_that_does_not_exist_becomes_the_last_of_its_month_with_a_warning() -> None:
    found = mapped(table("d;a;x", *["30/02/2026;1,10;"] * 2), PLAIN)
    assert found.rows[0].booking_date == dt.date(2026, 2, 28) and found.codes == ["F-DATE"] * 2


# --- traps -----------------------------------------------------------------------------------------------------------


def test_lines_around_the_table_and_rows_without_amount_are_counted_and_told() -> None:
    text = (
        "Mijn bank;;\nPeriode;01/11/2026 - 30/11/2026;\n;;\n" + table(
            "Datum;Bedrag;Mededeling", "12/11/2026;-2,40;koffie", "12/11/2026;;Wijziging van tarieven",
            "13/11/2026;5,00;terug", "Einde van de lijst",
        )
    )  # fmt: skip
    mapping = {"columns": {"Datum": "booking_date", "Bedrag": "amount", "Mededeling": "description"}, "currency": "EUR"}
    found = mapped(text, mapping, account=IBAN)
    assert len(found.rows) == 2
    assert found.codes == ["F-SKIPPED", "F-SKIPPED"]
    assert [problem.position.line for problem in found.problems] == [6, 8]
    assert (found.tails[0].entries_seen, found.tails[0].skipped) == (4, 2)


@pytest.mark.parametrize(
    ("header", "row"), [("Bedrag;Af Bij;Datum", "2,40;Af;13/11/2026"), ("Amount;D/C;Date", "2,40;OUT;13/11/2026")]
)
def test_two_header_languages_and_words_for_the_sign(header: str, row: str) -> None:
    amount, indicator, date = header.split(";")
    mapping = {
        "columns": {amount: "amount", indicator: "indicator", date: "booking_date"}, "sign": "indicator",
        "credit_words": ["Bij", "IN"], "debit_words": ["af", "out"], "currency": "EUR",
    }  # fmt: skip
    found = mapped(table(header, row, row.replace("Af", "Bij").replace("OUT", "in"), row), mapping, account=IBAN)
    assert [row.amount for row in found.rows] == [Decimal("-2.40"), Decimal("2.40"), Decimal("-2.40")]
    error = refused(table(header, row, row.replace("Af", "?").replace("OUT", "NEUTRAL"), row), Hints(mapping=mapping))
    assert error.problem.code in ("F-FIELD", "F-ACCOUNT")


def test_debit_and_credit_columns() -> None:
    mapping = {"columns": {"d": "booking_date", "out": "debit", "in": "credit"}, "sign": "columns", "currency": "EUR"}
    text = table("d;out;in", "13/11/2026;2,40;", "13/11/2026;-1,20;", "13/11/2026;;5,00", "13/11/2026;0,00;7,00")
    found = mapped(text, mapping, account=IBAN)
    assert [str(row.amount) for row in found.rows] == ["-2.40", "-1.20", "5.00", "7.00"]
    error = refused(table("d;out;in", *["13/11/2026;2,40;1,00"] * 2), Hints(mapping=mapping, account=IBAN))
    assert error.problem.code == "F-FIELD"


@pytest.mark.parametrize(
    ("fee", "amounts_read", "fees"),
    [
        ("subtract", ["-10.50", "-1.00"], [Decimal("0.50"), None]),
        ("included", ["-10.00", "-1.00"], [Decimal("0.50"), None]),
        ("none", ["-10.00", "-1.00"], [None, None]),
        ("row", ["-10.00", "-0.50", "-1.00"], [None, None, None]),
    ],
)
def test_a_fee_is_counted_once_and_the_balance_tells_if_the_rule_is_wrong(
    fee: str, amounts_read: list[str], fees: list[Decimal | None]
) -> None:
    mapping = {
        "columns": {"d": "booking_date", "a": "amount", "f": "fee", "b": "balance"}, "fee": fee, "currency": "EUR",
    }  # fmt: skip
    found = mapped(
        table("d;a;f;b", "13/11/2026;-10.00;0.50;89.50", "13/11/2026;-1.00;0.00;88.50"), mapping, account=IBAN
    )
    assert [str(row.amount) for row in found.rows] == amounts_read
    assert [row.fee for row in found.rows] == fees
    assert found.states == ["proved"]
    wrong = mapped(table("d;a;f;b", "13/11/2026;-1.00;0;100.00", "13/11/2026;-10.00;0.50;89.50"), mapping, account=IBAN)
    assert wrong.quarantined == (fee in ("included", "none"))


def test_conversions_keep_all_their_rows_each_in_the_account_of_its_currency() -> None:
    (data,) = [data for data in DATA if data["name"] == "PayPal"]
    found = reading(data["sample"].lstrip("\n"), Hints(account="me@example.org"))
    assert [(row.currency, str(row.amount)) for row in found.rows] == [
        ("USD", "48.00"), ("USD", "-48.00"), ("EUR", "44.16"),
    ]  # fmt: skip
    assert [head.account.currency for head in found.heads] == ["USD", "EUR"]
    assert {row.entry_reference for row in found.rows[1:]} == {"7AB00001"}


def test_two_accounts_in_one_table_are_statements_of_their_own() -> None:
    other = "BE71096123456769"
    rows = COFFEES.splitlines()
    text = table(rows[0], rows[1], rows[2].replace(IBAN, other), rows[2], rows[3].replace(IBAN, other))
    found = mapped(text)
    assert [head.account.iban for head in found.heads] == [IBAN, other, IBAN, other]
    assert found.states == ["proved"] * 4 and not found.codes


def test_double_names_are_addressed_by_position_and_a_table_without_names_too() -> None:
    mapping = {"columns": {"d": "booking_date", "#2": "amount", "#3": "counterparty_name"}, "currency": "EUR"}
    found = mapped(table("d;x;x", *["13/11/2026;-2,40;Cafe"] * 2), mapping, account=IBAN)
    assert (found.rows[0].amount, found.rows[0].creditor_name) == (Decimal("-2.40"), "Cafe")
    nameless = {"columns": {"#1": "booking_date", "#2": "amount", "#3": "counterparty_name"}, "currency": "EUR"}
    found = mapped(table("13/11/2026;-2,40;Cafe", *["14/11/2026;-2,40;Cafe"] * 2), nameless, account=IBAN)
    assert len(found.rows) == 3


def test_quotes_line_breaks_marks_and_encodings() -> None:
    text = table("d;a;n", '13/11/2026;-2,40;"Café ""De\nHoek""; à côté"', "14/11/2026;1,00;x", "14/11/2026;1,00;x")
    mapping = {"columns": {"d": "booking_date", "a": "amount", "n": "description"}, "currency": "EUR"}
    for data in (text.encode(), text.encode("utf-8-sig"), text.encode("cp1252"), text.encode("utf-16")):
        found = mapped(data, mapping, account=IBAN)
        assert found.rows[0].remittance_information_unstructured == ('Café "De Hoek"; à côté',)
        assert [row.position.line for row in found.rows] == [3, 4, 5]


def test_what_no_field_has_is_kept() -> None:
    found = mapped(table("d;a;Extra", *["13/11/2026;1,10; some  thing "] * 2), PLAIN)
    assert dict(found.rows[0].raw) == {"Extra": "some  thing"}


# --- ends and limits -------------------------------------------------------------------------------------------------


def test_cutting_at_any_byte_touches_the_last_row_only_and_a_warning_names_it() -> None:
    whole = mapped(COFFEES).rows
    data = COFFEES.encode()
    for end in range(data.index(b"\n") + 1, len(data)):
        try:
            found = mapped(data[:end], BELGIAN | {"dates": ["dmy"]}, format="csv")
        except FormatError:
            continue
        before = data[:end].count(b"\n") - 1
        assert [row.amount for row in found.rows[:before]] == [row.amount for row in whole[:before]]
        assert len(found.rows) <= before + 1
        if data[end - 1 : end] not in (b"\n", b"\r"):
            assert any(code in found.codes for code in ("F-TRUNCATED", "F-SKIPPED", "F-BALANCE")), end


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (table("d;a;x", '13/11/2026;"1,10;x', "13/11/2026;1,10;"), "F-TRUNCATED"),
        (table("d;a;x", '13/11/2026;"1,1"0;x', "13/11/2026;1,10;"), "F-SYNTAX"),
        (table("d;a;x", f"13/11/2026;1,10;{'x' * 70_000}", "13/11/2026;1,10;"), "F-TOO-LARGE"),
        (table("d;a;x", f"13/11/2026;1,10;{'x' * 30_000}", "13/11/2026;1,10;"), "F-TOO-LARGE"),
        (table("d;a;x", "13/11/2026;1,10;", f"13/11/2026;1,10{';' * 300}"), "F-TOO-LARGE"),
        (table("d;a;x"), "F-EMPTY"),
        (table("d;a;x", ";1,10;", ";1,20;"), "F-FIELD"),
        (table("d;a;x", "31/31/2026;1,10;", "13/11/2026;1,10;"), "F-FIELD"),
    ],
    ids=["quote", "quotes", "line", "cell", "cells", "no rows", "no date", "date"],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(text: str, code: str) -> None:
    mapping = PLAIN | {"columns": {"d": "booking_date", "a": "amount", "x": "description"}}
    assert refused(text, Hints(mapping=mapping, format="csv")).problem.code == code


def test_account_and_currency_must_be_known() -> None:
    text = table("d;a;x", *["13/11/2026;1,10;"] * 2)
    columns = {"columns": PLAIN["columns"]}
    assert refused(text, Hints(mapping=columns, account=IBAN)).problem.code == "F-ACCOUNT"
    assert refused(text, Hints(mapping=columns, currency="EUR")).problem.code == "F-ACCOUNT"
    assert len(reading(text, Hints(mapping=columns, currency="EUR", account=IBAN)).rows) == 2


def test_rows_that_wait_for_an_answer_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nostro.formats.csv.mapped.MAX_WAITING", 5)
    text = table("d;a;x", *["03/04/2026;1,10;"] * 9, "13/04/2026;1,10;")
    assert refused(text, Hints(mapping=PLAIN)).problem.code == "F-MAPPING"


@pytest.mark.parametrize("data", DATA, ids=lambda data: data["name"])
def test_noise_in_the_table_of_a_bank_ends_in_problems_and_nothing_else(data: dict[str, Any]) -> None:
    sample = data["sample"].lstrip("\n").encode()
    for seed in range(60):
        changed = mutated(sample, random.Random(seed), sample)
        try:
            found = reading(changed, Hints(account=IBAN, format="csv"))
        except FormatError:
            continue
        assert all(tail.entries_seen == tail.entries_emitted + tail.skipped for tail in found.tails), seed


@settings(max_examples=300, deadline=None)
@given(st.from_regex(r"-?[0-9]{1,6}[.,][0-9]{1,4}", fullmatch=True), st.sampled_from(".,"), st.sampled_from(CURRENCIES))
def test_the_short_way_to_read_an_amount_is_the_long_one(text: str, sign: str, currency: str) -> None:
    def told(read: Callable[[], Decimal]) -> str:
        try:
            return str(read())
        except ValueError:
            return "refused"

    assert told(lambda: FigureStyle(sign).read(text, currency)) == told(lambda: amount(text, sign, currency))


@settings(max_examples=300, deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, places=None, min_value=-1000, max_value=1000))
def test_decimals_beyond_the_currency_are_seen_however_the_amount_is_written(value: Decimal) -> None:
    for currency in CURRENCIES:
        assert exceeds(value, currency) == (-int(value.as_tuple().exponent) > decimals(currency))


def test_the_table_of_the_bench_is_read_and_proved() -> None:
    found = reading(b"".join(bank_files.csv(300)), Hints(mapping=bank_files.MAPPING))
    assert len(found.rows) == 300 and found.states == ["proved"] and not found.codes
    assert found.rows[7].transaction_id == "REF2026000000007" and found.rows[7].creditor_account
