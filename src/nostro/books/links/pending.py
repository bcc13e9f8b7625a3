"""Pending transactions: a list of their own, replaced at each fetch (books.md 12)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from nostro.books.hub_client.client import TransactionPage
from nostro.books.hub_client.values import HubTransaction
from nostro.books.journals.announced import is_to_settle, settle_announced
from nostro.books.journals.models import Journal, Line, PendingLine, PendingState, Source
from nostro.books.journals.pending import LAPSED_FOR, content_of, link_row_of
from nostro.books.links.models import JournalLink, Run
from nostro.core.identity import LINK_DAYS, link_pending
from nostro.core.transactions import Window

LIMIT = 1_000


@transaction.atomic
def link_booked(journal: Journal) -> int:
    """Link pending lines to the booked ones they became: by end-to-end id, bank reference, else amount and
    counterparty within ten days where exactly one of each fits (books.md 12). Returns how many were linked."""
    pending = list(PendingLine.objects.filter(journal=journal, is_from_file=False, state=PendingState.PENDING)[:LIMIT])
    days = [each.date or each.first_seen.date() for each in pending]
    if not days:
        return 0
    booked = _came_since(journal, pending).filter(booking_date__gte=min(days) - dt.timedelta(days=LINK_DAYS))
    rows = [link_row_of(line, line.booking_date) for line in booked.order_by("-booking_date")[: 10 * LIMIT]]
    by_id = {each.id: each for each in pending}
    links = link_pending([link_row_of(each, day) for each, day in zip(pending, days, strict=True)], rows)
    for link in links:
        row = by_id[link.pending.id]
        row.state, row.line_id = PendingState.BOOKED, link.booked.id
        row.save(update_fields=["state", "line"])
    return len(links)


def _came_since(journal: Journal, pending: Sequence[PendingLine]) -> QuerySet[Line]:
    """The lines that came since these rows were last seen pending and are linked to none. An older one that looks
    alike, as yesterday's lunch does, is another transaction."""
    since = max(each.last_seen for each in pending)
    came = Run.objects.filter(online_account__links__journal=journal, started_at__gt=since).values("id")
    return Line.objects.filter(journal=journal, source=Source.FEED, run_id__in=came, pending_lines=None)


def _link_equal(journal: Journal, gone: Sequence[PendingLine]) -> None:
    """Rows that went became the equal lines that came since they were last seen, by count: of two equal rows neither
    fits alone, and one without a counterparty has nothing else that could link it."""
    days = [each.date for each in gone if each.date]
    if not days:
        return
    free: defaultdict[tuple[str, str], list[UUID]] = defaultdict(list)
    lines = _came_since(journal, gone).filter(booking_date__in=days)
    for line in lines.order_by("-order_date", "-day_seq")[: 10 * LIMIT]:
        free[_content(line, line.booking_date)].append(line.id)
    for row in gone:
        if partners := free.get(_content(row, row.date)):
            row.state, row.line_id = PendingState.BOOKED, partners.pop()
            row.save(update_fields=["state", "line"])


def _content(row: PendingLine | Line, day: dt.date | None) -> tuple[str, str]:
    return content_of(row, day), row.bank_reference


def replace_pending(journal: Journal, pages: Iterable[TransactionPage], *, now: dt.datetime) -> int:
    """Make the journal's list equal to the Hub's; what vanished is kept as lapsed. Returns the number pending."""
    # All pages before the transaction: a Hub that is slow must not keep one open.
    items: dict[str, HubTransaction] = {}
    for page in pages:
        items |= {item.id: item for item in page.transactions}
        if len(items) >= LIMIT:
            break
    return _store(journal, items, now)


@transaction.atomic
def _store(journal: Journal, items: Mapping[str, HubTransaction], now: dt.datetime) -> int:
    kept = PendingLine.objects.filter(journal=journal, is_from_file=False)
    booked = set(kept.filter(state=PendingState.BOOKED).values_list("external_id", flat=True))
    pending = {key: item for key, item in items.items() if key not in booked}
    for key, item in pending.items():
        values = {
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
        }
        PendingLine.objects.update_or_create(
            journal=journal,
            external_id=key,
            defaults=values,
            create_defaults={**values, "company_id": journal.company_id, "first_seen": now},
        )
    gone = kept.filter(state=PendingState.PENDING).exclude(external_id__in=pending)
    _link_equal(journal, list(gone.order_by("first_seen", "id")[:LIMIT]))
    gone.update(state=PendingState.LAPSED, last_seen=now)
    kept.filter(state=PendingState.LAPSED, last_seen__lt=now - LAPSED_FOR).delete()
    return len(pending)


@transaction.atomic
def settle_pending(journal: Journal, *, now: dt.datetime) -> None:
    """Decide anew which rows that files announced are pending, beside what a feed of the journal shows and read."""
    if not is_to_settle(journal):
        return
    link = JournalLink.objects.select_related("online_account").filter(journal=journal, unlinked_at=None).first()
    fed = None
    # The day of the watermark itself is not over.
    if link is not None and link.online_account.watermark_date is not None:
        last = link.online_account.watermark_date - dt.timedelta(days=1)
        fed = Window(link.fetch_from, last) if last >= link.fetch_from else None
    settle_announced(journal, fed, now=now)
