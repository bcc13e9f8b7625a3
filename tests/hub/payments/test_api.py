"""Payments, bulk payments and payment requests over the API (hub-api.md 7.5 to 7.7)."""

from __future__ import annotations

import json
import uuid
from decimal import Decimal
from typing import Any

import pytest
from tests import factories
from tests.hub.api.client import BASE, Reply, caller_for, with_payments
from tests.hub.api.conftest import Street

from nostro.hub.accounts.models import Account
from nostro.hub.api.dispatcher import Dispatcher
from nostro.hub.integrations.legacy import create_legacy_token
from nostro.hub.payments.models import Payment, Status

PAYMENT: dict[str, Any] = {
    "amount": 1,
    "currency": "EUR",
    "creditorName": "Alex Creditor",
    "creditorAccountReference": "BE84732645584359",
    "creditorAccountReferenceType": "IBAN",
    "remittanceInformation": "ThisIsATest",
    "remittanceInformationType": "unstructured",
    "endToEndId": "1234567890",
    "requestedExecutionDate": "2019-01-01",
    "redirectUri": "https://shop.example/back",
}
BULK: dict[str, Any] = {
    "reference": "Invoice collection",
    "batchBookingPreferred": True,
    "requestedExecutionDate": "2022-02-05",
    "payments": [{name: value for name, value in PAYMENT.items() if name != "redirectUri"}] * 2,
    "redirectUri": "https://shop.example/back",
    "endToEndId": "ignored",
}
REQUEST = {
    "amount": 1,
    "remittanceInformation": "ThisIsATest",
    "remittanceInformationType": "unstructured",
    "endToEndId": "4874366da78549e0b3014a86cd646dc4",
    "redirectUri": "https://shop.example/payment-confirmation",
}
KINDS: dict[str, dict[str, Any]] = {"payments": PAYMENT, "bulk-payments": BULK, "payment-requests": REQUEST}
each_kind = pytest.mark.parametrize("segment", KINDS)


def post(street: Street, segment: str, attributes: Any, account: Account | None = None, **headers: str) -> Reply:
    path = f"/accounts/{(account or street.account).id}/{segment}"
    return street.caller.call("POST", path, {"data": {"type": "payment", "attributes": attributes}}, **headers)


def test_a_payment_is_answered_as_specified(shop: Street) -> None:
    reply = post(shop, "payments", PAYMENT)
    assert reply.status == 201, reply.body
    data = reply.json["data"]
    organization, account = shop.owner.organization_id, shop.account.id
    assert shop.caller.integration is not None
    assert data == {
        "type": "payment",
        "id": data["id"],
        "links": {
            "redirect": f"{BASE}/authorize/organizations/{organization}/sandbox/integrations/"
            f"{shop.caller.integration.id}/accounts/{account}/payments/{data['id']}"
        },
        "attributes": {
            "status": "unsigned", "amount": 1, "currency": "EUR", "creditorName": "Alex Creditor",
            "creditorAccountReference": "BE84732645584359", "creditorAccountReferenceType": "IBAN",
            "creditorAgent": None, "creditorAgentType": None, "remittanceInformation": "ThisIsATest",
            "remittanceInformationType": "unstructured", "endToEndId": "1234567890",
            "requestedExecutionDate": "2019-01-01",
        },
    }  # fmt: skip
    assert b'"amount":1,' in reply.body
    got = shop.caller.get(f"/accounts/{account}/payments/{data['id']}")
    del data["links"]
    assert (got.status, got.json) == (200, {"data": data})


def test_a_bulk_payment_is_answered_as_specified(shop: Street) -> None:
    data = post(shop, "bulk-payments", BULK).json["data"]
    assert data["links"]["redirect"].endswith(f"/accounts/{shop.account.id}/bulk-payments/{data['id']}")
    assert data["attributes"] == {
        "status": "unsigned", "reference": "Invoice collection", "requestedExecutionDate": "2022-02-05",
        "batchBookingPreferred": True,
    }  # fmt: skip
    assert Payment.objects.get(id=data["id"]).transfers.count() == 2
    plain = post(shop, "bulk-payments", {"reference": "R", "payments": BULK["payments"]}).json["data"]["attributes"]
    assert (plain["batchBookingPreferred"], plain["requestedExecutionDate"]) == (False, None)


