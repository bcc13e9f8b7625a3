"""Searching more than 15,000 institutions, beside the limit: a name that PostgreSQL finds by its key.

Figures: ``institutions``; ``load_s`` of the first load and ``reload_s`` of one that changes nothing; ``search_ms``, the
slowest of several kinds of search, each the median of many; ``by_key_ms``, the same for a row that is read by its id.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

from bench.scratch import scratch_database

TEXTS = ("bank", "sparkasse köln", "GEBABEBB", "DE89370400440532013000", "37040044", "zzzzzz")


def run(*, quick: bool) -> dict[str, float | int]:
    """Measure; see the module's text for the figures."""
    with scratch_database():
        from nostro.hub.directory.models import Institution
        from nostro.hub.directory.queries import search
        from nostro.hub.directory.services import load_directory

        load_s, reload_s = _seconds(load_directory), _seconds(load_directory)
        some = Institution.objects.order_by("id").values_list("id", flat=True)[0]
        tries = 5 if quick else 50
        return {
            "institutions": Institution.objects.count(),
            "load_s": round(load_s, 2),
            "reload_s": round(reload_s, 2),
            "search_ms": max(_median_ms(partial(search, text), tries) for text in TEXTS),
            "by_key_ms": _median_ms(lambda: Institution.objects.get(pk=some), tries),
        }


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _median_ms(work: Callable[[], object], tries: int) -> float:
    return round(statistics.median(_seconds(work) for _ in range(tries)) * 1_000, 2)
