"""Verbs on connections and links. The wizard's own are in ``wizard``, fetching is in ``fetching``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from django.db import transaction

from nostro.books.companies.models import Company, Role
from nostro.books.companies.queries import access_company
from nostro.books.hub_client.values import HubAccount
from nostro.books.journals.models import Feed, GroupingChoice
from nostro.books.journals.services import set_feed
from nostro.books.links.account_lists import shown_by
from nostro.books.links.failures import refresh_connection_state
from nostro.books.links.hub import client_for, seal_secret, store_accounts
from nostro.books.links.models import (
    Connection,
    ConnectionState,
    Failure,
    FetchSchedule,
    Health,
    JournalLink,
    OnlineAccount,
)
from nostro.books.links.queries import access_connection, access_link
from nostro.books.links.schedule import next_fetch
from nostro.core.ids import new_id
from nostro.core.text import clean
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem


@dataclass(frozen=True, slots=True)
class CredentialChange:
    """What new credentials show (books.md 6): known accounts, new ones to offer, and those no longer visible."""

    matched: list[OnlineAccount]
    new: list[OnlineAccount]
    missing: list[OnlineAccount]


def test_credentials(hub_url: str, client_id: str, secret: str) -> list[HubAccount]:
    """The accounts that a pair shows. Raises :class:`Problem` with a code of the catalogue; stores nothing."""
    hub_url, client_id, secret = _checked(hub_url, client_id, secret)
    return shown_by(client_for(hub_url, client_id, secret)).accounts


def _checked(hub_url: str, client_id: str, secret: str) -> tuple[str, str, str]:
    hub_url = hub_url.strip().rstrip("/")
    address = urlsplit(hub_url)
    if address.scheme not in {"http", "https"} or not address.hostname or address.query or len(hub_url) > 300:
        raise Problem(
            "This is no address of a Hub.",
            what_to_do="Type it like https://hub.example.org.",
            code="H-TLS",
            field="hub_url",
        )
    client_id, secret = clean(client_id, 200), secret.strip()
    if not client_id:
        raise Problem(
            "The Client ID is missing.", what_to_do="Copy it from the Hub.", code="H-CREDENTIALS", field="client_id"
        )
    if not secret or len(secret) > 500 or not secret.isprintable():
        raise Problem(
            "The Secret ID is missing.", what_to_do="Copy it from the Hub.", code="H-CREDENTIALS", field="secret"
        )
    return hub_url, client_id, secret


def connect(user: User, company_id: UUID, *, hub_url: str, client_id: str, secret: str, now: dt.datetime) -> Connection:
    """Test the pair, store the connection and its account list. The same Hub and Client ID is re-used (books.md 4)."""
    company = access_company(user, company_id, role=Role.OWNER)
    hub_url, client_id, secret = _checked(hub_url, client_id, secret)
    shown = shown_by(client_for(hub_url, client_id, secret))
    with transaction.atomic():
        connection = _stored(user, company, hub_url, (client_id, secret), now)
        store_accounts(connection, shown.accounts, shown.banks, now=now)
        record(
            tenant_id=company.id,
            actor=user,
            action="connection.connected",
            obj=connection,
            sentence=f"{user} connected {hub_url} with {len(shown.accounts)} accounts.",
        )
    return connection


def _stored(user: User, company: Company, hub_url: str, pair: tuple[str, str], now: dt.datetime) -> Connection:
    client_id, secret = pair
    connection_id = new_id()
    connection, _ = Connection.objects.select_for_update().get_or_create(
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


def update_credentials(
    user: User, connection_id: UUID, *, client_id: str, secret: str, now: dt.datetime
) -> CredentialChange:
    """Replace the pair after testing the new one; journals, cursors, aliases and choices stay (books.md 6)."""
    connection = access_connection(user, connection_id, role=Role.OWNER)
    hub_url, client_id, secret = _checked(connection.hub_url, client_id, secret)
    shown = shown_by(client_for(hub_url, client_id, secret))
    with transaction.atomic():
        connection = Connection.objects.select_for_update().get(pk=connection.pk)
        _refuse_other(connection, client_id)
        before = set(OnlineAccount.objects.filter(connection=connection).values_list("id", flat=True))
        connection.client_id = client_id
        connection.sealed_secret = seal_secret(connection.id, secret)
        connection.secret_set_at = now
        if connection.state not in {ConnectionState.PAUSED, ConnectionState.DISCONNECTED}:
            connection.state, connection.state_code = ConnectionState.CONNECTED, ""
        connection.save()
        accounts = store_accounts(connection, shown.accounts, shown.banks, now=now)
        missing = list(OnlineAccount.objects.filter(connection=connection, visible=False))
        OnlineAccount.objects.filter(pk__in=[row.pk for row in missing]).update(health=Health.NOT_AUTHORISED)
        Failure.objects.filter(connection=connection, online_account=None, cleared_at=None).update(cleared_at=now)
        Failure.objects.filter(connection=connection, code="H-CREDENTIALS", cleared_at=None).update(cleared_at=now)
        _restart(connection, accounts, now)
        record(
            tenant_id=connection.company_id,
            actor=user,
            action="connection.credentials_updated",
            obj=connection,
            sentence=f"{user} updated the credentials of {connection.hub_url}.",
        )
    return CredentialChange(
        [row for row in accounts if row.id in before], [row for row in accounts if row.id not in before], missing
    )


def _refuse_other(connection: Connection, client_id: str) -> None:
    others = Connection.objects.filter(hub_url=connection.hub_url, client_id=client_id).exclude(pk=connection.pk)
    if others.exists():
        raise Problem(
            "Another connection uses this Client ID.",
            what_to_do="Use that connection, or create a new integration at the Hub.",
            code="H-CREDENTIALS",
            field="client_id",
        )


def _restart(connection: Connection, accounts: Sequence[OnlineAccount], now: dt.datetime) -> None:
    """Accounts that stood still because of the old pair are fetched at once."""
    linked = OnlineAccount.objects.filter(pk__in=[row.pk for row in accounts], links__unlinked_at=None)
    linked.filter(links__isnull=False).update(next_fetch_at=now, failures=0, failing_since=None, health=Health.OK)
    refresh_connection_state(connection)


@transaction.atomic
def set_automatic_sync(user: User, connection_id: UUID, on: bool, *, now: dt.datetime) -> Connection:
    """Off = every account of the connection is fetched by hand only (books.md 5.1)."""
    connection = access_connection(user, connection_id, role=Role.ACCOUNTANT)
    connection.automatic_sync = on
    connection.save(update_fields=["automatic_sync"])
    links = JournalLink.objects.filter(online_account__connection=connection, unlinked_at=None)
    for link in links.select_related("online_account__connection", "company"):
        plan_next(link, now=now)
    record(
        tenant_id=connection.company_id,
        actor=user,
        action="connection.automatic_sync",
        obj=connection,
        sentence=f"Automatic synchronization was switched {'on' if on else 'off'}.",
    )
    return connection


@transaction.atomic
def disconnect(user: User, connection_id: UUID, *, now: dt.datetime) -> Connection:
    """End a connection: links end, journals and lines stay. Consent and billing at the Hub are not ended by this."""
    connection = access_connection(user, connection_id, role=Role.OWNER)
    for link in JournalLink.objects.filter(online_account__connection=connection, unlinked_at=None):
        unlink(user, link.id, now=now)
    connection.state, connection.state_code = ConnectionState.DISCONNECTED, ""
    connection.save(update_fields=["state", "state_code"])
    record(
        tenant_id=connection.company_id,
        actor=user,
        action="connection.disconnected",
        obj=connection,
        sentence=f"{user} disconnected {connection.hub_url}.",
    )
    return connection


def plan_next(link: JournalLink, *, now: dt.datetime) -> None:
    """Write when the link's account is fetched next."""
    account = link.online_account
    automatic = account.connection.automatic_sync and account.connection.state not in {
        ConnectionState.PAUSED,
        ConnectionState.DISCONNECTED,
    }
    planned = (
        next_fetch(link.fetch_schedule, link.fetch_times, account.id, after=now, zone=link.company.time_zone)
        if automatic
        else None
    )
    OnlineAccount.objects.filter(pk=account.pk).update(next_fetch_at=planned)
    account.next_fetch_at = planned


