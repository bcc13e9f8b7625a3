"""The request log of integrations, as rows: written in batches, kept within bounds (issue 4)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from django.db import connection

from nostro.core.ids import new_id_text
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
    """Store entries with one COPY. Its lines are written here: the driver's own way takes three times as long, and
    this work is done for every request."""
    if not entries:
        return
    with connection.cursor() as cursor:
        table, columns = LoggedRequest._meta.db_table, ", ".join(_COLUMNS)
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
            copy.write("".join(map(_line, entries)))


def _line(entry: Entry) -> str:
    """One line of COPY's text format."""
    return (
        f"{new_id_text()}\t{entry.organization_id}\t{entry.integration_id}\t{entry.at.isoformat()}"
        f"\t{_escaped(entry.verb)}\t{_escaped(entry.target)}\t{entry.status}\t{entry.request_id}\t{entry.duration_us}"
        f"\t{_escaped(entry.request_body)}\t{_escaped(entry.response_body)}\n"
    )


def _escaped(text: str) -> str:
    return text.translate(_ESCAPES) if _SPECIAL.search(text) else text


_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})
_SPECIAL = re.compile(r"[\\\t\n\r]")


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
