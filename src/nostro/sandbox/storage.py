"""The bank's own storage: one SQLite file. Amounts are whole minor units, moments RFC 3339 text in UTC.

One connection guarded by a lock serves all threads: a sandbox has few customers, and serial access makes every
answer repeatable. A write is on disk before the answer leaves (write-ahead log), so kill -9 loses nothing.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS accounts (
    id TEXT PRIMARY KEY, psu TEXT NOT NULL, position INTEGER NOT NULL, resource_id TEXT NOT NULL UNIQUE,
    iban TEXT NOT NULL, currency TEXT NOT NULL, name TEXT NOT NULL, product TEXT NOT NULL, type TEXT NOT NULL,
    owner TEXT NOT NULL, history TEXT NOT NULL, status TEXT NOT NULL, starts_on TEXT NOT NULL, written_until TEXT,
    closes_on TEXT, reads INTEGER NOT NULL DEFAULT 0, generation INTEGER NOT NULL DEFAULT 0,
    added INTEGER NOT NULL DEFAULT 0, habits TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS customers (psu TEXT PRIMARY KEY, scenario TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rows (
    id INTEGER PRIMARY KEY, truth_id TEXT NOT NULL UNIQUE, account TEXT NOT NULL REFERENCES accounts,
    seen_on TEXT NOT NULL, booked_on TEXT NOT NULL, gone_on TEXT NOT NULL, value_on TEXT NOT NULL,
    minor INTEGER NOT NULL, pending_minor INTEGER NOT NULL, transaction_id TEXT, entry_reference TEXT,
    body TEXT NOT NULL, listed_on TEXT NOT NULL, amended_on TEXT, amended_minor INTEGER, amendment TEXT
);
CREATE INDEX IF NOT EXISTS rows_by_booking ON rows (account, booked_on, truth_id);
CREATE TABLE IF NOT EXISTS consents (
    id TEXT PRIMARY KEY, psu TEXT, status TEXT NOT NULL, access TEXT NOT NULL, granted TEXT NOT NULL,
    recurring INTEGER NOT NULL, frequency INTEGER NOT NULL, valid_until TEXT NOT NULL, ends_at TEXT,
    ends_as TEXT NOT NULL DEFAULT 'expired', approved_at TEXT, approach TEXT NOT NULL,
    ok_uri TEXT NOT NULL, nok_uri TEXT NOT NULL, psu_hint TEXT NOT NULL, created_at TEXT NOT NULL,
    last_action_on TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS authorisations (
    id TEXT PRIMARY KEY, consent TEXT REFERENCES consents, payment TEXT REFERENCES payments, status TEXT NOT NULL,
    psu TEXT, session TEXT, attempts INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL, ends_at TEXT NOT NULL,
    method TEXT, verdict TEXT, due_at TEXT, oauth TEXT, CHECK ((consent IS NULL) <> (payment IS NULL))
);
CREATE INDEX IF NOT EXISTS authorisations_by_consent ON authorisations (consent);
CREATE INDEX IF NOT EXISTS authorisations_by_payment ON authorisations (payment);
CREATE INDEX IF NOT EXISTS authorisations_by_due ON authorisations (due_at) WHERE due_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS payments (
    id TEXT PRIMARY KEY, service TEXT NOT NULL, status TEXT NOT NULL, debtor TEXT, transfers TEXT NOT NULL,
    is_batch INTEGER NOT NULL, ok_uri TEXT NOT NULL, nok_uri TEXT NOT NULL, psu_hint TEXT NOT NULL,
    approach TEXT NOT NULL, created_at TEXT NOT NULL, ends_at TEXT NOT NULL, executes_at TEXT
);
CREATE INDEX IF NOT EXISTS payments_by_due ON payments (executes_at) WHERE status = 'ACTC';
CREATE TABLE IF NOT EXISTS tokens (
    digest TEXT PRIMARY KEY, kind TEXT NOT NULL, family TEXT NOT NULL, psu TEXT NOT NULL, scope TEXT NOT NULL,
    client TEXT NOT NULL, redirect_uri TEXT NOT NULL, challenge TEXT NOT NULL, expires_at TEXT NOT NULL,
    family_ends_at TEXT NOT NULL, used INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS accesses (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, consent TEXT NOT NULL, account TEXT NOT NULL, endpoint TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS accesses_by_key ON accesses (consent, account, endpoint, at);
CREATE TABLE IF NOT EXISTS log (
    id INTEGER PRIMARY KEY, at TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, consent TEXT NOT NULL,
    endpoint TEXT NOT NULL, account TEXT NOT NULL, attended INTEGER NOT NULL, counted INTEGER NOT NULL,
    page TEXT NOT NULL, status INTEGER NOT NULL, request_id TEXT NOT NULL,
    fault TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY, kind TEXT NOT NULL, endpoint TEXT, times INTEGER, seconds INTEGER NOT NULL,
    consent TEXT, account TEXT, skip INTEGER NOT NULL
);
"""
#: Raised with every change of the schema or the histories. A file of another version is made anew: all it holds is
#: invented, and a bank whose past changes under its customers would be worse than a fresh one.
VERSION = 5
TABLES = (
    *("faults", "log", "accesses", "tokens", "authorisations", "payments", "consents", "rows", "accounts", "customers"),
    "settings",
)


class Storage:
    """The file ``bank.sqlite3`` in ``directory``, made when it is missing."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(directory / "bank.sqlite3", check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._make_tables()
        self._depth = 0

    def _make_tables(self) -> None:
        if self._connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
            for table in TABLES:
                self._connection.execute(f"DROP TABLE IF EXISTS {table}")
        self._connection.executescript(SCHEMA)
        self._connection.execute(f"PRAGMA user_version = {VERSION}")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, one at a time; an inner transaction belongs to the outer one."""
        with self._lock:
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield self._connection
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._connection.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._connection.execute("COMMIT")

    def clear(self) -> None:
        """Forget everything: a fresh bank."""
        with self.transaction() as db:
            for table in TABLES:
                db.execute(f"DELETE FROM {table}")  # noqa: S608 - our own table names

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()
