"""The exact requests of known clients (hub-api.md section 11), byte for byte, and what each of them needs back."""

from __future__ import annotations

import base64
import datetime as dt
import re
from decimal import Decimal
from typing import Any

import pytest
from tests import factories
from tests.hub.api.client import BASE, Caller, Reply, caller_for

from nostro.hub.accounts.models import Account
from nostro.hub.sync.models import Synchronization

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def account(db: None) -> Account:
    account = factories.account()
    factories.synchronization(account, created_at=factories.NOW - dt.timedelta(hours=6))
    factories.transactions(account, 7)
    factories.pending_transactions(account, 1)
    return account


@pytest.fixture
def caller(account: Account) -> Caller:
    return caller_for(factories.membership(account.organization), [account])


def keys(document: Any) -> set[str]:
    return set(document)


class PontoGem:
    """The official ``ponto`` gem 2.1 (11.1): its requests, and how it reads answers."""

    headers = {"accept": "application/json", "content_type": "application/json"}

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.links = self.parse(caller.send("GET", "/", authorization="Bearer ", **self.headers))["links"]

    def parse(self, reply: Reply) -> Any:
        document = reply.json  # without looking at the status, as the gem does
        assert "attributes" not in document  # it would take the envelope for the resource
        return document

    def log_in(self) -> None:
        assert self.caller.integration is not None
        pair = f"{self.caller.integration.client_id}:{self.caller.secret}"
        reply = self.caller.send(
            "POST", self.path(self.links["oauth2"]["token"]), b"grant_type=client_credentials",
            authorization="Basic " + base64.b64encode(pair.encode()).decode(), content_type=FORM,
            accept="application/json",
        )  # fmt: skip
        self.caller.token = self.parse(reply)["access_token"]

    def path(self, template: str, **ids: str) -> str:
        """Placeholders become ids, or nothing: which leaves the trailing slash."""
        assert template.startswith(BASE)
        return re.sub(r"\{(\w+)\}", lambda match: ids.get(match.group(1), ""), template.removeprefix(BASE))

    def get(self, path: str) -> Any:
        return self.parse(self.caller.send("GET", path, authorization=f"Bearer {self.caller.token}", **self.headers))


def test_ponto_gem(caller: Caller, account: Account) -> None:
    gem = PontoGem(caller)
    gem.log_in()
    path = gem.path(gem.links["accounts"])
    assert path == "/accounts/"
    listed = gem.get(f"{path}?limit=5")
    found = listed["data"][0]
    assert found["id"] == str(account.id) and listed["links"]["first"] == f"{BASE}/accounts?limit=5"
    assert not keys(found["meta"]) & keys(found["attributes"])  # the gem merges both
    one = gem.get(gem.path(gem.links["accounts"], accountId=found["id"]))["data"]
    assert one == found

    related = one["relationships"]["transactions"]["links"]
    assert related["meta"]["type"] == "transaction"
    newest = gem.get(gem.path(related["related"]))
    assert len(newest["data"]) == 7
    rows = gem.path(gem.links["account"]["transactions"], accountId=found["id"])
    assert rows == f"/accounts/{account.id}/transactions/"
    second = gem.get(f"{rows}?limit=2&after={newest['data'][1]['id']}")
    assert [row["id"] for row in second["data"]] == [row["id"] for row in newest["data"][2:4]]
    row = gem.get(
        gem.path(gem.links["account"]["transactions"], accountId=found["id"], transactionId=second["data"][0]["id"])
    )
    assert row["data"] == second["data"][0]
    pending = gem.path(gem.links["account"]["pendingTransactions"], accountId=found["id"])
    assert pending.endswith("/pending-transactions/") and len(gem.get(pending)["data"]) == 1

    institution = one["relationships"]["financialInstitution"]
    assert all(isinstance(link, str) for link in institution["links"].values())
    assert gem.get(gem.path(institution["links"]["related"]))["data"]["id"] == institution["data"]["id"]


def test_ponto_gem_reads_institutions_with_an_empty_bearer(caller: Caller, account: Account) -> None:
    for path in ("/financial-institutions/", f"/financial-institutions/{account.institution_id}"):
        reply = caller.send("GET", path, authorization="Bearer ", **PontoGem.headers)
        assert reply.status == 200 and reply.json["data"]
    wrong = caller.send("GET", "/", authorization="Bearer wrong", **PontoGem.headers)
    assert wrong.status == 401 and wrong.code == "credentialsInvalid"


