"""Fields of AEB43 records: amounts, currencies by number, Spanish accounts (formats.md 6.7)."""

from __future__ import annotations

from decimal import Decimal

from nostro.core.check_digits import mod97
from nostro.formats.amounts import amount_of
from nostro.formats.problems import excerpt

#: ISO 4217: numbers of currencies that Spanish banks keep accounts in.
_CURRENCIES = {
    "978": "EUR", "840": "USD", "826": "GBP", "756": "CHF", "392": "JPY", "752": "SEK", "578": "NOK", "208": "DKK",
    "985": "PLN", "203": "CZK", "348": "HUF", "946": "RON", "975": "BGN", "484": "MXN", "504": "MAD", "036": "AUD",
    "124": "CAD", "156": "CNY", "949": "TRY", "986": "BRL", "032": "ARS", "170": "COP", "152": "CLP", "604": "PEN",
    "344": "HKD", "702": "SGD", "710": "ZAR", "554": "NZD", "376": "ILS", "784": "AED", "682": "SAR", "410": "KRW",
    "356": "INR", "764": "THB", "352": "ISK", "788": "TND", "012": "DZD", "818": "EGP", "858": "UYU", "643": "RUB",
}  # fmt: skip
_WEIGHTS = (1, 2, 4, 8, 5, 10, 9, 7, 3, 6)


class FieldError(ValueError):
    """A value of wrong form, with its columns (from 1, both included)."""

    def __init__(self, columns: tuple[int, int], text: str, expected: str) -> None:
        super().__init__(f"{excerpt(text)!r} is not {expected}")
        self.columns = columns


def currency_of(number: str) -> str | None:
    """``978`` → ``EUR``; ``None`` for one that is not known."""
    return _CURRENCIES.get(number)


def signed_amount(text: str, sign: str, currency: str, first_column: int) -> Decimal:
    """14 digits, two of them decimals, behind the sign digit 1 (debit) or 2 (credit) in ``first_column``."""
    value = unsigned(text, currency, first_column + 1)
    if sign == "2" or not value:
        return value
    if sign == "1":
        return -value
    raise FieldError((first_column, first_column), sign, "a sign: 1 for debit, 2 for credit")


def unsigned(text: str, currency: str, first_column: int) -> Decimal:
    """14 digits, two of them decimals."""
    if not (len(text) == 14 and text.isascii() and text.isdigit()):
        raise FieldError((first_column, first_column + 13), text, "an amount of 14 digits")
    return amount_of(f"{text[:12]}.{text[12:]}", currency)


def spanish_iban(bank: str, branch: str, account: str) -> str | None:
    """The IBAN with computed check digits, ``None`` if the parts are not those of a Spanish account."""
    compact = bank + branch + account
    if len(compact) != 18 or not (compact.isascii() and compact.isdigit()):
        return None
    bban = f"{bank}{branch}{_check_digit('00' + bank + branch)}{_check_digit(account)}{account}"
    return f"ES{98 - mod97(bban + 'ES00'):02d}{bban}"


def _check_digit(digits: str) -> str:
    rest = 11 - sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True)) % 11
    return {10: "1", 11: "0"}.get(rest, str(rest))
