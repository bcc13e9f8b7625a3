"""The bank's clock. Consent life, quota window and histories follow it and nothing else (connectors.md 5.1)."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from nostro.sandbox.storage import Storage

Kind = Literal["real", "virtual"]
#: Where a virtual clock starts when nobody says otherwise.
VIRTUAL_START = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)


def moment_text(moment: dt.datetime) -> str:
    """RFC 3339 in UTC with microseconds, so that text order is time order."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_moment(text: str) -> dt.datetime:
    """A moment with its offset. Raises ``ValueError`` for anything else."""
    moment = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError("a moment needs an offset, for example 2026-01-05T09:00:00Z")
    return moment.astimezone(dt.UTC)


class Clock:
    """``real`` follows the machine plus what control added; ``virtual`` stands still until control moves it.

    What control did is stored, so a restarted bank goes on where it was.
    """

    def __init__(self, storage: Storage, kind: Kind, at: dt.datetime | None) -> None:
        self._storage = storage
        self.kind = kind
        if kind == "virtual" and self._setting("clock") is None:
            self._remember("clock", moment_text(at or VIRTUAL_START))
        if kind == "real" and at is not None and self._setting("clock_offset_s") is None:
            self.set(at)

    def now(self) -> dt.datetime:
        """This moment, in UTC."""
        if self.kind == "virtual":
            return parse_moment(self._setting("clock") or moment_text(VIRTUAL_START))
        return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=int(self._setting("clock_offset_s") or 0))

    def today(self) -> dt.date:
        """The bank's day. One zone (UTC) keeps days repeatable on every machine."""
        return self.now().date()

    def set(self, moment: dt.datetime) -> None:
        """Move to ``moment``."""
        if self.kind == "virtual":
            self._remember("clock", moment_text(moment))
        else:
            offset = moment - dt.datetime.now(dt.UTC)
            self._remember("clock_offset_s", str(round(offset.total_seconds())))

    def _setting(self, name: str) -> str | None:
        with self._storage.transaction() as db:
            row = db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row["value"])

    def _remember(self, name: str, value: str) -> None:
        with self._storage.transaction() as db:
            db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))
