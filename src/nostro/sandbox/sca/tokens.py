"""OAuth 2.0 grants of the bank: codes with PKCE, access tokens of 15 minutes, refresh tokens for one use.

RFC 6749, RFC 7636 (S256 only), RFC 9700 4.14: a refresh token that is used twice ends the whole family. Only digests
are stored.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import secrets
import sqlite3
from dataclasses import dataclass

from nostro.sandbox.clock import Clock, moment_text, parse_moment
from nostro.sandbox.errors import Refusal
from nostro.sandbox.requests import BankRequest
from nostro.sandbox.storage import Storage

CODE_LIFE = dt.timedelta(minutes=10)
ACCESS_LIFE = dt.timedelta(minutes=15)
FAMILY_LIFE = dt.timedelta(days=180)


class GrantError(Exception):
    """The token endpoint says no: ``error`` is a word of RFC 6749 5.2."""

    def __init__(self, error: str, text: str) -> None:
        super().__init__(error, text)
        self.error, self.text = error, text


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client asked for at the authorisation endpoint. ``scope`` is ``AIS`` or ``AIS:<consentId>``."""

    client: str
    redirect_uri: str
    scope: str
    challenge: str


@dataclass(frozen=True, slots=True)
class Grant:
    """What the token endpoint hands out."""

    access_token: str
    refresh_token: str
    scope: str


@dataclass(frozen=True, slots=True)
class Family:
    """All tokens that come from one approval of a customer."""

    id: str
    psu: str
    asked: Asked
    ends_at: dt.datetime


class Tokens:
    """All grants of the bank."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage, self._clock = storage, clock

    def new_code(self, asked: Asked, psu: str) -> str:
        """A code for one use."""
        with self._storage.transaction() as db:
            family = Family(secrets.token_urlsafe(16), psu, asked, self._clock.now() + FAMILY_LIFE)
            return self._make(db, "code", CODE_LIFE, family)

    def redeem(self, code: str, client: str, redirect_uri: str, verifier: str) -> Grant:
        """Exchange a code. Raises :class:`GrantError`."""
        row = self._use("code", code)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("utf-8", "replace")).digest()).rstrip(b"=")
        fits = (
            row["client"] == client
            and row["redirect_uri"] == redirect_uri
            and secrets.compare_digest(challenge, row["challenge"].encode())
        )
        if not fits:
            raise GrantError("invalid_grant", "client_id, redirect_uri or code_verifier do not fit the code.")
        return self._grant(row)

    def refresh(self, token: str, client: str) -> Grant:
        """Exchange a refresh token; it is good once. Raises :class:`GrantError`."""
        row = self._use("refresh", token)
        if row["client"] != client:
            raise GrantError("invalid_grant", "The refresh token belongs to another client.")
        return self._grant(row)

    def require(self, request: BankRequest, psu: str | None = None) -> str:
        """The customer of the request's access token. Raises the standard's TOKEN_UNKNOWN, TOKEN_EXPIRED or, for
        another customer than ``psu``, TOKEN_INVALID."""
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        row = self._row("access", token.strip()) if kind.lower() == "bearer" else None
        links = {"scaOAuth": {"href": metadata_address(request)}}
        if row is None or row["used"]:
            raise Refusal(401, "TOKEN_UNKNOWN", "An access token of this bank is required.", links=links)
        if self._clock.now() >= parse_moment(row["expires_at"]):
            raise Refusal(401, "TOKEN_EXPIRED", "The access token is over; refresh it.", links=links)
        if psu is not None and row["psu"] != psu:
            raise Refusal(401, "TOKEN_INVALID", "The access token belongs to another customer.", links=links)
        return str(row["psu"])

    def _use(self, kind: str, token: str) -> sqlite3.Row:
        """Mark a token as used. Used twice, it was stolen: the whole family ends."""
        with self._storage.transaction() as db:
            row = self._row(kind, token)
            if row is not None and row["used"]:
                db.execute("UPDATE tokens SET used = 1 WHERE family = ?", (row["family"],))
            elif row is not None:
                db.execute("UPDATE tokens SET used = 1 WHERE digest = ?", (row["digest"],))
        if row is None or row["used"] or self._clock.now() >= parse_moment(row["expires_at"]):
            raise GrantError("invalid_grant", "This is unknown, over, or was used before.")
        return row

    def _grant(self, row: sqlite3.Row) -> Grant:
        ends_at = parse_moment(row["family_ends_at"])
        asked = Asked(row["client"], row["redirect_uri"], row["scope"], row["challenge"])
        with self._storage.transaction() as db:
            family = Family(row["family"], row["psu"], asked, ends_at)
            access = self._make(db, "access", ACCESS_LIFE, family)
            refresh = self._make(db, "refresh", FAMILY_LIFE, family)
        return Grant(access, refresh, asked.scope)

    def _make(self, db: sqlite3.Connection, kind: str, life: dt.timedelta, family: Family) -> str:
        token, asked = secrets.token_urlsafe(32), family.asked
        expires_at = min(self._clock.now() + life, family.ends_at)
        db.execute(
            "INSERT INTO tokens (digest, kind, family, psu, scope, client, redirect_uri, challenge, expires_at, "
            "family_ends_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(_digest(token), kind, family.id, family.psu, asked.scope, asked.client, asked.redirect_uri),
                *(asked.challenge, moment_text(expires_at), moment_text(family.ends_at)),
            ),
        )
        return token

    def _row(self, kind: str, token: str) -> sqlite3.Row | None:
        with self._storage.transaction() as db:
            query = "SELECT * FROM tokens WHERE digest = ? AND kind = ?"
            found: sqlite3.Row | None = db.execute(query, (_digest(token), kind)).fetchone()
        return found


def metadata_address(request: BankRequest) -> str:
    """Where the configuration of the authorisation server is found (RFC 8414)."""
    return f"{request.host_url}oauth/.well-known/oauth-authorization-server"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
