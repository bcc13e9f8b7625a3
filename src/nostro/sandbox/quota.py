"""How often a service may read without the customer: at most four times in rolling 24 hours for each consent, account
and endpoint (SCA RTS article 36(5)(b), connectors.md 5.1). A page chain is one access; attended reads are free."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

from nostro.sandbox.clock import moment_text, parse_moment
from nostro.sandbox.errors import Refusal
from nostro.sandbox.storage import Storage

PLACES = 4
WINDOW = dt.timedelta(hours=24)


class Quota:
    """The bank's counter of unattended accesses."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def used(self, consent: str, account: str, endpoint: str, now: dt.datetime) -> list[dt.datetime]:
        """The counted accesses of the last 24 hours, oldest first."""
        with self._storage.transaction() as db:
            found = db.execute(
                "SELECT at FROM accesses WHERE consent = ? AND account = ? AND endpoint = ? AND at > ? ORDER BY at",
                (consent, account, endpoint, moment_text(now - WINDOW)),
            ).fetchall()
        return [parse_moment(row["at"]) for row in found]

    def counters(self, now: dt.datetime) -> list[dict[str, Any]]:
        """Every counter in use: consent, account, endpoint, places used, moment of the oldest access."""
        query = (
            "SELECT consent, account, endpoint, count(*) AS used, min(at) AS oldest FROM accesses WHERE at > ? "
            "GROUP BY consent, account, endpoint ORDER BY consent, account, endpoint"
        )
        with self._storage.transaction() as db:
            return [dict(row) for row in db.execute(query, (moment_text(now - WINDOW),))]

    def take(self, consent: str, account: str, endpoint: str, now: dt.datetime, places: int) -> None:
        """Count one access. Raises 429 ACCESS_EXCEEDED with the seconds until the next free place."""
        with self._storage.transaction() as db:
            used = self.used(consent, account, endpoint, now)
            places = min(PLACES, places)
            if len(used) >= places:
                free_at = used[-places] + WINDOW
                wait_s = max(1, math.ceil((free_at - now).total_seconds()))
                text = f"{len(used)} of {places} unattended accesses used; next place free at {free_at:%H:%M:%S} UTC."
                raise Refusal(429, "ACCESS_EXCEEDED", text, retry_after_s=wait_s)
            db.execute(
                "INSERT INTO accesses (at, consent, account, endpoint) VALUES (?, ?, ?, ?)",
                (moment_text(now), consent, account, endpoint),
            )

    def fill(self, consent: str, account: str, endpoint: str, used: int, now: dt.datetime) -> None:
        """Set one counter: ``used`` accesses, all of this moment."""
        with self._storage.transaction() as db:
            key = (consent, account, endpoint)
            db.execute("DELETE FROM accesses WHERE consent = ? AND account = ? AND endpoint = ?", key)
            values = [(moment_text(now), *key)] * used
            db.executemany("INSERT INTO accesses (at, consent, account, endpoint) VALUES (?, ?, ?, ?)", values)
