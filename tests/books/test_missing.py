"""Find Missing Transactions, coverage, reset and pause (books.md 6, 7, 11.4, 11.5)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from tests.books.conftest import NOW
from tests.books.hub_server import Booked, ScriptedAccount, ScriptedHub, transaction_id
from tests.books.steps import amounts, fetch, linked

from nostro.books.companies.models import Company
from nostro.books.journals.models import Line, LineStatus, PendingLine, Total
from nostro.books.journals.pending import note_pending
from nostro.books.journals.services import add_manual_line, remove_line, restore_line
from nostro.books.journals.totals import counts_of, fold_totals, posted_until
from nostro.books.ledger.models import EntryItem
from nostro.books.ledger.totals import totals_of
from nostro.books.links.control import pause, reset_cursor, resume
from nostro.books.links.coverage import coverage_of, old_gaps
from nostro.books.links.fetching import run_fetch
from nostro.books.links.missing import find_missing, import_missing
from nostro.books.links.models import Connection, Failure, JournalLink, OnlineAccount
from nostro.people.models import AuditRecord, User
from nostro.web.errors import NotFound, Problem

pytestmark = pytest.mark.django_db(transaction=True)

FIRST, LAST = dt.date(2026, 10, 1), dt.date(2026, 11, 12)


@pytest.fixture
def account(hub: ScriptedHub) -> ScriptedAccount:
    hub.accounts = [
        ScriptedAccount(
            transactions=[
                Booked("t3", "2026-11-11", "-3.50", "COFFEE"),
                Booked("t2", "2026-11-05", "-20.00"),
                Booked("t1", "2026-10-05", "100.00", "Before the first day"),
            ],
            pending=[Booked("p1", "2026-11-12", "-7.00", "Parking")],
        )
    ]
    return hub.accounts[0]


@pytest.fixture
def link(owner: User, company: Company, hub: ScriptedHub, account: ScriptedAccount) -> JournalLink:
    found = linked(owner, company, hub)
    fetch(found)
    return found


def test_missing_ones_are_listed_with_their_reason_and_imported_once(owner: User, link: JournalLink) -> None:
    removed = Line.objects.get(amount=Decimal("-20.00"))
    remove_line(owner, removed.id, reason="by mistake", now=NOW)
    add_manual_line(owner, link.journal_id, date=dt.date(2026, 11, 6), amount=Decimal(9), label="Typed", now=NOW)

    search = find_missing(owner, link.journal_id, FIRST, LAST)
    assert [(each.item.id, each.reason) for each in search.missing] == [
        (transaction_id("t2"), "removed"),
        (transaction_id("t1"), "before_start"),
    ]
    assert (search.compared, search.complete, search.typed, len(search.pending)) == (3, True, 1, 1)

    ids = [transaction_id("t1"), transaction_id("t3"), "unknown"]
    assert import_missing(owner, link.journal_id, ids, FIRST, LAST, now=NOW) == 1
    assert import_missing(owner, link.journal_id, ids, FIRST, LAST, now=NOW) == 0
    assert sorted(amounts(link.journal)) == [Decimal("-20.00"), Decimal("-3.50"), Decimal(9), Decimal("100.00")]
    assert JournalLink.objects.get().fetch_from == dt.date(2026, 10, 28)


def test_missing_needs_a_link_and_a_member(owner: User, stranger: User, link: JournalLink) -> None:
    with pytest.raises(NotFound):
        find_missing(stranger, link.journal_id, FIRST, LAST)
    with pytest.raises(NotFound):
        import_missing(stranger, link.journal_id, [transaction_id("t1")], FIRST, LAST, now=NOW)
    JournalLink.objects.update(unlinked_at=NOW)
    with pytest.raises(Problem, match="not linked"):
        find_missing(owner, link.journal_id, FIRST, LAST)


def test_days_are_covered_by_runs_and_days_that_nobody_read_are_a_gap(
    link: JournalLink, account: ScriptedAccount
) -> None:
    spans = [(span.state, span.window.date_from, span.window.date_to) for span in coverage_of(link, now=NOW, days=20)]
    assert spans == [
        ("before_start", dt.date(2026, 10, 24), dt.date(2026, 10, 27)),
        ("covered", dt.date(2026, 10, 28), dt.date(2026, 11, 11)),
        ("open", dt.date(2026, 11, 12), dt.date(2026, 11, 12)),
    ]
    # The bank is not read at the Hub any more: days go by, and the fetch says so.
    later = NOW + dt.timedelta(days=6)
    fetch(link, later)
    assert Failure.objects.get(code="D-GAP", cleared_at=None).count == 1
    assert [window.date_from for window in old_gaps(link, now=later)] == [dt.date(2026, 11, 12)]
    fetch(link, later + dt.timedelta(hours=1))
    assert Failure.objects.get(code="D-GAP", cleared_at=None).count == 2
    account.synchronized_at = "2026-11-18T08:00:00.000Z"
    fetch(link, later + dt.timedelta(hours=2))
    assert not Failure.objects.filter(code="D-GAP", cleared_at=None).exists()
    assert old_gaps(link, now=later) == []


def test_a_reset_reads_everything_again_and_doubles_nothing(owner: User, link: JournalLink) -> None:
    before, watermark = amounts(link.journal), OnlineAccount.objects.get().watermark_date
    run = reset_cursor(owner, link.online_account_id, now=NOW)
    assert OnlineAccount.objects.get().watermark_date == watermark
    run = run_fetch(run.id, clock=lambda: NOW, sleep=lambda seconds: None)
    assert (run.status, run.new_count, run.early_count) == ("done", 0, 1)
    assert amounts(link.journal) == before
    assert OnlineAccount.objects.get().cursor == transaction_id("t3")


def test_a_paused_connection_is_not_fetched_until_it_is_resumed(owner: User, stranger: User, link: JournalLink) -> None:
    connection = Connection.objects.get()
    with pytest.raises(NotFound):
        pause(stranger, connection.id, now=NOW)
    pause(owner, connection.id, now=NOW)
    assert OnlineAccount.objects.get().next_fetch_at is None
    fetch(link, NOW + dt.timedelta(hours=1))
    assert Connection.objects.get().state == "paused"
    assert OnlineAccount.objects.get().next_fetch_at is None
    resume(owner, connection.id, now=NOW)
    assert Connection.objects.get().state == "connected"
    assert OnlineAccount.objects.get().next_fetch_at is not None


def test_a_note_on_a_pending_item_is_kept_by_the_next_fetch(owner: User, stranger: User, link: JournalLink) -> None:
    item = PendingLine.objects.get()
    with pytest.raises(NotFound):
        note_pending(stranger, item.id, "mine")
    note_pending(owner, item.id, "Customer visit")
    fetch(link, NOW + dt.timedelta(hours=1))
    assert PendingLine.objects.get().note == "Customer visit"


def test_the_totals_of_the_database_are_those_of_the_lines(owner: User, link: JournalLink) -> None:
    line = Line.objects.get(amount=Decimal("-20.00"))
    remove_line(owner, line.id, reason="x", now=NOW)
    _compare(link)
    restore_line(owner, line.id, now=NOW)
    add_manual_line(owner, link.journal_id, date=dt.date(2026, 11, 6), amount=Decimal("0.10"), label="x", now=NOW)
    _compare(link)
    fold_totals(link.journal)
    _compare(link)
    assert Total.objects.filter(basis="count").count() == 1
    Line.objects.filter(pk=line.id).update(to_check=True)
    assert counts_of([link.journal_id])[link.journal_id].to_check == 1
    assert AuditRecord.objects.exists()


def _compare(link: JournalLink) -> None:
    lines = list(Line.objects.all())
    posted = [each for each in lines if each.status == LineStatus.POSTED]
    assert posted_until(link.journal, LAST) == sum(each.amount for each in posted)
    assert counts_of([link.journal_id])[link.journal_id][:2] == (len(lines), len(posted))
    account = link.journal.bank_account_id
    items = EntryItem.objects.filter(account=account)
    assert totals_of([account])[account].amount == sum(each.amount for each in items)
