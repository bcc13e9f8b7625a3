"""What books.md 5 says in figures; docs/contributing/books-examples.md says where each example is tested."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from tests.books.conftest import NOW
from tests.books.hub_server import Booked, ScriptedAccount, ScriptedHub
from tests.books.reconcile.steps import line_of
from tests.books.steps import fetch, linked

from nostro.books.companies.models import Company
from nostro.books.journals.models import Journal, Statement
from nostro.books.journals.services import confirm_statement
from nostro.books.links.models import JournalLink, OnlineAccount, Run
from nostro.books.links.schedule import jitter
from nostro.books.links.tasks import start_due
from nostro.people.models import User

HOUR = dt.timedelta(hours=1)
FAILS = ("/transactions", 503, {"errors": [{"code": "serviceUnavailable"}]})


@pytest.fixture
def link(owner: User, company: Company, hub: ScriptedHub) -> JournalLink:
    """An account that is fetched every 12 hours, with one line."""
    hub.accounts = [ScriptedAccount(transactions=[Booked("t1", "2026-11-10", "200.00")])]
    return linked(owner, company, hub)


def planned() -> dt.datetime:
    moment = OnlineAccount.objects.get().next_fetch_at
    assert moment is not None
    return moment


def test_retries_come_after_1_5_15_and_60_minutes_and_then_as_planned(link: JournalLink, hub: ScriptedHub) -> None:
    fetch(link)
    offset = jitter(link.online_account_id, 12 * HOUR)
    assert planned() == NOW + 12 * HOUR + offset
    now, waits = planned(), []
    for _ in range(5):
        hub.failures = [FAILS]
        assert fetch(link, now).status == "failed"
        waits.append(planned() - now)
        now = planned()
    minutes = [wait // dt.timedelta(minutes=1) for wait in waits[:4]]
    assert minutes == [1, 5, 15, 60]
    assert waits[4] == 12 * HOUR + offset


def test_missed_times_are_one_fetch(link: JournalLink) -> None:
    fetch(link)
    late = NOW + dt.timedelta(days=3)
    assert [start_due(late), start_due(late)] == [1, 0]
    assert Run.objects.filter(status="queued").count() == 1
    fetch(link, late)
    assert planned() == late + 12 * HOUR + jitter(link.online_account_id, 12 * HOUR)


@pytest.mark.parametrize(("hours", "asks"), [(11, 0), (12, 2)])
def test_a_planned_fetch_asks_the_bank_only_when_the_data_are_older_than_the_interval(
    link: JournalLink, hub: ScriptedHub, hours: int, asks: int
) -> None:
    fetch(link)
    hub.requests.clear()
    fetch(link, dt.datetime.fromisoformat(hub.accounts[0].synchronized_at) + hours * HOUR)
    assert sum(request == "POST /synchronizations" for request in hub.requests) == asks


def test_the_switch_off_plans_nothing(owner: User, link: JournalLink) -> None:
    from nostro.books.links.services import set_automatic_sync

    fetch(link)
    set_automatic_sync(owner, link.online_account.connection_id, False, now=NOW)
    assert OnlineAccount.objects.get().next_fetch_at is None
    fetch(link, NOW + HOUR)
    assert OnlineAccount.objects.get().next_fetch_at is None


def test_a_run_without_new_lines_makes_no_statement(link: JournalLink, hub: ScriptedHub) -> None:
    fetch(link)
    fetch(link, NOW + HOUR)
    hub.accounts[0].transactions.insert(0, Booked("t2", "2026-11-03", "-50.00"))
    fetch(link, NOW + 2 * HOUR)
    statements = Statement.objects.filter(journal=link.journal)
    assert [(each.start, each.computed_end) for each in statements] == [(0, 200), (200, 150)]


@pytest.mark.parametrize(
    ("grouping", "keys"),
    [
        ("weekly", ["2026-W53", "2027-W01"]),
        ("monthly", ["2026-12", "2027-01"]),
        ("bi_monthly", ["2026-12-2", "2027-01-1"]),
    ],
)
def test_a_first_fetch_of_months_is_grouped_by_each_lines_own_date(
    owner: User, company: Company, hub: ScriptedHub, grouping: str, keys: list[str]
) -> None:
    """Rules 1 and 2: 2026-12-31 and 2027-01-01 are one ISO week, 2027-01-04 is the next; nothing else is made."""
    days = ["2027-01-04", "2027-01-01", "2026-12-31"]
    hub.accounts = [ScriptedAccount(transactions=[Booked(day, day, "1.00") for day in days])]
    link = linked(owner, company, hub, grouping=grouping)
    fetch(link, dt.datetime(2027, 1, 5, tzinfo=dt.UTC))
    lines = Statement.objects.filter(journal=link.journal).values_list("key", "computed_end")
    ends = [2, 3] if grouping == "weekly" else [1, 3]
    assert list(lines) == list(zip(keys, map(Decimal, ends), strict=True))


def test_without_an_open_statement_a_late_line_opens_that_of_the_fetch_day(
    owner: User, company: Company, hub: ScriptedHub, link: JournalLink
) -> None:
    """Rule 5: the confirmed one stays, the line keeps its bank date and is late."""
    journal = link.journal
    Journal.objects.filter(pk=journal.pk).update(grouping="bi_monthly")
    journal.refresh_from_db()
    line_of(journal, "200.00", day=dt.date(2026, 10, 3))
    confirm_statement(owner, Statement.objects.get().id, now=NOW)
    line = line_of(journal, "-7.00", day=dt.date(2026, 10, 15))
    found = Statement.objects.filter(journal=journal).values_list("key", "start", "computed_end")
    assert [list(each) for each in found] == [["2026-10-1", 0, 200], ["2026-11-1", 200, 193]]
    assert (line.booking_date, line.order_date, line.late) == (dt.date(2026, 10, 15), dt.date(2026, 11, 1), True)