def test_a_payment_request_is_answered_as_specified(shop: Street) -> None:
    data = post(shop, "payment-requests", REQUEST).json["data"]
    uri = f"{BASE}/pay/organizations/{shop.owner.organization_id}/payment-requests/{data['id']}"
    assert data["links"] == {"redirect": uri, "signingRedirect": uri}
    assert data["attributes"] == {
        "amount": 1, "currency": "EUR", "remittanceInformation": "ThisIsATest",
        "remittanceInformationType": "unstructured", "endToEndId": "4874366da78549e0b3014a86cd646dc4",
        "creditorAccountReference": shop.account.reference, "creditorAccountReferenceType": "IBAN",
        "debtorAccountReference": None, "debtorAccountReferenceType": None, "closedAt": None, "signedAt": None,
        "signingUri": uri, "redirectUri": "https://shop.example/payment-confirmation",
    }  # fmt: skip
    got = shop.caller.get(f"/accounts/{shop.account.id}/payment-requests/{data['id']}").json["data"]
    assert "links" not in got and got["attributes"] == data["attributes"]


@pytest.mark.parametrize(
    ("given", "shown"),
    [("1", "1"), ("1.10", "1.10"), (2.5, "2.50"), (Decimal("0.01"), "0.01"), (1e2, "100"), ("999999999.99",) * 2],
    ids=["text", "zeros", "number", "cent", "exponent", "most"],
)
def test_amounts_are_exact_numbers(shop: Street, given: Any, shown: str) -> None:
    text = json.dumps({**PAYMENT, "amount": "@"}).replace('"@"', f'"{given}"' if isinstance(given, str) else str(given))
    reply = shop.caller.call(
        "POST", f"/accounts/{shop.account.id}/payments", {"data": {"attributes": json.loads(text)}}
    )
    assert reply.status == 201, reply.body
    assert f'"amount":{shown},'.encode() in reply.body


def test_names_may_be_snake_case_also_inside_a_bulk(shop: Street) -> None:
    def snake(value: Any) -> Any:
        if isinstance(value, dict):
            return {"".join(f"_{c.lower()}" if c.isupper() else c for c in k): snake(v) for k, v in value.items()}
        return [snake(item) for item in value] if isinstance(value, list) else value

    for segment, attributes in KINDS.items():
        assert post(shop, segment, snake(attributes)).status == 201


WRONG: list[tuple[str, Any]] = [
    ("amount", None), ("amount", 0), ("amount", -1), ("amount", 1.001), ("amount", 1_000_000_000), ("amount", "1e3"),
    ("amount", True), ("amount", "NaN"), ("amount", "x" * 500), ("amount", {}), ("currency", "USD"), ("currency", None),
    ("creditorName", None), ("creditorName", ""), ("creditorName", "x" * 61), ("creditorName", "Café"),
    ("creditorName", "<b>"), ("creditorName", 7), ("creditorAccountReference", "BE84732645584358"),
    ("creditorAccountReference", None), ("creditorAccountReference", "x" * 5000), ("creditorAccountReference", {}),
    ("creditorAccountReferenceType", "BBAN"), ("creditorAccountReferenceType", None), ("creditorAgent", "BIC"),
    ("creditorAgent", 1), ("creditorAgentType", "LEI"), ("remittanceInformation", "x" * 141),
    ("remittanceInformation", "a\nb"), ("remittanceInformation", "a\x00"), ("remittanceInformationType", "free"),
    ("endToEndId", "x" * 36), ("requestedExecutionDate", "2019-02-30"), ("requestedExecutionDate", "tomorrow"),
    ("requestedExecutionDate", 20190101), ("redirectUri", "javascript:alert(1)"), ("redirectUri", "/back"),
    ("redirectUri", "https://"), ("redirectUri", "https://a b"), ("redirectUri", 5), ("redirectUri", "https://[x"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), WRONG, ids=[f"{number}-{name}" for number, (name, _) in enumerate(WRONG)])
