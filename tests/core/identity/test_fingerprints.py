"""Both recipes; the check value of books.md 11.1 is normative."""

import datetime as dt
import hashlib
from dataclasses import replace
from decimal import Decimal

import pytest

from nostro.core.identity import amount_text, books_fingerprint, changed_fields, content_digest, hub_fingerprint
from nostro.core.money import MoneyError
from nostro.core.transactions import Transaction

COFFEE = {
    "reference": "BE68539007547034",
    "currency": "EUR",
    "booking_date": dt.date(2026, 11, 10),
    "amount": Decimal("-3.50"),
    "remittance": "COFFEE CORNER",
}
CHECK_VALUE = "9d2d1c7bb693e8c6d9971c187c2a23f14ed26a37ec6fbfd6dfc114738a227c9f"


def test_the_check_value_of_the_specification():
    assert books_fingerprint(**COFFEE) == CHECK_VALUE
    text = "v1|BE68539007547034|EUR|2026-11-10|-350||COFFEE CORNER|"
    assert hashlib.sha256(text.encode()).hexdigest() == CHECK_VALUE


@pytest.mark.parametrize(
    "change",
    [
        {"reference": "be68 5390 0754 7034"},
        {"remittance": " coffee   corner "},
        {"remittance": "Ｃoffee\nCorner"},
        {"amount": Decimal("-3.5")},
        {"end_to_end_id": ""},
    ],
)
def test_notation_does_not_change_the_books_fingerprint(change):
    assert books_fingerprint(**(COFFEE | change)) == CHECK_VALUE


@pytest.mark.parametrize(
    "change",
    [
        {"remittance": "COFFEE-CORNER"},
        {"amount": Decimal("3.50")},
        {"currency": "KWD"},
        {"booking_date": dt.date(2026, 11, 11)},
        {"counterparty_account": "DE02"},
        {"end_to_end_id": "E"},
        {"remittance": "COFFEE CORNER|", "end_to_end_id": "E"},
    ],
)
def test_content_changes_the_books_fingerprint(change):
    assert books_fingerprint(**(COFFEE | change)) != CHECK_VALUE


def test_a_bar_in_a_text_moves_no_border_between_fields():
    one = books_fingerprint(**(COFFEE | {"remittance": "A|B", "end_to_end_id": ""}))
    other = books_fingerprint(**(COFFEE | {"remittance": "A", "end_to_end_id": "B"}))
    assert one != other


def test_minor_units_follow_the_currency():
    def expected(currency, units):
        return hashlib.sha256(f"v1|N|{currency}|2026-11-10|{units}|||".encode()).hexdigest()

    for currency, units in (("EUR", 500), ("JPY", 5), ("KWD", 5000)):
        found = books_fingerprint(
            reference="N", currency=currency, booking_date=dt.date(2026, 11, 10), amount=Decimal(5)
        )
        assert found == expected(currency, units)
    with pytest.raises(MoneyError):
        books_fingerprint(reference="N", currency="JPY", booking_date=dt.date(2026, 11, 10), amount=Decimal("0.5"))


@pytest.mark.parametrize(
    ("amount", "text"),
    [("10", "10"), ("10.00", "10"), ("1E+1", "10"), ("-0.00", "0"), ("-3.50", "-3.5"), ("100", "100")],
)
def test_amounts_have_one_text(amount, text):
    assert amount_text(Decimal(amount)) == text


def test_long_amounts_are_not_rounded():
    first, second = (Decimal("123456789012345678901234.12345678901" + digit) for digit in "12")
    assert amount_text(first) != amount_text(second)


ROW = Transaction(
    amount=Decimal("-12.30"),
    currency="EUR",
    booking_date=dt.date(2026, 11, 10),
    creditor_name="Müller GmbH",
    creditor_account="DE02 1203 0000 0000 2020 51",
    remittance_information_unstructured=("Invoice 7", "thank you"),
    currency_exchange=({"rate": Decimal("1.10"), "from": "USD"},),
    entry_reference="e-1",
    transaction_id="t-1",
)


def test_ids_and_balances_are_neither_fingerprint_nor_content():
    other = replace(
        ROW, entry_reference="e-2", transaction_id="t-2", balance_after_transaction=Decimal(5), raw={"a": 1}
    )
    assert hub_fingerprint(other) == hub_fingerprint(ROW)
    assert content_digest(other) == content_digest(ROW)
    assert changed_fields(ROW, other) == ()


def test_wrapping_case_and_number_separators_are_neither():
    other = replace(
        ROW,
        creditor_name="MÜLLER GMBH",
        creditor_account="de02120300000000202051",
        remittance_information_unstructured=("invoice 7 thank", "you"),
    )
    assert hub_fingerprint(other) == hub_fingerprint(ROW)
    assert content_digest(other) == content_digest(ROW)


@pytest.mark.parametrize(
    ("field", "value", "in_fingerprint"),
    [
        ("amount", Decimal("-12.31"), True),
        ("currency", "KWD", True),
        ("booking_date", dt.date(2026, 11, 11), True),
        ("value_date", dt.date(2026, 11, 11), True),
        ("creditor_name", "Mueller GmbH", True),
        ("creditor_account", "DE03", True),
        ("end_to_end_id", "E2E", True),
        ("remittance_information_structured", ("RF18",), True),
        ("purpose_code", "SALA", False),
        ("fee", Decimal("0.10"), False),
        ("currency_exchange", ({"rate": Decimal("1.2"), "from": "USD"},), False),
    ],
)
def test_every_field_is_content_and_the_named_ones_are_the_fingerprint(field, value, in_fingerprint):
    other = replace(ROW, **{field: value})
    assert (hub_fingerprint(other) != hub_fingerprint(ROW)) is in_fingerprint
    assert content_digest(other) != content_digest(ROW)
    assert changed_fields(ROW, other) == (field,)
