"""Rows of the table that Nostro itself writes, read back (formats.md 7)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from nostro.core.money import MoneyError, parse_currency
from nostro.formats.amounts import exceeds
from nostro.formats.csv.figures import with_decimals
from nostro.formats.csv.grouping import StatementKey, Statements
from nostro.formats.csv.layout import Layout
from nostro.formats.csv.own import ACCOUNT_KINDS, FIELD_OF, STATEMENT_COLUMNS, unguarded, value_of
from nostro.formats.csv.sheets import Cell, Place, Row
from nostro.formats.limits import MAX_TEXT
from nostro.formats.problems import FormatError, excerpt, fail, problem
from nostro.formats.values import Entry, Event, FileAccount


class OwnRows:
    """Reads the rows below the header. ``is_guarded`` if an apostrophe stands before what looks like a formula."""

    def __init__(self, layout: Layout, place: Place, *, is_guarded: bool) -> None:
        self._place = place
        self._columns = [(at, name, FIELD_OF.get(name)) for at, name in enumerate(layout.names)]
        self._at = {name: at for at, name, _ in self._columns}
        self._is_guarded = is_guarded
        self._statements = Statements("oldest")
        self._keys: dict[tuple[str, ...], StatementKey] = {}

    def read(self, rows: Iterable[Row]) -> Iterator[Event]:
        """All events of the table."""
        for row in rows:
            try:
                yield from self._row(row)
            except FormatError as error:
                if error.problem.code != "F-FIELD":
                    raise
                self._statements.skip()
                yield error.problem
        yield from self._statements.end()

    def _row(self, row: Row) -> Iterator[Event]:
        key, place = self._key(row), self._place(row)
        balance = self._value(row, "runningBalance", "amount")
        if not self._text(row, "amount"):
            yield from self._statements.begin(key, place)
            if balance is not None:
                self._statements.state(balance)
            return
        values: dict[str, Any] = {"raw": {}, "position": place}
        for _, name, field in self._columns:
            if field is not None:
                value = self._value(row, name, field)
                if value is not None:
                    values[field] = value
        if "currency" not in values or "booking_status" not in values:
            raise fail("F-FIELD", "currency or bookingStatus is missing", place)
        entry: Entry = Entry.from_values(values)  # type: ignore[assignment]
        if entry.booking_status == "booked" and exceeds(entry.amount, entry.currency):
            yield problem("F-SCALE", f"{entry.amount} has more decimals than {entry.currency}", place)
        yield from self._statements.add(key, entry, balance, place)
        if balance is not None:
            self._statements.state(balance)

    def _value(self, row: Row, name: str, field: str) -> Any:
        at = self._at[name]
        cell: Cell = row.cells[at] if at < len(row.cells) else ""
        if isinstance(cell, Decimal) and field in ("amount", "fee", "balance_after_transaction"):
            return with_decimals(cell, self._text(row, "currency") or self._text(row, "accountCurrency"))
        if isinstance(cell, dt.date) and field.endswith("_date"):
            return cell
        text = self._read(cell, row, at)
        if not text:
            return None
        try:
            return value_of(field, text)
        except (ValueError, MoneyError):
            raise fail("F-FIELD", f"{excerpt(text)!r} is no {name}", self._place(row, at)) from None

    def _text(self, row: Row, name: str) -> str:
        at = self._at[name]
        return self._read(row.cells[at] if at < len(row.cells) else "", row, at)

    def _read(self, cell: Cell, row: Row, at: int) -> str:
        if not isinstance(cell, str):
            return format(cell, "f") if isinstance(cell, Decimal) else cell.isoformat()
        if len(cell) > MAX_TEXT:
            raise fail("F-TOO-LARGE", f"the cell has more than {MAX_TEXT} characters", self._place(row, at))
        return unguarded(cell) if self._is_guarded and cell[:1] == "'" else cell

    def _key(self, row: Row) -> StatementKey:
        texts = tuple(self._text(row, name) for name in STATEMENT_COLUMNS)
        if texts not in self._keys:
            number, kind, currency, owner, index, statement, sequence = texts
            if kind not in ACCOUNT_KINDS or not number:
                raise fail("F-ACCOUNT", f"{excerpt(kind)!r} is no kind of account number", self._place(row))
            try:
                account = FileAccount(parse_currency(currency), owner_name=owner or None, **{kind: number})
            except MoneyError:
                raise fail("F-ACCOUNT", f"{excerpt(currency)!r} is no currency", self._place(row)) from None
            self._keys = {texts: StatementKey(account, statement, sequence, index)}
        return self._keys[texts]
