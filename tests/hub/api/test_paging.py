"""Cursors (hub-api.md section 5), by example and as a property under concurrent inserts."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests import factories
from tests.hub.api.client import BASE, Reply
from tests.hub.api.conftest import Street

from nostro.hub.accounts.models import PendingTransaction, Transaction
from nostro.hub.integrations.services import set_accounts


def ids(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.body
    return [item["id"] for item in reply.json["data"]]


@pytest.fixture
def rows(street: Street) -> list[str]:
    """Ids of 25 transactions, newest first."""
    return [str(row.id) for row in reversed(factories.transactions(street.account, 25))]


@pytest.fixture
def url(street: Street) -> str:
    return f"/accounts/{street.account.id}/transactions"


def test_default_page_is_the_ten_newest_by_creation(street: Street, rows: list[str], url: str) -> None:
    reply = street.caller.get(url)
    assert ids(reply) == rows[:10]
    assert reply.json["meta"]["paging"] == {"limit": 10, "before": None, "after": rows[9]}
    assert reply.json["links"] == {"first": BASE + url, "next": f"{BASE}{url}?after={rows[9]}"}


def test_after_is_older_and_before_is_immediately_newer(street: Street, rows: list[str], url: str) -> None:
    assert ids(street.caller.get(f"{url}?limit=3&after={rows[4]}")) == rows[5:8]
    reply = street.caller.get(f"{url}?limit=3&before={rows[8]}")
    assert ids(reply) == rows[5:8]
    assert reply.json["meta"]["paging"] == {"limit": 3, "before": rows[5], "after": rows[7]}
    assert reply.json["links"] == {
        "first": f"{BASE}{url}?limit=3",
        "prev": f"{BASE}{url}?before={rows[5]}&limit=3",
        "next": f"{BASE}{url}?after={rows[7]}&limit=3",
    }
    assert ids(street.caller.get(f"{url}?before={rows[2]}")) == rows[:2]


def test_both_cursors_give_the_items_between_from_after_on(street: Street, rows: list[str], url: str) -> None:
    first = street.caller.get(f"{url}?limit=3&after={rows[4]}&before={rows[10]}")
    assert ids(first) == rows[5:8]
    second = street.caller.follow(first.json["links"]["next"])
    assert ids(second) == rows[8:10] and "next" not in second.json["links"]


def test_links_are_absent_at_the_ends_and_an_empty_page_has_neither(street: Street, rows: list[str], url: str) -> None:
    oldest = street.caller.get(f"{url}?after={rows[-3]}&limit=2")
    assert ids(oldest) == rows[-2:]
    assert "next" not in oldest.json["links"] and oldest.json["meta"]["paging"]["after"] is None
    newest = street.caller.get(f"{url}?before={rows[2]}&limit=2")
    assert ids(newest) == rows[:2] and "prev" not in newest.json["links"]
    for query in (f"after={rows[-1]}", f"before={rows[0]}"):
        empty = street.caller.get(f"{url}?{query}")
        assert ids(empty) == []
        assert set(empty.json["links"]) == {"first"}
        assert empty.json["meta"]["paging"] == {"limit": 10, "before": None, "after": None}


def test_whole_history_fits_exactly_on_one_page(street: Street, rows: list[str], url: str) -> None:
    reply = street.caller.get(f"{url}?limit=25")
    assert ids(reply) == rows and set(reply.json["links"]) == {"first"}


@pytest.mark.parametrize(
    ("given_limit", "effective"),
    [
        ("500", 100),
        ("0", 10),
        ("-5", 10),
        ("abc", 10),
        ("", 10),
        ("1e3", 10),
        ("7.5", 10),
        ("9" * 5000, 100),
        ("007", 7),
        ("٣", 10),
    ],
)
def test_limit_is_clamped(street: Street, url: str, given_limit: str, effective: int) -> None:
    from urllib.parse import quote

    reply = street.caller.get(f"{url}?limit={quote(given_limit)}")
    assert reply.status == 200 and reply.json["meta"]["paging"]["limit"] == effective


@pytest.mark.parametrize("style", ["page[{}]", "page%5B{}%5D"])
def test_bracket_style_raw_and_encoded_is_answered_in_brackets(
    street: Street, rows: list[str], url: str, style: str
) -> None:
    reply = street.caller.get(f"{url}?{style.format('limit')}=3&{style.format('after')}={rows[0]}")
    assert ids(reply) == rows[1:4]
    assert reply.json["links"]["next"] == f"{BASE}{url}?page[after]={rows[3]}&page[limit]=3"
    assert ids(street.caller.follow(reply.json["links"]["next"])) == rows[4:7]


def test_last_of_a_repeated_parameter_counts_and_unknown_ones_are_ignored(
    street: Street, rows: list[str], url: str
) -> None:
    assert ids(street.caller.get(f"{url}?limit=5&limit=2&foo=bar&after=")) == rows[:2]


def test_unknown_malformed_and_foreign_cursors_are_400_and_never_page_one(street: Street, url: str) -> None:
    foreign = factories.transactions(street.foreign, 1)[0]
    sibling = factories.transactions(street.other, 1)[0]
    for cursor in (
        "x",
        str(uuid.uuid4()),
        str(foreign.id),
        str(sibling.id),
        "%00",
        "%ff",
        "0",
        "a" * 2000,
        str(street.account.id),
    ):
        for name, reported in (("after", "after"), ("before", "before"), ("page[after]", "page[after]")):
            reply = street.caller.get(f"{url}?{name}={cursor}")
            assert (reply.status, reply.code) == (400, "invalidCursor")
            assert reply.json["errors"][0]["meta"]["attribute"] == reported


def test_tombstone_is_not_listed_but_still_a_cursor(street: Street, rows: list[str], url: str) -> None:
    Transaction.objects.filter(id=rows[4]).update(removed_at=factories.NOW)
    reply = street.caller.get(f"{url}?after={rows[4]}&limit=2")
    assert ids(reply) == rows[5:7] and reply.json["meta"]["paging"]["before"] == rows[5]
    assert ids(street.caller.get(f"{url}?before={rows[4]}&limit=2")) == rows[2:4]
    assert rows[4] not in ids(street.caller.get(f"{url}?limit=100"))
    assert street.caller.get(f"{url}/{rows[4]}").code == "resourceNotFound"
    Transaction.objects.filter(id=rows[0]).update(removed_at=factories.NOW)
    assert "prev" not in street.caller.get(f"{url}?after={rows[0]}").json["links"]


def test_climbing_prev_ends_on_the_newest_page_by_absence(street: Street, rows: list[str], url: str) -> None:
    reply = street.caller.get(f"{url}?limit=7&before={rows[-1]}")
    seen = ids(reply)
    for _ in range(10):
        if "prev" not in reply.json["links"]:
            break
        reply = street.caller.follow(reply.json["links"]["prev"] + "&limit=7")  # as OCA 13.0 repeats it
        seen = ids(reply) + seen
    assert seen == rows[:-1] and "prev" not in reply.json["links"]


LISTS = ["transactions", "pending-transactions", "updated-transactions", "updated-pending-transactions"]


@pytest.mark.parametrize("name", LISTS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    stock=st.integers(0, 30),
    limit=st.integers(1, 12),
    inserts=st.lists(st.integers(0, 4), max_size=12),
    withdrawn=st.lists(st.integers(0, 40), max_size=3),
    by_links=st.booleans(),
)
def test_walking_after_misses_and_repeats_nothing_while_rows_are_inserted(
    street: Street, name: str, stock: int, limit: int, inserts: list[int], withdrawn: list[int], by_links: bool
) -> None:
    """Synchronizations add rows, and withdraw some that were read already, between any two pages of the walk."""
    account = factories.account(street.owner.organization)
    run, later = factories.synchronization(account), factories.synchronization(account)
    is_pending = "pending" in name
    model = PendingTransaction if is_pending else Transaction
    make = factories.pending_transactions if is_pending else factories.transactions
    make(account, 3)  # known before the run
    make(account, stock, created_by_synchronization=run.id)
    assert street.caller.integration is not None
    set_accounts(street.owner.user, street.caller.integration.id, [account.id], factories.NOW)
    of_run = name.startswith("updated")
    listed = model.objects.filter(account=account, **({"created_by_synchronization": run.id} if of_run else {}))
    expected = [str(row.id) for row in listed.order_by("-sequence")]
    url = (
        f"/synchronizations/{run.id}/{name}?limit={limit}" if of_run else f"/accounts/{account.id}/{name}?limit={limit}"
    )
    seen: list[str] = []
    reply = street.caller.get(url)
    for turn in range(len(expected) + 2):
        page = ids(reply)
        seen += page
        if turn < len(inserts):
            make(account, inserts[turn], created_by_synchronization=later.id)
        if turn < len(withdrawn) and withdrawn[turn] < len(page):
            model.objects.filter(id=page[withdrawn[turn]]).update(removed_at=factories.NOW, updated_at=factories.NOW)
        if not page or (by_links and "next" not in reply.json["links"]):
            break
        reply = (
            street.caller.follow(reply.json["links"]["next"])
            if by_links
            else street.caller.get(f"{url}&after={seen[-1]}")
        )
    assert seen == expected


def test_accounts_and_institutions_are_walked_alike(street: Street) -> None:
    first = street.caller.get("/accounts/?limit=1")
    assert ids(first) == [str(street.other.id)]
    second = street.caller.follow(first.json["links"]["next"])
    assert ids(second) == [str(street.account.id)] and "next" not in second.json["links"]
    assert ids(street.caller.follow(second.json["links"]["prev"])) == [str(street.other.id)]
    assert street.caller.get(f"/accounts?after={street.hidden.id}").code == "invalidCursor"

    walked: list[str] = []
    reply = street.caller.send("GET", "/financial-institutions?page[limit]=1")
    while True:
        walked += [item["attributes"]["name"] for item in reply.json["data"]]
        if "next" not in reply.json["links"]:
            break
        target = reply.json["links"]["next"].removeprefix(BASE)
        reply = street.caller.send("GET", target)
    assert len(walked) == 4 and [name.lower() for name in walked] == sorted(name.lower() for name in walked)


def test_ponto_connect_uses_brackets_unless_the_caller_does_not(street: Street) -> None:
    reply = street.caller.send("GET", "/ponto-connect/financial-institutions/?filter[country][in]=BE,FR")
    assert reply.json["links"]["first"] == BASE + "/ponto-connect/financial-institutions?filter[country][in]=BE%2CFR"
    for index in range(12):
        factories.institution(name=f"Zed {index}")
    reply = street.caller.send("GET", "/ponto-connect/financial-institutions")
    assert "?page[after]=" in reply.json["links"]["next"]
    reply = street.caller.send("GET", "/ponto-connect/financial-institutions?limit=3")
    assert "?after=" in reply.json["links"]["next"]
