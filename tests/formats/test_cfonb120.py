"""CFONB 120 (formats.md 6.6)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from tests.formats.french_and_spanish import cfonb, cfonb_balance, cfonb_complement, cfonb_movement, overpunched
from tests.formats.samples import reading

from nostro.formats import FormatError, Hints
from nostro.formats.cfonb120.layout import FieldError, amount, french_iban

MOVEMENTS = (
    cfonb_movement(-12345, "PRLV ELECTRICITE", number="4711", reference="REF0007"),
    cfonb_movement(2500, "VIR CLIENT"),
)
CLOSING = 90155


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0000000001234N", "-123.45"),
        ("0000000008765E", "876.55"),
        ("0000000000000{", "0.00"),
        ("0000000000001}", "-0.10"),
    ],
)
def test_the_last_character_bears_the_sign(text: str, value: str) -> None:
    assert amount(text, 2, "EUR") == Decimal(value)


@pytest.mark.parametrize("text", ["00000000012345", "000000000123 N", "0000000001234Z", "000000000²234N"])
def test_amounts_without_sign_are_no_amounts(text: str) -> None:
    with pytest.raises(FieldError):
        amount(text, 2, "EUR")


def test_the_account_is_an_iban_with_computed_key() -> None:
    assert french_iban("20041", "01005", "0500013M026") == "FR1420041010050500013M02606"
    assert french_iban("20041", "01005", "050001") is None


def test_a_block_is_read_and_proved() -> None:
    found = reading(cfonb(*MOVEMENTS, closing=CLOSING))
    assert [row.amount for row in found.rows] == [Decimal("-123.45"), Decimal("25.00")]
    assert found.states == ["proved"] and not found.codes
    row = found.rows[0]
    assert (row.booking_date, row.value_date) == (dt.date(2026, 11, 12), dt.date(2026, 11, 12))
    assert (row.entry_reference, row.references) == ("REF0007", (("cfonbNumber", "4711"),))
    assert row.proprietary_bank_transaction_code == "05"
    assert row.remittance_information_unstructured == ("PRLV ELECTRICITE",)
    assert found.heads[0].account.iban == "FR7630004008280001046755471"


def test_complements_say_who_and_why() -> None:
    found = reading(
        cfonb(
            cfonb_movement(-12345, "PRLV"),
            cfonb_complement("LIB", "ABONNEMENT NOVEMBRE"),
            cfonb_complement("NBE", "ELECTRICITE SA"),
            cfonb_complement("NPY", "BOULANGERIE"),
            cfonb_complement("CBE", "FR1420041010050500013M02606"),
            cfonb_complement("IBE", "FR12ZZZ123456"),
            cfonb_complement("RUM", "MANDAT-7"),
            cfonb_complement("RCN", f"{'E2E-4711':<35}OTHR"),
            cfonb_complement("REF", f"{'PMT-1':<35}INSTR-1"),
            cfonb_complement("LCS", "RF18539007547034"),
            cfonb_complement("MMO", "USD200000000013579" + "04" + "00000010970"),
            cfonb_complement("FEE", "EUR200000000000150"),
            cfonb_complement("XYZ", "something else"),
            closing=87655,
        )
    )
    row = found.rows[0]
    assert (row.creditor_name, row.debtor_name) == ("ELECTRICITE SA", "BOULANGERIE")
    assert (row.creditor_account, row.creditor_id) == ("FR1420041010050500013M02606", "FR12ZZZ123456")
    assert (row.mandate_id, row.end_to_end_id, row.purpose_code) == ("MANDAT-7", "E2E-4711", "OTHR")
    assert row.references == (("pmtInfId", "PMT-1"), ("instrId", "INSTR-1"))
    assert row.remittance_information_structured == ("RF18539007547034",)
    assert row.remittance_information_unstructured == ("PRLV", "ABONNEMENT NOVEMBRE")
    exchange = {"instructed_amount": Decimal("135.79"), "instructed_currency": "USD", "rate": "1.0970"}
    assert row.currency_exchange == (exchange,)
    assert row.fee == Decimal("1.50")
    assert row.raw["05/XYZ"] == "something else"


def test_a_marked_reference_that_fails_is_kept_as_text_with_a_warning() -> None:
    found = reading(cfonb(cfonb_movement(0), cfonb_complement("LCS", "RF00WRONG")))
    assert found.codes == ["F-REFERENCE"]
    assert found.rows[0].remittance_information_unstructured == ("VIREMENT", "RF00WRONG")


@pytest.mark.parametrize("ends", ["", "\n", "\r\n\r\n", "     \r\n"], ids=["none", "lf", "blank lines", "padded"])
def test_line_ends_may_miss_and_lines_be_padded(ends: str) -> None:
    found = reading(cfonb(*MOVEMENTS, closing=CLOSING, ends=ends))
    assert (len(found.rows), found.states) == (2, ["proved"])


def test_currency_and_decimals_may_be_blank_on_the_balances() -> None:
    first, last = (cfonb_balance(kind, units, currency="", decimals="") for kind, units in (("01", 0), ("07", 2500)))
    found = reading(f"{first}\n{cfonb_movement(2500)}\n{last}\n")
    assert (found.heads[0].account.currency, found.states, found.codes) == ("EUR", ["proved"], [])
    alone = reading(f"{first}\n{cfonb_balance('07', 0, currency='', decimals='')}\n")
    assert alone.codes == ["F-TEXT"]
    hinted = reading(f"{first}\n{cfonb_balance('07', 0, currency='', decimals='')}\n", Hints(currency="XOF"))
    assert hinted.heads[0].account.currency == "XOF"


def test_blocks_of_days_chain() -> None:
    second = cfonb(cfonb_movement(100), opening=CLOSING, closing=CLOSING + 100)
    assert reading(cfonb(*MOVEMENTS, closing=CLOSING) + second).codes == []
    broken = cfonb(cfonb_movement(100), opening=5, closing=105)
    assert reading(cfonb(*MOVEMENTS, closing=CLOSING) + broken).codes == ["F-CHAIN"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (cfonb(*MOVEMENTS, closing=CLOSING)[: -120 - 2], "F-TRUNCATED"),
        (cfonb(*MOVEMENTS, closing=CLOSING)[:-60], "F-TRUNCATED"),
        (cfonb(*MOVEMENTS, closing=CLOSING).replace("\r\n04", "\r\n09", 1), "F-SYNTAX"),
        (cfonb(MOVEMENTS[0].replace(overpunched(-12345), "000000000X234N")), "F-FIELD"),
        (cfonb(MOVEMENTS[0].replace("121126", "991126", 1)), "F-FIELD"),
        (cfonb(MOVEMENTS[0].replace("00010467554", "00010467555")), "F-ACCOUNT"),
        (cfonb_balance("01", 0) + "\n" + cfonb_complement("LIB", "x") + "\n", "F-SYNTAX"),
        (cfonb_balance("01", 0) + "\n" + cfonb_balance("01", 0) + "\n", "F-SYNTAX"),
        (cfonb() + MOVEMENTS[0] + "\n", "F-SYNTAX"),
    ],
    ids=["no 07", "cut 07", "record", "amount", "date", "account", "05 alone", "01 twice", "04 after 07"],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, code: str) -> None:
    with pytest.raises(FormatError, match="Line") as error:
        reading(text)
    assert error.value.problem.code == code


def test_a_wrong_balance_is_for_quarantine() -> None:
    found = reading(cfonb(*MOVEMENTS, closing=CLOSING + 1))
    assert found.quarantined and found.codes == ["F-BALANCE"]
