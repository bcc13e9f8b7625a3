"""A file of fields ``:NN:``, and the values of its short fields (formats.md 6.2)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

from nostro.core.account_keys import normalise_account_number
from nostro.formats.amounts import amount_of
from nostro.formats.dates import yymmdd
from nostro.formats.limits import MAX_TOKEN
from nostro.formats.problems import fail
from nostro.formats.texts import account_number, is_valid_iban
from nostro.formats.values import FileAccount, Position

_FIELD = re.compile(r"^:(\d\d[A-Z]?|NS):", re.MULTILINE)
#: What ends a message: a line of one hyphen, ``-}`` or the next envelope.
_MESSAGE_END = re.compile(r"^(?:-\}?\s*$|-\}|\{[1-5]:)", re.MULTILINE)
_BALANCE = re.compile(r"([CD])([0-9]{6})([A-Z]{3})?\s*([0-9][0-9,.]*)\s*")
_NUMBER = re.compile(r"\s*([0-9]{1,9})(?:/([0-9]{1,6}))?")
_SUM = re.compile(r"\s*([0-9]{1,9})([A-Z]{3})([0-9][0-9,.]*)\s*")
_FLOOR = re.compile(r"\s*([A-Z]{3})([CD]?)([0-9][0-9,.]*)\s*")


class Field(NamedTuple):
    """``text`` without the line end before the next field; ``line`` is where the tag stands."""

    tag: str
    text: str
    line: int


def fields(texts: Iterable[str]) -> Iterator[Field]:
    """All fields of a file, in order. What stands before the first and between messages is left out."""
    line, carry, first = 1, "", True
    separator_is_at = False
    for text in texts:
        if first:
            first, separator_is_at = False, _uses_at(text)
        if separator_is_at:
            # The pair may be cut in two by the end of a block.
            carry = (carry + text).replace("@@", "\n")
        else:
            carry += text
        cut = carry.rfind("\n:") + 1
        if not cut:
            if len(carry) > 4 * MAX_TOKEN:
                raise fail("F-TOO-LARGE", f"a field has more than {4 * MAX_TOKEN} characters", Position(line=line))
            continue
        whole, carry = carry[:cut], carry[cut:]
        yield from _split(whole, line)
        line += whole.count("\n")
    yield from _split(carry, line)


def _uses_at(text: str) -> bool:
    return "@@:" in text[:4096]


def _split(text: str, line: int) -> Iterator[Field]:
    parts = _FIELD.split(text)
    line += parts[0].count("\n")
    for tag, content in zip(parts[1::2], parts[2::2], strict=True):
        ends = _MESSAGE_END.search(content) if "\n-" in content or "\n{" in content else None
        yield Field(tag, (content[: ends.start()] if ends else content).rstrip("\n"), line)
        line += content.count("\n")


class StatedBalance(NamedTuple):
    """A balance field; the currency may be missing."""

    amount: Decimal
    currency: str | None
    date: dt.date | None


def read_balance(text: str) -> StatedBalance:
    """``C261101EUR100,00``. Raises ``ValueError``."""
    found = _BALANCE.fullmatch(text.split("\n", 1)[0])
    if found is None:
        raise ValueError("not a balance")
    mark, date, currency, amount = found.groups()
    value = amount_of(amount, currency or "")
    return StatedBalance(-value if mark == "D" else value, currency, yymmdd(date).day)


def read_number(text: str) -> tuple[str | None, int | None]:
    """``21/1`` → statement number and page."""
    found = _NUMBER.match(text)
    if found is None:
        return (text.strip()[:35] or None), None
    return found.group(1), int(found.group(2)) if found.group(2) else None


def read_sum(text: str) -> tuple[int, str, Decimal]:
    """``2EUR100,00`` of ``:90D:`` → count, currency, sum. Raises ``ValueError``."""
    found = _SUM.fullmatch(text)
    if found is None:
        raise ValueError("not a count and a sum")
    return int(found.group(1)), found.group(2), amount_of(found.group(3), found.group(2))


def read_floor(text: str) -> tuple[str, Decimal]:
    """``EURD0,`` of ``:34F:`` → currency and limit. Raises ``ValueError``."""
    found = _FLOOR.fullmatch(text)
    if found is None:
        raise ValueError("not a floor limit")
    return found.group(1), amount_of(found.group(3), found.group(1))


def read_account(text: str) -> tuple[FileAccount, str | None]:
    """The account of ``:25:`` (with an empty currency) and the currency behind its number, if there is one."""
    first, _, rest = text.strip().partition("\n")
    bic = rest.strip() or None
    number = account_number(first)
    for candidate, currency in ((number, None), (number[:-3], number[-3:])):
        iban = normalise_account_number(candidate)
        if is_valid_iban(iban) and (currency is None or (currency.isascii() and currency.isalpha())):
            return FileAccount("", iban=iban, bic=bic), currency.upper() if currency else None
    if "/" in number:
        return FileAccount("", bban=number, bic=bic), None
    return FileAccount("", other=number, bic=bic), None
