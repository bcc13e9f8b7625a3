"""What a read of booked rows does to the stored transactions (connectors.md 1.10)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import uuid
from decimal import Decimal

import pytest
from tests.hub.accounts.factories import IBANS, NOW, WINDOW, apply, make_account, make_organization, row

from nostro.hub.accounts import booked
from nostro.hub.accounts.models import Transaction, TransactionChange
from nostro.hub.accounts.services import undo_removal

pytestmark = pytest.mark.django_db


def live(account):
    return list(Transaction.objects.filter(account=account, removed_at=None).order_by("sequence"))


@pytest.mark.parametrize(
    ("currency", "amount"), [("EUR", "-12.34"), ("JPY", "1200"), ("KWD", "0.125"), ("EUR", "1000000000000000000.01")]
)
def test_amounts_are_stored_exactly_in_every_currency(currency, amount):
    account = make_account(currency=currency)
    apply(account, row(amount, currency=currency, fee=Decimal(amount), balance_after_transaction=Decimal(amount)))
    [stored] = live(account)
    assert (stored.amount, stored.currency, stored.fee) == (Decimal(amount), currency, Decimal(amount))
    assert format(stored.amount, "f") == amount
    assert account.booked_total == Decimal(amount)


def test_all_fields_of_a_row_are_kept():
    account = make_account()
    apply(
        account,
        row(
            "-5.00",
            entry_reference="E1",
            transaction_id="T1",
            end_to_end_id="E2E",
            mandate_id="M",
            creditor_id="C",
            creditor_account=IBANS[1],
            remittance_information_unstructured=("Invoice 42", "thanks"),
            remittance_information_structured=("+++090/9337/55493+++",),
            currency_exchange=({"exchangeRate": Decimal("1.10")},),
            raw={"entryReference": "E1"},
            batch_indicator=True,
        ),
    )
    [stored] = live(account)
    assert (stored.entry_reference, stored.bank_transaction_id, stored.end_to_end_id) == ("E1", "T1", "E2E")
    assert (stored.counterpart_name, stored.counterpart_reference) == ("Shop", IBANS[1])
    assert stored.remittance_unstructured == ["Invoice 42", "thanks"]
    assert stored.remittance_information == "+++090/9337/55493+++ Invoice 42 thanks"
    assert stored.currency_exchange == [{"exchangeRate": "1.10"}]
    assert stored.batch_indicator is True
    assert stored.identity_references == ["test:entry_reference:E1"]
    assert len(stored.digest) == 32


def test_reading_the_same_again_changes_nothing():
    account = make_account()
    rows = [row("-10", 5, entry_reference="a"), row("-10", 5), row("-10", 5), row("20", 6)]
    assert apply(account, *rows).created == 4
    before = list(Transaction.objects.order_by("sequence").values())
    counts = apply(account, *reversed(rows), pages=3)
    assert (counts.created, counts.updated, counts.removed, counts.known) == (0, 0, 0, 4)
    assert list(Transaction.objects.order_by("sequence").values()) == before


def test_within_a_batch_the_oldest_execution_date_comes_first():
    account = make_account()
    apply(account, row("-1", 20), row("-2", 3), row("-3", 11))
    apply(account, row("-1", 20), row("-2", 3), row("-3", 11), row("-4", 7))
    assert [stored.booking_date.day for stored in live(account)] == [3, 11, 20, 7]


def test_a_correction_keeps_the_id_and_leaves_a_history():
    account = make_account()
    apply(account, row("-10.00", entry_reference="a", creditor_name="Shpo"))
    [before] = live(account)
    counts = apply(account, row("-12.00", entry_reference="a", creditor_name="Shop"))
    [after] = live(account)
    assert (counts.created, counts.updated, counts.removed) == (0, 1, 0)
    assert (after.pk, after.sequence) == (before.pk, before.sequence)
    assert after.updated_by_synchronization is not None
    [change] = TransactionChange.objects.all()
    assert change.before == {"amount": "-10.00", "creditor_name": "Shpo", "counterpart_name": "Shpo"}
    assert change.after == {"amount": "-12.00", "creditor_name": "Shop", "counterpart_name": "Shop"}


def test_two_rows_that_exchange_their_content_do_not_collide():
    account = make_account()
    apply(
        account,
        row("-1", 5, entry_reference="a", creditor_name="X"),
        row("-1", 5, entry_reference="b", creditor_name="Y"),
    )
    ids = {stored.entry_reference: stored.pk for stored in live(account)}
    apply(
        account,
        row("-1", 5, entry_reference="a", creditor_name="Z"),
        row("-1", 5, entry_reference="b", creditor_name="X"),
    )
    assert {stored.entry_reference: stored.pk for stored in live(account)} == ids
    assert {stored.creditor_name for stored in live(account)} == {"Z", "X"}


def test_a_row_is_removed_after_two_complete_reads_without_it_and_comes_back_with_its_id():
    account = make_account()
    apply(account, row("-1"), row("-2"))
    gone = Transaction.objects.get(amount=-2)
    assert apply(account, row("-1")).missing == 1
    assert len(live(account)) == 2
    counts = apply(account, row("-1"))
    assert (counts.removed, account.transaction_count, account.booked_total) == (1, 1, Decimal(-1))
    gone.refresh_from_db()
    assert gone.removed_at == NOW
    assert apply(account, row("-1")).removed == 0
    counts = apply(account, row("-1"), row("-2"))
    assert (counts.created, counts.restored) == (0, 1)
    gone.refresh_from_db()
    assert gone.removed_at is None and account.transaction_count == 2
    assert [change.kind for change in TransactionChange.objects.order_by("id")] == ["removed", "restored"]


def test_seen_once_in_between_the_count_of_absences_begins_again():
    account = make_account()
    apply(account, row("-1"), row("-2"))
    apply(account, row("-1"))
    apply(account, row("-1"), row("-2"))
    assert apply(account, row("-1")).removed == 0


def test_an_incomplete_read_only_adds():
    account = make_account()
    apply(account, row("-1", entry_reference="a"), row("-2", 6))
    counts = apply(account, row("-9", entry_reference="a"), row("-3", 7), complete=False)
    assert (counts.created, counts.updated, counts.removed, counts.missing) == (1, 0, 0, 0)
    assert [stored.amount for stored in live(account)] == [-1, -2, -3]


def test_rows_outside_the_window_are_not_missed():
    account = make_account()
    apply(account, row("-1", dt.date(2026, 9, 1)), window=None)
    for _ in range(3):
        assert apply(account, row("-2")).removed == 0
    assert len(live(account)) == 2


def test_a_row_without_a_date_is_stored_once():
    account = make_account()
    for _ in range(3):
        apply(account, row("-1", None, value_date=None))
    assert len(live(account)) == 1


def test_text_longer_than_a_column_is_cut_and_recognised_again():
    account = make_account()
    long = row(
        "-1", creditor_name="n" * 280, entry_reference="r" * 256, remittance_information_unstructured=("t" * 4000,)
    )
    apply(account, long)
    assert apply(account, long).known == 1
    [stored] = live(account)
    assert len(stored.creditor_name) == 200 and len(stored.remittance_information) == 4000


def test_long_reads_are_compared_in_stretches_with_the_same_result(monkeypatch):
    rows = [row(f"-{number}", 1 + number % 28, entry_reference=f"r{number}") for number in range(200)]
    twins = [row("-7.77", 14), row("-7.77", 14)]
    monkeypatch.setattr(booked, "STRETCH_ROWS", 25)
    account = make_account()
    assert apply(account, *rows, *twins, pages=7).created == 202
    assert [stored.booking_date for stored in live(account)] == sorted(stored.booking_date for stored in live(account))
    counts = apply(account, *reversed(rows), *twins, pages=4)
    assert (counts.created, counts.updated, counts.missing, counts.known) == (0, 0, 0, 202)


def test_a_row_that_moves_to_a_distant_day_keeps_its_id_in_a_long_read(monkeypatch):
    rows = [row(f"-{number}", 1 + number % 28, entry_reference=f"r{number}") for number in range(100)]
    monkeypatch.setattr(booked, "STRETCH_ROWS", 10)
    account = make_account()
    apply(account, *rows)
    ids = {stored.entry_reference: stored.pk for stored in live(account)}
    for day in (28, 1):
        moved = [dataclasses.replace(rows[15], booking_date=dt.date(2026, 10, day)), *rows[:15], *rows[16:]]
        counts = apply(account, *moved)
        assert (counts.created, counts.updated, counts.removed, counts.missing) == (0, 1, 0, 0)
        assert {stored.entry_reference: stored.pk for stored in live(account)} == ids


def test_an_empty_complete_read_of_a_long_history_needs_two_confirmations(monkeypatch):
    monkeypatch.setattr(booked, "STRETCH_ROWS", 10)
    account = make_account()
    apply(account, *(row(f"-{number + 1}", 1 + number % 28) for number in range(60)))
    assert apply(account).missing == 60
    assert apply(account).removed == 60
    assert account.transaction_count == 0


def test_accounts_do_not_touch_each_other():
    organization = make_organization()
    one, other = make_account(organization), make_account(make_organization("Other"), iban=IBANS[1])
    apply(one, row("-1"), row("-2"))
    apply(other, row("-1"))
    apply(other)
    apply(other)
    assert (len(live(one)), len(live(other))) == (2, 0)
    assert WINDOW.date_from < one.transactions.first().booking_date


def test_a_tombstone_that_a_person_undid_stays_until_the_bank_shows_the_row_again():
    account = make_account()
    apply(account, row("-1", 5), row("-2", 6))
    for _ in range(2):
        apply(account, row("-1", 5))
    gone = Transaction.objects.get(amount=-2)
    assert gone.removed_at is not None
    assert undo_removal(account, gone.pk, synchronization_id=uuid.uuid4(), now=NOW)
    assert not undo_removal(account, gone.pk, synchronization_id=uuid.uuid4(), now=NOW)
    for _ in range(3):
        assert apply(account, row("-1", 5)).removed == 0
    account.refresh_from_db()
    assert (account.transaction_count, account.booked_total) == (2, -3)
    assert apply(account, row("-1", 5), row("-2", 6)).known == 2
    apply(account, row("-1", 5))
    assert apply(account, row("-1", 5)).removed == 1
    assert [change.kind for change in gone.changes.order_by("id")] == ["removed", "restored", "removed"]
