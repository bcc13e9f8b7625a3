"""MT940 and MT942: the examples of formats.md 6.2, the dialects, and mt-940 as oracle."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal

import mt940 as oracle
import pytest
from tests.formats.samples import IBAN, mt940, reading

from bench import bank_files
from nostro.formats import FormatError, Hints

MARKS = """:61:2611021102C50,00NTRFNONREF//B1
:61:2611031103RC50,00NRTINONREF//B2
:61:2611031103DR7,69NTRFX//B3
:61:2611041104RCR10,25NTRFX//B4
:61:2611051105D8,15NOV NONREF
"""


def test_marks_funds_codes_and_short_types() -> None:
    found = reading(mt940(MARKS))
    assert [str(row.amount) for row in found.rows] == ["50.00", "-50.00", "-7.69", "-10.25", "-8.15"]
    assert [row.reversal for row in found.rows] == [False, True, False, True, False]
    assert [row.entry_reference for row in found.rows] == ["B1", "B2", "B3", "B4", None]
    assert [row.proprietary_bank_transaction_code for row in found.rows] == ["NTRF", "NRTI", "NTRF", "NTRF", "NOV"]
    assert (found.states, found.codes) == (["proved"], [])


def test_expected_entries_are_pending() -> None:
    found = reading(mt940(":61:2611021102EC50,00NTRFNONREF//B1\n", closing="100,00"))
    assert (found.rows[0].booking_status, found.states) == ("pending", ["proved"])


@pytest.mark.parametrize(
    ("dates", "booked"),
    [("2612310102", dt.date(2027, 1, 2)), ("2701011231", dt.date(2026, 12, 31)), ("261231", dt.date(2026, 12, 31))],
    ids=["over new year", "before new year", "no entry date"],
)
def test_the_entry_date_is_in_the_nearest_year(dates: str, booked: dt.date) -> None:
    assert reading(mt940(f":61:{dates}C50,00NTRFNONREF\n", closing="150,00")).rows[0].booking_date == booked


def test_german_structure() -> None:
    text = (
        ":86:166?00GUTSCHRIFT?109310?20EREF+E2E-1234567?21SVWZ+Rechnung 4711 vom 1?222.11. 1?3 Stueck"
        "\n?30COBADEFFXXX?31DE89370400440532013000?32Meier und Sohne GmbH und Co?33 KG?34888"
    )
    found = reading(mt940(f":61:2611021102C50,00NTRFNONREF//B1\n{text}\n", closing="150,00"))
    (row,) = found.rows
    assert found.events[0].dialect == "german"  # type: ignore[union-attr]
    assert row.proprietary_bank_transaction_code == "NTRF+166"
    assert row.remittance_information_unstructured == ("Rechnung 4711 vom 12.11. 1?3 Stueck",)
    assert (row.end_to_end_id, row.additional_information) == ("E2E-1234567", "GUTSCHRIFT")
    assert (row.debtor_name, row.debtor_agent) == ("Meier und Sohne GmbH und Co KG", "COBADEFFXXX")
    assert row.debtor_account == "DE89370400440532013000"
    assert row.raw["86/34"] == "888"


def test_slash_keys_split_only_at_known_keys_even_when_wrapped() -> None:
    text = "/TRTP/SEPA/IBAN/NL91ABNA0417164300/BIC/ABNANL2A/NAME/SMITH/JONES LL"
    text = f":86:{text}\nP/RE\nMI/x/EREF/E-77"
    (row,) = reading(mt940(f":61:2611021102D50,00NTRFNONREF\n{text}\n", closing="50,00")).rows
    assert (row.creditor_name, row.creditor_account) == ("SMITH/JONES LLP", "NL91ABNA0417164300")
    assert (row.remittance_information_unstructured, row.end_to_end_id) == (("x",), "E-77")


def test_free_text_joins_full_lines_without_a_blank() -> None:
    text = f":86:{'A' * 65}\nB\nC"
    (row,) = reading(mt940(f":61:2611021102D50,00NTRFNONREF\n{text}\n", closing="50,00")).rows
    assert row.remittance_information_unstructured == (f"{'A' * 65}B C",)


def test_information_after_the_closing_balance_is_not_an_entrys() -> None:
    text = mt940(":61:2611021102C50,00NTRFNONREF\n", closing="150,00").replace("-\r\n", ":86:goodbye\r\n-\r\n")
    assert reading(text).rows[0].remittance_information_unstructured == ()


@pytest.mark.parametrize(
    "wrap",
    [
        lambda text: "{1:F01BANKBEBB}{2:I940BANKBEBB}{4:\r\n" + text.replace("\r\n-\r\n", "\r\n-}\r\n"),
        lambda text: "A BANK\r\nheading\r\n" + text,
        lambda text: text.replace("\r\n-\r\n", "\r\n"),
        lambda text: "@@" + text.replace("\r\n", "@@"),
        lambda text: text.replace("\r\n", "\r"),
    ],
    ids=["envelope", "heading", "no hyphen", "at signs", "CR"],
)
def test_envelopes_headings_and_line_ends(wrap) -> None:  # type: ignore[no-untyped-def]
    plain = reading(mt940(MARKS.replace("\n", "\r\n")))
    wrapped = reading(wrap(mt940(MARKS.replace("\n", "\r\n"))), Hints(format="mt940"))
    assert [row.amount for row in wrapped.rows] == [row.amount for row in plain.rows]
    assert wrapped.states == ["proved"]


@pytest.mark.parametrize(
    ("written", "kind", "number"),
    [
        (f"{IBAN}EUR", "iban", IBAN),
        ("BE68 5390 0754 7034", "iban", IBAN),
        ("37040044/532013000", "bban", "37040044/532013000"),
        ("123456789", "other", "123456789"),
    ],
)
def test_account_numbers(written: str, kind: str, number: str) -> None:
    account = reading(mt940(MARKS).replace(f"{IBAN}EUR", written)).heads[0].account
    assert (getattr(account, kind), account.currency) == (number, "EUR")


def test_a_currency_only_in_the_closing_balance_counts_for_all_rows() -> None:
    found = reading(mt940(MARKS).replace(f"{IBAN}EUR", IBAN).replace("C261101EUR", "C261101"))
    assert ({row.currency for row in found.rows}, found.states) == ({"EUR"}, ["proved"])


def test_pages_are_joined() -> None:
    first = mt940(":61:2611021102C50,00NTRFNONREF//B1\n", closing="150,00").replace(":62F:", ":62M:")
    second = mt940(":61:2611021102C50,00NTRFNONREF//B2\n", "150,00", "200,00", number="1/2").replace(":60F:", ":60M:")
    found = reading(first + second)
    assert (len(found.heads), len(found.rows), found.states, found.codes) == (1, 2, ["proved"], [])
    assert [balance.amount for balance in found.tails[0].balances] == [Decimal("100.00"), Decimal("200.00")]
    alone = reading(second)
    assert (alone.states, alone.tails[0].complete) == (["proved"], False)


def test_intraday_reports_prove_by_their_totals() -> None:
    text = (
        f":20:I\n:25:{IBAN}\n:28C:1\n:34F:EUR0,\n:13D:2611121200+0100\n:61:2611121112D20,00NTRFNONREF\n"
        ":61:2611121112C50,00NTRFNONREF\n:90D:1EUR20,00\n:90C:1EUR50,00\n"
    )
    found = reading(text)
    assert (found.heads[0].kind, [row.provisional for row in found.rows]) == ("report", [True, True])
    assert found.tails[0].proof is not None and found.tails[0].proof.totals == "proved"
    wrong = reading(text.replace(":90C:1EUR50,00", ":90C:1EUR51,00"))
    assert (wrong.codes, wrong.quarantined) == (["F-TOTALS"], True)


def test_an_unreadable_entry_stops_everything_and_names_its_line() -> None:
    with pytest.raises(FormatError) as error:
        reading(mt940(MARKS.replace("RCR10,25", "Q10,25")))
    assert (error.value.problem.code, error.value.problem.position.line) == ("F-SYNTAX", 8)
    assert "2611041104Q10,25NTRFX" in str(error.value)


def test_an_unreadable_available_balance_is_only_a_warning() -> None:
    text = mt940(MARKS).replace("-\r\n", ":64:C26XXXX\r\n-\r\n")
    assert [(p.code, p.severity) for p in reading(text).problems] == [("F-FIELD", "warning")]


def test_without_a_closing_balance_the_statement_is_unproved() -> None:
    text = mt940(MARKS)
    found = reading(text[: text.index(":62F:")])
    assert (found.states, found.codes) == (["unproved"], ["F-UNPROVED"])


def test_a_file_of_many_blocks_agrees_with_the_oracle_row_by_row() -> None:
    text = b"".join(bank_files.mt940(1_500))
    ours = reading(text).rows
    statements = oracle.parse_statements(io.StringIO(text.decode()), options=oracle.Options.all())
    theirs = [transaction.data for statement in statements for transaction in statement.transactions]
    assert len(ours) == len(theirs) == text.count(b":61:")
    for row, data in zip(ours, theirs, strict=True):
        assert (row.amount, row.value_date, row.booking_date) == (
            data["amount"].amount,
            dt.date(data["date"].year, data["date"].month, data["date"].day),
            dt.date(data["entry_date"].year, data["entry_date"].month, data["entry_date"].day),
        )


def test_the_oracle_agrees_on_marks() -> None:
    statements = oracle.parse_statements(
        io.StringIO(mt940(MARKS[: MARKS.rindex(":61:")])), options=oracle.Options.all()
    )
    theirs = [transaction.data["amount"].amount for statement in statements for transaction in statement.transactions]
    assert theirs == [Decimal("50.00"), Decimal("-50.00"), Decimal("-7.69"), Decimal("-10.25")]


def test_statements_whose_rows_were_exchanged_are_hinted_at() -> None:
    first = mt940(":61:2611021102C30,00NTRFNONREF//B1\r\n", closing="150,00", number="1/1")
    second = mt940(":61:2611021102C50,00NTRFNONREF//B2\r\n", "150,00", "180,00", number="2/1")
    found = reading(first + second)
    proofs = [tail.proof for tail in found.tails if tail.proof]
    assert [proof.difference for proof in proofs] == [20, -20]
    assert proofs[1].hints == ("statements_exchanged",)
    assert [(p.code, p.statement_index) for p in found.problems] == [
        ("F-BALANCE", 1),
        ("F-BALANCE", 2),
        ("F-BALANCE", 1),
    ]
    assert "Possible reason: statements exchanged" in found.problems[1].message
    assert "that of statement 2 vanish" in found.problems[2].message
