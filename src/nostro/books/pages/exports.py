"""Every list of the Books as CSV or workbook: what a list is called, its columns, its rows."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse

from nostro.books.companies.models import Company
from nostro.books.journals.duplicates import default_since, find_duplicates
from nostro.books.journals.models import Journal
from nostro.books.journals.pending import pending_and_lapsed
from nostro.books.journals.queries import PAGE_LIMIT, lines_of, newest_dates, running_balances, statements_of
from nostro.books.journals.totals import DayBalances
from nostro.books.ledger.chart_balances import balances_of, items_of
from nostro.books.ledger.models import LedgerAccount
from nostro.books.ledger.queries import access_account, documents_of
from nostro.books.links.missing import find_missing
from nostro.books.links.models import OnlineAccount
from nostro.books.links.queries import connections_of, online_accounts_of, runs_of
from nostro.books.pages import exports_of_company as kept
from nostro.books.pages.export import export
from nostro.books.pages.forms import LineFilterForm, PeriodForm, SinceForm
from nostro.books.pages.journals import access, chosen_filter, search_text
from nostro.books.pages.shell import CompanyRequest, company_page, now, person, remember
from nostro.books.reminders.notices import contacts_of
from nostro.people.audit import trail
from nostro.web.errors import NotFound, Problem

Rows = Iterator[Sequence[object]]

#: Rows of a list of documents at most.
DOCUMENTS_LIMIT = 1_000_000


class Table(NamedTuple):
    """A list with a name. Columns have the names that the API uses, so that a file can be read by programs."""

    heads: tuple[str, ...]
    rows: Callable[..., Rows]


def _lines(journal: Journal, request: HttpRequest) -> Rows:
    """The lines that the filter shows, newest first, with the balance after each."""
    chosen, text = chosen_filter(request), search_text(LineFilterForm(request.GET))
    cursor, days = "", DayBalances(journal)
    while True:
        page = lines_of(journal.company, journal=journal, filter=chosen, text=text, cursor=cursor, limit=PAGE_LIMIT)
        balances = running_balances(journal, page.items, days)
        for line in page.items:
            yield (
                line.booking_date, line.value_date, line.amount, line.currency, balances.get(line.id), line.label,
                line.counterparty_name, line.counterparty_account, line.structured_reference, line.end_to_end_id,
                line.bank_reference, line.status, "yes" if line.reconciled else "no",
                line.statement.key if line.statement else "", line.id,
            )  # fmt: skip
        cursor = page.next_cursor
        if not cursor:
            return


def _statements(journal: Journal, request: HttpRequest) -> Rows:
    del request
    for each in statements_of(journal, limit=100_000):
        confirmed = "yes" if each.confirmed_at else "no"
        yield each.name, each.first_day, each.date, each.start, each.computed_end, each.stated_end, confirmed, each.id


def _pending(journal: Journal, request: HttpRequest) -> Rows:
    del request
    for each in pending_and_lapsed(journal):
        yield (
            each.date, each.amount, each.currency, each.label, each.counterparty_name, each.counterparty_account,
            each.state, each.note, each.id,
        )  # fmt: skip


def _duplicates(journal: Journal, request: HttpRequest) -> Rows:
    """The groups since the date of the page; ``group`` counts them."""
    form = SinceForm(request.GET)
    since = form.cleaned_data["since"] if form.is_valid() else default_since(journal) or now().date()
    for number, group in enumerate(find_duplicates(journal, since), start=1):
        for each in group.lines:
            yield (
                number, each.booking_date, each.amount, each.currency, each.label, each.counterparty_name,
                each.counterparty_account, each.bank_reference, "yes" if each.reconciled else "no", each.id,
            )  # fmt: skip


def _missing(journal: Journal, request: HttpRequest) -> Rows:
    """What the page lists. The Hub is asked before the file begins, so a failure is a page and not half a file."""
    form = PeriodForm(request.GET)
    if not form.is_valid():
        raise Problem("The period is not valid.", what_to_do="Give its first and last day.", code="periodInvalid")
    search = find_missing(person(request), journal.id, form.cleaned_data["first"], form.cleaned_data["last"])
    return (
        (
            each.item.booking_date, each.item.value_date, each.item.amount, each.item.currency, each.reason,
            each.item.remittance, each.item.counterparty_name, each.item.counterparty_account, each.item.id,
            each.line.id if each.line else None,
        )
        for each in search.missing
    )  # fmt: skip


def _runs(journal: Journal, request: HttpRequest) -> Rows:
    del request
    for each in runs_of(journal):
        yield (
            each.created_at, each.trigger, each.status, each.started_at, each.finished_at, each.pages, each.items_read,
            each.new_count, each.known_count, each.held_count, each.changed_count, each.early_count, each.error_code,
            each.result, each.id,
        )  # fmt: skip


def _documents(company: Company, request: HttpRequest) -> Rows:
    del request
    for each in documents_of(company, limit=DOCUMENTS_LIMIT):
        yield (
            each.kind, each.number, each.partner.name, each.date, each.due_date, each.amount, each.currency,
            each.open_item.residual_currency, each.structured_reference, each.id,
        )  # fmt: skip


def _chart(company: Company, request: HttpRequest) -> Rows:
    del request
    for each in balances_of(company):
        yield each.account.code, each.account.name, each.account.kind, each.debit, each.credit, each.balance


def _connections(company: Company, request: HttpRequest) -> Rows:
    del request
    moment = now()
    for connection in connections_of(company):
        accounts = [(each, _journal_of(each)) for each in online_accounts_of(connection)]
        newest = newest_dates([journal.id for _, journal in accounts if journal])
        for each, journal in accounts:
            waits = each.waiting_until if each.waiting_until and each.waiting_until > moment else None
            yield (
                connection.hub_url, connection.state, each.bank_name, each.reference, each.currency,
                journal.code if journal else "", each.health, each.current_balance,
                each.current_balance_date, each.synchronized_at,
                newest.get(journal.id) if journal else None, each.last_fetch_at, each.next_fetch_at, waits,
                each.last_result, each.consent_expires_at,
            )  # fmt: skip


def _journal_of(account: OnlineAccount) -> Journal | None:
    return next((link.journal for link in account.links.all() if link.unlinked_at is None), None)


def _consents(company: Company, request: HttpRequest) -> Rows:
    del request
    for connection in connections_of(company):
        for each in online_accounts_of(connection):
            for link in (link for link in each.links.all() if link.unlinked_at is None):
                yield (
                    link.journal.code, each.reference, each.bank_name, each.consent_expires_at, each.health,
                    ", ".join(contacts_of(link.journal)), connection.hub_url,
                )  # fmt: skip


def _audit(company: Company, request: HttpRequest) -> Rows:
    del request
    before: int | None = None
    while records := trail(tenant_id=company.id, before=before):
        for each in records:
            yield each.created_at, each.actor_name, each.action, each.sentence, each.object_type, each.object_id
        before = records[-1].id


def _items(account: LedgerAccount) -> Rows:
    cursor = ""
    while True:
        found, cursor = items_of(account, cursor)
        for each in found:
            partner = each.partner.name if each.partner else ""
            yield (
                each.date,
                each.label,
                partner,
                each.amount,
                each.currency,
                each.amount_currency,
                each.analytic,
                each.id,
            )
        if not cursor:
            return


OF_JOURNAL: dict[str, Table] = {
    "lines": Table(
        ("booking_date", "value_date", "amount", "currency", "balance", "label", "counterparty_name",
         "counterparty_account", "structured_reference", "end_to_end_id", "bank_reference", "status", "matched",
         "statement", "id"),
        _lines,
    ),
    "statements": Table(
        ("name", "first_day", "date", "start", "computed_end", "stated_end", "confirmed", "id"), _statements
    ),
    "pending": Table(
        ("date", "amount", "currency", "label", "counterparty_name", "counterparty_account", "state", "note", "id"),
        _pending,
    ),
    "duplicates": Table(
        ("group", "booking_date", "amount", "currency", "label", "counterparty_name", "counterparty_account",
         "bank_reference", "matched", "id"),
        _duplicates,
    ),
    "missing": Table(
        ("booking_date", "value_date", "amount", "currency", "reason", "remittance", "counterparty_name",
         "counterparty_account", "hub_id", "line"),
        _missing,
    ),
    "runs": Table(
        ("at", "trigger", "status", "started", "finished", "pages", "read", "new", "known", "held", "changed",
         "before_first_day", "error", "result", "id"),
        _runs,
    ),
    "files": Table(kept.FILES, kept.files_of_journal),
}  # fmt: skip
OF_COMPANY: dict[str, Table] = {
    "documents": Table(
        ("kind", "number", "partner", "date", "due_date", "amount", "currency", "open", "structured_reference", "id"),
        _documents,
    ),
    "chart": Table(("code", "name", "kind", "debit", "credit", "balance"), _chart),
    "synchronization": Table(
        ("hub", "connection_state", "bank", "number", "currency", "journal", "health", "balance", "balance_date",
         "bank_data_as_of", "last_transaction", "last_fetch", "next_fetch", "refresh_not_before",
         "last_result", "consent_until"),
        _connections,
    ),
    "consents": Table(("journal", "number", "bank", "ends", "health", "told", "hub"), _consents),
    "partners": Table(kept.PARTNERS, kept.partners),
    "members": Table(kept.MEMBERS, kept.members),
    "rules": Table(kept.RULES, kept.rules),
    "files": Table(kept.FILES, kept.files),
    "drafts": Table(kept.DRAFTS, kept.drafts),
    "entries": Table(kept.ENTRIES, kept.entries),
    "audit": Table(("at", "person", "action", "sentence", "object_type", "object_id"), _audit),
}  # fmt: skip
_ITEMS = ("date", "label", "partner", "amount", "currency", "amount_currency", "analytic", "id")


@login_required
def of_journal(request: HttpRequest, journal_id: uuid.UUID, table: str, kind: str) -> HttpResponse:
    """A list of one journal."""
    found = access(request, journal_id)
    chosen = OF_JOURNAL.get(table)
    if chosen is None:
        raise NotFound("list")
    return export(f"{found.code}-{table}", kind, chosen.heads, chosen.rows(found, request))


@company_page()
def of_company(request: CompanyRequest, table: str, kind: str) -> HttpResponse:
    """A list of the whole company."""
    chosen = OF_COMPANY.get(table)
    if chosen is None:
        raise NotFound("list")
    return export(f"{request.company.name}-{table}", kind, chosen.heads, chosen.rows(request.company, request))


@login_required
def of_account(request: HttpRequest, account_id: uuid.UUID, kind: str) -> HttpResponse:
    """The items of one ledger account."""
    found = access_account(person(request), account_id)
    remember(request, found.company)
    return export(f"{found.code}-items", kind, _ITEMS, _items(found))
