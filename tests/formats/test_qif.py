"""QIF: the rules of formats.md 6.5."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.formats.samples import DAY, IBAN, reading

from nostro.formats import Entry, FileAccount, FormatError, Hints

HINTS = Hints(account=IBAN, currency="EUR")
ROW = "D12/11/2026\nT-12.50\nPCafe De Hoek\nMtwo coffees\n^\n"
CLEAR = "D25/11/2026\nT1.00\n^\n"


def rows(text: str, hints: Hints = HINTS) -> list[Entry]:
    return reading(text, hints).rows


def qif(records: str, kind: str = "Bank") -> str:
    return f"!Type:{kind}\n{records}"


def test_the_fields_of_a_record() -> None:
    text = "D25/11/2026\nU-50.00\nT-50.00\nPShop\nMa memo\nN1234\nLFood:Groceries\nCX\nAStreet 1\nA1000 Brussels\n^\n"
    found = reading(qif(text), HINTS)
    (row,) = found.rows
    assert (row.booking_date, row.amount, row.creditor_name) == (dt.date(2026, 11, 25), Decimal("-50.00"), "Shop")
    assert (row.remittance_information_unstructured, row.check_id) == (("a memo",), "1234")
    assert row.raw == {"L": "Food:Groceries", "C": "X", "A": "Street 1 1000 Brussels"}
    assert (found.heads[0].account, found.heads[0].kind) == (FileAccount("EUR", iban=IBAN), "list")
    assert (found.states, found.codes, row.position.line) == (["unproved"], [], 2)
    assert rows(qif(CLEAR.replace("^", "NDEP\n^")))[0].additional_information == "DEP"


def test_splits_are_details() -> None:
    text = "D25/11/2026\nT-50.00\nSFood\nEbread\n$-20.00\nSHome\n$-30.00\n^\n"
    (row,) = rows(qif(text))
    assert [(d.amount, d.raw.get("S")) for d in row.details] == [
        (Decimal("-20.00"), "Food"),
        (Decimal("-30.00"), "Home"),
    ]
    assert (row.details_difference, row.details[0].remittance_information_unstructured) == (None, ("bread",))
    assert reading(qif(text.replace("-30.00", "-29.00")), HINTS).codes == ["F-DETAILS"]


@pytest.mark.parametrize(
    ("date", "day"),
    [
        ("25/12/26", dt.date(2026, 12, 25)),
        ("25.12.2026", dt.date(2026, 12, 25)),
        ("12/25/2026", dt.date(2026, 12, 25)),
        ("25/ 2'26", dt.date(2026, 2, 25)),
        ("2026-11-12", DAY),
        ("12-31-99", dt.date(1999, 12, 31)),
        ("1/ 1/26", dt.date(2026, 1, 1)),
    ],
)
def test_forms_of_dates(date: str, day: dt.date) -> None:
    assert rows(qif(f"D{date}\nT1.00\n^\n"))[0].booking_date == day


def test_the_order_of_dates_is_decided_over_the_whole_file() -> None:
    doubtful = "D03/04/26\nT1.00\n^\n"
    with pytest.raises(FormatError) as error:
        reading(qif(doubtful), HINTS)
    assert error.value.problem.code == "F-MAPPING" and "dmy or mdy" in str(error.value)
    assert rows(qif(doubtful), Hints(account=IBAN, currency="EUR", date_order="mdy"))[0].booking_date == dt.date(
        2026, 3, 4
    )
    assert rows(qif(doubtful), Hints(account=IBAN, currency="EUR", date_order="ymd"))[0].booking_date == dt.date(
        2003, 4, 26
    )
    assert rows(qif(doubtful + "D04/25/26\nT1.00\n^\n"))[0].booking_date == dt.date(2026, 3, 4)
    assert rows(qif("D03/03/26\nT1.00\n^\n"))[0].booking_date == dt.date(2026, 3, 3)
    with pytest.raises(FormatError) as error:
        reading(qif("D25/04/26\nT1.00\n^\nD04/25/26\nT1.00\n^\n"), HINTS)
    assert (error.value.problem.code, error.value.problem.position.line) == ("F-FIELD", 5)


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        (["-1,234.56", "1,000"], ["-1234.56", "1000"]),
        (["-1.234,56", "1.000"], ["-1234.56", "1000"]),
        (["12,5"], ["12.5"]),
        (["+12."], ["12"]),
        (["1,234,567"], ["1234567"]),
        (["-.50", "1'234.00"], ["-0.50", "1234.00"]),
        (["1.5", "1,5"], ["1.5", "1.5"]),
    ],
)
def test_forms_of_amounts(amounts: list[str], expected: list[str]) -> None:
    text = "".join(f"D25/11/2026\nT{amount}\n^\n" for amount in amounts)
    assert [row.amount for row in rows(qif(text))] == list(map(Decimal, expected))


def test_an_amount_that_may_be_thousands_or_decimals_is_asked_about() -> None:
    with pytest.raises(FormatError) as error:
        reading(qif("D25/11/2026\nT1,234\n^\n"), HINTS)
    assert (error.value.problem.code, error.value.problem.position.line) == ("F-MAPPING", 3)


@pytest.mark.parametrize("kind", ["Bank", "Cash", "CCard", "Oth A", "Oth L", "bank "])
def test_accounts_of_money_are_read(kind: str) -> None:
    assert len(rows(qif(CLEAR, kind))) == 1


def test_lists_are_left_out_and_investments_are_counted() -> None:
    text = (
        "!Type:Cat\nNFood\nE\n^\nNHome\n^\n!Type:Invst\nD25/11/2026\nNBuy\n^\n"
        + qif(CLEAR)
        + "!Type:Memorized\nPx\nT5,00\n^\n"
    )
    found = reading(text, HINTS)
    assert len(found.rows) == 1
    assert [(p.code, p.severity, p.message.split(",")[0]) for p in found.problems] == [
        ("F-SKIPPED", "info", "2 records are a list (cat)"),
        ("F-SKIPPED", "warning", "1 records are investments"),
        ("F-SKIPPED", "info", "1 records are a list (memorized)"),
    ]
    with pytest.raises(FormatError, match="F-REFUSED"):
        reading("!Type:Invst\nD25/11/2026\nNBuy\n^\n", HINTS)


def test_accounts_are_named_or_come_from_the_hints() -> None:
    text = (
        "!Option:AutoSwitch\n!Account\nNGiro\nTBank\n^\n" + qif(CLEAR) + "!Account\nNSavings\nTBank\n^\n" + qif(CLEAR)
    )
    found = reading(text, Hints(currency="EUR"))
    assert [(head.account.other, head.account.display_name) for head in found.heads] == [
        ("Giro", "Giro"),
        ("Savings", "Savings"),
    ]
    for hints in (Hints(currency="EUR"), Hints(account=IBAN)):
        with pytest.raises(FormatError, match="F-ACCOUNT"):
            reading(qif(CLEAR), hints)


def test_odd_layouts_change_nothing() -> None:
    expected = [row.amount for row in rows(qif(ROW + CLEAR))]
    for text in (
        ROW + CLEAR,
        qif(ROW + CLEAR).replace("\n", "\r\n"),
        qif(ROW + CLEAR).replace("\n", "\r"),
        qif(ROW + "^\n\n  \n" + CLEAR) + "\x1a",
        qif(ROW + CLEAR).replace("\nT", "\n T").lower(),
    ):
        assert [row.amount for row in rows(text, Hints(format="qif", account=IBAN, currency="EUR"))] == expected
    found = reading(qif(ROW.replace("P", "Zwhat\nP") + CLEAR), HINTS)
    assert (found.codes, len(found.rows)) == (["F-SKIPPED"], 2)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (qif(ROW + CLEAR.replace("T1.00", "Tmuch")), "F-FIELD", "'much' is not an amount"),
        (qif(CLEAR + "T1.00\n^\n"), "F-FIELD", "a date is missing"),
        (qif(ROW.replace("^\n", "") + CLEAR), "F-SYNTAX", "two lines D"),
    ],
    ids=["amount", "date", "no mark"],
)
def test_what_is_refused(text: str, code: str, words: str) -> None:
    with pytest.raises(FormatError) as error:
        reading(text, HINTS)
    assert (error.value.problem.code, words in str(error.value)) == (code, True), str(error.value)


def test_the_size_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nostro.formats.qif.reader.MAX_QIF_BYTES", 10)
    with pytest.raises(FormatError, match="F-TOO-LARGE"):
        reading(qif(ROW), HINTS)


def test_a_cut_touches_the_last_row_only_and_is_told() -> None:
    data = qif(CLEAR + ROW).encode()
    for end in range(len(qif(CLEAR)) + 1, len(data)):
        try:
            found = reading(data[:end], HINTS)
        except FormatError:
            continue
        assert found.rows[0].amount == Decimal("1.00")
        if data[:end].rstrip()[-1:] != b"^":
            assert "F-TRUNCATED" in found.codes or "F-SKIPPED" in found.codes


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-(10**9), 10**9), st.dates(dt.date(1980, 1, 1), dt.date(2079, 12, 31))), max_size=8),
    st.integers(1, 40),
    st.sampled_from(["{0:%d/%m/%Y}", "{0:%d.%m.%Y}", "{0:%Y-%m-%d}"]),
)  # fmt: skip
def test_generated_rows_in_any_chunks(made: list[tuple[int, dt.date]], size: int, form: str) -> None:
    made.append((1, dt.date(2026, 11, 25)))
    text = "".join(f"D{form.format(day)}\nT{Decimal(units).scaleb(-2)}\nPÉlysée\n^\n" for units, day in made)
    data = qif(text).encode()
    hints = Hints(account=IBAN, currency="EUR", date_order="ymd" if form.startswith("{0:%Y") else "dmy")
    found = reading(data, hints, sizes=[size] * (len(data) // size))
    assert [(row.amount, row.booking_date) for row in found.rows] == [
        (Decimal(units).scaleb(-2), day) for units, day in made
    ]
