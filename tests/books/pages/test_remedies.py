"""Every code of the catalogue has its button and *Copy details* where it shows, for who reads it (books.md 9)."""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from tests.books.conftest import NOW
from tests.books.hub_server import ScriptedAccount, ScriptedHub
from tests.books.pages.conftest import House
from tests.books.pages.test_linking import FIRST, SECOND, connect, credentials, grid, row_name
from tests.books.steps import fetch, linked

from nostro.books.companies.models import Company
from nostro.books.hub_client.catalogue import CATALOGUE
from nostro.books.hub_client.errors import HubError
from nostro.books.journals.models import Journal
from nostro.books.journals.services import create_journal
from nostro.books.ledger.models import LedgerAccount, Purpose
from nostro.books.links.failures import record_failure
from nostro.books.links.fetching import request_fetch, run_fetch
from nostro.books.links.models import Failure, JournalLink, OnlineAccount
from nostro.books.pages.remedies import WAYS
from nostro.people.models import User

#: Refusals of forms; a fetch never stores them.
OF_FORMS = {code for code in CATALOGUE if code.startswith("L-")}
STORED = sorted(set(CATALOGUE) - OF_FORMS)
#: What to do is to hand on the details, or what the details say.
COPIED = {"H-PROTOCOL", "O-RIGHTS", "O-VERSION", "B-UNEXPECTED"}
ROLES = ("reader", "clerk", "accountant", "owner")


def remedies(page: str) -> list[str]:
    """The blocks with the buttons that end a failure."""
    return re.findall(r'<div class="row remedy">.*?</div>', page, re.DOTALL)


def links_in(block: str) -> list[str]:
    return [html.unescape(each) for each in re.findall(r'href="([^"]+)"', block)]


def resolves(browser: Client, url: str, page: str, hub: str) -> bool:
    """Whether a button leads somewhere: to a field of the page, to the Hub, or to a page that answers this person."""
    if url.startswith("#"):
        return f'id="{url[1:]}"' in page
    if url.startswith(hub):
        return True
    response = browser.get(url)
    target = url.partition("#")[2]
    return response.status_code == 200 and (not target or f'id="{target}"' in response.content.decode())


def test_the_table_of_buttons_is_that_of_the_catalogue() -> None:
    assert set(WAYS) == set(CATALOGUE)
    assert {code for code, way in WAYS.items() if way.target == "copy"} == COPIED


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("of_account", [True, False], ids=["account", "connection"])
def test_every_stored_failure_has_a_button_that_its_reader_may_use(
    role: str, of_account: bool, house: House, browser: Client, member: Callable[[Company, str], Client]
) -> None:
    """On the connection and on the journal, all codes at once."""
    account = house.link.online_account if of_account else None
    for code in STORED:
        record_failure(house.connection, account, HubError(code, "what the Hub said"), now=NOW)
    reader = browser if role == "owner" else member(house.company, role)

    for name, key in (("connection", house.connection.id), ("journal", house.journal.id)):
        page = reader.get(reverse(f"books:{name}", args=[key])).content.decode()
        blocks = remedies(page)
        assert len(blocks) == len(STORED)
        for code in STORED:
            assert f"<code>{code}</code>" in page
        assert all("data-copy=" in block for block in blocks)
        for block in blocks:
            code = next(each for each in STORED if f'data-copy="{each} (' in block)
            found = links_in(block)
            assert found or code in COPIED or "can end this" in block, code
            assert all(resolves(reader, url, page, house.connection.hub_url) for url in found), code
            if role == "owner":
                assert found or code in COPIED, code


def test_details_hold_what_support_needs_and_no_number(house: House, browser: Client) -> None:
    record_failure(
        house.connection, house.link.online_account, now=NOW,
        error=HubError("H-PROTOCOL", "account BE68539007547034 answered nonsense", request_id="hub-request-7"),
    )  # fmt: skip
    page = html.unescape(browser.get(reverse("books:journal", args=[house.journal.id])).content.decode())
    (details,) = re.findall(r'data-copy="(H-PROTOCOL [^"]+)"', page)
    for part in ("(bug)", "hub-request-7", "Correlation:", "First: 2026-11-12", "Count: 1"):
        assert part in details
    assert "BE68539007547034" not in details


