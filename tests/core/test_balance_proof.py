"""Both proofs; the figures of books.md 13 are normative."""

import datetime as dt
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nostro.core.balance_proof import (
    BalanceCheck,
    BalanceReading,
    Gap,
    LateRow,
    ProofLine,
    StatedBalance,
    allow_late_rows,
    available_balance,
    check_balance,
    closes_only_inverted,
    current_balance,
    find_gap,
    provable_balance,
    prove,
)
from nostro.core.transactions import Balance, Window

D = Decimal
DAY = dt.date(2026, 11, 12)


def balance(kind="interimBooked", amount="100", currency="EUR", **fields):
    return Balance(kind, D(amount), currency, **fields)


def reading(amount, total, day=DAY, **fields):
    return BalanceReading(balance(amount=amount, **fields), D(total), day)


# --- choice of balances ----------------------------------------------------------------------------------------


def test_current_is_interim_booked_else_closing_booked_else_expected():
    every = [balance("expected"), balance("closingBooked"), balance("interimBooked"), balance("interimAvailable")]
    assert [current_balance(every[:n]).balance_type for n in (1, 2, 3)] == [
        "expected",
        "closingBooked",
        "interimBooked",
    ]
    assert current_balance([balance("interimAvailable"), balance("other:PRCD")]) is None


def test_available_is_interim_available_else_forward_available_else_expected():
    every = [balance("expected"), balance("forwardAvailable"), balance("interimAvailable"), balance("interimBooked")]
    found = [available_balance(every[:n]).balance_type for n in (1, 2, 3)]
    assert found == ["expected", "forwardAvailable", "interimAvailable"]
    assert available_balance([balance("interimBooked")]) is None


def test_the_newest_of_one_type_counts():
    old, new = (balance(amount=str(n), reference_date=DAY + dt.timedelta(days=n)) for n in (1, 2))
    assert current_balance([new, old]) == current_balance([old, new]) == new
    noon = dt.datetime(2026, 11, 12, 12)
    changed = [balance(last_change_at=at) for at in (None, noon, noon.replace(hour=13, tzinfo=dt.UTC))]
    assert current_balance(changed) == current_balance(changed[::-1]) == changed[2]


def test_a_balance_that_includes_a_credit_limit_proves_nothing():
    with_limit = balance(credit_limit_included=True)
    assert provable_balance([with_limit, balance("expected")]).balance_type == "expected"
    check = check_balance(reading("1", "1"), BalanceReading(with_limit, D(1), DAY))
    assert (check.verdict, check.reason) == ("unknown", "no_balance")


# --- the Hub ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("currency", "before", "rows", "after"),
    [("EUR", "100.10", "-12.34", "87.76"), ("JPY", "1000", "-350", "650"), ("KWD", "1.500", "0.001", "1.501")],
)
def test_green_when_the_balance_moved_by_the_rows(currency, before, rows, after):
    anchor = reading(before, "0", DAY - dt.timedelta(days=1), currency=currency)
    check = check_balance(anchor, reading(after, rows, currency=currency))
    assert (check.verdict, check.difference, check.interval) == ("green", 0, Window(anchor.day, DAY))
    assert check.is_anchor


def test_red_names_amount_and_interval_and_turns_green_when_the_row_shows():
    anchor = reading("1000.00", "500.00", DAY - dt.timedelta(days=3))
    red = check_balance(anchor, reading("1012.34", "500.00"))
    assert (red.verdict, red.difference, red.interval) == ("red", D("12.34"), Window(anchor.day, DAY))
    assert not red.is_anchor
    assert check_balance(anchor, reading("1012.34", "512.34")).verdict == "green"


@pytest.mark.parametrize(
    ("rows", "difference", "verdict"),
    [
        ([("-5.00", 9)], "5.00", "green"),  # the balance knew it before it was listed
        ([("-5.00", 9), ("2.00", 8)], "3.00", "green"),  # both of them
        ([("-5.00", 9), ("2.00", 10)], "5.00", "green"),  # the one of an earlier day, beside one of the same day
        ([("-5.00", 9), ("2.00", 9)], "-2.00", "green"),  # one of them
        ([("-5.00", 9)], "-5.00", "red"),  # the wrong way round
        ([("-5.00", 9)], "5.01", "red"),
        ([("-5.00", 9), ("5.00", 9)], "1.00", "red"),
        ([], "5.00", "red"),
    ],
)
def test_rows_that_the_anchor_knew_before_they_were_listed_leave_the_proof_green(rows, difference, verdict):
    day = DAY.replace(day=10)
    late = [LateRow(DAY.replace(day=number), D(amount)) for amount, number in rows]
    anchor, red = reading("100", "0", day), BalanceCheck("red", D(difference), Window(day, DAY))
    check = allow_late_rows(anchor, red, late)
    assert check.verdict == verdict and not check.is_anchor
    assert allow_late_rows(anchor, BalanceCheck("unknown"), late).verdict == "unknown"


