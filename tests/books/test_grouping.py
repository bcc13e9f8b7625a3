"""Statements by grouping: the worked example of books.md 5.2, and what never changes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.books.conftest import NOW

from nostro.books.companies.models import Company
from nostro.books.journals.grouping import group_lines, leaves_out_a_period, refresh_statements
from nostro.books.journals.importing import LineValues, NewLine, import_lines
from nostro.books.journals.models import Journal, Line, Source, Statement
from nostro.books.journals.queries import running_balances
from nostro.books.journals.services import confirm_statement, create_journal, regroup, remove_line, restore_line
from nostro.core.ids import new_id
from nostro.people.models import User

TODAY = dt.date(2026, 12, 2)
EXAMPLE = [("2026-11-03", 200), ("2026-11-14", -50), ("2026-11-16", -30), ("2026-11-30", 10), ("2026-12-01", -5)]


def journal_with(user: User, company: Company, grouping: str, rows: list[tuple[str, int]]) -> Journal:
    journal = create_journal(user, company, name="Bank", currency="EUR")
    journal.grouping, journal.opening_amount = grouping, Decimal(1000)
    journal.save()
    bring(journal, rows)
    return journal


def bring(journal: Journal, rows: list[tuple[str, int]]) -> None:
    lines = [
        NewLine(LineValues(day, day, Decimal(amount), "EUR"), Source.FEED, new_id().hex, 1)
        for day, amount in sorted((dt.date.fromisoformat(day), amount) for day, amount in rows)
    ]
    import_lines(journal, lines, identity="x", run_id=new_id(), today=TODAY)


def statements(journal: Journal) -> list[tuple[str, int, int]]:
    rows = Statement.objects.filter(journal=journal)
    return [(row.key, int(row.start), int(row.computed_end)) for row in rows]


@pytest.mark.parametrize(
    ("grouping", "expected"),
    [
        (
            "daily",
            [
                ("2026-11-03", 1000, 1200),
                ("2026-11-14", 1200, 1150),
                ("2026-11-16", 1150, 1120),
                ("2026-11-30", 1120, 1130),
                ("2026-12-01", 1130, 1125),
            ],
        ),
        (
            "weekly",
            [
                ("2026-W45", 1000, 1200),
                ("2026-W46", 1200, 1150),
                ("2026-W47", 1150, 1120),
                ("2026-W49", 1120, 1125),
            ],
        ),
        ("bi_monthly", [("2026-11-1", 1000, 1150), ("2026-11-2", 1150, 1130), ("2026-12-1", 1130, 1125)]),
        ("monthly", [("2026-11", 1000, 1130), ("2026-12", 1130, 1125)]),
    ],
)
def test_worked_example(owner: User, company: Company, grouping: str, expected: list[tuple[str, int, int]]) -> None:
    journal = journal_with(owner, company, grouping, EXAMPLE)
    assert statements(journal) == expected
    group_lines(journal, today=TODAY)
    regroup(owner, journal.id, now=NOW)
    regroup(owner, journal.id, now=NOW)
    assert statements(journal) == expected


def test_a_late_line_of_an_open_statement_moves_what_follows(owner: User, company: Company) -> None:
    journal = journal_with(owner, company, "bi_monthly", EXAMPLE)
    bring(journal, [("2026-11-15", -7)])
    assert statements(journal) == [
        ("2026-11-1", 1000, 1143),
        ("2026-11-2", 1143, 1123),
        ("2026-12-1", 1123, 1118),
    ]


def test_a_late_line_of_a_confirmed_statement_goes_to_the_next(owner: User, company: Company) -> None:
    journal = journal_with(owner, company, "bi_monthly", EXAMPLE)
    confirm_statement(owner, Statement.objects.get(key="2026-11-1").id, now=NOW)
    bring(journal, [("2026-11-15", -7)])
    assert statements(journal) == [
        ("2026-11-1", 1000, 1150),
        ("2026-11-2", 1150, 1123),
        ("2026-12-1", 1123, 1118),
    ]
    line = Line.objects.get(amount=-7)
    assert (line.booking_date, line.order_date, line.late) == (dt.date(2026, 11, 15), dt.date(2026, 11, 16), True)


def test_one_statement_for_each_synchronization(owner: User, company: Company) -> None:
    journal = journal_with(owner, company, "per_synchronization", EXAMPLE[:2])
    bring(journal, [("2026-11-01", 5), ("2026-11-20", 1)])
    assert [row[1:] for row in statements(journal)] == [(1000, 1150), (1150, 1156)]
    assert list(Line.objects.order_by("order_date", "day_seq").values_list("order_date", flat=True)) == [
        dt.date(2026, 11, 3),
        dt.date(2026, 11, 14),
        dt.date(2026, 11, 14),
        dt.date(2026, 11, 20),
    ]


@given(
    rows=st.lists(
        st.tuples(st.dates(dt.date(2026, 1, 1), dt.date(2026, 3, 31)).map(str), st.integers(-99, 99).filter(bool)),
        min_size=1,
        max_size=12,
    ),
    cut=st.integers(0, 12),
    grouping=st.sampled_from(["daily", "weekly", "bi_monthly", "monthly", "per_synchronization"]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_statements_are_contiguous_and_running_balances_agree(
    owner: User, company: Company, rows: list[tuple[str, int]], cut: int, grouping: str
) -> None:
    journal = journal_with(owner, company, grouping, rows[:cut])
    bring(journal, rows[cut:])
    end = Decimal(1000)
    for statement in Statement.objects.filter(journal=journal):
        assert statement.start == end
        end = statement.computed_end
    assert end == 1000 + sum(amount for _, amount in rows)
    lines = list(Line.objects.filter(journal=journal).order_by("order_date", "day_seq", "id"))
    balances, before = running_balances(journal, lines), Decimal(1000)
    for line in lines:
        assert balances[line.id] == before + line.amount
        before = balances[line.id]
    assert len(lines) == len(rows)


@pytest.mark.parametrize(
    ("grouping", "days", "left_out"),
    [
        ("daily", ("2026-11-03", "2026-11-04"), False),
        ("daily", ("2026-11-03", "2026-11-05"), True),
        ("weekly", ("2026-12-31", "2027-01-04"), False),
        ("weekly", ("2026-12-31", "2027-01-11"), True),
        ("bi_monthly", ("2026-11-15", "2026-11-16"), False),
        ("bi_monthly", ("2026-11-15", "2026-12-01"), True),
        ("monthly", ("2026-11-15", "2026-12-31"), False),
        ("monthly", ("2026-11-15", "2027-01-01"), True),
        ("per_synchronization", ("2026-11-15", "2027-01-01"), False),
    ],
)
def test_a_period_without_a_statement_is_noticed(grouping: str, days: tuple[str, str], left_out: bool) -> None:
    first, second = (Statement(grouping=grouping, first_day=dt.date.fromisoformat(day)) for day in days)

    assert leaves_out_a_period(first, second) == left_out


@pytest.mark.parametrize("grouping", ["daily", "weekly", "bi_monthly", "monthly", "per_synchronization"])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=st.lists(st.integers(0, 4), min_size=1, max_size=6))
def test_removing_and_restoring_gives_what_cutting_everything_again_gives(
    owner: User, company: Company, grouping: str, chosen: list[int]
) -> None:
    """The balances carried on from one statement are those of a count of all lines, and restoring all is identity."""
    with transaction.atomic():
        journal = journal_with(owner, company, grouping, EXAMPLE)
        before = statements(journal)
        lines = list(Line.objects.filter(journal=journal).order_by("booking_date"))
        for place in chosen:
            if Line.objects.get(pk=lines[place].pk).status == "posted":
                remove_line(owner, lines[place].id, reason="private", now=NOW)
            else:
                restore_line(owner, lines[place].id, now=NOW)
            carried = statements(journal), list(Statement.objects.filter(journal=journal).values_list("date"))
            refresh_statements(journal)
            assert (statements(journal), list(Statement.objects.filter(journal=journal).values_list("date"))) == carried
        for line in lines:
            restore_line(owner, line.id, now=NOW)
        if grouping != "per_synchronization":
            assert statements(journal) == before
        transaction.set_rollback(True)
