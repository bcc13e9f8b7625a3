"""Check digits of payment references (books.md 15): plain arithmetic on strings of digits."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import cycle

_QRR_TABLE = (0, 9, 4, 6, 8, 2, 7, 1, 3, 5)
_NL_WEIGHTS = (2, 4, 8, 5, 10, 9, 7, 3, 6, 1)


def _weighted_sum(digits: str, weights: Iterable[int]) -> int:
    """Digits times weights, both from the right; the weights repeat."""
    return sum(int(digit) * weight for digit, weight in zip(reversed(digits), cycle(weights), strict=False))


def mod97(text: str) -> int:
    """Remainder by 97 of digits and letters, A-Z standing for 10-35 (ISO 7064)."""
    return int("".join(str(int(character, 36)) for character in text)) % 97


def rf_check_digits(body: str) -> str:
    """The two digits after ``RF``: 98 - (body + ``RF00``) mod 97 (ISO 11649)."""
    return f"{98 - mod97(body + 'RF00'):02d}"


def be_check_digits(base: str) -> str:
    """Ten digits mod 97, where 0 is written 97."""
    return f"{int(base) % 97 or 97:02d}"


def fi_check_digit(base: str) -> str:
    """Weights 7, 3, 1 from the right."""
    return str(-_weighted_sum(base, (7, 3, 1)) % 10)


def luhn_check_digit(base: str) -> str:
    """Luhn, modulus 10: every second digit from the right doubled, digits of the products added."""
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in base[::-2])
    return str(-(doubled + sum(int(digit) for digit in base[-2::-2])) % 10)


def no_mod11_check_digit(base: str) -> str:
    """Norwegian KID, modulus 11: weights 2-7 from the right; 11 is written 0 and 10 is ``-``."""
    check = 11 - _weighted_sum(base, range(2, 8)) % 11
    return "-" if check == 10 else str(check % 11)


def ch_check_digit(base: str) -> str:
    """Swiss QR reference, modulus 10 recursive."""
    carry = 0
    for digit in base:
        carry = _QRR_TABLE[(carry + int(digit)) % 10]
    return str((10 - carry) % 10)


def si_check_digit(base: str) -> str:
    """Slovenian models 01 and 12, at most 12 digits: weights 2-13 from the right; 10 and 11 are written 0."""
    check = 11 - _weighted_sum(base, range(2, 14)) % 11
    return str(check if check < 10 else 0)


def nl_check_digit(rest: str) -> str:
    """Dutch payment reference, over all digits after the check digit; 11 is written 0 and 10 is 1."""
    check = 11 - _weighted_sum(rest, _NL_WEIGHTS) % 11
    return {11: "0", 10: "1"}.get(check, str(check))
