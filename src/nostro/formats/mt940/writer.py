"""The streaming writer of MT940 (formats.md 7): SWIFT characters, slash keys, pages of at most 500 entries."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Iterator
from decimal import Decimal

from nostro.core.money import decimals
from nostro.core.transactions import Balance
from nostro.formats.problems import WriteError
from nostro.formats.values import Entry
from nostro.formats.writing import Outgoing, OutgoingStatement, WriteOptions

_PAGE = 500
_WIDTH, _LINES = 65, 6
_NOT_SWIFT = re.compile(r"[^A-Za-z0-9/\-?:().,'+ ]")
_LETTERS = {"ß": "ss", "Æ": "AE", "æ": "ae", "Ø": "O", "ø": "o", "Œ": "OE", "œ": "oe", "Ł": "L", "ł": "l", "&": "+",
            "_": "-", "@": "(at)", "€": "EUR"}  # fmt: skip
_TYPE = re.compile(r"([NSF][A-Z0-9]{3})(?:\+\d{3})?")
#: Fields that ``:61:`` and ``:86:`` have no place for; their presence makes them lossy.
_WITHOUT_PLACE = (
    "transaction_id", "check_id", "transaction_date", "fee", "currency_exchange", "ultimate_creditor",
    "ultimate_debtor", "purpose_code", "bank_transaction_code", "merchant_category_code", "masked_pan",
    "batch_indicator", "balance_after_transaction", "details", "corrects", "raw",
)  # fmt: skip
_TEXTS = ("creditor_name", "debtor_name", "end_to_end_id", "mandate_id", "creditor_id", "additional_information")


def lossy_fields(outgoing: Outgoing) -> Iterable[str]:
    """Fields that are left out, transliterated or cut."""
    for statement in outgoing.statements:
        for entry in statement.entries:
            yield from _lossy(entry)


def _lossy(entry: Entry) -> Iterator[str]:
    yield from (name for name in _WITHOUT_PLACE if getattr(entry, name))
    texts = {name: getattr(entry, name) or "" for name in _TEXTS}
    yield from (name for name, text in texts.items() if _swift(text) != text)
    parts = (*entry.remittance_information_structured, *entry.remittance_information_unstructured)
    if len(parts) > 1 or any(_swift(part) != part for part in parts):
        yield "remittance_information_unstructured"
    if len(_information(entry)) > _WIDTH * _LINES:
        yield "remittance_information_unstructured"
    if not _TYPE.fullmatch(entry.proprietary_bank_transaction_code or "NTRF"):
        yield "proprietary_bank_transaction_code"
    other = "debtor" if _other_side(entry) == "creditor" else "creditor"
    for name in ("name", "account", "agent"):
        if getattr(entry, f"{other}_{name}"):
            yield f"{other}_{name}"
    if any(scheme not in ("mt940Bank", "mt940Customer") for scheme, _ in entry.references):
        yield "references"
    if len(entry.entry_reference or "") > 16 or _swift(entry.entry_reference or "") != (entry.entry_reference or ""):
        yield "entry_reference"


def write(outgoing: Outgoing, options: WriteOptions) -> Iterator[bytes]:
    """The messages in pieces, CRLF between lines. Raises :class:`WriteError` for a row MT940 cannot hold."""
    for number, statement in enumerate(outgoing.statements, 1):
        yield from _statement(statement, number, options)


def _statement(statement: OutgoingStatement, number: int, options: WriteOptions) -> Iterator[bytes]:
    assert statement.opening is not None and statement.closing is not None
    head, account = statement.head, statement.head.account
    sequence = head.sequence if head.sequence and head.sequence.isdigit() else str(number)
    reference = _swift(head.statement_id or options.message_id)[:16] or "NOSTRO"
    begin = f":20:{reference}\r\n:25:{_swift(account.number)[:35]}\r\n"
    balance, page, on_page = statement.opening, 1, 0
    lines = [f"{begin}:28C:{int(sequence) % 100000}/{page}\r\n:60F:{_balance(balance, head.from_date)}\r\n"]
    day = statement.opening.reference_date or head.from_date
    for entry in statement.entries:
        if on_page == _PAGE:
            page, on_page = page + 1, 0
            between = _balance(Balance("", balance.amount, account.currency, reference_date=day))
            lines.append(f":62M:{between}\r\n-\r\n{begin}:28C:{int(sequence) % 100000}/{page}\r\n:60M:{between}\r\n")
            yield "".join(lines).encode("ascii")
            lines.clear()
        lines.append(_entry(entry))
        on_page += 1
        if entry.booking_status == "booked":
            balance = Balance("", balance.amount + entry.amount, account.currency)
            day = entry.booking_date or day
    lines.append(f":62F:{_balance(statement.closing, head.to_date)}\r\n-\r\n")
    yield "".join(lines).encode("ascii")


def _entry(entry: Entry) -> str:
    day, booked = entry.value_date or entry.booking_date, entry.booking_date or entry.value_date
    if day is None or booked is None:
        raise WriteError("MT940 needs a date for every row")
    if abs((day - booked).days) > 180:
        raise WriteError(f"MT940 has no year for the booking date {booked} of a row valued {day}")
    if entry.booking_status == "information":
        raise WriteError("MT940 cannot hold a row that is for information only")
    credit = entry.amount >= 0
    mark = "C" if credit else "D"
    if entry.booking_status == "pending":
        mark = f"E{mark}"
    elif entry.reversal:
        mark = "RD" if credit else "RC"
    found = _TYPE.fullmatch(entry.proprietary_bank_transaction_code or "")
    customer = next((_swift(value) for scheme, value in entry.references if scheme == "mt940Customer"), "") or "NONREF"
    # The end tells references apart; their beginnings are often all the same.
    bank = _swift(entry.entry_reference or "")[-16:]
    kind = found.group(1) if found else "NTRF"
    customer = customer.replace("//", "/")[:16].rstrip("/")
    line = (
        f":61:{day:%y%m%d}{booked:%m%d}{mark}{_amount(entry.amount, entry.currency)}"
        f"{kind}{customer}{f'//{bank}' if bank else ''}\r\n"
    )
    text = _information(entry)[: _WIDTH * _LINES]
    if not text:
        return line
    lines = "\r\n".join(_wrapped(text))
    return f"{line}:86:{lines}\r\n"


def _wrapped(text: str) -> Iterator[str]:
    """Lines of 65. None may begin like a field, and a line of blanks at the end would be lost."""
    at = 0
    while at < len(text):
        end = min(at + _WIDTH, len(text))
        while end < len(text) and end > at + 1 and text[end] in ":-":
            end -= 1
        yield text[at:end]
        at = end


def _information(entry: Entry) -> str:
    side = _other_side(entry)
    values = (
        ("TRTP", entry.additional_information),
        ("IBAN", getattr(entry, f"{side}_account")),
        ("BIC", getattr(entry, f"{side}_agent")),
        ("NAME", getattr(entry, f"{side}_name")),
        ("EREF", entry.end_to_end_id),
        ("MARF", entry.mandate_id),
        ("CSID", entry.creditor_id),
        ("REMI", " ".join((*entry.remittance_information_structured, *entry.remittance_information_unstructured))),
    )
    return "".join(f"/{key}/{_swift(value)}" for key, value in values if value)


def _other_side(entry: Entry) -> str:
    return "creditor" if (entry.amount < 0) != entry.reversal else "debtor"


def _balance(balance: Balance, otherwise: dt.date | None = None) -> str:
    day = balance.reference_date or otherwise
    if day is None:
        raise WriteError("MT940 needs the dates of the balances, or the period of the statement")
    return (
        f"{'D' if balance.amount < 0 else 'C'}{day:%y%m%d}{balance.currency}{_amount(balance.amount, balance.currency)}"
    )


def _amount(amount: Decimal, currency: str) -> str:
    text = f"{abs(amount):f}"
    whole, _, fraction = text.partition(".")
    if len(fraction.rstrip("0")) > decimals(currency) or len(text) > 15:
        raise WriteError(f"MT940 cannot hold the amount {amount} {currency}: at most 15 characters with its decimals")
    return f"{whole},{fraction}"


def _swift(text: str) -> str:
    """The text in SWIFT's characters: letters without marks, everything else that has no place a point."""
    for letter, replacement in _LETTERS.items():
        if letter in text:
            text = text.replace(letter, replacement)
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return _NOT_SWIFT.sub(".", text)
