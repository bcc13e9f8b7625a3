"""The link wizard on pages: what is refused is said beside its row, what was typed stays, two clicks are one."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from tests.books.hub_server import ScriptedAccount, ScriptedHub, running

from nostro.books.companies.models import Company
from nostro.books.hub_client.values import Malformed, read_institution
from nostro.books.journals.models import Journal
from nostro.books.journals.services import create_journal
from nostro.books.links.models import Connection, JournalLink, OnlineAccount, Run
from nostro.people.models import User
from nostro.web.once import new_form_key

FIRST, SECOND = "BE68539007547034", "BE71096123456769"


@pytest.fixture
def two_accounts(hub: ScriptedHub) -> ScriptedHub:
    hub.accounts = [
        ScriptedAccount(reference=FIRST, balance="10.00", balance_date="2026-11-12"),
        ScriptedAccount(reference=SECOND, balance="1.234", currency="KWD"),
    ]
    return hub


def credentials(hub: ScriptedHub, **changes: str) -> dict[str, str]:
    return {"hub_url": hub.url, "client_id": hub.client_id, "secret": hub.secret, **changes}


def connect(browser: Client, company: Company, hub: ScriptedHub, **changes: str) -> Any:
    return browser.post(
        reverse("books:credentials", args=[company.id]), {"do": "connect", **credentials(hub, **changes)}
    )


def grid(browser: Client, company: Company, hub: ScriptedHub) -> tuple[str, dict[str, str]]:
    """Connect; the grid's address, and its fields as a browser would send them untouched."""
    address = connect(browser, company, hub)["Location"]
    return address, fields_of(browser.get(address))


def fields_of(response: Any) -> dict[str, str]:
    fields = {"form_key": new_form_key()}
    for row in response.context["rows"]:
        for bound in row:
            value = bound.value()
            if value not in (None, False, ""):
                fields[bound.html_name] = value.isoformat() if isinstance(value, dt.date) else str(value)
    return fields


def row_name(reference: str, field: str) -> str:
    return f"{OnlineAccount.objects.get(reference=reference).id}-{field}"


def test_a_wrong_secret_is_told_and_stores_nothing(
    company: Company, browser: Client, two_accounts: ScriptedHub
) -> None:
    response = connect(browser, company, two_accounts, secret="wrong")

    page = response.content.decode()
    assert "refuses the Client ID and Secret ID" in page
    assert two_accounts.client_id in page
    assert "wrong" not in page
    assert not Connection.objects.exists()


def test_the_test_button_only_asks(company: Company, browser: Client, two_accounts: ScriptedHub) -> None:
    address = reverse("books:credentials", args=[company.id])

    whole = browser.post(address, {"do": "test", **credentials(two_accounts)})
    part = browser.post(address, {"do": "test", **credentials(two_accounts)}, headers={"HX-Request": "true"})

    for response in (whole, part):
        assert "shows 2 accounts" in response.content.decode()
        assert two_accounts.secret not in response.content.decode()
    assert "<html" not in part.content.decode()
    assert not Connection.objects.exists()


def test_a_hub_that_is_down_is_told(company: Company, browser: Client, hub: ScriptedHub) -> None:
    response = connect(browser, company, hub, hub_url="http://127.0.0.1:9")

    assert "The Hub does not answer" in response.content.decode()


def test_all_errors_stand_together_beside_their_rows_and_what_was_typed_stays(
    company: Company, browser: Client, two_accounts: ScriptedHub
) -> None:
    address, fields = grid(browser, company, two_accounts)
    fields[row_name(FIRST, "fetch_from")] = "2099-01-01"
    fields[row_name(FIRST, "opening")] = "typed"
    fields[row_name(FIRST, "opening_amount")] = "1 234,5O"

    response = browser.post(address, {**fields, "do": "confirm"})

    page = response.content.decode()
    assert "2099-01-01" in page
    assert "1 234,5O" in page
    assert "Type an amount" in page
    assert not JournalLink.objects.exists()

    fields[row_name(FIRST, "opening_amount")] = "1 234,50"
    page = browser.post(address, {**fields, "do": "confirm"}).content.decode()

    for code in ("L-DATE", "L-JOURNAL-MISSING", "L-RATE"):
        assert code in page
    assert page.count("(L-JOURNAL-MISSING)") == 2
    assert "2 rows need a correction" in page
    assert not JournalLink.objects.exists()
    assert not Journal.objects.exists()


