"""Rows that files announce to the Hub, as the Books read them from its public API (books.md 12, formats.md 8.4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
from tests.books.hub_in_process import HubInProcess, reachable
from tests.books.steps import fetch, linked
from tests.hub.files.factories import NOW, camt, entry, imported, make_account, make_member, report, statement

from nostro.books.companies.models import Company
from nostro.books.journals.models import Journal, Line, LineStatus, PendingLine, PendingState
from nostro.books.journals.pending import note_pending
from nostro.books.links.models import JournalLink
from nostro.formats import Entry
from nostro.hub.accounts.models import Account
from nostro.people.models import User

pytestmark = pytest.mark.django_db

COFFEE, BREAD = entry(day=10), entry("-20.00", 10, "Bread", creditor_name="Baker")


@pytest.fixture
def account() -> Account:
    return make_account()


@pytest.fixture
def member(account: Account) -> User:
    return make_member(account.organization)


@pytest.fixture
def link(owner: User, company: Company, account: Account, member: User) -> Iterator[JournalLink]:
    """The Hub's account, which it knows from files, linked to a journal of the Books."""
    with reachable(HubInProcess(member, account, NOW)) as hub:
        yield linked(owner, company, hub, fetch_from=dt.date(2026, 10, 1))


def shown(journal: Journal, state: PendingState = PendingState.PENDING) -> list[tuple[str, str]]:
    rows = PendingLine.objects.filter(journal=journal, state=state)
    return sorted((f"{each.amount:.2f}", each.label) for each in rows)


def booked(journal: Journal) -> list[tuple[str, str]]:
    lines = Line.objects.filter(journal=journal, status=LineStatus.POSTED)
    return sorted((f"{each.amount:.2f}", each.label) for each in lines)


def reported(member: User, account: Account, link: JournalLink, data: bytes, hours: int) -> None:
    """The file reaches the Hub, and the Books read the Hub ``hours`` after the beginning."""
    imported(member, data, account)
    run = fetch(link, NOW + dt.timedelta(hours=hours))
    assert (run.status, run.error_code) == ("done", "")


def test_announced_rows_are_pending_and_booked_once_by_the_statement(
    account: Account, member: User, owner: User, link: JournalLink
) -> None:
    reported(member, account, link, report([COFFEE, COFFEE, BREAD]), 1)
    assert shown(link.journal) == [("-20.00", "Bread"), ("-3.50", "Coffee"), ("-3.50", "Coffee")]
    assert booked(link.journal) == []
    note_pending(owner, PendingLine.objects.get(label="Bread").pk, "for the party")

    reported(member, account, link, camt(statement([COFFEE, COFFEE, BREAD])), 2)
    assert shown(link.journal) == []
    assert booked(link.journal) == [("-20.00", "Bread"), ("-3.50", "Coffee"), ("-3.50", "Coffee")]
    # Equal rows have nothing that tells them apart; by their number they were all booked, none lapsed.
    assert shown(link.journal, PendingState.LAPSED) == []
    assert len(set(PendingLine.objects.values_list("line_id", flat=True))) == 3
    assert Line.objects.get(label="Bread").pending_lines.get().note == "for the party"


def test_what_the_statement_lacks_lapses(account: Account, member: User, link: JournalLink) -> None:
    reported(member, account, link, report([COFFEE, BREAD]), 1)
    reported(member, account, link, camt(statement([COFFEE])), 2)
    assert (shown(link.journal), booked(link.journal)) == ([], [("-3.50", "Coffee")])
    assert shown(link.journal, PendingState.LAPSED) == [("-20.00", "Bread")]


def test_a_row_that_looks_like_an_older_booking_stays_pending(
    account: Account, member: User, link: JournalLink
) -> None:
    reported(member, account, link, camt(statement([BREAD])), 1)
    reported(member, account, link, report([entry("-20.00", 11, "Bread", creditor_name="Baker")]), 2)
    fetch(link, NOW + dt.timedelta(hours=3))
    assert (shown(link.journal), len(booked(link.journal))) == ([("-20.00", "Bread")], 1)


def test_reports_that_repeat_rows_announce_them_once(account: Account, member: User, link: JournalLink) -> None:
    reported(member, account, link, report([COFFEE]), 1)
    ids = set(PendingLine.objects.values_list("id", flat=True))
    reported(member, account, link, report([COFFEE, BREAD], number="2"), 2)
    assert shown(link.journal) == [("-20.00", "Bread"), ("-3.50", "Coffee")]
    assert ids < set(PendingLine.objects.values_list("id", flat=True))
    assert shown(link.journal, PendingState.LAPSED) == []


@pytest.mark.parametrize("final", [COFFEE, BREAD], ids=["no name", "a name"])
def test_a_row_that_was_never_seen_pending_is_booked_all_the_same(
    account: Account, member: User, link: JournalLink, final: Entry
) -> None:
    imported(member, report([final]), account)
    reported(member, account, link, camt(statement([final])), 1)
    assert (shown(link.journal), len(booked(link.journal)), PendingLine.objects.count()) == ([], 1, 0)
