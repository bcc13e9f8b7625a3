"""Which announced rows stand (formats.md 8.4): by counts, each booked row used once, whatever the order."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from nostro.core.identity.announced import AnnouncedRow, BookedRow, stand
from nostro.core.identity.pending import LinkRow

NAMES = st.sampled_from(["coffee", "bread"])
REPORTS = st.lists(
    st.lists(st.tuples(st.integers(1, 3), NAMES, st.sampled_from(["", "R1", "R2"])), max_size=4), max_size=3
)
BOOKED = st.lists(st.tuples(st.integers(1, 3), NAMES, st.sampled_from(["", "R1", "R2"])), max_size=5)


def link(number: int, day: int, name: str, reference: str) -> LinkRow:
    date = dt.date(2026, 10, day)
    return LinkRow(UUID(int=number), "", (reference,), "", Decimal("-1.00"), "EUR", name, date)


def announced(reports: list[list[tuple[int, str, str]]], final: set[int]) -> list[AnnouncedRow]:
    found: list[AnnouncedRow] = []
    for report, rows in enumerate(reports):
        for day, name, reference in rows:
            row = link(len(found) + 1, day, name, reference)
            day_ = row.day or dt.date.min
            found.append(AnnouncedRow(row.id, UUID(int=report), f"{day}{name}", day_, True, day in final, None, row))
    return found


def stored(rows: list[tuple[int, str, str]]) -> list[BookedRow]:
    return [
        BookedRow(UUID(int=1000 + n), f"{day}{name}", link(1000 + n, day, name, reference))
        for n, (day, name, reference) in enumerate(rows)
    ]


@settings(max_examples=150, deadline=None)
@given(REPORTS, BOOKED, st.sets(st.integers(1, 3)), st.data())
def test_the_order_of_reports_and_of_booked_rows_says_nothing(
    reports: list[list[tuple[int, str, str]]],
    booked: list[tuple[int, str, str]],
    final: set[int],
    data: st.DataObject,
) -> None:
    rows, there = announced(reports, final), stored(booked)
    first = stand(rows, there)
    again = stand(data.draw(st.permutations(rows)), data.draw(st.permutations(there)))

    def told(row: AnnouncedRow) -> tuple[str, str]:
        return row.fingerprint, row.row.references[0]

    assert Counter(map(told, first.pending)) == Counter(map(told, again.pending))
    assert not any(each.is_final for each in first.pending)


@settings(max_examples=150, deadline=None)
@given(REPORTS, BOOKED, st.sets(st.integers(1, 3)))
def test_each_booked_row_ends_one_and_none_both_stands_and_is_booked(
    reports: list[list[tuple[int, str, str]]], booked: list[tuple[int, str, str]], final: set[int]
) -> None:
    found = stand(announced(reports, final), stored(booked))
    assert len(set(found.booked.values())) == len(found.booked)
    assert not {each.id for each in found.pending} & set(found.booked)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(1, 3), NAMES), max_size=5), max_size=3), st.lists(NAMES, max_size=4))
def test_without_references_the_greatest_count_stands_less_what_is_booked(
    reports: list[list[tuple[int, str]]], booked: list[str]
) -> None:
    found = stand(
        announced([[(*row, "") for row in rows] for rows in reports], set()), stored([(1, name, "") for name in booked])
    )
    most: Counter[str] = Counter()
    for rows in reports:
        most |= Counter(f"{day}{name}" for day, name in rows)
    assert Counter(each.fingerprint for each in found.pending) == most - Counter(f"1{name}" for name in booked)
