"""AEB43 (formats.md 6.7)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from tests.formats.french_and_spanish import aeb, aeb_end, aeb_head, aeb_movement, aeb_text
from tests.formats.samples import reading

from nostro.formats import FormatError, Hints
from nostro.formats.aeb43.layout import spanish_iban

FILE = aeb(
    aeb_movement(-250, document="0000004711"),
    aeb_text("COMPRA TARJ. 1234 CAFÉ LA ESQUINA"),
    aeb_text("BARCELONA", 2),
    aeb_movement(12100),
    movements=[-250, 12100],
)


def test_a_statement_is_read_and_proved_twice() -> None:
    found = reading(FILE)
    assert [row.amount for row in found.rows] == [Decimal("-2.50"), Decimal("121.00")]
    assert found.states == ["proved"] and not found.codes
    assert found.tails[0].proof is not None and found.tails[0].proof.totals == "proved"
    row, head = found.rows[0], found.heads[0]
    assert (row.booking_date, row.value_date) == (dt.date(2026, 11, 12), dt.date(2026, 11, 12))
    assert row.proprietary_bank_transaction_code == "02-017"
    assert row.references == (("aeb43Document", "0000004711"),)
    assert row.remittance_information_unstructured == ("COMPRA TARJ. 1234 CAFÉ LA ESQUINA BARCELONA",)
    assert (head.from_date, head.to_date) == (dt.date(2026, 11, 1), dt.date(2026, 11, 30))
    assert (head.account.iban, head.account.owner_name) == ("ES9121000418450200051332", "PANADERIA SL")


def test_the_line_of_the_specification() -> None:
    line = "22    041826111226111217001" + "1" + "00000000000250" + " " * 38
    found = reading(aeb(line, movements=[-250]))
    row = found.rows[0]
    assert (row.amount, row.proprietary_bank_transaction_code) == (Decimal("-2.50"), "17-001")
    assert row.booking_date == dt.date(2026, 11, 12)


def test_the_account_is_an_iban_with_computed_check_digits() -> None:
    assert spanish_iban("2100", "0418", "0200051332") == "ES9121000418450200051332"
    assert spanish_iban("2100", "0418", "02000513 2") is None


def test_a_sign_that_is_none_is_accepted_on_nothing_only() -> None:
    found = reading(aeb(aeb_movement(0, sign="0"), movements=[0]))
    assert [row.amount for row in found.rows] == [Decimal(0)]
    with pytest.raises(FormatError, match=r"column 28.*1 for debit"):
        reading(aeb(aeb_movement(250, sign="0"), movements=[250]))


def test_original_amounts_concepts_and_leading_records_are_data() -> None:
    original = "2401840" + f"{1234:014d}".ljust(73)
    found = reading("00".ljust(80) + "\r\n" + aeb(aeb_movement(-1100, concept="98765"), original, movements=[-1100]))
    exchange = {"instructed_amount": Decimal("12.34"), "instructed_currency": "USD"}
    assert found.rows[0].currency_exchange == (exchange,)
    assert found.rows[0].proprietary_bank_transaction_code == "98-765"
    assert found.codes == []


def test_a_missing_end_is_a_warning_if_every_statement_has_ended() -> None:
    found = reading(FILE[: FILE.rindex("88")])
    assert (found.states, found.codes) == (["proved"], ["F-TRUNCATED"])
    assert found.problems[0].severity == "warning"


@pytest.mark.parametrize("encoding", ["cp850", "iso-8859-1", "utf-8"])
def test_records_are_cut_after_decoding(encoding: str) -> None:
    for ends in ("\r\n", ""):
        found = reading(FILE.replace("\r\n", ends).encode(encoding))
        assert found.rows[0].remittance_information_unstructured == ("COMPRA TARJ. 1234 CAFÉ LA ESQUINA BARCELONA",)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (FILE[: FILE.rindex("33")], "F-TRUNCATED"),
        (FILE[: FILE.rindex("88") - 30], "F-TRUNCATED"),
        (FILE.replace("\r\n22", "\r\n29", 1), "F-SYNTAX"),
        (FILE.replace("00000000000250", "000000000A0250"), "F-FIELD"),
        (FILE.replace("261112261112", "261332261112"), "F-FIELD"),
        (FILE.replace("\r\n3321", "\r\n3322"), "F-ACCOUNT"),
        (FILE.replace("9783PANADERIA", "9993PANADERIA"), "F-ACCOUNT"),
        (aeb_head() + "\r\n" + aeb_text("x") + "\r\n", "F-SYNTAX"),
        (aeb_head() + "\r\n" + aeb_head() + "\r\n", "F-SYNTAX"),
        (FILE + aeb_head() + "\r\n", "F-SYNTAX"),
    ],
    ids=["no 33", "cut 33", "record", "amount", "date", "account", "currency", "23 alone", "11 twice", "after 88"],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, code: str) -> None:
    with pytest.raises(FormatError, match="Line") as error:
        reading(text)
    assert error.value.problem.code == code


def test_an_unknown_currency_may_be_named() -> None:
    found = reading(FILE.replace("9783PANADERIA", "9993PANADERIA"), Hints(currency="EUR"))
    assert found.states == ["proved"]


def test_balances_totals_and_counts_that_differ_are_for_quarantine() -> None:
    assert reading(aeb(aeb_movement(-250), movements=[-250], closing=1)).codes == ["F-BALANCE"]
    lines = [aeb_head(), aeb_movement(-250), aeb_end(99750, [-250, -1])]
    text = "".join(f"{line}\r\n" for line in [*lines, f"88{'9' * 18}000009".ljust(80)])
    found = reading(text)
    assert set(found.codes) == {"F-TOTALS"} and found.quarantined
