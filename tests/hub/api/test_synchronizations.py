"""Synchronizations (hub-api.md 7.3): what is accepted, refused and told, and repeating with a key (2.6)."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from tests import factories
from tests.hub.api.client import BASE, Reply
from tests.hub.api.conftest import Street
from tests.hub.api.test_paging import ids

from nostro.hub.accounts.models import Account, PendingTransaction, TransactionChange
from nostro.hub.api.models import IdempotentRequest
from nostro.hub.sync.models import Synchronization


def post(street: Street, account: Any = None, *, key: str = "", **attributes: Any) -> Reply:
    given = {
        "resourceType": "account", "resourceId": str((account or street.account).id),
        "subtype": "accountTransactions", **attributes,
    }  # fmt: skip
    given = {name: value for name, value in given.items() if value is not ...}
    headers = {"ibanity_idempotency_key": key} if key else {}
    document = {"data": {"type": "synchronization", "attributes": given}}
    return street.caller.call("POST", "/synchronizations/", document, **headers)


def test_created_run_is_pending_and_has_every_attribute(street: Street) -> None:
    reply = post(street, customerIpAddress="123.123.123.123")
    assert reply.status == 201
    run = reply.json["data"]
    address = f"{BASE}/synchronizations/{run['id']}"
    created = run["attributes"].pop("createdAt")
    assert created.endswith("Z") and run["attributes"].pop("updatedAt").endswith("Z")
    assert run["attributes"] == {
        "status": "pending", "subtype": "accountTransactions", "resourceType": "account",
        "resourceId": str(street.account.id), "customerOnline": True, "errors": [],
    }  # fmt: skip
    assert run["relationships"] == {
        "updatedTransactions": {
            "links": {"related": f"{address}/updated-transactions", "meta": {"type": "transaction"}}
        },
        "updatedPendingTransactions": {
            "links": {"related": f"{address}/updated-pending-transactions", "meta": {"type": "pendingTransaction"}}
        },
    }
    assert "123.123" not in reply.body.decode()
    row = Synchronization.objects.get(id=run["id"])
    assert row.integration_id == street.caller.integration.id and row.trigger == "integration"  # type: ignore[union-attr]


def test_get_has_status_also_at_the_top(street: Street) -> None:
    run = post(street).json["data"]
    reply = street.caller.get(f"/synchronizations/{run['id']}")
    assert reply.status == 200 and reply.json["status"] == "pending"
    assert reply.json["data"]["id"] == run["id"] and reply.json["data"]["attributes"]["status"] == "pending"


@pytest.mark.parametrize("address", [..., None, "", "123.123.123.123", "2001:db8::1"])
def test_missing_address_is_accepted_and_means_unattended(street: Street, address: Any) -> None:
    reply = post(street, customerIpAddress=address)
    assert reply.status == 201
    assert reply.json["data"]["attributes"]["customerOnline"] is bool(address and address is not ...)


@pytest.mark.parametrize(
    ("attributes", "attribute"),
    [
        ({"customerIpAddress": "nowhere"}, "customerIpAddress"),
        ({"customerIpAddress": 5}, "customerIpAddress"),
        ({"customerIpAddress": "1.2.3.4\x00"}, "customerIpAddress"),
        ({"customerIpAddress": ["1.2.3.4"]}, "customerIpAddress"),
        ({"resourceType": "card"}, "resourceType"),
        ({"resourceType": ...}, "resourceType"),
        ({"subtype": "everything"}, "subtype"),
        ({"subtype": ["accountDetails"]}, "subtype"),
        ({"subtype": {}}, "subtype"),
        ({"subtype": ...}, "subtype"),
    ],
)
def test_wrong_attributes_are_named(street: Street, attributes: dict[str, Any], attribute: str) -> None:
    reply = post(street, **attributes)
    assert (reply.status, reply.code) == (400, "validationError")
    error = reply.json["errors"][0]
    assert error["meta"]["attribute"] == attribute
    assert error["source"]["pointer"] == f"/data/attributes/{attribute}"
    assert not Synchronization.objects.exists()


def test_unknown_foreign_removed_and_deprecated_accounts_are_400(street: Street) -> None:
    Account.objects.filter(id=street.other.id).update(deprecated=True)
    for account in (street.foreign, street.hidden, street.other):
        assert post(street, account).code == "invalidSynchronizationResource"
    for resource_id in (str(uuid.uuid4()), "x", None, 5, "\x00", ...):
        reply = post(street, resourceId=resource_id)
        assert (reply.status, reply.code) == (400, "invalidSynchronizationResource")
    Account.objects.filter(id=street.account.id).update(removed_at=factories.NOW)
    assert post(street).code == "invalidSynchronizationResource"


def test_snake_case_and_wrong_types_are_accepted_and_camel_case_wins(street: Street) -> None:
    attributes = {
        "resource_type": "account", "resource_id": str(uuid.uuid4()), "resourceId": str(street.account.id),
        "subtype": "accountDetails", "customer_ip_address": "123.123.123.123", "unknown": {"deep": [1]},
    }  # fmt: skip
    document = {"data": {"type": "account", "attributes": attributes, "id": 5}, "extra": None}
    reply = street.caller.call("POST", "/synchronizations", document)
    assert reply.status == 201 and reply.json["data"]["attributes"]["customerOnline"] is True


def test_run_that_is_under_way_is_joined_and_said_to_be_pending(street: Street) -> None:
    running = factories.synchronization(street.account, status="running", finished_at=None)
    reply = post(street)
    assert reply.status == 201 and reply.json["data"]["id"] == str(running.id)
    assert reply.json["data"]["attributes"]["status"] == "pending"
    assert street.caller.get(f"/synchronizations/{running.id}").json["status"] == "running"


def test_too_soon_is_400_and_not_429(street: Street) -> None:
    assert post(street).status == 201
    reply = post(street)
    assert (reply.status, reply.code) == (400, "accountRecentlySynchronized")


# --- what a run changed ---------------------------------------------------------------------------------------


def test_updates_of_a_run_are_what_it_created_and_changed(street: Street) -> None:
    run = factories.synchronization(street.account)
    old = factories.transactions(street.account, 4)
    new = factories.transactions(street.account, 3, created_by_synchronization=run.id)
    TransactionChange.objects.create(
        organization=street.owner.organization, transaction=old[1], synchronization_id=run.id, kind="modified",
        before={}, after={},
    )  # fmt: skip
    reply = street.caller.get(f"/synchronizations/{run.id}/updated-transactions?limit=3")
    assert ids(reply) == [str(row.id) for row in reversed(new)]
    assert set(reply.json["meta"]) == {"paging", "synchronizedAt"}
    second = street.caller.follow(reply.json["links"]["next"])
    assert ids(second) == [str(old[1].id)] and "next" not in second.json["links"]
    outside = street.caller.get(f"/synchronizations/{run.id}/updated-transactions?after={old[0].id}")
    assert outside.status == 200  # a cursor of the account's list is a cursor here, and nothing is older


def test_updated_pending_rows_are_those_of_the_run(street: Street) -> None:
    run, next_run = (factories.synchronization(street.account) for _ in range(2))
    rows = factories.pending_transactions(street.account, 2, created_by_synchronization=run.id)
    factories.pending_transactions(street.account, 1, created_by_synchronization=next_run.id)
    factories.pending_transactions(street.account, 1)
    PendingTransaction.objects.filter(id=rows[1].id).update(removed_at=factories.NOW)
    reply = street.caller.get(f"/synchronizations/{run.id}/updated-pending-transactions")
    assert ids(reply) == [str(rows[0].id)] and reply.json["data"][0]["type"] == "pendingTransaction"


def test_updates_are_empty_before_the_end_and_after_90_days(street: Street) -> None:
    run = factories.synchronization(street.account, status="running", finished_at=None)
    factories.transactions(street.account, 1, created_by_synchronization=run.id)
    url = f"/synchronizations/{run.id}/updated-transactions"
    assert ids(street.caller.get(url)) == []
    for days, length in ((89, 1), (90, 0)):
        ended = street.caller.now - dt.timedelta(days=days)
        Synchronization.objects.filter(id=run.id).update(status="success", finished_at=ended)
        assert len(ids(street.caller.get(url))) == length


# --- idempotency ----------------------------------------------------------------------------------------------


def test_repeated_key_gives_the_same_answer_and_no_second_run(street: Street) -> None:
    first = post(street, key="abc")
    again = post(street, key="abc")
    assert first.status == again.status == 201 and first.body == again.body
    assert "idempotent-replayed" not in first.headers and again.headers["idempotent-replayed"] == "true"
    assert first.headers["ibanity-request-id"] != again.headers["ibanity-request-id"]
    assert Synchronization.objects.count() == 1


def test_key_with_another_body_is_refused_and_is_another_key_for_others(street: Street) -> None:
    assert post(street, key="abc").status == 201
    assert post(street, street.other, key="abc").code == "idempotencyKeyReused"
    street.caller, street.neighbour = street.neighbour, street.caller
    assert post(street, street.foreign, key="abc").status == 201


def test_refusals_are_not_stored(street: Street) -> None:
    assert post(street, key="abc", subtype="x").code == "validationError"
    assert post(street, key="abc").status == 201
    assert post(street, key="def").code == "accountRecentlySynchronized"
    assert IdempotentRequest.objects.count() == 1


def test_key_is_forgotten_after_24_hours(street: Street) -> None:
    assert post(street, key="abc").status == 201
    Synchronization.objects.update(
        created_at=factories.NOW - dt.timedelta(days=1), status="success", finished_at=factories.NOW
    )
    street.caller.now += dt.timedelta(hours=24)
    street.caller.log_in()
    reply = post(street, street.other, key="abc")
    assert reply.status == 201 and "idempotent-replayed" not in reply.headers


@pytest.mark.parametrize("key", ["x" * 256, "a\x00b", "a\nb"])
def test_impossible_keys_are_400(street: Street, key: str) -> None:
    assert post(street, key=key).code == "validationError"


def test_failure_inside_is_remembered_and_undone(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    from nostro.hub.api import resources

    real = resources.request_synchronization

    def fail(*args: Any, **kwargs: Any) -> None:
        real(*args, **kwargs)
        raise RuntimeError("after the row was written")

    monkeypatch.setattr(resources, "request_synchronization", fail)
    first = post(street, key="abc")
    assert (first.status, first.code) == (500, "internalServerError") and not Synchronization.objects.exists()
    monkeypatch.setattr(resources, "request_synchronization", real)
    assert post(street, key="abc").headers["idempotent-replayed"] == "true"
    assert post(street).status == 201


@pytest.mark.django_db(transaction=True)
def test_same_key_while_the_first_request_runs_is_409(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    from django.db import connection

    from nostro.hub.api import resources

    real, inside, replies = resources.request_synchronization, threading.Event(), []
    go_on = threading.Event()

    def slow(*args: Any, **kwargs: Any) -> Any:
        inside.set()
        assert go_on.wait(10)
        return real(*args, **kwargs)

    def first() -> None:
        replies.append(post(street, key="abc"))
        connection.close()

    monkeypatch.setattr(resources, "request_synchronization", slow)
    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(10)
    second = post(street, key="abc")
    go_on.set()
    thread.join(10)
    assert (second.status, second.code) == (409, "idempotencyKeyInProgress")
    assert replies[0].status == 201 and Synchronization.objects.count() == 1


def test_what_stands_for_the_first_run_of_an_account_can_be_asked_for(street: Street) -> None:
    shown = street.caller.get(f"/accounts/{street.account.id}").json["data"]["meta"]["latestSynchronization"]
    address = f"/synchronizations/{shown['id']}"
    waiting = street.caller.get(address)
    assert waiting.status == 200 and waiting.json["status"] == "pending"
    assert {name: waiting.json["data"][name] for name in shown} == shown
    assert street.caller.get(f"{address}/updated-transactions").json["data"] == []
    assert street.neighbour.get(address).status == 404
    run = post(street).json["data"]
    Synchronization.objects.filter(id=run["id"]).update(status="success")
    afterwards = street.caller.get(address).json
    assert afterwards["status"] == "success" and afterwards["data"]["id"] == shown["id"]
