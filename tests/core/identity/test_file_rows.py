"""Files of one account in any order, split, merged and overlapping: the stored rows are the bank's (P-4, P-5, P-6)."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nostro.core.identity.file_rows import (
    DayWalk,
    FileMatch,
    RowOfFile,
    StoredTransaction,
    complete_days,
    in_common,
    match_file,
)

FIRST = dt.date(2026, 11, 10)
DAY = dt.timedelta(days=1)


def day(number: int) -> dt.date:
    return FIRST + number * DAY


@dataclass
class BankRow:
    day: int
    amount: Decimal
    text: str


@dataclass
class Store:
    """The stored rows of one account, and which pieces showed each."""

    rows: list[StoredTransaction] = field(default_factory=list)
    shown_by: dict[uuid.UUID, list[dict[dt.date, DayWalk]]] = field(default_factory=dict)

    def take(self, piece: Sequence[BankRow], opening: Decimal) -> FileMatch:
        walks = walks_of(piece, opening)
        rows = [
            RowOfFile(number, day(row.day), row.amount, "EUR", f"{row.day} {row.amount} {row.text}")
            for number, row in enumerate(piece, start=1)
        ]
        stored = [row for row in self.rows if row.booking_date in walks and not self._apart(row, walks)]
        days = [row.booking_date for row in rows]
        found = match_file(
            rows,
            stored,
            listed=lambda each: min(days) < each < max(days),
            read_by_feed=lambda _: False,
        )
        for row in found.new:
            made = StoredTransaction(
                uuid.uuid4(), row.booking_date, row.amount, "EUR", row.fingerprint, 1 + self._equal(row.fingerprint)
            )
            self.rows.append(made)
            self.shown_by[made.id] = [walks]
        for _, known in found.known:
            self.shown_by[known.id].append(walks)
        return found

    def _equal(self, fingerprint: str) -> int:
        return sum(row.fingerprint == fingerprint for row in self.rows)

    def _apart(self, row: StoredTransaction, walks: dict[dt.date, DayWalk]) -> bool:
        day_ = row.booking_date
        return all(not in_common(shown[day_], walks[day_]) for shown in self.shown_by[row.id])

    @property
    def counted(self) -> Counter[str]:
        return Counter(row.fingerprint for row in self.rows)


def walks_of(piece: Sequence[BankRow], opening: Decimal) -> dict[dt.date, DayWalk]:
    walks: dict[dt.date, DayWalk] = {}
    balance = opening
    for number in sorted({row.day for row in piece}):
        amounts = tuple(row.amount for row in piece if row.day == number)
        walks[day(number)] = DayWalk(balance, amounts)
        balance += sum(amounts)
    return walks


def truth(rows: Sequence[BankRow]) -> Counter[str]:
    return Counter(f"{row.day} {row.amount} {row.text}" for row in rows)


# Few amounts and texts, so that equal rows and rows that look alike are the rule. All have one sign: a balance that
# comes back to where it was on the same day says less, see test_a_balance_that_comes_twice_never_doubles.
bank_rows = st.lists(
    st.builds(
        BankRow,
        st.integers(0, 3),
        st.sampled_from([Decimal("-3.50"), Decimal("-7.00"), Decimal("-20.00")]),
        st.sampled_from(["coffee", "tea"]),
    ),
    min_size=1,
    max_size=14,
).map(lambda rows: sorted(rows, key=lambda row: row.day))


@st.composite
def cut(draw: st.DrawFn) -> tuple[list[BankRow], list[tuple[int, int]]]:
    """The bank's rows, and statements [from, to) that cover all of them, some more than once, in any order.

    The bank's own statements end anywhere in a day; what a person downloads beside them has whole days.
    """
    rows = draw(bank_rows)
    borders = sorted({0, len(rows), *draw(st.lists(st.integers(0, len(rows)), max_size=5))})
    pieces = list(itertools.pairwise(borders))
    pieces += draw(st.lists(st.sampled_from(pieces), max_size=2))
    for first, last in draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=2)):
        inside = [index for index, row in enumerate(rows) if min(first, last) <= row.day <= max(first, last)]
        if inside:
            pieces.append((inside[0], inside[-1] + 1))
    return rows, list(draw(st.permutations(pieces)))


def opening_before(rows: Sequence[BankRow], index: int) -> Decimal:
    return Decimal(1000) + sum((row.amount for row in rows[:index]), Decimal(0))


@given(cut())
@settings(max_examples=300, deadline=None)
def test_pieces_in_any_order_and_overlap_make_the_same_rows(
    example: tuple[list[BankRow], list[tuple[int, int]]],
) -> None:
    rows, pieces = example
    store = Store()
    for first, last in pieces:
        store.take(rows[first:last], opening_before(rows, first))
    assert store.counted == truth(rows)


@given(cut())
@settings(max_examples=100, deadline=None)
def test_twice_is_once_and_the_whole_after_a_part_is_the_whole(
    example: tuple[list[BankRow], list[tuple[int, int]]],
) -> None:
    rows, pieces = example
    store = Store()
    first, last = pieces[0]
    store.take(rows[first:last], opening_before(rows, first))
    again = store.take(rows[first:last], opening_before(rows, first))
    assert not again.new
    assert not again.held
    store.take(rows, Decimal(1000))
    assert store.counted == truth(rows)


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6))
def test_of_equal_rows_the_greater_count_holds(counts: list[int]) -> None:
    store = Store()
    for count in counts:
        store.take([BankRow(0, Decimal("-3.50"), "coffee")] * count, Decimal(1000))
    assert sum(store.counted.values()) == max(counts)


def test_a_balance_that_comes_twice_never_doubles() -> None:
    """+5 and -5: the second part of the day begins where the first one did, so equal rows are taken as the same."""
    store = Store()
    there_and_back = [BankRow(0, Decimal(5), "in"), BankRow(0, Decimal(-5), "out")]
    store.take(there_and_back, Decimal(1000))
    store.take(there_and_back, Decimal(1000))
    assert sum(store.counted.values()) == 2


# --- what is held


def incoming(text: str = "coffee", number: int = 1, reference: str = "", on: int = 0) -> RowOfFile:
    return RowOfFile(number, day(on), Decimal("-3.50"), "EUR", f"{on} {text}", reference)


def stored(text: str = "coffee", on: int = 0, **fields: object) -> StoredTransaction:
    return StoredTransaction(uuid.uuid4(), day(on), Decimal("-3.50"), "EUR", f"{on} {text}", 1, **fields)  # type: ignore[arg-type]


def compare(rows: list[RowOfFile], known: list[StoredTransaction], **options: object) -> FileMatch:
    choices = {"listed": lambda _: True, "read_by_feed": lambda _: False, **options}
    return match_file(rows, known, **choices)  # type: ignore[arg-type]


def test_a_row_that_only_looks_like_a_stored_one_is_held() -> None:
    known = stored("KOFFIEHOEK")
    found = compare([incoming()], [known])
    assert [(held.reason, held.like) for held in found.held] == [("alike", known.id)]
    assert not found.new
    assert not found.not_shown


def test_a_person_may_say_that_a_held_row_is_real() -> None:
    assert compare([incoming()], [stored("KOFFIEHOEK")], add_held=True).new


def test_two_alike_explain_two_and_the_third_is_new() -> None:
    rows = [incoming(number=number) for number in (1, 2, 3)]
    found = compare(rows, [stored("x"), stored("x")])
    assert len(found.held) == 2
    assert len(found.new) == 1


def test_a_row_that_the_feed_does_not_show_on_a_day_it_read_is_held() -> None:
    found = compare([incoming()], [], read_by_feed=lambda _: True)
    assert [held.reason for held in found.held] == ["not_in_feed"]


def test_the_banks_reference_with_date_and_amount_is_enough() -> None:
    known = stored("another text", reference="R1")
    assert compare([incoming(reference="R1")], [known]).known[0][1] is known


def test_a_file_of_our_own_names_its_rows() -> None:
    known = stored("another text")
    assert compare([incoming()._replace(own_id=known.id)], [stored("another text"), known]).known[0][1] is known


def test_what_a_file_showed_before_is_known_after_the_bank_reworded_it() -> None:
    known = stored("reworded", aliases=("0 coffee",))
    assert compare([incoming()], [known]).known


@pytest.mark.parametrize(("state", "kind"), [("undone", "restored"), ("set_aside", "known"), ("withdrawn", "held")])
def test_tombstones(state: str, kind: str) -> None:
    found = compare([incoming()], [stored(state=state)])
    assert len(getattr(found, kind)) == 1
    assert not found.new


def test_stored_rows_that_the_file_lacks_are_told_and_stay() -> None:
    lacking = stored("other", on=9)
    found = compare([incoming()], [lacking], listed=lambda each: each == day(9))
    assert found.not_shown == (lacking,)


# --- days


def test_complete_days_of_a_statement() -> None:
    days = {"stated": (None, None), "booked": (day(2), day(4)), "opening_day": day(0), "closing_day": day(5)}
    assert complete_days("statement", complete=True, **days) == (day(1), day(5))  # type: ignore[arg-type]
    assert complete_days("statement", complete=False, **days) is None  # type: ignore[arg-type]
    assert complete_days("report", complete=True, **days) is None  # type: ignore[arg-type]
    assert complete_days("list", complete=True, **days) == (day(3), day(3))  # type: ignore[arg-type]


def test_a_table_that_states_its_period_lists_the_ends_too() -> None:
    found = complete_days(
        "list", complete=True, stated=(day(0), day(5)), booked=(day(2), day(4)), opening_day=None, closing_day=None
    )
    assert found == (day(0), day(5))
