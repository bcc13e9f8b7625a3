"""Recognising what a person typed into the bank search: an IBAN, a BIC or a bank code (connectors.md section 2)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from schwifty import IBAN
from schwifty.exceptions import (
    InvalidBBANChecksum,
    InvalidChecksumDigits,
    InvalidCountryCode,
    InvalidLength,
    SchwiftyException,
)

from nostro.web.errors import Problem

_IBAN_SHAPE = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{6,30}")
_BIC_SHAPE = re.compile(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?")
_BANK_CODE_SHAPE = re.compile(r"\d{3,9}")

_WHY: tuple[tuple[type[SchwiftyException], str], ...] = (
    (InvalidLength, "It is too short or too long for its country."),
    (InvalidChecksumDigits, "Its check digits do not match, so at least one character is wrong."),
    (InvalidBBANChecksum, "Its national check digits do not match, so at least one character is wrong."),
    (InvalidCountryCode, "Its first two letters are no country that uses IBANs."),
)


@dataclass(frozen=True, slots=True)
class BankOfIban:
    """What an IBAN tells about its bank. ``bic`` has eleven characters, or is empty where the registry has none."""

    country: str
    bank_code: str
    bic: str


def compact(text: str) -> str:
    """The text as identifiers are compared: upper case, without blanks, hyphens and dots."""
    return re.sub(r"[\s.\-]", "", text).upper()


def full_bic(bic: str) -> str:
    """Eleven characters: an eight-character BIC names the head office, as ``XXX`` does (ISO 9362)."""
    return bic + "XXX" if len(bic) == 8 else bic


def bic_in(text: str) -> str:
    """The BIC in eleven characters if the text has the shape of one, else ``""``."""
    candidate = compact(text)
    return full_bic(candidate) if _BIC_SHAPE.fullmatch(candidate) else ""


def bank_code_in(text: str) -> str:
    """The digits if the text has the shape of a bank code, else ``""``."""
    candidate = compact(text)
    return candidate if _BANK_CODE_SHAPE.fullmatch(candidate) else ""


def bank_of_iban(text: str) -> BankOfIban | None:
    """The bank of an IBAN, None if the text is none. Raises Problem ``ibanInvalid`` for one that cannot be right."""
    candidate = compact(text)
    if not _IBAN_SHAPE.fullmatch(candidate):
        return None
    try:
        iban = IBAN(candidate)
        bank = iban.bank
        return BankOfIban(
            country=iban.country_code,
            bank_code=bank.bank_code if bank and bank.bank_code else iban.bank_code,
            bic=full_bic(str(bank.bic)) if bank and bank.bic else "",
        )
    except SchwiftyException as error:
        why = next((why for kind, why in _WHY if isinstance(error, kind)), "It does not have the form of an IBAN.")
        raise Problem(
            "This IBAN is not valid.",
            why=why,
            what_to_do="Compare it with your bank statement, or search for the name of the bank.",
            code="ibanInvalid",
            field="q",
        ) from None
