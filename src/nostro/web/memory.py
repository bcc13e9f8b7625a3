"""How a worker's process treats its memory."""

from __future__ import annotations

import gc

#: Objects that are made before the collector looks at the newest, and how seldom it looks at older ones.
_THRESHOLDS = (100_000, 50, 50)


def collect_seldom() -> None:
    """Look for cycles of objects seldom. For a worker or a benchmark of one, once, when its code is loaded.

    A fetch or a run makes some ten thousand values that live until its end and refer to each other in no circle. With
    Python's usual thresholds the collector walked through all of them again and again: measured, a third of the time of
    a fetch of 10,000 lines. What was loaded before is left out for good.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
