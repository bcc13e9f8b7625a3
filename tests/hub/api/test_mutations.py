"""Valid requests with bytes changed at random, everywhere at once: whatever arrives, the answer is JSON with a request
id, never a 5xx, and never shows a neighbour's row (issue 4). Seeds are fixed, so a failure is found again."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from tests import factories
from tests.hub.api.client import Caller, with_payments
from tests.hub.api.conftest import Street
from tests.hub.api.test_bad_input import check

from nostro.hub.integrations.models import Integration
from nostro.hub.integrations.personal import create_personal_token
from nostro.hub.mandates.models import Mandate
from nostro.hub.mandates.services import accept_mandate, create_integration_under_mandate, give_mandate

MUTATIONS = 250
NASTY = [
    "", "\x00", "%00", "%", "%ff", "\xff", "é", "../", "//", ";", "'", '"', "\\", "null", "-1", "1e999", "9" * 400,
    "[]", "{}", "[", "]", "&", "=", "?", "#", "\r\n", " ", "\t", "Infinity", "NaN", "0x0", "true", "\ud800",
    "00000000-0000-0000-0000-000000000000", "A" * 3_000, "${x}", "<script>", "{0}", "%s", "page[after]",
]  # fmt: skip


def mutated(text: str, randomness: random.Random, foreign: list[str]) -> str:
    """One to three changes: a piece put in, cut, doubled or replaced, or a foreign id instead of an own one."""
    for _ in range(randomness.randint(1, 3)):
        at, until = sorted(randomness.randint(0, len(text)) for _ in range(2))
        piece = randomness.choice([*NASTY, *foreign])
        text = randomness.choice(
            [text[:at] + piece + text[at:], text[:at] + text[until:], text[:until] + text[at:],
             text[:at] + piece + text[until:]]
        )  # fmt: skip
    return text[:6_000]


def on_the_wire(text: str) -> str:
    """As WSGI hands bytes over: latin-1."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def requests(street: Street, run_id: str, cursor: str) -> list[tuple[str, str, str, bytes]]:
    account = street.account.id
    body = {"data": {"type": "synchronization", "attributes": {
        "resourceType": "account", "resourceId": str(account), "subtype": "accountTransactions",
        "customerIpAddress": "192.0.2.1"}}}  # fmt: skip
    payment = {"data": {"type": "payment", "attributes": {
        "amount": "12.34", "currency": "EUR", "creditorName": "Alex Creditor", "remittanceInformation": "Invoice 42",
        "creditorAccountReference": "BE84732645584359", "creditorAccountReferenceType": "IBAN",
        "redirectUri": "https://shop.example/back", "requestedExecutionDate": "2026-12-01"}}}  # fmt: skip
    bulk = {"data": {"attributes": {"reference": "Suppliers", "payments": [payment["data"]["attributes"]]}}}
    return [
        ("POST", f"/accounts/{account}/payments", "", json.dumps(payment).encode()),
        ("POST", f"/accounts/{account}/bulk-payments", "", json.dumps(bulk).encode()),
        ("POST", f"/accounts/{account}/payment-requests", "", b'{"data":{"attributes":{"amount":1}}}'),
        ("GET", f"/accounts/{account}/payments/{cursor}", "", b""),
        ("DELETE", f"/accounts/{account}/payment-requests/{cursor}", "", b""),
        ("GET", "/accounts", "limit=5&page[limit]=3", b""),
        ("GET", f"/accounts/{account}/transactions", f"limit=2&after={cursor}&before={cursor}", b""),
        ("GET", f"/accounts/{account}/transactions/{cursor}", "", b""),
        ("GET", f"/synchronizations/{run_id}/updated-transactions", f"page[after]={cursor}", b""),
        ("GET", "/financial-institutions", "filter[name][contains]=a%25&filter[country][in]=BE,FR", b""),
        ("POST", "/synchronizations", "", json.dumps(body).encode()),
        ("POST", "/oauth2/token", "grant_type=client_credentials", b"grant_type=client_credentials&scope=ai"),
        ("DELETE", f"/accounts/{street.other.id}", "", b""),
        ("GET", "/ponto-connect/accounts", "", b""),
    ]


