"""Which days were read (books.md 11.5)."""

import datetime as dt
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nostro.core.coverage import (
    MAX_DAYS,
    CommittedRead,
    CoverageError,
    day_states,
    merge_windows,
    missing_windows,
    spans,
)
from nostro.core.transactions import Window

BASE = dt.date(2026, 11, 1)


def day(number):
    return BASE + dt.timedelta(days=number - 1)


def window(first, last):
    return Window(day(first), day(last))


windows = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 8)).map(lambda w: window(w[0], w[0] + w[1])))


def days_of(found):
    return {
        one.date_from + dt.timedelta(days=n) for one in found for n in range((one.date_to - one.date_from).days + 1)
    }


def test_overlapping_and_adjacent_windows_are_joined():
    assert merge_windows([window(5, 6), window(1, 2), window(3, 3), window(9, 9)]) == (
        window(1, 3),
        window(5, 6),
        window(9, 9),
    )


def test_missing_days():
    covered = [window(3, 4), window(7, 20)]
    assert missing_windows(covered, window(1, 10)) == (window(1, 2), window(5, 6))
    assert missing_windows([], window(1, 10)) == (window(1, 10),)
    assert missing_windows([window(1, 10)], window(2, 3)) == ()


@given(windows)
def test_merging_keeps_the_days_and_leaves_holes_between(found):
    merged = merge_windows(found)
    assert days_of(merged) == days_of(found)
    assert all((b.date_from - a.date_to).days > 1 for a, b in itertools.pairwise(merged))
    assert merge_windows(merged) == merged


@given(windows)
def test_covered_and_missing_days_are_the_whole(found):
    whole = window(5, 30)
    missing = days_of(missing_windows(found, whole))
    assert missing == days_of([whole]) - days_of(found)


def test_the_five_states():
    read = CommittedRead(window(4, 8), dt.datetime(2026, 11, 7, 12, tzinfo=dt.UTC))
    states = day_states(
        window(1, 12), fetch_from=day(3), today=day(11), reads=[read], files=[window(1, 1), window(6, 9)]
    )
    assert [state for _, state in states] == [
        "file",
        "before_start",
        "gap",
        "covered",
        "covered",
        "covered",
        "file",  # the data were from noon of the seventh
        "file",
        "file",
        "gap",
        "open",
        "open",
    ]
    assert [(span.window, span.state) for span in spans(states)][3] == (window(4, 6), "covered")
    assert days_of(span.window for span in spans(states)) == {one for one, _ in states}


@pytest.mark.parametrize(("hour", "state"), [(22, "gap"), (23, "covered")])
def test_a_day_ends_when_it_ends_at_the_bank(hour, state):
    read = CommittedRead(window(1, 9), dt.datetime(2026, 11, 5, hour, 0, 1, tzinfo=dt.UTC))
    assert day_states(window(5, 5), fetch_from=day(1), today=day(9), reads=[read]) == ((day(5), state),)


def test_days_before_the_start_are_not_covered_though_they_were_read():
    read = CommittedRead(window(1, 9), dt.datetime(2026, 11, 9, tzinfo=dt.UTC))
    (first, state), *_ = day_states(window(2, 3), fetch_from=day(3), today=day(9), reads=[read])
    assert (first, state) == (day(2), "before_start")


def test_a_read_of_data_older_than_its_window_covers_nothing():
    read = CommittedRead(window(5, 9), dt.datetime(2026, 11, 2, tzinfo=dt.UTC))
    assert {state for _, state in day_states(window(5, 8), fetch_from=day(1), today=day(9), reads=[read])} == {"gap"}


def test_a_question_has_a_limit():
    with pytest.raises(CoverageError):
        day_states(Window(BASE, BASE + dt.timedelta(days=MAX_DAYS)), fetch_from=BASE, today=BASE)
