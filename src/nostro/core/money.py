"""Money: an exact decimal amount and its currency.

Amounts are ``decimal.Decimal``, credit positive, debit negative, seen from the account (connectors.md 1.9).
A binary float never enters: figures are parsed from their text. The number of decimals belongs to the
currency (ISO 4217: JPY 0, EUR 2, KWD 3), and an amount that arrives with more decimals than its currency has
is kept as it is, because the bank said so; only rounding for display or for a computed share uses
:func:`quantize`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

# ISO 4217 lists these with another number of decimals than two.
_ZERO_DECIMALS = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())  # noqa: SIM905
_THREE_DECIMALS = frozenset("BHD IQD JOD KWD LYD OMR TND".split())  # noqa: SIM905
_FOUR_DECIMALS = frozenset("CLF UYW".split())  # noqa: SIM905

# Found at once, because every row of every read has one.
_USUAL_CURRENCIES = frozenset("EUR USD GBP CHF JPY KWD SEK NOK DKK PLN CZK HUF RON BGN".split())  # noqa: SIM905

#: Largest number of digits before the point and after it that an amount may have. ISO 20022 allows 18 in all;
#: twice that leaves room for odd banks and still bounds what one field can cost.
MAX_INTEGER_DIGITS = 24
MAX_DECIMALS = 12


class MoneyError(ValueError):
    """An amount or currency that cannot be read."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount with its currency. Arithmetic between two currencies raises :class:`MoneyError`."""

    amount: Decimal
    currency: str

    def __add__(self, other: Money) -> Money:
        self._require_same_currency(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._require_same_currency(other)
        return Money(self.amount - other.amount, self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def _require_same_currency(self, other: Money) -> None:
        if self.currency != other.currency:
            raise MoneyError(f"cannot combine {self.currency} with {other.currency}")


def decimals(currency: str) -> int:
    """Number of decimals of an ISO 4217 currency; two where the list is silent."""
    if currency in _ZERO_DECIMALS:
        return 0
    if currency in _THREE_DECIMALS:
        return 3
    return 4 if currency in _FOUR_DECIMALS else 2


def parse_amount(value: object) -> Decimal:
    """Read an amount from the text of a number, an ``int`` or a ``Decimal``.

    Raises :class:`MoneyError` for floats, for anything that is no finite number, and for numbers with more
    digits than :data:`MAX_INTEGER_DIGITS` or :data:`MAX_DECIMALS`.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise MoneyError(f"an amount must be decimal text, not {type(value).__name__}")
    if isinstance(value, str) and ("_" in value or not value.isascii()):
        # Python reads "1_000" and digits of other scripts as numbers; no bank means that.
        raise MoneyError("an amount must be a decimal number")
    try:
        amount = Decimal(value.strip() if isinstance(value, str) else value)
    except InvalidOperation:
        raise MoneyError("an amount must be a decimal number") from None
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int):  # infinities and NaN have a letter there
        raise MoneyError("an amount must be finite")
    if amount.adjusted() >= MAX_INTEGER_DIGITS or -exponent > MAX_DECIMALS:
        raise MoneyError("an amount has too many digits")
    # An exponent above zero (1E+3) would be shown as such; write it out.
    return amount.quantize(Decimal(1)) if exponent > 0 else amount


def parse_currency(value: object) -> str:
    """Read an ISO 4217 code: three letters, returned in upper case. Raises :class:`MoneyError`."""
    if isinstance(value, str):
        if value in _USUAL_CURRENCIES:
            return value
        code = value.strip().upper()
        if len(code) == 3 and code.isascii() and code.isalpha():
            return code
    raise MoneyError("a currency must be three letters (ISO 4217)")


def quantize(amount: Decimal, currency: str) -> Decimal:
    """Round half up to the currency's decimals (books.md 16.6)."""
    return amount.quantize(Decimal(1).scaleb(-decimals(currency)), rounding=ROUND_HALF_UP)


def to_minor_units(amount: Decimal, currency: str) -> int:
    """The amount in the currency's smallest unit: EUR 3.50 is 350, JPY 350 is 350, KWD 3.500 is 3500.

    Raises :class:`MoneyError` if the amount has more decimals than the currency.
    """
    scaled = amount.scaleb(decimals(currency))
    if scaled != scaled.to_integral_value():
        raise MoneyError(f"{amount} has more decimals than {currency}")
    return int(scaled)
