"""Who works on a file. The truth about an import is its row; a worker that dies leaves a lease that runs out."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db.models import F, Q

from nostro.hub.files.models import FileImport

LEASE = dt.timedelta(minutes=5)
#: A file that nobody has begun after this time has lost its job.
JOB_EXPECTED_WITHIN = dt.timedelta(minutes=2)


class LeaseLost(Exception):
    """Another worker took the file over."""


def take(file_id: uuid.UUID, statuses: tuple[str, ...], working: str, now: dt.datetime) -> FileImport | None:
    """Begin work on a file in one of ``statuses`` that nobody holds; None if there is nothing to do."""
    taken = FileImport.objects.filter(
        Q(lease_until=None) | Q(lease_until__lte=now), id=file_id, status__in=statuses
    ).update(status=working, lease_until=now + LEASE, attempts=F("attempts") + 1, updated_at=now)
    if not taken:
        return None
    return FileImport.objects.select_related("organization", "account", "handed_in_by").get(pk=file_id)


def note_progress(file: FileImport, now: dt.datetime) -> None:
    """The heartbeat with how far reading has come. Raises :class:`LeaseLost`."""
    until = now + LEASE
    kept = FileImport.objects.filter(id=file.pk, status="reading", attempts=file.attempts).update(
        lease_until=until, bytes_read=file.bytes_read, rows_read=file.rows_read, updated_at=now
    )
    if not kept:
        raise LeaseLost


def lock(file: FileImport, status: str) -> FileImport:
    """The row, locked to the end of the transaction, if it is still ours. Raises :class:`LeaseLost`."""
    locked = (
        FileImport.objects.select_for_update(of=("self",))
        .select_related("organization", "account", "handed_in_by")
        .filter(pk=file.pk, status=status, attempts=file.attempts)
        .first()
    )
    if locked is None:
        raise LeaseLost
    return locked


def release(file: FileImport) -> None:
    """Give unfinished work back at once."""
    FileImport.objects.filter(pk=file.pk, attempts=file.attempts).update(lease_until=None)


def forgotten(now: dt.datetime, limit: int) -> list[FileImport]:
    """Files that somebody should be working on and nobody is."""
    lost = FileImport.objects.filter(
        Q(lease_until__lte=now) | Q(lease_until=None, updated_at__lte=now - JOB_EXPECTED_WITHIN),
        status__in=["received", "reading", "importing"],
    )
    return list(lost.order_by("created_at")[:limit])
