"""What a journal card shows (books.md 7), for all journals of a company in a handful of queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count

from nostro.books.companies.models import Company
from nostro.books.hub_client.catalogue import FailureKind, describe
from nostro.books.journals.models import Balance, Journal, PendingLine, PendingState
from nostro.books.journals.queries import journals_of
from nostro.books.journals.totals import Counts, counts_of
from nostro.books.ledger.totals import Totals, totals_of
from nostro.books.links.models import Failure, JournalLink, OnlineAccount


@dataclass(frozen=True, slots=True)
class JournalCard:
    """Ledger balance is computed, bank balance is bank-stated; ``difference`` = expected − bank-stated, ``None`` when
    unknown."""

    journal: Journal
    ledger_balance: Decimal
    bank_balance: Decimal | None
    bank_balance_date: dt.date | None
    proof: str
    difference: Decimal | None
    line_count: int
    to_reconcile: int
    to_check: int
    held: int
    pending: int
    link: JournalLink | None
    online_account: OnlineAccount | None
    consent_days_left: int | None
    failure: FailureKind | None

    @property
    def last_result(self) -> str:
        return self.online_account.last_result if self.online_account else ""

    @property
    def last_fetch_at(self) -> dt.datetime | None:
        return self.online_account.last_fetch_at if self.online_account else None

    @property
    def next_fetch_at(self) -> dt.datetime | None:
        return self.online_account.next_fetch_at if self.online_account else None


def journal_cards(
    company: Company, *, now: dt.datetime, journals: Sequence[Journal] | None = None
) -> list[JournalCard]:
    """A card for each active journal, by code, or for ``journals`` of the company only."""
    journals = journals_of(company) if journals is None else journals
    ledger = totals_of([journal.bank_account_id for journal in journals])
    counts = counts_of([journal.id for journal in journals])
    pending = dict(
        PendingLine.objects.filter(journal__in=journals, state=PendingState.PENDING)
        .values_list("journal")
        .annotate(number=Count("id"))
    )
    links = {
        link.journal_id: link
        for link in JournalLink.objects.filter(journal__in=journals, unlinked_at=None).select_related(
            "online_account__connection", "company"
        )
    }
    failures = {
        failure.online_account_id: failure
        # The newest counts, and what waits for a decision only where nothing else is wrong.
        for failure in sorted(
            Failure.objects.filter(company=company, cleared_at=None),
            key=lambda failure: (describe(failure.code).klass != "data", failure.last_at),
        )
    }
    balances = {
        balance.journal_id: balance
        for balance in Balance.objects.filter(journal__in=journals, kind="current", origin="bank")
        .order_by("journal_id", "-id")
        .distinct("journal_id")
    }
    cards = []
    for journal in journals:
        link = links.get(journal.id)
        account = link.online_account if link else None
        balance = balances.get(journal.id)
        failure = failures.get(account.id) if account else None
        number = counts.get(journal.id, Counts())
        cards.append(
            JournalCard(
                journal=journal,
                ledger_balance=ledger.get(journal.bank_account_id, Totals()).amount_currency,
                bank_balance=balance.amount if balance else None,
                bank_balance_date=balance.reference_date if balance else None,
                proof=journal.proof,
                difference=journal.proof_difference,
                line_count=number.lines,
                to_reconcile=number.to_reconcile,
                to_check=number.to_check,
                held=number.held,
                pending=pending.get(journal.id, 0),
                link=link,
                online_account=account,
                consent_days_left=_days_left(account, now),
                failure=describe(failure.code) if failure else None,
            )
        )
    return cards


def _days_left(account: OnlineAccount | None, now: dt.datetime) -> int | None:
    """Whole days until the consent ends; negative when it is over, because "0 days left" would be a day too many."""
    if account is None or account.consent_expires_at is None:
        return None
    return (account.consent_expires_at - now).days
