"""The list of all transactions: search, filters, order, pages, download; and one of them in every detail."""

from __future__ import annotations

import csv
import datetime as dt
import html
import io
import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from tests import factories
from tests.hub.pages.conftest import MONEY, TODAY, World, browser, make_world

from nostro.hub.pages.bank_codes import bank_code_words
from nostro.hub.pages.transactions import account_number

HOSTILE = '<script>alert("x")</script>\u202egnp.exe\u2066 & "quoted"'


def _list(world: World) -> str:
    return reverse("hub:transactions", kwargs={"organization_id": world.organization.id})


def _download(client: Client, world: World, **query: str) -> list[list[str]]:
    address = reverse("hub:transactions_csv", kwargs={"organization_id": world.organization.id})
    response: Any = client.get(address, {"mode": "sandbox", **query})
    assert response.status_code == 200
    content = b"".join(response.streaming_content)
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def _names(page: str) -> list[str]:
    return re.findall(r'<a href="/hub/transactions/[0-9a-f-]+/"><bdi class="text">([^<]*)</bdi>', page)


def _get(client: Client, world: World, **query: str) -> str:
    response = client.get(_list(world), {"mode": "sandbox", **query})
    assert response.status_code == 200
    return response.content.decode()


def _figures(page: str) -> str:
    """What a person sees of a page: no markup."""
    return html.unescape(re.sub(r"<[^>]+>", "", page))


@pytest.mark.parametrize("currency", MONEY)
@pytest.mark.parametrize("mode", ["sandbox", "live"])
def test_every_page_with_money_shows_the_decimals_of_the_currency(db: None, mode: str, currency: str) -> None:
    world = make_world(is_sandbox=mode == "sandbox")
    client, written = browser(world.owner), MONEY[currency][1]
    addresses = {
        "accounts": reverse("hub:accounts", kwargs={"organization_id": world.organization.id, "mode": mode}),
        "account": reverse("hub:account", kwargs={"account_id": world.accounts[currency].id}),
        "transactions": f"{_list(world)}?mode={mode}",
        "transaction": reverse("hub:transaction", kwargs={"transaction_id": world.transactions[currency].id}),
    }
    for name, address in addresses.items():
        seen = _figures(client.get(address).content.decode())
        assert re.search(rf"−{re.escape(written)} {currency}\b", seen), name
        assert not re.search(rf"{re.escape(written)}[\d.,]", seen), name


def test_the_import_page_and_the_front_page_show_money_of_every_currency(db: None) -> None:
    world = make_world(is_sandbox=False)
    factories.membership(factories.organization(name="Second"), world.owner)
    front = _figures(browser(world.owner).get(reverse("hub:overview")).content.decode())
    world.authorisation.status = "finished"
    world.authorisation.save()
    arrived = _figures(
        browser(world.owner)
        .get(reverse("hub:first_import", kwargs={"authorisation_id": world.authorisation.id}))
        .content.decode()
    )
    for currency, (_, written) in MONEY.items():
        assert f"−{written} {currency}" in front
        assert f"−{written} {currency}" in arrived


def test_live_and_sandbox_are_never_mixed(world: World) -> None:
    client = browser(world.owner)
    assert "Rice Ltd" in _get(client, world)
    assert "Rice Ltd" not in client.get(_list(world), {"mode": "live"}).content.decode()


def test_hostile_text_is_shown_as_text_and_cannot_turn_its_surroundings(world: World) -> None:
    transaction = factories.transactions(
        world.account, 1, start=TODAY, counterpart_name=HOSTILE[:200], remittance_information=HOSTILE,
        remittance_unstructured=[HOSTILE], additional_information=HOSTILE, end_to_end_id=HOSTILE[:140],
        creditor_agent=HOSTILE[:70], counterpart_reference=HOSTILE[:70],
    )[0]  # fmt: skip
    factories.pending_transactions(world.account, 1, counterpart_name=HOSTILE[:200], remittance_information=HOSTILE)
    client = browser(world.owner)
    pages = {
        "list": _get(client, world),
        "one": client.get(reverse("hub:transaction", kwargs={"transaction_id": transaction.id})).content.decode(),
        "account": client.get(reverse("hub:account", kwargs={"account_id": world.account.id})).content.decode(),
        "search": _get(client, world, q=HOSTILE),
    }
    for name, page in pages.items():
        assert "<script>alert" not in page, name
    for name in ("list", "one", "account"):
        assert "&lt;script&gt;" in pages[name], name
        outside = re.sub(r"<bdi[^>]*>.*?</bdi>|<title>.*?</title>|<h1>.*?</h1>", "", pages[name], flags=re.S)
        assert "\u202e" not in outside, f"{name}: right-to-left marks outside their isolation"


