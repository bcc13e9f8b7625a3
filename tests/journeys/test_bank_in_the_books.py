"""What an accountant does between a bank and the Books, in a real browser: link, edit, migrate, renew, merge, find."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import BrowserContext, Locator, Page, expect
from tests.books.hub_server import Booked, ScriptedAccount, ScriptedHub, running
from tests.journeys import steps

from nostro.books.companies.models import Company
from nostro.books.companies.services import create_company
from nostro.books.journals.models import Journal
from nostro.books.links.fetching import run_fetch
from nostro.books.links.models import Connection, JournalLink, OnlineAccount, Run
from nostro.people.models import User

pytestmark = [
    pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("journeys"),
    pytest.mark.usefixtures("beside_a_browser"),
]  # fmt: skip

MAIN, SAVINGS, OTHER, LATER = "BE68539007547034", "BE71096123456769", "BE43068999999501", "BE85064000000006"
TOKEN = "an-old-api-token"
TODAY = dt.date.today()


def _day(ago: int) -> str:
    return (TODAY - dt.timedelta(days=ago)).isoformat()


def _account(reference: str, balance: str, *transactions: Booked) -> ScriptedAccount:
    return ScriptedAccount(
        reference=reference, balance=balance, balance_date=_day(0), synchronized_at=f"{_day(0)}T00:01:00.000Z",
        expires_at=f"{_day(-100)}T00:00:00.000Z", transactions=list(transactions),
    )  # fmt: skip


@pytest.fixture
def hub() -> Iterator[ScriptedHub]:
    with running(ScriptedHub()) as scripted:
        scripted.valid_tokens.add(TOKEN)
        scripted.accounts = [
            _account(
                MAIN, "2450.00",
                Booked("rent", _day(3), "-50.00", "Rent of the printer"), Booked("sale", _day(9), "1000.00", "Sale"),
            ),
            _account(
                SAVINGS, "100.00",
                Booked("deposit", _day(2), "108.00", "Deposit"), Booked("fee", _day(4), "-8.00", "PARKING 17"),
            ),
            _account(OTHER, "1.00"),
        ]  # fmt: skip
        yield scripted


@pytest.fixture
def company(transactional_db: None) -> Company:
    owner = User.objects.create_user("bank@example.test", "a long password")
    return create_company(owner, name="Bank NV", country="BE", currency="EUR")


@pytest.fixture
def page(context: BrowserContext, live_server: Any, company: Company) -> Page:
    client = Client()
    client.force_login(User.objects.get(email="bank@example.test"))
    value = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": live_server.url}])
    opened = context.new_page()
    opened.goto(live_server.url + reverse("books:company", args=[company.id]))
    return opened


def _work() -> None:
    """What the worker would do now."""
    for run in Run.objects.filter(status="queued"):
        run_fetch(run.id, clock=timezone.now, sleep=lambda seconds: None)


def _row(page: Page, reference: str) -> Locator:
    return page.get_by_role("group", name=reference)


def _heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def _go(page: Page, live_server: Any, name: str, *keys: object) -> None:
    page.goto(live_server.url + reverse(f"books:{name}", args=keys))


def test_three_accounts_are_linked_a_token_is_left_and_a_duplicate_is_merged(
    page: Page, live_server: Any, company: Company, hub: ScriptedHub, screenshots: Path, watched: list[str]
) -> None:
    _type_the_savings_account(page)
    _connect_with_the_old_token(page, hub, screenshots)
    _link_with_three_actions(page, screenshots)
    main = JournalLink.objects.get(online_account__reference=MAIN)
    assert set(Journal.objects.values_list("account_number", flat=True)) == {MAIN, SAVINGS}

    _go(page, live_server, "edit_link", main.id)
    page.get_by_label("Synchronization frequency").select_option("monthly")
    page.get_by_label("Fetch schedule").select_option("4h")
    steps.picture(page, screenshots, "books-edit")
    page.get_by_role("button", name="Save settings").click()
    main.refresh_from_db()
    main.journal.refresh_from_db()
    assert (main.fetch_schedule, main.journal.grouping) == ("4h", "monthly")

    _migrate(page, live_server, hub, screenshots)
    _merge(page, live_server, company, screenshots)
    assert watched == []


def _type_the_savings_account(page: Page) -> None:
    """A journal without synchronization, in which a parking fee was typed."""
    page.get_by_role("link", name="Connect bank").first.click()
    page.get_by_role("link", name="Add manually").first.click()
    page.get_by_label("Account number").fill(SAVINGS)
    page.get_by_role("button").filter(has_text="journal").click()
    page.get_by_role("link", name="Type a line").first.click()
    page.get_by_label("Date").fill(_day(4))
    page.get_by_label("Amount").fill("-8.00")
    page.get_by_label("Description").fill("Parking, from the receipt")
    page.get_by_role("main").get_by_role("button").last.click()


def _connect_with_the_old_token(page: Page, hub: ScriptedHub, screenshots: Path) -> None:
    page.get_by_role("link", name="Journals").or_(page.get_by_role("link", name="Dashboard")).first.click()
    page.get_by_role("link", name="Connect bank").first.click()
    page.get_by_role("link", name="I have a Client ID and a Secret ID").click()
    page.get_by_role("link", name="I still have a single API token").click()
    steps.picture(page, screenshots, "books-old-token")
    page.get_by_label("Address of the Hub").fill(hub.url)
    page.get_by_label("API token").fill(TOKEN)
    page.get_by_role("button", name="Connect with the token").click()
    _heading(page, "Which account feeds which journal?")


def _link_with_three_actions(page: Page, screenshots: Path) -> None:
    """A new journal, an existing one, and none; nothing is linked before all rows are right."""
    expect(_row(page, MAIN).get_by_text("The Hub has data since")).to_be_visible()
    _row(page, OTHER).get_by_label("Action").select_option("skip")
    page.get_by_role("button", name="Link accounts").click()
    expect(page.get_by_text("1 row needs a correction.")).to_be_visible()
    steps.picture(page, screenshots, "books-three-actions")
    assert not JournalLink.objects.exists()
    _row(page, MAIN).get_by_label("Action").select_option("create")
    expect(_row(page, SAVINGS).get_by_label("Action")).to_have_value("link")
    page.get_by_role("button", name="Link accounts").click()
    _heading(page, "What has arrived?")
    _work()
    assert OnlineAccount.objects.get(declined=True).reference == OTHER


def _migrate(page: Page, live_server: Any, hub: ScriptedHub, screenshots: Path) -> None:
    """From the token to a pair, then from that pair to another one."""
    connection = Connection.objects.get()
    _go(page, live_server, "connection", connection.id)
    failures = page.locator("#failures")
    expect(failures.get_by_text("H-TOKEN-OLD", exact=True)).to_be_visible()
    expect(failures.get_by_role("button", name="Copy details").first).to_be_visible()
    steps.picture(page, screenshots, "books-connection-token")
    failures.get_by_role("link", name="Migrate").click()
    _new_pair(page, hub, "client-1", "secret-1")
    steps.picture(page, screenshots, "books-migrate-preview")
    page.get_by_role("button", name="Migrate", exact=True).click()
    _go(page, live_server, "connection", connection.id)
    expect(page.get_by_text("The API token is kept until")).to_be_visible()
    page.get_by_role("button", name="Fetch Transactions").click()
    _work()
    connection.refresh_from_db()
    assert connection.sealed_old_token is None
    assert Run.objects.filter(trigger="person", new_count=0, status="done").count() == 2

    hub.accounts.append(_account(LATER, "1.00"))
    _go(page, live_server, "connection", connection.id)
    page.get_by_role("link", name="Update Accounts").click()
    _new_pair(page, hub, "client-2", "secret-2")
    page.get_by_role("button", name="Use these credentials").click()
    expect(page.get_by_text("Newly visible")).to_be_visible()
    steps.picture(page, screenshots, "books-new-credentials")
    connection.refresh_from_db()
    assert (connection.client_id, connection.state) == ("client-2", "connected")


def _new_pair(page: Page, hub: ScriptedHub, client_id: str, secret: str) -> None:
    hub.client_id, hub.secret = client_id, secret
    page.get_by_label("Client ID").fill(client_id)
    page.get_by_label("Secret ID").fill(secret)
    page.get_by_role("button", name="Test and show what changes").click()


def _merge(page: Page, live_server: Any, company: Company, screenshots: Path) -> None:
    _go(page, live_server, "company", company.id)
    page.get_by_role("link", name="1 held").click()
    page.get_by_role("link", name="PARKING 17").first.click()
    expect(page.get_by_text("D-DUPLICATE", exact=True)).to_be_visible()
    steps.picture(page, screenshots, "books-held-duplicate")
    page.get_by_role("button", name="Merge").click()
    expect(page.get_by_role("button", name="Merge")).to_have_count(0)
    _go(page, live_server, "company", company.id)
    expect(page.get_by_text("Agrees with the bank")).to_have_count(2)


def test_a_consent_is_renewed_and_a_red_proof_leads_to_what_is_missing(
    page: Page, live_server: Any, company: Company, hub: ScriptedHub, screenshots: Path, watched: list[str]
) -> None:
    hub.accounts = hub.accounts[:1]
    (account,) = hub.accounts
    page.get_by_role("link", name="Connect bank").first.click()
    page.get_by_role("link", name="I have a Client ID and a Secret ID").click()
    page.get_by_label("Address of the Hub").fill(hub.url)
    page.get_by_label("Client ID").fill(hub.client_id)
    page.get_by_label("Secret ID").fill(hub.secret)
    page.get_by_role("button", name="Connect", exact=True).click()
    page.get_by_label("Action").select_option("create")
    page.get_by_role("button", name="Link accounts").click()
    _work()

    account.expires_at = f"{_day(1)}T00:00:00.000Z"
    _fetch(page, live_server, company)
    reconnect = page.locator(".journal-card").get_by_role("link", name="Reconnect")
    expect(reconnect).to_have_attribute("href", hub.url)
    steps.picture(page, screenshots, "books-consent-expired")
    account.expires_at = f"{_day(-180)}T00:00:00.000Z"
    # The bank has booked 75.00 more, and the Hub left it out.
    account.balance = "2375.00"
    _fetch(page, live_server, company)
    expect(reconnect).to_have_count(0)
    expect(page.get_by_text("Differs from the bank")).to_be_visible()

    page.get_by_role("link", name="Find gap").click()
    expect(page.get_by_text("A transaction of")).to_contain_text("75.00")
    steps.picture(page, screenshots, "books-red-proof")
    account.transactions.insert(0, Booked("left-out", _day(2), "-75.00", "Insurance"))
    page.get_by_role("link", name="Find missing in these days").click()
    expect(page.get_by_text("never imported")).to_have_count(1)
    steps.picture(page, screenshots, "books-missing")
    page.get_by_role("button", name="Import Transactions").click()
    _go(page, live_server, "company", company.id)
    expect(page.get_by_text("Agrees with the bank")).to_be_visible()
    assert watched == []


def _fetch(page: Page, live_server: Any, company: Company) -> None:
    _go(page, live_server, "company", company.id)
    page.get_by_role("button", name="Fetch Transactions").click()
    expect(page.get_by_text("Fetching").first).to_be_visible()
    _work()
    _go(page, live_server, "company", company.id)
