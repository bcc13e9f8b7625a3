"""A file and a feed of one account never double and never lose a row (formats.md P-4, P-5, P-6, section 8)."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from tests.hub.accounts.factories import apply, row
from tests.hub.files.factories import (
    NOW,
    OPENING,
    camt,
    chained,
    entry,
    imported,
    live,
    make_account,
    make_member,
    make_organization,
    read,
    statement,
)

from nostro.core.transactions import Transaction as BankTransaction
from nostro.core.transactions import Window
from nostro.formats import Entry
from nostro.hub.accounts.models import Account, Transaction
from nostro.hub.files.models import FileAccount, StagedRow
from nostro.people.models import User

pytestmark = pytest.mark.django_db


def counts(file_id: uuid.UUID) -> tuple[int, int, int, int]:
    found = FileAccount.objects.get(file=file_id)
    return found.new, found.known, found.restored, found.held


COFFEES = [entry(day=10), entry(day=10), entry("-20.00", 11, "Bread")]


def test_a_file_brings_its_rows(account: Account, user: User) -> None:
    file = imported(user, camt(statement(COFFEES)), account)
    assert live(account) == [(10, "-3.50", "Coffee"), (10, "-3.50", "Coffee"), (11, "-20.00", "Bread")]
    assert counts(file.pk) == (3, 0, 0, 0)
    assert not StagedRow.objects.exists()


@pytest.mark.parametrize("form", ["camt.053", "mt940"])
def test_the_same_file_twice_is_a_no_op(account: Account, user: User, form: str) -> None:
    imported(user, camt(statement(COFFEES), form=form), account)
    again = imported(user, camt(statement(COFFEES), form=form), account)
    assert counts(again.pk) == (0, 3, 0, 0)
    assert Transaction.objects.filter(account=account).count() == 3


def test_the_same_rows_in_two_formats_are_the_same(account: Account, user: User) -> None:
    imported(user, camt(statement(COFFEES)), account)
    again = imported(user, camt(statement(COFFEES), form="mt940"), account)
    assert counts(again.pk) == (0, 3, 0, 0)


def test_of_overlapping_files_the_greater_count_holds(account: Account, user: User) -> None:
    imported(user, camt(statement(COFFEES)), account)
    imported(user, camt(statement([entry(day=10)] * 3 + [entry("-1.00", 12)])), account)
    assert [each[:2] for each in live(account)] == [
        (10, "-3.50"), (10, "-3.50"), (10, "-3.50"), (11, "-20.00"), (12, "-1.00"),
    ]  # fmt: skip


def test_a_prefix_and_then_the_whole_is_the_whole(account: Account, user: User) -> None:
    imported(user, camt(statement(COFFEES[:1])), account)
    imported(user, camt(statement(COFFEES)), account)
    assert len(live(account)) == 3


def test_parts_of_one_day_with_equal_rows_add_up(account: Account, user: User) -> None:
    """Two statements of one day with one coffee each: the balances tell that there were two."""
    morning, noon = chained([[entry(day=10)], [entry(day=10)]])
    imported(user, camt(noon), account)
    imported(user, camt(morning), account)
    assert len(live(account)) == 2
    again = imported(user, camt(morning, noon), account)
    assert counts(again.pk) == (0, 2, 0, 0)


ROWS = st.lists(
    st.builds(
        entry,
        st.sampled_from(["-3.50", "-7.00"]),
        st.integers(10, 12),
        st.sampled_from(["Coffee", "Tea"]),
    ),
    min_size=1,
    max_size=7,
).map(lambda rows: sorted(rows, key=lambda each: each.booking_date or dt.date.min))


class Orders(TestCase):
    """P-4 against the database: any cut, any order, any merging."""

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(ROWS, st.data())
    def test_any_cut_and_order_is_the_whole(self, rows: list[Entry], data: st.DataObject) -> None:
        account = make_account(make_organization())
        user = make_member(account.organization)
        borders = sorted({0, len(rows), *data.draw(st.lists(st.integers(0, len(rows)), max_size=3))})
        pieces = chained([rows[a:b] for a, b in itertools.pairwise(borders)])
        order = data.draw(st.permutations(pieces))
        merged = data.draw(st.booleans())
        files = [camt(*order[:2]), *(camt(each) for each in order[2:])] if merged else [camt(each) for each in order]
        for file in [*files, files[0], camt(statement(rows))]:
            imported(user, file, account)
        expected = sorted(
            (each.booking_date.day, str(each.amount), each.remittance_information) for each in rows if each.booking_date
        )
        assert live(account) == expected


# --- beside a feed


def fed(account: Account, *rows_: BankTransaction) -> None:
    apply(account, *rows_, window=Window(dt.date(2026, 10, 8), dt.date(2026, 10, 20)))
    Account.objects.filter(pk=account.pk).update(
        covered_from=dt.date(2026, 10, 8), covered_to=dt.date(2026, 10, 20), synchronized_at=NOW
    )
    account.refresh_from_db()


def bank_row(amount: str, day: int, text: str, **fields: Any) -> BankTransaction:
    return row(amount, day, remittance_information_unstructured=(text,), creditor_name=None, debtor_name=None, **fields)


def test_what_the_feed_shows_is_known(account: Account, user: User) -> None:
    fed(account, bank_row("-3.50", 10, "Coffee"), bank_row("-3.50", 10, "COFFEE"))
    file = imported(user, camt(statement(COFFEES[:2])), account)
    assert counts(file.pk) == (0, 2, 0, 0)


def test_the_feed_after_the_file_adds_nothing(account: Account, user: User) -> None:
    imported(user, camt(statement(COFFEES)), account)
    found = apply(
        account,
        *(bank_row(str(each.amount), each.booking_date.day, each.remittance_information, entry_reference=f"R{n}")
          for n, each in enumerate(COFFEES) if each.booking_date),
    )  # fmt: skip
    assert (found.created, found.known) == (0, 3)
    again = imported(user, camt(statement(COFFEES)), account)
    assert counts(again.pk) == (0, 3, 0, 0)


def test_what_only_looks_like_a_row_of_the_feed_is_held_and_a_person_may_add_it(account: Account, user: User) -> None:
    fed(account, bank_row("-3.50", 10, "KOFFIEHOEK GENT"))
    data = camt(statement([entry(day=10)], first=9, last=11))
    file = imported(user, data, account)
    assert counts(file.pk) == (0, 0, 0, 1)
    assert StagedRow.objects.get(file=file).held == "alike"
    assert len(live(account)) == 1
    imported(user, data, account, add_held=True)
    assert len(live(account)) == 2


def test_a_row_that_the_feed_dates_a_day_earlier_is_held(account: Account, user: User) -> None:
    fed(account, bank_row("-3.50", 12, "Coffee"))
    file = imported(user, camt(statement([entry("-1.00", 21), entry(day=13)], first=9, last=25)), account)
    assert counts(file.pk) == (1, 0, 0, 1)
    assert StagedRow.objects.get(file=file).held == "alike"


def test_a_file_that_contradicts_the_feed_is_told_and_not_applied(account: Account, user: User) -> None:
    fed(account, bank_row("-99.00", 10, "Rent"))
    file = imported(user, camt(statement([entry("-1.00", 10), entry("-2.00", 25)], first=9)), account)
    assert counts(file.pk) == (1, 0, 0, 1)
    assert StagedRow.objects.get(file=file).held == "not_in_feed"
    assert FileAccount.objects.get(file=file).not_shown == 1
    assert [each[:2] for each in live(account)] == [(10, "-99.00"), (25, "-2.00")]


def test_a_gap_before_the_feed_is_filled_and_its_proof_stays(account: Account, user: User) -> None:
    fed(account, bank_row("-10.00", 12, "Shop"))
    Account.objects.filter(pk=account.pk).update(
        proof="green", proof_difference=Decimal(0), proof_anchor_balance=Decimal(500),
        proof_anchor_total=Decimal(-10), proof_anchor_day=dt.date(2026, 10, 20), proof_anchor_type="closingBooked",
    )  # fmt: skip
    imported(user, camt(statement([entry("-1.00", 5), entry("-2.00", 6)])), account)
    account.refresh_from_db()
    assert account.proof == "green"
    assert account.proof_anchor_total == Decimal(-13)
    assert account.booked_total == Decimal(-13)


def test_a_row_that_the_connection_withdrew_does_not_come_back_by_a_file(account: Account, user: User) -> None:
    fed(account, bank_row("-3.50", 10, "Coffee"))
    fed(account)
    fed(account)
    assert not live(account)
    file = imported(user, camt(statement([entry(day=10)])), account)
    assert counts(file.pk) == (0, 0, 0, 1)
    assert not live(account)


def test_a_double_that_a_person_set_aside_does_not_come_back(account: Account, user: User) -> None:
    imported(user, camt(statement(COFFEES)), account)
    first, second = Transaction.objects.filter(account=account, amount=Decimal("-3.50"))
    Transaction.objects.filter(pk=second.pk).update(same_as=first.pk, removed_at=NOW)
    file = imported(user, camt(statement(COFFEES)), account)
    assert counts(file.pk) == (0, 3, 0, 0)
    assert len(live(account)) == 2


# --- what is left out, and the preview


def test_the_preview_stores_nothing(account: Account, user: User) -> None:
    file = read(user, camt(statement(COFFEES)), account)
    assert (file.status, counts(file.pk)) == ("waiting", (3, 0, 0, 0))
    assert not Transaction.objects.exists()


def test_balances_and_the_proof_of_an_account_of_files(account: Account, user: User) -> None:
    first, second = chained([COFFEES, [entry("-5.00", 15)]])
    imported(user, camt(second), account)
    account.refresh_from_db()
    assert (account.proof, account.current_balance) == ("green", OPENING - Decimal("32.00"))
    imported(user, camt(first), account)
    account.refresh_from_db()
    assert (account.proof, account.current_balance) == ("green", OPENING - Decimal("32.00"))
    assert (account.proof_from, account.proof_to) == (dt.date(2026, 10, 10), dt.date(2026, 10, 15))


def test_a_statement_between_that_is_missing_turns_the_proof_red(account: Account, user: User) -> None:
    first, _, third = chained([COFFEES, [entry("-5.00", 15)], [entry("-7.00", 20)]])
    imported(user, camt(first), account)
    imported(user, camt(third), account)
    account.refresh_from_db()
    assert (account.proof, account.proof_difference) == ("red", Decimal("-5.00"))