def test_ponto_gem_synchronizes(caller: Caller, account: Account) -> None:
    gem = PontoGem(caller)
    path = gem.path(gem.links["synchronizations"])
    body = (
        b'{"data":{"type":"synchronization","attributes":{"resourceType":"account","resourceId":"%b",'
        b'"subtype":"accountDetails","customerIpAddress":"123.123.123.123"}}}'
    ) % str(account.id).encode()
    headers = {**PontoGem.headers, "authorization": f"Bearer {caller.token}"}
    reply = caller.send("POST", path, body, **headers)
    assert path == "/synchronizations/" and reply.status == 201
    run = reply.json["data"]
    assert gem.get(gem.path(gem.links["synchronizations"], synchronizationId=run["id"]))["data"]["id"] == run["id"]
    for name in ("updatedTransactions", "updatedPendingTransactions"):
        address = gem.path(gem.links["synchronization"][name], synchronizationId=run["id"])
        assert address == gem.path(run["relationships"][name]["links"]["related"])
        assert gem.get(address)["data"] == []
    deleted = caller.send("DELETE", f"/accounts/{account.id}", **headers)
    assert deleted.status == 200 and deleted.json["data"]["id"] == str(account.id)


class OcaPonto:
    """OCA ``account_statement_import_online_ponto`` (11.3). Any status but 200 and 201 is fatal to it."""

    def __init__(self, caller: Caller) -> None:
        assert caller.integration is not None
        self.caller = caller
        login = f"{caller.integration.client_id}:{caller.secret}"
        # requests.post(url, params=..., auth=...): no body, and a Content-Length of 0.
        reply = caller.send(
            "POST", "/oauth2/token?grant_type=client_credentials", b"", content_length="0", content_type=FORM,
            authorization="Basic " + base64.b64encode(login.encode()).decode(), accept="application/json",
        )  # fmt: skip
        data = self.data(reply)
        self.token, self.expires_in = data["access_token"], data["expires_in"]

    @staticmethod
    def data(reply: Reply) -> Any:
        assert reply.status in {200, 201}
        assert "charset=utf-8" in reply.headers["content-type"]  # else response.text damages accents
        return reply.json

    def get(self, target: str) -> Any:
        headers = {
            "authorization": f"Bearer {self.token}",
            "accept": "application/json",
            "content_type": "application/json",
        }
        return self.data(self.caller.send("GET", target, **headers))


@pytest.mark.parametrize("currency", ["EUR", "JPY", "KWD"])
def test_oca_16_to_19_pull_until_an_empty_page(currency: str, db: None) -> None:
    account = factories.account(currency=currency)
    rows = [str(row.id) for row in reversed(factories.transactions(account, 230))]
    oca = OcaPonto(caller_for(factories.membership(account.organization), [account]))
    assert oca.expires_in == 1799
    references = {
        re.sub(r"[^A-Z0-9]", "", a["attributes"]["reference"].upper()): a["id"]
        for a in oca.get("/accounts?limit=100")["data"]
    }
    url = f"/accounts/{references[account.reference]}/transactions?limit=100"
    seen: list[Any] = []
    page = oca.get(url)["data"]
    while page:
        seen += page
        page = oca.get(f"{url}&after={page[-1]['id']}")["data"]
    assert [item["id"] for item in seen] == rows
    for item in seen:
        attributes = item["attributes"]
        dt.datetime.strptime(attributes["executionDate"], "%Y-%m-%dT%H:%M:%S.%fZ")
        dt.datetime.strptime(attributes["valueDate"], "%Y-%m-%dT%H:%M:%S.%fZ")
        assert attributes["amount"] == factories.AMOUNTS[currency] and isinstance(attributes["amount"], Decimal)
        assert attributes["remittanceInformation"] is not None


def test_oca_12_synchronizes_first_and_polls_the_status_at_the_top(caller: Caller, account: Account) -> None:
    oca = OcaPonto(caller)
    body = (
        b'{"data": {"type": "synchronization", "attributes": {"resourceType": "account", "resourceId": "%b", '
        b'"subtype": "accountTransactions"}}}'
    )
    headers = {"authorization": f"Bearer {oca.token}", "accept": "application/json", "content_type": "application/json"}
    reply = caller.send("POST", "/synchronizations", body % str(account.id).encode(), **headers)
    run_id = oca.data(reply)["data"]["id"]
    assert oca.get(f"/synchronizations/{run_id}")["status"] == "pending"
    Synchronization.objects.filter(id=run_id).update(status="success", finished_at=caller.now)
    assert oca.get(f"/synchronizations/{run_id}")["status"] == "success"
    again = caller.send("POST", "/synchronizations", body % str(account.id).encode(), **headers)
    assert again.status == 400 and again.json["errors"]  # OCA 12.0, 13.0 and 15.0 go on after exactly this


