"""The Books' side of the demonstration. They see the Hub only through its public API, with Client ID and Secret ID."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from decimal import Decimal

from django.db.models import Count, Sum

from nostro.books.companies.models import Company
from nostro.books.companies.queries import companies_of
from nostro.books.companies.services import create_company
from nostro.books.journals.models import Journal, Line, LineStatus, OpeningOrigin
from nostro.books.ledger.queries import account_balance_in_currency
from nostro.books.links.account_lists import reload_accounts
from nostro.books.links.credentials import connect
from nostro.books.links.fetching import request_fetch
from nostro.books.links.models import Connection, JournalLink, OnlineAccount, Run, RunStatus
from nostro.books.links.queries import connections_of
from nostro.books.links.wizard import LinkRow, confirm_links, propose_rows
from nostro.cli.demo.comparison import Figures
from nostro.people.models import User

COMPANY = "Atelier Nostro"
#: The whole history is fetched, so that all three places can be compared.
FETCH_FROM = dt.date(2000, 1, 1)
#: What one unit is worth in euro, for the journals in other currencies.
RATES = {"EUR": None, "USD": Decimal("0.86"), "JPY": Decimal("0.0055"), "KWD": Decimal("2.80")}


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def ensure_company(person: User) -> Company:
    found = companies_of(person)
    return found[0] if found else create_company(person, name=COMPANY, country="BE", currency="EUR")


def is_connected(company: Company) -> bool:
    """Whether the Books have a Client ID and Secret ID already."""
    return bool(connections_of(company))


def ensure_links(person: User, company: Company, address: str, client_id: str, secret: str) -> bool:
    """Connect to the Hub and give every account a journal of its own; returns whether anything was done."""
    connection = _connection(person, company, address, client_id, secret)
    reload_accounts(person, connection.id, now=now())
    rows = [
        LinkRow(
            account_id=row.account.id,
            action="create",
            fetch_from=FETCH_FROM,
            opening=OpeningOrigin.COMPUTED if row.account.current_balance_date else OpeningOrigin.NONE,
            exchange_rate=RATES.get(row.account.currency),
        )
        for row in propose_rows(connection, now=now())
        if row.linked_to is None
    ]
    if rows:
        confirm_links(person, connection.id, rows, now=now())
    return bool(rows)


def _connection(person: User, company: Company, address: str, client_id: str, secret: str) -> Connection:
    existing = connections_of(company)
    if not existing:
        return connect(person, company.id, hub_url=address, client_id=client_id, secret=secret, now=now())
    if existing[0].hub_url != address:
        # The demonstration had to move to another port since its last run.
        Connection.objects.filter(id=existing[0].id).update(hub_url=address)
        existing[0].refresh_from_db()
    return existing[0]


def fetch(person: User, company: Company) -> list[uuid.UUID]:
    """Fetch all linked accounts, joining what is under way; returns the runs."""
    links = JournalLink.objects.filter(company=company, unlinked_at=None).select_related("online_account")
    return [request_fetch(person, link.online_account, trigger="person", now=now()).id for link in links]


def progress(fetches: Sequence[uuid.UUID], company: Company) -> tuple[bool, int, list[str]]:
    """Whether all fetches ended, lines there, and what went wrong in words."""
    runs = list(Run.objects.filter(id__in=fetches))
    refusals = [run.result or run.error_code for run in runs if run.status == RunStatus.FAILED]
    return all(run.status == RunStatus.DONE for run in runs), line_count(company), refusals


def line_count(company: Company) -> int:
    """Lines in all journals."""
    return Line.objects.filter(company=company).count()


def figures(company: Company, reference: str, currency: str) -> Figures:
    """Posted lines, their sum, and the ledger's balance of the journal's bank account."""
    account = OnlineAccount.objects.filter(company=company, reference=reference, currency=currency).first()
    journal = Journal.objects.filter(links__online_account=account, links__unlinked_at=None).first()
    if journal is None:
        return Figures(0, Decimal(0), Decimal(0))
    lines = Line.objects.filter(journal=journal, status__in=[LineStatus.POSTED, LineStatus.INFORMATIONAL])
    sums = lines.aggregate(count=Count("id"), total=Sum("amount"))
    return Figures(sums["count"], sums["total"] or Decimal(0), account_balance_in_currency(journal.bank_account))
