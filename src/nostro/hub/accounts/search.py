"""One list over all accounts of an organization: filters, two orders, keyset pages in both directions, CSV.

Pages are cut by key, never by offset, so the thousandth page costs what the first does and new rows shift nothing.
"""

from __future__ import annotations

import csv
import io
import re
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from django.db import connection, transaction

from nostro.core.text import neutralise_formula
from nostro.hub.accounts.models import Transaction
from nostro.hub.organizations.models import Organization
from nostro.web.errors import Problem

PAGE_SIZE = 50
MAX_PAGE_SIZE = 500
#: No amount is longer; PostgreSQL refuses figures of more than 131,072 digits.
MAX_DIGITS = 40
#: Rows fetched at once for a download, and the most a download may hold.
CSV_ROWS_AT_ONCE = 2_000
MAX_CSV_ROWS = 1_000_000

Direction = Literal["credit", "debit"]
SortKey = Literal["date", "amount"]
_BIG_ENDIAN_DAY = "coalesce(t.booking_date, t.value_date, date '0001-01-01')"
_TEXT_COLUMNS = (
    "t.counterpart_name",
    "t.remittance_information",
    "t.counterpart_reference",
    "t.entry_reference",
    "t.end_to_end_id",
    "t.additional_information",
    "t.mandate_id",
    "t.creditor_id",
)


@dataclass(frozen=True, slots=True)
class Filters:
    """Which rows. Amounts are compared without their sign; both ends of dates and amounts are included, unless
    ``amount_above`` or ``amount_below`` say that the bound itself is not meant. Every word must occur."""

    is_sandbox: bool = False
    account_ids: tuple[uuid.UUID, ...] = ()
    date_from: date | None = None
    date_to: date | None = None
    amount_from: Decimal | None = None
    amount_to: Decimal | None = None
    amount_above: bool = False
    amount_below: bool = False
    direction: Direction | None = None
    words: tuple[str, ...] = ()

    def conditions(self, organization: Organization) -> tuple[str, list[Any]]:
        """SQL over the table ``t`` and its parameters; always bound to the organization."""
        parts: list[str] = [
            "t.organization_id = %s",
            "t.removed_at IS NULL",
            "t.account_id IN (SELECT id FROM accounts_account WHERE organization_id = %s AND is_sandbox = %s"
            " AND is_selected AND removed_at IS NULL)",
        ]
        parameters: list[Any] = [organization.pk, organization.pk, self.is_sandbox]

        def add(part: str, *values: Any) -> None:
            parts.append(part)
            parameters.extend(values)

        if self.account_ids:
            add("t.account_id = ANY(%s)", list(self.account_ids))
        if self.date_from:
            add("t.booking_date >= %s", self.date_from)
        if self.date_to:
            add("t.booking_date <= %s", self.date_to)
        if self.amount_from is not None:
            add(f"abs(t.amount) {'>' if self.amount_above else '>='} %s", self.amount_from)
        if self.amount_to is not None:
            add(f"abs(t.amount) {'<' if self.amount_below else '<='} %s", self.amount_to)
        if self.direction:
            add("t.amount >= 0" if self.direction == "credit" else "t.amount < 0")
        for word in self.words:
            add(*_word_condition(word))
        return " AND ".join(parts), parameters


def _word_condition(word: str) -> tuple[str, *tuple[Any, ...]]:
    """The word in any text; a number of account or reference also where the bank wrote it with other separators."""
    pattern = f"%{_escaped(word)}%"
    conditions = [f"{column} ILIKE %s" for column in _TEXT_COLUMNS]
    values: list[Any] = [pattern] * len(_TEXT_COLUMNS)
    conditions.append("EXISTS (SELECT FROM unnest(t.remittance_structured) s WHERE s ILIKE %s)")
    values.append(pattern)
    compact = re.sub(r"[^0-9A-Za-z]", "", word)
    if len(compact) >= 4 and any(map(str.isdigit, compact)):
        conditions += [
            "regexp_replace(t.counterpart_reference, '[^0-9A-Za-z]', '', 'g') ILIKE %s",
            "regexp_replace(t.remittance_information, '[^0-9A-Za-z]', '', 'g') ILIKE %s",
        ]
        values += [f"%{compact}%"] * 2
    return f"({' OR '.join(conditions)})", *values


def _escaped(word: str) -> str:
    return re.sub(r"([\\%_])", r"\\\1", word)


