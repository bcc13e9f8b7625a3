"""Amounts as people type them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nostro.books.pages.fields import typed_amount
from nostro.core.money import MoneyError


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1 234,56", "1234.56"),
        ("1.234,56", "1234.56"),
        ("1,234.56", "1234.56"),
        ("1'234.56", "1234.56"),
        ("−3,5", "-3.5"),
        ("+7", "7"),
        ("1,234", "1.234"),
        ("1.234.567,8", "1234567.8"),
    ],
)
def test_an_amount_is_read_as_it_was_meant(text: str, amount: str) -> None:
    assert typed_amount(text) == Decimal(amount)


@pytest.mark.parametrize("text", ["", "1,2,3", "1.2.3", "1e3", "NaN", "Infinity", "--1", "12O", "1_000"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(MoneyError):
        typed_amount(text)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9))
def test_every_amount_survives_both_ways_of_writing_it(amount: Decimal) -> None:
    plain = format(amount, "f")

    assert typed_amount(plain) == typed_amount(plain.replace(".", ",")) == amount
    assert typed_amount(f"{amount:,.3f}") == amount
