"""Token buckets (hub-api.md 2.6), kept in the memory of each process.

A bucket in PostgreSQL would add a write to every read. With n web processes a client may therefore use up to n times
the figures below; they protect the service and are not a quota that anybody pays for (docs/decisions/0011).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from math import ceil

#: More callers than this are forgotten, the longest idle first: memory stays bounded whoever calls.
MAX_BUCKETS = 20_000


@dataclass(frozen=True, slots=True)
class Limit:
    """``capacity`` requests at once, refilled at ``per_second``."""

    capacity: float
    per_second: float


#: Above what a client needs that pulls a whole history: OCA takes 429 as fatal.
INTEGRATION = Limit(2_000, 20)
TOKEN_CALLS = Limit(60, 1)


class Buckets:
    """The buckets of one limit, by caller."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._levels: OrderedDict[object, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, caller: object, now_s: float) -> int:
        """Take one request; ``now_s`` is a monotonic clock in seconds. Returns 0, or the seconds to wait."""
        limit = self._limit
        with self._lock:
            level, at = self._levels.pop(caller, (limit.capacity, now_s))
            level = min(limit.capacity, level + max(0.0, now_s - at) * limit.per_second)
            wait = 0 if level >= 1 else ceil((1 - level) / limit.per_second)
            self._levels[caller] = (level if wait else level - 1, now_s)
            if len(self._levels) > MAX_BUCKETS:
                self._levels.popitem(last=False)
        return wait
