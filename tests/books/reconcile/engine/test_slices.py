"""The worked examples of books.md 16.6, and I-17."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nostro.books.reconcile.engine.slices import LineAmounts, share


def dollars_in_euro(euro: str, dollars: str) -> LineAmounts:
    return LineAmounts(
        currency="EUR",
        amount=Decimal(euro),
        company_currency="EUR",
        company_amount=Decimal(euro),
        foreign_currency="USD",
        foreign_amount=Decimal(dollars),
    )


def test_example_a_one_invoice():
    line = dollars_in_euro("915.00", "1000")
    piece = line.take("USD", Decimal(1000))
    assert piece.company_amount == Decimal("915.00")
    taken = share(Decimal("900.00"), piece.paid, Decimal(1000), "EUR")
    assert (taken, piece.company_amount - taken) == (Decimal("900.00"), Decimal("15.00"))


def test_example_b_two_invoices():
    line = dollars_in_euro("915.00", "1000")
    pieces = [line.take("USD", Decimal(part)) for part in (300, 700)]
    assert [piece.company_amount for piece in pieces] == [Decimal("274.50"), Decimal("640.50")]
    booked = [Decimal("270.00"), Decimal("637.00")]
    gains = [piece.company_amount - own for piece, own in zip(pieces, booked, strict=True)]
    assert gains == [Decimal("4.50"), Decimal("3.50")]


def test_example_c_the_last_slice_takes_the_remainder():
    line = dollars_in_euro("100.00", "111.11")
    pieces = [line.take("USD", Decimal(part)) for part in ("37.04", "37.04", "37.03")]
    assert [str(piece.company_amount) for piece in pieces] == ["33.34", "33.34", "33.32"]


def test_a_slice_never_reaches_further_than_the_line_and_keeps_its_sign():
    line = dollars_in_euro("-100.00", "-110.00")
    assert line.take("EUR", Decimal(-150)).paid == Decimal("-100.00")
    for part in ("-1", "1"):
        with pytest.raises(ValueError, match="can be taken"):
            line.take("EUR", Decimal(part))


def test_another_currency_needs_a_rate():
    line = dollars_in_euro("100.00", "110.00")
    assert line.rest_in("GBP") is None
    piece = line.take("GBP", Decimal(20), Decimal("1.25"))
    assert (piece.company_amount, piece.paid) == (Decimal("25.00"), Decimal(20))


amounts = st.decimals("0.01", "9999999", places=2)


@given(euro=amounts, dollars=amounts, parts=st.lists(st.tuples(st.sampled_from(["EUR", "USD"]), amounts), max_size=8))
def test_slices_sum_to_the_line(euro, dollars, parts):
    line = LineAmounts(
        currency="EUR",
        amount=euro,
        company_currency="CHF",
        company_amount=euro * 2,
        foreign_currency="USD",
        foreign_amount=dollars,
    )
    taken = []
    for currency, part in [*parts, ("EUR", euro)]:
        if line.rest_in(currency) and line.rest_in(currency) > 0:
            taken.append(line.take(currency, part))
    assert (line.rest == 0) == (line.company_rest == 0) == (line.foreign_rest == 0)
    if not line.rest:
        assert sum(piece.journal_amount for piece in taken) == euro
    assert sum(piece.company_amount for piece in taken) + line.company_rest == euro * 2
    assert sum(piece.foreign_amount for piece in taken) + line.foreign_rest == dollars
