"""Where a balance stopped adding up."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal as D
from uuid import uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from nostro.core.balance_gaps import DayBalance, GapRow, RunningRow, end_of_day, narrow_gap, suspects
from nostro.core.balance_proof import BalanceReading, DatedBalance, check_balance, dated_balances, first_anchor
from nostro.core.transactions import Balance

DAY = dt.date(2026, 11, 12)


def point(day: int, amount: str, rows: str) -> DayBalance:
    return DayBalance(DAY + dt.timedelta(days=day), D(amount), D(rows))


def test_a_gap_lies_between_the_last_right_balance_and_the_next_one():
    points = [point(0, "100", "0"), point(1, "90", "-10"), point(2, "62.34", "-50"), point(3, "72.34", "-40")]
    [gap] = narrow_gap(points, D(100))
    assert (gap.after.day, gap.until.day) == (points[1].day, points[2].day)
    assert (gap.moved, gap.rows, gap.difference) == (D("-27.66"), D("-40"), D("12.34"))


def test_two_gaps_are_two():
    points = [point(0, "100", "0"), point(1, "105", "0"), point(2, "105", "0"), point(3, "98", "0")]
    assert [gap.difference for gap in narrow_gap(points, D(100))] == [D(5), D(-7)]


def test_a_balance_that_was_stated_before_a_row_was_dated_back_is_passed_over():
    points = [point(0, "100", "0"), point(1, "100", "-20"), point(2, "80", "-20"), point(3, "85", "-20")]
    [gap] = narrow_gap(points, D(100))
    assert (gap.after, gap.difference) == (points[2], D(5))


def test_without_a_difference_or_a_right_balance_there_is_no_gap():
    assert narrow_gap([], D(0)) == ()
    assert narrow_gap([point(0, "1", "1")], D(0)) == ()
    assert narrow_gap([point(0, "1", "0"), point(1, "2", "0")], D(9)) == ()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(-10_000, 10_000), min_size=2, max_size=12),
    st.data(),
)
def test_one_hidden_row_is_found_on_its_day(amounts, data):
    hidden = data.draw(st.integers(1, len(amounts) - 1))
    amounts[hidden] = amounts[hidden] or 1
    bank, rows, points = D(500), D(0), [DayBalance(DAY, D(500), D(0))]
    for number, amount in enumerate(amounts):
        bank += amount
        rows += 0 if number == hidden else amount
        points.append(DayBalance(DAY + dt.timedelta(days=number + 1), bank, rows))
    [gap] = narrow_gap(points, D(500))
    assert gap.until.day == DAY + dt.timedelta(days=hidden + 1)
    assert gap.difference == amounts[hidden]


# --- balances after rows


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_the_end_of_a_day_does_not_depend_on_the_order_of_its_rows(amounts, random):
    balance, rows = D(0), []
    for amount in amounts:
        balance += amount
        rows.append(RunningRow(D(amount), balance))
    random.shuffle(rows)
    assert end_of_day(rows) == balance


def test_the_end_of_a_day_is_unknown_where_a_row_is_missing_or_says_nothing():
    first, second, third = RunningRow(D(1), D(1)), RunningRow(D(2), D(3)), RunningRow(D(4), D(7))
    assert end_of_day([first, second, third]) == D(7)
    assert end_of_day([first, third]) is None
    assert end_of_day([first, RunningRow(D(2), None)]) is None
    assert end_of_day([]) is None


# --- the first reading


def reading(amount: str, total: str) -> BalanceReading:
    return BalanceReading(Balance("interimBooked", D(amount), "EUR", reference_date=DAY), D(total), DAY)


def test_closing_and_opening_balances_hold_for_the_end_of_a_day():
    day = dt.timedelta(days=1)
    balances = [
        Balance("closingBooked", D(1), "EUR", reference_date=DAY - day),
        Balance("openingBooked", D(2), "EUR", reference_date=DAY - day),
        Balance("closingBooked", D(3), "EUR"),
        Balance("closingBooked", D(4), "EUR", credit_limit_included=True, reference_date=DAY),
        Balance("expected", D(5), "EUR", reference_date=DAY),
    ]
    assert dated_balances(balances) == (DatedBalance(DAY - day, D(1)), DatedBalance(DAY - 2 * day, D(2)))


def test_the_oldest_balance_that_proves_a_first_reading_is_taken():
    sums = {DAY - dt.timedelta(days=back): D(-back) for back in range(1, 9)}
    earlier = [DatedBalance(day, D(10) + total, stated=False) for day, total in sums.items()]
    anchor = first_anchor(reading("10", "0"), earlier, sums.__getitem__)
    assert anchor is not None
    assert anchor.day == min(sums)
    assert check_balance(anchor, reading("10", "0")).verdict == "green"


def test_a_first_reading_fails_only_by_a_balance_the_bank_stated():
    yesterday = DAY - dt.timedelta(days=1)
    weak, strong = DatedBalance(yesterday, D(1), stated=False), DatedBalance(yesterday, D(2))
    assert first_anchor(reading("10", "0"), [weak], lambda _: D(0)) is None
    anchor = first_anchor(reading("10", "0"), [weak, strong], lambda _: D(0))
    assert anchor is not None
    assert check_balance(anchor, reading("10", "0")).difference == D(8)
    assert first_anchor(reading("10", "0"), [DatedBalance(DAY, D(2))], lambda _: D(0)) is None


# --- what may explain it


def test_suspects_are_rows_whose_amount_is_the_difference():
    withdrawn, pending, double = uuid4(), uuid4(), uuid4()
    rows = [
        GapRow(withdrawn, D("-5"), "withdrawn"),
        GapRow(pending, D("-5"), "pending"),
        GapRow(double, D("5"), "booked"),
        GapRow(uuid4(), D("-5"), "booked"),
        GapRow(uuid4(), D("4"), "pending"),
    ]
    assert [(each.id, each.reason) for each in suspects(D("-5"), rows)] == [
        (withdrawn, "withdrawn"), (pending, "pending"), (double, "doubled"),
    ]  # fmt: skip
    assert len(suspects(D("-5"), rows, limit=1)) == 1
