"""Stored booked rows as identity compares them, and the recognition of payloads that were stored before.

A row whose payload is byte for byte that of a stored one needs no mapping and no new fingerprint, because both are
pure functions of the payload: it has the identity of the stored row. Identity itself is decided by
``nostro.core.identity.match`` as for all other rows, so equal payloads are counted like any twins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from nostro.core.identity import ReadRow, ReferencePolicy, StoredRow, known_row, read_row, reference_prefix
from nostro.core.payloads import payload_digest
from nostro.core.transactions import BankRow, UnmappedRow
from nostro.hub.accounts.models import Account
from nostro.hub.accounts.rows import COLUMN_OF_FIELD, MAPPING_VERSION

_COLUMNS = (
    "SELECT id, identity_references, encode(fingerprint, 'hex'), occurrence, booking_date, amount, currency,"
    " encode(content, 'hex'), absences, digest, {recognisable}, bank_transaction_id, balance_after_transaction"
    " FROM accounts_transaction WHERE account_id = %s "
)
# A stored transaction id of the column's full length may have been cut.
_MAX_TRANSACTION_ID = 140


@dataclass(frozen=True, slots=True)
class _Recognised:
    """A stored row that stands for every row with its payload."""

    row: StoredRow
    transaction_id: str | None
    balance_after: Decimal | None


@dataclass(frozen=True, slots=True)
class Store:
    """The stored rows of some days, and those of them that recognise a payload, by its digest."""

    rows: list[StoredRow]
    by_digest: dict[bytes, _Recognised]

    def identify(self, row: BankRow, policy: ReferencePolicy, source: str) -> ReadRow:
        """The row reduced to its identity, by recognition where that is possible."""
        if self.by_digest and isinstance(row, UnmappedRow) and row.raw:
            found = self.by_digest.get(payload_digest(row.raw))
            if found is not None:
                return known_row(row, found.row, transaction_id=found.transaction_id, balance_after=found.balance_after)
        return read_row(row, policy, source)


def stored_between(
    account: Account, first: date, last: date, *, undated: bool, policy: ReferencePolicy, source: str
) -> Store:
    """All stored rows of these days, both included, and the ones without a date if ``undated``."""
    # The order decides between rows that are equally good; without one the same read could pair them in two ways.
    where = (
        "AND (booking_date BETWEEN %s AND %s" + (" OR booking_date IS NULL)" if undated else ")") + " ORDER BY sequence"
    )
    return _fetch(account, where, [first, last], policy, source)


def stored_with_references_outside(
    account: Account,
    references: Sequence[str],
    first: date,
    last: date,
    limit: int,
    *,
    policy: ReferencePolicy,
    source: str,
) -> list[StoredRow]:
    """At most ``limit`` stored rows of other days that have one of ``references``."""
    # PostgreSQL compares two arrays member by member and does so before it looks at dates, which took minutes for an
    # account of 500,000 rows; a list of constants it looks up by hash, and subqueries come last.
    where = (
        "AND (booking_date < %s OR booking_date > %s) AND EXISTS (SELECT FROM unnest(identity_references) AS reference"
        " WHERE reference = ANY(%s::text[])) ORDER BY sequence LIMIT %s"
    )
    return _fetch(account, where, [first, last, list(references), limit], policy, source).rows


def _fetch(account: Account, where: str, parameters: Sequence[Any], policy: ReferencePolicy, source: str) -> Store:
    recognisable, values = _recognisable(policy, source)
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS.format(recognisable=recognisable) + where, [*values, account.pk, *parameters])
        found = cursor.fetchall()
    rows: list[StoredRow] = []
    by_digest: dict[bytes, _Recognised] = {}
    for values_ in found:
        row = StoredRow(values_[0], tuple(values_[1]), *values_[2:9])
        rows.append(row)
        if values_[10]:
            by_digest[bytes(values_[9])] = _Recognised(row, values_[11], values_[12])
    return Store(rows, by_digest)


def _recognisable(policy: ReferencePolicy, source: str) -> tuple[str, list[Any]]:
    """SQL that says whether a stored row's identity is what this policy and this version would make of its payload.

    References of another source, or of a policy with other fields, are not: such rows are mapped and compared anew.
    """
    parts = ["mapping_version = %s", "cardinality(identity_references) = %s"]
    values: list[Any] = [MAPPING_VERSION, len(policy.reference_fields)]
    parts.append(f"coalesce(length(bank_transaction_id), 0) < {_MAX_TRANSACTION_ID}")
    for position, field in enumerate(policy.reference_fields, start=1):
        column = COLUMN_OF_FIELD.get(field)
        if column is None:
            return "false", []
        reference = f"identity_references[{position}]"
        # A reference may be older than the payload: a bank that stops sending it does not take it away.
        parts.append(f"(CASE WHEN {column} IS NULL THEN {reference} = '' ELSE starts_with({reference}, %s) END)")
        values.append(reference_prefix(source, field))
    return " AND ".join(parts), values