# --- refusals of forms: the code, where it is provoked -----------------------------------------------------------


@pytest.fixture
def two(hub: ScriptedHub) -> ScriptedHub:
    hub.accounts = [
        ScriptedAccount(reference=FIRST, balance="10.00", balance_date="2026-11-12"),
        ScriptedAccount(reference=SECOND, balance="20.00"),
    ]
    return hub


def confirm(browser: Client, address: str, fields: dict[str, str], do: str = "confirm") -> Any:
    return browser.post(address, {**fields, "do": do})


def block_of(page: str, code: str) -> str:
    """The one block whose details are of this code."""
    (block,) = (each for each in remedies(page) if f'data-copy="{code} (' in each)
    return block


def set_row(fields: dict[str, str], reference: str, **values: str) -> None:
    for name, value in values.items():
        fields[row_name(reference, name)] = value


def refused(browser: Client, company: Company, two: ScriptedHub, code: str, owner: User) -> tuple[str, str]:
    """The page of the wizard on which ``code`` is refused for the first account, and its block."""
    address, fields = grid(browser, company, two)
    set_row(fields, SECOND, action="skip")
    journal = create_journal(owner, company, name="Other", currency="USD" if code == "L-CURRENCY" else "EUR")
    set_row(fields, FIRST, action="link", journal=str(journal.id))
    if code == "L-JOURNAL-MISSING":
        set_row(fields, FIRST, journal="")
    if code == "L-NUMBER":
        Journal.objects.filter(pk=journal.pk).update(account_number="BE00000000000000")
    if code == "L-TYPE":
        OnlineAccount.objects.update(subtype="checking")
        Journal.objects.filter(pk=journal.pk).update(kind="credit_card")
    if code == "L-DATE":
        set_row(fields, FIRST, fetch_from="2099-01-01")
    if code == "L-JOURNAL-TAKEN":
        Journal.objects.filter(pk=journal.pk).update(account_number=FIRST)
        set_row(fields, FIRST, action="create", journal="")
    if code == "L-COMPANY":
        other = Company.objects.create(name="Other", country="BE", currency="EUR")
        Journal.objects.filter(pk=journal.pk).update(company=other)
    page = confirm(browser, address, fields).content.decode()
    return page, block_of(page, code)


@pytest.mark.parametrize(
    "code",
    ["L-JOURNAL-MISSING", "L-JOURNAL-TAKEN", "L-CURRENCY", "L-NUMBER", "L-TYPE", "L-COMPANY", "L-DATE"],
)
def test_a_row_that_is_refused_has_its_button(
    code: str, owner: User, company: Company, browser: Client, two: ScriptedHub
) -> None:
    page, block = refused(browser, company, two, code, owner)
    pressed = re.findall(r'name="do" value="(mend:[^"]+)"', block)
    found = links_in(block)
    assert bool(pressed) != bool(found)
    assert all(resolves(browser, url, page, two.url) for url in found)
    assert f"({code})" in page
    assert not JournalLink.objects.exists()


def test_one_journal_for_two_rows_is_refused_on_both(
    owner: User, company: Company, browser: Client, hub: ScriptedHub
) -> None:
    hub.accounts = [ScriptedAccount(reference=FIRST), ScriptedAccount(reference=SECOND)]
    journal = create_journal(owner, company, name="Bank", currency="EUR")
    address, fields = grid(browser, company, hub)
    for reference in (FIRST, SECOND):
        set_row(fields, reference, action="link", journal=str(journal.id))
    page = confirm(browser, address, fields).content.decode()
    twice = [each for each in remedies(page) if 'data-copy="L-JOURNAL-TWICE (' in each]
    assert len(twice) == 2
    assert all(resolves(browser, url, page, hub.url) for each in twice for url in links_in(each))


