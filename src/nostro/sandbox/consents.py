"""Consents, and the authorisations of consents and payments: the only writer of these tables, but for the end of a
payment whose customer failed. Words of status are the standard's."""

from __future__ import annotations

import datetime as dt
import json
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from nostro.sandbox.clock import Clock, moment_text, parse_moment
from nostro.sandbox.customers import Customers
from nostro.sandbox.errors import Refusal
from nostro.sandbox.scenarios import CODE, PASSWORD, Approach, Scenario
from nostro.sandbox.storage import Storage

MAX_DAYS = 180
MAX_ATTEMPTS = 3
FINAL = ("finalised", "failed", "exempted")
_FINAL = ", ".join(f"'{word}'" for word in FINAL)
#: An approval that nobody finishes ends after this time.
AUTHORISATION_LIFE = dt.timedelta(minutes=15)
DECOUPLED_LIFE = dt.timedelta(minutes=5)
MAX_AUTHORISATIONS = 20


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
    approach: Approach
    approved_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Authorisation:
    """One attempt of the customer to approve a consent or to sign a payment; the other of the two ids is empty.
    ``session`` is the secret of the browser that logged in, ``method`` the chosen method of the second factor,
    ``oauth`` what the OAuth client asked for."""

    id: str
    consent: str
    payment: str
    status: str
    psu: str | None
    session: str | None
    attempts: int
    method: str | None
    oauth: dict[str, str] | None


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
    approach: Approach


