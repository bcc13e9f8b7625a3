"""The streaming reader of MT940 and MT942 (formats.md 6.2)."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from nostro.core.transactions import Balance
from nostro.formats.amounts import amount_of, exceeds
from nostro.formats.dates import nearest_mmdd, yymmdd
from nostro.formats.limits import MAX_TEXT
from nostro.formats.mt940.fields import (
    Field,
    StatedBalance,
    fields,
    read_account,
    read_balance,
    read_floor,
    read_number,
    read_sum,
)
from nostro.formats.mt940.information import Dialect, dialect_of, read_information
from nostro.formats.problems import excerpt, fail, problem
from nostro.formats.streams import Source
from nostro.formats.texts import account_number, is_valid_iban, passes_gate, tidy
from nostro.formats.values import (
    Entry,
    Event,
    FileAccount,
    FileHead,
    Hints,
    Position,
    Problem,
    StatementHead,
    StatementTail,
    Totals,
)

_ENTRY = re.compile(
    r"([0-9]{6})([0-9]{4})?(R?[CD]|E[CD])([A-Z])?([0-9][0-9,.]*)([NSF][^\n/]{3})([^\n]*)(?:\n(.*))?", re.DOTALL
)
_FIRST_INFORMATION = re.compile(r"^:86:(.*(?:\n(?!:).*){0,5})", re.MULTILINE)
_SIGNS = {"C": 1, "D": -1, "RC": -1, "RD": 1, "EC": 1, "ED": -1}
_AVAILABLE = {"64": "other:CLAV", "65": "forwardAvailable"}


def read(source: Source) -> Iterator[Event]:
    """The events of an MT940 or MT942 file."""
    texts = source.texts()
    beginning = next(texts, "")
    first = _FIRST_INFORMATION.search(beginning.replace("@@", "\n"))
    form = "mt942" if (source.hints.format or source.survey.format) == "mt942" else "mt940"
    yield FileHead(form, form.upper(), dialect_of(first.group(1)) if first else "", source.encoding)
    statement: _Statement | None = None
    for field in fields(itertools.chain([beginning], texts)):
        if field.tag == "20":
            if statement is not None:
                yield from statement.end()
            statement = _Statement(form, field, source.hints)
        elif statement is None:
            raise fail("F-SYNTAX", f"field :{field.tag}: comes before :20:", Position(line=field.line, tag=field.tag))
        else:
            yield from statement.take(field)
    if statement is None:
        raise fail("F-TRUNCATED", "the file has no statement in it")
    yield from statement.end()


class _Statement:
    """One message from its ``:20:`` on."""

    def __init__(self, form: str, field: Field, hints: Hints) -> None:
        self._form, self._hints = form, hints
        self._reference = tidy(field.text)[:35] or None
        self._position = Position(line=field.line, tag="20")
        self._place = self._position
        self._account: FileAccount | None = None
        self._currency: str | None = None
        self._sequence: str | None = None
        self._page: int | None = None
        self._created: str | None = None
        self._opening: StatedBalance | None = None
        self._closing: StatedBalance | None = None
        self._more: list[Balance] = []
        self._last_page: bool | None = None
        self._complete = form == "mt940"
        self._sums: dict[str, tuple[int, Decimal]] = {}
        self._sums_place = self._position
        self._dialect: Dialect = ""
        self._seen = self._emitted = self._undated = 0
        self._waiting: tuple[dict[str, Any], dict[str, str]] | None = None
        self._said_head = False
        #: Rows that wait for the currency, where only the closing balance has it.
        self._held: list[Entry] | None = None

    # --- fields --------------------------------------------------------------------------------------------------

    def take(self, field: Field) -> Iterator[Event]:
        """What a field brings."""
        tag = field.tag
        if len(field.text) > MAX_TEXT:
            raise fail("F-TOO-LARGE", f"field :{tag}: has more than {MAX_TEXT} characters", _at(field))
        if tag == "61":
            yield from self._head()
            yield from self._flush()
            yield from self._begin_entry(field)
        elif tag == "86" and self._waiting is not None:
            values, raw = self._waiting
            if not self._dialect:
                self._dialect = dialect_of(field.text)
            read_information(field.text, self._dialect, values, raw)
            yield from self._flush()
        else:
            yield from self._flush()
            yield from self._other(field)

    def _other(self, field: Field) -> Iterator[Event]:
        tag, text = field.tag, field.text
        if tag in ("25", "25P"):
            self._account, currency = read_account(text)
            self._currency = self._currency or currency
        elif tag in ("28C", "28"):
            self._sequence, self._page = read_number(text)
        elif tag == "13D":
            self._created = text.strip()
        elif tag in ("60F", "60M", "62F", "62M", "64", "65"):
            yield from self._balance(field)
        elif tag in ("34F", "90D", "90C"):
            yield from self._totals(field)
        elif tag not in ("21", "86", "NS"):
            yield problem("F-SKIPPED", f"field :{tag}: {excerpt(text)!r} is not known", _at(field))

    def _balance(self, field: Field) -> Iterator[Event]:
        try:
            stated = read_balance(field.text)
        except ValueError:
            severity = "warning" if field.tag in _AVAILABLE else None
            message = f"the balance {excerpt(field.text)!r} cannot be read"
            yield problem("F-FIELD", message, _at(field), severity=severity)  # type: ignore[arg-type]
            return
        self._currency = stated.currency or self._currency
        if field.tag in ("60F", "60M"):
            self._opening = stated
        elif field.tag in ("62F", "62M"):
            self._closing, self._last_page, self._place = stated, field.tag == "62F", _at(field)
        else:
            currency = self._currency or ""
            self._more.append(Balance(_AVAILABLE[field.tag], stated.amount, currency, reference_date=stated.date))

    def _totals(self, field: Field) -> Iterator[Event]:
        try:
            if field.tag == "34F":
                self._currency, floor = read_floor(field.text)
                self._complete = self._complete and not floor
            else:
                count, currency, total = read_sum(field.text)
                self._currency = self._currency or currency
                self._sums[field.tag], self._sums_place = (count, total), _at(field)
        except ValueError:
            yield problem("F-FIELD", f":{field.tag}: {excerpt(field.text)!r} cannot be read", _at(field))

    # --- head and tail -------------------------------------------------------------------------------------------

    def _head(self) -> Iterator[Event]:
        if self._said_head:
            return
        self._said_head = True
        number = account_number(self._hints.account or "")
        account = self._account
        if account is None or not account.number:
            if not number:
                raise fail("F-ACCOUNT", "the statement has no account number in :25:", self._position)
            account = FileAccount("", iban=number if is_valid_iban(number) else None, other=number)
        currency = self._currency or self._hints.currency
        if not currency:
            self._held = []
        self._account = account = replace(account, currency=currency or "")
        if currency:
            yield self._make_head(account)

    def _make_head(self, account: FileAccount) -> StatementHead:
        opening = self._opening and Balance(
            "openingBooked", self._opening.amount, account.currency, reference_date=self._opening.date
        )
        return StatementHead(
            0, account, self._position, "statement" if self._form == "mt940" else "report", self._reference,
            self._sequence, None, self._page, None, None, None, "none", self._complete, opening,
        )  # fmt: skip

    def end(self) -> Iterator[Event]:
        """The rows that still wait, and the tail."""
        yield from self._head()
        yield from self._flush()
        account = self._account
        assert account is not None
        if self._held is not None:
            if not self._currency:
                raise fail("F-ACCOUNT", "the statement does not say its currency", self._position)
            account = replace(account, currency=self._currency)
            yield self._make_head(account)
            yield from (_with_currency(entry, self._currency) for entry in self._held)
        if self._undated:
            message = f"{self._undated} entries have no entry date; the value date was taken"
            yield problem("F-DATE", message, self._position)
        if self._form == "mt942" and not self._sums:
            message = "the totals :90D: and :90C: are missing, so nothing proves that all rows are there"
            yield problem("F-UNPROVED", message, self._place)
        yield StatementTail(
            tuple(self._balances(account.currency)), self._stated_totals(), self._seen, self._emitted,
            self._seen - self._emitted, self._last_page, self._place, self._complete,
        )  # fmt: skip

    def _balances(self, currency: str) -> Iterator[Balance]:
        for name, stated in (("openingBooked", self._opening), ("closingBooked", self._closing)):
            if stated is not None:
                yield Balance(name, stated.amount, stated.currency or currency, reference_date=stated.date)
        yield from self._more

    def _stated_totals(self) -> Totals | None:
        if not self._sums:
            return None
        debits, credits = self._sums.get("90D", (None, None)), self._sums.get("90C", (None, None))
        return Totals(None, credits[0], credits[1], debits[0], debits[1], position=self._sums_place)

    # --- entries -------------------------------------------------------------------------------------------------

    def _begin_entry(self, field: Field) -> Iterator[Problem]:
        self._seen += 1
        position = Position(None, field.line, None, "61", None, str(self._seen))
        found = _ENTRY.fullmatch(field.text)
        if found is None:
            yield problem("F-SYNTAX", f"the entry {excerpt(field.text)!r} is not of the form of :61:", position)
            return
        value, booked, mark, _, amount, kind, references, supplementary = found.groups()
        currency = self._currency or ""
        try:
            number = amount_of(amount, currency)
            value_date = yymmdd(value)
            day = value_date.day
            if day is None:
                raise ValueError("no date")
            booking = nearest_mmdd(booked, day) if booked else value_date
        except ValueError:
            shown = excerpt(field.text)
            yield problem("F-FIELD", f"date or amount of the entry {shown!r} cannot be read", position)
            return
        if value_date.corrected or booking.corrected:
            yield problem(
                "F-DATE", f"a date of {excerpt(field.text)!r} does not exist; the month's last day was taken", position
            )
        if (currency != "EUR" or amount[-3:-2] != ",") and exceeds(number, currency or "EUR") and mark[0] != "E":
            yield problem("F-SCALE", f"{excerpt(amount)} has more decimals than {currency}", position)
        self._undated += not booking.day or not booked
        raw: dict[str, str] = {}
        values: dict[str, Any] = {
            "amount": number if _SIGNS[mark] > 0 else -number,
            "currency": currency,
            "booking_date": booking.day or day,
            "value_date": day,
            "raw": raw,
            "position": position,
            "proprietary_bank_transaction_code": kind.rstrip(),
        }
        if len(mark) == 2:
            values |= {"booking_status": "pending"} if mark[0] == "E" else {"reversal": True}
        if self._form == "mt942":
            values["provisional"] = True
        self._references(references, values, raw)
        if supplementary:
            raw["61/supplementary"] = supplementary
        self._waiting = values, raw

    def _references(self, text: str, values: dict[str, Any], raw: dict[str, str]) -> None:
        customer, _, bank = text.partition("//")
        found = []
        bank, customer = tidy(bank), tidy(customer)
        if bank:
            if passes_gate(bank, self._seen):
                values["entry_reference"] = bank
                found.append(("mt940Bank", bank))
            else:
                raw["61/bank reference"] = bank
        if customer:
            if passes_gate(customer, self._seen):
                found.append(("mt940Customer", customer))
            else:
                raw["61/customer reference"] = customer
        if found:
            values["references"] = tuple(found)

    def _flush(self) -> Iterator[Entry]:
        if self._waiting is None:
            return
        values, _ = self._waiting
        self._waiting = None
        creditor = (values["amount"] < 0) != ("reversal" in values)
        side = "creditor" if creditor else "debtor"
        pop = values.pop
        for key in ("name", "account", "agent"):
            text = pop(key, None)
            if text:
                values[f"{side}_{key}"] = text
        code = pop("gvc", None)
        if code:
            values["proprietary_bank_transaction_code"] += f"+{code}"
        reference = pop("customer_reference", None)
        if reference and passes_gate(reference, self._seen):
            pair = ("mt940Customer", reference)
            known = values.get("references", ())
            values["references"] = known if pair in known else (*known, pair)
        self._emitted += 1
        entry: Entry = Entry.from_values(values)  # type: ignore[assignment]
        if self._held is not None:
            self._held.append(entry)
        else:
            yield entry


def _at(field: Field) -> Position:
    return Position(line=field.line, tag=field.tag)


def _with_currency(entry: Entry, currency: str) -> Entry:
    return replace(entry, currency=currency)
