"""What goes wrong on purpose (connectors.md 5.2, ``POST /faults``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nostro.sandbox.storage import Storage

KINDS = ("down", "slow", "500", "truncated", "not_json", "wrong_content_type", "bare_401")
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

    def plan(self, kind: str, endpoint: str | None, times: int | None, seconds: int) -> None:
        """``times`` None means until :meth:`clear`; ``endpoint`` None means every data endpoint."""
        with self._storage.transaction() as db:
            db.execute(
                "INSERT INTO faults (kind, endpoint, times, seconds) VALUES (?, ?, ?, ?)",
                (kind, endpoint, times, seconds),
            )

    def planned(self) -> list[dict[str, Any]]:
        """What still waits, in order."""
        with self._storage.transaction() as db:
            return [dict(row) for row in db.execute("SELECT kind, endpoint, times, seconds FROM faults ORDER BY id")]

    def clear(self) -> None:
        """The bank is well again."""
        with self._storage.transaction() as db:
            db.execute("DELETE FROM faults")

    def next(self, endpoint: str) -> Fault | None:
        """The fault this answer meets, used up if it was for a number of times."""
        with self._storage.transaction() as db:
            query = "SELECT * FROM faults WHERE endpoint IS NULL OR endpoint = ? ORDER BY id LIMIT 1"
            row = db.execute(query, (endpoint,)).fetchone()
            if row is None:
                return None
            if row["times"] is not None:
                db.execute("UPDATE faults SET times = times - 1 WHERE id = ?", (row["id"],))
                db.execute("DELETE FROM faults WHERE times <= 0")
            return Fault(row["kind"], row["seconds"])
