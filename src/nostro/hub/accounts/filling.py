"""Empty texts of stored rows are filled from files that show the same rows, and emptied when that is undone.

A file enriches, it never overwrites (formats.md 8.5). Fingerprint, digest and content stay those of the source that the
row came from, so that its next read finds the row unchanged. Each works in its caller's transaction.
"""

# ruff: noqa: S608 - names of tables and columns are our own, values are parameters

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import NamedTuple

from django.db import connection

from nostro.hub.accounts.models import Account
from nostro.hub.accounts.rows import copy_rows

_TEXTS = (
    "creditor_name", "creditor_account", "creditor_agent", "ultimate_creditor", "debtor_name", "debtor_account",
    "debtor_agent", "ultimate_debtor", "end_to_end_id", "mandate_id", "creditor_id", "check_id",
    "additional_information", "purpose_code", "bank_transaction_code", "merchant_category_code", "masked_pan",
    "counterpart_name", "counterpart_reference",
)  # fmt: skip
#: The message in all its forms: what one format marks as structured is plain text in another, so that it is filled as a
#: whole or not at all. Codes of a format (``proprietary_bank_transaction_code``) are never filled from another one.
#: Never null: empty is "".
_SUMMARY = "remittance_information"
_LISTS = ("remittance_unstructured", "remittance_structured")
#: The payments of a batch, which a notification may bring after the statement (formats.md 6.1).
_PARTS = "details"


class Shown(NamedTuple):
    """A stored transaction and the staged row that shows it."""

    transaction_id: uuid.UUID
    staged_id: uuid.UUID


def _missing(column: str) -> str:
    """SQL: what the staged row has where the stored one has nothing, as JSON; else NULL."""
    if column == _PARTS:
        return f"CASE WHEN t.{_PARTS} IS NULL THEN s.{_PARTS} END"
    if column in _LISTS:
        return f"CASE WHEN t.{_SUMMARY} = '' AND s.{column} <> '{{}}' THEN to_jsonb(s.{column}) END"
    return f"CASE WHEN coalesce(t.{column}, '') = '' AND s.{column} <> '' THEN to_jsonb(s.{column}) END"


def _given(column: str) -> str:
    if column == _PARTS:
        return f"{_PARTS} = coalesce(told.after->'{_PARTS}', t.{_PARTS})"
    if column in _LISTS:
        elements = f"ARRAY(SELECT jsonb_array_elements_text(told.after->'{column}'))"
        return f"{column} = CASE WHEN jsonb_exists(told.after, '{column}') THEN {elements} ELSE t.{column} END"
    return f"{column} = coalesce(told.after->>'{column}', t.{column})"


def _taken_back(column: str) -> str:
    nothing = {_SUMMARY: "''", **dict.fromkeys(_LISTS, "'{}'")}.get(column, "NULL")
    return f"{column} = CASE WHEN to_jsonb(t.{column}) = told.before->'{column}' THEN {nothing} ELSE t.{column} END"


_COLUMNS = (*_TEXTS, _SUMMARY, *_LISTS, _PARTS)
_TELL = (
    "INSERT INTO accounts_transactionchange"
    " (organization_id, transaction_id, synchronization_id, kind, before, after, created_at)"
)
_NULLS = "(SELECT jsonb_object_agg(name, NULL) FROM jsonb_object_keys({}) AS name)"


def fill_from_staged(account: Account, table: str, rows: Sequence[Shown], run: uuid.UUID, now: dt.datetime) -> int:
    """Fill what is empty in live rows; what was there stays. Returns how many rows gained something."""
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS shown_rows (place integer, transaction_id uuid, staged_id uuid)"
        )
        cursor.execute("TRUNCATE shown_rows")
    copy_rows("shown_rows", ("place", "transaction_id", "staged_id"), ((n, *row) for n, row in enumerate(rows)))
    gains = ", ".join(f"'{column}', {_missing(column)}" for column in _COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH found AS (SELECT DISTINCT ON (t.id) t.id, jsonb_strip_nulls(jsonb_build_object({gains})) AS after"
            f' FROM shown_rows p JOIN "{table}" s ON s.id = p.staged_id'
            " JOIN accounts_transaction t ON t.id = p.transaction_id"
            " WHERE t.account_id = %s AND t.removed_at IS NULL ORDER BY t.id, p.place),"
            f" told AS ({_TELL} SELECT %s, id, %s, 'modified', {_NULLS.format('after')}, after, %s"
            " FROM found WHERE after <> '{}' RETURNING transaction_id, after)"
            f" UPDATE accounts_transaction t SET {', '.join(map(_given, _COLUMNS))},"
            " updated_by_synchronization = %s, updated_at = %s FROM told WHERE t.id = told.transaction_id",
            [account.pk, account.organization_id, run, now, run, now],
        )
        return int(cursor.rowcount)


def take_back_filled(account: Account, filled_by: uuid.UUID, run: uuid.UUID, now: dt.datetime) -> int:
    """Empty again what an import filled, unless it has another value by now. Returns how many rows it was."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH told AS ({_TELL} SELECT organization_id, transaction_id, %s, 'modified', after,"
            f" {_NULLS.format('after')}, %s FROM accounts_transactionchange"
            " WHERE synchronization_id = %s AND kind = 'modified' RETURNING transaction_id, before)"
            f" UPDATE accounts_transaction t SET {', '.join(map(_taken_back, _COLUMNS))},"
            " updated_by_synchronization = %s, updated_at = %s"
            " FROM told WHERE t.id = told.transaction_id AND t.account_id = %s",
            [run, now, filled_by, run, now, account.pk],
        )
        return int(cursor.rowcount)
