"""Consents and their authorisations: the only writer of these tables. Words of status are the standard's."""

from __future__ import annotations

import datetime as dt
import json
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nostro.sandbox.clock import Clock, moment_text, parse_moment
from nostro.sandbox.errors import Refusal
from nostro.sandbox.scenarios import CODE, PASSWORD, SCENARIOS
from nostro.sandbox.storage import Storage

MAX_DAYS = 180
MAX_ATTEMPTS = 3
FINAL = ("finalised", "failed", "exempted")
#: An approval page that nobody finishes ends after this time.
AUTHORISATION_LIFE = dt.timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Consent:
    """``granted`` maps ``accounts``, ``balances`` and ``transactions`` to account ids; empty until approved.
    ``access`` is what the service asked for, as the standard writes it."""

    id: str
    psu: str | None
    status: str
    access: dict[str, Any]
    granted: dict[str, list[str]]
    recurring: bool
    frequency: int
    valid_until: dt.date
    ok_uri: str
    nok_uri: str
    psu_hint: str
    created_at: str
    last_action_on: str


@dataclass(frozen=True, slots=True)
class Authorisation:
    """One attempt of the customer to approve a consent. ``session`` is the secret of the browser that logged in."""

    id: str
    consent: str
    status: str
    psu: str | None
    session: str | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Wish:
    """What a service asks for when it creates a consent."""

    access: dict[str, Any]
    recurring: bool
    frequency: int
    valid_until: dt.date
    ok_uri: str
    nok_uri: str
    psu_hint: str


