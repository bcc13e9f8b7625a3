"""Why books and bank differ, and since when (books.md 13.3)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from tests.books.conftest import NOW

from nostro.books.companies.models import Company
from nostro.books.journals.balances import record_balance
from nostro.books.journals.explaining import explain
from nostro.books.journals.held import enter_rate
from nostro.books.journals.importing import LineValues, NewLine, import_lines
from nostro.books.journals.models import Journal, Source
from nostro.books.journals.services import create_journal
from nostro.core.ids import new_id
from nostro.people.models import User


def bring(journal: Journal, *rows: tuple[int, str]) -> None:
    lines = [
        NewLine(
            LineValues(dt.date(2026, 11, day), None, Decimal(amount), journal.currency), Source.FEED, new_id().hex, 1
        )
        for day, amount in rows
    ]
    import_lines(journal, lines, identity="x", run_id=None, today=NOW.date())


def state(journal: Journal, day: int, amount: str) -> None:
    record_balance(
        journal, kind="current", amount=Decimal(amount), reference_date=dt.date(2026, 11, day), observed_at=NOW
    )


@pytest.mark.parametrize(("currency", "unit"), [("EUR", "1.00"), ("JPY", "100"), ("KWD", "0.125")])
def test_the_gap_is_the_days_after_which_proofs_fail(owner: User, company: Company, currency: str, unit: str) -> None:
    if currency != "EUR":
        enter_rate(owner, company, currency, dt.date(2026, 1, 1), Decimal("0.5"), now=NOW)
    journal, one = create_journal(owner, company, name="Bank", currency=currency), Decimal(unit)
    bring(journal, *((day, unit) for day in range(1, 11)))
    for day in range(1, 11):
        state(journal, day, str(day * one - (one if day >= 7 else 0)))

    found = explain(journal)

    assert found.gap == (dt.date(2026, 11, 6), dt.date(2026, 11, 7), -one)
    assert [line.booking_date.day for line in found.suspects] == [7]


@pytest.mark.parametrize(
    ("stated", "clues"),
    [("80", [("extra", 20)]), ("120", [("twin", 20)]), ("60", [("sign", 20)]), ("93", [])],
)
def test_a_line_that_alone_explains_the_difference_is_named(
    owner: User, company: Company, stated: str, clues: list[tuple[str, int]]
) -> None:
    journal = create_journal(owner, company, name="Bank", currency="EUR")
    bring(journal, (1, "30"), (2, "50"), (5, "20"))
    state(journal, 3, "80")
    state(journal, 6, stated)

    found = explain(journal)

    assert [(clue.kind, clue.line.amount) for clue in found.clues] == clues


def test_without_a_dated_balance_nothing_is_said(owner: User, company: Company) -> None:
    found = explain(create_journal(owner, company, name="Bank", currency="EUR"))

    assert (found.proof.verdict, found.gap, found.effects) == ("unknown", None, [])
