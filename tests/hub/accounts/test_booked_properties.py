"""apply_booked against an oracle in memory: whatever the pages, orders and replays, the bank's multiset is stored."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.hub.accounts.factories import POLICY, apply, make_account, row

from nostro.connectors.contract import IdentityPolicy
from nostro.core.transactions import UnmappedRow
from nostro.hub.accounts import booked
from nostro.hub.accounts.models import Transaction

pytestmark = pytest.mark.django_db
BY_IDS = IdentityPolicy(("iban",), ("entry_reference", "transaction_id"))
TRUSTED = IdentityPolicy(("iban",), ("transaction_id",), verify=False)
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


#: Everything of a row that identity or a person may look at.
COLUMNS = (
    "booking_date",
    "amount",
    "currency",
    "creditor_name",
    "entry_reference",
    "bank_transaction_id",
    "balance_after_transaction",
    "fingerprint",
    "occurrence",
    "content",
    "identity_references",
    "absences",
)


def everything(account):
    return Counter(
        (each.removed_at is not None, *(repr(getattr(each, name)) for name in COLUMNS))
        for each in Transaction.objects.filter(account=account)
    )


def as_a_connector_gives_it(transaction_):
    """The row with its payload, to be mapped when it is needed."""
    raw = {"n": str(replace(transaction_, raw={}))}
    status, day = transaction_.booking_status, transaction_.booking_date
    return UnmappedRow(
        raw,
        status,
        day,
        transaction_.amount,
        transaction_.currency,
        lambda _: replace(transaction_, raw=raw),
    )


payload_rows = st.builds(
    row,
    amount=st.sampled_from(["-1.00", "2.50"]),
    day=st.sampled_from([None, 1, 2, 3]),
    entry_reference=st.sampled_from([None, "a", "b"]),
    transaction_id=st.sampled_from([None, None, "t1", "t2"]),
    creditor_name=st.sampled_from(["Shop", "SHOP", "Café"]),
    balance_after_transaction=st.sampled_from([None, Decimal(5), Decimal(9)]),
)


#: Where one read repeats a reference, which of the stored rows is meant is anybody's guess, and both guesses are good.
clear_reads = st.lists(
    payload_rows,
    max_size=8,
    unique_by=(lambda each: each.entry_reference or id(each), lambda each: each.transaction_id or id(each)),
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    reads=st.lists(st.tuples(clear_reads, st.booleans()), min_size=1, max_size=5),
    policies=st.lists(st.sampled_from([POLICY, BY_IDS, TRUSTED]), min_size=5, max_size=5),
    stretch=st.sampled_from([1, 3, 20_000]),
)
def test_rows_recognised_by_their_payload_become_exactly_what_mapped_rows_become(reads, policies, stretch):
    """The oracle is the same read with every row mapped and compared anew; policies may change between reads."""
    before, booked.STRETCH_ROWS = booked.STRETCH_ROWS, stretch
    try:
        with transaction.atomic():
            mapped, recognised = make_account(), make_account()
            for (rows, complete), policy in zip(reads, policies, strict=False):
                unmapped = [as_a_connector_gives_it(each) for each in rows]
                expected = apply(mapped, *(each.mapped() for each in unmapped), complete=complete, policy=policy)
                assert apply(recognised, *unmapped, complete=complete, policy=policy) == expected
                assert everything(recognised) == everything(mapped)
            transaction.set_rollback(True)
    finally:
        booked.STRETCH_ROWS = before


@pytest.mark.parametrize(("currency", "amount"), [("EUR", "-10.50"), ("JPY", "-1050"), ("KWD", "-10.505")])
def test_a_row_with_a_stored_payload_is_not_mapped_again(currency, amount):
    account = make_account(currency=currency)
    first = as_a_connector_gives_it(row(amount, 5, currency, entry_reference="a"))
    assert apply(account, first).created == 1

    def never(_):
        raise AssertionError("mapped although its payload is stored")

    again = UnmappedRow(first.raw, "booked", first.booking_date, first.amount, currency, never)
    assert apply(account, again).known == 1
    # One payment more with the same payload is one transaction more, and then it is mapped.
    assert apply(account, again, as_a_connector_gives_it(first.mapped())).created == 1
    assert [each.amount for each in live(account)] == [Decimal(amount)] * 2