def requests_of_a_person(street: Street, mandate: Mandate, made: Integration) -> list[tuple[str, str, str, bytes]]:
    """The dashboard resources; ``mandate`` was received, and another one that was given stands beside it."""
    account, received = street.account.id, f"/received-mandates/{mandate.id}"
    given = Mandate.objects.get(organization=street.owner.organization).id
    integration = b'{"data":{"attributes":{"name":"Books","sandbox":true,"scope":"ai"}}}'
    grant = json.dumps({"data": {"attributes": {"accountId": str(account)}}}).encode()
    return [
        ("GET", "/me", "", b""),
        ("GET", "/users", "limit=1", b""),
        ("GET", "/organization-accounts", f"after={account}", b""),
        ("POST", "/user-invitations", "", b'{"data":{"attributes":{"email":"a@b.example","role":"member"}}}'),
        ("DELETE", f"/user-invitations/{account}", "", b""),
        ("POST", "/integrations", "", integration),
        ("POST", f"/integrations/{made.id}/accounts", "", grant),
        ("DELETE", f"/integrations/{made.id}/accounts/{account}", "", b""),
        ("GET", "/given-mandates", f"page[after]={given}", b""),
        ("GET", f"/given-mandates/{given}", "", b""),
        ("GET", f"/given-mandates/{given}/accounts", f"before={account}", b""),
        ("DELETE", f"/given-mandates/{given}/accounts/{account}", "", b""),
        ("GET", "/received-mandates", f"limit=1&after={mandate.id}", b""),
        ("GET", f"{received}/accounts/{account}", "", b""),
        ("GET", f"{received}/integrations", f"before={made.id}", b""),
        ("POST", f"{received}/integrations", "", integration),
        ("POST", f"{received}/integrations/{made.id}/accounts", "", grant),
        ("DELETE", f"{received}/integrations/{made.id}/accounts/{account}", "", b""),
    ]


def headers(caller: Caller, randomness: random.Random, foreign: list[str]) -> dict[str, str]:
    given = {
        "authorization": f"Bearer {caller.token}", "accept": "application/json", "content_type": "application/json",
        "ibanity_idempotency_key": "key", "host": "127.0.0.1:8080", "x_forwarded_host": "elsewhere.example",
        "digest": "SHA-512=", "signature": "keyId=1",
    }  # fmt: skip
    for name in randomness.sample(sorted(given), 2):
        if name != "accept":  # a browser may be shown a page; a program never
            given[name] = on_the_wire(mutated(given[name], randomness, foreign)).replace("\n", "").replace("\r", "")
    return given


@pytest.mark.parametrize("seed", range(6))
def test_mutated_requests_are_answered_in_json_and_show_nothing_foreign(street: Street, seed: int) -> None:
    with_payments(street.caller)
    run = factories.synchronization(street.account)
    cursor = str(factories.transactions(street.account, 5)[2].id)
    _mutate(street, street.caller, requests(street, str(run.id), cursor), random.Random(seed))


@pytest.mark.parametrize("seed", range(3))
def test_mutated_requests_of_persons(street: Street, seed: int) -> None:
    owner, other_side = street.owner, factories.membership()
    give_mandate(
        owner.user, owner.organization, email=other_side.user.email, account_ids=[street.account.id], now=factories.NOW
    )
    theirs = factories.account(other_side.organization)
    mandate = give_mandate(
        other_side.user, other_side.organization, email=owner.user.email, account_ids=[theirs.id], now=factories.NOW
    )
    accept_mandate(owner.user, owner.organization, mandate.id, factories.NOW)
    made, _ = create_integration_under_mandate(
        owner.user, owner.organization, mandate.id, name="x", is_sandbox=True, with_payments=False, now=factories.NOW
    )
    caller = Caller()
    _, caller.token = create_personal_token(owner.user, owner.organization, name="Laptop", now=factories.NOW)
    _mutate(street, caller, requests_of_a_person(street, mandate, made), random.Random(seed))


def _mutate(
    street: Street, caller: Caller, valid: list[tuple[str, str, str, bytes]], randomness: random.Random
) -> None:
    """Send MUTATIONS changed requests and look at every answer."""
    secret_text = "only the neighbour knows this"
    foreign_row = factories.transactions(street.foreign, 1, remittance_information=secret_text)[0]
    foreign = [str(street.foreign.id), street.neighbour.token[:40], str(foreign_row.id)]
    statuses: dict[int, int] = {}
    for _ in range(MUTATIONS):
        verb, path, query, body = randomness.choice(valid)
        which = randomness.randrange(4)
        given = headers(caller, randomness, foreign) if which != 3 else _plain(caller)
        path = on_the_wire(mutated(path, randomness, foreign)) if which == 0 else path
        query = on_the_wire(mutated(query, randomness, foreign)) if which == 1 else query
        if which == 2 and body:
            # Not the id that is looked for below: a name or a text that the caller wrote is shown to it for ever.
            body = mutated(body.decode(), randomness, foreign[:2]).encode("utf-8", "surrogatepass")
        target = "/" + path.lstrip("/").replace("?", "") + "?" + query
        reply = caller.send(verb, target, body, **given)
        if reply.headers["content-type"] == "text/html":  # a mutated path may be the one of a page
            assert reply.body == b"<html>Django</html>"
            continue
        check(reply)
        # What the caller itself wrote comes back in the links of a page.
        assert secret_text.encode() not in reply.body
        assert str(foreign_row.id) in target or str(foreign_row.id).encode() not in reply.body
        statuses[reply.status] = statuses.get(reply.status, 0) + 1
    assert len(statuses) >= 3, statuses  # the mutations reach more than one wall


def _plain(caller: Caller) -> dict[str, Any]:
    return {"authorization": f"Bearer {caller.token}", "accept": "application/json"}
