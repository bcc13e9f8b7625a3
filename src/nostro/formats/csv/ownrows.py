"""Rows of the table that Nostro itself writes, read back (formats.md 7)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from decimal import Decimal
from operator import itemgetter
from typing import Any

from nostro.core.money import MoneyError, parse_currency
from nostro.formats.amounts import exceeds
from nostro.formats.csv.figures import with_decimals
from nostro.formats.csv.grouping import StatementKey, Statements
from nostro.formats.csv.layout import Layout
from nostro.formats.csv.own import ACCOUNT_KINDS, DATES, FIELD_OF, FIGURES, READERS, STATEMENT_COLUMNS, unguarded
from nostro.formats.csv.sheets import Cell, Place, Row
from nostro.formats.limits import MAX_TEXT
from nostro.formats.problems import FormatError, excerpt, fail, problem
from nostro.formats.values import Entry, Event, FileAccount


class OwnRows:
    """Reads the rows below the header. ``is_guarded`` if an apostrophe stands before what looks like a formula."""

    def __init__(self, layout: Layout, place: Place, *, is_guarded: bool) -> None:
        self._place = place
        at = {name: position for position, name in enumerate(layout.names)}
        self._fields = [(at[name], name, FIELD_OF[name]) for name in layout.names if name in FIELD_OF]
        self._amount, self._currency, self._balance = at["amount"], at["currency"], at["runningBalance"]
        self._account_currency = at["accountCurrency"]
        self._key_of = itemgetter(*(at[name] for name in STATEMENT_COLUMNS))
        self._width = len(layout.names)
        self._is_guarded = is_guarded
        self._statements = Statements("oldest")
        self._keys: dict[tuple[Cell, ...], StatementKey] = {}

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
        if len(row.cells) < self._width:
            row = Row(row.line, [*row.cells, *[""] * (self._width - len(row.cells))])
        key, place = self._key(row), self._place(row)
        balance = self._value(row, self._balance, "runningBalance", "amount")
        if row.cells[self._amount] == "":
            yield from self._statements.begin(key, place)
            if balance is not None:
                self._statements.state(balance)
            return
        values: dict[str, Any] = {"raw": {}, "position": place}
        cells = row.cells
        for at, name, field in self._fields:
            if cells[at] != "":
                values[field] = self._value(row, at, name, field)
        if "currency" not in values or "booking_status" not in values:
            raise fail("F-FIELD", "currency or bookingStatus is missing", place)
        entry: Entry = Entry.from_values(values)  # type: ignore[assignment]
        if entry.booking_status == "booked" and exceeds(entry.amount, entry.currency):
            yield problem("F-SCALE", f"{entry.amount} has more decimals than {entry.currency}", place)
        yield from self._statements.add(key, entry, balance, place)
        if balance is not None:
            self._statements.state(balance)

    def _value(self, row: Row, at: int, name: str, field: str) -> Any:
        cell = row.cells[at]
        if not isinstance(cell, str):
            if isinstance(cell, Decimal) and field in FIGURES:
                return with_decimals(cell, str(row.cells[self._currency] or row.cells[self._account_currency]))
            if isinstance(cell, dt.date) and field in DATES:
                return cell
            cell = format(cell, "f") if isinstance(cell, Decimal) else cell.isoformat()
        elif len(cell) > MAX_TEXT:
            raise fail("F-TOO-LARGE", f"the cell has more than {MAX_TEXT} characters", self._place(row, at))
        elif cell[:1] == "'" and self._is_guarded:
            cell = unguarded(cell)
        if not cell:
            return None
        reader = READERS.get(field)
        if reader is None:
            return cell
        try:
            return reader(cell)
        except (ValueError, MoneyError):
            raise fail("F-FIELD", f"{excerpt(cell)!r} is no {name}", self._place(row, at)) from None

    def _key(self, row: Row) -> StatementKey:
        cells: tuple[Cell, ...] = self._key_of(row.cells)
        known = self._keys.get(cells)
        return known or self._new_key(row, cells)

    def _new_key(self, row: Row, cells: tuple[Cell, ...]) -> StatementKey:
        texts = [format(cell, "f") if isinstance(cell, Decimal) else str(cell) for cell in cells]
        number, kind, currency, owner, index, statement, sequence = (
            unguarded(text) if self._is_guarded else text for text in texts
        )
        if kind not in ACCOUNT_KINDS or not number:
            raise fail("F-ACCOUNT", f"{excerpt(kind)!r} is no kind of account number", self._place(row))
        try:
            account = FileAccount(parse_currency(currency), owner_name=owner or None, **{kind: number})
        except MoneyError:
            raise fail("F-ACCOUNT", f"{excerpt(currency)!r} is no currency", self._place(row)) from None
        self._keys = {cells: StatementKey(account, statement, sequence, index)}
        return self._keys[cells]
