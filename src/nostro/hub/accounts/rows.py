"""Bank rows between their two forms: values of ``nostro.core`` and columns of the tables.

Rows are written by COPY, because Django's ``bulk_create`` is six to nine times slower (DESIGN.md section 3).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import Any, Protocol
from uuid import UUID

from django.db import connection

from nostro.core.identity import ReadRow
from nostro.core.payloads import payload_digest
from nostro.core.transactions import BankRow as ReadableRow
from nostro.core.transactions import Transaction as BankTransaction
from nostro.core.transactions import whole
from nostro.formats.parts import read_parts, stored_parts
from nostro.hub.accounts.models import Account, BankRow

#: Raised with every change of what a connector reads out of a payload, or of what identity makes of it
#: (``nostro.core.identity``): a stored row of an older version is then mapped and compared again.
MAPPING_VERSION = 1
CREATION_ORDER = "accounts_creation_order"

#: Column of the tables <- attribute of the core value, in the order of COPY.
_PLAIN = {
    "amount": "amount",
    "currency": "currency",
    "booking_date": "booking_date",
    "value_date": "value_date",
    "transaction_date": "transaction_date",
    "entry_reference": "entry_reference",
    "bank_transaction_id": "transaction_id",
    "end_to_end_id": "end_to_end_id",
    "mandate_id": "mandate_id",
    "creditor_id": "creditor_id",
    "check_id": "check_id",
    "fee": "fee",
    "creditor_name": "creditor_name",
    "creditor_account": "creditor_account",
    "creditor_agent": "creditor_agent",
    "ultimate_creditor": "ultimate_creditor",
    "debtor_name": "debtor_name",
    "debtor_account": "debtor_account",
    "debtor_agent": "debtor_agent",
    "ultimate_debtor": "ultimate_debtor",
    "additional_information": "additional_information",
    "purpose_code": "purpose_code",
    "bank_transaction_code": "bank_transaction_code",
    "proprietary_bank_transaction_code": "proprietary_bank_transaction_code",
    "merchant_category_code": "merchant_category_code",
    "masked_pan": "masked_pan",
    "batch_indicator": "batch_indicator",
    "batch_number_of_transactions": "batch_number_of_transactions",
    "balance_after_transaction": "balance_after_transaction",
    "counterpart_name": "counterparty_name",
    "counterpart_reference": "counterparty_account",
    "remittance_information": "remittance_information",
}
_OTHER = (
    "currency_exchange",
    "details",
    "remittance_unstructured",
    "remittance_structured",
    "digest",
    "identity_references",
    "content",
    "raw_answer_id",
    "mapping_version",
)
#: The columns that a bank's row fills, in the order of :func:`bank_values`.
BANK_COLUMNS = (*_PLAIN, *_OTHER)

#: The column that holds an attribute of the core value.
COLUMN_OF_FIELD = {attribute: column for column, attribute in _PLAIN.items()}

_DERIVED = frozenset(["counterpart_name", "counterpart_reference", "remittance_information"])
_plain_values = attrgetter(*_PLAIN.values())
_LIMITS = {name: getattr(BankRow._meta.get_field(name), "max_length", None) for name in _PLAIN}
# Positions of text columns with a limit; a longer text is cut, because the raw answer keeps the whole of it.
_LIMITED = tuple((position, limit) for position, limit in enumerate(_LIMITS.values()) if limit)


class ReadPage(Protocol):
    """One page of a read. ``rows`` may read a stored answer again, so that a long chain needs no memory."""

    @property
    def raw_answer_id(self) -> UUID | None: ...

    @property
    def days(self) -> Mapping[date | None, int]:
        """Number of rows for each booking date."""
        ...

    def rows(self) -> Sequence[ReadableRow]: ...


@dataclass(frozen=True, slots=True)
class PageInMemory:
    """A page whose rows are at hand."""

    transactions: tuple[ReadableRow, ...]
    raw_answer_id: UUID | None = None

    @property
    def days(self) -> dict[date | None, int]:
        days: dict[date | None, int] = {}
        for row in self.transactions:
            days[row.booking_date] = days.get(row.booking_date, 0) + 1
        return days

    def rows(self) -> tuple[ReadableRow, ...]:
        return self.transactions


def bank_values(row: ReadRow, raw_answer_id: UUID | None) -> list[Any]:
    """The values of :data:`BANK_COLUMNS` for one row."""
    transaction = whole(row.transaction)
    values = list(_plain_values(transaction))
    for position, limit in _LIMITED:
        text = values[position]
        if text is not None and len(text) > limit:
            values[position] = text[:limit]
    exchange = transaction.currency_exchange
    values += (
        json.dumps(exchange, default=_json_value) if exchange else None,
        json.dumps(stored_parts(transaction.details)) if transaction.details else None,
        list(transaction.remittance_information_unstructured),
        list(transaction.remittance_information_structured),
        payload_digest(transaction.raw),
        list(row.references),
        bytes.fromhex(row.content),
        raw_answer_id,
        MAPPING_VERSION,
    )
    return values


_ARRAYS = tuple(
    BANK_COLUMNS.index(name) for name in ("remittance_unstructured", "remittance_structured", "identity_references")
)


def copyable_bank_values(row: ReadRow, raw_answer_id: UUID | None) -> list[Any]:
    """The same values for :func:`copy_rows`, arrays as PostgreSQL writes them: the driver takes long for them."""
    values = bank_values(row, raw_answer_id)
    for position in _ARRAYS:
        values[position] = array_text(values[position])
    return values


def array_text(texts: Sequence[str]) -> str:
    """A text[] as PostgreSQL reads it."""
    if not texts:
        return "{}"
    return "{" + ",".join([_ARRAY_ITEM % text.replace("\\", "\\\\").replace('"', '\\"') for text in texts]) + "}"


_ARRAY_ITEM = '"%s"'


def _json_value(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)


def to_bank_transaction(row: BankRow) -> BankTransaction:
    """A stored row as the value it came from, without the bank's payload."""
    values = {attribute: getattr(row, column) for column, attribute in _PLAIN.items() if column not in _DERIVED}
    return BankTransaction(
        **values,
        remittance_information_unstructured=tuple(row.remittance_unstructured),
        remittance_information_structured=tuple(row.remittance_structured),
        currency_exchange=tuple(row.currency_exchange or ()),
        details=read_parts(row.details),
    )


def as_json(value: object) -> object:
    """A column's value in a :class:`TransactionChange`: amounts and dates as text, so that nothing is rounded."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    return value


def save_changed(account: Account, values: Mapping[str, Any]) -> None:
    """Give an account these values; only those that differ are written, and where none does nothing is sent."""
    names = [name for name, value in values.items() if getattr(account, name) != value]
    for name in names:
        setattr(account, name, values[name])
    if names:
        account.save(update_fields=names)


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """COPY rows into a table through Django's connection, inside its transaction."""
    names = ", ".join(f'"{column}"' for column in columns)
    with connection.cursor() as cursor, cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row(row)


def next_in_creation_order(number: int) -> list[int]:
    """``number`` ascending places in the order of creation (hub-api.md 5.1)."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT nextval('{CREATION_ORDER}') FROM generate_series(1, %s)", [number])  # noqa: S608
        return [place for (place,) in cursor.fetchall()]