def test_ten_kilobytes_of_text_do_not_hide_the_page(world: World) -> None:
    long = "x" * 10_000
    transaction = factories.transactions(
        world.account, 1, start=TODAY, remittance_information=long, remittance_unstructured=[long]
    )[0]
    client = browser(world.owner)
    assert len(_get(client, world)) < 40_000
    page = client.get(reverse("hub:transaction", kwargs={"transaction_id": transaction.id})).content.decode()
    assert long in page


def test_all_rows_come_exactly_once_through_all_pages_and_back(world: World) -> None:
    factories.transactions(world.account, 120, start=dt.date(2026, 3, 1))
    client = browser(world.owner)
    everything = [row[-1] for row in _download(client, world)[1:]]
    assert len(everything) == 123
    for sort in ("-date", "date", "-amount", "amount"):
        address, pages = f"{_list(world)}?mode=sandbox&sort={sort}", []
        for _ in range(10):
            page = client.get(address).content.decode()
            pages.append(re.findall(r'href="/hub/transactions/([0-9a-f-]{36})/"', page))
            older = re.search(r'rel="next" href="([^"]+)"', page)
            if not older:
                break
            address = _list(world) + html.unescape(older[1])
        assert [len(each) for each in pages] == [50, 50, 23]
        assert sorted(each for page_ids in pages for each in page_ids) == sorted(everything)
        newer = re.search(r'rel="prev" href="([^"]+)"', page)
        assert newer
        back = client.get(_list(world) + html.unescape(newer[1])).content.decode()
        assert re.findall(r'href="/hub/transactions/([0-9a-f-]{36})/"', back) == pages[1]


@pytest.mark.parametrize("sort", ["-date", "amount"])
@pytest.mark.parametrize(
    "cursor", ["nonsense", "after:2026-13-01:1", "after:1:2:3", "before:x:9", "after:1E999999:1", "after:NaN:1", "::"]
)
def test_a_wrong_cursor_is_a_clear_message(world: World, cursor: str, sort: str) -> None:
    response = browser(world.owner).get(_list(world), {"mode": "sandbox", "cursor": cursor, "sort": sort})
    assert response.status_code == 400
    page = response.content.decode()
    assert "This place in the list does not exist." in page
    assert "Start again from the first page." in page
    assert "invalidCursor" in page


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (">100", ["Cash BV", "Bolt"]),
        ("<=20,50", ["Amber"]),
        ("amber", ["Amber"]),
        ("2026-05", ["Bolt"]),
        ("2026-05-02", ["Bolt"]),
        ("+++090/9337/55493+++", ["Cash BV"]),
        ("+", ["Cash BV"]),
        ("BE71 0961 2345 6769", []),
        ("BE71096123456769", ["Amber"]),
        ("nothing like it", []),
    ],
)
def test_the_search_box_understands_amounts_names_months_and_references(
    world: World, search: str, found: list[str]
) -> None:
    world.account.transactions.all().delete()
    for number, name, amount, day, fields in (
        (1, "Amber", "-20.50", dt.date(2026, 3, 1), {"counterpart_reference": "BE71 0961 2345 6769"}),
        (2, "Bolt", "-100.01", dt.date(2026, 5, 2), {}),
        (3, "Cash BV", "500.00", dt.date(2026, 6, 3), {"remittance_structured": ["090933755493"]}),
    ):
        assert number
        factories.transactions(
            world.account, 1, start=day, booking_date=day, value_date=day, counterpart_name=name,
            remittance_information="", amount=Decimal(amount), **fields,
        )  # fmt: skip
    names = _names(_get(browser(world.owner), world, q=search, account=str(world.account.id)))
    if search == "BE71 0961 2345 6769":
        # Four words that must all occur: the bank wrote the number with the same spaces.
        assert names == ["Amber"]
    else:
        assert sorted(names) == sorted(found)


def test_filters_keep_what_was_typed_and_narrow_the_list(world: World) -> None:
    client = browser(world.owner)
    page = _get(client, world, account=str(world.accounts["JPY"].id), direction="debit", amount_from="1000", q="rice")
    assert page.count("/hub/transactions/0") == 1
    assert 'value="rice"' in page
    assert f'value="{world.accounts["JPY"].id}" selected' in page
    assert 'value="debit" selected' in page
    assert 'value="1000"' in page


