"""Pending rows: information only, replaced by each complete read, linked to the booked row they became.

They never enter a balance check, and a row that vanishes leaves a tombstone for 30 days (hub-api.md 5.6).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from nostro.core.identity import ReadRow, ReferencePolicy, link_pending, link_row, read_row
from nostro.core.ids import new_id
from nostro.core.transactions import BankRow
from nostro.hub.accounts.models import Account, PendingTransaction, Transaction
from nostro.hub.accounts.rows import (
    BANK_COLUMNS,
    copy_rows,
    copyable_bank_values,
    next_in_creation_order,
    to_bank_transaction,
)

#: More pending rows than this on one account are not kept: they are information, and a bank that sends them is broken.
MAX_PENDING = 10_000
TOMBSTONES_KEPT = timedelta(days=30)
_COLUMNS = (
    "id",
    "organization_id",
    "account_id",
    "sequence",
    "fingerprint",
    "occurrence",
    "created_by_synchronization",
    "created_at",
    "updated_at",
    *BANK_COLUMNS,
)


@dataclass(frozen=True, slots=True)
class PendingCounts:
    """What a read of pending rows changed. ``linked`` ones were booked."""

    created: int = 0
    removed: int = 0
    linked: int = 0

    def __add__(self, other: PendingCounts) -> PendingCounts:
        return PendingCounts(self.created + other.created, self.removed + other.removed, self.linked + other.linked)


def replace_pending(
    account: Account,
    rows: Sequence[BankRow],
    *,
    policy: ReferencePolicy,
    source: str,
    complete: bool,
    synchronization_id: UUID,
    raw_answer_id: UUID | None,
    now: datetime,
) -> PendingCounts:
    """Make the stored pending rows those that the bank shows; equal rows are counted and keep their ids.

    An incomplete read only adds. Call after ``apply_booked`` of the same run: rows that the bank no longer shows are
    linked to the booked rows that this run added, where the link is certain.
    """
    with transaction.atomic(savepoint=False):
        stored: dict[bytes, list[PendingTransaction]] = defaultdict(list)
        shown = PendingTransaction.objects.filter(account=account, removed_at=None, is_from_file=False)
        for pending in shown.order_by("sequence"):
            stored[bytes(pending.fingerprint)].append(pending)
        added: list[ReadRow] = []
        for transaction_ in rows[:MAX_PENDING]:
            row = read_row(transaction_, policy, source)
            same = stored.get(bytes.fromhex(row.fingerprint))
            if same:
                same.pop(0)
            else:
                added.append(row)
        vanished = [pending for group in stored.values() for pending in group] if complete else []
        linked = _end(account, vanished, synchronization_id, now)
        _add(account, added, synchronization_id, raw_answer_id, now)
        PendingTransaction.objects.filter(account=account, removed_at__lt=now - TOMBSTONES_KEPT).delete()
    return PendingCounts(len(added), len(vanished) - linked, linked)


def _end(account: Account, vanished: Sequence[PendingTransaction], run: UUID, now: datetime) -> int:
    """Tombstones for pending rows that are gone, each with the booked row it became, if there is one."""
    if not vanished:
        return 0
    booked = Transaction.objects.filter(account=account, created_by_synchronization=run)[:MAX_PENDING]
    links = link_pending(
        [link_row(row.pk, to_bank_transaction(row), tuple(row.identity_references)) for row in vanished],
        [link_row(row.pk, to_bank_transaction(row), tuple(row.identity_references)) for row in booked],
    )
    became = {link.pending.id: link.booked.id for link in links}
    for row in vanished:
        row.booked_as = became.get(row.pk)
        row.removed_at = now
        row.updated_at = now
    PendingTransaction.objects.bulk_update(vanished, ["booked_as", "removed_at", "updated_at"], batch_size=500)
    return len(became)


def _add(account: Account, rows: Sequence[ReadRow], run: UUID, raw_answer_id: UUID | None, now: datetime) -> None:
    if not rows:
        return
    places = next_in_creation_order(len(rows))
    ordered = sorted(rows, key=lambda row: (row.booking_date is not None, row.booking_date, row.fingerprint))
    occurrences: dict[str, int] = {}
    lines: list[tuple[Any, ...]] = []
    for row, place in zip(ordered, places, strict=True):
        occurrences[row.fingerprint] = occurrences.get(row.fingerprint, 0) + 1
        lines.append(
            (
                new_id(),
                account.organization_id,
                account.pk,
                place,
                bytes.fromhex(row.fingerprint),
                occurrences[row.fingerprint],
                run,
                now,
                now,
                *copyable_bank_values(row, raw_answer_id),
            )
        )
    copy_rows(PendingTransaction._meta.db_table, _COLUMNS, lines)
