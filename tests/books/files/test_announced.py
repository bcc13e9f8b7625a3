"""Rows that files announce to a journal are pending until a statement books them (formats.md 8.4)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from tests.books.conftest import NOW, found_company
from tests.books.files.steps import IBAN, account_of, confirmed, imported, read
from tests.books.hub_server import Booked, ScriptedAccount, ScriptedHub
from tests.books.steps import fetch, linked
from tests.hub.files.factories import camt, entry, notification, report, statement

from nostro.books.companies.models import Company
from nostro.books.files import services
from nostro.books.journals.models import AnnouncedLine, Journal, Line, LineStatus, PendingLine, PendingState
from nostro.books.journals.pending import note_pending
from nostro.books.journals.services import create_journal
from nostro.books.ledger.models import Entry as LedgerEntry
from nostro.books.links.pending import settle_pending
from nostro.core.identity.announced import KEPT
from nostro.people.models import User

pytestmark = pytest.mark.django_db

COFFEE, BREAD = entry(day=10), entry("-20.00", 10, "Bread", creditor_name="Baker")


@pytest.fixture
def journal(owner: User, company: Company) -> Journal:
    return create_journal(owner, company, name="Bank", currency="EUR", account_number=IBAN)


def shown(journal: Journal, state: str = PendingState.PENDING) -> list[tuple[str, str]]:
    rows = PendingLine.objects.filter(journal=journal, state=state)
    return sorted((f"{each.amount:.2f}", each.label) for each in rows)


def booked(journal: Journal) -> list[tuple[str, str]]:
    lines = Line.objects.filter(journal=journal, status=LineStatus.POSTED)
    return sorted((f"{each.amount:.2f}", each.label) for each in lines)


def announced(user: User, journal: Journal, data: bytes) -> None:
    confirmed(user, read(user, journal, data))


def test_an_intraday_report_announces_and_the_statement_books(owner: User, journal: Journal) -> None:
    file = read(owner, journal, report([COFFEE, COFFEE, BREAD]))
    assert (file.rows, file.new_count, file.announced_count, file.left_out) == (0, 0, 3, 0)
    confirmed(owner, file)
    assert account_of(file).announced_count == 3
    assert shown(journal) == [("-20.00", "Bread"), ("-3.50", "Coffee"), ("-3.50", "Coffee")]
    assert (booked(journal), LedgerEntry.objects.count()) == ([], 0)
    note_pending(owner, PendingLine.objects.get(label="Bread").pk, "for the party")

    imported(owner, journal, statement([COFFEE, COFFEE, BREAD]))
    assert (shown(journal), shown(journal, PendingState.LAPSED), len(booked(journal))) == ([], [], 3)
    assert len(set(PendingLine.objects.values_list("line_id", flat=True))) == 3
    assert Line.objects.get(label="Bread").pending_lines.get().note == "for the party"


def test_what_the_statement_of_its_day_lacks_lapses(owner: User, journal: Journal) -> None:
    announced(owner, journal, report([COFFEE, BREAD]))
    imported(owner, journal, statement([entry("-1.00", 11, "Tea")]))
    assert len(shown(journal)) == 2
    imported(owner, journal, statement([COFFEE], number="2", opening=Decimal("1003.50")))
    assert (shown(journal), shown(journal, PendingState.LAPSED)) == ([], [("-20.00", "Bread")])
    settle_pending(journal, now=NOW + dt.timedelta(days=31))
    assert shown(journal, PendingState.LAPSED) == []


def test_expected_rows_wait_ten_days_longer(owner: User, journal: Journal) -> None:
    announced(owner, journal, report([BREAD], status="PDNG"))
    imported(owner, journal, statement([COFFEE, entry("-1.00", 19, "Tea")]))
    assert shown(journal) == [("-20.00", "Bread")]
    imported(owner, journal, statement([entry("-1.00", 20, "Tea")], number="2", opening=Decimal("995.50")))
    assert (shown(journal), shown(journal, PendingState.LAPSED)) == ([], [("-20.00", "Bread")])


def test_an_expected_row_that_was_booked_stays_so_when_its_like_comes(owner: User, journal: Journal) -> None:
    announced(owner, journal, report([BREAD], status="PDNG"))
    imported(owner, journal, statement([entry("-20.00", 12, "Bread", creditor_name="Baker")]))
    first = PendingLine.objects.get().line_id
    assert first is not None
    like = entry("-20.00", 13, "Bread", creditor_name="Baker")
    imported(owner, journal, statement([like], number="2", opening=Decimal("980.00")))
    assert (shown(journal), PendingLine.objects.get().line_id) == ([], first)


def test_an_undone_report_announced_nothing(owner: User, journal: Journal) -> None:
    file = confirmed(owner, read(owner, journal, report([BREAD])))
    services.undo(owner, file.pk, NOW)
    assert (shown(journal), AnnouncedLine.objects.count()) == ([], 0)


def test_undoing_the_statement_announces_again_with_the_note(owner: User, journal: Journal) -> None:
    announced(owner, journal, report([BREAD]))
    note_pending(owner, PendingLine.objects.get().pk, "for the party")
    file = imported(owner, journal, statement([BREAD]))
    assert shown(journal) == []
    services.undo(owner, file.pk, NOW)
    row = PendingLine.objects.get()
    assert (shown(journal), row.note, row.line_id) == ([("-20.00", "Bread")], "for the party", None)


def test_rows_that_no_bank_will_book_any_more_are_forgotten(owner: User, journal: Journal) -> None:
    announced(owner, journal, report([BREAD]))
    settle_pending(journal, now=NOW + KEPT + dt.timedelta(days=1))
    assert (shown(journal), AnnouncedLine.objects.count()) == ([], 0)


def test_a_notification_brings_no_line(owner: User, journal: Journal) -> None:
    file = read(owner, journal, notification([BREAD]))
    assert (file.rows, file.announced_count, file.left_out) == (0, 0, 1)


def test_a_feed_beside_the_file_shows_the_row_once_and_books_it(
    owner: User, company: Company, hub: ScriptedHub
) -> None:
    account = ScriptedAccount(IBAN, synchronized_at="2026-10-10T08:00:00.000Z")
    hub.accounts.append(account)
    link = linked(owner, company, hub, fetch_from=dt.date(2026, 10, 1))
    fetch(link)
    announced(owner, link.journal, report([entry("-5.00", 9, "Never"), BREAD]))
    assert shown(link.journal) == [("-20.00", "Bread")]  # the feed read the ninth and it is not there
    row = Booked("b", "2026-10-10", "-20.00", "Bread", counterparty_name="Baker")
    account.pending = [row]
    fetch(link, NOW + dt.timedelta(hours=1))
    assert shown(link.journal) == [("-20.00", "Bread")]
    account.pending, account.transactions = [], [row]
    fetch(link, NOW + dt.timedelta(hours=2))
    assert (shown(link.journal), booked(link.journal)) == ([], [("-20.00", "Bread")])


class TestOrder(TestCase):
    """What stands does not depend on the order in which reports and statements come."""

    @settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.permutations(range(3)), st.integers(0, 2))
    def test_of_files(self, order: list[int], count: int) -> None:
        user, company = found_company()
        journal = create_journal(user, company, name="Bank", currency="EUR", account_number=IBAN)
        files = [
            report([COFFEE] * count + [BREAD]),
            report([COFFEE, BREAD], number="2"),
            camt(statement([COFFEE, entry("-1.00", 11, "Tea")])),
        ]
        for at in order:
            announced(user, journal, files[at])
        assert (shown(journal), booked(journal)) == ([], [("-1.00", "Tea"), ("-3.50", "Coffee")])