def test_a_taken_journal_leads_to_the_link_that_holds_it(
    owner: User, company: Company, browser: Client, two: ScriptedHub
) -> None:
    journal = create_journal(owner, company, name="Bank", currency="EUR")
    address, fields = grid(browser, company, two)
    set_row(fields, FIRST, action="link", journal=str(journal.id))
    set_row(fields, SECOND, action="skip")
    account = OnlineAccount.objects.get(reference=SECOND)
    holder = JournalLink.objects.create(
        company=company, journal=journal, online_account=account, fetch_from=NOW.date(), linked_at=NOW
    )
    page = confirm(browser, address, fields).content.decode()
    assert links_in(block_of(page, "L-JOURNAL-TAKEN")) == [reverse("books:edit_link", args=[holder.id])]


def test_an_account_that_was_linked_meanwhile_leads_to_its_link(
    owner: User, company: Company, browser: Client, two: ScriptedHub
) -> None:
    """Two people link the same account; the second is told, with the link that was first."""
    first = create_journal(owner, company, name="First", currency="EUR")
    second = create_journal(owner, company, name="Second", currency="EUR")
    address, fields = grid(browser, company, two)
    set_row(fields, FIRST, action="link", journal=str(second.id))
    set_row(fields, SECOND, action="skip")
    holder = JournalLink.objects.create(
        company=company, journal=first, online_account=OnlineAccount.objects.get(reference=FIRST),
        fetch_from=NOW.date(), linked_at=NOW,
    )  # fmt: skip
    page = confirm(browser, address, fields).content.decode()
    assert reverse("books:edit_link", args=[holder.id]) in [
        url for each in remedies(page) if "L-ACCOUNT-TAKEN" in each for url in links_in(each)
    ]


def test_the_button_for_the_date_sets_the_first_allowed_one(
    owner: User, company: Company, browser: Client, two: ScriptedHub
) -> None:
    page, block = refused(browser, company, two, "L-DATE", owner)
    (press,) = re.findall(r'name="do" value="(mend:[^"]+)"', block)
    address, fields = reverse("books:link_accounts", args=[_connection()]), dict[str, str]()
    set_row(fields, FIRST, action="create", fetch_from="2099-01-01")
    changed = confirm(browser, address, fields, do=press)
    row = next(each for each in changed.context["rows"] if each.account.reference == FIRST)
    assert row["fetch_from"].value() == row.row.fetch_from.isoformat()
    assert "2099-01-01" in page


def _connection() -> str:
    return str(OnlineAccount.objects.get(reference=FIRST).connection_id)


def test_the_button_for_the_currency_creates_a_journal(
    owner: User, company: Company, browser: Client, two: ScriptedHub
) -> None:
    _page, block = refused(browser, company, two, "L-CURRENCY", owner)
    (press,) = re.findall(r'name="do" value="(mend:[^"]+)"', block)
    fields: dict[str, str] = {}
    set_row(fields, FIRST, action="link", journal="")
    changed = confirm(browser, reverse("books:link_accounts", args=[_connection()]), fields, do=press)
    row = next(each for each in changed.context["rows"] if each.account.reference == FIRST)
    assert row["action"].value() == "create"


def test_a_missing_rate_leads_to_its_field(company: Company, browser: Client, hub: ScriptedHub) -> None:
    hub.accounts = [ScriptedAccount(reference=FIRST, currency="USD")]
    address, fields = grid(browser, company, hub)
    set_row(fields, FIRST, action="create")
    page = confirm(browser, address, fields).content.decode()
    (url,) = links_in(block_of(page, "L-RATE"))
    assert resolves(browser, url, page, hub.url)
    assert url.endswith("exchange_rate")


