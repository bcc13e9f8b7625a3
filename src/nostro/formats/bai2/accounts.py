"""One account of a BAI2 group: record 03, its 16 and its 49 (formats.md 6.8)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nostro.core.money import MAX_INTEGER_DIGITS, decimals
from nostro.core.transactions import Balance
from nostro.formats.bai2.records import FUNDS_FIELDS, Record
from nostro.formats.dates import yymmdd
from nostro.formats.problems import excerpt, fail, problem
from nostro.formats.texts import account_number, is_valid_iban, passes_gate, sort_remittance, tidy
from nostro.formats.values import (
    Entry,
    Event,
    FileAccount,
    Hints,
    Position,
    Problem,
    StatementHead,
    StatementTail,
    Totals,
)

_BALANCES = {
    "010": "openingBooked", "015": "closingBooked", "030": "interimBooked", "040": "other:OPAV", "045": "other:CLAV",
    "060": "interimAvailable",
}  # fmt: skip
_CREDITS, _DEBITS = "100", "400"


class FieldError(ValueError):
    """A field of wrong form, by name."""

    def __init__(self, field: str, text: str, expected: str) -> None:
        super().__init__(f"{field} {excerpt(text)!r} is not {expected}" if text else f"{field} is missing")
        self.field = field


@dataclass(frozen=True, slots=True)
class Group:
    """What record 02 says of its accounts."""

    day: dt.date | None
    currency: str
    is_interim: bool


def place(record: Record, field: str | None = None) -> Position:
    """Where a record begins."""
    return Position(None, record.line, None, None, None, record.code, field)


def whole_number(text: str, name: str) -> int:
    """A count or a control total; empty is 0. Raises :class:`FieldError`."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not text:
        return 0
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MAX_INTEGER_DIGITS):
        raise FieldError(name, text, "a whole number")
    return int(text)


def read_day(text: str, name: str) -> dt.date | None:
    """YYMMDD, or none. Raises :class:`FieldError`."""
    try:
        return yymmdd(text).day
    except ValueError:
        raise FieldError(name, text, "a date YYMMDD") from None


