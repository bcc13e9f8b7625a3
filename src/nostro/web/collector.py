"""How often Python looks for cycles of dead objects."""

from __future__ import annotations

import gc

#: Work on many rows makes hundreds of thousands of small values that live to its end and form no cycles. With the usual
#: thresholds Python looks through all of them again and again, which takes a third of the time.
_THRESHOLDS = (50_000, 20, 100)


def look_for_cycles_less_often() -> None:
    """Raise this process's thresholds, once; memory of dead cycles is given back a little later."""
    if gc.get_threshold()[0] < _THRESHOLDS[0]:
        gc.set_threshold(*_THRESHOLDS)