@pytest.mark.parametrize(
    "wrong", [{"date_from": "2026-99-99"}, {"amount_from": "lots"}, {"account": "0192f0c1"}, {"q": "a\x00b"}]
)
def test_a_filter_that_cannot_be_read_is_told_and_shows_nothing_else(world: World, wrong: dict[str, str]) -> None:
    client = browser(world.owner)
    page = _get(client, world, **wrong)
    assert "This filter cannot be read" in page
    assert "Rice Ltd" not in page
    address = reverse("hub:transactions_csv", kwargs={"organization_id": world.organization.id})
    refused = client.get(address, {"mode": "sandbox", **wrong})
    assert refused.status_code == 400
    assert "filterInvalid" in refused.content.decode()


def test_an_unknown_order_is_the_usual_one(world: World) -> None:
    assert _names(_get(browser(world.owner), world, sort="'; DROP")) == ["Rice Ltd"] * 3


def test_the_download_is_the_filtered_list_with_exact_amounts(world: World) -> None:
    client = browser(world.owner)
    head, *rows = _download(client, world)
    at = {name: position for position, name in enumerate(head)}
    amounts = {row[at["Currency"]]: row[at["Amount"]] for row in rows}
    assert amounts == {"EUR": "-1234.50", "JPY": "-5678", "KWD": "-9876.543"}
    only = _download(client, world, account=str(world.accounts["KWD"].id))
    assert [row[at["Currency"]] for row in only[1:]] == ["KWD"]
    response = client.get(reverse("hub:transactions_csv", kwargs={"organization_id": world.organization.id}))
    assert response["Content-Disposition"] == 'attachment; filename="transactions.csv"'
    assert response["Content-Type"] == "text/csv; charset=utf-8"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_download_holds_nothing_that_a_spreadsheet_would_execute(world: World, start: str) -> None:
    factories.transactions(
        world.account, 1, start=TODAY, counterpart_name=f'{start}HYPERLINK("http://evil.example")',
        remittance_information=f"{start}1+1",
    )  # fmt: skip
    for row in _download(browser(world.owner), world)[1:]:
        for position, cell in enumerate(row):
            if position != 2:  # the amount is a number
                assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")), cell


def test_a_download_holds_nothing_of_another_organization(world: World) -> None:
    foreign = factories.account(factories.organization(name="Next door but one"))
    factories.transactions(foreign, 3, counterpart_name="Neighbour's secret")
    rows = _download(browser(world.owner), world)
    assert len(rows) == 4
    assert "Neighbour" not in str(rows)
    refused = browser(world.owner).get(_list(world), {"mode": "sandbox", "account": str(foreign.id)})
    assert "This filter cannot be read" in refused.content.decode()


def test_the_head_of_a_day_gives_its_sum_for_each_currency(world: World) -> None:
    page = _figures(_get(browser(world.owner), world))
    for currency, (_, written) in MONEY.items():
        assert page.count(f"−{written} {currency}") >= 2, "once for the day, once for the row"


def test_what_the_bank_changed_afterwards_and_withdrew_is_told(world: World) -> None:
    transaction = world.transactions["EUR"]
    transaction.removed_at = factories.NOW
    transaction.save()
    page = (
        browser(world.owner).get(reverse("hub:transaction", kwargs={"transaction_id": transaction.id})).content.decode()
    )
    assert "The bank withdrew this transaction." in page


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("PMNT-ICDT-ESCT", "Issued credit transfer, SEPA credit transfer (PMNT-ICDT-ESCT)"),
        ("PMNT-RDDT-OTHR", "Received direct debit (PMNT-RDDT-OTHR)"),
        ("LDAS-NTAV-NTAV", "Loan or deposit (LDAS-NTAV-NTAV)"),
        ("PMNT", "Payment (PMNT)"),
        ("XX<b>-1", "XX<b>-1"),
        (None, ""),
    ],
)
def test_the_kind_of_a_transaction_is_told_in_words(code: str | None, words: str) -> None:
    assert bank_code_words(code) == words


def test_the_number_of_the_other_account_is_grouped_only_when_it_is_an_iban() -> None:
    assert "BE68 5390 0754 7034" in account_number("BE68539007547034")
    assert account_number("4920 17<b>") == "4920 17<b>" and account_number(None) == ""


def test_accounts_of_one_bank_stand_under_one_heading_whatever_the_connection(world: World) -> None:
    other = factories.connection(world.organization, world.institution, is_sandbox=True)
    factories.account(world.organization, connection=other, is_sandbox=True)
    address = reverse("hub:accounts", kwargs={"organization_id": world.organization.id, "mode": "sandbox"})
    page = browser(world.owner).get(address).content.decode()
    assert page.count("Bank of Ghent</bdi></h2>") == 1 and page.count('class="table__name"') == 4


def test_show_all_is_offered_only_when_something_is_narrowed(world: World) -> None:
    client = browser(world.owner)
    assert "Show all" not in _get(client, world, sort="amount")
    assert "Show all" in _get(client, world, q="nobody")