@transaction.atomic
def edit_link(
    user: User,
    link_id: UUID,
    *,
    grouping: str,
    fetch_schedule: str,
    fetch_times: Sequence[dt.time] = (),
    now: dt.datetime,
) -> JournalLink:
    """Change how a journal's account is fetched and grouped; a new grouping is for new lines (books.md 5.2 rule 4)."""
    link = access_link(user, link_id, role=Role.ACCOUNTANT)
    if link.unlinked_at is not None:
        raise NotFound("link")
    check_settings(grouping, fetch_schedule, fetch_times)
    before = {"grouping": link.journal.grouping, "fetch_schedule": link.fetch_schedule}
    link.journal.grouping = grouping
    link.journal.save(update_fields=["grouping"])
    link.fetch_schedule, link.fetch_times = fetch_schedule, list(fetch_times)
    link.save(update_fields=["fetch_schedule", "fetch_times"])
    plan_next(link, now=now)
    record(
        tenant_id=link.company_id,
        actor=user,
        action="link.edited",
        obj=link,
        sentence=f"The settings of {link.journal.code} were changed.",
        before=before,
        after={"grouping": grouping, "fetch_schedule": fetch_schedule},
    )
    return link


def check_settings(grouping: str, fetch_schedule: str, fetch_times: Sequence[dt.time]) -> None:
    """Raises :class:`Problem` for a grouping or schedule that does not exist, or given times without a time."""
    if grouping not in GroupingChoice.values:
        raise Problem("This grouping does not exist.", what_to_do="Choose one.", code="invalid", field="grouping")
    needs_times = fetch_schedule == FetchSchedule.DAILY_AT
    if fetch_schedule not in FetchSchedule.values or (needs_times and not 0 < len(fetch_times) <= 24):
        raise Problem(
            "This fetch schedule does not exist or has no times.",
            what_to_do="Choose a schedule, and up to 24 times for “daily at”.",
            code="invalid",
            field="fetch_schedule",
        )


@transaction.atomic
def unlink(user: User, link_id: UUID, *, now: dt.datetime) -> JournalLink:
    """End one link; its siblings, the journal, lines, raw data and cursor stay (books.md 4)."""
    link = access_link(user, link_id, role=Role.OWNER)
    if link.unlinked_at is None:
        link.unlinked_at = now
        link.save(update_fields=["unlinked_at"])
        OnlineAccount.objects.filter(pk=link.online_account_id).update(next_fetch_at=None)
        set_feed(link.journal, Feed.UNDEFINED)
        record(
            tenant_id=link.company_id,
            actor=user,
            action="link.ended",
            obj=link,
            sentence=f"{link.journal.code} is no longer fed by {link.online_account.bank_name}. The consent and "
            "billing at the Hub go on until they are ended there.",
        )
    return link
