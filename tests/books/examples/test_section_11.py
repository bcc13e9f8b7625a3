"""The worked examples of books.md 11: two coffees, and a parking fee that was typed first."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from tests.books.conftest import NOW
from tests.books.hub_server import Booked, ScriptedAccount, ScriptedHub, transaction_id
from tests.books.steps import balance, fetch, linked

from nostro.books.companies.models import Company
from nostro.books.journals.duplicates import find_duplicates
from nostro.books.journals.models import Alias, Line, LineStatus
from nostro.books.journals.services import add_manual_line, keep_both, merge_duplicate
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import Entry, Purpose
from nostro.books.links.models import JournalLink, OnlineAccount, RawTransaction
from nostro.books.reconcile.services import reconcile_with_account
from nostro.core.ids import new_id
from nostro.people.models import User

DAY = dt.date(2026, 11, 10)


def later(hours: int) -> dt.datetime:
    return NOW + dt.timedelta(hours=hours)


def coffees(*names: str) -> list[Booked]:
    """Equal payments of 10 November, the first created first; a Hub shows the newest first."""
    return [Booked(name, "2026-11-10", "-3.50", "COFFEE CORNER") for name in reversed(names)]


def ids() -> list[list[str]]:
    """The names of each line, in day order."""
    names = {transaction_id(name): name for name in "abcdef"}
    lines = Line.objects.order_by("occurrence")
    return [
        sorted(names[each] for each in Alias.objects.filter(line=line).values_list("external_id", flat=True))
        for line in lines
    ]


def test_two_coffees(owner: User, company: Company, hub: ScriptedHub) -> None:
    hub.accounts = [ScriptedAccount(transactions=coffees("a", "b"))]
    link = linked(owner, company, hub)
    fetch(link)
    assert list(Line.objects.order_by("aliases__id").values_list("occurrence", flat=True)) == [1, 2]
    assert ids() == [["a"], ["b"]]
    # The account is bound to another Hub account: a new epoch.
    account = hub.accounts[0]
    account.id, account.transactions = str(new_id()), coffees("c", "d", "e")
    OnlineAccount.objects.update(hub_account_id=account.id, epoch=2, cursor="")
    link.online_account.refresh_from_db()
    fetch(link, later(1))
    assert ids() == [["a", "c"], ["b", "d"], ["e"]]
    run = fetch(link, later(2))
    assert (run.new_count, run.known_count, Line.objects.count(), Alias.objects.count()) == (0, 3, 3, 5)
    assert balance(link.journal.bank_account) == Decimal("-10.50")


def test_a_third_coffee_of_the_same_epoch(owner: User, company: Company, hub: ScriptedHub) -> None:
    hub.accounts = [ScriptedAccount(transactions=coffees("a", "b"))]
    link = linked(owner, company, hub)
    fetch(link)
    hub.accounts[0].transactions = coffees("a", "b", "e")
    fetch(link, later(1))
    assert ids() == [["a"], ["b"], ["e"]]
    assert fetch(link, later(2)).new_count == 0


PARKING = Booked("p", "2026-11-10", "-8.00", "PARKING ANTWERP", counterparty_name="Q-Park", end_to_end_id="E2E-8")


@pytest.fixture
def typed(owner: User, company: Company, hub: ScriptedHub) -> tuple[JournalLink, Line]:
    """A parking fee of 8.00 typed on 10 November and matched to an expense; then the feed brings it."""
    hub.accounts = [ScriptedAccount(transactions=[])]
    link = linked(owner, company, hub)
    line = add_manual_line(owner, link.journal_id, date=DAY, amount=Decimal("-8.00"), label="Parking fee", now=NOW)
    reconcile_with_account(owner, line.id, account_for(company, Purpose.BANK_FEES).id, now=NOW)
    hub.accounts[0].transactions = [PARKING]
    fetch(link, later(1))
    line.refresh_from_db()
    return link, line


def held() -> Line:
    return Line.objects.get(status=LineStatus.HELD_DUPLICATE)


def test_parking_is_held_and_merged(owner: User, company: Company, typed: tuple[JournalLink, Line]) -> None:
    link, line = typed
    assert (held().duplicate_of_id, held().entry, line.reconciled) == (line.id, None, True)
    entries = list(Entry.objects.order_by("id").values_list("id", flat=True))

    kept = merge_duplicate(owner, held().id, now=NOW)

    assert (kept.id, kept.reconciled, kept.label, kept.remittance_text) == (line.id, True, "Parking fee", "Parking fee")
    assert (kept.counterparty_name, kept.end_to_end_id) == ("Q-Park", "E2E-8")
    assert list(Alias.objects.values_list("line_id", "external_id")) == [(line.id, transaction_id("p"))]
    assert list(Entry.objects.order_by("id").values_list("id", flat=True)) == entries
    assert balance(account_for(company, Purpose.BANK_FEES)) == Decimal("8.00")
    fetch(link, later(2))
    assert Line.objects.get().status == LineStatus.POSTED


def test_parking_is_held_and_both_are_kept(owner: User, typed: tuple[JournalLink, Line]) -> None:
    link, _ = typed
    keep_both(owner, held().id, now=NOW)

    fetch(link, later(2))

    assert list(Line.objects.values_list("status", "amount")) == [(LineStatus.POSTED, Decimal("-8.00"))] * 2
    assert balance(link.journal.bank_account) == Decimal("-16.00")
    assert find_duplicates(link.journal, DAY) == []


def test_nothing_is_filtered_before_it_is_kept(owner: User, typed: tuple[JournalLink, Line]) -> None:
    assert list(RawTransaction.objects.values_list("external_id", flat=True)) == [transaction_id("p")]
