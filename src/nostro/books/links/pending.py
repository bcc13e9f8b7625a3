"""Pending transactions: a list of their own, replaced at each fetch (books.md 12)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db import transaction

from nostro.books.hub_client.client import TransactionPage
from nostro.books.journals.models import Journal, PendingLine, PendingState

LIMIT = 1_000


@transaction.atomic
def replace_pending(journal: Journal, pages: Iterable[TransactionPage], *, now: dt.datetime) -> int:
    """Make the journal's list equal to the Hub's; what vanished is kept as lapsed. Returns the number pending."""
    seen: set[str] = set()
    for page in pages:
        for item in page.transactions:
            PendingLine.objects.update_or_create(
                journal=journal,
                external_id=item.id,
                defaults={
                    "date": item.booking_date,
                    "amount": item.amount,
                    "currency": item.currency,
                    "label": item.remittance or item.description or item.counterparty_name,
                    "counterparty_name": item.counterparty_name,
                    "counterparty_account": item.counterparty_account,
                    "end_to_end_id": item.end_to_end_id,
                    "bank_reference": item.bank_reference,
                    "state": PendingState.PENDING,
                    "last_seen": now,
                },
                create_defaults={
                    "company_id": journal.company_id,
                    "date": item.booking_date,
                    "amount": item.amount,
                    "currency": item.currency,
                    "label": item.remittance or item.description or item.counterparty_name,
                    "counterparty_name": item.counterparty_name,
                    "counterparty_account": item.counterparty_account,
                    "end_to_end_id": item.end_to_end_id,
                    "bank_reference": item.bank_reference,
                    "first_seen": now,
                    "last_seen": now,
                },
            )
            seen.add(item.id)
        if len(seen) >= LIMIT:
            break
    gone = PendingLine.objects.filter(journal=journal, state=PendingState.PENDING).exclude(external_id__in=seen)
    gone.update(state=PendingState.LAPSED, last_seen=now)
    return len(seen)