def test_oca_13_and_15_climb_from_a_stored_id_by_prev(caller: Caller, account: Account) -> None:
    oca = OcaPonto(caller)
    url = f"/accounts/{account.id}/transactions"
    history: list[str] = []
    reply = oca.get(f"{url}?limit=3")
    while True:  # the first run walks the whole history by links.next, adding limit again
        history += [item["id"] for item in reply["data"]]
        if not reply["links"].get("next"):
            break
        reply = oca.get(reply["links"]["next"].removeprefix(BASE) + "&limit=3")
    assert len(history) == 7
    stored = history[0]
    new = [str(row.id) for row in factories.transactions(account, 250, start=dt.date(2026, 2, 1))]
    seen: list[str] = []
    target = f"{url}?limit=100&before={stored}"
    for _ in range(10):
        reply = oca.get(target)
        seen += [item["id"] for item in reversed(reply["data"])]
        if "prev" not in reply["links"]:
            break
        target = reply["links"]["prev"].removeprefix(BASE) + "&limit=100"
    assert seen == new


def test_odoo_13_connector(caller: Caller, account: Account) -> None:
    oca_style = OcaPonto(caller)  # the same token call with an empty body
    headers = {"authorization": f"Bearer {oca_style.token}"}
    for subtype in ("accountTransactions", "accountDetails"):
        Synchronization.objects.update(created_at=caller.now - dt.timedelta(hours=1), status="success")
        document = {
            "data": {"attributes": {"resourceType": "account", "resourceId": str(account.id), "subtype": subtype}}
        }
        created = caller.call("POST", "/synchronizations", document, **headers)
        assert created.status == 201 and created.json["data"]["attributes"]["status"] == "pending"
        Synchronization.objects.filter(id=created.json["data"]["id"]).update(status="success", finished_at=caller.now)
        polled = caller.get(f"/synchronizations/{created.json['data']['id']}", **headers).json["data"]["attributes"]
        assert polled["status"] == "success" and polled["errors"] == []
    assert caller.get(f"/accounts/{account.id}", **headers).json["data"]["attributes"]["currentBalance"] == Decimal(
        "12.30"
    )
    caller.now += dt.timedelta(seconds=1799)
    expired = caller.get("/accounts", **headers)
    assert expired.json["errors"][0]["code"] == "credentialsInvalid"  # on which it logs in again and repeats
    wrong = caller.send(
        "POST",
        "/oauth2/token?grant_type=client_credentials",
        authorization="Basic " + base64.b64encode(b"a:b").decode(),
    )
    assert wrong.json["errors"][0]["code"] == "clientIdInvalid"  # shown to the person as invalid keys


def test_community_clients_check_their_token_at_the_root(caller: Caller) -> None:
    assert caller.get("/").status == 200
    assert caller.get("/", authorization="Bearer wrong").status == 401
    assert caller.get("//accounts").status == 200  # the Node.js client's double slash


def test_elixir_and_java_find_their_discovery_and_webhooks(caller: Caller) -> None:
    for target in ("/ponto-connect", "/ponto-connect/"):
        links = caller.send("GET", target, accept="application/json").json["links"]
        assert links["oauth2"] == {
            "token": f"{BASE}/ponto-connect/oauth2/token",
            "revoke": f"{BASE}/ponto-connect/oauth2/revoke",
        }
        assert "{transactionId}" not in links["synchronization"]["updatedTransactions"]
    for target in ("/webhooks", "/webhooks/"):
        assert caller.send("GET", target).json == {"links": {"keys": f"{BASE}/webhooks/keys"}}
    assert caller.send("GET", "/webhooks/keys").json == {"keys": []}


def test_net_client_gets_its_media_type_string_links_and_request_id(caller: Caller, account: Account) -> None:
    accept = {"accept": "application/vnd.api+json;version=2"}
    reply = caller.get(f"/accounts/{account.id}/transactions", **accept)
    assert reply.headers["content-type"] == "application/vnd.api+json"
    for item in reply.json["data"]:
        assert all(isinstance(link, str) for link in item["relationships"]["account"]["links"].values())
    refused = caller.send("POST", "/oauth2/token", b"grant_type=client_credentials", **accept)
    assert refused.status == 401 and refused.headers["ibanity-request-id"]
