"""Fields of CFONB records: amounts with their sign in the last digit, accounts, complements (formats.md 6.6)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from nostro.core.check_digits import mod97
from nostro.formats.amounts import amount_of
from nostro.formats.problems import excerpt
from nostro.formats.texts import account_number, passes_gate, structured_reference, tidy

Values = dict[str, Any]

_POSITIVE = {letter: str(digit) for digit, letter in enumerate("{ABCDEFGHI")}
_NEGATIVE = {letter: str(digit) for digit, letter in enumerate("}JKLMNOPQR")}
#: Letters of an account number count as digits in its key.
_KEY_DIGITS = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "12345678912345678923456789")
_NAMES = {"NPY": "debtor_name", "NBE": "creditor_name", "NPO": "ultimate_debtor", "NBU": "ultimate_creditor"}
_ACCOUNTS = {"CPY": "debtor_account", "CBE": "creditor_account"}
_IDENTIFIERS = {"IBE": "creditor_id", "RUM": "mandate_id"}
_TEXTS = ("LIB", "LCC", "LC2")


class FieldError(ValueError):
    """A value of wrong form, with its columns (from 1, both included)."""

    def __init__(self, columns: tuple[int, int], text: str, expected: str) -> None:
        super().__init__(f"{excerpt(text)!r} is not {expected}")
        self.columns = columns


def amount(text: str, decimals: int, currency: str) -> Decimal:
    """13 digits and a last one that bears the sign: ``0000000001234N`` with 2 decimals is -123.45."""
    digits, last = text[:13], text[13:]
    sign = 1
    if last in _POSITIVE:
        last = _POSITIVE[last]
    elif last in _NEGATIVE:
        last, sign = _NEGATIVE[last], -1
    if not (len(text) == 14 and (digits + last).isascii() and (digits + last).isdigit()) or text[13].isdigit():
        raise FieldError((91, 104), text, "an amount whose last character bears the sign")
    return sign * scaled(digits + last, decimals, currency)


def scaled(digits: str, decimals: int, currency: str) -> Decimal:
    """The number whose last ``decimals`` digits stand behind the point."""
    if not decimals:
        return amount_of(digits, currency)
    return amount_of(f"{digits[:-decimals]}.{digits[-decimals:]}", currency)


def french_iban(bank: str, branch: str, account: str) -> str | None:
    """The IBAN with computed key and check digits, ``None`` if the parts are not those of a French account."""
    bank, branch, account = bank.strip(), branch.strip(), account.strip().upper()
    compact = bank + branch + account
    if (len(bank), len(branch), len(account)) != (5, 5, 11) or not (compact.isalnum() and compact.isascii()):
        return None
    numbers = [int(part.translate(_KEY_DIGITS)) for part in (bank.upper(), branch.upper(), account)]
    key = 97 - (89 * numbers[0] + 15 * numbers[1] + 3 * numbers[2]) % 97
    bban = f"{compact.upper()}{key:02d}"
    return f"FR{98 - mod97(bban + 'FR00'):02d}{bban}"


def read_complement(qualifier: str, text: str, values: Values, parts: list[str], currency: str) -> str | None:
    """Take a record 05 into the row; gives a reference that fails its check digits."""
    raw = values["raw"]
    bare = tidy(text)
    if not bare:
        return None
    if qualifier in _TEXTS:
        parts.append(bare)
    elif qualifier in _NAMES:
        values[_NAMES[qualifier]] = bare
    elif qualifier in _ACCOUNTS:
        values[_ACCOUNTS[qualifier]] = account_number(bare.split(" ", maxsplit=1)[0])
    elif qualifier in _IDENTIFIERS:
        values[_IDENTIFIERS[qualifier]] = tidy(text[:35])
    elif qualifier in ("RCN", "REF"):
        _read_references(qualifier, text, values)
    elif qualifier == "LCS":
        marked = structured_reference(bare)
        if marked is None:
            parts.append(bare)
            return bare
        values["remittance_information_structured"] = (marked,)
    elif qualifier not in ("MMO", "FEE") or not _figures(qualifier, text, values, currency):
        name = f"05/{qualifier}"
        raw[name] = f"{raw[name]} {bare}" if name in raw else bare
    return None


def _read_references(qualifier: str, text: str, values: Values) -> None:
    first, second = tidy(text[:35]), tidy(text[35:])
    if qualifier == "REF":
        found = [(scheme, part) for scheme, part in (("pmtInfId", first), ("instrId", second)) if part]
        kept = [pair for pair in found if passes_gate(pair[1], 0)]
        values["references"] = (*values.get("references", ()), *kept)
        return
    if second:
        values["purpose_code"] = second
    if first and passes_gate(first, 0):
        values["end_to_end_id"] = first
    elif first:
        values["raw"]["05/RCN"] = first


def _figures(qualifier: str, text: str, values: Values, currency: str) -> bool:
    """Instructed amount with its rate (MMO), or the fee (FEE): currency 3, decimals 1, amount 14, then the rate."""
    stated, places, digits = text[:3].strip(), text[3:4], text[4:18].strip()
    if not (text[:31].isascii() and len(stated) == 3 and stated.isalpha() and places.isdigit() and digits.isdigit()):
        return False
    value = scaled(digits.rjust(14, "0"), int(places), stated)
    if qualifier == "FEE":
        if stated != currency:
            return False
        values["fee"] = value
        return True
    exchange: dict[str, Any] = {"instructed_amount": value, "instructed_currency": stated}
    rate_places, rate = text[18:20].strip(), text[20:31].strip()
    if rate_places.isdigit() and rate.isdigit() and int(rate) and int(rate_places) <= len(rate):
        whole, fraction = rate[: len(rate) - int(rate_places)], rate[len(rate) - int(rate_places) :]
        exchange["rate"] = f"{int(whole or 0)}.{fraction}" if fraction else str(int(whole))
    values["currency_exchange"] = (exchange,)
    return True
