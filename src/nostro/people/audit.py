"""The trail: who did what to which object, in a sentence a person can read (user-wants W37)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from django.db.models import Model

from nostro.core.masking import mask_card_numbers
from nostro.people.models import AuditRecord, User

#: A page of the trail; older records are read with ``before``.
PAGE = 100
SYSTEM = "Nostro"


@dataclass(frozen=True, slots=True)
class Entry:
    """What one record says; see :func:`record`."""

    tenant_id: uuid.UUID | None
    action: str
    obj: Model | None
    sentence: str
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


def record(
    *,
    tenant_id: uuid.UUID | None,
    actor: User | None,
    action: str,
    obj: Model | None,
    sentence: str,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> AuditRecord:
    """Write one record, in the caller's transaction: what is rolled back was not done, and is not in the trail.

    ``actor`` is ``None`` for what Nostro did by itself. ``action`` is a stable word such as ``integration.revoked``;
    ``before`` and ``after`` hold the changed fields as JSON values and never a secret.
    """
    entry = Entry(tenant_id=tenant_id, action=action, obj=obj, sentence=sentence, before=before, after=after)
    row = _row(entry, actor)
    row.save(force_insert=True)
    return row


def record_many(entries: Sequence[Entry], *, actor: User | None) -> None:
    """The same for what was done to many objects at once, in one statement."""
    AuditRecord.objects.bulk_create([_row(entry, actor) for entry in entries], batch_size=1_000)


def _row(entry: Entry, actor: User | None) -> AuditRecord:
    obj = entry.obj
    return AuditRecord(
        tenant_id=entry.tenant_id,
        actor=actor,
        actor_name=str(actor)[:254] if actor else SYSTEM,
        action=entry.action,
        object_type=obj._meta.label_lower[:50] if obj else "",
        object_id=str(obj.pk)[:64] if obj else "",
        sentence=mask_card_numbers(entry.sentence),  # it may cite what a bank or a customer wrote (books.md I-22)
        before=entry.before,
        after=entry.after,
        correlation_id=str(structlog.contextvars.get_contextvars().get("correlation_id", ""))[:64],
    )


def trail(
    *, tenant_id: uuid.UUID | None = None, actor: User | None = None, before: int | None = None, limit: int = PAGE
) -> list[AuditRecord]:
    """Records of a tenant, or of what one person did to their own sign-in, newest first; at most ``limit``.

    Keyset paging: ``before`` is the id of the last record of the previous page. The caller has checked access.
    """
    records = AuditRecord.objects.filter(tenant_id=tenant_id).select_related("actor").order_by("-id")
    if actor is not None:
        records = records.filter(actor=actor)
    if before is not None:
        records = records.filter(id__lt=before)
    return list(records[: min(limit, PAGE)])
