"""Every sentence of connectors.md 1.10 about matching, one test each; the scenarios are those of 5.3."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
from tests.core.identity.bank import DAY, NO_IDS, TRUSTED, VERIFY, Policy, Store, counts, transaction

from nostro.core.identity import changed_fields
from nostro.core.transactions import Window


def test_a_first_read_is_all_new_and_a_replay_is_a_no_op():
    store = Store()
    rows = [transaction(entry_reference="a"), transaction("10", "rent", entry_reference="b")]
    assert counts(store.read(*rows)) == (2, 0, 0)
    before = dict(store.rows)
    replay = store.read(*rows)
    assert counts(replay) == (0, 2, 0)
    assert not replay.absent_once and not replay.warnings
    assert store.rows == before


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
def test_the_same_figure_in_another_notation_is_the_same_amount(currency):
    store = Store(NO_IDS)
    store.read(transaction("1200", currency=currency))
    assert counts(store.read(transaction("1200.000", currency=currency))) == (0, 1, 0)


def test_equal_figures_in_three_currencies_are_three_transactions():
    result = Store(NO_IDS).read(*(transaction("5", currency=currency) for currency in ("EUR", "JPY", "KWD")))
    assert len(result.new) == 3
    assert {new.ordinal for new in result.new} == {1}


# --- step 1: equal trusted reference ---------------------------------------------------------------------------


def test_an_equal_reference_with_other_text_is_a_modification_and_keeps_the_id():
    store = Store()
    store.read(transaction(text="old", entry_reference="a"), transaction(text="other", entry_reference="b"))
    ids = set(store.rows)
    result = store.read(transaction(text="new", entry_reference="a"), transaction(text="other", entry_reference="b"))
    assert counts(result) == (0, 1, 1)
    assert result.modified[0].fields == ("details",)
    assert set(store.rows) == ids


def test_an_equal_reference_with_another_date_is_a_modification():
    store = Store()
    store.read(transaction(entry_reference="a"))
    result = store.read(transaction(entry_reference="a", day=DAY + dt.timedelta(days=1)))
    assert result.modified[0].fields == ("booking_date",)


def test_verify_one_reference_on_two_rows_of_a_read_is_two_transactions_and_one_warning():
    store = Store()
    rows = [transaction("-10", "a", entry_reference="r"), transaction("-20", "b", entry_reference="r")]
    result = store.read(*rows)
    assert counts(result) == (2, 0, 0)
    assert [(warning.code, warning.subject, warning.rows) for warning in result.warnings] == [
        ("reference_repeated", "bank:entry_reference:r", 2)
    ]
    assert counts(store.read(*reversed(rows))) == (0, 2, 0)


def test_verify_two_equal_rows_with_one_reference_are_two_transactions():
    twin = transaction(entry_reference="NOTPROVIDED")
    store = Store()
    assert [new.ordinal for new in store.read(twin, twin).new] == [1, 2]
    assert counts(store.read(twin, twin)) == (0, 2, 0)


def test_verify_one_reference_with_another_amount_is_a_modification_if_the_old_row_is_gone():
    store = Store()
    store.read(transaction("-10", "a", entry_reference="r"))
    result = store.read(transaction("-11", "a", entry_reference="r"))
    assert counts(result) == (0, 0, 1)
    assert result.modified[0].fields == ("amount",)


def test_verify_one_reference_with_another_amount_is_new_if_the_old_row_is_still_there():
    store = Store()
    old = transaction("-10", "a", entry_reference="r")
    store.read(old)
    assert counts(store.read(transaction("-11", "b", entry_reference="r"), old)) == (1, 1, 0)


def test_verify_a_reused_reference_is_new_if_the_old_row_shows_under_another_reference():
    store = Store()
    store.read(transaction("-10", "a", entry_reference="r"))
    result = store.read(transaction("-10", "a", entry_reference="q"), transaction("-11", "b", entry_reference="r"))
    assert counts(result) == (1, 1, 0)
    assert result.known[0].references_changed


def test_verify_a_reference_used_again_for_a_row_outside_the_window_changes_nothing_there():
    store = Store()
    january = transaction("-500", "rent", dt.date(2026, 1, 1), entry_reference="RENT")
    february = transaction("-500", "rent", dt.date(2026, 2, 1), entry_reference="RENT")
    store.read(january)
    result = store.read(february, window=Window(dt.date(2026, 2, 1), dt.date(2026, 2, 28)))
    assert counts(result) == (1, 0, 0)
    assert not result.absent_once


def test_a_trusted_reference_is_enough_whatever_else_changed():
    store = Store(TRUSTED)
    store.read(transaction("-10", "a", transaction_id="1"))
    result = store.read(transaction("-11", "b", transaction_id="1", day=DAY + dt.timedelta(days=40)))
    assert result.modified[0].fields == ("booking_date", "amount")


def test_trusted_references_that_differ_are_two_transactions_though_all_else_is_equal():
    store = Store(TRUSTED)
    store.read(transaction(transaction_id="1"))
    result = store.read(transaction(transaction_id="2"))
    assert counts(result) == (1, 0, 0)
    assert len(result.absent_once) == 1


def test_a_row_repeated_at_a_page_border_is_one_row_where_ids_can_be_trusted():
    store = Store(TRUSTED)
    row = transaction(transaction_id="1")
    result = store.read(row, row)
    assert counts(result) == (1, 0, 0)
    assert result.warnings[0].code == "row_repeated" and result.warnings[0].rows == 2


def test_a_row_that_repeats_its_transaction_id_and_everything_else_is_one_row_also_when_verified():
    row = transaction(entry_reference="e", transaction_id="t")
    assert counts(Store().read(row, row)) == (1, 0, 0)
    assert counts(Store().read(row, replace(row, transaction_id="u"))) == (2, 0, 0)


def test_the_second_reference_helps_where_the_first_is_missing():
    store = Store(Policy(("entry_reference", "transaction_id")))
    store.read(transaction(text="a", transaction_id="t"), transaction(text="b", entry_reference="e"))
    result = store.read(transaction(text="A-2", transaction_id="t"), transaction(text="B-2", entry_reference="e"))
    assert counts(result) == (0, 0, 2)


def test_references_of_another_source_prove_nothing():
    store = Store(TRUSTED, source="one")
    store.read(transaction("-10", "a", transaction_id="1"), transaction("-20", "b", transaction_id="2"))
    store.source = "two"
    result = store.read(transaction("-10", "a", transaction_id="2"), transaction("-20", "b", transaction_id="1"))
    assert counts(result) == (0, 2, 0)
    assert all(known.row.amount == known.stored.amount for known in result.known)


# --- step 2: equal fingerprint, by count -----------------------------------------------------------------------


def test_twins_appear_and_disappear():
    store = Store(NO_IDS)
    twin = transaction()
    assert counts(store.read(twin, twin)) == (2, 0, 0)
    third = store.read(twin, twin, twin)
    assert counts(third) == (1, 2, 0)
    assert third.new[0].ordinal == 3
    first_absence = store.read(twin, twin)
    assert (len(first_absence.absent_once), len(first_absence.gone)) == (1, 0)
    second_absence = store.read(twin, twin)
    assert (len(second_absence.absent_once), len(second_absence.gone)) == (0, 1)
    assert len(store.live) == 2
    quiet = store.read(twin, twin)
    assert counts(quiet) == (0, 2, 0) and not quiet.absent_once and not quiet.gone


def test_a_rewrapped_text_is_neither_new_nor_modified():
    store = Store(NO_IDS)
    store.read(transaction(text="Invoice 2026/0007 thank you"))
    for text in ("INVOICE 2026/0007\nTHANK YOU", "Invoice 2026/ 0007  thank you", "invoice 2026-0007 thank y ou"):
        assert counts(store.read(transaction(text=text))) == (0, 1, 0)


def test_changed_references_with_the_same_fingerprint_are_the_same_rows():
    store = Store()
    store.read(*(transaction(text=str(n), entry_reference=f"old-{n}") for n in range(20)))
    result = store.read(*(transaction(text=str(n), entry_reference=f"new-{n}") for n in range(20)))
    assert counts(result) == (0, 20, 0)
    assert all(known.references_changed for known in result.known)


def test_the_balance_after_a_row_is_no_identity_but_orders_equal_rows():
    store = Store(NO_IDS)
    early, late = (transaction(balance_after_transaction=Decimal(n)) for n in (100, 50))
    result = store.read(late, early)
    assert {new.row.transaction.balance_after_transaction: new.ordinal for new in result.new} == {100: 1, 50: 2}
    moved = transaction(balance_after_transaction=Decimal(7))
    assert counts(store.read(moved, early)) == (0, 2, 0)


def test_equal_rows_with_other_details_pair_by_detail_first():
    store = Store(NO_IDS)
    a, b = transaction(purpose_code="SALA"), transaction(purpose_code="RENT")
    store.read(a, b)
    assert counts(store.read(b, a)) == (0, 2, 0)


# --- step 3: equal date, amount and currency -------------------------------------------------------------------


def test_without_ids_a_changed_text_is_a_modification_that_keeps_the_id():
    store = Store(NO_IDS)
    store.read(transaction(text="old"))
    result = store.read(transaction(text="new", value_date=DAY))
    assert counts(result) == (0, 0, 1)
    before, after = transaction(text="old"), result.modified[0].row.transaction
    assert changed_fields(before, after) == ("value_date", "remittance_information_unstructured")


def test_step_three_needs_the_same_number_of_rows_on_both_sides():
    store = Store(NO_IDS)
    store.read(transaction(text="a"), transaction(text="b"))
    result = store.read(transaction(text="c"))
    assert counts(result) == (1, 0, 0)
    assert len(result.absent_once) == 2


def test_step_three_refuses_contradicting_references():
    store = Store()
    store.read(transaction(text="a", entry_reference="1"))
    result = store.read(transaction(text="b", entry_reference="2"))
    assert counts(result) == (1, 0, 0)


def test_step_three_accepts_a_reference_on_one_side_only():
    store = Store()
    store.read(transaction(text="a"))
    assert counts(store.read(transaction(text="b", entry_reference="2"))) == (0, 0, 1)


# --- absence, tombstones, windows ------------------------------------------------------------------------------


def test_a_row_seen_again_between_two_absences_is_not_removed():
    store = Store()
    row = transaction(entry_reference="a")
    store.read(row)
    for _ in range(3):
        assert len(store.read().absent_once) == 1
        assert store.read(row).known[0].stored.absences == 1
    assert store.live == [row]


def test_a_removed_row_that_the_bank_shows_again_is_known_under_its_old_id():
    store = Store()
    row = transaction(entry_reference="a")
    store.read(row)
    store.read()
    store.read()
    assert store.live == []
    result = store.read(row)
    assert result.known[0].stored.absences == 2
    assert store.live == [row]


def test_a_live_twin_is_paired_before_a_removed_one():
    store = Store(NO_IDS)
    twin = transaction()
    store.read(twin, twin)
    store.read(twin)
    store.read(twin)
    (removed,) = store.removed
    assert store.read(twin).known[0].stored.id != removed


def test_rows_outside_the_window_are_recognised_but_never_missed():
    store = Store()
    old = transaction(text="old", day=DAY - dt.timedelta(days=60), entry_reference="o")
    store.read(old, transaction(entry_reference="n"))
    window = Window(DAY - dt.timedelta(days=14), DAY)
    result = store.read(old, window=window)
    assert counts(result) == (0, 1, 0)
    assert [row.booking_date for row in result.absent_once] == [DAY]


def test_a_row_without_booking_date_is_kept_and_found_again():
    store = Store(NO_IDS)
    row = transaction(day=None)
    store.read(row)
    assert counts(store.read(row, window=Window(DAY, DAY))) == (0, 1, 0)


# --- incomplete reads ------------------------------------------------------------------------------------------


def test_an_incomplete_read_adds_but_neither_removes_nor_modifies():
    store = Store()
    store.read(transaction(text="a", entry_reference="1"), transaction("7", "b", entry_reference="2"))
    before = dict(store.rows)
    result = store.read(
        transaction(text="changed", entry_reference="1"),
        transaction("99", "new", entry_reference="3"),
        complete=False,
    )
    assert counts(result) == (1, 0, 0)
    assert len(result.deferred) == 1
    assert not result.absent_once and not result.gone
    assert {row_id: store.rows[row_id] for row_id in before} == before


def test_an_incomplete_read_leaves_open_whether_a_like_row_is_new():
    store = Store(NO_IDS)
    store.read(transaction(text="a"))
    undecided = store.read(transaction(text="b"), complete=False)
    assert counts(undecided) == (0, 0, 0)
    assert len(undecided.deferred) == 1
    assert counts(store.read(transaction(text="b"), transaction(text="a"))) == (1, 1, 0)


def test_after_an_incomplete_read_a_complete_one_reaches_the_truth():
    store = Store(VERIFY)
    rows = [transaction(text=str(n), entry_reference=str(n)) for n in range(6)]
    store.read(*rows[:2])
    store.read(*rows[1:4], complete=False)
    store.read(*rows)
    assert sorted(item.entry_reference for item in store.live) == list("012345")
