"""Online synchronization: the table that helps when something broke, and everything one connection can be told."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from nostro.books.companies.models import Role
from nostro.books.companies.queries import role_of
from nostro.books.journals.queries import newest_dates
from nostro.books.links.control import pause, reset_cursor, resume
from nostro.books.links.fetching import request_fetch
from nostro.books.links.models import Connection, JournalLink, OnlineAccount
from nostro.books.links.queries import access_connection, connections_of, failures_of, online_accounts_of
from nostro.books.links.services import disconnect, set_automatic_sync
from nostro.books.pages.connect import access
from nostro.books.pages.refusals import FailureRow, failure_row
from nostro.books.pages.shell import CompanyRequest, company_page, now, person, show, visitor
from nostro.books.pages.states import (
    State,
    connection_state,
    consent_days_left,
    consent_state,
    health_state,
    hub_page,
    is_busy,
)


@dataclass(frozen=True)
class AccountRow:
    """One online account of a connection."""

    account: OnlineAccount
    link: JournalLink | None
    health: State
    consent: State | None
    busy: bool
    #: The date of the newest transaction in its journal.
    newest: dt.date | None
    #: What the Hub said: the bank is not asked before.
    not_before: dt.datetime | None


@dataclass(frozen=True)
class ConnectionView:
    """A connection with its accounts and what is wrong with it."""

    connection: Connection
    state: State
    rows: list[AccountRow]
    failures: list[FailureRow]

    @property
    def banks(self) -> str:
        return ", ".join(dict.fromkeys(row.account.bank_name for row in self.rows if row.account.bank_name))

    @property
    def hub_page(self) -> str:
        return hub_page(self.connection)

    @property
    def busy(self) -> bool:
        return any(row.busy for row in self.rows)

    @property
    def linked(self) -> list[AccountRow]:
        return [row for row in self.rows if row.link]

    @property
    def last_fetch_at(self) -> dt.datetime | None:
        return max((row.account.last_fetch_at for row in self.rows if row.account.last_fetch_at), default=None)

    @property
    def next_fetch_at(self) -> dt.datetime | None:
        return min((row.account.next_fetch_at for row in self.rows if row.account.next_fetch_at), default=None)

    @property
    def not_before(self) -> dt.datetime | None:
        return min((row.not_before for row in self.rows if row.not_before), default=None)


def view_of(connection: Connection, role: Role, moment: dt.datetime) -> ConnectionView:
    """Read everything that the pages say about a connection to a person of that role."""
    accounts = online_accounts_of(connection)
    newest = newest_dates([link.journal_id for each in accounts if (link := _live(each))])
    rows = [_row(account, newest, moment) for account in accounts]
    links = {row.account.id: row.link for row in rows}
    failures = [failure_row(each, links.get(each.online_account_id), role) for each in failures_of(connection)]
    return ConnectionView(connection, connection_state(connection), rows, failures)


def _live(account: OnlineAccount) -> JournalLink | None:
    return next((each for each in account.links.all() if each.unlinked_at is None), None)


def _row(account: OnlineAccount, newest: dict[uuid.UUID, dt.date], moment: dt.datetime) -> AccountRow:
    link = _live(account)
    consent = consent_state(consent_days_left(account, moment))
    health = health_state(account) if account.visible else State("bad", _("No longer shown by the Hub"))
    latest = newest.get(link.journal_id) if link else None
    waits = account.waiting_until if account.waiting_until and account.waiting_until > moment else None
    return AccountRow(account, link, health, consent, is_busy(account), latest, waits)


@company_page()
def synchronization(request: CompanyRequest) -> HttpResponse:
    """Does everything arrive? All connections of the company."""
    role = role_of(person(request), request.company)
    views = [view_of(each, role, now()) for each in connections_of(request.company)]
    return show(request, "synchronization.html", views=views, room="synchronization")


@login_required
def connection(request: HttpRequest, connection_id: uuid.UUID) -> HttpResponse:
    """One connection: its accounts, credentials, failures with remedies, and what can be done."""
    found = access(request, connection_id)
    view = view_of(found, role_of(person(request), found.company), now())
    return show(request, "connection.html", view=view, room="synchronization")


@login_required
@require_POST
def fetch_all(request: HttpRequest, connection_id: uuid.UUID) -> HttpResponse:
    """Fetch Transactions for every linked account; one that is under way is joined."""
    found = access(request, connection_id, Role.CLERK)
    linked = view_of(found, Role.CLERK, now()).linked
    for row in linked:
        request_fetch(person(request), row.account, trigger="person", now=now(), customer_ip=visitor(request))
    if not linked:
        messages.info(request, _("No account of this connection is linked to a journal yet."))
    return redirect("books:connection", connection_id=found.id)


@login_required
@require_POST
def automatic(request: HttpRequest, connection_id: uuid.UUID) -> HttpResponse:
    """Switch Automatic synchronization on or off for all accounts of the connection."""
    found = access_connection(person(request), connection_id, role=Role.ACCOUNTANT)
    on = request.POST.get("on") == "yes"
    set_automatic_sync(person(request), found.id, on, now=now())
    told = _("The accounts are fetched by their schedules.") if on else _("The accounts are fetched by hand only.")
    messages.success(request, told)
    return redirect("books:connection", connection_id=found.id)


@login_required
@require_POST
def pause_or_resume(request: HttpRequest, connection_id: uuid.UUID, on: bool) -> HttpResponse:
    """Stop fetching by schedule until somebody resumes it."""
    (resume if on else pause)(person(request), connection_id, now=now())
    messages.success(request, _("Fetching goes on.") if on else _("Fetching is paused. Nothing is lost."))
    return redirect("books:connection", connection_id=connection_id)


@login_required
@require_POST
def reset(request: HttpRequest, online_account_id: uuid.UUID) -> HttpResponse:
    """Read one account again from the first day on."""
    run = reset_cursor(person(request), online_account_id, now=now())
    messages.success(request, _("The account is read again from its first day. No line is doubled by it."))
    return redirect("books:connection", connection_id=run.online_account.connection_id)


@login_required
@require_POST
def end(request: HttpRequest, connection_id: uuid.UUID) -> HttpResponse:
    """Disconnect: all links end; journals and lines stay."""
    found = access_connection(person(request), connection_id, role=Role.OWNER)
    disconnect(person(request), found.id, now=now())
    messages.success(request, _("The connection is ended. Journals and lines stay; the consent at the Hub goes on."))
    return redirect("books:synchronization", company_id=found.company_id)
