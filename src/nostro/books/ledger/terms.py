"""What a document is made of: net amounts, taxes, and what an early payment may leave out (books.md 16.5).

Pure: figures in, figures out. All amounts are positive and in the document's currency.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from nostro.books.ledger.models import TaxOption
from nostro.core.money import quantize
from nostro.web.errors import Problem

_HUNDRED = Decimal(100)
#: Rates of tax in one document.
MAX_TAXES = 20


@dataclass(frozen=True, slots=True)
class Taxed:
    """The part of a document with one rate: ``net`` without the tax. ``tax`` is worked out where it is not given."""

    percent: Decimal
    net: Decimal
    tax: Decimal | None = None


@dataclass(frozen=True, slots=True)
class EarlyTerms:
    """``percent`` may be left out by who pays until ``until`` (included)."""

    percent: Decimal
    until: dt.date
    option: TaxOption = TaxOption.ON_EARLY_PAYMENT


@dataclass(frozen=True, slots=True)
class Figures:
    """A document's total, the tax of each part, and what an early payment leaves out: of the net amount
    (``discount``) and of the tax (``discount_tax``)."""

    total: Decimal
    taxes: tuple[Taxed, ...]
    discount: Decimal = Decimal(0)
    discount_tax: Decimal = Decimal(0)

    @property
    def tax(self) -> Decimal:
        return sum((one.tax or Decimal(0) for one in self.taxes), Decimal(0))

    @property
    def early_total(self) -> Decimal:
        """What closes the document in time."""
        return self.total - self.discount - self.discount_tax


def work_out(parts: Sequence[Taxed], currency: str, early: EarlyTerms | None = None) -> Figures:
    """The figures of a document from its net amounts. Raises :class:`Problem` for rates that are no rates.

    With the option *always* the tax is of the reduced net amount from the start; with *on early payment* it is
    corrected by its share when the discount is taken; with *never* only the net amount is reduced.
    """
    _check(parts, early)
    always = early is not None and early.option == TaxOption.ALWAYS
    kept = (_HUNDRED - early.percent) / _HUNDRED if early is not None else Decimal(1)
    taxes = tuple(
        Taxed(
            one.percent,
            one.net,
            quantize(one.net * (kept if always else 1) * one.percent / _HUNDRED, currency)
            if one.tax is None
            else one.tax,
        )
        for one in parts
    )
    net = sum((one.net for one in parts), Decimal(0))
    total = net + sum((one.tax or Decimal(0) for one in taxes), Decimal(0))
    if early is None:
        return Figures(total, taxes)
    corrected = Decimal(0)
    if early.option == TaxOption.ON_EARLY_PAYMENT:
        shares = (quantize((one.tax or Decimal(0)) * early.percent / _HUNDRED, currency) for one in taxes)
        corrected = sum(shares, Decimal(0))
    return Figures(total, taxes, quantize(net * early.percent / _HUNDRED, currency), corrected)


def taken_apart(total: Decimal, percent: Decimal, currency: str, early: EarlyTerms | None = None) -> Taxed:
    """The net amount and the tax of a total that has one rate, so that they add up to it."""
    _check([Taxed(percent, total)], early)
    rate = percent / _HUNDRED
    if early is not None and early.option == TaxOption.ALWAYS:
        rate *= (_HUNDRED - early.percent) / _HUNDRED
    net = quantize(total / (1 + rate), currency)
    return Taxed(percent, net, total - net)


def _check(parts: Sequence[Taxed], early: EarlyTerms | None) -> None:
    if len(parts) > MAX_TAXES:
        raise Problem(
            "The document has too many tax rates.",
            what_to_do=f"Join them; {MAX_TAXES} at most.",
            code="taxesTooMany",
            field="taxes",
        )
    if any(not 0 <= one.percent < _HUNDRED or one.net <= 0 or (one.tax is not None and one.tax < 0) for one in parts):
        raise Problem(
            "A tax rate or its net amount is out of range.",
            what_to_do="Use a rate from 0 to 99.99 and a positive net amount.",
            code="taxInvalid",
            field="taxes",
        )
    if early is not None and not 0 < early.percent < _HUNDRED:
        raise Problem(
            "The early-payment discount is out of range.",
            what_to_do="Use a percentage above 0 and below 100.",
            code="discountInvalid",
            field="discount_percent",
        )
