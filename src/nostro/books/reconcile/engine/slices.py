"""How much of a line goes where: slices in three amounts that always sum to the line (books.md 14.2, 16.6, I-17).

The rate is the one in the bank's own amounts. Values are rounded half up, and the slice that uses up the line takes
the remainder.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext

from nostro.core.money import decimals, quantize

#: A product of two amounts of 36 digits is exact before it is rounded.
_PRECISION = 80


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a line, signed like it: in its journal's currency, its foreign currency (if it has one), and the
    company's; ``paid`` is the same in the currency of the item it pays."""

    journal_amount: Decimal
    foreign_amount: Decimal | None
    company_amount: Decimal
    paid: Decimal


class LineAmounts:
    """The amounts of a line and what is left of them. :meth:`take` cuts slices off."""

    def __init__(
        self,
        *,
        currency: str,
        amount: Decimal,
        company_currency: str,
        company_amount: Decimal,
        foreign_currency: str = "",
        foreign_amount: Decimal | None = None,
    ) -> None:
        self.currency, self.company_currency, self.foreign_currency = currency, company_currency, foreign_currency
        self.amount, self.foreign_amount, self.company_amount = amount, foreign_amount, company_amount
        self.rest, self.foreign_rest, self.company_rest = amount, foreign_amount, company_amount

    def use_up(self, amount: Decimal, foreign_amount: Decimal | None, company_amount: Decimal) -> None:
        """Forget what earlier matches took."""
        self.rest -= amount
        self.company_rest -= company_amount
        if self.foreign_rest is not None and foreign_amount is not None:
            self.foreign_rest -= foreign_amount

    def rest_in(self, currency: str, rate: Decimal | None = None) -> Decimal | None:
        """What is left, in ``currency``, by the bank's own amounts; else by ``rate`` (company currency for one unit);
        ``None`` where neither is known."""
        if currency == self.foreign_currency:
            return self.foreign_rest
        if currency == self.currency:
            return self.rest
        if currency == self.company_currency:
            return self.company_rest
        return quantize(self.company_rest / rate, currency) if rate else None

    def take(self, currency: str, part: Decimal, rate: Decimal | None = None) -> Slice:
        """Cut off ``part``, in ``currency`` and signed like the line, and never more than is left.

        Raises ``ValueError`` if no rate is known, nothing is left or the sign is the other one.
        """
        rest = self.rest_in(currency, rate)
        if rest is None or not rest or not part or (rest > 0) != (part > 0):
            raise ValueError(f"no {part} {currency} can be taken from this line")
        paid = min(abs(part), abs(rest)).copy_sign(rest)
        piece = self._all(paid) if paid == rest else self._share(currency, paid, rate)
        self.use_up(piece.journal_amount, piece.foreign_amount, piece.company_amount)
        return piece

    def give(self, currency: str, part: Decimal, rate: Decimal | None = None) -> Slice:
        """Add ``part``, in ``currency`` and signed against the line: what an item that goes the other way makes
        available beside it. The slice is signed like ``part``, so that all slices still sum to the line.

        Raises ``ValueError`` if no rate is known or the sign is the line's.
        """
        rest = self.rest_in(currency, rate)
        if rest is None or not part or (self.amount > 0) == (part > 0):
            raise ValueError(f"no {part} {currency} can be added to this line")
        value, total = self._base(currency, part, rate)
        foreign = None
        if self.foreign_amount is not None:
            foreign = share(self.foreign_amount, value, total, self.foreign_currency)
        piece = Slice(
            share(self.amount, value, total, self.currency),
            foreign,
            share(self.company_amount, value, total, self.company_currency),
            part,
        )
        self.use_up(piece.journal_amount, piece.foreign_amount, piece.company_amount)
        return piece

    def _all(self, paid: Decimal) -> Slice:
        return Slice(self.rest, self.foreign_rest, self.company_rest, paid)

    def _share(self, currency: str, paid: Decimal, rate: Decimal | None) -> Slice:
        return self._proportion(paid, *self._base(currency, paid, rate))

    def _base(self, currency: str, part: Decimal, rate: Decimal | None) -> tuple[Decimal, Decimal]:
        """``part``, and the amount of the whole line that it is a part of, in one currency."""
        if currency == self.foreign_currency and self.foreign_amount is not None:
            return part, self.foreign_amount
        if currency == self.currency:
            return part, self.amount
        if currency == self.company_currency:
            return part, self.company_amount
        assert rate is not None
        return quantize(part * rate, self.company_currency), self.company_amount

    def _proportion(self, paid: Decimal, part: Decimal, total: Decimal) -> Slice:
        """``part`` of ``total``, applied to each amount of the line."""

        def of(amount: Decimal, rest: Decimal, currency: str) -> Decimal:
            return _within(share(amount, part, total, currency), rest, currency)

        foreign = None
        if self.foreign_amount is not None and self.foreign_rest is not None:
            foreign = of(self.foreign_amount, self.foreign_rest, self.foreign_currency)
        return Slice(
            of(self.amount, self.rest, self.currency),
            foreign,
            of(self.company_amount, self.company_rest, self.company_currency),
            paid,
        )


def _within(amount: Decimal, rest: Decimal, currency: str) -> Decimal:
    """``amount``, or one unit less than ``rest`` where rounding would use it up before the last slice."""
    if abs(amount) < abs(rest):
        return amount
    unit = Decimal(1).scaleb(-decimals(currency))
    return max(abs(rest) - unit, Decimal(0)).copy_sign(rest)


def share(amount: Decimal, part: Decimal, total: Decimal, currency: str) -> Decimal:
    """``amount`` times ``part`` over ``total``, rounded half up to the decimals of ``currency``."""
    if part == total:
        return amount
    with localcontext() as context:
        context.prec = _PRECISION
        return quantize(amount * part / total, currency)
