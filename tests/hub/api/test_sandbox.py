"""The sandbox resources drive the sandbox bank for real (hub-api.md section 8): what is made there comes back."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests import factories
from tests.hub.api.client import Caller, Reply, caller_for
from tests.hub.api.shapes import require_shape_of_example
from tests.hub.sync import test_against_sandbox_bank as bank_side
from tests.sandbox.customer import Customer
from werkzeug.serving import make_server

from nostro.hub.accounts.models import Account
from nostro.hub.api import examples, openapi
from nostro.hub.api.endpoints import ENDPOINTS
from nostro.sandbox.server import create_application

NOW = bank_side.NOW
SHOES = {
    "valueDate": "2020-05-22T00:00:00Z", "executionDate": "2020-05-25T00:00:00Z", "amount": 84.42, "currency": "EUR",
    "description": "Small Cotton Shoes", "counterpartName": "Otro Bank", "counterpartReference": "BE9786154282554",
    "remittanceInformation": "NEW SHOES", "remittanceInformationType": "unstructured", "cardReference": "6666",
    "cardReferenceType": "MASKEDPAN", "fee": 3.14,
}  # fmt: skip


@pytest.fixture(scope="session")
def furnished_bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("bank")
    create_application(directory, 42, "virtual").close()
    return directory


@dataclass
class Town:
    """A bank with a customer, and a program that reads their first account; ``path`` is that account's."""

    customer: Customer
    account: Account
    caller: Caller
    open_bank: Any

    @property
    def path(self) -> str:
        bank = f"/sandbox/financial-institutions/{self.account.institution_id}"
        return f"{bank}/financial-institution-accounts/{self.account.id}"

    @property
    def rows(self) -> str:
        return f"{self.path}/financial-institution-transactions"

    def synchronize(self) -> None:
        self.account.refresh_from_db()
        bank_side.synchronize(self.account, self.open_bank)  # type: ignore[no-untyped-call]

    def make(self, **changes: Any) -> Reply:
        given = {name: value for name, value in {**SHOES, **changes}.items() if value is not ...}
        return self.caller.call("POST", f"{self.rows}/", {"data": {"type": "x", "attributes": given}})

    def change(self, row: str, **changes: Any) -> Reply:
        return self.caller.call("PATCH", f"{self.rows}/{row}", {"data": {"attributes": changes}})


