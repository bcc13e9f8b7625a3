"""What holds for every answer of the API (hub-api.md section 2), looked for in all of them, on both mounts."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from tests import factories
from tests.hub.api.client import BASE, Caller, Reply, caller_for
from tests.hub.api.conftest import Street
from tests.hub.api.test_openapi import EXAMPLES, call_example, filled, ids_of
from tests.hub.vendors.test_ponto_connect import BACK, Vendor, vendor

from nostro.hub.accounts.models import Account
from nostro.hub.api import examples
from nostro.hub.api.endpoints import CONNECT, ENDPOINTS, ROOT, Access

__all__ = ["filled", "vendor"]
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
DAY = re.compile(r"\d{4}-\d\d-\d\dT00:00:00\.000Z")
PLAIN_DAY = re.compile(r"\d{4}-\d\d-\d\d")
DAYS = {"valueDate", "executionDate", "currentBalanceReferenceDate", "availableBalanceReferenceDate"}
NUMBERS = {"amount", "currentBalance", "availableBalance", "fee", "accountCount"}
#: hub-api.md 2.4. Booleans, counters and ids are checked everywhere.
NEVER_NULL = {
    "account": {"currentBalance", "availableBalance", "currency"},
    "transaction": {"amount", "valueDate", "executionDate", "createdAt", "updatedAt", "currency",
                    "remittanceInformation"},
    "pendingTransaction": {"amount", "valueDate", "executionDate", "createdAt", "updatedAt", "currency",
                           "remittanceInformation"},
    "synchronization": {"resourceId", "createdAt", "updatedAt", "errors"},
    "payment": {"amount", "currency", "creditorAccountReference", "creditorAccountReferenceType"},
    "paymentRequest": {"amount", "currency", "creditorAccountReference", "creditorAccountReferenceType"},
    "usage": {"accountCount", "paymentCount", "paymentAccountCount", "bulkPaymentCount", "bulkPaymentBundleCount"},
}  # fmt: skip
FLAGS = {
    "deprecated", "customerOnline", "batchBookingPreferred", "paymentsEnabled", "bulkPaymentsEnabled",
    "periodicPaymentsEnabled", "futureDatedPaymentsAllowed", "pendingTransactionsAvailable", "sandbox",
}  # fmt: skip


def resources(value: Any) -> Iterator[dict[str, Any]]:
    """Every resource object of a document, those inside ``meta`` too."""
    if isinstance(value, dict):
        if "attributes" in value:
            yield value
        for member in value.values():
            yield from resources(member)
    elif isinstance(value, list):
        for item in value:
            yield from resources(item)


def judge(reply: Reply, base: str, status: int = 200) -> list[str]:
    """Check one answer; returns its ``related`` links."""
    assert reply.status == status, reply.body
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert uuid.UUID(reply.headers["ibanity-request-id"]).version == 4
    document = reply.json
    assert isinstance(document, dict) and not {"attributes", "errors"} & document.keys()
    if isinstance(document.get("data"), list):
        judge_list(document, base)
    return [link for resource in resources(document) for link in judge_resource(resource, base)]


def judge_list(document: dict[str, Any], base: str) -> None:
    paging, links = document["meta"]["paging"], document["links"]
    assert paging.keys() == {"limit", "before", "after"} and type(paging["limit"]) is Decimal
    assert {"first"} <= links.keys() <= {"first", "next", "prev"}
    assert all(isinstance(link, str) and link.startswith(base + "/") for link in links.values())
    assert ("next" in links) == (paging["after"] is not None) and ("prev" in links) == (paging["before"] is not None)


def judge_resource(resource: dict[str, Any], base: str) -> list[str]:
    kind, attributes, meta = resource["type"], resource["attributes"], resource.get("meta", {})
    assert re.fullmatch(r"[a-z][A-Za-z]+", kind)
    assert kind == "usage" or str(uuid.UUID(resource["id"])) == resource["id"]
    for name, value in attributes.items():
        judge_attribute(name, value)
        assert value is not None or name not in NEVER_NULL.get(kind, set()), (kind, name)
    assert attributes.keys() >= NEVER_NULL.get(kind, set())
    assert not meta.keys() & attributes.keys()  # the ponto gem merges both
    if kind == "account":
        assert MOMENT.fullmatch(meta["synchronizedAt"]) and meta["latestSynchronization"]["attributes"]
    return [link for each in resource.get("relationships", {}).values() for link in judge_relationship(each, base)]


def judge_attribute(name: str, value: Any) -> None:
    assert re.fullmatch(r"[a-z][A-Za-z]*", name)  # camelCase
    if name in FLAGS:
        assert isinstance(value, bool), name
    if value is None:
        return
    if name in NUMBERS:
        assert isinstance(value, Decimal), name
    elif name in DAYS:
        assert DAY.fullmatch(value), (name, value)
    elif name == "requestedExecutionDate":
        assert PLAIN_DAY.fullmatch(value), value
    elif name.endswith(("At", "From", "To")):
        assert MOMENT.fullmatch(value), (name, value)


def judge_relationship(relationship: dict[str, Any], base: str) -> list[str]:
    """With ``data``: links are strings only, for .NET. Without: ``links.meta.type`` names the class, for the gem."""
    links = relationship.get("links", {})
    if "data" in relationship:
        assert relationship["data"].keys() == {"type", "id"} and uuid.UUID(relationship["data"]["id"])
        assert all(isinstance(link, str) for link in links.values())
    else:
        assert links.keys() == {"related", "meta"} and links["meta"].keys() == {"type"}
    related = [links["related"]] if links else []
    assert all(link.startswith(base + "/") for link in related)
    return related


def walk(caller: Caller, mount: str, ids: dict[str, str], access: set[Access]) -> int:
    """GET every endpoint of a mount, and every related link of every answer. Returns how many there were."""
    related: set[str] = set()
    paths = {
        e.path for e in ENDPOINTS if e.verb == "GET" and e.access in access and mount in e.mounts and e.path != "/"
    }
    for path in sorted(paths):
        target = mount + re.sub(r"\{(\w+)\}", lambda match: ids[match.group(1)], path)
        related.update(judge(caller.get(target), BASE + mount))
    for link in related:
        judge(caller.follow(link), BASE + mount)
    return len(paths) + len(related)


ORGANIZATION = {Access.OPTIONAL, Access.ACCOUNT_INFORMATION, Access.PAYMENT_INITIATION}


def test_answers_at_the_root(filled: Street) -> None:
    assert walk(filled.caller, ROOT, ids_of(filled), ORGANIZATION) > 15


def test_answers_about_an_account_that_was_linked_a_moment_ago(street: Street) -> None:
    Account.objects.filter(id=street.account.id).update(current_balance=None, available_balance=None)
    for path in ("", "/transactions", "/pending-transactions"):
        judge(street.caller.get(f"/accounts/{street.account.id}{path}"), BASE)


def test_answers_under_ponto_connect(vendor: Vendor) -> None:
    token = vendor.exchange(vendor.consent(scope="ai pi name")).json["access_token"]
    factories.synchronization(vendor.account)
    factories.transactions(vendor.account, 3)
    factories.pending_transactions(vendor.account, 1)
    caller = vendor.caller
    caller.token = token
    ids = {
        "accountId": str(vendor.account.id),
        "transactionId": str(vendor.account.transactions.order_by("-sequence")[0].id),
        "pendingTransactionId": str(vendor.account.pending_transactions.get().id),
        "synchronizationId": str(vendor.account.synchronizations.get().id),
        "financialInstitutionId": str(vendor.account.institution_id),
        "organizationId": str(vendor.owner.organization_id),
        "month": "2026-11",
    }
    for kind, path in (
        ("payment", "payments"),
        ("bulkPayment", "bulk-payments"),
        ("paymentRequest", "payment-requests"),
    ):
        body = {
            **examples.body_of("POST", f"/accounts/{{accountId}}/{path}")["data"]["attributes"],
            "redirectUri": BACK,
        }
        document = {"data": {"type": "x", "attributes": body}}
        made = caller.call("POST", f"{CONNECT}/accounts/{vendor.account.id}/{path}", document)
        judge(made, BASE + CONNECT, 201)
        ids[f"{kind}Id"] = made.json["data"]["id"]
    for path in (f"/accounts/{vendor.account.id}/reauthorization-requests", "/payment-activation-requests"):
        document = {"data": {"attributes": {"redirectUri": BACK}}}
        judge(caller.call("POST", CONNECT + path, document), BASE + CONNECT, 201)
    assert walk(caller, CONNECT, ids, {*ORGANIZATION, Access.GRANTED}) > 15
    caller.token = vendor.client_token()
    assert walk_vendor(caller, ids) == 2


def walk_vendor(caller: Caller, ids: dict[str, str]) -> int:
    """What a client token reads; the links of its items are for the organizations' tokens."""
    paths = [e.path for e in ENDPOINTS if e.verb == "GET" and e.access is Access.VENDOR]
    for path in paths:
        judge(caller.get(CONNECT + re.sub(r"\{(\w+)\}", lambda match: ids[match.group(1)], path)), BASE + CONNECT)
    return len(paths)


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.verb == "POST" and "oauth2" not in e.path], ids=str)
def test_answers_to_posts(filled: Street, example: examples.Example) -> None:
    judge(call_example(filled, example), BASE, 201)


