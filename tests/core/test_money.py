"""Money is exact, and its scale belongs to the currency."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nostro.core.money import (
    Money,
    MoneyError,
    decimals,
    parse_amount,
    parse_currency,
    quantize,
    to_minor_units,
)


@pytest.mark.parametrize(("currency", "scale"), [("JPY", 0), ("EUR", 2), ("KWD", 3), ("CLF", 4), ("XYZ", 2)])
def test_decimals_of_currencies(currency, scale):
    assert decimals(currency) == scale


@pytest.mark.parametrize(
    ("value", "expected"),
    [("-3.50", "-3.50"), (" 100 ", "100"), (7, "7"), (Decimal("0.001"), "0.001"), ("1E+3", "1000"), ("-0", "-0")],
)
def test_amounts_are_read_exactly(value, expected):
    assert str(parse_amount(value)) == expected


@pytest.mark.parametrize(
    "value", [1.5, True, None, "", "1,50", "NaN", "-Infinity", "sNaN", "1E+24", "0.0000000000001", b"1"]
)
def test_what_is_no_exact_amount_is_refused(value):
    with pytest.raises(MoneyError):
        parse_amount(value)


@pytest.mark.parametrize("value", ["EU", "EURO", "", None, 978, "É€R", "E1R"])
def test_what_is_no_currency_is_refused(value):
    with pytest.raises(MoneyError):
        parse_currency(value)


def test_currencies_are_upper_case():
    assert parse_currency(" eur ") == "EUR"


@pytest.mark.parametrize(
    ("amount", "currency", "rounded", "units"),
    [("3.505", "EUR", "3.51", 351), ("-0.5", "JPY", "-1", -1), ("1.0005", "KWD", "1.001", 1001)],
)
def test_rounding_is_half_up_and_minor_units_never_round(amount, currency, rounded, units):
    assert quantize(Decimal(amount), currency) == Decimal(rounded)
    assert to_minor_units(Decimal(rounded), currency) == units
    with pytest.raises(MoneyError):
        to_minor_units(Decimal(amount), currency)


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
def test_arithmetic_stays_in_one_currency(currency):
    one, other = Money(Decimal(10), currency), Money(Decimal(4), currency)
    assert one + other - other == one
    assert -one == Money(Decimal(-10), currency)
    with pytest.raises(MoneyError):
        one + Money(Decimal(1), "USD")
    with pytest.raises(MoneyError):
        one - Money(Decimal(1), "USD")


@given(st.sampled_from(["EUR", "JPY", "KWD"]), st.integers(-(10**18), 10**18))
def test_minor_units_come_back(currency, units):
    assert to_minor_units(Decimal(units).scaleb(-decimals(currency)), currency) == units


@pytest.mark.parametrize("text", ["1_000", "\u0661\u0662", "\uff11"])
def test_what_only_python_calls_a_number_is_refused(text: str) -> None:
    with pytest.raises(MoneyError):
        parse_amount(text)
