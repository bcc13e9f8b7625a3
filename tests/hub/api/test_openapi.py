"""The OpenAPI document says what the API does: examples, shapes and generated requests (issue 4)."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import jsonschema
import pytest
from django.test import Client
from tests import factories
from tests.hub.api.client import BASE, Caller, Reply, with_payments
from tests.hub.api.conftest import Street
from tests.hub.api.shapes import require_shape_of_example

from nostro.hub.api import docs_page, examples, openapi
from nostro.hub.api.endpoints import CONNECT, ENDPOINTS, Access
from nostro.hub.payments.models import Kind
from nostro.hub.payments.services import Draft, create_payment
from nostro.hub.webhooks import signing


@pytest.fixture
def filled(street: Street) -> Street:
    factories.synchronization(street.account)
    run = street.account.synchronizations.get()
    signing.signing_key(factories.NOW)
    factories.transactions(street.account, 3, created_by_synchronization=run.id)
    factories.pending_transactions(street.account, 1, created_by_synchronization=run.id)
    integration = with_payments(street.caller).integration
    assert integration is not None
    draft = Draft(Decimal("12.34"), "EUR", "Alex Creditor", "BE84732645584359")
    for kind in Kind:
        create_payment(street.account, integration.id, kind, [draft], reference="Suppliers", now=factories.NOW)
    return street


def test_every_endpoint_is_in_the_document_and_nothing_else(street: Street) -> None:
    reply = street.caller.send("GET", "/openapi.json")
    assert reply.status == 200 and reply.headers["content-type"] == "application/json; charset=utf-8"
    described = {(path, verb) for path, verbs in reply.json["paths"].items() for verb in verbs}
    served = {
        ((mount + endpoint.path).rstrip("/") or "/", endpoint.verb.lower())
        for endpoint in ENDPOINTS
        for mount in endpoint.mounts
    }
    assert described == served
    assert reply.json["openapi"] == "3.1.0" and reply.json["servers"] == [{"url": BASE}]
    names = [operation["operationId"] for verbs in reply.json["paths"].values() for operation in verbs.values()]
    assert len(names) == len(set(names))


def test_every_reference_of_the_document_leads_somewhere() -> None:
    document = openapi.document()
    for name in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document)):
        assert name in document["components"]["schemas"]
    for name in document["components"]["schemas"]:
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        jsonschema.Draft202012Validator.check_schema(schema)


def ids_of(street: Street) -> dict[str, str]:
    run = street.account.synchronizations.first()
    assert run is not None
    return {
        "accountId": str(street.account.id),
        "transactionId": str(street.account.transactions.order_by("-sequence")[0].id),
        "pendingTransactionId": str(street.account.pending_transactions.get().id),
        "synchronizationId": str(run.id),
        "financialInstitutionId": str(street.account.institution_id),
        **{f"{kind.value}Id": str(street.account.payments.filter(kind=kind)[0].id) for kind in Kind},
    }


def call_example(street: Street, example: examples.Example) -> Reply:
    if example.path == "/oauth2/token":
        return street.caller.log_in()
    if example.path == "/oauth2/revoke":
        form = {"authorization": street.caller.basic(), "content_type": "application/x-www-form-urlencoded"}
        return street.caller.send("POST", example.path, b"token=" + street.caller.token.encode(), **form)
    path = re.sub(r"\{(\w+)\}", lambda match: ids_of(street)[match.group(1)], example.path)
    if example.body is None:
        return street.caller.call(example.verb, path)
    body = {**example.body}
    if "resourceId" in body:
        body["resourceId"] = str(street.account.id)
    return street.caller.call(example.verb, path, {"data": {"attributes": body}})


#: Those of the sandbox are called in test_sandbox, where there is a bank behind them; those of persons in
#: test_dashboard, test_bank_files and tests/hub/mandates; those of vendors in tests/hub/vendors.
ELSEWHERE = {e.path for e in ENDPOINTS if e.access is Access.PERSON or e.mounts == (CONNECT,)}
EXAMPLES = [
    each
    for each in examples.EXAMPLES
    if not each.path.startswith(("/sandbox", CONNECT))
    and each.path not in ELSEWHERE - {"/oauth2/token", "/oauth2/revoke"}
]
READS = [
    each
    for each in ENDPOINTS
    if each.verb == "GET"
    and not each.path.startswith("/sandbox")
    and not each.media_types
    and each.access is not Access.PERSON
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example.verb} {example.path}")
def test_examples_have_the_shape_of_real_answers(filled: Street, example: examples.Example) -> None:
    reply = call_example(filled, example)
    endpoint = next(e for e in ENDPOINTS if (e.verb, e.path) == (example.verb, example.path))
    assert reply.status == endpoint.status, reply.body
    require_shape_of_example(reply, example.verb, example.path)


#: The document itself, and files.
WITHOUT_EXAMPLE = {"/openapi.json", "/account-files/{accountId}"}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: f"{e.verb} {''.join(e.mounts)}{e.path}")
def test_every_endpoint_shows_what_is_sent_and_answered(endpoint: Any) -> None:
    document = openapi.document()
    for mount in endpoint.mounts:
        operation = document["paths"][(mount + endpoint.path).rstrip("/") or "/"][endpoint.verb.lower()]
        content = operation["responses"][str(endpoint.status)]["content"]
        if endpoint.path in WITHOUT_EXAMPLE:
            assert endpoint.media_types or endpoint.path == "/openapi.json"
            continue
        for entry in content.values():
            schema = {**entry["schema"], "components": document["components"]}
            jsonschema.validate(entry["example"], schema)
    if endpoint.body is None or endpoint.access is Access.CLIENT:
        return
    entry = operation["requestBody"]["content"]["application/json"]
    jsonschema.validate(entry["example"], {**entry["schema"], "components": document["components"]})
    curl = docs_page._call(endpoint).curl
    assert json.loads(curl.split(" -d '")[1].removesuffix("'")) == entry["example"]
    assert endpoint.verb == "POST" or f"-X {endpoint.verb}" in curl


def test_every_example_is_of_an_endpoint() -> None:
    served = {(e.verb, mount + e.path) for e in ENDPOINTS for mount in ("", *e.mounts)}
    calls = [(example.verb, example.path) for example in examples.EXAMPLES]
    assert set(calls) <= served and len(calls) == len(set(calls))


@pytest.mark.parametrize("endpoint", READS, ids=lambda e: e.path)
def test_answers_obey_their_schema(filled: Street, endpoint: Any) -> None:
    document = openapi.document()
    for mount in endpoint.mounts:
        if mount == CONNECT:
            continue
        path = re.sub(r"\{(\w+)\}", lambda match: ids_of(filled)[match.group(1)], endpoint.path)
        reply = filled.caller.get(path)
        assert reply.status == endpoint.status, reply.body
        answers = document["paths"][endpoint.path]["get"]["responses"]
        schema = answers[str(reply.status)]["content"]["application/json"]["schema"]
        jsonschema.validate(json.loads(reply.body), {**schema, "components": document["components"]})


def test_the_page_for_people_names_every_call(db: None, client: Client) -> None:
    page = client.get("/docs/api", headers={"accept": "text/html"})
    text = page.content.decode()
    assert page.status_code == 200
    for endpoint in ENDPOINTS:
        assert f"{endpoint.verb} {endpoint.path}" in text
    assert not re.findall(r'(?:src|href)="https?://(?!127\.0\.0\.1)', text)  # nothing from elsewhere
    assert len(page.content) < 150_000
    assert docs_page._text({"a": "<b>&"}) == '{\n  "a": "&lt;b&gt;&amp;"\n}'


def test_every_curl_call_of_the_page_is_answered(filled: Street, client: Client) -> None:
    """The lines a reader copies, with ids put in: each is a success."""
    caller: Caller = filled.caller
    # Giving the account back comes last, after what is below it.
    order = sorted(ENDPOINTS, key=lambda endpoint: (endpoint.verb == "DELETE", -endpoint.path.count("/")))
    for endpoint in order:
        if (CONNECT in endpoint.mounts and "" not in endpoint.mounts) or endpoint.path.startswith("/sandbox"):
            continue
        if endpoint.access is Access.PERSON:
            continue
        call = docs_page._call(endpoint)
        assert call.curl.startswith(f"curl {BASE}") or "-X" in call.curl
        if endpoint.path == "/oauth2/revoke":
            assert "-d token=$TOKEN" in call.curl
            continue
        if endpoint.verb == "POST" and endpoint.path != "/oauth2/token":
            assert json.loads(call.curl.split("-d '")[1].removesuffix("'"))["data"]["attributes"]
            continue
        path = re.sub(r"\{(\w+)\}", lambda match: ids_of(filled)[match.group(1)], endpoint.path)
        reply = caller.log_in() if endpoint.path == "/oauth2/token" else caller.call(endpoint.verb, path)
        assert reply.status == endpoint.status, (endpoint.path, reply.body)