# --- headers and bodies of requests ---------------------------------------------------------------------------


@pytest.mark.parametrize("accept", ["", "application/json", "application/vnd.api+json;version=2", "image/png", "q=;,;"])
@pytest.mark.parametrize(
    "content_type",
    ["", "application/json", "application/vnd.api+json", "application/vnd.api+json;version=2", "text/plain", "nonsense",
     "application/x-www-form-urlencoded"],
)  # fmt: skip
def test_no_media_type_is_refused(street: Street, accept: str, content_type: str) -> None:
    """Never 406 or 415 (2.2)."""
    body = (
        b'{"data":{"attributes":{"resourceType":"account","subtype":"accountTransactions","resourceId":"%b"}}}'
        % str(street.account.id).encode()
    )
    headers = {"authorization": f"Bearer {street.caller.token}", "content_type": content_type, "accept": accept}
    created = street.caller.send("POST", "/synchronizations", body, **headers)
    assert created.status == 201, created.body
    vendor_type = "vnd.api" in accept
    expected = "application/vnd.api+json" if vendor_type else "application/json; charset=utf-8"
    assert created.headers["content-type"] == expected
    assert street.caller.send("GET", "/accounts", b"", **headers).status == 200


def test_oauth_userinfo_and_keys_are_plain_json_whatever_is_accepted(vendor: Vendor) -> None:
    accept = {"accept": "application/vnd.api+json"}
    caller, plain = vendor.caller, "application/json; charset=utf-8"
    tokens = vendor.exchange(vendor.consent()).json
    replies = [
        caller.send("GET", "/ponto-connect/userinfo", b"", authorization=f"Bearer {tokens['access_token']}", **accept),
        caller.send("GET", "/webhooks/keys", b"", **accept),
        caller.send("POST", "/ponto-connect/oauth2/token", b"", **accept),
        caller.send("POST", "/oauth2/token", b"", **accept),
        caller.send("POST", "/oauth2/revoke", b"", **accept),
    ]
    assert [reply.headers["content-type"] for reply in replies] == [plain] * 5
    assert [reply.headers.get("cache-control") for reply in replies if reply.status != 200] == ["no-store"] * 3


