"""Changing one link: another first day, another journal, no journal. Its siblings are never touched (books.md 4)."""

from __future__ import annotations

import datetime as dt
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction

from nostro.books.companies.models import Role
from nostro.books.companies.services import lock_company
from nostro.books.hub_client.catalogue import describe
from nostro.books.links.fetching import request_fetch
from nostro.books.links.models import JournalLink, OnlineAccount
from nostro.books.links.queries import access_link, locked_connection, locked_live_link
from nostro.books.links.services import unlink
from nostro.books.links.wizard import LinkRow, confirm_links, first_allowed
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import Problem


@transaction.atomic
def change_fetch_from(user: User, link_id: UUID, day: dt.date, *, now: dt.datetime) -> JournalLink:
    """Fetch from another day. An earlier one reads the account again from there; known transactions are not doubled.

    Raises :class:`Problem` L-DATE for a locked or future day.
    """
    link = locked_live_link(user, link_id, role=Role.ACCOUNTANT)
    if day == link.fetch_from:
        return link
    allowed = first_allowed(link.company)
    if day > now.astimezone(ZoneInfo(link.company.time_zone)).date() or (allowed and day < allowed):
        kind = describe("L-DATE")
        offer = f"The first allowed day is {allowed.isoformat()}." if allowed else kind.remedy
        raise Problem(kind.sentence, what_to_do=offer, code=kind.code, field="fetch_from")
    before, link.fetch_from = link.fetch_from, day
    link.save(update_fields=["fetch_from"])
    if day < before:
        # The cursor says that everything since it was read; what is older is found by a full walk only. The
        # watermark stays, because it never decreases (I-9).
        OnlineAccount.objects.filter(pk=link.online_account_id).update(cursor="")
        request_fetch(user, link.online_account, trigger="link", now=now)
    record(
        tenant_id=link.company_id,
        actor=user,
        action="link.fetch_from",
        obj=link,
        sentence=f"{link.journal.code} is fetched from {day.isoformat()}.",
        before={"fetch_from": before.isoformat()},
        after={"fetch_from": day.isoformat()},
    )
    return link


@transaction.atomic
def relink(
    user: User, link_id: UUID, journal_id: UUID, *, confirmed_number: bool = False, now: dt.datetime
) -> JournalLink:
    """Let the account of a link feed another journal; the settings stay, and reading goes on at the old cursor.

    Lines that have arrived stay where they are. Raises ``LinkErrors``; then the old link is as it was.
    """
    found = access_link(user, link_id, role=Role.OWNER)
    lock_company(found.company)
    locked_connection(found.online_account.connection_id)
    link = locked_live_link(user, link_id, role=Role.OWNER)
    if link.journal_id == journal_id:
        return link
    unlink(user, link.id, now=now)
    row = LinkRow(
        link.online_account_id,
        "link",
        journal_id,
        grouping=link.journal.grouping,
        fetch_schedule=link.fetch_schedule,
        fetch_times=tuple(link.fetch_times),
        fetch_from=max(link.fetch_from, first_allowed(link.company) or link.fetch_from),
        confirmed_number=confirmed_number,
    )
    (again,) = confirm_links(user, link.online_account.connection_id, [row], now=now)
    return again


@transaction.atomic
def decline(user: User, link_id: UUID, *, now: dt.datetime) -> JournalLink:
    """*Do not link*: end the link and remember the choice through renewals and reloads."""
    link = unlink(user, link_id, now=now)
    OnlineAccount.objects.filter(pk=link.online_account_id).update(declined=True)
    return link