@pytest.mark.parametrize(
    ("listed", "back", "difference", "verdict"),
    [
        ([], ["-5.00"], "5.00", "green"),  # the balance knew it, and the bank took it back
        ([], ["-5.00", "-5.00"], "10.00", "green"),
        (["2.00"], ["-5.00", "-5.00"], "8.00", "green"),  # another one stays
        (
            ["2.00"],
            ["-5.00", "-1.00"],
            "5.00",
            "green",
        ),  # one of those taken back, and the listed one came with its money
        ([], ["-5.00"], "-5.00", "red"),  # its money is gone, but the row should not be
        (["2.00"], ["-5.00"], "7.00", "red"),
    ],
)
def test_late_rows_that_the_bank_took_back_leave_the_proof_green(listed, back, difference, verdict):
    day = DAY.replace(day=10)
    rows = [LateRow(day, D(amount), withdrawn=amount in back) for amount in [*listed, *back]]
    red = BalanceCheck("red", D(difference), Window(day, DAY))
    assert allow_late_rows(reading("100", "0", day), red, rows).verdict == verdict


def test_the_first_reading_and_another_kind_of_balance_are_unknown_and_start_anew():
    first = check_balance(None, reading("5", "5"))
    other = check_balance(reading("5", "5"), BalanceReading(balance("expected", "5"), D(5), DAY))
    assert (first.reason, other.reason) == ("first_reading", "not_comparable")
    assert first.is_anchor and other.is_anchor
    assert check_balance(reading("5", "5"), reading("5", "5", currency="JPY")).verdict == "unknown"
    assert not check_balance(None, None).is_anchor


def test_flipped_signs_are_told_from_a_gap():
    anchor = reading("100", "0")
    assert closes_only_inverted(anchor, reading("90", "10"))
    assert not closes_only_inverted(anchor, reading("110", "10"))
    assert not closes_only_inverted(anchor, reading("100", "0"))
    assert not closes_only_inverted(anchor, reading("95", "10"))


@given(st.lists(st.decimals(-(10**9), 10**9, places=3), max_size=20), st.integers(0, 20))
def test_a_hidden_row_is_found_to_the_last_decimal(amounts, hidden):
    total = sum(amounts, D(0))
    missing = amounts[hidden] if hidden < len(amounts) else D(0)
    check = check_balance(reading("7", "0"), BalanceReading(balance(amount=str(7 + total)), total - missing, DAY))
    assert check.difference == missing


# --- Books -----------------------------------------------------------------------------------------------------


def line(number, amount, day=DAY, status="posted", **fields):
    return ProofLine(UUID(int=number), day, D(amount), status, **fields)


RUN_ONE = [
    line(1, "100.00", dt.date(2026, 10, 28)),
    line(2, "-20.00", dt.date(2026, 11, 5)),
    line(3, "-3.50", dt.date(2026, 11, 11)),
]
LOCKED = line(4, "-25.00", dt.date(2026, 10, 30), "held_locked")


def test_the_example_of_the_specification():
    assert prove(D("4923.50"), RUN_ONE, StatedBalance(D("5000.00"), DAY)).verdict == "green"
    proof = prove(D("4923.50"), [*RUN_ONE, LOCKED], StatedBalance(D("4975.00"), DAY))
    assert (proof.verdict, proof.expected, proof.difference) == ("green", D("4975.00"), 0)
    assert proof.ledger == D("5000.00")
    assert [(effect.status, effect.amount) for effect in proof.effects] == [("held_locked", D("25.00"))]


def test_only_days_up_to_the_reference_date_count():
    later = line(9, "1000", DAY + dt.timedelta(days=1))
    assert prove(D("4923.50"), [*RUN_ONE, later], StatedBalance(D("5000.00"), DAY)).verdict == "green"


