"""What waits for a decision is a failure of its own, and ends with the decision (books.md 9)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from tests.books.conftest import NOW
from tests.books.hub_server import Booked, ScriptedAccount, ScriptedHub
from tests.books.steps import fetch, linked

from nostro.books.companies.models import Company
from nostro.books.journals.held import move_lock
from nostro.books.journals.models import Line
from nostro.books.journals.services import add_manual_line, merge_duplicate, remove_line
from nostro.books.links.failures import clear_decided
from nostro.books.links.models import Failure, JournalLink
from nostro.people.models import User


def journal_of(user: User, company: Company, hub: ScriptedHub, *items: Booked) -> JournalLink:
    total = 100 + sum(Decimal(item.amount) for item in items if item.currency == "EUR")
    hub.accounts = [ScriptedAccount(balance=str(total), balance_date="2026-11-12", transactions=list(items))]
    return linked(user, company, hub, opening="typed", opening_amount=Decimal(100))


def codes() -> list[str]:
    return sorted(Failure.objects.filter(cleared_at=None).values_list("code", flat=True))


def test_a_locked_line_is_told_until_the_lock_moves(owner: User, company: Company, hub: ScriptedHub) -> None:
    link = journal_of(owner, company, hub, Booked("new", "2026-11-05", "5.00"))
    fetch(link)
    assert codes() == []
    move_lock(owner, company, dt.date(2026, 10, 31), now=NOW)
    hub.accounts[0].transactions.insert(0, Booked("old", "2026-10-30", "-25.00"))
    hub.accounts[0].balance = "80.00"

    fetch(link)

    assert "D-LOCKED" in codes()
    fetch(link)
    assert "D-LOCKED" in codes()
    move_lock(owner, company, dt.date(2026, 9, 30), now=NOW)
    clear_decided(link.journal, now=NOW)
    assert "D-LOCKED" not in codes()


def test_a_possible_duplicate_is_told_until_it_is_merged(owner: User, company: Company, hub: ScriptedHub) -> None:
    link = journal_of(owner, company, hub, Booked("parking", "2026-11-10", "-8.00", "PARKING"))
    add_manual_line(
        owner, link.journal_id, date=dt.date(2026, 11, 10), amount=Decimal(-8), label="Parking fee", now=NOW
    )
    fetch(link)
    assert codes() == ["D-DUPLICATE"]

    merge_duplicate(owner, Line.objects.get(status="held_duplicate").id, now=NOW)
    clear_decided(link.journal, now=NOW)

    assert codes() == []


def test_another_currency_is_told(owner: User, company: Company, hub: ScriptedHub) -> None:
    link = journal_of(owner, company, hub, Booked("dollars", "2026-11-10", "-8.00", currency="USD"))

    fetch(link)

    assert codes() == ["D-CURRENCY"]


def test_a_red_proof_is_told_until_the_books_agree(owner: User, company: Company, hub: ScriptedHub) -> None:
    link = journal_of(owner, company, hub, Booked("real", "2026-11-10", "-8.00"))
    typed = add_manual_line(
        owner, link.journal_id, date=dt.date(2026, 11, 2), amount=Decimal("3.50"), label="A slip", now=NOW
    )
    fetch(link)
    assert codes() == ["D-BALANCE"]
    assert "3.50" in Failure.objects.get(cleared_at=None).technical

    remove_line(owner, typed.id, reason="duplicate", now=NOW)
    clear_decided(link.journal, now=NOW)

    assert codes() == []
