"""The days that imported files list completely (books.md 11.5), kept here because feeds read them too."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from uuid import UUID

from nostro.books.journals.models import FileDays, Journal
from nostro.core.coverage import merge_windows
from nostro.core.transactions import Window

#: Windows that one question looks at; a statement a day makes 365 a year.
LIMIT = 10_000


def note_file_days(journal: Journal, windows: Iterable[Window], *, run_id: UUID) -> None:
    """An import listed these days completely."""
    FileDays.objects.bulk_create(
        FileDays(
            company_id=journal.company_id, journal=journal, run_id=run_id, first_day=each.date_from,
            last_day=each.date_to,
        )
        for each in merge_windows(windows)
    )  # fmt: skip


def forget_file_days(run_id: UUID) -> None:
    """The import was undone."""
    FileDays.objects.filter(run_id=run_id).delete()


def file_days(journal_id: UUID, since: dt.date) -> list[Window]:
    """The days that files list, as far as they end on or after ``since``; the newest if there are very many."""
    found = FileDays.objects.filter(journal=journal_id, last_day__gte=since).order_by("-last_day")
    return [Window(first, last) for first, last in found.values_list("first_day", "last_day")[:LIMIT]]
