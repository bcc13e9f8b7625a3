"""Reads for the pages of the chart: balances of all accounts, and the items of one."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db.models import Q

from nostro.books.companies.models import Company
from nostro.books.ledger.models import EntryItem, LedgerAccount
from nostro.books.ledger.totals import Totals, totals_of
from nostro.web.errors import NotFound

PAGE = 100


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """Sums in the company's currency; both are positive."""

    account: LedgerAccount
    debit: Decimal
    credit: Decimal

    @property
    def balance(self) -> Decimal:
        """Debit − credit."""
        return self.debit - self.credit


def balances_of(company: Company) -> list[AccountBalance]:
    """Every account of the chart with its debits and credits, by code."""
    accounts = list(LedgerAccount.objects.filter(company=company).order_by("code"))
    totals = totals_of([account.id for account in accounts])
    none = Totals()
    return [
        AccountBalance(account, found.debit, found.credit)
        for account in accounts
        for found in [totals.get(account.id, none)]
    ]


def items_of(account: LedgerAccount, cursor: str = "") -> tuple[list[EntryItem], str]:
    """Items of an account, newest first, and the cursor of the next page (``""`` on the last one)."""
    items = EntryItem.objects.filter(account=account).select_related(
        "entry", "entry__line", "entry__document", "partner"
    )
    if cursor:
        try:
            last = EntryItem.objects.filter(account=account, pk=UUID(cursor)).first()
        except ValueError:
            last = None
        if last is None:
            raise NotFound("page")
        items = items.filter(Q(date__lt=last.date) | Q(date=last.date, id__lt=last.id), date__lte=last.date)
    found = list(items.order_by("-date", "-id")[: PAGE + 1])
    return found[:PAGE], str(found[PAGE - 1].id) if len(found) > PAGE else ""