def test_what_is_wrong_is_refused_with_its_name_and_place(shop: Street, name: str, value: Any) -> None:
    attributes = {**PAYMENT, name: value}
    reply = post(shop, "payments", attributes)
    assert (reply.status, reply.code) == (400, "validationError"), reply.body
    error = reply.json["errors"][0]
    assert error["meta"]["attribute"] == name and error["source"]["pointer"] == f"/data/attributes/{name}"
    assert not Payment.objects.exists()


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"reference": None}, "reference"), ({"reference": "x" * 141}, "reference"), ({"payments": []}, "payments"),
        ({"payments": None}, "payments"), ({"payments": [{}] * 501}, "payments"), ({"payments": [1]}, "payments/0"),
        ({"payments": [BULK["payments"][0], {**PAYMENT, "amount": 0}]}, "payments/1/amount"),
        ({"batchBookingPreferred": "yes"}, "batchBookingPreferred"),
    ],
    ids=["none", "long", "empty", "null", "many", "number", "inside", "flag"],
)  # fmt: skip
def test_a_wrong_bulk_is_refused_where_it_is_wrong(shop: Street, changes: Any, pointer: str) -> None:
    reply = post(shop, "bulk-payments", {**BULK, **changes})
    assert (reply.status, reply.code) == (400, "validationError")
    assert reply.json["errors"][0]["source"]["pointer"] == f"/data/attributes/{pointer}"


@pytest.mark.parametrize(
    "changes",
    [
        {"currency": "USD"}, {"creditorAccountReference": "BE84732645584359"}, {"creditorAccountReferenceType": "BBAN"},
        {"creditorAccountReference": 5},
    ],
    ids=["currency", "account", "type", "number"],
)  # fmt: skip
def test_a_payment_request_must_name_its_own_account(shop: Street, changes: Any) -> None:
    assert post(shop, "payment-requests", {**REQUEST, **changes}).code == "validationError"
    own = {
        "currency": "EUR",
        "creditorAccountReference": shop.account.reference,
        "creditorAccountReferenceType": "IBAN",
    }
    assert post(shop, "payment-requests", {**REQUEST, **own}).status == 201


@each_kind
def test_without_the_scope_everything_is_refused(street: Street, segment: str) -> None:
    path = f"/accounts/{street.account.id}/{segment}"
    replies = [post(street, segment, KINDS[segment])]
    replies += [street.caller.call(verb, f"{path}/{uuid.uuid4()}") for verb in ("GET", "DELETE")]
    assert {(reply.status, reply.code) for reply in replies} == {(403, "insufficientScope")}


@each_kind
def test_the_neighbour_and_other_integrations_find_nothing(shop: Street, segment: str) -> None:
    made = post(shop, segment, KINDS[segment]).json["data"]["id"]
    colleague = caller_for(shop.owner, [shop.account])
    with_payments(colleague)
    for caller in (shop.neighbour, colleague):
        for account in (shop.account, shop.foreign):
            for verb in ("GET", "DELETE"):
                reply = caller.call(verb, f"/accounts/{account.id}/{segment}/{made}")
                assert (reply.status, reply.code) == (404, "resourceNotFound")
    document = {"data": {"attributes": KINDS[segment]}}
    for account in (shop.foreign, shop.hidden):
        assert shop.caller.call("POST", f"/accounts/{account.id}/{segment}", document).status == 404
    assert Payment.objects.filter(deleted_at=None).count() == 1


@each_kind
def test_another_kind_or_account_in_the_path_is_404(shop: Street, segment: str) -> None:
    made = post(shop, segment, KINDS[segment]).json["data"]["id"]
    others = [other for other in KINDS if other != segment]
    paths = [f"/accounts/{shop.account.id}/{other}/{made}" for other in others]
    for path in [*paths, f"/accounts/{shop.other.id}/{segment}/{made}", f"/accounts/{shop.account.id}/{segment}/x"]:
        assert shop.caller.get(path).status == 404


@each_kind
def test_there_is_no_list(shop: Street, segment: str) -> None:
    assert shop.caller.get(f"/accounts/{shop.account.id}/{segment}").status == 405