class Consents:
    """All consents the bank knows. ``new_id`` makes unguessable ids; tests pass one that repeats."""

    def __init__(
        self, storage: Storage, clock: Clock, new_id: Callable[[], str] = lambda: secrets.token_urlsafe(24)
    ) -> None:
        self._storage, self._clock, self._new_id = storage, clock, new_id

    def create(self, wish: Wish) -> Consent:
        """A consent in status ``received``."""
        identity, now = self._new_id(), self._clock.now()
        longest = self._clock.today() + dt.timedelta(days=MAX_DAYS)
        with self._storage.transaction() as db:
            db.execute(
                "INSERT INTO consents VALUES (?, NULL, 'received', ?, '{}', ?, ?, ?, NULL, ?, ?, ?, ?, ?)",
                (
                    *(identity, json.dumps(wish.access), int(wish.recurring), wish.frequency),
                    *(min(wish.valid_until, longest).isoformat(), wish.ok_uri, wish.nok_uri, wish.psu_hint),
                    *(moment_text(now), now.date().isoformat()),
                ),
            )
        return self.require(identity, status=403)

    def find(self, identity: str) -> Consent | None:
        """The consent as of now: one whose time is over is ``expired``."""
        with self._storage.transaction() as db:
            row = db.execute("SELECT * FROM consents WHERE id = ?", (identity,)).fetchone()
            if row is None:
                return None
            if row["status"] == "valid" and self._is_over(row):
                self._set_status(db, identity, "expired")
                row = db.execute("SELECT * FROM consents WHERE id = ?", (identity,)).fetchone()
        return _consent(row)

    def _is_over(self, row: sqlite3.Row) -> bool:
        ends_at = row["ends_at"]
        if ends_at is not None and self._clock.now() >= parse_moment(ends_at):
            return True
        return self._clock.today() > dt.date.fromisoformat(row["valid_until"])

    def require(self, identity: str, status: int) -> Consent:
        """The consent, or CONSENT_UNKNOWN: 403 where it stands in the path, 400 where in a header."""
        found = self.find(identity)
        if found is None:
            raise Refusal(status, "CONSENT_UNKNOWN", "The bank knows no consent with this id.")
        return found

    def all(self, limit: int = 1000) -> list[Consent]:
        """The newest consents first."""
        with self._storage.transaction() as db:
            found = db.execute("SELECT id FROM consents ORDER BY created_at DESC, id LIMIT ?", (limit,)).fetchall()
        return [self.require(row["id"], 403) for row in found]

    def end(self, identity: str, status: str) -> None:
        """``terminatedByTpp``, ``revokedByPsu``, ``expired`` or ``rejected``; a consent that is over stays as it is."""
        consent = self.require(identity, 403)
        if consent.status in {"received", "valid", "partiallyAuthorised"}:
            with self._storage.transaction() as db:
                self._set_status(db, identity, status)

    def limit(self, identity: str, last_day: dt.date) -> None:
        """Shorten a consent: ``last_day`` is the last day on which it is good."""
        with self._storage.transaction() as db:
            db.execute("UPDATE consents SET valid_until = ? WHERE id = ?", (last_day.isoformat(), identity))

    def _set_status(self, db: sqlite3.Connection, identity: str, status: str) -> None:
        today = self._clock.today().isoformat()
        db.execute("UPDATE consents SET status = ?, last_action_on = ? WHERE id = ?", (status, today, identity))

    def start_authorisation(self, consent: Consent) -> Authorisation:
        """One more attempt; only a consent that waits for approval has any."""
        if consent.status != "received":
            raise Refusal(409, "STATUS_INVALID", f"A consent that is {consent.status} cannot be authorised.")
        identity = self._new_id()
        with self._storage.transaction() as db:
            db.execute(
                "INSERT INTO authorisations (id, consent, status, created_at) VALUES (?, ?, 'received', ?)",
                (identity, consent.id, moment_text(self._clock.now())),
            )
        found = self.authorisation(identity)
        assert found is not None
        return found

    def authorisation(self, identity: str) -> Authorisation | None:
        """The attempt as of now: one that nobody finished in time is ``failed``."""
        with self._storage.transaction() as db:
            row = db.execute("SELECT * FROM authorisations WHERE id = ?", (identity,)).fetchone()
            if row is None:
                return None
            over = self._clock.now() >= parse_moment(row["created_at"]) + AUTHORISATION_LIFE
            if row["status"] not in FINAL and over:
                self._set_authorisation(identity, "failed")
                row = db.execute("SELECT * FROM authorisations WHERE id = ?", (identity,)).fetchone()
        return Authorisation(row["id"], row["consent"], row["status"], row["psu"], row["session"], row["attempts"])

    def authorisation_ids(self, consent: str) -> list[str]:
        """All attempts of a consent, oldest first."""
        with self._storage.transaction() as db:
            query = "SELECT id FROM authorisations WHERE consent = ? ORDER BY created_at, rowid"
            return [row["id"] for row in db.execute(query, (consent,))]

    def log_in(self, authorisation: Authorisation, psu: str, password: str) -> str | None:
        """Password check. Returns the browser's new session secret, or None; three wrong tries end the attempt."""
        with self._storage.transaction() as db:
            if psu in SCENARIOS and secrets.compare_digest(password.encode(), PASSWORD.encode()):
                session = self._new_id()
                db.execute(
                    "UPDATE authorisations SET status = 'psuAuthenticated', psu = ?, session = ?, attempts = 0 "
                    "WHERE id = ?",
                    (psu, session, authorisation.id),
                )
                return session
            self._count_attempt(db, authorisation)
        return None

    def _count_attempt(self, db: sqlite3.Connection, authorisation: Authorisation) -> None:
        db.execute("UPDATE authorisations SET attempts = attempts + 1 WHERE id = ?", (authorisation.id,))
        if authorisation.attempts + 1 >= MAX_ATTEMPTS:
            self.fail(authorisation)

    def approve(self, authorisation: Authorisation, code: str, granted: dict[str, list[str]]) -> bool:
        """The customer's yes with the code of the second factor. False for a wrong code or a consent that is over."""
        with self._storage.transaction() as db:
            if not secrets.compare_digest(code.strip().encode(), CODE.encode()):
                self._count_attempt(db, authorisation)
                return False
            assert authorisation.psu is not None
            consent = self.require(authorisation.consent, 403)
            days = SCENARIOS[authorisation.psu].consent_days
            last_day = consent.valid_until
            if days is not None:
                last_day = min(last_day, self._clock.today() + dt.timedelta(days=days))
            changed = db.execute(
                "UPDATE consents SET psu = ?, granted = ?, valid_until = ? WHERE id = ? AND status = 'received'",
                (authorisation.psu, json.dumps(granted), last_day.isoformat(), consent.id),
            )
            # Ended or approved from elsewhere since the page was shown: the page that is asked for next tells.
            if changed.rowcount == 0:
                return False
            self._set_status(db, consent.id, "valid")
            self._set_authorisation(authorisation.id, "finalised")
        return True

    def fail(self, authorisation: Authorisation) -> None:
        """The customer said no or could not prove who they are: the consent is rejected."""
        with self._storage.transaction():
            self._set_authorisation(authorisation.id, "failed")
            self.end(authorisation.consent, "rejected")

    def _set_authorisation(self, identity: str, status: str) -> None:
        with self._storage.transaction() as db:
            db.execute("UPDATE authorisations SET status = ? WHERE id = ?", (status, identity))


def _consent(row: sqlite3.Row) -> Consent:
    return Consent(
        *(row["id"], row["psu"], row["status"], json.loads(row["access"]), json.loads(row["granted"])),
        *(bool(row["recurring"]), row["frequency"], dt.date.fromisoformat(row["valid_until"]), row["ok_uri"]),
        *(row["nok_uri"], row["psu_hint"], row["created_at"], row["last_action_on"]),
    )
