"""Verbs on connections and links. Credentials are in ``credentials``, the wizard's verbs in ``wizard``, fetching in
``fetching``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from nostro.books.companies.models import Role
from nostro.books.journals.models import Feed, GroupingChoice
from nostro.books.journals.services import set_feed
from nostro.books.links.models import Connection, ConnectionState, FetchSchedule, JournalLink, OnlineAccount
from nostro.books.links.queries import (
    access_connection,
    access_link,
    locked_account,
    locked_connection,
    locked_live_link,
)
from nostro.books.links.schedule import next_fetch
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import Problem


@transaction.atomic
def set_automatic_sync(user: User, connection_id: UUID, on: bool, *, now: dt.datetime) -> Connection:
    """Off = every account of the connection is fetched by hand only (books.md 5.1)."""
    access_connection(user, connection_id, role=Role.ACCOUNTANT)
    connection = locked_connection(connection_id)
    if connection.automatic_sync == on:
        return connection
    connection.automatic_sync = on
    connection.save(update_fields=["automatic_sync"])
    plan_all(connection, now=now)
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
    access_connection(user, connection_id, role=Role.OWNER)
    connection = locked_connection(connection_id)
    if connection.state == ConnectionState.DISCONNECTED:
        return connection
    links = JournalLink.objects.filter(online_account__connection=connection, unlinked_at=None)
    for link in links.order_by("online_account_id"):
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


def plan_all(connection: Connection, *, now: dt.datetime) -> None:
    """Write when each account of a connection is fetched next."""
    links = JournalLink.objects.filter(online_account__connection=connection, unlinked_at=None)
    for link in links.select_related("online_account__connection", "company").order_by("online_account_id"):
        plan_next(link, now=now)


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
    link = locked_live_link(user, link_id, role=Role.ACCOUNTANT)
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
    locked_account(link.online_account_id)
    link.refresh_from_db(fields=["unlinked_at"])
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