@each_kind
def test_delete_answers_once_then_404(shop: Street, segment: str) -> None:
    path = f"/accounts/{shop.account.id}/{segment}"
    made = post(shop, segment, KINDS[segment]).json["data"]
    reply = shop.caller.call("DELETE", f"{path}/{made['id']}")
    assert (reply.status, reply.json) == (200, {"data": {"type": made["type"], "id": made["id"]}})
    assert shop.caller.call("DELETE", f"{path}/{made['id']}").status == 404
    assert shop.caller.get(f"{path}/{made['id']}").status == 404


@each_kind
@pytest.mark.parametrize("status", [Status.PENDING, Status.ACCEPTED, Status.REJECTED])
def test_a_signed_one_cannot_be_deleted(shop: Street, segment: str, status: str) -> None:
    made = post(shop, segment, KINDS[segment]).json["data"]["id"]
    Payment.objects.filter(id=made).update(status=status, signed_at=factories.NOW)
    reply = shop.caller.call("DELETE", f"/accounts/{shop.account.id}/{segment}/{made}")
    assert (reply.status, reply.code) == (400, "paymentAlreadySigned")


def test_a_payment_at_the_bank_cannot_be_deleted(shop: Street) -> None:
    """Somebody may be signing it at this moment: it would be executed although the API had said it is gone."""
    made = post(shop, "payments", PAYMENT).json["data"]["id"]
    path = f"/accounts/{shop.account.id}/payments/{made}"
    Payment.objects.filter(id=made).update(claimed_until=factories.NOW.replace(year=2027))
    assert shop.caller.call("DELETE", path).code == "paymentAlreadySigned"
    Payment.objects.filter(id=made).update(claimed_until=factories.NOW.replace(year=2020))
    assert shop.caller.call("DELETE", path).status == 200


@each_kind
def test_the_same_key_makes_one_payment(shop: Street, segment: str) -> None:
    first, second = (post(shop, segment, KINDS[segment], ibanity_idempotency_key="k1") for _ in range(2))
    assert first.body == second.body and second.headers["idempotent-replayed"] == "true"
    assert Payment.objects.count() == 1
    other = post(shop, segment, {**KINDS[segment], "amount": 2, "reference": "Other"}, ibanity_idempotency_key="k1")
    assert (other.status, other.code) == (400, "idempotencyKeyReused")
    # A refusal is not kept: the corrected request may use the key.
    assert post(shop, segment, {}, ibanity_idempotency_key="k2").status == 400
    assert post(shop, segment, KINDS[segment], ibanity_idempotency_key="k2").status == 201


@each_kind
def test_outside_the_sandbox_payments_are_not_activated(shop: Street, segment: str) -> None:
    Account.objects.filter(id=shop.account.id).update(is_sandbox=False)
    for attributes in (KINDS[segment], {}):
        reply = post(shop, segment, attributes)
        assert (reply.status, reply.code) == (403, "paymentsNotActivated")
    assert not Payment.objects.exists()


def test_only_accounts_in_euro_with_an_iban_pay(shop: Street) -> None:
    Account.objects.filter(id=shop.account.id).update(currency="USD")
    assert post(shop, "payments", PAYMENT).code == "validationError"
    Account.objects.filter(id=shop.account.id).update(currency="EUR", reference_type="MASKEDPAN")
    assert post(shop, "payments", PAYMENT).code == "validationError"


def test_the_deprecated_token_cannot_pay(shop: Street) -> None:
    token = create_legacy_token(shop.owner.organization, is_sandbox=True, now=factories.NOW)
    shop.caller.token = token
    assert post(shop, "payments", PAYMENT).code == "insufficientScope"


def test_the_dispatcher_serves_the_exact_request_of_the_gem(shop: Street) -> None:
    """Trailing slash, wrong ``data.type``, amounts as text (11.1)."""
    body = {"data": {"type": "payment_request", "attributes": {**PAYMENT, "amount": "1"}}}
    reply = shop.caller.call("POST", f"/accounts/{shop.account.id}/payments/", body)
    assert isinstance(shop.caller.application, Dispatcher) and reply.status == 201
