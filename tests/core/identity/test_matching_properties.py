"""Matching for any history: order, pages, replays, twins and lost pages (books.md I-7, I-10, I-13 for the Hub)."""

import datetime as dt
import random
from collections import Counter
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.identity.bank import DAY, NO_IDS, TRUSTED, VERIFY, Store, transaction

from nostro.core.identity import content_digest

# Few values for each field, so that collisions of every kind are common.
AMOUNTS = {"EUR": ["-3.50", "10.00", "0"], "JPY": ["-350", "1000"], "KWD": ["-3.500", "0.001"]}


@st.composite
def transactions(draw, references=True):
    currency = draw(st.sampled_from(sorted(AMOUNTS)))
    return transaction(
        draw(st.sampled_from(AMOUNTS[currency])),
        draw(st.sampled_from(["coffee", "rent"])),
        DAY + dt.timedelta(days=draw(st.integers(0, 2))),
        currency,
        entry_reference=draw(st.sampled_from([None, "r1", "r2", "r3"])) if references else None,
        purpose_code=draw(st.sampled_from([None, "RENT"])),
        balance_after_transaction=draw(st.sampled_from([None, Decimal(5), Decimal(9)])),
    )


histories = st.lists(transactions(), max_size=12)
without_ids = st.lists(transactions(references=False), max_size=12)


def contents(items):
    return Counter(content_digest(item) for item in items)


def outcome(result):
    """A result without the order of its rows, and without the ids of interchangeable twins."""
    return (
        Counter((new.row.references, new.row.fingerprint, new.row.content, new.ordinal) for new in result.new),
        Counter((item.row.references, item.row.content) for item in result.known),
        Counter((item.row.references, item.row.content, item.stored.id) for item in result.modified),
        Counter((row.references, row.content) for row in result.deferred),
        {row.id for row in (*result.absent_once, *result.gone)},
        result.warnings,
    )


@given(histories, histories, st.booleans(), st.sampled_from([VERIFY, NO_IDS]), st.randoms(use_true_random=False))
def test_the_order_of_rows_on_either_side_does_not_matter(first, second, complete, policy, rng):
    def run(shuffle):
        store = Store(policy)
        store.read(*first)
        if shuffle:
            stored = list(store.rows.items())
            rng.shuffle(stored)
            store.rows = dict(stored)
        read = rng.sample(second, len(second)) if shuffle else second
        return outcome(store.read(*read, complete=complete))

    assert run(shuffle=False) == run(shuffle=True)


@given(histories, st.sampled_from([VERIFY, NO_IDS]))
def test_n_identical_transactions_stay_n_and_a_replay_is_a_no_op(history, policy):
    store = Store(policy)
    store.read(*history)
    assert contents(store.live) == contents(history)
    before = dict(store.rows)
    replay = store.read(*history)
    assert len(replay.known) == len(history)
    assert not (replay.new or replay.modified or replay.absent_once)
    assert {row_id: row._replace(references=()) for row_id, row in store.rows.items()} == {
        row_id: row._replace(references=()) for row_id, row in before.items()
    }
    assert store.ordinals_are_unique()


@given(histories, histories, st.sampled_from([VERIFY, NO_IDS]))
def test_two_complete_reads_make_the_store_equal_to_the_bank(first, second, policy):
    store = Store(policy)
    store.read(*first)
    store.read(*second)
    store.read(*second)
    assert contents(store.live) == contents(second)
    assert store.ordinals_are_unique()


@given(histories, histories, st.sampled_from([VERIFY, NO_IDS]))
def test_an_incomplete_read_never_modifies_or_removes(first, second, policy):
    store = Store(policy)
    store.read(*first)
    before = {row_id: row.content for row_id, row in store.rows.items()}
    result = store.read(*second, complete=False)
    assert not (result.modified or result.absent_once or result.gone)
    assert before.items() <= {row_id: row.content for row_id, row in store.rows.items()}.items()


@given(without_ids, st.data())
def test_reads_cut_at_any_page_and_then_completed_hold_every_row_once(history, data):
    """Pages lost in one run come with the next; what stays is the bank's multiset."""
    store = Store(NO_IDS)
    for _ in range(data.draw(st.integers(0, 3))):
        store.read(*history[: data.draw(st.integers(0, len(history)))], complete=False)
    store.read(*history)
    store.read(*history)
    assert contents(store.live) == contents(history)


@given(st.lists(st.tuples(st.integers(0, 9), transactions()), max_size=12), st.integers(1, 3))
def test_rows_with_trusted_ids_repeated_on_other_pages_are_one_row(history, repeats):
    unique = {}
    for number, item in history:
        unique[str(number)] = transaction(str(item.amount), "text", item.booking_date, transaction_id=str(number))
    store = Store(TRUSTED)
    store.read(*(list(unique.values()) * repeats))
    assert contents(store.live) == contents(unique.values())


@given(histories, st.integers(0, 2**32))
@settings(max_examples=50)
def test_new_references_at_renewal_add_and_remove_nothing(history, seed):
    rng = random.Random(seed)
    store = Store(VERIFY)
    store.read(*history)
    ids = set(store.rows)
    renewed = [
        transaction(
            str(item.amount),
            item.remittance_information,
            item.booking_date,
            item.currency,
            entry_reference=f"new-{rng.random()}",
            purpose_code=item.purpose_code,
        )
        for item in history
    ]
    result = store.read(*renewed)
    assert set(store.rows) == ids
    assert not (result.new or result.modified or result.absent_once)
