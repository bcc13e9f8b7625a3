"""Credentials of a connection: connecting, replacing them, and leaving the deprecated API token (books.md 4, 6)."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from django.db import IntegrityError, transaction

from nostro.books.companies.models import Company, Role
from nostro.books.companies.queries import access_company
from nostro.books.hub_client.errors import HubError
from nostro.books.hub_client.values import HubAccount
from nostro.books.links.account_lists import Shown, is_replaced, replaced, shown_by, take
from nostro.books.links.failures import record_failure, refresh_connection_state
from nostro.books.links.hub import client_for, identity_of, opened_secret, seal_secret, token_client_for
from nostro.books.links.models import (
    Connection,
    ConnectionState,
    CredentialKind,
    Failure,
    Health,
    OnlineAccount,
    Run,
)
from nostro.books.links.queries import access_connection, locked_connection
from nostro.core.ids import new_id
from nostro.core.text import clean
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import Problem


@dataclass(frozen=True, slots=True)
class CredentialChange:
    """What new credentials show (books.md 6): known accounts, new ones to offer, and those no longer visible.

    In a preview the new ones are not stored, and nothing else is changed either.
    """

    matched: list[OnlineAccount]
    new: list[OnlineAccount]
    missing: list[OnlineAccount]


def test_credentials(hub_url: str, client_id: str, secret: str) -> list[HubAccount]:
    """The accounts that a pair shows. Raises :class:`Problem` with a code of the catalogue; stores nothing."""
    hub_url, client_id, secret = _checked(hub_url, client_id, secret)
    return shown_by(client_for(hub_url, client_id, secret)).accounts


def _checked(hub_url: str, client_id: str, secret: str) -> tuple[str, str, str]:
    hub_url, client_id = _checked_address(hub_url), clean(client_id, 200)
    if not client_id:
        raise Problem(
            "The Client ID is missing.", what_to_do="Copy it from the Hub.", code="H-CREDENTIALS", field="client_id"
        )
    return hub_url, client_id, _checked_secret(secret, "Secret ID")


def _checked_address(hub_url: str) -> str:
    hub_url = hub_url.strip().rstrip("/")
    address = urlsplit(hub_url)
    if address.scheme not in {"http", "https"} or not address.hostname or address.query or len(hub_url) > 300:
        raise Problem(
            "This is no address of a Hub.",
            what_to_do="Type it like https://hub.example.org.",
            code="H-TLS",
            field="hub_url",
        )
    return hub_url


def _checked_secret(secret: str, name: str) -> str:
    secret = secret.strip()
    if not secret or len(secret) > 500 or not secret.isprintable() or not secret.isascii():
        raise Problem(
            f"The {name} is missing or damaged.",
            what_to_do="Copy it from the Hub.",
            code="H-CREDENTIALS",
            field="secret",
        )
    return secret


def connect(user: User, company_id: UUID, *, hub_url: str, client_id: str, secret: str, now: dt.datetime) -> Connection:
    """Test the pair, store the connection and its account list. The same Hub and Client ID is re-used (books.md 4)."""
    company = access_company(user, company_id, role=Role.OWNER)
    hub_url, client_id, secret = _checked(hub_url, client_id, secret)
    shown = shown_by(client_for(hub_url, client_id, secret))
    with transaction.atomic():
        return _connected(user, company, (hub_url, client_id, secret), shown, now)


def connect_with_token(user: User, company_id: UUID, *, hub_url: str, token: str, now: dt.datetime) -> Connection:
    """The same with a deprecated API token, for installations that still have one (books.md 6).

    It works while the Hub accepts it, and says all the time that it is to be migrated.
    """
    company = access_company(user, company_id, role=Role.OWNER)
    hub_url, token = _checked_address(hub_url), _checked_secret(token, "API token")
    shown = shown_by(token_client_for(hub_url, token))
    # The token must not be readable in the column that names the client.
    name = f"api-token-{hashlib.sha256(token.encode()).hexdigest()[:16]}"
    with transaction.atomic():
        connection = _connected(user, company, (hub_url, name, token), shown, now)
        connection.credential_kind = CredentialKind.API_TOKEN
        connection.save(update_fields=["credential_kind"])
        record_failure(connection, None, HubError("H-TOKEN-OLD", "the credential is a deprecated API token"), now=now)
        refresh_connection_state(connection)
    connection.refresh_from_db()
    return connection


def _connected(
    user: User, company: Company, access: tuple[str, str, str], shown: Shown, now: dt.datetime
) -> Connection:
    connection = _stored(user, company, access, now)
    take(connection, shown, now=now)
    record(
        tenant_id=company.id,
        actor=user,
        action="connection.connected",
        obj=connection,
        sentence=f"{user} connected {connection.hub_url} with {len(shown.accounts)} accounts.",
    )
    return connection


def _stored(user: User, company: Company, access: tuple[str, str, str], now: dt.datetime) -> Connection:
    hub_url, client_id, secret = access
    connection_id = new_id()
    connection, _ = Connection.objects.select_for_update(no_key=True).get_or_create(
        hub_url=hub_url,
        client_id=client_id,
        defaults={
            "id": connection_id,
            "company": company,
            "sealed_secret": seal_secret(connection_id, secret),
            "secret_set_at": now,
            "created_by": user,
        },
    )
    if connection.company_id != company.id:
        raise Problem(
            "This Client ID is used by another company.",
            what_to_do="Create an integration of its own for this company at the Hub.",
            code="L-COMPANY",
            field="client_id",
        )
    connection.sealed_secret = seal_secret(connection.id, secret)
    connection.secret_set_at = now
    connection.state, connection.state_code = ConnectionState.CONNECTED, ""
    connection.save()
    return connection


def preview_credentials(user: User, connection_id: UUID, *, client_id: str, secret: str) -> CredentialChange:
    """What :func:`update_credentials` would find; the pair is tested and nothing is changed."""
    connection = access_connection(user, connection_id, role=Role.OWNER)
    shown = _shown_to_new_pair(connection, client_id, secret)
    known = {row.identity: row for row in OnlineAccount.objects.filter(connection=connection)}
    seen = {identity_of(account): account for account in shown.accounts}
    return CredentialChange(
        matched=[known[identity] for identity in seen if identity in known],
        new=[_unsaved(connection, account, shown) for identity, account in seen.items() if identity not in known],
        missing=[row for identity, row in known.items() if identity not in seen],
    )


def _unsaved(connection: Connection, account: HubAccount, shown: Shown) -> OnlineAccount:
    return OnlineAccount(
        connection=connection,
        reference=account.reference or "",
        currency=account.currency,
        description=account.description,
        bank_name=shown.banks.get(account.institution_id, ""),
    )


def _shown_to_new_pair(connection: Connection, client_id: str, secret: str) -> Shown:
    hub_url, client_id, secret = _checked(connection.hub_url, client_id, secret)
    _refuse_other(connection, client_id)
    return shown_by(client_for(hub_url, client_id, secret))


def update_credentials(
    user: User,
    connection_id: UUID,
    *,
    client_id: str,
    secret: str,
    seen_at: dt.datetime | None = None,
    now: dt.datetime,
) -> CredentialChange:
    """Replace the credentials after testing the new pair; journals, cursors, aliases and choices stay (books.md 6).

    Leaving a deprecated API token is the same, except that the token is kept sealed until the first fetch with the
    new pair has succeeded. Doing it again with the same pair changes nothing more (I-7).

    ``seen_at`` is when the credentials that the person saw were set. Raises :class:`Problem` where somebody gave the
    connection another pair since: who comes second is told, and the first pair stays.
    """
    seen = access_connection(user, connection_id, role=Role.OWNER)
    shown = _shown_to_new_pair(seen, client_id, secret)
    with transaction.atomic():
        connection = locked_connection(seen.pk)
        if is_replaced(seen, connection) or (seen_at is not None and seen_at != connection.secret_set_at):
            if not _uses(connection, clean(client_id, 200), secret.strip()):
                raise replaced()
            return _change(*take(connection, shown, now=now), known=None)
        _refuse_other(connection, clean(client_id, 200))
        before = set(OnlineAccount.objects.filter(connection=connection).values_list("id", flat=True))
        migrates = connection.credential_kind == CredentialKind.API_TOKEN
        _replace(connection, clean(client_id, 200), secret.strip(), now)
        accounts, missing = take(connection, shown, now=now)
        _restart(connection, accounts, now)
        record(
            tenant_id=connection.company_id,
            actor=user,
            action="connection.token_migrated" if migrates else "connection.credentials_updated",
            obj=connection,
            sentence=f"{user} replaced the API token of {connection.hub_url} by a Client ID and Secret ID."
            if migrates
            else f"{user} updated the credentials of {connection.hub_url}.",
        )
        return _change(accounts, missing, known=before)


def _change(
    accounts: list[OnlineAccount], missing: list[OnlineAccount], *, known: set[UUID] | None
) -> CredentialChange:
    """``known`` are the accounts that were there before; all of them, if it is not given."""
    is_known = [known is None or row.id in known for row in accounts]
    return CredentialChange(
        [row for row, before in zip(accounts, is_known, strict=True) if before],
        [row for row, before in zip(accounts, is_known, strict=True) if not before],
        missing,
    )


def _uses(connection: Connection, client_id: str, secret: str) -> bool:
    """Whether the connection has exactly this pair."""
    is_client = connection.credential_kind == CredentialKind.CLIENT and connection.client_id == client_id
    return is_client and secrets.compare_digest(opened_secret(connection).encode(), secret.encode())


def _replace(connection: Connection, client_id: str, secret: str, now: dt.datetime) -> None:
    """Put the new pair in; an API token moves to where it waits for the first success of the pair."""
    if connection.credential_kind == CredentialKind.API_TOKEN:
        connection.sealed_old_token = bytes(connection.sealed_secret)
        connection.old_client_id = connection.client_id
    connection.credential_kind = CredentialKind.CLIENT
    connection.client_id = client_id
    connection.sealed_secret = seal_secret(connection.id, secret)
    connection.secret_set_at = now
    if connection.state not in {ConnectionState.PAUSED, ConnectionState.DISCONNECTED}:
        connection.state, connection.state_code = ConnectionState.CONNECTED, ""
    _save_alone(connection)
    failures = Failure.objects.filter(connection=connection, cleared_at=None)
    failures.filter(online_account=None).update(cleared_at=now)
    failures.filter(code="H-CREDENTIALS").update(cleared_at=now)


@transaction.atomic
def take_token_back(user: User, connection_id: UUID, *, now: dt.datetime) -> Connection:
    """Undo a migration whose new pair has not fetched anything yet: the token that was kept is used again."""
    access_connection(user, connection_id, role=Role.OWNER)
    connection = locked_connection(connection_id)
    if connection.sealed_old_token is None:
        raise Problem(
            "There is no API token to go back to.",
            why="The new credentials have fetched and the token was wiped, or it is in use again already.",
            what_to_do="Look at the connection: it shows which credentials are used.",
            code="tokenGone",
        )
    _refuse_other(connection, connection.old_client_id)
    connection.sealed_secret, connection.sealed_old_token = bytes(connection.sealed_old_token), None
    connection.client_id, connection.old_client_id = connection.old_client_id, ""
    connection.credential_kind, connection.secret_set_at = CredentialKind.API_TOKEN, now
    _save_alone(connection)
    record_failure(connection, None, HubError("H-TOKEN-OLD", "the credential is a deprecated API token"), now=now)
    _restart(connection, list(OnlineAccount.objects.filter(connection=connection)), now)
    record(
        tenant_id=connection.company_id,
        actor=user,
        action="connection.token_taken_back",
        obj=connection,
        sentence=f"{user} went back to the API token of {connection.hub_url}.",
    )
    return connection


def forget_old_token(run: Run) -> None:
    """Wipe a migrated token when ``run``, which has just succeeded, used the new pair; for the commit point.

    A run that began before the migration proves nothing about the pair.
    """
    wiped = Connection.objects.filter(
        pk=run.online_account.connection_id, sealed_old_token__isnull=False, secret_set_at__lte=run.started_at
    ).update(sealed_old_token=None, old_client_id="")
    if wiped:
        connection = run.online_account.connection
        record(
            tenant_id=run.company_id,
            actor=None,
            action="connection.token_wiped",
            obj=connection,
            sentence=f"The API token of {connection.hub_url} was wiped: the new credentials fetch.",
        )


def _refuse_other(connection: Connection, client_id: str) -> None:
    others = Connection.objects.filter(hub_url=connection.hub_url, client_id=client_id).exclude(pk=connection.pk)
    if others.exists():
        raise _used_elsewhere()


def _used_elsewhere() -> Problem:
    return Problem(
        "Another connection uses this Client ID.",
        what_to_do="Use that connection, or create a new integration at the Hub.",
        code="H-CREDENTIALS",
        field="client_id",
    )


def _save_alone(connection: Connection) -> None:
    """Store it. Raises :class:`Problem` where another connection has been given the same Client ID a moment ago."""
    try:
        with transaction.atomic():
            connection.save()
    except IntegrityError:
        raise _used_elsewhere() from None


def _restart(connection: Connection, accounts: Sequence[OnlineAccount], now: dt.datetime) -> None:
    """Accounts that stood still because of the old pair are fetched at once."""
    linked = OnlineAccount.objects.filter(pk__in=[row.pk for row in accounts], links__unlinked_at=None)
    linked.filter(links__isnull=False).update(next_fetch_at=now, failures=0, failing_since=None, health=Health.OK)
    refresh_connection_state(connection)
