"""The trail as a chain of hashes: who changes one record breaks every later one (books.md 14.6, I-23).

Writers do not wait for each other: a record is written without its place in the chain, and a job seals what has been
committed, one sealer at a time. The order of the chain is the order of sealing. What the database's own administrator
removes from the end of the chain is seen by a person who noted an earlier ``head``.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection, transaction

from nostro.people.models import AuditRecord

#: Records sealed in one transaction, and transactions of one pass.
BATCH = 2_000
MAX_BATCHES = 500
#: What precedes the first record.
GENESIS = "0" * 64
_LOCK = int.from_bytes(hashlib.sha256(b"people.audit_chain").digest()[:8], "big", signed=True)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verification found. ``broken_at`` is the sequence of the first record that does not fit."""

    checked: int
    unsealed: int
    head: str
    broken_at: int | None = None
    reason: str = ""

    @property
    def holds(self) -> bool:
        return self.broken_at is None


def hash_of(record: AuditRecord, previous: str) -> str:
    """The hash of everything a record says and of the record before it.

    The link to the person is left out, because it ends when the person is removed; their name stays in.
    """
    said = {
        "id": record.id,
        "tenant": str(record.tenant_id or ""),
        "actor": record.actor_name,
        "action": record.action,
        "object": [record.object_type, record.object_id],
        "sentence": record.sentence,
        "before": record.before,
        "after": record.after,
        "correlation": record.correlation_id,
        "at": record.created_at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
    }
    text = json.dumps([previous, said], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def seal_records() -> int:
    """Seal all committed records that have no place yet; returns how many. May be called by many at once."""
    sealed = 0
    for _batch in range(MAX_BATCHES):
        count = _seal_batch()
        sealed += count
        if count < BATCH:
            break
    return sealed


@transaction.atomic
def _seal_batch() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return 0
    last = AuditRecord.objects.filter(sequence__isnull=False).order_by("-sequence").first()
    sequence, previous = (last.sequence or 0, last.hash) if last else (0, GENESIS)
    rows: list[tuple[int, int, str, str]] = []
    for record in AuditRecord.objects.filter(sequence=None).order_by("id")[:BATCH]:
        sequence += 1
        own = hash_of(record, previous)
        rows.append((record.id, sequence, previous, own))
        previous = own
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE people_auditrecord AS r SET sequence = n.sequence, previous_hash = n.previous, hash = n.own"
                " FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[]) AS n (id, sequence, previous, own)"
                " WHERE r.id = n.id",
                [list(column) for column in zip(*rows, strict=True)],
            )
    return len(rows)


def verify_chain(*, newest: int | None = None) -> Verdict:
    """Recompute the chain, all of it or the ``newest`` records. Reads only."""
    unsealed = AuditRecord.objects.filter(sequence=None).count()
    last = AuditRecord.objects.filter(sequence__isnull=False).order_by("-sequence").first()
    if last is None or last.sequence is None:
        return Verdict(0, unsealed, GENESIS)
    first = 1 if newest is None else max(last.sequence - newest + 1, 1)
    expected, previous, checked = first, GENESIS if first == 1 else None, 0
    for record in _records(first):
        reason = _reason(record, expected, previous)
        if reason:
            return Verdict(checked, unsealed, last.hash, expected, reason)
        expected, previous, checked = expected + 1, record.hash, checked + 1
    return Verdict(checked, unsealed, last.hash)


def _records(first: int) -> Iterator[AuditRecord]:
    return AuditRecord.objects.filter(sequence__gte=first).order_by("sequence").iterator(chunk_size=BATCH)


def _reason(record: AuditRecord, expected: int, previous: str | None) -> str:
    """Why a record does not fit; empty when it does. ``previous`` is unknown for the first of a part."""
    if record.sequence != expected:
        return "a record is missing"
    if previous is not None and record.previous_hash != previous:
        return "the record before it was replaced"
    if record.hash != hash_of(record, record.previous_hash):
        return "the record was changed"
    return ""
