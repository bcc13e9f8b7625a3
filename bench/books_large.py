"""Does it stay as fast? A journal that grows to a million lines, its pages, and a thousand journals on schedule.

Figures: ``large_rows``, ``first_lines_per_s`` and ``last_lines_per_s`` of equal shares of their fetching (linear: both
alike), ``card_ms`` of the dashboard, ``list_ms`` of the journal's page with its lines and ``older_list_ms`` of a page
far back, each the median of the server's time for the whole page; ``remove_ms`` of removing a line in the middle;
``journals`` and ``journals_s``, the seconds that one worker takes to fetch all of them when all are due at once.
"""

from __future__ import annotations

import datetime as dt
import statistics
import time
from typing import Any

from bench.books_house import NOW, Journal

QUICK_LARGE, FULL_LARGE = 20_000, 1_000_000
SHARES = 20
QUICK_JOURNALS, FULL_JOURNALS = 25, 1_000
PAGE_TRIES = 7


def growth(*, quick: bool) -> tuple[Journal, dict[str, float | int]]:
    """Fetch a large journal in equal shares, oldest first, as years would bring it."""
    rows = QUICK_LARGE if quick else FULL_LARGE
    share, journal = rows // SHARES, Journal(number=2, rows=rows, per_day=max(20, rows // 1_500))
    seconds = [journal.fetch_more(shown) for shown in range(share, rows + 1, share)]
    return journal, {
        "large_rows": rows,
        "first_lines_per_s": round(share / statistics.median(seconds[:3])),
        "last_lines_per_s": round(share / statistics.median(seconds[-3:])),
    }


def pages(journal: Journal) -> dict[str, float | int]:
    """The server's time for the pages of a large journal."""
    from django.conf import settings
    from django.db import connection
    from django.test import Client
    from django.urls import reverse

    from nostro.books.journals.models import Line
    from nostro.books.journals.services import remove_line

    assert journal.owner is not None
    user, company = journal.owner
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")  # as a database does by itself after a while
    # Pages name their assets by the manifest that an installation makes at its start.
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    browser = Client()
    browser.force_login(user)
    page = reverse("books:journal", args=[journal.journal.id])
    lines = Line.objects.filter(journal=journal.journal)
    middle = lines.filter(booking_date__lte=NOW.date() - dt.timedelta(days=700)).order_by("-order_date").first()
    assert middle is not None
    begin = time.perf_counter()
    remove_line(user, middle.id, reason="bench", now=journal.now)
    removing = time.perf_counter() - begin
    return {
        "card_ms": _page_ms(browser, reverse("books:company", args=[company.id])),
        "list_ms": _page_ms(browser, page),
        "older_list_ms": _page_ms(browser, f"{page}?cursor={middle.id}"),
        "remove_ms": round(removing * 1_000, 1),
    }


def _page_ms(browser: Any, address: str) -> float:
    spent = []
    for _ in range(PAGE_TRIES):
        begin = time.perf_counter()
        answer = browser.get(address, headers={"host": "localhost"})
        spent.append(time.perf_counter() - begin)
        assert answer.status_code == 200, (address, answer.status_code)
    return round(statistics.median(spent) * 1_000, 1)


def schedule(*, quick: bool) -> dict[str, float | int]:
    """All journals of a company are due at once and have nothing new; one worker fetches one after the other."""
    number = QUICK_JOURNALS if quick else FULL_JOURNALS
    first = Journal(number=10, rows=100)
    journals = [first, *(Journal(number=11 + each, rows=100, owner=first.owner) for each in range(number - 1))]
    for journal in journals:
        journal.run()
    hubs = 0.0
    begin = time.perf_counter()
    for journal in journals:
        journal.hub.spent_s = 0.0
        assert journal.run().new_count == 0
        hubs += journal.hub.spent_s
    return {"journals": number, "journals_s": round(time.perf_counter() - begin - hubs, 1)}
