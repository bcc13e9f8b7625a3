"""Which days were read (books.md 11.5): by committed runs, by files, or by nobody."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from nostro.books.journals.file_days import file_days
from nostro.books.journals.models import Journal
from nostro.books.links.models import JournalLink, Run, RunStatus
from nostro.core.coverage import CommittedRead, Span, day_states, spans
from nostro.core.transactions import Window

#: Days that the bar on a card shows.
BAR_DAYS = 90
#: Days back that files are looked for.
MOST_DAYS = 10_000
#: Runs that one question looks at.
RUNS_LIMIT = 5_000


def coverage_of(link: JournalLink, *, now: dt.datetime, days: int = BAR_DAYS) -> tuple[Span, ...]:
    """The last ``days`` days up to today as spans of one state, oldest first."""
    zone = link.company.time_zone
    today = now.astimezone(ZoneInfo(zone)).date()
    within = Window(today - dt.timedelta(days=days - 1), today)
    runs = Run.objects.filter(
        online_account=link.online_account_id,
        status=RunStatus.DONE,
        covered_from__isnull=False,
        synchronized_at__gte=dt.datetime.combine(within.date_from, dt.time(), dt.UTC),
    )
    newest = runs.order_by("-synchronized_at").values_list("covered_from", "synchronized_at")[:RUNS_LIMIT]
    reads = [
        CommittedRead(Window(start, seen.astimezone(ZoneInfo(zone)).date()), seen)
        for start, seen in newest
        if start is not None and seen is not None
    ]
    files = file_days(link.journal_id, within.date_from)
    return spans(day_states(within, fetch_from=link.fetch_from, today=today, reads=reads, files=files, zone=zone))


def coverage_by_files(journal: Journal, *, now: dt.datetime, days: int = BAR_DAYS) -> tuple[Span, ...]:
    """The same of a journal that only files feed: up to the last day that they list, because what comes after is not
    missing but awaited. Empty without such a day."""
    today = now.astimezone(ZoneInfo(journal.company.time_zone)).date()
    files = file_days(journal.pk, today - dt.timedelta(days=MOST_DAYS))
    if not files:
        return ()
    last = min(max(each.date_to for each in files), today)
    within = Window(last - dt.timedelta(days=days - 1), last)
    first = min(each.date_from for each in files)
    return spans(day_states(within, fetch_from=first, today=today, files=files, zone=journal.company.time_zone))


def old_gaps(link: JournalLink, *, now: dt.datetime) -> list[Window]:
    """Days that were not read and are over for more than a day: what D-GAP is about. Yesterday may still come."""
    limit = now.date() - dt.timedelta(days=2)
    return [
        span.window for span in coverage_of(link, now=now) if span.state == "gap" and span.window.date_from <= limit
    ]
