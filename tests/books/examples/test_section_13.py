"""The worked examples of books.md 13: an opening of 4 923.50, statements, and a proof with a held line."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from tests.books.conftest import NOW
from tests.books.examples.figures import sides
from tests.books.hub_server import Booked, ScriptedAccount, ScriptedHub
from tests.books.reconcile.steps import line_of
from tests.books.steps import balance, fetch, linked

from nostro.books.companies.models import Company
from nostro.books.companies.services import set_lock_date
from nostro.books.journals.balances import check_balance, record_balance
from nostro.books.journals.explaining import explain
from nostro.books.journals.models import Journal, Line, LineStatus, Statement
from nostro.books.journals.queries import running_balances
from nostro.books.journals.services import add_manual_line, regroup
from nostro.books.ledger.models import Entry
from nostro.books.links.cards import journal_cards
from nostro.books.links.models import JournalLink
from nostro.books.pages.states import statement_states
from nostro.people.models import User

RUN_1 = [
    Booked("t3", "2026-11-11", "-3.50"), Booked("t2", "2026-11-05", "-20.00"), Booked("t1", "2026-10-28", "100.00"),
]  # fmt: skip


@pytest.fixture
def link(owner: User, company: Company, hub: ScriptedHub) -> JournalLink:
    """Run 1 of section 10, with 5 000.00 stated on 12 November; nothing is fetched yet."""
    hub.accounts = [ScriptedAccount(balance="5000.00", balance_date="2026-11-12", transactions=list(RUN_1))]
    return linked(owner, company, hub, opening="computed")


def test_the_opening(company: Company, link: JournalLink) -> None:
    fetch(link)
    journal = Journal.objects.get(pk=link.journal_id)
    assert (journal.opening_amount, journal.opening_date) == (Decimal("4923.50"), dt.date(2026, 10, 27))
    entry = Entry.objects.get(kind="opening")
    assert sides(journal, entry) == ["Dr Bank 4923.50", "Cr Opening balance equity 4923.50"]
    assert entry.date == dt.date(2026, 10, 27)
    assert (balance(journal.bank_account), balance(journal.suspense_account)) == (Decimal(5000), Decimal("-76.50"))
    (card,) = journal_cards(company, now=NOW)
    assert [card.ledger_balance, card.bank_balance, card.proof, card.difference] == [5000, 5000, "green", 0]
    assert (card.to_reconcile, card.last_result) == (3, "3 new")


def test_an_opening_of_a_locked_day_is_a_checkpoint_only(owner: User, company: Company, link: JournalLink) -> None:
    set_lock_date(owner, company, dt.date(2026, 10, 27))
    fetch(link)
    journal = Journal.objects.get(pk=link.journal_id)
    assert (journal.opening_amount, journal.opening_entry, journal.proof) == (Decimal("4923.50"), None, "green")
    assert not Entry.objects.filter(kind="opening").exists()
    assert balance(journal.bank_account) == Decimal("76.50")
    assert Statement.objects.get().start == Decimal("4923.50")


def test_the_proof_with_a_held_line(owner: User, company: Company, hub: ScriptedHub, link: JournalLink) -> None:
    """A line of −25.00 on 30 October is held by a lock, the bank has 4 975.00."""
    fetch(link)
    set_lock_date(owner, company, dt.date(2026, 10, 31))
    hub.accounts[0].transactions.insert(0, Booked("late", "2026-10-30", "-25.00"))
    hub.accounts[0].balance, hub.accounts[0].balance_date = "4975.00", "2026-11-13"
    fetch(link, NOW + dt.timedelta(days=1))
    journal = Journal.objects.get(pk=link.journal_id)
    held = Line.objects.get(status=LineStatus.HELD_LOCKED)
    assert (held.amount, held.entry, held.booking_date) == (Decimal("-25.00"), None, dt.date(2026, 10, 30))
    found = explain(journal)
    assert [journal.proof, journal.proof_expected, found.proof.ledger] == ["green", 4975, 5000]
    assert [(effect.line, effect.amount) for effect in found.effects] == [(held, Decimal("25.00"))]
    assert found.effects_total == Decimal("25.00")
    assert balance(journal.bank_account) == Decimal("5000.00")


# --- 13.2 -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def monthly(link: JournalLink) -> Journal:
    """A journal of monthly statements without a Hub: 100.00 on 28 October, −20.00 on 5 November."""
    Journal.objects.update(grouping="monthly")
    journal = Journal.objects.select_related("company").get()
    line_of(journal, "100.00", day=dt.date(2026, 10, 28))
    line_of(journal, "-20.00", day=dt.date(2026, 11, 5))
    return journal


def state(journal: Journal, day: dt.date, amount: str) -> None:
    """The bank states a balance, as a fetch brings it."""
    record_balance(journal, kind="current", amount=Decimal(amount), reference_date=day, observed_at=NOW)
    check_balance(journal, now=NOW)


def statements() -> list[Statement]:
    return list(Statement.objects.select_related("journal"))


def told(number: int) -> list[str]:
    """Complete and valid of a statement, in words."""
    found = statements()
    states = statement_states(found[number], found[number - 1] if number else None)
    return [f"{state.word}: {state.sentence}" if state.sentence else str(state.word) for state in states]


def test_a_balance_of_the_last_day_is_the_stated_end_and_no_other_is(monthly: Journal) -> None:
    state(monthly, dt.date(2026, 11, 4), "100.00")
    assert told(1) == ["The bank stated no end", "Valid"]
    state(monthly, dt.date(2026, 11, 5), "80.00")
    assert told(1) == ["Complete", "Valid"]
    state(monthly, dt.date(2026, 11, 5), "75.00")
    assert told(1) == ["Not complete: The lines add up to 80.00 EUR, the bank stated 75.00 EUR.", "Valid"]


def test_a_stated_end_ends_when_the_last_day_moves_and_the_bank_states_the_new_one(
    owner: User, monthly: Journal
) -> None:
    state(monthly, dt.date(2026, 11, 5), "80.00")
    line_of(monthly, "7.00", day=dt.date(2026, 11, 9))
    assert told(1) == ["The bank stated no end", "Valid"]
    state(monthly, dt.date(2026, 11, 9), "87.00")
    assert told(1) == ["Complete", "Valid"]
    regroup(owner, monthly.id, now=NOW)
    assert told(1) == ["Complete", "Valid"]


def test_the_start_is_compared_with_the_end_before_the_stated_one_first(monthly: Journal) -> None:
    """The first is always valid; then by how much the start differs is said."""
    assert told(0)[1:] == ["Valid"]
    state(monthly, dt.date(2026, 10, 28), "95.00")
    assert told(1)[1:] == ["Not valid: Its start differs from the end before by 5.00 EUR."]
    later = line_of(monthly, "1.00", day=dt.date(2026, 11, 6))
    assert running_balances(monthly, [later])[later.id] == Decimal("81.00")


def test_a_statement_that_is_missing_in_between_is_told(owner: User, monthly: Journal) -> None:
    state(monthly, dt.date(2026, 11, 5), "81.00")
    add_manual_line(
        owner, monthly.id, date=dt.date(2027, 1, 4), amount=Decimal(5), label="x",
        now=dt.datetime(2027, 1, 5, tzinfo=dt.UTC),
    )  # fmt: skip
    assert told(2)[1:] == [
        "Not valid: A statement is missing in between: its start differs from the end before by −1.00 EUR."
    ]
