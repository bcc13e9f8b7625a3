"""The streaming reader of CAMT messages on expat (formats.md 6.1, 4).

``machine.py`` puts the text of each leaf under its key. Where a statement, balance, entry or detail ends, a value is
made here of what was collected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from nostro.core.transactions import Balance
from nostro.formats.amounts import amount_of
from nostro.formats.camt.entries import FieldError, Statement, entry_of
from nostro.formats.camt.machine import Machine, Raw, Values
from nostro.formats.camt.paths import container_of
from nostro.formats.dates import iso_date
from nostro.formats.limits import MAX_DETAILS
from nostro.formats.problems import FormatError, excerpt, fail, problem
from nostro.formats.streams import Source
from nostro.formats.texts import account_number, is_valid_iban, tidy
from nostro.formats.values import (
    NOWHERE,
    Copy,
    Event,
    FileAccount,
    FileHead,
    Position,
    StatementHead,
    StatementKind,
    StatementTail,
    Totals,
)

#: Below the limit of a text, so that a longer one is noticed before it is whole.
_BLOCK = 16 * 1024
_VERSION = re.compile(r"camt\.05[234]\.\d{3}\.(\d\d)")
_TESTED = range(2, 14)

_COPIES: dict[str, Copy] = {"COPY": "copy", "CODU": "duplicate", "DUPL": "duplicate"}
_BALANCE_TYPES = {
    "CLBD": "closingBooked",
    "OPBD": "openingBooked",
    "ITBD": "interimBooked",
    "ITAV": "interimAvailable",
    "FWAV": "forwardAvailable",
    "XPCD": "expected",
}


def read(source: Source) -> Iterator[Event]:
    """The events of a CAMT file."""
    yield from _Reading(source).run()


@dataclass(slots=True)
class _Open:
    """The statement being read; ``head`` is given out at the first entry, or at the end."""

    values: Values
    raw: Raw
    place: str
    position: Position
    kind: StatementKind
    balances: list[Balance] = field(default_factory=list)
    context: Statement | None = None
    seen: int = 0


class _Reading:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._hints = source.hints
        self._events: list[Event] = []
        self._machine = Machine(
            {
                "container": (self._begin_container, self._end_container),
                "statement": (self._begin_statement, self._end_statement),
                "balance": (self._begin_balance, self._end_balance),
                "entry": (self._begin_entry, self._end_entry),
                "detail": (self._begin_detail, self._end_detail),
            },
            self._find_version,
            source.encoding,
        )
        self._version, self._format = "", source.survey.format or "camt.053"
        self._kind: StatementKind = "statement"
        self._container: Values = {}
        self._said_head = False
        self._open: _Open | None = None
        self._details: list[tuple[Values, Raw]] = []
        self._balance: Values = {}
        self._entry: tuple[Values, Raw] = ({}, {})
        self._entry_position = NOWHERE
        self._places: dict[str, int] = {}

    def run(self) -> Iterator[Event]:
        """Feed the file block by block and give what came of each."""
        events, machine = self._events, self._machine
        try:
            for block in self._blocks():
                machine.feed(block)
                if events:
                    yield from events
                    events.clear()
            machine.feed(b"", final=True)
        except FormatError:
            yield from events
            raise
        yield from events
        if not self._said_head:
            raise fail("F-TRUNCATED", "the file has no statement in it")

    def _blocks(self) -> Iterator[bytes | str]:
        """Bytes where expat reads the encoding by itself, which is what nearly all files are in; else text."""
        if self._source.encoding == "utf-8" and not self._source.survey.mixed:
            return self._source.blocks(_BLOCK)
        return self._source.texts(_BLOCK)

    def _collect(self, values: Values, raw: Raw) -> None:
        self._machine.values, self._machine.raw = values, raw

    def _here(self, path: str | None = None) -> Position:
        return self._machine.here(path)

    # --- container -----------------------------------------------------------------------------------------------

    def _find_version(self, attributes: str) -> None:
        found = _VERSION.search(attributes)
        if found:
            self._version = found.group()
            if int(found.group(1)) not in _TESTED:
                message = f"{found.group()} is outside the tested versions 02 to 13"
                self._events.append(problem("F-VERSION", message, self._here()))

    def _begin_container(self) -> None:
        self._format, self._kind = container_of(self._machine.node.full)
        self._container, self._said_head = {}, False
        self._collect(self._container, {})

    def _end_container(self) -> None:
        self._say_head()
        self._collect({}, {})

    def _say_head(self) -> None:
        if not self._said_head:
            self._said_head = True
            get = self._container.get
            self._events.append(
                FileHead(
                    self._format, self._version or self._format, "", self._source.encoding,
                    _short(get("message_id")), _short(get("created")),
                )
            )  # fmt: skip

    # --- statement -----------------------------------------------------------------------------------------------

    def _begin_statement(self) -> None:
        self._say_head()
        full = self._machine.node.full
        count = self._places[full] = self._places.get(full, 0) + 1
        place = f"{full}[{count}]"
        self._open = _Open({}, {}, place, self._here(place), self._kind)
        self._collect(self._open.values, self._open.raw)

    def _statement(self) -> _Open:
        assert self._open is not None
        return self._open

    def _head(self, open_: _Open) -> StatementHead:
        get = open_.values.get
        account = self._account(open_)
        opening = next((b for b in open_.balances if b.balance_type == "openingBooked"), None)
        opening = opening or next((b for b in open_.balances if b.balance_type == "other:PRCD"), None)
        copy: Copy = _COPIES.get(get("copy", ""), "none")
        page = get("page", "")
        day = self._day(get("to") or get("created"), open_)
        provisional = open_.kind == "report" or (
            open_.kind == "notification" and self._hints.profile.get("notifications_are_entries") == "yes"
        )
        open_.context = Statement(account.currency, account.number, provisional, day)
        return StatementHead(
            0, account, open_.position, open_.kind, _short(get("id")), _short(get("sequence")), _short(get("legal")),
            int(page) if page.isascii() and page.isdigit() and len(page) < 7 else None, _truth(get("last")),
            self._day(get("from"), open_), self._day(get("to"), open_), copy, open_.kind == "statement", opening,
        )  # fmt: skip

    def _day(self, text: str | None, open_: _Open) -> Any:
        try:
            return iso_date(text).day if text else None
        except ValueError:
            message = f"the date {excerpt(text or '')!r} of the statement is not a date"
            self._events.append(problem("F-DATE", message, open_.position))
            return None

    def _account(self, open_: _Open) -> FileAccount:
        get = open_.values.get
        number = account_number(get("iban") or get("other") or self._hints.account or "")
        iban = number if get("iban") or is_valid_iban(number) else None
        currency = get("currency") or ""
        if currency in ("", "XXX"):
            stated = {balance.currency for balance in open_.balances}
            entry_currency = self._entry[0].get("amount text@")
            stated |= {entry_currency} if entry_currency and not stated else set()
            currency = stated.pop() if len(stated) == 1 else self._hints.currency or ""
        if not number or not currency:
            missing = "number" if not number else "currency"
            raise fail("F-ACCOUNT", f"the statement does not say the {missing} of its account", open_.position)
        owner, name = get("owner"), get("name")
        return FileAccount(
            currency, iban=iban, other=None if iban else number, bic=get("bic"),
            owner_name=tidy(owner) if owner else None, display_name=tidy(name) if name else None,
        )  # fmt: skip

    def _end_statement(self) -> None:
        open_ = self._statement()
        if open_.context is None:
            self._events.append(self._head(open_))
        try:
            totals = _totals(open_.values, open_.position)
        except ValueError:
            totals = None
            self._events.append(problem("F-FIELD", "TxsSummry cannot be read", open_.position, severity="warning"))
        self._events.append(
            StatementTail(
                tuple(open_.balances), totals, open_.seen, open_.seen, 0, None, self._here(open_.place),
                complete=open_.kind == "statement",
            )
        )  # fmt: skip
        self._open = None
        self._collect({}, {})

    # --- balance -------------------------------------------------------------------------------------------------

    def _begin_balance(self) -> None:
        self._balance = {}
        self._collect(self._balance, {})

    def _end_balance(self) -> None:
        open_ = self._statement()
        get = self._balance.get
        code = get("type", "")
        place = self._here(f"{open_.place}/Bal")
        currency = get("amount@") or open_.values.get("currency") or ""
        try:
            amount = amount_of(get("amount", ""), currency)
            date = iso_date(get("date") or "").day
        except ValueError:
            shown = excerpt(f"{get('amount', '')} {get('date', '')}")
            self._events.append(problem("F-FIELD", f"the balance {shown!r} cannot be read", place))
            amount, date = Decimal(0), None
        if get("mark") not in ("CRDT", "DBIT"):
            self._events.append(problem("F-FIELD", "CdtDbtInd of the balance is not CRDT or DBIT", place))
        amount = -amount if get("mark") == "DBIT" else amount
        limit = _truth(get("limit")) is True
        name = _BALANCE_TYPES.get(code) or f"other:{code}"
        open_.balances.append(Balance(name, amount, currency, limit, date))
        self._collect(open_.values, open_.raw)

    # --- entry and detail ----------------------------------------------------------------------------------------

    def _begin_entry(self) -> None:
        open_ = self._statement()
        open_.seen += 1
        self._entry = ({}, {})
        self._details = []
        machine = self._machine
        self._entry_position = machine.at_entry(f"{open_.place}/Ntry[{open_.seen}]")
        machine.values, machine.raw = self._entry

    def _begin_detail(self) -> None:
        if len(self._details) >= MAX_DETAILS:
            raise fail("F-TOO-LARGE", f"an entry has more than {MAX_DETAILS} details", self._entry_position)
        detail: tuple[Values, Raw] = ({}, {})
        self._details.append(detail)
        self._machine.values, self._machine.raw = detail

    def _end_detail(self) -> None:
        self._machine.values, self._machine.raw = self._entry

    def _end_entry(self) -> None:
        open_ = self._statement()
        if open_.context is None:
            self._events.append(self._head(open_))
        context = open_.context
        assert context is not None
        context.ordinal, context.position = open_.seen, self._entry_position
        values, raw = self._entry
        try:
            entry = entry_of(values, raw, self._details, context)
        except FieldError as error:
            place = self._entry_position._replace(path=f"{self._entry_position.path}/{error.tag}")
            self._events.append(problem("F-FIELD", str(error), place))
        else:
            if self._hints.profile.get("turn_reversals") == "yes" and entry.reversal:
                entry.__dict__["amount"] = -entry.amount
            self._events.append(entry)
        if context.problems:
            self._events.extend(context.problems)
            context.problems.clear()
        self._collect(open_.values, open_.raw)


def _short(text: str | None) -> str | None:
    return tidy(text)[:256] if text else None


def _truth(text: str | None) -> bool | None:
    return {"true": True, "1": True, "false": False, "0": False}.get((text or "").lower())


def _totals(values: Values, position: Position) -> Totals | None:
    """``TxsSummry``; it only warns, because banks count details or pending entries there (formats.md 5.4)."""
    names = ("entries", "credits", "credit sum", "debits", "debit sum")
    if not any(name in values for name in names):
        return None
    entries, credits, credit_sum, debits, debit_sum = (values.get(name) for name in names)
    return Totals(
        int(entries) if entries else None, int(credits) if credits else None,
        amount_of(credit_sum, "") if credit_sum else None, int(debits) if debits else None,
        amount_of(debit_sum, "") if debit_sum else None, proving=False, position=position,
    )  # fmt: skip
