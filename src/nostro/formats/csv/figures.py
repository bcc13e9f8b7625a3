"""Amounts in tables, whose decimal sign is decided per column over the whole file (formats.md 6.9)."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

from nostro.core.money import MAX_DECIMALS, MAX_INTEGER_DIGITS, decimals

_BLANKS = dict.fromkeys(map(ord, " \t\u00a0\u202f\u2009'’"))
_CURRENCY = re.compile(r"^([+\-\u2212(]?)(?:[A-Za-z]{3}|[€$£¥])|(?:[A-Za-z]{3}|[€$£¥])(\)?)$")
_DIGITS = re.compile(r"[0-9.,]+")
#: How most amounts are written.
_PLAIN = re.compile(r"(-?)([0-9]+(?:[.,][0-9]+)*)")
_SIGNS = ".,"
#: Amounts without thousands and with two decimals, by the sign that parts these: most of all amounts.
_SHORT = {sign: re.compile(rf"-?[0-9]{{1,{MAX_INTEGER_DIGITS}}}\{sign}[0-9]{{2}}").fullmatch for sign in _SIGNS}


def bare(text: str) -> tuple[bool, str]:
    """(negative, digits with separators) of an amount as people write it. Raises ``ValueError``.

    Read are a sign before or behind, brackets for a negative amount, a currency before or behind, blanks and
    apostrophes between thousands.
    """
    plain = _PLAIN.fullmatch(text)
    if plain is not None:
        return plain[1] != "", plain[2]
    text = text.translate(_BLANKS)
    if not (text[:1].isdigit() and text[-1:].isdigit()):
        text = _CURRENCY.sub(r"\1\2", text).replace("\u2212", "-")
    negative = False
    if text[:1] == "(" and text[-1:] == ")":
        negative, text = True, text[1:-1]
    elif text[:1] in ("-", "+"):
        negative, text = text[0] == "-", text[1:]
    elif text[-1:] in ("-", "+"):
        negative, text = text[-1] == "-", text[:-1]
    if not _DIGITS.fullmatch(text) or not text.isascii() or not text.strip(_SIGNS):
        raise ValueError("not an amount")
    return negative, text


def decimal_sign(digits: str) -> str | None:
    """Which sign must part the decimals; ``""`` if none is needed, ``None`` if one figure alone does not tell.

    Both signs: the later one. One kind: it parts decimals unless exactly three digits follow, as in ``1,234``.
    """
    point, comma = digits.rfind("."), digits.rfind(",")
    if point < 0 and comma < 0:
        return ""
    if point >= 0 and comma >= 0:
        return "." if point > comma else ","
    sign = "." if point >= 0 else ","
    if digits.count(sign) > 1:
        return "," if sign == "." else "."
    before, _, after = digits.partition(sign)
    return sign if len(after) != 3 or not before or before[0] == "0" or len(before) > 3 else None


@lru_cache(maxsize=4096)
def amount(text: str, sign: str, currency: str, *, grouped: bool = True) -> Decimal:
    """The signed amount; ``sign`` parts decimals, the other one may part thousands. Raises ``ValueError``."""
    negative, digits = bare(text)
    other = "," if sign == "." else "."
    whole, _, fraction = digits.partition(sign)
    if other in whole:
        first, *groups = whole.split(other)
        if not grouped or not 1 <= len(first) <= 3 or any(len(group) != 3 for group in groups):
            raise ValueError("not an amount")
        whole = first + "".join(groups)
    if (fraction and not fraction.isdigit()) or len(whole) > MAX_INTEGER_DIGITS or len(fraction) > MAX_DECIMALS:
        raise ValueError("not an amount")
    kept = decimals(currency)
    if len(fraction) > kept:
        fraction = fraction[:kept] + fraction[kept:].rstrip("0")
    value = Decimal(f"{whole or '0'}.{fraction}" if fraction else whole or "0")
    return -value if negative else value


def with_decimals(value: Decimal, currency: str) -> Decimal:
    """A number of a sheet, which has no zeros at its end, with the decimals of its currency."""
    exponent = value.as_tuple().exponent
    places = decimals(currency)
    return value.quantize(Decimal(1).scaleb(-places)) if isinstance(exponent, int) and -exponent < places else value


class FigureStyle:
    """How one column writes amounts. Ask :meth:`settles` of each text in the order of the file, then :meth:`read`.

    ``either`` is for columns that write no thousands: whatever sign comes parts decimals.
    """

    def __init__(self, decimal: str | None = None, *, thousands: bool = True) -> None:
        self.sign = decimal or ""
        self._thousands = thousands
        self._asked = not decimal and thousands
        #: A figure that can be read in two ways, while nothing has decided between them.
        self.question: str | None = None

    @property
    def is_decided(self) -> bool:
        """True if no further text changes how the column is read."""
        return not self._asked

    def note(self, text: str) -> None:
        """Look at one text; sets or answers :attr:`question`."""
        if not self._asked:
            return
        try:
            found = decimal_sign(bare(text)[1])
        except ValueError:
            return
        if found:
            self.sign, self.question, self._asked = found, None, False
        elif found is None and self.question is None:
            self.question = text

    def read(self, text: str, currency: str) -> Decimal:
        """The amount. Raises ``ValueError``."""
        if self.sign:
            if _SHORT[self.sign](text) and (currency == "EUR" or decimals(currency) >= 2):
                value = Decimal(text if self.sign == "." else text.replace(",", "."))
                return value if value else abs(value)
            return amount(text, self.sign, currency, grouped=self._thousands)
        return amount(text, "," if "," in text else ".", currency, grouped=False)