def test_the_ledger_differs_by_withdrawn_minus_held_minus_removed():
    lines = [
        line(1, "100"),
        line(2, "7", status="withdrawn"),
        line(3, "11", status="held_locked"),
        line(4, "13", status="removed"),
        line(5, "17", status="removed", removed_as_duplicate=True),
        line(6, "19", status="held_duplicate"),
        line(7, "0", status="informational"),
    ]
    proof = prove(D(0), lines, StatedBalance(D(124), DAY))
    assert (proof.verdict, proof.expected) == ("green", D(124))
    assert proof.ledger - proof.expected == 7 - 11 - 13
    assert sum(effect.amount for effect in proof.effects) == 7 - 11 - 13
    assert [effect.line_id.int for effect in proof.effects] == [2, 3, 4]


def test_unknown_without_a_dated_balance_or_with_a_line_in_another_currency():
    assert prove(D(0), [], None).verdict == "unknown"
    assert prove(D(0), [], StatedBalance(D(0), None)).verdict == "unknown"
    foreign = line(1, "5", status="held_currency")
    assert prove(D(0), [foreign], StatedBalance(D(0), DAY)).verdict == "unknown"
    assert prove(D(0), [foreign], StatedBalance(D(0), DAY - dt.timedelta(days=1))).verdict == "green"


def test_a_dated_balance_of_zero_is_a_value():
    assert prove(D(0), [line(1, "5")], StatedBalance(D(0), DAY)).difference == -5


def test_the_proof_says_what_to_do_with_a_held_duplicate():
    lines = [line(1, "-8"), line(2, "-8", status="held_duplicate")]
    assert prove(D(100), lines, StatedBalance(D(84), DAY)).hint == "keep_both"
    assert prove(D(100), lines, StatedBalance(D(92), DAY)).hint == "merge"
    assert prove(D(100), lines, StatedBalance(D(50), DAY)).hint is None
    assert prove(D(100), lines[:1], StatedBalance(D(92), DAY)).hint is None


def test_sign_inversions_are_proposed_only_where_they_prove_the_balance():
    lines = [line(1, "-30")]
    assert prove(D(100), lines, StatedBalance(D(130), DAY)).inversions == ("transactions",)
    assert prove(D(100), lines, StatedBalance(D(-70), DAY)).inversions == ("balance",)
    assert prove(D(100), lines, StatedBalance(D(70), DAY)).inversions == ()
    assert prove(D(100), lines, StatedBalance(D(71), DAY)).inversions == ()


@pytest.mark.parametrize(("currency", "cent"), [("EUR", "0.01"), ("JPY", "1"), ("KWD", "0.001")])
def test_the_smallest_unit_makes_the_proof_red(currency, cent):
    proof = prove(D(100), [line(1, "-3")], StatedBalance(D(97) + D(cent), DAY))
    assert (proof.verdict, proof.difference) == ("red", D(cent)), currency


@given(st.integers(1, 60), st.data())
def test_find_gap_finds_the_first_day_of_a_lasting_difference_in_few_proofs(days, data):
    broken = data.draw(st.integers(0, days - 1))
    lines = [line(n, str(n + 1), DAY + dt.timedelta(days=n)) for n in range(days)]
    stated = [
        StatedBalance(
            sum((item.amount for item in lines[: n + 1]), D(0)) + (5 if n >= broken else 0), lines[n].booking_date
        )
        for n in range(days)
    ]
    calls = []

    def prove_one(one):
        calls.append(one)
        return prove(D(0), lines, one)

    gap = find_gap(stated, prove_one)
    assert gap == Gap(stated[broken - 1].reference_date if broken else None, stated[broken].reference_date, D(5))
    assert len(calls) <= 1 + days.bit_length()


def test_find_gap_steps_over_unknown_proofs_and_finds_nothing_where_nothing_is_red():
    stated = [StatedBalance(D(0), DAY), StatedBalance(D(0), None), StatedBalance(D(0), None), StatedBalance(D(3), DAY)]
    assert find_gap(stated, lambda one: prove(D(0), [], one)) == Gap(DAY, DAY, D(3))
    assert find_gap(stated[:3], lambda one: prove(D(0), [], one)) is None
    assert find_gap([], lambda one: prove(D(0), [], one)) is None
