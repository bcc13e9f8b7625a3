"""No interleaving of workers, restarts and clock steps makes a fifth unattended access (connectors.md 1.12)."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nostro.core.quota import (
    Allowed,
    Refused,
    closure_after_429,
    decide,
    describe,
    effective_limit,
    unseen_accesses,
)

NOW = dt.datetime(2026, 11, 25, 12, 0, tzinfo=dt.UTC)


def ago(**duration):
    return NOW - dt.timedelta(**duration)


def test_three_of_four_used_leaves_a_place():
    counted = [ago(hours=2), ago(hours=21, minutes=55), ago(hours=9)]
    decision = decide(counted, limit=4, now=NOW)
    assert decision == Allowed(3, 4, NOW + dt.timedelta(hours=2, minutes=5))
    assert describe(decision, NOW) == "3 of 4 used, next place 14:05"
    assert describe(decision, NOW.astimezone(ZoneInfo("Europe/Brussels"))) == "3 of 4 used, next place 15:05"


def test_a_place_of_the_next_day_says_so_in_the_zone_of_the_reader():
    decision = decide([ago(hours=2), ago(hours=13)], limit=4, now=NOW)
    assert describe(decision, NOW) == "2 of 4 used, next place 23:00"
    assert describe(decision, NOW.astimezone(ZoneInfo("Europe/Brussels"))) == "2 of 4 used, next place tomorrow 00:00"


def test_the_fifth_access_waits_until_the_oldest_is_a_day_old():
    counted = [ago(hours=h) for h in (1, 7, 13, 19)]
    refused = decide(counted, limit=4, now=NOW)
    assert refused == Refused(4, 4, NOW + dt.timedelta(hours=5))
    assert isinstance(decide(counted, limit=4, now=refused.next_place_at), Allowed)
    assert isinstance(decide(counted, limit=4, now=refused.next_place_at - dt.timedelta(microseconds=1)), Refused)


def test_a_lowered_limit_waits_until_enough_places_are_free():
    counted = [ago(hours=h) for h in (1, 7, 13, 19)]
    assert decide(counted, limit=2, now=NOW).next_place_at == NOW + dt.timedelta(hours=17)


def test_an_unused_quota_has_no_next_place():
    assert describe(decide([], limit=4, now=NOW), NOW) == "0 of 4 used"


def test_a_429_closes_the_key_whatever_the_ledger_says():
    until = NOW + dt.timedelta(days=2)
    decision = decide([], limit=4, now=NOW, closed_until=until)
    assert decision == Refused(0, 4, until)
    assert describe(decision, NOW) == "0 of 4 used, next place 2026-11-27 12:00"
    assert isinstance(decide([], limit=4, now=until, closed_until=until), Allowed)


def test_the_closure_after_a_429():
    later, latest = NOW + dt.timedelta(minutes=5), NOW + dt.timedelta(hours=9)
    assert closure_after_429([], now=NOW, retry_after=later, provider_reset=latest) == later
    assert closure_after_429([], now=NOW, provider_reset=latest) == latest
    assert closure_after_429([ago(hours=3), ago(hours=20)], now=NOW) == NOW + dt.timedelta(hours=4)
    assert closure_after_429([ago(hours=23, minutes=50)], now=NOW) == NOW + dt.timedelta(hours=1)
    assert closure_after_429([], now=NOW) == NOW + dt.timedelta(hours=1)
    assert closure_after_429([], now=NOW, retry_after=ago(hours=1)) == NOW


def test_the_provider_corrects_downwards_only():
    decision = decide([ago(hours=1)], limit=4, now=NOW)
    assert [unseen_accesses(decision, remaining) for remaining in (-1, 0, 1, 3, 10)] == [3, 3, 2, 0, 0]


@pytest.mark.parametrize(
    ("granted", "profile", "limit"), [(None, None, 4), (10, 20, 4), (2, None, 2), (4, 1, 1), (0, None, 1)]
)
def test_the_limit_is_the_least_of_law_consent_and_profile(granted, profile, limit):
    assert effective_limit(granted, profile) == limit


def test_a_quota_without_places_is_an_error():
    with pytest.raises(ValueError, match="at least one"):
        decide([], limit=0, now=NOW)


@given(st.lists(st.integers(-3 * 3600, 30 * 3600), max_size=60), st.integers(1, 4))
def test_no_sequence_of_attempts_and_clock_steps_back_makes_one_access_too_many(steps, limit):
    """Attempts at any time, the clock also set back: any 24 hours of the ledger hold at most the limit."""
    ledger, clock = [], NOW
    for seconds in steps:
        clock += dt.timedelta(seconds=seconds)
        decision = decide(ledger, limit=limit, now=clock)
        if isinstance(decision, Allowed):
            ledger.append(clock)
        else:
            assert isinstance(decide(ledger, limit=limit, now=decision.next_place_at), Allowed)
    for start in ledger:
        assert sum(start <= at < start + dt.timedelta(hours=24) for at in ledger) <= limit