@pytest.fixture
def town(db: None, furnished_bank: Path, tmp_path: Path, settings: Any) -> Iterator[Town]:
    shutil.copytree(furnished_bank, tmp_path / "bank")
    customer = Customer(create_application(tmp_path / "bank", 42, "virtual", control_token="control"))
    server = make_server("127.0.0.1", 0, customer.application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    settings.SANDBOX_BANK_URL = f"http://127.0.0.1:{server.server_port}"
    settings.SANDBOX_CONTROL_TOKEN = "control"
    customer.url = settings.SANDBOX_BANK_URL  # type: ignore[attr-defined]
    accounts, open_bank = bank_side.link(customer, "user_good")  # type: ignore[no-untyped-call]
    account = next(each for each in accounts if each.currency == "EUR")
    account.institution.is_sandbox = True
    account.institution.save()
    caller = caller_for(factories.membership(account.organization), [account])
    yield Town(customer, account, caller, open_bank)
    server.shutdown()
    thread.join()
    customer.application.close()


def test_created_transactions_appear_after_the_next_synchronization(town: Town) -> None:
    town.synchronize()
    transactions = f"/accounts/{town.account.id}/transactions?limit=1"
    before, balance = town.caller.get(transactions).json["data"], town.caller.get(town.path).json["data"]["attributes"]
    made = town.make()
    assert made.status == 201, made.body
    row = made.json["data"]
    assert row["type"] == "financialInstitutionTransaction"
    shown = row["attributes"]
    assert shown["valueDate"] == "2020-05-22T00:00:00.000Z" and shown["executionDate"] == "2020-05-25T00:00:00.000Z"
    assert shown["automaticBooking"] is True and shown["additionalInformation"] is None
    assert {name: str(shown[name]) for name in SHOES if name[-4:] != "Date"} == {
        name: str(value) for name, value in SHOES.items() if name[-4:] != "Date"
    }
    assert town.caller.get(f"{town.rows}/{row['id']}").json["data"] == row
    after = town.caller.get(town.path).json["data"]["attributes"]
    assert after["currentBalance"] - balance["currentBalance"] == shown["amount"]
    assert town.caller.get(transactions).json["data"] == before  # not before the next synchronization

    town.synchronize()  # though the day is years ago
    [newest] = town.caller.get(transactions).json["data"]
    found = newest["attributes"]
    for name in ("amount", "currency", "counterpartName", "counterpartReference", "remittanceInformation", "fee",
                 "valueDate", "executionDate", "description"):  # fmt: skip
        assert found[name] == shown[name], name

    changed = town.change(row["id"], amount="85.00", remittanceInformation="OLD SHOES")
    assert changed.status == 200 and changed.json["data"]["id"] == row["id"]
    town.synchronize()
    [again] = town.caller.get(transactions).json["data"]
    assert again["id"] == newest["id"] and again["attributes"]["remittanceInformation"] == "OLD SHOES"
    assert str(again["attributes"]["amount"]) == "85"


def test_without_automatic_booking_a_row_is_pending_until_it_is_patched(town: Town) -> None:
    today = NOW.date().isoformat()
    before = town.caller.get(town.path).json["data"]["attributes"]
    row = town.make(automaticBooking=False, executionDate=today, valueDate=today).json["data"]
    assert row["attributes"]["automaticBooking"] is False
    figures = town.caller.get(town.path).json["data"]["attributes"]
    assert figures["availableBalance"] - before["availableBalance"] == row["attributes"]["amount"]
    assert figures["currentBalance"] == before["currentBalance"]
    town.synchronize()
    booked = town.caller.get(f"/accounts/{town.account.id}/transactions?limit=100").json["data"]
    assert not [each for each in booked if each["attributes"]["remittanceInformation"] == "NEW SHOES"]
    assert town.change(row["id"], automatic_booking=True).json["data"]["attributes"]["automaticBooking"] is True
    town.synchronize()
    [newest] = town.caller.get(f"/accounts/{town.account.id}/transactions?limit=1").json["data"]
    assert newest["attributes"]["remittanceInformation"] == "NEW SHOES"


@pytest.mark.parametrize(
    "hour", ["", "T00:00:00Z", "T00:00:00.000Z", "T23:59:59+02:00", "T00:00:00.123456789Z", "T12:00"]
)
def test_days_are_taken_in_every_form_of_the_standard_and_given_in_one(town: Town, hour: str) -> None:
    shown = town.make(valueDate=f"2020-05-22{hour}").json["data"]["attributes"]
    assert shown["valueDate"] == "2020-05-22T00:00:00.000Z"


def test_a_repeated_key_changes_a_row_once(town: Town) -> None:
    row = town.make().json["data"]["id"]
    body = {"data": {"attributes": {"amount": "85.00"}}}
    first, again = (
        town.caller.call("PATCH", f"{town.rows}/{row}", body, ibanity_idempotency_key="one") for _ in range(2)
    )
    assert first.status == again.status == 200 and first.body == again.body
    assert "idempotent-replayed" not in first.headers and again.headers["idempotent-replayed"] == "true"
    other = {"data": {"attributes": {"amount": "86.00"}}}
    refused = town.caller.call("PATCH", f"{town.rows}/{row}", other, ibanity_idempotency_key="one")
    assert refused.code == "idempotencyKeyReused"
    assert str(town.caller.get(f"{town.rows}/{row}").json["data"]["attributes"]["amount"]) == "85"


def test_rows_are_listed_like_everything_else(town: Town) -> None:
    ids = [town.make(amount=number + 1).json["data"]["id"] for number in range(5)]
    first = town.caller.get(f"{town.rows}/?limit=2").json
    assert [row["id"] for row in first["data"]] == [ids[4], ids[3]] and "prev" not in first["links"]
    assert first["meta"]["paging"]["after"] == ids[3]
    second = town.caller.follow(first["links"]["next"]).json
    assert [row["id"] for row in second["data"]] == [ids[2], ids[1]]
    assert town.caller.follow(second["links"]["prev"]).json["data"] == first["data"]
    seen, page = 0, town.caller.get(f"{town.rows}?limit=100").json
    while page["data"] and seen < 100_000:
        seen += len(page["data"])
        page = town.caller.get(f"{town.rows}?limit=100&after={page['data'][-1]['id']}").json
    assert seen > 100 and page["links"].keys() == {"first"}
    for cursor in ("x", "00000000-0000-4000-8000-000000000000", str(town.account.id)):
        assert town.caller.get(f"{town.rows}?after={cursor}").code == "invalidCursor"


def test_answers_and_examples_obey_the_document(town: Town) -> None:
    ids = {
        "financialInstitutionId": str(town.account.institution_id),
        "financialInstitutionAccountId": str(town.account.id),
        "financialInstitutionTransactionId": town.make().json["data"]["id"],
    }
    document = openapi.document()
    for endpoint in ENDPOINTS:
        if not endpoint.path.startswith("/sandbox"):
            continue
        path = re.sub(r"\{(\w+)\}", lambda match: ids[match.group(1)], endpoint.path)
        reply = town.caller.call(endpoint.verb, path, examples.body_of(endpoint.verb, endpoint.path))
        assert reply.status == endpoint.status, reply.body
        answers = document["paths"][endpoint.path][endpoint.verb.lower()]["responses"]
        schema = answers[str(reply.status)]["content"]["application/json"]["schema"]
        jsonschema.validate(json.loads(reply.body), {**schema, "components": document["components"]})
        require_shape_of_example(reply, endpoint.verb, endpoint.path)


def test_accounts_and_institutions_of_the_sandbox(town: Town) -> None:
    listed = town.caller.get("/sandbox/financial-institutions/").json["data"]
    assert [each["id"] for each in listed] == [str(town.account.institution_id)]
    one = town.caller.get(f"/sandbox/financial-institutions/{town.account.institution_id}").json["data"]
    assert one == listed[0] and one["type"] == "financialInstitution"
    accounts = town.caller.get(town.path.rsplit("/", 1)[0] + "/").json["data"]
    assert [each["id"] for each in accounts] == [str(town.account.id)]
    assert accounts[0] == town.caller.get(town.path).json["data"]
    assert accounts[0]["attributes"].keys() == {
        "subtype", "referenceType", "reference", "description", "currency", "currentBalance", "availableBalance",
        "holderName", "product",
    }  # fmt: skip


def test_neighbours_live_tokens_and_wrong_verbs_are_refused(town: Town) -> None:
    row = town.make().json["data"]["id"]
    stranger = factories.account()
    Account.objects.filter(id=stranger.id).update(institution=town.account.institution)
    neighbour = caller_for(factories.membership(stranger.organization), [stranger])
    for path in (town.path, town.rows, f"{town.rows}/{row}"):
        assert neighbour.get(path).status == 404
    assert neighbour.call("POST", town.rows, {"data": {"attributes": SHOES}}).status == 404
    assert neighbour.call("PATCH", f"{town.rows}/{row}", {"data": {"attributes": {"amount": 1}}}).status == 404
    assert town.caller.call("DELETE", f"{town.rows}/{row}").status == 405
    assert town.caller.integration is not None
    type(town.caller.integration).objects.filter(id=town.caller.integration.id).update(is_sandbox=False)
    refused = town.caller.get("/sandbox/financial-institutions")
    assert refused.status == 403 and refused.code == "insufficientScope"


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("amount", ...), ("amount", "NaN"), ("amount", 1e30), ("amount", True), ("amount", 0.0001), ("valueDate", "x"),
        ("executionDate", None), ("executionDate", "0001-01-01"), ("currency", "USD"), ("description", 7),
        ("remittanceInformationType", "x"), ("cardReferenceType", "x"), ("automaticBooking", "yes"),
        ("endToEndId", "x" * 501), ("fee", []),
    ],
    ids=lambda value: str(value)[:20],
)  # fmt: skip
def test_bad_values_are_refused_by_name(town: Town, attribute: str, value: Any) -> None:
    refused = town.make(**{attribute: value})
    error = refused.json["errors"][0]
    assert refused.status == 400 and error["code"] == "validationError"
    assert error["meta"]["attribute"] == attribute and error["source"]["pointer"] == f"/data/attributes/{attribute}"


def test_without_a_bank_the_answer_is_503(town: Town, settings: Any) -> None:
    settings.SANDBOX_CONTROL_TOKEN = ""
    refused = town.caller.get(town.rows)
    assert refused.status == 503 and refused.code == "serviceUnavailable" and refused.headers["retry-after"]
    settings.SANDBOX_CONTROL_TOKEN, settings.SANDBOX_BANK_URL = "control", "http://127.0.0.1:1"
    assert town.make().status == 503
