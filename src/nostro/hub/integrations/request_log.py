"""The request log of integrations, as rows: written in batches, kept within bounds (issue 4)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from django.db import connection

from nostro.core.ids import new_id
from nostro.hub.integrations.models import Integration, LoggedRequest

KEPT = timedelta(days=14)
KEPT_PER_INTEGRATION = 5_000
_COLUMNS = (
    "id", "organization_id", "integration_id", "at", "verb", "target", "status", "request_id", "duration_us",
    "request_body", "response_body",
)  # fmt: skip


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One request of an integration and its answer."""

    organization_id: uuid.UUID
    integration_id: uuid.UUID
    at: datetime
    verb: str
    target: str
    status: int
    request_id: str
    duration_us: int
    request_body: str = ""
    response_body: str = ""


def write(entries: Sequence[Entry]) -> None:
    """Store entries with one COPY."""
    if not entries:
        return
    with connection.cursor() as cursor:
        table, columns = LoggedRequest._meta.db_table, ", ".join(_COLUMNS)
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            for entry in entries:
                copy.write_row((new_id(), *msgspec.structs.astuple(entry)))


def requests_of(integration: Integration, limit: int = 100) -> list[LoggedRequest]:
    """The newest entries, newest first. ``integration`` has passed access_integration."""
    return list(LoggedRequest.objects.filter(integration_id=integration.id).order_by("-at", "-id")[:limit])


def forget_old(now: datetime) -> int:
    """Delete what is older than 14 days, and of each integration what is beyond its newest 5,000. Returns how many."""
    deleted = LoggedRequest.objects.filter(at__lt=now - KEPT)._raw_delete("default")
    with connection.cursor() as cursor:
        cursor.execute(_BEYOND, [KEPT_PER_INTEGRATION])
        return int(deleted + cursor.rowcount)


_BEYOND = """
    DELETE FROM integrations_loggedrequest WHERE id IN (
        SELECT id FROM (
            SELECT id, row_number() OVER (PARTITION BY integration_id ORDER BY at DESC, id DESC) AS place
            FROM integrations_loggedrequest
        ) AS placed WHERE place > %s)
"""
