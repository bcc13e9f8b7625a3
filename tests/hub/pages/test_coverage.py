"""The bar of months: which were read completely."""

from __future__ import annotations

import datetime as dt

import pytest

from nostro.hub.pages.coverage import GAP, LEAST_MONTHS, MAX_MONTHS, MONTH_WIDTH, coverage_bar

TODAY = dt.date(2026, 11, 25)


def _tones(covered_from: dt.date | None, covered_to: dt.date | None, today: dt.date = TODAY) -> list[str]:
    return [month.tone for month in coverage_bar(covered_from, covered_to, today).months]


def test_without_any_reading_thirteen_months_are_not_read() -> None:
    assert _tones(None, None) == ["quiet"] * LEAST_MONTHS


@pytest.mark.parametrize(
    ("covered_from", "covered_to", "last_three"),
    [
        (dt.date(2026, 9, 1), dt.date(2026, 11, 25), ["good", "good", "good"]),
        (dt.date(2026, 9, 2), dt.date(2026, 11, 24), ["warn", "good", "good"]),
        (dt.date(2026, 10, 31), dt.date(2026, 11, 23), ["quiet", "warn", "warn"]),
        (dt.date(2026, 9, 1), dt.date(2026, 9, 30), ["good", "quiet", "quiet"]),
    ],
)
def test_a_month_is_complete_when_all_its_days_are(
    covered_from: dt.date, covered_to: dt.date, last_three: list[str]
) -> None:
    assert _tones(covered_from, covered_to)[-3:] == last_three


def test_on_the_first_day_of_a_month_the_new_month_is_not_a_gap() -> None:
    today = dt.date(2026, 11, 1)
    assert _tones(dt.date(2026, 1, 1), today, today)[-2:] == ["good", "good"]


def test_the_bar_reaches_back_to_the_first_reading_but_not_further_than_two_years() -> None:
    assert len(coverage_bar(dt.date(2025, 3, 5), TODAY, TODAY).months) == 21
    bar = coverage_bar(dt.date(2001, 1, 1), TODAY, TODAY)
    assert len(bar.months) == MAX_MONTHS
    assert {month.tone for month in bar.months} == {"good"}
    assert bar.months[0].first == dt.date(2024, 12, 1)


def test_the_months_stand_side_by_side() -> None:
    bar = coverage_bar(None, None, TODAY)
    assert [month.x for month in bar.months] == [number * MONTH_WIDTH for number in range(LEAST_MONTHS)]
    assert bar.width == LEAST_MONTHS * MONTH_WIDTH - GAP
    assert bar.months[-1].title == "November 2026: not read"
