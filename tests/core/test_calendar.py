"""Days of banks and statements; the examples are those of books.md 1 and 5.2."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nostro.core.calendar import (
    GROUPINGS,
    CalendarError,
    booking_day,
    grouping_key,
    grouping_start,
    iso_week,
)


def day(text):
    return dt.date.fromisoformat(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20T22:30:00.000Z", "2026-11-20"),
        ("2026-11-20T23:00:00.000Z", "2026-11-21"),
        ("2026-06-30T22:00:00.000Z", "2026-07-01"),
        ("2026-11-20T00:00:00.000Z", "2026-11-20"),
        ("2026-11-20T00:00:00Z", "2026-11-20"),
        ("2026-11-20", "2026-11-20"),
        ("2026-11-20T23:59:59", "2026-11-20"),
        ("2026-11-20T00:00:00+01:00", "2026-11-20"),
        ("2026-03-29T22:30:00Z", "2026-03-30"),  # the day summer time begins
        ("2026-10-25T22:30:00Z", "2026-10-25"),  # the day it ends
    ],
)
def test_booking_day_in_brussels(text, expected):
    assert booking_day(text) == day(expected)


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York", "Pacific/Auckland", "UTC"])
def test_midnight_utc_is_the_same_date_everywhere(zone):
    assert booking_day("2026-11-20T00:00:00.000Z", zone) == day("2026-11-20")


def test_other_instants_are_cut_in_the_zone_of_the_bank():
    assert booking_day("2026-11-20T16:00:00Z", "Asia/Tokyo") == day("2026-11-21")
    assert booking_day(dt.datetime(2026, 11, 20, 3, tzinfo=dt.UTC), "America/New_York") == day("2026-11-19")


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "20.11.2026", "2026-02-30T10:00:00Z"])
def test_unreadable_dates_are_refused(text):
    with pytest.raises(CalendarError):
        booking_day(text)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", ""])
def test_unknown_zones_are_refused(zone):
    with pytest.raises(CalendarError):
        booking_day("2026-11-20T10:00:00Z", zone)


def test_an_instant_at_the_end_of_time_is_refused_not_crashed():
    with pytest.raises(CalendarError):
        booking_day("9999-12-31T23:30:00Z")


@given(st.dates())
def test_a_date_is_never_shifted(date):
    assert booking_day(date) == booking_day(date.isoformat()) == booking_day(f"{date}T00:00:00.000Z") == date


def test_iso_weeks_around_new_year():
    assert iso_week(day("2026-12-31")) == iso_week(day("2027-01-01")) == "2026-W53"
    assert iso_week(day("2027-01-04")) == "2027-W01"


@pytest.mark.parametrize(
    ("grouping", "keys"),
    [
        ("daily", ["2026-11-03", "2026-11-14", "2026-11-16", "2026-11-30", "2026-12-01"]),
        ("weekly", ["2026-W45", "2026-W46", "2026-W47", "2026-W49", "2026-W49"]),
        ("bi_monthly", ["2026-11-1", "2026-11-1", "2026-11-2", "2026-11-2", "2026-12-1"]),
        ("monthly", ["2026-11", "2026-11", "2026-11", "2026-11", "2026-12"]),
        ("per_synchronization", ["run-7"] * 5),
    ],
)
def test_grouping_keys_of_the_example(grouping, keys):
    days = ["2026-11-03", "2026-11-14", "2026-11-16", "2026-11-30", "2026-12-01"]
    assert [grouping_key(grouping, day(text), "run-7") for text in days] == keys


def test_the_first_day_of_the_second_half_of_november_is_the_sixteenth():
    assert grouping_start("bi_monthly", day("2026-11-30")) == day("2026-11-16")
    assert grouping_start("bi_monthly", day("2026-11-15")) == day("2026-11-01")


@given(st.sampled_from(GROUPINGS), st.dates(min_value=dt.date(1900, 1, 1)))
def test_the_first_day_of_a_statement_belongs_to_it_and_the_day_before_does_not(grouping, date):
    start = grouping_start(grouping, date)
    assert start <= date
    assert grouping_key(grouping, start, "run") == grouping_key(grouping, date, "run")
    if grouping != "per_synchronization":
        assert grouping_key(grouping, start - dt.timedelta(days=1), "run") != grouping_key(grouping, date, "run")