class Account:
    """Takes the records of one account and gives its events. ``amounts`` is the sum that record 49 states."""

    def __init__(self, record: Record, group: Group, hints: Hints) -> None:
        self.position = place(record)
        self._group = group
        self.amounts = 0
        self.records = record.lines
        self._seen = self._emitted = 0
        self._problems: list[Problem] = []
        fields = [*record.fields, "", ""]
        currency = (fields[1] or group.currency or hints.currency or "").upper()
        if not currency:
            currency = "USD"
            message = "the file does not say the currency of the account; BAI2 means USD then"
            self._problems.append(problem("F-ACCOUNT", message, self.position, severity="warning"))
        if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
            raise fail("F-ACCOUNT", f"{excerpt(currency)!r} is not a currency", place(record, "currency"))
        self._currency = currency
        number = account_number(tidy(fields[0])) or account_number(hints.account or "")
        if not number:
            raise fail("F-ACCOUNT", "the account has no number", place(record, "account"))
        is_iban = is_valid_iban(number)
        self._account = FileAccount(currency, iban=number if is_iban else None, other=None if is_iban else number)
        self._balances: list[Balance] = []
        self._totals: dict[str, tuple[int | None, Decimal]] = {}
        try:
            self._summaries(record.fields[2:])
        except FieldError as error:
            raise fail("F-FIELD", str(error), place(record, error.field)) from None

    def _summaries(self, fields: list[str]) -> None:
        """Type, amount, item count and funds type, again and again."""
        at = 0
        while at < len(fields):
            kind, text, count, funds = (*fields[at : at + 4], "", "", "", "")[:4]
            at += 4 + FUNDS_FIELDS.get(funds, 0)
            if funds == "D":
                at += 1 + 2 * whole_number(fields[at] if at < len(fields) else "", "distributions")
            if not kind:
                continue
            units = whole_number(text, f"amount of type {excerpt(kind)}")
            self.amounts += units
            amount = Decimal(units).scaleb(-decimals(self._currency))
            if kind in _BALANCES and text:
                day = self._group.day
                self._balances.append(Balance(_BALANCES[kind], amount, self._currency, reference_date=day))
            elif kind in (_CREDITS, _DEBITS):
                self._totals[kind] = whole_number(count, "item count") if count else None, abs(amount)

    def begin(self) -> Iterator[Event]:
        """The head."""
        opening = next((b for b in self._balances if b.balance_type == "openingBooked"), None)
        day, is_interim = self._group.day, self._group.is_interim
        yield StatementHead(
            0, self._account, self.position, "report" if is_interim else "statement", from_date=day, to_date=day,
            complete=not is_interim, opening=opening,
        )  # fmt: skip
        yield from self._problems

    def transaction(self, record: Record) -> Iterator[Event]:
        """Record 16."""
        self._seen += 1
        self.records += record.lines
        try:
            entry = self._entry(record)
        except FieldError as error:
            yield problem("F-FIELD", str(error), place(record, error.field))
            return
        self._emitted += 1
        yield entry

    def _entry(self, record: Record) -> Entry:
        fields = [*record.fields, "", ""]
        kind, text = fields[0], fields[1]
        if not (len(kind) == 3 and kind.isascii() and kind.isdigit()):
            raise FieldError("type", kind, "three digits")
        if text[:1] in ("-", "+"):
            raise FieldError("amount", text, "an amount without a sign: the type says the direction")
        units = whole_number(text, "amount")
        self.amounts += units
        amount = Decimal(units).scaleb(-decimals(self._currency))
        sign = _sign(kind)
        raw: dict[str, str] = {}
        day = self._group.day
        values: dict[str, Any] = {
            "amount": -amount if sign < 0 else amount, "currency": self._currency, "raw": raw,
            "position": place(record, str(self._seen)), "proprietary_bank_transaction_code": kind,
        }  # fmt: skip
        if not sign:
            values["booking_status"] = "information"
        if self._group.is_interim:
            values["provisional"] = True
        behind = self._funds(fields, values, raw)
        if day is None:
            day = values.get("value_date")
            if day is None:
                raise FieldError("as-of date", "", "a date")
        values["booking_date"] = day
        self._references(fields, behind, values, raw)
        remittance = tidy(record.fields[behind + 2]) if len(record.fields) > behind + 2 else ""
        if remittance:
            structured, free = sort_remittance([remittance])
            values["remittance_information_structured"] = structured
            values["remittance_information_unstructured"] = free
        return Entry.from_values(values)  # type: ignore[return-value]

    def _funds(self, fields: list[str], values: dict[str, Any], raw: dict[str, str]) -> int:
        """The place of the bank reference, behind what the funds type brings."""
        funds = fields[2]
        if not funds:
            return 3
        behind = 3 + FUNDS_FIELDS.get(funds, 0)
        if funds == "D":
            behind += 1 + 2 * whole_number(fields[3], "distributions")
        raw["funds"] = ",".join(fields[2:behind])
        if funds == "V":
            values["value_date"] = read_day(fields[3], "value date")
        return behind

    def _references(self, fields: list[str], at: int, values: dict[str, Any], raw: dict[str, str]) -> None:
        found = []
        for scheme, field in (("bai2Bank", at), ("bai2Customer", at + 1)):
            text = tidy(fields[field]) if field < len(fields) else ""
            if not text:
                continue
            if passes_gate(text, self._seen):
                found.append((scheme, text))
                if scheme == "bai2Bank":
                    values["entry_reference"] = text
            else:
                raw[scheme] = text
        if found:
            values["references"] = tuple(found)

    def end(self, record: Record) -> Iterator[Event]:
        """Record 49, the control total."""
        self.records += record.lines
        yield from compare(record, [("control total", self.amounts), ("number of records", self.records)])
        credits, debits = self._totals.get(_CREDITS), self._totals.get(_DEBITS)
        totals = Totals(
            None, credits and credits[0], credits and credits[1], debits and debits[0], debits and debits[1],
            proving=False, position=self.position,
        )  # fmt: skip
        yield StatementTail(
            tuple(self._balances), totals if self._totals else None, self._seen, self._emitted,
            self._seen - self._emitted, None, place(record),
        )  # fmt: skip


def _sign(kind: str) -> int:
    """1 for credits, -1 for debits, 0 for what is shown and not booked (formats.md 2.1)."""
    if "100" <= kind <= "399" or "920" <= kind <= "959":
        return 1
    return -1 if "400" <= kind <= "699" or kind >= "960" else 0


def compare(record: Record, counted: list[tuple[str, int]]) -> Iterator[Problem]:
    """Control totals and counts that the record states against what was counted; empty ones state nothing."""
    for (name, number), text in zip(counted, record.fields, strict=False):
        try:
            stated = whole_number(text, name)
        except FieldError as error:
            raise fail("F-FIELD", str(error), place(record, name)) from None
        if text and stated != number:
            yield problem(
                "F-TOTALS", f"{name}: the file states {stated}, its records make {number}", place(record, name)
            )
