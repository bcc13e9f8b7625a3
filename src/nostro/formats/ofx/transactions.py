"""From the leaves of one ``STMTTRN`` to a row (formats.md 6.4)."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

from nostro.formats.amounts import amount_of, exceeds
from nostro.formats.dates import ReadDate, iso_date
from nostro.formats.limits import MAX_TEXT
from nostro.formats.ofx.tags import unescaped
from nostro.formats.problems import excerpt, fail, problem
from nostro.formats.texts import account_number, mask_card, passes_gate, sort_remittance, tidy
from nostro.formats.values import NOWHERE, Entry, Position, Problem

Values = dict[str, Any]

#: Aggregates inside a transaction; their leaves are named with them.
NESTED = frozenset(("PAYEE", "BANKACCTTO", "CCACCTTO", "CURRENCY", "ORIGCURRENCY"))
#: What nearly all amounts are written like.
_USUAL, _USUAL_AMOUNT = re.compile(r"-?[0-9]+\.[0-9][0-9]"), 20
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:([.,' ])[0-9]{3})+[.,][0-9]{1,2}")


class FieldError(ValueError):
    """A leaf of wrong form; ``tag`` is its name."""

    def __init__(self, tag: str, text: str, expected: str) -> None:
        super().__init__(f"{tag} {excerpt(text)!r} is not {expected}" if text else f"{tag} is missing")
        self.tag = tag


@dataclass(slots=True)
class Context:
    """What a transaction needs to know of its statement; ``ordinal`` and ``position`` are its own."""

    currency: str
    ordinal: int = 0
    position: Position = NOWHERE
    is_pending: bool = False
    problems: list[Problem] = field(default_factory=list)


def signed_amount(text: str, currency: str, tag: str) -> Decimal:
    """``-12,50``: sign, comma or point, marks between thousands where a decimal mark follows them."""
    if currency == "EUR" and text[-3:-2] == "." and len(text) < _USUAL_AMOUNT and _USUAL.fullmatch(text):
        return Decimal(text)
    negative = text[:1] == "-"
    digits = text[1:].lstrip() if negative or text[:1] == "+" else text
    if len(digits) > 6 and _THOUSANDS.fullmatch(digits):
        digits = re.sub(r"[.,' ]", "", digits[:-3]) + digits[-3:] if digits[-3] in ".," else digits
    try:
        value = amount_of(digits, currency)
    except ValueError:
        raise FieldError(tag, text, "an amount") from None
    return -value if negative else value


@lru_cache(maxsize=4096)
def read_date(text: str, tag: str) -> ReadDate:
    """``20261112233000[-5:EST]``: the day as written, never shifted. Raises :class:`FieldError`."""
    day = text[:8]
    try:
        if len(day) == 8 and day.isdigit():
            return iso_date(f"{day[:4]}-{day[4:6]}-{day[6:]}")
        return iso_date(text)
    except ValueError:
        raise FieldError(tag, text, "a date YYYYMMDD") from None


def entry_of(texts: Values, context: Context) -> Entry:
    """The row of one transaction; ``texts`` are its leaves, stripped, and are used up. Raises :class:`FieldError`."""
    pop = texts.pop
    currency = context.currency
    if "CURRENCY/CURSYM" in texts:
        currency = pop("CURRENCY/CURSYM").upper()
    text = pop("TRNAMT", "")
    amount = signed_amount(text, currency, "TRNAMT")
    raw: dict[str, str] = {}
    out: Values = {"amount": amount, "currency": currency, "raw": raw, "position": context.position}
    if context.is_pending:
        out["booking_status"] = "pending"
    elif (currency != "EUR" or text[-3:-2] not in (".", ",")) and exceeds(amount, currency):
        _warn(context, "F-SCALE", f"{abs(amount)} has more decimals than {currency}")
    _dates(texts, out, context)
    _references(texts, out, context)
    side = "creditor" if amount < 0 else "debtor"
    name = _text(pop("NAME", "")) or _text(pop("PAYEE/NAME", ""))
    if name:
        out[f"{side}_name"] = name
    _remittance(pop("MEMO", ""), pop("EXTDNAME", ""), out)
    kind = pop("TRNTYPE", "")
    if kind:
        out["proprietary_bank_transaction_code"] = kind if kind.isascii() and kind.isalnum() else _text(kind)
    if texts:
        _rare(texts, out, side, context)
    return Entry.from_values(out)  # type: ignore[return-value]


def _warn(context: Context, code: str, message: str) -> None:
    context.problems.append(problem(code, message, context.position))


def _text(text: str) -> str:
    if text.isascii() and text.isprintable() and "&" not in text and "  " not in text and len(text) <= MAX_TEXT:
        return text
    if len(text) > MAX_TEXT:
        raise fail("F-TOO-LARGE", f"a text has more than {MAX_TEXT} characters")
    return tidy(unescaped(text))


def _dates(texts: Values, out: Values, context: Context) -> None:
    posted = texts.pop("DTPOSTED", None)
    booked = _date(posted, "DTPOSTED", context) if posted else None
    valued = _date(texts.pop("DTAVAIL"), "DTAVAIL", context) if "DTAVAIL" in texts else None
    made = None
    for tag in ("DTUSER", "DTTRAN"):
        if tag in texts:
            made = _date(texts.pop(tag), tag, context) or made
    if booked is None and not context.is_pending:
        booked = valued or made
        if booked is None:
            raise FieldError("DTPOSTED", "", "a date")
        _warn(context, "F-DATE", f"DTPOSTED is missing; {booked} was taken")
    for name, day in (("booking_date", booked), ("value_date", valued), ("transaction_date", made)):
        if day is not None:
            out[name] = day


def _date(text: str, tag: str, context: Context) -> dt.date | None:
    read = read_date(text, tag)
    if read.corrected:
        _warn(context, "F-DATE", f"{tag} {excerpt(text)} does not exist; {read.day} was taken")
    return read.day


def _references(texts: Values, out: Values, context: Context) -> None:
    references: tuple[tuple[str, str], ...] = ()
    identity = _text(texts.pop("FITID", ""))
    if identity:
        if passes_gate(identity, context.ordinal):
            out["transaction_id"] = identity
            references = (("fitId", identity),)
        else:
            out["raw"]["FITID"] = identity
    if "CHECKNUM" in texts:
        out["check_id"] = _text(texts.pop("CHECKNUM"))
    if "REFNUM" in texts:
        number = _text(texts.pop("REFNUM"))
        if passes_gate(number or "0", context.ordinal):
            references = (*references, ("prtry:REFNUM", number))
        else:
            out["raw"]["REFNUM"] = number
    if references:
        out["references"] = references


def _remittance(memo: str, extended: str, out: Values) -> None:
    parts = [part for part in (_text(memo), _text(extended) if extended else "") if part]
    if not parts:
        return
    structured, free = sort_remittance(parts)
    if structured:
        out["remittance_information_structured"] = structured
    else:
        out["remittance_information_unstructured"] = free


def _rare(texts: Values, out: Values, side: str, context: Context) -> None:
    """Accounts, exchange, corrections, merchant; what is left goes to ``raw``."""
    pop = texts.pop
    account, card = account_number(_text(pop("BANKACCTTO/ACCTID", ""))), _text(pop("CCACCTTO/ACCTID", ""))
    if account or card:
        out[f"{side}_account"] = account or mask_card(card)
    if "SIC" in texts:
        out["merchant_category_code"] = _text(pop("SIC"))
    exchange = {
        name: _text(pop(f"ORIGCURRENCY/{tag}")).upper()
        for name, tag in (("source", "CURSYM"), ("rate", "CURRATE"))
        if f"ORIGCURRENCY/{tag}" in texts
    }
    if exchange:
        out["currency_exchange"] = ({**exchange, "target": context.currency},)
    if "CORRECTFITID" in texts:
        out["corrects"] = _text(pop("CORRECTFITID"))
        out["raw"]["CORRECTACTION"] = _text(pop("CORRECTACTION", "")).upper() or "REPLACE"
    for path, text in texts.items():
        out["raw"][path] = _text(text)
