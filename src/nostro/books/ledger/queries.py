"""Reads on the ledger; objects of a company are reached through ``access_*`` only."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from uuid import UUID

from django.db.models import QuerySet

from nostro.books.companies.models import Company, Role
from nostro.books.companies.queries import require_role
from nostro.books.ledger.models import Document, EntryItem, LedgerAccount, Partner
from nostro.books.ledger.totals import Totals, totals_of
from nostro.people.models import User
from nostro.web.errors import NotFound

LIST_LIMIT = 500


def accounts_of(company: Company) -> list[LedgerAccount]:
    """The chart, by code."""
    return list(LedgerAccount.objects.filter(company=company, active=True).order_by("code"))


def partners_of(company: Company) -> list[Partner]:
    return list(Partner.objects.filter(company=company, active=True).order_by("name")[:LIST_LIMIT])


def access_account(user: User, account_id: UUID, *, role: Role | None = None) -> LedgerAccount:
    """A ledger account of one of the person's companies, else :class:`NotFound`."""
    account = LedgerAccount.objects.select_related("company").filter(pk=account_id).first()
    if account is None:
        raise NotFound("account")
    require_role(user, account.company_id, role, "account")
    return account


def access_document(user: User, document_id: UUID, *, role: Role | None = None) -> Document:
    """An invoice or bill of one of the person's companies, else :class:`NotFound`."""
    document = Document.objects.select_related("company", "partner", "open_item").filter(pk=document_id).first()
    if document is None:
        raise NotFound("document")
    require_role(user, document.company_id, role, "document")
    return document


def documents_of(company: Company, *, open_only: bool = False, limit: int = LIST_LIMIT) -> list[Document]:
    """Invoices and bills, newest first."""
    documents = Document.objects.filter(company=company).select_related("partner", "open_item", "reversed_by")
    documents = documents.prefetch_related("taxes")
    if open_only:
        documents = documents.exclude(open_item__residual_currency=0)
    return list(documents.order_by("-date", "-id")[:limit])


def open_items(company: Company) -> QuerySet[EntryItem]:
    """Posted items with something left open (books.md 16.1)."""
    return EntryItem.objects.filter(company=company, residual_currency__isnull=False).exclude(residual_currency=0)


def account_balance(account: LedgerAccount, until: dt.date | None = None) -> Decimal:
    """Σ of the account's items in the company's currency, debit +."""
    return totals_of([account.id], until).get(account.id, Totals()).amount


def account_balance_in_currency(account: LedgerAccount, until: dt.date | None = None) -> Decimal:
    """Σ in the items' own currency; meaningful for accounts that hold one currency, such as bank accounts."""
    return totals_of([account.id], until).get(account.id, Totals()).amount_currency