def test_signature_digest_and_certificate_headers_are_never_looked_at(street: Street) -> None:
    """Broken ones too: clients write them in four ways, one of them over the wrong bytes (4.6)."""
    for signature in ("", "keyId=1", 'keyId="x",created="1",algorithm="hs2019",signature="!"', "\xff"):
        headers = {"digest": "SHA-512=wrong", "signature": signature, "x_ssl_cert": "none"}
        assert street.caller.get("/accounts", **headers).status == 200
        assert street.caller.send("POST", "/oauth2/token?grant_type=client_credentials", b"",
                                  authorization=street.caller.basic(), **headers).status == 200  # fmt: skip


# --- repeating --------------------------------------------------------------------------------------------------


def test_a_key_counts_for_one_verb_and_path_of_one_caller(filled: Street) -> None:
    """2.6: the scope is integration, verb, path and key."""
    colleague = caller_for(filled.owner, [filled.account])
    body = {"data": {"attributes": {"amount": 1}}}
    key = {"ibanity_idempotency_key": "one"}
    first = filled.caller.call("POST", f"/accounts/{filled.account.id}/payment-requests", body, **key)
    assert first.status == 201
    elsewhere = filled.caller.call("POST", f"/accounts/{filled.other.id}/payment-requests", body, **key)
    assert elsewhere.status == 201 and elsewhere.json["data"]["id"] != first.json["data"]["id"]
    same_path_otherwise_written = f"//accounts/{filled.account.id}/payment-requests/"
    again = filled.caller.call("POST", same_path_otherwise_written, body, **key)
    assert again.body == first.body and again.headers["idempotent-replayed"] == "true"
    assert colleague.call("POST", "/synchronizations", body, **key).code == "validationError"


def test_a_vendors_key_counts_for_one_organization(vendor: Vendor) -> None:
    token = vendor.exchange(vendor.consent(scope="ai")).json["access_token"]
    body = {"data": {"attributes": {"redirectUri": BACK}}}
    key = {"ibanity_idempotency_key": "one"}
    first = vendor.send("POST", "/payment-activation-requests", token, body, **key)
    assert vendor.send("POST", "/payment-activation-requests", token, body, **key).body == first.body
    renewed = vendor.exchange(vendor.consent(scope="ai")).json["access_token"]
    assert vendor.send("POST", "/payment-activation-requests", renewed, body, **key).body == first.body
    vendor.owner = factories.membership()
    vendor.account = factories.account(vendor.owner.organization)
    other = vendor.exchange(vendor.consent(scope="ai")).json["access_token"]
    elsewhere = vendor.send("POST", "/payment-activation-requests", other, body, **key)
    assert elsewhere.status == 201 and elsewhere.json["data"]["id"] != first.json["data"]["id"]


def test_the_key_means_nothing_for_reads_deletes_and_tokens(street: Street) -> None:
    key = {"ibanity_idempotency_key": "one"}
    before = street.caller.get(f"/accounts/{street.account.id}", **key)
    assert street.caller.call("DELETE", f"/accounts/{street.account.id}", **key).status == 200
    after = street.caller.get(f"/accounts/{street.account.id}", **key)
    assert (before.status, after.status) == (200, 404)
    tokens = {
        street.caller.send("POST", "/oauth2/token", b"grant_type=client_credentials",
                           authorization=street.caller.basic(), **key).json["access_token"] for _ in range(2)
    }  # fmt: skip
    assert len(tokens) == 2
