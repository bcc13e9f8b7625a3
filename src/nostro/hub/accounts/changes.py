"""Writes what identity decided about booked rows: additions, modifications, restorations, removals.

Every function works inside the transaction of its caller (``booked.apply_booked``) and writes in one statement,
however many rows there are. Only :func:`write_modified` and :func:`remove_gone` look at rows one by one, because each
leaves a :class:`TransactionChange`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db import connection

from nostro.core.identity import ABSENCES_UNTIL_GONE, Known, Modified, New
from nostro.core.ids import new_id
from nostro.core.payloads import payload_digest
from nostro.hub.accounts.models import Account, Transaction, TransactionChange
from nostro.hub.accounts.rows import (
    BANK_COLUMNS,
    MAPPING_VERSION,
    array_text,
    as_json,
    bank_values,
    copy_rows,
    copyable_bank_values,
    next_in_creation_order,
)

_NEW_COLUMNS = (
    "id",
    "organization_id",
    "account_id",
    "sequence",
    "fingerprint",
    "occurrence",
    "absences",
    "created_by_synchronization",
    "created_at",
    "updated_at",
    *BANK_COLUMNS,
)
#: Columns whose change is worth a line in the history; the others are ids of the bank or follow from these.
_TOLD = frozenset(BANK_COLUMNS) - {
    "digest",
    "identity_references",
    "content",
    "raw_answer_id",
    "mapping_version",
    "balance_after_transaction",
    "entry_reference",
    "bank_transaction_id",
}
_ROWS_AT_ONCE = 2_000
_told_values = attrgetter(*sorted(_TOLD))


def add_new(account: Account, rows: Sequence[New], origins: Mapping[int, UUID | None], run: UUID, now: datetime) -> int:
    """Add transactions, the oldest execution date first (hub-api.md 5.1).

    The constraint ``no_transaction_twice`` is the last defence: if it fails, the whole run is undone and repeated,
    which is better than a row that silently went missing.
    """
    if not rows:
        return 0
    ordered = sorted(rows, key=_creation_key)
    places = next_in_creation_order(len(ordered))
    # Ids follow the order of creation also within a millisecond: where identity has only the ids to decide between
    # equally good rows, it then decides by age and not by chance.
    ids = sorted(new_id() for _ in ordered)
    copy_rows(
        Transaction._meta.db_table,
        _NEW_COLUMNS,
        (
            (
                row_id,
                account.organization_id,
                account.pk,
                place,
                bytes.fromhex(new.row.fingerprint),
                new.ordinal,
                0,
                run,
                now,
                now,
                *copyable_bank_values(new.row, origins[id(new.row)]),
            )
            for row_id, new, place in zip(ids, ordered, places, strict=True)
        ),
    )
    return len(ordered)


def _creation_key(new: New) -> tuple[Any, ...]:
    day = new.row.booking_date or new.row.transaction.value_date
    return day is not None, day, new.row.fingerprint, new.ordinal


def write_modified(
    account: Account, rows: Sequence[Modified], origins: Mapping[int, UUID | None], run: UUID, now: datetime
) -> tuple[int, int]:
    """Give stored rows their new content; ids and creation order stay. Returns (modified, brought back)."""
    brought_back = 0
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        batch = rows[start : start + _ROWS_AT_ONCE]
        before = Transaction.objects.filter(account=account).in_bulk([modified.stored.id for modified in batch])
        changes = []
        for modified in batch:
            stored = before[modified.stored.id]
            old = _told_values(stored)
            brought_back += stored.removed_at is not None and stored.same_as is None
            for column, value in zip(BANK_COLUMNS, bank_values(modified.row, origins[id(modified.row)]), strict=True):
                setattr(stored, column, _parsed(column, value))
            _give_identity(stored, modified, run, now)
            changes.append(_change(stored, old, _told_values(stored), run, now))
        # A fingerprint may pass from one row of the batch to another, so the old ones make room first.
        _free_fingerprints(account, [modified.stored.id for modified in batch])
        Transaction.objects.bulk_update(before.values(), _MODIFIED_FIELDS, batch_size=500)
        TransactionChange.objects.bulk_create(changes, batch_size=500)
    return len(rows) - brought_back, brought_back


_MODIFIED_FIELDS = [
    *BANK_COLUMNS,
    "fingerprint",
    "occurrence",
    "absences",
    "removed_at",
    "updated_by_synchronization",
    "updated_at",
]


def _parsed(column: str, value: Any) -> Any:
    return json.loads(value) if column in {"currency_exchange", "details"} and value is not None else value


def _give_identity(stored: Transaction, modified: Modified, run: UUID, now: datetime) -> None:
    stored.fingerprint = bytes.fromhex(modified.row.fingerprint)
    stored.occurrence = modified.ordinal
    stored.absences = 0
    stored.removed_at = stored.removed_at if stored.same_as else None
    stored.updated_by_synchronization = run
    stored.updated_at = now


def _free_fingerprints(account: Account, ids: Sequence[UUID]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_transaction SET fingerprint = decode(replace(id::text, '-', ''), 'hex'), occurrence = 0"
            " WHERE account_id = %s AND id = ANY(%s)",
            [account.pk, list(ids)],
        )


def _change(stored: Transaction, old: Sequence[Any], new: Sequence[Any], run: UUID, now: datetime) -> TransactionChange:
    differing = [
        (name, as_json(before), as_json(after))
        for name, before, after in zip(sorted(_TOLD), old, new, strict=True)
        if before != after
    ]
    return TransactionChange(
        organization_id=stored.organization_id,
        transaction_id=stored.pk,
        synchronization_id=run,
        kind="modified",
        before={name: before for name, before, _ in differing},
        after={name: after for name, _, after in differing},
        created_at=now,
    )


def is_stale(known: Known) -> bool:
    """Whether something of a row that was read again must be written."""
    return bool(known.stored.absences) or known.references_changed


def refresh_known(account: Account, rows: Sequence[Known], run: UUID, now: datetime) -> int:
    """Rows read again: forget absences, keep new references, bring tombstones back. Returns how many came back.

    Most rows of most reads need nothing, and then nothing is written.
    """
    stale = [known for known in rows if is_stale(known)]
    if not stale:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS seen_again (id uuid, identity_references text[],"
            " entry_reference text, bank_transaction_id text, digest bytea, mapping_version smallint)"
        )
        cursor.execute("TRUNCATE seen_again")
    copy_rows(
        "seen_again",
        ("id", "identity_references", "entry_reference", "bank_transaction_id", "digest", "mapping_version"),
        (
            (
                known.stored.id,
                array_text(known.row.references),
                _capped(known.row.transaction.entry_reference),
                _capped(known.row.transaction.transaction_id),
                payload_digest(known.row.transaction.raw),
                # A payload is recognised by this row (``stored.py``) only where all of its identity is stored.
                MAPPING_VERSION if known.row.fingerprint == known.stored.fingerprint else 0,
            )
            for known in stale
        ),
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_transactionchange"
            " (organization_id, transaction_id, synchronization_id, kind, before, after, created_at)"
            " SELECT t.organization_id, t.id, %s, 'restored', '{}', '{}', %s FROM accounts_transaction t"
            " JOIN seen_again USING (id) WHERE t.account_id = %s AND t.removed_at IS NOT NULL AND t.same_as IS NULL",
            [run, now, account.pk],
        )
        restored: int = cursor.rowcount
        cursor.execute(
            "UPDATE accounts_transaction t SET absences = 0, identity_references = s.identity_references,"
            " entry_reference = s.entry_reference, bank_transaction_id = s.bank_transaction_id,"
            " digest = s.digest, mapping_version = s.mapping_version,"
            " updated_by_synchronization ="
            "  CASE WHEN removed_at IS NULL THEN updated_by_synchronization ELSE %s END,"
            " updated_at = CASE WHEN removed_at IS NULL THEN updated_at ELSE %s END,"
            " removed_at = CASE WHEN same_as IS NULL THEN NULL ELSE removed_at END"
            " FROM seen_again s WHERE t.id = s.id AND t.account_id = %s",
            [run, now, account.pk],
        )
    return restored


def _capped(text: str | None) -> str | None:
    return text[:140] if text else text


def mark_absent(account: Account, ids: Collection[UUID]) -> None:
    """A complete read did not show these rows; a second one in a row removes them."""
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE accounts_transaction SET absences = absences + 1 WHERE account_id = %s AND id = ANY(%s)",
                [account.pk, list(ids)],
            )


def remove_gone(account: Account, ids: Collection[UUID], run: UUID, now: datetime) -> int:
    """Make tombstones: the rows stay, with their ids, and still work as cursors (hub-api.md 5.6)."""
    if not ids:
        return 0
    mark_absent(account, ids)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_transaction SET removed_at = %s, updated_at = %s WHERE account_id = %s"
            " AND id = ANY(%s) AND removed_at IS NULL",
            [now, now, account.pk, list(ids)],
        )
        removed: int = cursor.rowcount
        cursor.execute(
            "INSERT INTO accounts_transactionchange"
            " (organization_id, transaction_id, synchronization_id, kind, before, after, created_at)"
            " SELECT organization_id, id, %s, 'removed', '{}', '{}', %s FROM accounts_transaction"
            " WHERE id = ANY(%s) AND same_as IS NULL",
            [run, now, list(ids)],
        )
    release_doubles(account, ids, run, now)
    return removed


def release_doubles(account: Account, gone: Collection[UUID], run: UUID, now: datetime) -> None:
    """Rows that a person set aside for ones the bank now withdrew: of each, the oldest that the bank still shows takes
    its place, so that no transaction is lost by the wrong one of two having been kept."""
    freed: set[UUID | None] = set()
    for double in Transaction.objects.filter(account=account, same_as__in=gone, absences=0).order_by("sequence"):
        if double.same_as not in freed:
            freed.add(double.same_as)
            Transaction.objects.filter(pk=double.pk).update(same_as=None)
            bring_back(account, double.pk, run, now, absences=0)


def bring_back(
    account: Account, transaction_id: UUID, cause: UUID, now: datetime, absences: int = ABSENCES_UNTIL_GONE
) -> bool:
    """End a tombstone. For good: with ``ABSENCES_UNTIL_GONE`` identity counts the row as neither absent nor gone."""
    changed = Transaction.objects.filter(account=account, pk=transaction_id, removed_at__isnull=False).update(
        removed_at=None, absences=absences, updated_at=now
    )
    if changed:
        TransactionChange.objects.create(
            organization_id=account.organization_id,
            transaction_id=transaction_id,
            synchronization_id=cause,
            kind="restored",
            before={},
            after={},
            created_at=now,
        )
    return bool(changed)