def test_one_journal_for_two_accounts_is_refused(
    owner: User, company: Company, browser: Client, two_accounts: ScriptedHub
) -> None:
    journal = create_journal(owner, company, name="Bank", currency="EUR")
    address, fields = grid(browser, company, two_accounts)
    for reference in (FIRST, SECOND):
        fields[row_name(reference, "journal")] = str(journal.id)

    page = browser.post(address, {**fields, "do": "confirm"}).content.decode()

    assert page.count("(L-JOURNAL-TWICE)") == 2
    assert not JournalLink.objects.exists()


def test_create_for_all_unmatched_keeps_what_was_typed(
    company: Company, browser: Client, two_accounts: ScriptedHub
) -> None:
    address, fields = grid(browser, company, two_accounts)
    fields[row_name(FIRST, "grouping")] = "monthly"
    fields[row_name(SECOND, "action")] = "skip"

    response = browser.post(address, {**fields, "do": "create_unmatched"})

    changed = fields_of(response)
    assert changed[row_name(FIRST, "action")] == "create"
    assert changed[row_name(FIRST, "grouping")] == "monthly"
    assert changed[row_name(SECOND, "action")] == "skip"
    assert not JournalLink.objects.exists()


def test_reload_shows_a_new_account_and_keeps_what_was_typed(
    company: Company, browser: Client, two_accounts: ScriptedHub
) -> None:
    address, fields = grid(browser, company, two_accounts)
    fields[row_name(FIRST, "grouping")] = "weekly"
    two_accounts.accounts.append(ScriptedAccount(reference="BE43068999999501"))

    response = browser.post(address, {**fields, "do": "reload"})

    assert len(response.context["rows"]) == 3
    assert fields_of(response)[row_name(FIRST, "grouping")] == "weekly"


