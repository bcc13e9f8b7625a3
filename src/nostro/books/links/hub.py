"""The client of a connection, and what the Hub's account list says about its accounts."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from uuid import UUID

from django.conf import settings

from nostro.books.hub_client.client import Client, TokenClient
from nostro.books.hub_client.errors import HubError
from nostro.books.hub_client.values import HubAccount
from nostro.books.links.models import Connection, CredentialKind, OnlineAccount
from nostro.core.account_keys import normalise_account_number, online_identity
from nostro.http.door import Door, DoorSettings
from nostro.keys.envelope import value_context
from nostro.web.errors import Problem
from nostro.web.secrets import open_sealed, seal

ClientOf = Callable[[Connection], Client]


@lru_cache(maxsize=1)
def _door() -> Door:
    return Door(
        DoorSettings(
            allow_private=settings.OUTGOING_ALLOW_PRIVATE,
            allow_loopback_http=settings.OUTGOING_ALLOW_LOOPBACK,
            user_agent="Nostro-Books",
        )
    )


def client_for(hub_url: str, client_id: str, secret: str) -> Client:
    """A client of a Hub for one pair of credentials."""
    return Client(_door(), hub_url, client_id, secret, monotonic=time.monotonic)


def token_client_for(hub_url: str, token: str) -> Client:
    """A client of a Hub for one deprecated API token."""
    return TokenClient(_door(), hub_url, token, monotonic=time.monotonic)


def client_of(connection: Connection) -> Client:
    """The client of a stored connection; opens its secret."""
    secret = opened_secret(connection)
    if connection.credential_kind == CredentialKind.API_TOKEN:
        return token_client_for(connection.hub_url, secret)
    return client_for(connection.hub_url, connection.client_id, secret)


def opened_secret(connection: Connection) -> str:
    """The Secret ID, or the deprecated API token, of a connection."""
    return open_sealed(connection.sealed_secret, context=_context(connection.id)).decode()


def seal_secret(connection_id: UUID, secret: str) -> bytes:
    """Seal a Secret ID for one connection."""
    return seal(secret, context=_context(connection_id))


def _context(connection_id: UUID) -> str:
    return value_context("links_connection", "sealed_secret", connection_id)


def source_of(connection: Connection) -> str:
    """Whose transaction ids these are: a Hub's ids are the same for all its clients (books.md 11.1)."""
    return f"hub:{connection.hub_url}"[:200]


def problem_of(error: HubError) -> Problem:
    """A failed call as a person reads it."""
    return Problem(error.kind.sentence, why=error.technical, what_to_do=error.kind.remedy, code=error.code)


def identity_of(account: HubAccount) -> str:
    return online_identity(account.reference, account.currency, account.id, account.reference_type or "IBAN")[:120]


def store_accounts(
    connection: Connection, accounts: Iterable[HubAccount], banks: dict[str, str], *, now: dt.datetime
) -> list[OnlineAccount]:
    """Bring the connection's accounts up to the Hub's list, matched by identity; absent ones become invisible.

    An account that the Hub shows under another id begins a new epoch and loses its cursor, because the ids of its
    transactions may be others (books.md 11.1); its lines are found again by their fingerprints.
    """
    held = OnlineAccount.objects.select_for_update(no_key=True).filter(connection=connection).order_by("id")
    known = {row.identity: row for row in held}
    seen: dict[str, OnlineAccount] = {}
    # A replaced account may stand beside the one that replaced it, under the same number: that one counts.
    for account in sorted(accounts, key=lambda each: each.deprecated):
        identity = identity_of(account)
        if identity in seen:
            continue
        row = known.get(identity) or OnlineAccount(
            connection=connection, company_id=connection.company_id, identity=identity, hub_account_id=account.id
        )
        update_account(row, account)
        row.bank_name = banks.get(account.institution_id, row.bank_name)
        row.visible = True
        row.save()
        seen[identity] = row
    OnlineAccount.objects.filter(connection=connection).exclude(identity__in=seen).update(visible=False)
    Connection.objects.filter(pk=connection.pk).update(accounts_read_at=now)
    return list(seen.values())


def update_account(row: OnlineAccount, account: HubAccount) -> None:
    """Copy what the Hub says of an account; the caller saves."""
    if str(row.hub_account_id) != account.id:
        row.hub_account_id = UUID(account.id)
        row.epoch += 1
        row.cursor = ""
    sign = -1 if row.invert_balance_sign else 1
    row.reference = normalise_account_number(account.reference)[:70]
    row.reference_type = account.reference_type
    row.currency = account.currency
    row.subtype = account.subtype
    row.description = account.description
    row.holder_name = account.holder_name
    row.institution_id = UUID(account.institution_id) if account.institution_id else None
    row.current_balance = sign * account.current_balance
    row.current_balance_date = account.current_balance_date
    row.available_balance = sign * account.available_balance
    row.synchronized_at = account.synchronized_at
    row.consent_expires_at = account.consent_expires_at
    row.deprecated = account.deprecated
    row.availability = account.availability
