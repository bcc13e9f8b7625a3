"""The table of connectors.md 1.7 and that of books.md 5.1."""

import datetime as dt
import random

import pytest

from nostro.core.retries import BOOKS_BACKOFF, HUB_BACKOFF, retry_delay


class Latest(random.Random):
    """Draws the end of every interval, so that the table itself shows."""

    def random(self):
        return 1.0


def minutes(backoff):
    return [retry_delay(n, Latest(), backoff) // dt.timedelta(minutes=1) for n in range(1, len(backoff) + 1)]


def test_the_tables():
    assert minutes(HUB_BACKOFF) == [1, 5, 30, 120]
    assert minutes(BOOKS_BACKOFF) == [1, 5, 15, 60]


def test_after_the_table_the_next_planned_run_decides():
    assert retry_delay(5, random.Random(1)) is None
    assert retry_delay(100, random.Random(1)) is None


def test_jitter_is_full_and_repeatable():
    waits = [retry_delay(4, random.Random(seed)) for seed in range(200)]
    assert all(dt.timedelta(0) <= wait < dt.timedelta(hours=2) for wait in waits)
    assert min(waits) < dt.timedelta(minutes=10) and max(waits) > dt.timedelta(minutes=110)
    assert retry_delay(4, random.Random(7)) == waits[7]


def test_before_the_first_failure_there_is_nothing_to_retry():
    with pytest.raises(ValueError, match="first failure"):
        retry_delay(0, random.Random(1))
