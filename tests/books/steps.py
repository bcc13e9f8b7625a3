"""Steps that several tests of Books take, in the words of a person."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, Protocol

from django.db.models import Sum
from tests.books.conftest import NOW

from nostro.books.companies.models import Company
from nostro.books.journals.models import Journal, Line
from nostro.books.ledger.models import EntryItem, LedgerAccount
from nostro.books.links.credentials import connect
from nostro.books.links.fetching import request_fetch, run_fetch
from nostro.books.links.models import Connection, JournalLink, Run
from nostro.books.links.wizard import LinkRow, confirm_links
from nostro.people.models import User


class AnyHub(Protocol):
    """A Hub that Books can be connected to."""

    url: str
    client_id: str
    secret: str


def connected(user: User, company: Company, hub: AnyHub) -> Connection:
    return connect(user, company.id, hub_url=hub.url, client_id=hub.client_id, secret=hub.secret, now=NOW)


def linked(user: User, company: Company, hub: AnyHub, **row: Any) -> JournalLink:
    """Connect and link the Hub's only account to a new journal."""
    connection = connected(user, company, hub)
    (account,) = connection.online_accounts.all()
    values = {"action": "create", "fetch_from": dt.date(2026, 10, 28), **row}
    (link,) = confirm_links(user, connection.id, [LinkRow(account.id, **values)], now=NOW)
    return link


def fetch(link: JournalLink, now: dt.datetime = NOW, **options: Any) -> Run:
    """One fetch from request to end, without a worker."""
    run = request_fetch(None, link.online_account, trigger="schedule", now=now)
    return run_fetch(run.id, clock=lambda: now, sleep=lambda seconds: None, **options)


def balance(account: LedgerAccount) -> Decimal:
    return EntryItem.objects.filter(account=account).aggregate(total=Sum("amount"))["total"] or Decimal(0)


def amounts(journal: Journal) -> list[Decimal]:
    lines = Line.objects.filter(journal=journal).order_by("order_date", "day_seq", "id")
    return list(lines.values_list("amount", flat=True))