@pytest.mark.parametrize("where", ["wizard", "by hand"])
def test_without_a_suspense_account_one_is_chosen_where_the_button_leads(
    where: str, company: Company, browser: Client, two: ScriptedHub
) -> None:
    LedgerAccount.objects.filter(company=company, purpose=Purpose.SUSPENSE).update(purpose="")

    def ask() -> Any:
        if where == "by hand":
            typed = {"kind": "bank", "account_number": FIRST, "currency": "EUR"}
            return browser.post(reverse("books:add_manually", args=[company.id]), typed)
        address, fields = grid(browser, company, two)
        set_row(fields, FIRST, action="create")
        set_row(fields, SECOND, action="skip")
        return confirm(browser, address, fields)

    page = ask().content.decode()
    (url,) = links_in(block_of(page, "L-NO-SUSPENSE"))
    account = LedgerAccount.objects.get(company=company, code="499000")
    assert browser.get(url).status_code == 200
    assert browser.post(url, {"account": str(account.id)}).status_code == 302
    account.refresh_from_db()
    assert account.purpose == Purpose.SUSPENSE
    assert ask().status_code == 302
    assert Journal.objects.get().suspense_account == account


@pytest.mark.parametrize("role", ["reader", "clerk"])
def test_only_accountants_choose_the_suspense_account(
    role: str, company: Company, member: Callable[[Company, str], Client]
) -> None:
    assert member(company, role).get(reverse("books:suspense", args=[company.id])).status_code == 403


def test_an_account_with_another_purpose_cannot_be_suspense(company: Company, browser: Client) -> None:
    sales = LedgerAccount.objects.get(company=company, purpose=Purpose.SALES)
    browser.post(reverse("books:suspense", args=[company.id]), {"account": str(sales.id)})
    sales.refresh_from_db()
    assert sales.purpose == Purpose.SALES


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [({"secret": "wrong"}, "H-CREDENTIALS", "id_secret"), ({"hub_url": "ftp://x"}, "H-TLS", "id_hub_url"),
     ({"hub_url": "http://127.0.0.1:9"}, "H-NETWORK", "id_hub_url")],
    ids=["secret", "address", "silence"],
)  # fmt: skip
def test_credentials_that_fail_lead_to_the_field_to_correct(
    changes: dict[str, str], code: str, field: str, company: Company, browser: Client, two: ScriptedHub
) -> None:
    page = connect(browser, company, two, **changes).content.decode()
    assert links_in(block_of(page, code)) == [f"#{field}"]
    assert f'id="{field}"' in page
    tested = browser.post(
        reverse("books:credentials", args=[company.id]), {"do": "test", **credentials(two, **changes)},
        headers={"HX-Request": "true"},
    )  # fmt: skip
    assert links_in(block_of(tested.content.decode(), code)) == [f"#{field}"]


def test_an_integration_without_accounts_leads_to_the_hub(company: Company, browser: Client, two: ScriptedHub) -> None:
    """When it is connected, and when it lost its accounts later."""
    address = connect(browser, company, two)["Location"]
    two.accounts = []
    refused_page = connect(browser, company, two).content.decode()
    assert links_in(block_of(refused_page, "H-NO-ACCOUNTS")) == [two.url]
    OnlineAccount.objects.update(visible=False)
    shown = links_in(block_of(browser.get(address).content.decode(), "H-NO-ACCOUNTS"))
    assert shown[0].startswith(two.url)


def test_new_credentials_that_fail_say_so_and_keep_the_old_ones(house: House, browser: Client) -> None:
    address = reverse("books:update_accounts", args=[house.connection.id])
    page = browser.post(address, {"do": "preview", "client_id": "x", "secret": "wrong"}).content.decode()
    assert links_in(block_of(page, "H-CREDENTIALS")) == ["#id_secret"]


def test_a_first_day_in_the_future_is_refused_on_the_page_of_the_link(house: House, browser: Client) -> None:
    fields = {
        "grouping": "monthly", "fetch_schedule": "manual", "fetch_from": "2099-01-01", "opening": "none",
    }  # fmt: skip
    page = browser.post(reverse("books:edit_link", args=[house.link.id]), fields).content.decode()
    assert links_in(block_of(page, "L-DATE")) == ["#id_fetch_from"]