def test_two_clicks_link_once_and_the_result_is_live(
    company: Company, browser: Client, two_accounts: ScriptedHub
) -> None:
    address, fields = grid(browser, company, two_accounts)
    for reference in (FIRST, SECOND):
        fields[row_name(reference, "action")] = "create"
    fields[row_name(SECOND, "exchange_rate")] = "3,05"

    answers = [browser.post(address, {**fields, "do": "confirm"}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert JournalLink.objects.count() == Journal.objects.count() == Run.objects.count() == 2
    result = browser.get(answers[0]["Location"]).content.decode()
    assert "2 accounts are linked" in result
    assert "hx-get" in result
    part = browser.get(answers[0]["Location"], headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part


def test_an_account_that_is_not_wanted_needs_nothing_else(
    company: Company, browser: Client, two_accounts: ScriptedHub
) -> None:
    address, fields = grid(browser, company, two_accounts)
    fields |= {row_name(FIRST, "action"): "create", row_name(SECOND, "action"): "skip"}
    fields[row_name(SECOND, "fetch_from")] = "nonsense"

    assert browser.post(address, {**fields, "do": "confirm"}).status_code == 302
    assert JournalLink.objects.get().online_account.reference == FIRST


def test_new_credentials_are_tested_and_their_change_is_told(
    company: Company, browser: Client, two_accounts: ScriptedHub
) -> None:
    connect(browser, company, two_accounts)
    connection = Connection.objects.get()
    address = reverse("books:update_accounts", args=[connection.id])
    refused = browser.post(address, {"do": "preview", "client_id": "client-2", "secret": "no"})
    assert "refuses" in refused.content.decode()
    connection.refresh_from_db()
    assert connection.client_id == "client-1"

    two_accounts.client_id, two_accounts.secret = "client-2", "secret-2"
    two_accounts.accounts[1] = ScriptedAccount(reference="BE43068999999501")
    browser.post(address, {"do": "preview", "client_id": "client-2", "secret": "secret-2"})
    page = browser.post(address, {"do": "update"}).content.decode()

    assert "Newly visible" in page
    assert "No longer visible" in page
    assert "secret-2" not in page


class PublicHub(ScriptedHub):
    """A Hub whose list of banks needs no token, as hub-api.md 7.4 says."""

    def answer(self, method: str, target: str, authorization: str) -> tuple[int, str]:
        assert target.startswith("/financial-institutions?filter%5Bname%5D%5Bcontains%5D=bank&")
        assert not authorization
        banks = [("Quiet <script>Bank", "", None), ("KBC Bank", "financialInstitution", 180)]
        data = [
            {"type": "financialInstitution", "id": f"id-{name[:3]}", "attributes": {
                "name": name, "bic": "KREDBEBB", "status": "beta", "maintenanceType": maintenance,
                "expectedAuthorizationLifetime": days,
            }}
            for name, maintenance, days in banks
        ]  # fmt: skip
        return 200, json.dumps({"data": data, "links": {}})


def test_the_search_says_which_banks_the_hub_serves(company: Company, browser: Client, settings: Any) -> None:
    with running(PublicHub()) as hub:
        settings.DEFAULT_HUB_URL = hub.url
        page = browser.get(reverse("books:find_bank", args=[company.id]), {"q": "bank"}).content.decode()

    assert page.index("KBC Bank") < page.index("Quiet &lt;script&gt;Bank")
    for told in ("Served by 127.0.0.1", "a consent lasts 180 days", "In maintenance", "beta", "cannot link it yet"):
        assert told in page
    assert "<script>Bank" not in page


@pytest.mark.parametrize(
    ("begins", "ends", "lasts"),
    [(None, None, True), (0, 60, True), (-60, 1, True), (1, 60, False), (-60, 0, False), (None, -1, False)],
)
def test_only_work_that_is_under_way_counts_as_maintenance(begins: int | None, ends: int | None, lasts: bool) -> None:
    moment = dt.datetime(2026, 11, 28, 16, tzinfo=dt.UTC)

    def told(minutes: int | None) -> str | None:
        return None if minutes is None else (moment + dt.timedelta(minutes=minutes)).isoformat()

    attributes = {
        "name": "KBC Bank", "maintenanceType": "internal", "maintenanceFrom": told(begins), "maintenanceTo": told(ends)
    }  # fmt: skip
    bank = read_institution({"type": "financialInstitution", "id": "kbc", "attributes": attributes})
    assert bank.is_worked_on(moment) is lasts
    without = read_institution({"type": "x", "id": "kbc", "attributes": {**attributes, "maintenanceType": None}})
    assert not without.is_worked_on(moment)
    with pytest.raises(Malformed):
        read_institution({"type": "x", "id": "kbc", "attributes": {**attributes, "maintenanceFrom": "soon"}})


def test_the_search_does_not_call_announced_work_maintenance(company: Company, browser: Client, settings: Any) -> None:
    class Announcing(PublicHub):
        def answer(self, method: str, target: str, authorization: str) -> tuple[int, str]:
            status, body = super().answer(method, target, authorization)
            return status, body.replace('"status"', '"maintenanceFrom": "2999-01-01T00:00:00.000Z", "status"')

    with running(Announcing()) as hub:
        settings.DEFAULT_HUB_URL = hub.url
        page = browser.get(reverse("books:find_bank", args=[company.id]), {"q": "bank"}).content.decode()
    assert "KBC Bank" in page and "In maintenance" not in page


def test_the_search_works_without_an_answer_of_the_hub(company: Company, browser: Client, settings: Any) -> None:
    settings.DEFAULT_HUB_URL = "http://127.0.0.1:9"

    page = browser.get(reverse("books:find_bank", args=[company.id]), {"q": "kbc"}).content.decode()

    assert "The Hub does not answer" in page
    assert reverse("books:add_manually", args=[company.id]) in page
