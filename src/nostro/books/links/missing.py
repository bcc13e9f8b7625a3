"""Find Missing Transactions: what the Hub has booked and the journal has no posted line for (books.md 11.4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction

from nostro.books.companies.models import Role
from nostro.books.destinations.builtin import destination_of
from nostro.books.hub_client.errors import HubError
from nostro.books.hub_client.values import HubTransaction
from nostro.books.journals.importing import BATCH_LIMIT
from nostro.books.journals.models import Alias, Journal, Line, LineStatus, PendingLine, Source
from nostro.books.journals.queries import HELD, access_journal, pending_of
from nostro.books.ledger.posting import hold_locks
from nostro.books.links.classifying import sort_items
from nostro.books.links.hub import ClientOf, client_of, problem_of, source_of
from nostro.books.links.models import JournalLink, OnlineAccount, Run, RunStatus
from nostro.books.links.queries import locked_account
from nostro.books.links.staging import stage
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import Problem

#: Pages of 100 that one search reads; a longer period is searched in parts.
PAGES_LIMIT = 50
#: The Hub's list is in the order of creation, so a search reads this far past the beginning of the period.
MARGIN = dt.timedelta(days=10)

Reason = Literal["never", "before_start", "removed", "held"]


@dataclass(frozen=True, slots=True)
class Missing:
    """A booked item of the Hub. ``line`` is the one that is held or removed; without it, it was never imported."""

    item: HubTransaction
    reason: Reason
    line: Line | None = None

    @property
    def importable(self) -> bool:
        """Held and removed ones are decided on the page of their line."""
        return self.line is None


@dataclass(frozen=True, slots=True)
class Search:
    """``complete`` is false where the list was longer than one search reads. ``typed`` counts lines typed by hand."""

    missing: list[Missing]
    pending: list[PendingLine]
    compared: int
    complete: bool
    typed: int
    linked_on: dt.date
    items: dict[str, HubTransaction] = field(default_factory=dict)


def find_missing(
    user: User, journal_id: UUID, first: dt.date, last: dt.date, *, client_for: ClientOf = client_of
) -> Search:
    """Compare the Hub's booked items of a period with the journal. Nothing is written.

    Raises :class:`Problem` without a live link, or with the catalogue's code where the Hub does not answer.
    """
    journal = access_journal(user, journal_id)
    link = _link_of(journal)
    items, complete = _read(link.online_account, first, last, client_for)
    lines = _lines_by_id(link.online_account, items)
    missing = [
        found for item in items.values() if (found := _judge(item, lines.get(item.id), link.fetch_from)) is not None
    ]
    missing.sort(key=lambda each: (each.item.booking_date, each.item.id), reverse=True)
    typed = Line.objects.filter(journal=journal, source=Source.MANUAL, booking_date__range=(first, last))
    zone = ZoneInfo(journal.company.time_zone)
    return Search(
        missing, pending_of(journal), len(items), complete, typed.exclude(status=LineStatus.REMOVED).count(),
        link.linked_at.astimezone(zone).date(), items,
    )  # fmt: skip


def _link_of(journal: Journal) -> JournalLink:
    links = JournalLink.objects.filter(journal=journal, unlinked_at=None)
    link = links.select_related("online_account__connection", "company", "journal__company").first()
    if link is None:
        raise Problem(
            "This journal is not linked to an online account.",
            what_to_do="Connect its bank first.",
            code="journalNotLinked",
        )
    return link


def _read(
    account: OnlineAccount, first: dt.date, last: dt.date, client_for: ClientOf
) -> tuple[dict[str, HubTransaction], bool]:
    """The Hub's items of the period by id, and whether its list was read far enough."""
    items: dict[str, HubTransaction] = {}
    pages = 0
    try:
        for page in client_for(account.connection).walk(str(account.hub_account_id)):
            items |= {item.id: item for item in page.transactions if first <= item.booking_date <= last}
            pages += 1
            if all(item.booking_date < first - MARGIN for item in page.transactions):
                return items, True
            if pages == PAGES_LIMIT:
                return items, page.after is None
    except HubError as error:
        raise problem_of(error) from None
    return items, True


def _lines_by_id(account: OnlineAccount, ids: Collection[str]) -> dict[str, Line]:
    aliases = Alias.objects.filter(
        company=account.company_id,
        identity=account.identity,
        source=source_of(account.connection),
        external_id__in=list(ids),
    )
    return {alias.external_id: alias.line for alias in aliases.select_related("line")}


def _judge(item: HubTransaction, line: Line | None, fetch_from: dt.date) -> Missing | None:
    if line is None:
        return Missing(item, "before_start" if item.booking_date < fetch_from else "never")
    if line.status == LineStatus.REMOVED:
        return Missing(item, "removed", line)
    return Missing(item, "held", line) if line.status in HELD else None


def import_missing(
    user: User, journal_id: UUID, ids: Collection[str], first: dt.date, last: dt.date, *, now: dt.datetime,
    client_for: ClientOf = client_of,
) -> int:  # fmt: skip
    """Import selected booked items as a fetch does (section 10 step 7), also those before fetch-from.

    Returns how many became lines; ids that are lines already, and unknown ones, change nothing.
    """
    journal = access_journal(user, journal_id, role=Role.CLERK)
    link = _link_of(journal)
    found, _ = _read(link.online_account, first, last, client_for)
    # The Hub's list begins with the newest, and so does what is classified.
    items = [item for item in found.values() if item.id in ids]
    if not items:
        return 0
    with transaction.atomic():
        hold_locks(journal.company)
        account = locked_account(link.online_account_id)
        if account.lease_until is not None and account.lease_until > now:
            raise Problem(
                "A fetch of this account is under way.", what_to_do="Try again when it is done.", code="fetchUnderWay"
            )
        return _import(user, link, account, items, now)


def _import(
    user: User, link: JournalLink, account: OnlineAccount, items: list[HubTransaction], now: dt.datetime
) -> int:
    run = Run.objects.create(
        company_id=account.company_id, online_account=account, trigger="missing", requested_by=user,
        status=RunStatus.DONE, started_at=now, finished_at=now, items_read=len(items),
    )  # fmt: skip
    source = source_of(account.connection)
    stage(account, source, items, run_id=run.id, now=now)
    # A person chose them, so the day from which fetches import does not count here. The link is not stored.
    link.fetch_from = dt.date.min
    result = sort_items(account, link, items, source, since=min(item.booking_date for item in items))
    result.store_aliases(account)
    destination = destination_of(link.journal)
    for start in range(0, len(result.new), BATCH_LIMIT):
        batch = result.new[start : start + BATCH_LIMIT]
        destination.import_batch(link.journal, batch, identity=account.identity, run_id=run.id, now=now)
    destination.close_run(link.journal, now=now)
    run.new_count, run.held_count, run.known_count = len(result.new), result.held, result.known
    run.result = f"{len(result.new)} new"
    run.save()
    record(
        tenant_id=account.company_id,
        actor=user,
        action="lines.found_missing",
        obj=link.journal,
        sentence=f"{user} imported {len(result.new)} transactions that were missing in {link.journal.code}.",
        after={"run": str(run.id)},
    )
    return len(result.new)
