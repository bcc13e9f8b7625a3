"""MT940 and MT942 with the German structure of field 86, as banks in Germany, Austria and beyond write them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from nostro.sandbox.files.statement import Statement, is_reversal, number_of, parties
from nostro.sandbox.ledger import Entry
from nostro.sandbox.money import amount_text

WIDTH, SUBFIELD = 65, 27
#: Where purposes go: ten subfields, then four more.
_PURPOSE = (*range(20, 30), *range(60, 64))
MAX_REFERENCE = 16


def write(statement: Statement) -> bytes:
    """One statement, lines ended by CR LF, text in UTF-8."""
    account, before = statement.account, statement.since - dt.timedelta(days=1)
    lines = [
        f":20:{statement.until:%y%m%d}NTB",
        f":25:{account.iban}{account.currency}",
        f":28C:{statement.until:%j}/1",
        _balance("60F", statement.opening, before, account.currency),
    ]
    for entry in statement.booked:
        lines += _entry(entry, account.currency)
    lines += [_balance("62F", statement.closing, statement.until, account.currency), "-", ""]
    return "\r\n".join(lines).encode()


def write_interim(statement: Statement) -> bytes:
    """One interim report, MT942: no balances; numbers and sums of what was booked; pending rows as expected ones."""
    account = statement.account
    lines = [
        f":20:{statement.until:%y%m%d}NTB",
        f":25:{account.iban}{account.currency}",
        f":28C:{statement.until:%j}/1",
        f":34F:{account.currency}{_amount(0, account.currency)}",
        f":13D:{statement.written_at:%y%m%d%H%M}+0000",
    ]
    for entry in (*statement.booked, *statement.pending):
        lines += _entry(entry, account.currency)
    amounts = [each.minor for each in statement.booked]
    lines += [
        _sum("90D", [each for each in amounts if each < 0], account.currency),
        _sum("90C", [each for each in amounts if each >= 0], account.currency),
        "-",
        "",
    ]
    return "\r\n".join(lines).encode()


def _sum(tag: str, amounts: Sequence[int], currency: str) -> str:
    return f":{tag}:{len(amounts)}{currency}{_amount(sum(amounts), currency)}"


def _amount(minor: int, currency: str) -> str:
    text = amount_text(abs(minor), currency).replace(".", ",")
    return text if "," in text else f"{text},"


def _balance(tag: str, minor: int, day: dt.date, currency: str) -> str:
    return f":{tag}:{'D' if minor < 0 else 'C'}{day:%y%m%d}{currency}{_amount(minor, currency)}"


def _entry(entry: Entry, currency: str) -> Iterator[str]:
    is_credit = entry.minor >= 0
    mark = "C" if is_credit else "D"
    if is_reversal(entry):
        # A debit that is taken back is money in.
        mark = "RD" if is_credit else "RC"
    valued, booked = dt.date.fromisoformat(entry.value_on), f"{dt.date.fromisoformat(entry.booked_on):%m%d}"
    reference = entry.entry_reference or ""
    if not entry.is_booked:
        # The standard knows expected credits and debits; what is expected has no day of booking and no reference.
        mark, booked, reference = "EC" if is_credit else "ED", "", ""
    # A longer one would have to be cut, and half a reference names another row.
    own = f"//{reference}" if reference and len(reference) <= MAX_REFERENCE else ""
    yield f":61:{valued:%y%m%d}{booked}{mark}{_amount(entry.minor, currency)}NTRFNONREF{own}"
    yield from _wrapped(f":86:166{_information(entry)}")


def _information(entry: Entry) -> str:
    body, is_credit = parties(entry), entry.minor >= 0
    # The other side of a reversal is where it was in the payment that is taken back.
    side = "debtor" if is_credit != is_reversal(entry) else "creditor"
    keyed = (("EREF", "endToEndId"), ("MREF", "mandateId"), ("CRED", "creditorId"))
    purpose = "".join(f"{key}+{_text(body[name])} " for key, name in keyed if body.get(name))
    structured = body.get("remittanceInformationStructured") or {}
    words = (structured.get("reference", ""), body.get("remittanceInformationUnstructured", ""))
    purpose += f"SVWZ+{' '.join(_text(word) for word in words if word)}"
    pieces = [purpose[at : at + SUBFIELD] for at in range(0, len(purpose), SUBFIELD)]
    subfields = [f"?{code}{piece}" for code, piece in zip(_PURPOSE, pieces, strict=False)]
    number, name = number_of(body.get(f"{side}Account")), _text(body.get(f"{side}Name", ""))
    subfields += [f"?31{number}"] if number else []
    subfields += [f"?{32 + at}{name[at * SUBFIELD :][:SUBFIELD]}" for at in (0, 1) if name[at * SUBFIELD :]]
    own = _text(body.get("proprietaryBankTransactionCode", ""))[:SUBFIELD]
    return f"?00{own}{''.join(subfields)}"


def _text(value: object) -> str:
    """What a subfield can hold: no mark of a subfield, no line breaks."""
    return " ".join(str(value).replace("?", ".").replace("+", " ").split())


def _wrapped(text: str) -> Iterator[str]:
    """Lines of 65, none of which begins like a field or the end of the message."""
    while text:
        end = min(WIDTH, len(text))
        while end < len(text) and text[end] in ":-":
            end -= 1
        yield text[:end]
        text = text[end:]
