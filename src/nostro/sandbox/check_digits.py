"""Account numbers and payment references with correct check digits.

IBAN and RF creditor reference: ISO 13616 and ISO 11649, both by ISO 7064 mod 97-10. Belgian structured
communication (OGM): ten digits and their remainder by 97, 97 instead of 0. Swiss QR reference (QRR): 26 digits and a
check digit by the recursive modulus 10.
"""

from __future__ import annotations

_RECURSIVE = (0, 9, 4, 6, 8, 2, 7, 1, 3, 5)


def _mod_97_check(text: str) -> str:
    digits = "".join(str(int(character, 36)) for character in text + "00")
    return f"{98 - int(digits) % 97:02d}"


def iban(country: str, bban: str) -> str:
    """The IBAN of a national account number (capital letters and digits)."""
    return country + _mod_97_check(bban + country) + bban


def belgian_iban(bank: int, account: int) -> str:
    """A Belgian IBAN: 3 digits of the bank, 7 of the account, national check digits, then the IBAN's own."""
    number = bank * 10_000_000 + account
    return iban("BE", f"{number:010d}{number % 97 or 97:02d}")


def creditor_reference(digits: str) -> str:
    """``RF`` with check digits before up to 21 letters or digits."""
    return "RF" + _mod_97_check(digits + "RF") + digits


def structured_communication(number: int) -> str:
    """The Belgian form ``+++123/4567/89002+++``."""
    digits = f"{number:010d}{number % 97 or 97:02d}"
    return f"+++{digits[:3]}/{digits[3:7]}/{digits[7:]}+++"


def qr_reference(number: int) -> str:
    """27 digits, the last being the check digit."""
    digits, carry = f"{number:026d}", 0
    for digit in digits:
        carry = _RECURSIVE[(carry + int(digit)) % 10]
    return digits + str((10 - carry) % 10)


def creditor_id(country: str, national: str) -> str:
    """A SEPA creditor identifier: country, check digits, business code ``ZZZ``, national part."""
    return f"{country}{_mod_97_check(national + country)}ZZZ{national}"
