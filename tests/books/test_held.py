"""Lines held for a lock or a rate, and the ways out (books.md 14.2, 14.4)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from tests.books.conftest import NOW
from tests.books.steps import balance

from nostro.books.companies.models import Company, CompanyMember
from nostro.books.journals.held import (
    enter_rate,
    entries_to_link,
    link_to_entry,
    move_lock,
    post_on_first_open_day,
    retry_held,
)
from nostro.books.journals.importing import LineValues, NewLine, import_lines
from nostro.books.journals.models import Journal, Line, LineStatus, Source
from nostro.books.journals.services import create_journal
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import Purpose
from nostro.books.ledger.posting import Side, draft_entry, post
from nostro.core.ids import new_id
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

DAY = dt.date(2026, 10, 30)
LOCK = dt.date(2026, 10, 31)


@pytest.fixture
def journal(owner: User, company: Company) -> Journal:
    move_lock(owner, company, LOCK, now=NOW)
    return create_journal(owner, company, name="Bank", currency="EUR")


def held(journal: Journal, amount: str = "-25.00", currency: str = "EUR") -> Line:
    new = NewLine(LineValues(DAY, DAY, Decimal(amount), currency), Source.FEED, new_id().hex, 1)
    (made,) = import_lines(journal, [new], identity="x", run_id=None, today=NOW.date())
    return Line.objects.get(pk=made.id)


def test_a_line_of_a_locked_day_is_held_until_the_lock_moves_and_then_posted_by_itself(
    owner: User, company: Company, journal: Journal
) -> None:
    line = held(journal)
    assert (line.status, line.entry) == (LineStatus.HELD_LOCKED, None)
    with pytest.raises(Problem, match="locked"):
        retry_held(owner, line.id, now=NOW)

    assert move_lock(owner, company, dt.date(2026, 9, 30), now=NOW) == 1

    line.refresh_from_db()
    assert line.status == LineStatus.POSTED
    assert line.entry is not None
    assert (line.entry.date, line.statement_id is not None) == (DAY, True)
    assert balance(journal.bank_account) == -25


def test_post_on_first_open_day_moves_the_entry_and_not_the_banks_date(owner: User, journal: Journal) -> None:
    line = post_on_first_open_day(owner, held(journal).id, now=NOW)

    assert line.entry is not None
    assert (line.status, line.booking_date, line.entry.date) == ("posted", DAY, dt.date(2026, 11, 1))
    assert post_on_first_open_day(owner, line.id, now=NOW).entry == line.entry
    assert balance(journal.bank_account) == -25


def test_a_locked_line_that_was_booked_by_hand_takes_that_entry_and_makes_none(
    owner: User, company: Company, journal: Journal
) -> None:
    opening = account_for(company, Purpose.OPENING)
    sides = [
        Side(journal.bank_account_id, Decimal(-25), "EUR", Decimal(-25)),
        Side(opening.id, Decimal(25), "EUR", Decimal(25)),
    ]
    entry = draft_entry(company, kind="manual", date=DAY, label="By hand", sides=sides)
    Company.objects.filter(pk=company.pk).update(lock_date=None)  # it was booked before the lock
    post([entry])
    Company.objects.filter(pk=company.pk).update(lock_date=LOCK)
    line, other = held(journal), held(journal, "-26.00")
    assert entries_to_link(line) == [entry.entry]
    assert entries_to_link(other) == []
    with pytest.raises(Problem, match="does not book"):
        link_to_entry(owner, other.id, entry.entry.id, now=NOW)

    line = link_to_entry(owner, line.id, entry.entry.id, now=NOW)

    assert (line.status, line.entry, line.reconciled) == ("posted", entry.entry, True)
    assert balance(journal.bank_account) == -25
    assert balance(journal.suspense_account) == 0


@pytest.mark.parametrize(("currency", "amount", "own"), [("JPY", "-1000", "-6.10"), ("KWD", "-1.005", "-0.01")])
def test_a_rate_that_is_entered_posts_what_waited_for_it(
    owner: User, company: Company, currency: str, amount: str, own: str
) -> None:
    journal = create_journal(owner, company, name="Abroad", currency=currency)
    line = held(journal, amount, currency)
    assert line.status == LineStatus.HELD_CURRENCY

    assert enter_rate(owner, company, currency, DAY, Decimal("0.0061"), now=NOW) == 1

    line.refresh_from_db()
    assert (line.status, line.company_amount) == ("posted", Decimal(own))


def test_the_hard_lock_is_not_moved_and_clerks_move_none(
    owner: User, stranger: User, company: Company, journal: Journal
) -> None:
    Company.objects.filter(pk=company.pk).update(hard_lock_date=LOCK)
    with pytest.raises(Problem, match="for good"):
        move_lock(owner, company, dt.date(2026, 9, 30), now=NOW)
    with pytest.raises(NotFound):
        move_lock(stranger, company, LOCK, now=NOW)
    line = held(journal)
    CompanyMember.objects.create(company=company, user=stranger, role="clerk")
    for verb in (post_on_first_open_day, retry_held):
        with pytest.raises(Problem):
            verb(stranger, line.id, now=NOW)