class Consents:
    """All consents the bank knows. ``new_id`` makes unguessable ids; tests pass one that repeats."""

    def __init__(
        self,
        storage: Storage,
        clock: Clock,
        customers: Customers,
        new_id: Callable[[], str] = lambda: secrets.token_urlsafe(24),
    ) -> None:
        self._storage, self._clock, self._customers, self._new_id = storage, clock, customers, new_id

    def create(self, wish: Wish) -> Consent:
        """A consent in status ``received``."""
        identity, now = self._new_id(), self._clock.now()
        longest = self._clock.today() + dt.timedelta(days=MAX_DAYS)
        with self._storage.transaction() as db:
            db.execute(
                "INSERT INTO consents (id, status, access, granted, recurring, frequency, valid_until, ok_uri, "
                "nok_uri, psu_hint, approach, created_at, last_action_on) "
                "VALUES (?, 'received', ?, '{}', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(identity, json.dumps(wish.access), int(wish.recurring), wish.frequency),
                    *(min(wish.valid_until, longest).isoformat(), wish.ok_uri, wish.nok_uri, wish.psu_hint),
                    *(wish.approach, moment_text(now), now.date().isoformat()),
                ),
            )
        return self.require(identity, status=403)

    def find(self, identity: str) -> Consent | None:
        """The consent as of now: one whose time is over is ``expired``, or what its scenario says."""
        with self._storage.transaction() as db:
            row = db.execute("SELECT * FROM consents WHERE id = ?", (identity,)).fetchone()
            if row is None:
                return None
            if row["status"] == "valid" and (ended_as := self._ended_as(row)):
                self._set_status(db, identity, ended_as)
                row = db.execute("SELECT * FROM consents WHERE id = ?", (identity,)).fetchone()
        return _consent(row)

    def _ended_as(self, row: sqlite3.Row) -> str:
        ends_at = row["ends_at"]
        if ends_at is not None and self._clock.now() >= parse_moment(ends_at):
            return str(row["ends_as"])
        return "expired" if self._clock.today() > dt.date.fromisoformat(row["valid_until"]) else ""

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

    def start_authorisation(self, consent: Consent, psu: str | None = None, status: str = "received") -> Authorisation:
        """One more attempt; only a consent that waits for approval has any."""
        if consent.status != "received":
            raise Refusal(409, "STATUS_INVALID", f"A consent that is {consent.status} cannot be authorised.")
        if len(self.authorisation_ids(consent.id)) >= MAX_AUTHORISATIONS:
            raise Refusal(409, "STATUS_INVALID", f"A consent has at most {MAX_AUTHORISATIONS} authorisations.")
        return self._start("consent", consent.id, consent.approach, psu, status)

    def start_signing(self, payment: str, approach: Approach, psu: str | None, status: str) -> Authorisation:
        """One more attempt to sign a payment, in place of those before: an app that still asks is not heard."""
        with self._storage.transaction() as db:
            db.execute(
                f"UPDATE authorisations SET status = 'failed' WHERE payment = ? AND status NOT IN ({_FINAL})",  # noqa: S608
                (payment,),
            )
            return self._start("payment", payment, approach, psu, status)

    def _start(
        self, kind: Literal["consent", "payment"], matter: str, approach: Approach, psu: str | None, status: str
    ) -> Authorisation:
        identity, now = self._new_id(), self._clock.now()
        life = DECOUPLED_LIFE if approach == "decoupled" else AUTHORISATION_LIFE
        with self._storage.transaction() as db:
            db.execute(
                f"INSERT INTO authorisations (id, {kind}, status, psu, created_at, ends_at) VALUES (?, ?, ?, ?, ?, ?)",  # noqa: S608
                (identity, matter, status, psu, moment_text(now), moment_text(now + life)),
            )
        return self.known_authorisation(identity)

    def authorisation(self, identity: str) -> Authorisation | None:
        """The attempt as of now: one that nobody finished in time is ``failed``."""
        with self._storage.transaction() as db:
            row = db.execute("SELECT * FROM authorisations WHERE id = ?", (identity,)).fetchone()
            if row is None:
                return None
            if row["status"] not in FINAL and self._clock.now() >= parse_moment(row["ends_at"]):
                self.set_authorisation(identity, "failed")
                row = db.execute("SELECT * FROM authorisations WHERE id = ?", (identity,)).fetchone()
        return Authorisation(
            *(row["id"], row["consent"] or "", row["payment"] or "", row["status"]),
            *(row["psu"], row["session"], row["attempts"], row["method"]),
            None if row["oauth"] is None else json.loads(row["oauth"]),
        )

    def known_authorisation(self, identity: str) -> Authorisation:
        """The same where it must exist."""
        found = self.authorisation(identity)
        assert found is not None
        return found

    def authorisation_ids(self, matter: str) -> list[str]:
        """All attempts of a consent or a payment, oldest first."""
        with self._storage.transaction() as db:
            query = "SELECT id FROM authorisations WHERE consent = ? OR payment = ? ORDER BY created_at, rowid"
            return [row["id"] for row in db.execute(query, (matter, matter))]

    def plan_verdict(self, identity: str, verdict: str | None, due_at: dt.datetime | None) -> None:
        """The customer will ``approve`` or ``deny`` at that moment; None: will do nothing."""
        with self._storage.transaction() as db:
            due = None if due_at is None else moment_text(due_at)
            db.execute("UPDATE authorisations SET verdict = ?, due_at = ? WHERE id = ?", (verdict, due, identity))

    def due_verdicts(self) -> list[tuple[str, str, dt.datetime]]:
        """Authorisation, verdict and moment of what the customers have done by now, in the order they did it."""
        query = (
            f"SELECT id, verdict, due_at FROM authorisations WHERE due_at <= ? AND due_at < ends_at "  # noqa: S608
            f"AND status NOT IN ({_FINAL}) ORDER BY due_at, rowid"
        )
        with self._storage.transaction() as db:
            found = db.execute(query, (moment_text(self._clock.now()),)).fetchall()
        return [(row["id"], row["verdict"], parse_moment(row["due_at"])) for row in found]

    def log_in(self, authorisation: Authorisation, psu: str, password: str) -> str | None:
        """Password check. Returns the browser's new session secret, or None; three wrong tries end the attempt."""
        with self._storage.transaction() as db:
            if self.is_password(psu, password):
                session = self._new_id()
                db.execute(
                    "UPDATE authorisations SET status = 'psuAuthenticated', psu = ?, session = ?, attempts = 0 "
                    "WHERE id = ?",
                    (psu, session, authorisation.id),
                )
                return session
            self._count_attempt(db, authorisation, MAX_ATTEMPTS)
        return None

    def is_password(self, psu: str, password: str) -> bool:
        """Whether a customer of this name exists and the password is theirs."""
        return self._customers.find(psu) is not None and _equal(password, PASSWORD)

    def check_code(self, authorisation: Authorisation, code: str, attempts: int = MAX_ATTEMPTS) -> bool:
        """The code of the second factor; so many wrong ones (``attempts``) end the attempt."""
        if _equal(code.strip(), CODE):
            return True
        with self._storage.transaction() as db:
            self._count_attempt(db, authorisation, attempts)
        return False

    def _count_attempt(self, db: sqlite3.Connection, authorisation: Authorisation, most: int) -> None:
        db.execute("UPDATE authorisations SET attempts = attempts + 1 WHERE id = ?", (authorisation.id,))
        if authorisation.attempts + 1 >= most:
            self.fail(authorisation)

    def grant(
        self, authorisation: Authorisation, psu: str, granted: dict[str, list[str]], at: dt.datetime
    ) -> Consent | None:
        """The customer's yes at the moment ``at``: the consent is valid. None for one that is over meanwhile."""
        with self._storage.transaction() as db:
            consent, scenario = self.require(authorisation.consent, 403), self._customers.require(psu)
            ends_at = None if scenario.ends_after_s is None else at + dt.timedelta(seconds=scenario.ends_after_s)
            changed = db.execute(
                "UPDATE consents SET psu = ?, granted = ?, valid_until = ?, approved_at = ?, ends_at = ?, ends_as = ? "
                "WHERE id = ? AND status = 'received'",
                (
                    *(psu, json.dumps(granted), last_day(consent, scenario, at.date()).isoformat(), moment_text(at)),
                    *(None if ends_at is None else moment_text(ends_at), scenario.ends_as, consent.id),
                ),
            )
            # Ended or approved from elsewhere since the page was shown: the page that is asked for next tells.
            if changed.rowcount == 0:
                return None
            self._set_status(db, consent.id, "valid")
            self.set_authorisation(authorisation.id, "finalised", psu=psu)
        return self.require(consent.id, 403)

    def approvals(self, psu: str) -> int:
        """How often this customer has approved a consent."""
        with self._storage.transaction() as db:
            query = "SELECT count(*) FROM consents WHERE psu = ? AND approved_at IS NOT NULL"
            return int(db.execute(query, (psu,)).fetchone()[0])

    def fail(self, authorisation: Authorisation) -> None:
        """The customer said no or could not prove who they are: the consent is rejected, the payment cancelled."""
        with self._storage.transaction() as db:
            self.set_authorisation(authorisation.id, "failed")
            if authorisation.payment:
                cancel_payment(db, authorisation.payment)
            else:
                self.end(authorisation.consent, "rejected")

    def set_authorisation(self, identity: str, status: str, **columns: str) -> None:
        """The new status of an attempt, and what it knows more: ``psu``, ``method``, ``oauth``."""
        assert columns.keys() <= {"psu", "method", "oauth"}
        more = "".join(f", {name} = ?" for name in columns)
        with self._storage.transaction() as db:
            values = (status, *columns.values(), identity)
            db.execute(f"UPDATE authorisations SET status = ?{more} WHERE id = ?", values)  # noqa: S608


def cancel_payment(db: sqlite3.Connection, identity: str) -> None:
    """Nobody will sign it any more; one that is signed stays as it is."""
    db.execute("UPDATE payments SET status = 'CANC' WHERE id = ? AND status = 'RCVD'", (identity,))


def last_day(consent: Consent, scenario: Scenario, today: dt.date) -> dt.date:
    """The last day of a consent approved today: what was asked for, or less at this customer's bank."""
    if scenario.consent_days is None:
        return consent.valid_until
    return min(consent.valid_until, today + dt.timedelta(days=scenario.consent_days))


def _equal(given: str, right: str) -> bool:
    return secrets.compare_digest(given.encode(errors="replace"), right.encode())


def _consent(row: sqlite3.Row) -> Consent:
    return Consent(
        *(row["id"], row["psu"], row["status"], json.loads(row["access"]), json.loads(row["granted"])),
        *(bool(row["recurring"]), row["frequency"], dt.date.fromisoformat(row["valid_until"]), row["ok_uri"]),
        *(row["nok_uri"], row["psu_hint"], row["created_at"], row["last_action_on"], row["approach"]),
        None if row["approved_at"] is None else parse_moment(row["approved_at"]),
    )
