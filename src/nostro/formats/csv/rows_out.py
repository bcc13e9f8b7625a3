"""Outgoing statements as rows of the table Nostro writes: CSV and XLSX share them (formats.md 7)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from nostro.formats.csv.own import ACCOUNT_KINDS, FIELDS, STATEMENT_COLUMNS, cell_of, column_of
from nostro.formats.csv.sheets import Cell
from nostro.formats.problems import WriteError
from nostro.formats.values import Entry
from nostro.formats.writing import Outgoing, OutgoingStatement

_ALWAYS = ("booking_date", "amount", "currency", "booking_status")
_LOST = ("details", "raw")


def lossy_fields(outgoing: Outgoing) -> Iterable[str]:
    """A table has one row for an entry: details and unmapped fields are left out."""
    for statement in outgoing.statements:
        for entry in statement.entries:
            yield from (name for name in _LOST if getattr(entry, name))


def used_fields(outgoing: Outgoing) -> tuple[str, ...]:
    """The fields that some row has, in the order of the columns."""
    used = set(_ALWAYS)
    for statement in outgoing.statements:
        for entry in statement.entries:
            used.update(name for name in FIELDS if name not in used and cell_of(name, getattr(entry, name)) is not None)
            if len(used) == len(FIELDS):
                return FIELDS
    return tuple(name for name in FIELDS if name in used)


def header(fields: Iterable[str]) -> list[str]:
    """The names of the columns."""
    return [*STATEMENT_COLUMNS, *map(column_of, fields), "runningBalance"]


def rows(outgoing: Outgoing, fields: tuple[str, ...]) -> Iterator[list[Cell | None]]:
    """One row per entry, one without an amount for a statement that has none. Text is not guarded yet."""
    for number, statement in enumerate(outgoing.statements, 1):
        yield from _statement(statement, number, fields)


def _statement(statement: OutgoingStatement, number: int, fields: tuple[str, ...]) -> Iterator[list[Cell | None]]:
    head, account = statement.head, statement.head.account
    kind = next((name for name in ACCOUNT_KINDS if getattr(account, name)), None)
    if kind is None:
        raise WriteError("a table needs the number of the account")
    begin: list[Cell | None] = [
        account.number, kind, account.currency, account.owner_name, str(number), head.statement_id, head.sequence,
    ]  # fmt: skip
    balance = statement.opening.amount if statement.opening is not None else None
    is_empty = True
    for entry in statement.entries:
        is_empty = False
        balance = _after(entry, balance, account.currency)
        yield [*begin, *(cell_of(name, getattr(entry, name)) for name in fields), balance]
    if is_empty:
        yield [*begin, *[None] * len(fields), balance]


def _after(entry: Entry, balance: Decimal | None, currency: str) -> Decimal | None:
    if balance is None or entry.booking_status != "booked" or entry.currency != currency:
        return balance
    return balance + entry.amount
