"""The records that one row is written as (formats.md 6.3 and 7). Columns count from 1, as in the standard."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from nostro.core.references import canonical_keys
from nostro.formats.letters import letters
from nostro.formats.problems import WriteError
from nostro.formats.values import Detail, Entry

_WIDTH = 128
_COMMUNICATION = (53, 53, 43)
_INFORMATION = (73, 105, 90)
_CODE = re.compile(r"[0-9]{8}")
_MAX_DETAILS = 9_999


def line(*fields: tuple[int, str]) -> str:
    """A record: each text at its column, blanks between. The texts must fit."""
    text = ""
    for column, value in fields:
        text = text.ljust(column - 1) + value
    assert len(text) <= _WIDTH
    return text.ljust(_WIDTH)


def money(amount: Decimal) -> str:
    """12 digits and 3 decimals, without the sign. Raises :class:`WriteError`."""
    units = abs(amount).scaleb(3)
    if units != units.to_integral_value() or units >= 10**15:
        raise WriteError(f"CODA cannot hold the amount {amount}: at most 12 digits and 3 decimals")
    return f"{int(units):015d}"


class Payment(NamedTuple):
    """What a row and a detail have in common, for their records."""

    item: Entry | Detail
    amount: Decimal
    code: str
    sequence: str
    detail: int
    globalisation: str


def row_lines(entry: Entry, sequence: int, number: str) -> Iterator[str]:
    """The records of a row and of its details. Raises :class:`WriteError` for a row CODA cannot hold."""
    if entry.booking_status != "booked":
        raise WriteError("CODA holds booked rows only; leave the others out")
    day = entry.booking_date or entry.value_date
    if day is None:
        raise WriteError("CODA needs a date for every row")
    dates = _date(entry.value_date), _date(day)
    details = _writable_details(entry)
    main = Payment(entry, entry.amount, _code(entry, bool(details)), f"{sequence:04d}", 0, "1" if details else "0")
    yield from _payment(main, dates, number)
    for index, detail in enumerate(details, 1):
        assert detail.amount is not None
        is_last = index == len(details)
        inner = Payment(
            detail, detail.amount, _detail_code(detail, main.code), main.sequence, index, "1" if is_last else "0"
        )
        yield from _payment(inner, dates, number)


def _writable_details(entry: Entry) -> tuple[Detail, ...]:
    fits = len(entry.details) <= _MAX_DETAILS and all(
        detail.amount is not None and detail.currency in (None, entry.currency) for detail in entry.details
    )
    return entry.details if fits else ()


def _date(day: dt.date | None) -> str:
    if day is None:
        return "000000"
    if not 1980 <= day.year < 2080:
        raise WriteError(f"CODA has two digits for a year and cannot hold the date {day}")
    return f"{day:%d%m%y}"


def _code(entry: Entry, has_details: bool) -> str:
    code = entry.proprietary_bank_transaction_code or ""
    if _CODE.fullmatch(code) and code[0] in "0123":
        return code
    usual = "0101000" if entry.amount < 0 else "0150000"
    return ("1" if has_details else "0") + usual


def _detail_code(detail: Detail, code: str) -> str:
    own = detail.proprietary_bank_transaction_code or ""
    return own if _CODE.fullmatch(own) and own[0] in "568" else f"5{code[1:]}"


def _payment(payment: Payment, dates: tuple[str, str], number: str) -> Iterator[str]:
    item = payment.item
    start = f"{payment.sequence}{payment.detail:04d}"
    side = "creditor" if (payment.amount < 0) != item.reversal else "debtor"
    account, name, agent = (letters(getattr(item, f"{side}_{what}") or "") for what in ("account", "name", "agent"))
    flag, text = communication(item)
    first, second, third = _cut(text, _COMMUNICATION)
    customer, purpose = letters(item.end_to_end_id or "")[:35], letters(item.purpose_code or "")[:4]
    has_third = bool(account or name or third)
    has_second = bool(customer or agent or purpose or second or item.reversal)
    information = list(_information(item, name))
    link = "1" if information else "0"
    reference = letters(item.entry_reference or "")[:21]
    yield line(
        (1, "21" + start), (11, reference), (32, "1" if payment.amount < 0 else "0"), (33, money(payment.amount)),
        (48, dates[0]), (54, payment.code), (62, flag), (63, first), (116, dates[1]), (122, number),
        (125, payment.globalisation), (126, "1" if has_second or has_third else "0"),
        (128, "0" if has_second or has_third else link),
    )  # fmt: skip
    if has_second:
        yield line(
            (1, "22" + start), (11, second), (64, customer), (99, agent[:11]), (113, "4" if item.reversal else " "),
            (122, purpose), (126, "1" if has_third else "0"), (128, "0" if has_third else link),
        )  # fmt: skip
    if has_third:
        yield line(
            (1, "23" + start), (11, account[:34]), (48, name[:35]), (83, third),
            (126, "0"), (128, link),
        )  # fmt: skip
    yield from _information_lines(information, payment, reference)


def _cut(text: str, widths: tuple[int, ...]) -> list[str]:
    parts, at = [], 0
    for width in widths:
        parts.append(text[at : at + width])
        at += width
    return parts


def communication(item: Entry | Detail) -> tuple[str, str]:
    """(flag, text) of the communication: direct debit, structured reference, or free text."""
    references = item.remittance_information_structured
    text = letters(" ".join((*references, *item.remittance_information_unstructured)))
    if item.mandate_id or item.creditor_id:
        creditor, mandate = letters(item.creditor_id or "")[:35], letters(item.mandate_id or "")[:35]
        return "1", f"127000000000{creditor:<35}{mandate:<35}{text[:62]}"
    if len(references) == 1 and not item.remittance_information_unstructured:
        kinds = {key.split(":")[0] for key in canonical_keys(references[0])}
        if "BE" in kinds and len(references[0]) == 12:
            return "1", f"101{references[0]}"
        if "RF" in kinds and len(references[0]) <= 25:
            return "1", f"100{references[0]}"
    return "0", text[: sum(_COMMUNICATION)]


def _information(item: Entry | Detail, name: str) -> Iterator[tuple[str, str]]:
    if len(name) > 35:
        yield "1", f"001{name[:70]}"
    for kind, party in (("008", item.ultimate_creditor), ("009", item.ultimate_debtor)):
        if party:
            yield "1", f"{kind}{letters(party)[:70]}"
    if item.additional_information:
        yield "0", letters(item.additional_information)[: sum(_INFORMATION)]


def _information_lines(information: list[tuple[str, str]], payment: Payment, reference: str) -> Iterator[str]:
    start = f"{payment.sequence}{payment.detail:04d}"
    for index, (flag, text) in enumerate(information, 1):
        parts = _cut(text, _INFORMATION)
        used = 3 if parts[2] else 2 if parts[1] else 1
        link = "1" if index < len(information) else "0"
        for kind in range(1, used + 1):
            ends = "0" if kind == used else "1"
            head = (
                [(1, f"31{start}"), (11, reference), (32, payment.code), (40, flag), (41, parts[0])]
                if kind == 1
                else [(1, f"3{kind}{start}"), (11, parts[kind - 1])]
            )
            yield line(*head, (126, ends), (128, link if kind == used else "0"))