@dataclass(frozen=True, slots=True)
class Sort:
    """By booking date or by amount; ``descending`` puts the newest or the largest first."""

    key: SortKey = "date"
    descending: bool = True

    @property
    def column(self) -> str:
        return _BIG_ENDIAN_DAY if self.key == "date" else "t.amount"


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in a list: the values of the row at its edge. ``str`` and :meth:`parse` are for addresses of pages."""

    value: str
    sequence: int
    backwards: bool = False

    def __str__(self) -> str:
        return f"{'before' if self.backwards else 'after'}:{self.value}:{self.sequence}"

    @classmethod
    def parse(cls, text: str, sort: Sort) -> Cursor | None:
        """Read a cursor from an address; ``None`` for an empty text. Raises Problem ``invalidCursor``."""
        if not text:
            return None
        try:
            direction, value, sequence = text.split(":")
            cursor = cls(value, int(sequence), {"before": True, "after": False}[direction])
            cursor.key(sort)
        except (ValueError, KeyError, InvalidOperation):
            raise Problem(
                "This place in the list does not exist.",
                why="The address was changed or belongs to another order of the list.",
                what_to_do="Start again from the first page.",
                code="invalidCursor",
            ) from None
        return cursor

    def key(self, sort: Sort) -> date | Decimal:
        if not 0 <= self.sequence < 2**63 or len(self.value) > 60:
            raise ValueError("no place of a list")
        if sort.key == "date":
            return date.fromisoformat(self.value)
        amount = Decimal(self.value)
        if not amount.is_finite() or abs(amount.adjusted()) > MAX_DIGITS:
            raise ValueError("no amount")
        return amount


@dataclass(frozen=True, slots=True)
class TransactionPage:
    """``rows`` with their accounts; ``next`` and ``previous`` lead to the neighbouring pages, ``None`` at the ends."""

    rows: list[Transaction]
    next: Cursor | None
    previous: Cursor | None


def search_transactions(
    organization: Organization,
    filters: Filters,
    sort: Sort = Sort(),
    cursor: Cursor | None = None,
    limit: int = PAGE_SIZE,
) -> TransactionPage:
    """One page of the organization's booked transactions. ``organization`` has passed access_organization."""
    limit = max(1, min(limit, MAX_PAGE_SIZE))
    ids = _page_of_ids(organization, filters, sort, cursor, limit + 1)
    backwards = cursor is not None and cursor.backwards
    more = len(ids) > limit
    ids = ids[:limit]
    if backwards:
        ids.reverse()
    found = Transaction.objects.select_related("account__institution").in_bulk(ids)
    rows = [found[each] for each in ids if each in found]
    if not rows:
        return TransactionPage([], None, None)
    has_next, has_previous = (True, more) if backwards else (more, cursor is not None)
    return TransactionPage(
        rows,
        _cursor(rows[-1], sort, backwards=False) if has_next else None,
        _cursor(rows[0], sort, backwards=True) if has_previous else None,
    )


def _cursor(row: Transaction, sort: Sort, *, backwards: bool) -> Cursor:
    day = row.booking_date or row.value_date or date.min
    return Cursor(day.isoformat() if sort.key == "date" else format(row.amount, "f"), row.sequence, backwards)


def _page_of_ids(
    organization: Organization, filters: Filters, sort: Sort, cursor: Cursor | None, limit: int
) -> list[uuid.UUID]:
    statement, parameters = _statement("t.id", organization, filters, sort, cursor)
    with connection.cursor() as database:
        database.execute(f"{statement} LIMIT %s", [*parameters, limit])
        return [row[0] for row in database.fetchall()]


def _statement(
    columns: str, organization: Organization, filters: Filters, sort: Sort, cursor: Cursor | None
) -> tuple[str, list[Any]]:
    where, parameters = filters.conditions(organization)
    descending = sort.descending != (cursor is not None and cursor.backwards)
    if cursor is not None:
        where += f" AND ({sort.column}, t.sequence) {'<' if descending else '>'} (%s, %s)"
        parameters += [cursor.key(sort), cursor.sequence]
    order = "DESC" if descending else "ASC"
    return (
        f"SELECT {columns} FROM accounts_transaction t WHERE {where}"  # noqa: S608 - columns and orders are our own
        f" ORDER BY {sort.column} {order}, t.sequence {order}",
        parameters,
    )


# --- download
# ----------------------------------------------------------------------------------------------------------

_CSV_COLUMNS = {
    "Booking date": "t.booking_date",
    "Value date": "t.value_date",
    "Amount": "t.amount",
    "Currency": "t.currency",
    "Counterparty": "t.counterpart_name",
    "Counterparty account": "t.counterpart_reference",
    "Remittance information": "t.remittance_information",
    "End-to-end id": "t.end_to_end_id",
    "Bank reference": "t.entry_reference",
    "Account": "(SELECT reference FROM accounts_account a WHERE a.id = t.account_id)",
    "Transaction id": "t.id",
}


def csv_rows(organization: Organization, filters: Filters, sort: Sort = Sort()) -> Iterator[str]:
    """The list as CSV, in pieces of text, head first. Rows come from a server-side cursor, so memory stays flat.

    Amounts are plain decimal figures with a point; texts that a spreadsheet would execute get an apostrophe in front.
    """
    yield _csv([list(_CSV_COLUMNS)])
    statement, parameters = _statement(", ".join(_CSV_COLUMNS.values()), organization, filters, sort, None)
    name = f"csv_{uuid.uuid4().hex}"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DECLARE {name} NO SCROLL CURSOR FOR {statement}", parameters)
        for _ in range(MAX_CSV_ROWS // CSV_ROWS_AT_ONCE):
            cursor.execute(f"FETCH {CSV_ROWS_AT_ONCE} FROM {name}")
            rows = cursor.fetchall()
            if not rows:
                break
            yield _csv([[_cell(value) for value in row] for row in rows])
        cursor.execute(f"CLOSE {name}")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value, "f")
    return neutralise_formula(str(value))


def _csv(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue()
