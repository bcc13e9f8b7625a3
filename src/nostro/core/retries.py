"""When a failed run is tried again (connectors.md 1.7, books.md 5.1).

Each failure waits longer, and each wait is drawn at random up to its length ("full jitter"), so that a thousand
accounts of one bank do not come back in the same second.
"""

from __future__ import annotations

import datetime as dt
import random

HUB_BACKOFF = (
    dt.timedelta(minutes=1),
    dt.timedelta(minutes=5),
    dt.timedelta(minutes=30),
    dt.timedelta(hours=2),
)
BOOKS_BACKOFF = (
    dt.timedelta(minutes=1),
    dt.timedelta(minutes=5),
    dt.timedelta(minutes=15),
    dt.timedelta(hours=1),
)


def retry_delay(
    failures: int, randomness: random.Random, backoff: tuple[dt.timedelta, ...] = HUB_BACKOFF
) -> dt.timedelta | None:
    """The wait after the ``failures``-th failure in a row, counted from 1; ``None`` waits for the next planned run.

    A repeat without the PSU needs a free place of the quota besides (``core/quota.py``). Raises
    :class:`ValueError` for fewer than one failure.
    """
    if failures < 1:
        raise ValueError("there is nothing to retry before the first failure")
    if failures > len(backoff):
        return None
    return backoff[failures - 1] * randomness.random()
