"""What a file changes about the feed beside it: what was missing is there, lines wait for a person (books.md 9)."""

from __future__ import annotations

import datetime as dt

from nostro.books.hub_client.errors import HubError
from nostro.books.journals.models import Journal
from nostro.books.links.coverage import old_gaps
from nostro.books.links.failures import clear_decided, record_failure, waiting_for_decision
from nostro.books.links.models import Failure, JournalLink


def look_again(journal: Journal, *, now: dt.datetime) -> None:
    """Note what waits and what is missing after an import or its undoing, and end what is over. No feed: nothing."""
    link = (
        JournalLink.objects.select_related("company", "online_account__connection")
        .filter(journal=journal, unlinked_at=None)
        .first()
    )
    if link is None:
        return
    account = link.online_account
    clear_decided(journal, now=now)
    waiting = waiting_for_decision(journal)
    gaps = old_gaps(link, now=now)
    known = Failure.objects.filter(online_account=account, code="D-GAP", cleared_at=None)
    if not gaps:
        known.update(cleared_at=now)
    elif account.last_fetch_at is not None:
        waiting.append(HubError("D-GAP", f"{gaps[0].date_from} to {gaps[0].date_to}, {len(gaps)} in all"))
    for error in waiting:
        record_failure(account.connection, account, error, now=now)
