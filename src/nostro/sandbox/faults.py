"""What goes wrong on purpose (connectors.md 5.2, ``POST /faults``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nostro.sandbox.storage import Storage

KINDS = (
    "down",
    "refused",
    "reset_in_body",
    "slow",
    "500",
    "truncated",
    "not_json",
    "wrong_content_type",
    "bare_401",
)
#: Endpoints as faults name them. ``data`` stands for all but ``consents``.
ENDPOINTS = ("consents", "accounts", "details", "balances", "transactions", "transaction", "data")
MAX_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Fault:
    """``seconds`` is the wait of ``slow``."""

    kind: str
    seconds: int


class Faults:
    """Faults wait in order; each answer meets at most one of them."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def plan(
        self,
        kind: str,
        endpoint: str | None,
        times: int | None,
        seconds: int,
        *,
        skip: int = 0,
        consent: str | None = None,
        account: str | None = None,
    ) -> None:
        """``times`` None means until :meth:`clear`; ``endpoint`` None means every endpoint. ``skip`` answers are left
        well before. ``consent`` and ``account`` (the bank's id) narrow the fault to them."""
        with self._storage.transaction() as db:
            db.execute(
                "INSERT INTO faults (kind, endpoint, times, seconds, skip, consent, account) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (kind, endpoint, times, seconds, skip, consent, account),
            )

    def planned(self) -> list[dict[str, Any]]:
        """What still waits, in order."""
        with self._storage.transaction() as db:
            query = "SELECT kind, endpoint, times, seconds, skip, consent, account FROM faults ORDER BY id"
            return [dict(row) for row in db.execute(query)]

    def clear(self) -> None:
        """The bank is well again."""
        with self._storage.transaction() as db:
            db.execute("DELETE FROM faults")

    def next(self, endpoint: str, consent: str, account: str | None) -> Fault | None:
        """The fault this answer meets, used up if it was for a number of times."""
        query = (
            "SELECT * FROM faults WHERE (endpoint IS NULL OR endpoint = ? OR endpoint = 'data' AND ? <> 'consents') "
            "AND (consent IS NULL OR consent = ?) AND (account IS NULL OR account = ?) ORDER BY id LIMIT 1"
        )
        with self._storage.transaction() as db:
            row = db.execute(query, (endpoint, endpoint, consent, account)).fetchone()
            if row is None:
                return None
            if row["skip"] > 0:
                db.execute("UPDATE faults SET skip = skip - 1 WHERE id = ?", (row["id"],))
                return None
            if row["times"] is not None:
                db.execute("UPDATE faults SET times = times - 1 WHERE id = ?", (row["id"],))
                db.execute("DELETE FROM faults WHERE times <= 0")
            return Fault(row["kind"], row["seconds"])
