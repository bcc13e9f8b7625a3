"""Pending transactions: a list of their own, replaced at each fetch (books.md 12)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db import transaction

from nostro.books.hub_client.client import TransactionPage
from nostro.books.journals.models import Journal, Line, PendingLine, PendingState, Source
from nostro.core.identity import LINK_DAYS, LinkRow, link_pending, link_row
from nostro.core.transactions import Transaction

LIMIT = 1_000
#: Vanished ones are kept this long.
LAPSED_FOR = dt.timedelta(days=30)


@transaction.atomic
def link_booked(journal: Journal) -> int:
    """Link pending lines to the booked ones they became: by end-to-end id, bank reference, else amount and
    counterparty within ten days where exactly one of each fits (books.md 12). Returns how many were linked."""
    pending = list(PendingLine.objects.filter(journal=journal, state=PendingState.PENDING)[:LIMIT])
    days = [each.date or each.first_seen.date() for each in pending]
    if not days:
        return 0
    since = min(days) - dt.timedelta(days=LINK_DAYS)
    booked = Line.objects.filter(journal=journal, source=Source.FEED, booking_date__gte=since, pending_lines=None)
    rows = [_link_row(line, line.booking_date) for line in booked.order_by("-booking_date")[: 10 * LIMIT]]
    by_id = {each.id: each for each in pending}
    links = link_pending([_link_row(each, day) for each, day in zip(pending, days, strict=True)], rows)
    for link in links:
        row = by_id[link.pending.id]
        row.state, row.line_id = PendingState.BOOKED, link.booked.id
        row.save(update_fields=["state", "line"])
    return len(links)


def _link_row(row: PendingLine | Line, day: dt.date) -> LinkRow:
    money_out = row.amount < 0
    return link_row(
        row.id,
        Transaction(
            row.amount,
            row.currency,
            end_to_end_id=row.end_to_end_id or None,
            booking_date=day,
            creditor_name=row.counterparty_name if money_out else None,
            creditor_account=row.counterparty_account if money_out else None,
            debtor_name=None if money_out else row.counterparty_name,
            debtor_account=None if money_out else row.counterparty_account,
        ),
        (row.bank_reference,),
    )


@transaction.atomic
def replace_pending(journal: Journal, pages: Iterable[TransactionPage], *, now: dt.datetime) -> int:
    """Make the journal's list equal to the Hub's; what vanished is kept as lapsed. Returns the number pending."""
    seen: set[str] = set()
    booked = set(
        PendingLine.objects.filter(journal=journal, state=PendingState.BOOKED).values_list("external_id", flat=True)
    )
    for page in pages:
        for item in page.transactions:
            if item.id in booked:
                continue
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
    PendingLine.objects.filter(journal=journal, state=PendingState.LAPSED, last_seen__lt=now - LAPSED_FOR).delete()
    return len(seen)