def test_a_journal_that_does_not_fit_is_refused_with_its_reasons(
    owner: User, company: Company, house: House, browser: Client
) -> None:
    other = create_journal(owner, company, name="Card", currency="EUR", account_number=SECOND)
    page = browser.post(reverse("books:relink", args=[house.link.id]), {"journal": str(other.id)}).content.decode()
    assert links_in(block_of(page, "L-NUMBER")) == ["#id_confirmed_number"]
    assert 'id="id_confirmed_number"' in page


def test_the_first_fetch_that_fails_has_its_button_on_the_result(
    owner: User, company: Company, browser: Client, hub: ScriptedHub
) -> None:
    hub.accounts = [ScriptedAccount()]
    link = linked(owner, company, hub)
    hub.secret = "another"
    fetch(link)
    assert Failure.objects.filter(code="H-CREDENTIALS").exists()
    page = browser.get(reverse("books:link_result", args=[link.online_account.connection_id])).content.decode()
    (url,) = links_in(block_of(page, "H-CREDENTIALS"))
    assert browser.get(url).status_code == 200


def test_a_replaced_account_gives_its_journal_to_the_new_one(
    owner: User, company: Company, browser: Client, hub: ScriptedHub
) -> None:
    """H-REPLACED: the journal of the old account is offered, and the old link ends with the click."""
    hub.accounts = [ScriptedAccount(reference=FIRST)]
    old = linked(owner, company, hub)
    OnlineAccount.objects.filter(pk=old.online_account_id).update(deprecated=True)
    OnlineAccount.objects.create(
        company=company, connection=old.online_account.connection, identity="new", reference=FIRST, currency="EUR",
        hub_account_id="11111111-1111-4111-8111-111111111111", visible=True,
    )  # fmt: skip
    address = reverse("books:link_accounts", args=[old.online_account.connection_id])
    rows = browser.get(address).context["rows"]
    (row,) = rows
    assert row.row.journal == old.journal


def test_a_bank_that_answers_only_to_a_person_is_told_with_its_switch(
    owner: User, company: Company, browser: Client, hub: ScriptedHub
) -> None:
    """H-ATTENDED-ONLY: refused by schedule, answered to a person, refused by schedule again."""
    hub.accounts = [ScriptedAccount(expires_at="2027-03-01T00:00:00.000Z")]
    link = linked(owner, company, hub)
    fetch(link)
    attributes = {"status": "error", "errors": [{"code": "authorizationInvalid", "detail": "sign in"}]}
    refusal = ("/synchronizations", 201, {"data": {"id": str(link.id), "attributes": attributes}})

    def after(hours: int, trigger: str = "schedule", ip: str | None = None) -> None:
        moment = NOW + dt.timedelta(hours=hours)
        run = request_fetch(None, link.online_account, trigger=trigger, now=moment, customer_ip=ip)
        run_fetch(run.id, clock=lambda: moment, sleep=lambda seconds: None)

    for hours, code in ((13, "H-CONSENT-EXPIRED"), (27, "H-ATTENDED-ONLY")):
        hub.failures = [refusal]
        after(hours)
        assert list(Failure.objects.filter(cleared_at=None).values_list("code", flat=True)) == [code]
        hub.failures = []
        if hours == 13:
            after(14, "person", "192.0.2.7")
            assert not Failure.objects.filter(cleared_at=None).exists()
    link.online_account.refresh_from_db()
    assert link.online_account.health == "attended_only"

    page = browser.get(reverse("books:journal", args=[link.journal_id])).content.decode()
    (url,) = links_in(block_of(page, "H-ATTENDED-ONLY"))
    assert "Switch off" in browser.get(url).content.decode()


def test_a_lock_and_what_it_ends_are_set_together_or_not_at_all(
    house: House, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **named: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("nostro.books.pages.ledger.clear_decided", fail)
    browser.raise_request_exception = False
    address = reverse("books:lock", args=[house.company.id])
    assert browser.post(address, {"lock_date": "2026-10-01"}).status_code == 500
    house.company.refresh_from_db()
    assert house.company.lock_date is None
