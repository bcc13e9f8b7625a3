"""The bank's record of requests: what was asked, attended or not, counted or not, first page or next."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from nostro.sandbox.clock import moment_text
from nostro.sandbox.storage import Storage

#: Older records are dropped, so that a bank that runs for months stays small.
MAX_RECORDS = 50_000


@dataclass(slots=True)
class Record:
    """One request. Endpoints fill in what they know; the rest stays empty."""

    method: str
    path: str
    consent: str = ""
    endpoint: str = ""
    account: str = ""
    attended: bool = False
    counted: bool = False
    page: str = ""
    request_id: str = ""
    fault: str = ""


class Protocol:
    """The only writer of the log."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def write(self, record: Record, now: dt.datetime, status: int) -> None:
        """Add one record."""
        with self._storage.transaction() as db:
            cursor = db.execute(
                "INSERT INTO log (at, method, path, consent, endpoint, account, attended, counted, page, status, "
                "request_id, fault) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(moment_text(now), record.method, record.path[:500], record.consent, record.endpoint),
                    *(record.account, int(record.attended), int(record.counted), record.page, status),
                    *(record.request_id, record.fault),
                ),
            )
            db.execute("DELETE FROM log WHERE id <= ?", ((cursor.lastrowid or 0) - MAX_RECORDS,))

    def read(self, after: int = 0, limit: int = 1000) -> list[dict[str, Any]]:
        """Records in order, after the one with id ``after``."""
        with self._storage.transaction() as db:
            found = db.execute("SELECT * FROM log WHERE id > ? ORDER BY id LIMIT ?", (after, limit)).fetchall()
        return [{**row, "attended": bool(row["attended"]), "counted": bool(row["counted"])} for row in map(dict, found)]

    def newest(self, limit: int) -> list[dict[str, Any]]:
        """The last records, newest first."""
        with self._storage.transaction() as db:
            return [dict(row) for row in db.execute("SELECT * FROM log ORDER BY id DESC LIMIT ?", (limit,))]
