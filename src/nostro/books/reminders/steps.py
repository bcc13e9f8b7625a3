"""When a notice is due (books.md 8). Pure: dates are passed in."""

from __future__ import annotations

import datetime as dt

STEPS = (30, 15, 7, 3, 1, 0)
EVERY_DAYS_AFTER = 7
#: Nobody is written to for ever: after a year without a renewal the notices end.
LAST_STEP = -52 * EVERY_DAYS_AFTER


def due_step(expires_on: dt.date, today: dt.date) -> int | None:
    """The latest step that has been reached: days before the end, 0 on the day, negative weeks after it.

    ``None`` more than 30 days before, and more than a year after the end. Steps that passed while nothing ran are not
    made up for: only the latest one is due.
    """
    left = (expires_on - today).days
    if left >= 0:
        return min((step for step in STEPS if left <= step), default=None)
    step = -(-left // EVERY_DAYS_AFTER) * EVERY_DAYS_AFTER
    return step if step >= LAST_STEP else None
