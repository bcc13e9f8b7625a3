"""Linking (books.md 4), the client (books.md 2), the schedule (5.1) and new credentials (6)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction
from tests.books.conftest import NOW
from tests.books.hub_server import Booked, ScriptedAccount, ScriptedHub
from tests.books.steps import connected, fetch, linked

from nostro.books.companies.models import Company
from nostro.books.hub_client.client import Client
from nostro.books.hub_client.errors import HubError
from nostro.books.journals.models import Journal, Line
from nostro.books.journals.services import create_journal
from nostro.books.links.credentials import connect, test_credentials, update_credentials
from nostro.books.links.hub import client_for
from nostro.books.links.models import JournalLink, OnlineAccount, Run
from nostro.books.links.schedule import MAX_JITTER, jitter, next_fetch
from nostro.books.links.services import edit_link, unlink
from nostro.books.links.wizard import LinkErrors, LinkRow, confirm_links, propose_rows
from nostro.core.ids import new_id
from nostro.http.door import Door, DoorSettings
from nostro.people.models import User
from nostro.web.errors import Problem

check_credentials = test_credentials
del test_credentials
TODAY = NOW.date()


@pytest.fixture
def two_accounts(hub: ScriptedHub) -> ScriptedHub:
    hub.accounts = [ScriptedAccount(), ScriptedAccount("BE71096123456769")]
    return hub


def test_defaults_and_preselection(owner: User, company: Company, two_accounts: ScriptedHub) -> None:
    same_number = create_journal(owner, company, name="KBC", currency="EUR", account_number="be71 0961 2345 6769")
    rows = {row.account.reference: row for row in propose_rows(connected(owner, company, two_accounts), now=NOW)}
    matched, other = rows["BE71096123456769"], rows["BE68539007547034"]
    assert (matched.action, matched.journal) == ("link", same_number)
    assert (other.action, other.journal) == ("link", None)
    assert "Create new journal" in other.hint
    assert matched.fetch_from == TODAY - dt.timedelta(days=15)
    assert (matched.grouping, matched.fetch_schedule) == ("per_synchronization", "12h")


def test_one_account_and_one_free_bank_journal_belong_together(owner: User, company: Company, hub: ScriptedHub) -> None:
    hub.accounts = [ScriptedAccount()]
    bank = create_journal(owner, company, name="Bank", currency="EUR")
    (row,) = propose_rows(connected(owner, company, hub), now=NOW)
    assert row.journal == bank


def test_all_errors_come_together_and_nothing_is_linked(
    owner: User, company: Company, two_accounts: ScriptedHub
) -> None:
    connection = connected(owner, company, two_accounts)
    dollars = create_journal(owner, company, name="USD", currency="USD")
    first, second = connection.online_accounts.order_by("reference")
    rows = [
        LinkRow(first.id, "link", dollars.id, fetch_from=TODAY + dt.timedelta(days=1)),
        LinkRow(second.id, "link"),
    ]
    with pytest.raises(LinkErrors) as caught:
        confirm_links(owner, connection.id, rows, now=NOW)
    found = {(error.account_id, error.code) for error in caught.value.errors}
    assert found == {(first.id, "L-CURRENCY"), (first.id, "L-DATE"), (second.id, "L-JOURNAL-MISSING")}
    with pytest.raises(LinkErrors) as caught:
        confirm_links(owner, connection.id, [LinkRow(row.id, "link", dollars.id) for row in (first, second)], now=NOW)
    assert "L-JOURNAL-TWICE" in {error.code for error in caught.value.errors}
    assert not JournalLink.objects.exists()
    assert not Run.objects.exists()


def test_two_clicks_link_once(owner: User, company: Company, two_accounts: ScriptedHub) -> None:
    connection = connected(owner, company, two_accounts)
    rows = [LinkRow(account.id, "create") for account in connection.online_accounts.all()]
    first = confirm_links(owner, connection.id, rows, now=NOW)
    second = confirm_links(owner, connection.id, rows, now=NOW)
    assert [link.id for link in first] == [link.id for link in second]
    assert (Journal.objects.count(), Run.objects.count()) == (2, 2)


def test_another_companys_journal_and_a_taken_one_are_refused(
    owner: User, company: Company, two_accounts: ScriptedHub
) -> None:
    from nostro.books.companies.services import create_company

    connection = connected(owner, company, two_accounts)
    first, second = connection.online_accounts.all()
    (link,) = confirm_links(owner, connection.id, [LinkRow(first.id, "create")], now=NOW)
    foreign = create_journal(owner, create_company(owner, name="B", country="BE"), name="B", currency="EUR")
    for journal_id, code in ((foreign.id, "L-COMPANY"), (link.journal_id, "L-JOURNAL-TAKEN")):
        with pytest.raises(LinkErrors) as caught:
            confirm_links(owner, connection.id, [LinkRow(second.id, "link", journal_id)], now=NOW)
        assert code in {error.code for error in caught.value.errors}


def test_the_database_refuses_a_second_journal_or_account(
    owner: User, company: Company, two_accounts: ScriptedHub
) -> None:
    connection = connected(owner, company, two_accounts)
    first, second = connection.online_accounts.all()
    (link,) = confirm_links(owner, connection.id, [LinkRow(first.id, "create")], now=NOW)
    other = create_journal(owner, company, name="Other", currency="EUR")
    for account, journal in ((first, other), (second, link.journal)):
        with pytest.raises(IntegrityError), transaction.atomic():
            JournalLink.objects.create(
                company=company, online_account=account, journal=journal, fetch_from=TODAY, linked_at=NOW
            )


def test_unlinking_keeps_lines_and_relinking_goes_on_with_the_cursor(
    owner: User, company: Company, hub: ScriptedHub
) -> None:
    hub.accounts = [ScriptedAccount(transactions=[Booked("a", "2026-11-10", "1.00")])]
    link = linked(owner, company, hub)
    fetch(link)
    unlink(owner, link.id, now=NOW)
    account = OnlineAccount.objects.get()
    assert account.cursor
    (again,) = confirm_links(owner, account.connection_id, [LinkRow(account.id, "link", link.journal_id)], now=NOW)
    hub.accounts[0].transactions.insert(0, Booked("b", "2026-11-11", "2.00"))
    fetch(again)
    assert Line.objects.filter(journal=link.journal).count() == 2


def test_a_foreign_account_asks_for_a_rate(owner: User, company: Company, hub: ScriptedHub) -> None:
    hub.accounts = [ScriptedAccount(currency="USD")]
    connection = connected(owner, company, hub)
    (row,) = propose_rows(connection, now=NOW)
    assert row.rate_needed
    with pytest.raises(LinkErrors) as caught:
        confirm_links(owner, connection.id, [LinkRow(row.account.id, "create")], now=NOW)
    assert [error.code for error in caught.value.errors] == ["L-RATE"]
    rows = [LinkRow(row.account.id, "create", exchange_rate=Decimal("0.92"))]
    assert len(confirm_links(owner, connection.id, rows, now=NOW)) == 1


def test_new_credentials_keep_everything_and_name_what_is_missing(
    owner: User, company: Company, two_accounts: ScriptedHub
) -> None:
    connection = connected(owner, company, two_accounts)
    two_accounts.client_id, two_accounts.secret = "client-2", "secret-2"
    gone = two_accounts.accounts.pop()
    two_accounts.accounts.append(ScriptedAccount("NL91ABNA0417164300"))
    change = update_credentials(owner, connection.id, client_id="client-2", secret="secret-2", now=NOW)
    assert [row.reference for row in change.new] == ["NL91ABNA0417164300"]
    assert [(row.reference, row.health) for row in OnlineAccount.objects.filter(visible=False)] == [
        (gone.reference, "not_authorised")
    ]
    assert len(change.matched) == 1
    with pytest.raises(Problem) as caught:
        update_credentials(owner, connection.id, client_id="client-2", secret="wrong", now=NOW)
    assert caught.value.code == "H-CREDENTIALS"
    connection.refresh_from_db()
    assert connection.client_id == "client-2"


def test_connecting_again_uses_the_same_connection(owner: User, company: Company, two_accounts: ScriptedHub) -> None:
    first = connected(owner, company, two_accounts)
    assert connected(owner, company, two_accounts).id == first.id
    assert OnlineAccount.objects.count() == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"secret": "wrong"}, "H-CREDENTIALS"),
        ({"client_id": "  "}, "H-CREDENTIALS"),
        ({"hub_url": "ftp://x"}, "H-TLS"),
        ({"hub_url": "http://127.0.0.1:9"}, "H-NETWORK"),
    ],
)
def test_wrong_input_is_told_by_code(
    owner: User, company: Company, two_accounts: ScriptedHub, changes: dict[str, str], code: str
) -> None:
    fields = {"hub_url": two_accounts.url, "client_id": "client-1", "secret": "secret-1", **changes}
    with pytest.raises(Problem) as caught:
        check_credentials(**fields)
    assert caught.value.code == code
    with pytest.raises(Problem):
        connect(owner, company.id, **fields, now=NOW)
    assert not OnlineAccount.objects.exists()


def test_no_account_at_the_hub(hub: ScriptedHub) -> None:
    with pytest.raises(Problem) as caught:
        check_credentials(hub.url, hub.client_id, hub.secret)
    assert caught.value.code == "H-NO-ACCOUNTS"


# --- the client alone ------------------------------------------------------------------------------------------


def test_a_token_is_renewed_60_seconds_before_its_end_and_once_after_a_401(two_accounts: ScriptedHub) -> None:
    seconds = 0.0
    door = Door(DoorSettings(allow_loopback_http=True))
    client = Client(door, two_accounts.url, two_accounts.client_id, two_accounts.secret, monotonic=lambda: seconds)
    client.accounts()
    seconds = 1738.0
    client.accounts()
    assert two_accounts.token_number == 1
    seconds = 1740.0
    client.accounts()
    assert two_accounts.token_number == 2
    two_accounts.valid_tokens.clear()
    client.accounts()
    assert two_accounts.token_number == 3
    two_accounts.failures = [("/accounts", 401, {"errors": [{"code": "credentialsInvalid"}]})] * 2
    with pytest.raises(HubError) as caught:
        client.accounts()
    assert caught.value.code == "H-CREDENTIALS"


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        ("2026-11-20T22:30:00.000Z", 20),
        ("2026-11-20T23:00:00.000Z", 21),
        ("2026-06-30T22:00:00.000Z", 1),
        ("2026-11-20T00:00:00.000Z", 20),
    ],
)
def test_days_of_section_1(hub: ScriptedHub, instant: str, day: int) -> None:
    hub.accounts = [ScriptedAccount(transactions=[Booked("x", instant, "0.1")])]
    client = client_for(hub.url, hub.client_id, hub.secret)
    (page,) = client.walk(hub.accounts[0].id)
    assert page.transactions[0].booking_date.day == day
    assert page.transactions[0].amount == Decimal("0.1")
    assert '"amount":0.1' in page.transactions[0].payload


# --- schedule --------------------------------------------------------------------------------------------------


def test_schedule_has_a_steady_jitter_of_at_most_five_minutes() -> None:
    for account_id in (new_id() for _ in range(50)):
        hour, half_day = dt.timedelta(hours=1), dt.timedelta(hours=12)
        assert dt.timedelta() <= jitter(account_id, half_day) <= MAX_JITTER
        assert jitter(account_id, hour) == jitter(account_id, hour)
        planned = next_fetch("12h", (), account_id, after=NOW, zone="Europe/Brussels")
        assert planned == NOW + half_day + jitter(account_id, half_day)
    assert next_fetch("manual", (), new_id(), after=NOW, zone="Europe/Brussels") is None


def test_daily_at_local_times() -> None:
    account_id = UUID(int=0)
    times = (dt.time(7, 0), dt.time(18, 0))
    planned = next_fetch("daily_at", times, account_id, after=NOW, zone="Europe/Brussels")
    assert planned is not None
    assert planned - jitter(account_id, dt.timedelta(days=1)) == dt.datetime(2026, 11, 12, 17, 0, tzinfo=dt.UTC)


def test_edit_link_refuses_what_does_not_exist(owner: User, company: Company, hub: ScriptedHub) -> None:
    hub.accounts = [ScriptedAccount()]
    link = linked(owner, company, hub)
    with pytest.raises(Problem):
        edit_link(owner, link.id, grouping="yearly", fetch_schedule="12h", now=NOW)
    with pytest.raises(Problem):
        edit_link(owner, link.id, grouping="daily", fetch_schedule="daily_at", now=NOW)
    edited = edit_link(owner, link.id, grouping="daily", fetch_schedule="manual", now=NOW)
    edited.journal.refresh_from_db()
    assert (edited.journal.grouping, edited.fetch_schedule) == ("daily", "manual")
    assert OnlineAccount.objects.get().next_fetch_at is None
