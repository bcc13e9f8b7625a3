"""apply_booked against an oracle in memory: whatever the pages, orders and replays, the bank's multiset is stored."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.hub.accounts.factories import apply, make_account, row

from nostro.hub.accounts import booked
from nostro.hub.accounts.models import Transaction

pytestmark = pytest.mark.django_db
bank_rows = st.builds(
    row,
    amount=st.sampled_from(["-1.00", "2.50", "-300"]),
    day=st.integers(1, 6),
    entry_reference=st.sampled_from([None, None, "a", "b"]),
    creditor_name=st.sampled_from(["Shop", "SHOP", "Café"]),
)


def seen(rows):
    # The reference is left out: a bank that repeats or moves references does not change which payments there are.
    return Counter((each.booking_date, each.amount, each.currency) for each in rows)


def live(account):
    return Transaction.objects.filter(account=account, removed_at=None)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    states=st.lists(st.lists(bank_rows, max_size=8), min_size=1, max_size=4),
    pages=st.integers(1, 4),
    stretch=st.sampled_from([1, 3, 20_000]),
    data=st.data(),
)
def test_what_the_bank_shows_twice_in_full_is_what_is_stored(states, pages, stretch, data):
    before, booked.STRETCH_ROWS = booked.STRETCH_ROWS, stretch
    try:
        with transaction.atomic():
            account = make_account()
            ids = {}
            for rows in states:
                apply(account, *data.draw(st.permutations(rows)), pages=pages)
                apply(account, *data.draw(st.permutations(rows)), pages=1)
                assert seen(live(account)) == seen(rows)
                assert account.booked_total == sum((each.amount for each in rows), Decimal(0))
                assert account.transaction_count == len(rows)
                # Ids and places are given once and never change hands.
                now = dict(Transaction.objects.filter(account=account).values_list("id", "sequence"))
                assert ids.items() <= now.items()
                ids = now
                again = apply(account, *data.draw(st.permutations(rows)), pages=pages)
                assert (again.created, again.updated, again.removed, again.restored) == (0, 0, 0, 0)
            transaction.set_rollback(True)
    finally:
        booked.STRETCH_ROWS = before


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(bank_rows, max_size=10), cut=st.integers(0, 10))
def test_a_read_that_broke_off_loses_and_doubles_nothing(rows, cut):
    with transaction.atomic():
        account = make_account()
        apply(account, *rows[:cut], complete=False)
        apply(account, *rows)
        apply(account, *rows)
        assert seen(live(account)) == seen(rows)
        transaction.set_rollback(True)


def test_the_oracle_can_fail():
    assert seen([row("1", 1)]) != seen([row("1", 1), row("1", 1)])
    assert dt.date(2026, 10, 1) == row("1", 1).booking_date
