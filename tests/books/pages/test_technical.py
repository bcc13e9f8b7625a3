"""Developer mode (books.md 6): ids, cursor and watermark, what the Hub sent, and signs that a bank sends wrongly."""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from tests.books.conftest import NOW
from tests.books.hub_server import Booked, ScriptedHub
from tests.books.pages.conftest import House
from tests.books.steps import fetch

from nostro.books.companies.models import Company
from nostro.books.journals.models import Line
from nostro.books.links.models import OnlineAccount, RawTransaction, Run
from nostro.people.models import AuditRecord


def shown(browser: Client, name: str, key: object, query: str = "") -> str:
    return html.unescape(browser.get(reverse(f"books:{name}", args=[key]) + query).content.decode())


def test_it_names_where_reading_stands(house: House, browser: Client) -> None:
    account = OnlineAccount.objects.get()
    assert reverse("books:technical", args=[house.connection.id]) in shown(browser, "connection", house.connection.id)
    page = shown(browser, "technical", house.connection.id)
    for fact in (account.hub_account_id, account.identity, account.cursor, Run.objects.get().id, "12 Nov 2026"):
        assert str(fact) in page


def test_payloads_are_shown_with_their_digits_and_in_pages(
    house: House, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nostro.books.pages.technical.RAW_PAGE", 3)
    RawTransaction.objects.filter(payload__contains="1100.00").update(payload='{"amount": 1100.000000000000000001}')
    RawTransaction.objects.filter(payload__contains="-50.00").update(payload="broken <script>alert(1)</script>")
    key = house.link.online_account_id
    first = browser.get(reverse("books:raw", args=[key]))
    older = shown(browser, "raw", key, first.context["older"])
    both = html.unescape(first.content.decode()) + older
    assert first.content.decode().count("<pre") == 3
    assert older.count("<pre") == 1
    assert '"amount": 1100.000000000000000001' in both
    assert "<script>alert(1)" not in first.content.decode()
    assert shown(browser, "raw", key, "?before=x").count("<pre") == 3


def test_turned_signs_count_for_new_lines_only(house: House, browser: Client, hub: ScriptedHub) -> None:
    before = sorted(Line.objects.values_list("amount", flat=True))
    address = reverse("books:invert_signs", args=[house.link.online_account_id])
    assert browser.post(address, {"transactions": "on"}).status_code == 302
    assert browser.post(address, {"transactions": "on"}).status_code == 302
    hub.accounts[0].transactions.insert(0, Booked("t9", "2026-11-12", "30.00", "Fee"))
    fetch(house.link, NOW + dt.timedelta(days=1))
    assert sorted(Line.objects.values_list("amount", flat=True)) == sorted([*before, Decimal("-30.00")])
    assert AuditRecord.objects.filter(action="account.signs").count() == 1


@pytest.mark.parametrize("role", ["reader", "clerk"])
def test_who_may_not_correct_sees_and_turns_nothing(
    role: str, house: House, member: Callable[[Company, str], Client]
) -> None:
    client = member(house.company, role)
    page = shown(client, "technical", house.connection.id)
    assert "Turn the sign" not in page
    assert client.post(reverse("books:invert_signs", args=[house.link.online_account_id])).status_code == 403
