"""Tokens: how they are got, what they open, and that they end at once (hub-api.md section 4)."""

from __future__ import annotations

import base64
import json
import uuid
from urllib.parse import quote

import pytest
from tests.hub.api.client import Caller, minutes, pages
from tests.hub.api.conftest import Street

from nostro.hub.api import rate_limits
from nostro.hub.api.dispatcher import Dispatcher
from nostro.hub.integrations import services
from nostro.hub.integrations.models import Integration

FORM = "application/x-www-form-urlencoded"


def basic(identifier: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{identifier}:{secret}".encode()).decode()


@pytest.mark.parametrize(
    ("target", "body", "content_type"),
    [
        ("/oauth2/token", b"grant_type=client_credentials", FORM),
        ("/oauth2/token?grant_type=client_credentials", b"", FORM),
        ("/oauth2/token", b'{"grant_type":"client_credentials"}', "application/json"),
        ("/oauth2/token", b'{"grant_type":"client_credentials"}', "application/vnd.api+json;version=2"),
        ("/oauth2/token", b'{"grant_type":"client_credentials"}', FORM),
        ("//oauth2//token//", b"grant_type=client_credentials&scope=ai", ""),
        ("/oauth2/token?grant_type=password&grant_type=client_credentials", b"", FORM),
    ],
)
def test_grant_type_is_accepted_in_form_query_and_json(
    street: Street, target: str, body: bytes, content_type: str
) -> None:
    reply = street.caller.send(
        "POST", target, body, authorization=street.caller.basic(), content_type=content_type, accept="application/json"
    )
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert reply.headers["cache-control"] == "no-store"
    assert set(reply.json) == {"access_token", "expires_in", "scope", "token_type"}
    assert b'"expires_in":1799,' in reply.body
    assert reply.json["scope"] == "ai" and reply.json["token_type"] == "bearer"
    assert len(reply.json["access_token"]) == 87
    uuid.UUID(reply.headers["ibanity-request-id"])


def test_credentials_may_come_in_the_body(street: Street) -> None:
    caller = street.caller
    assert caller.integration is not None
    body = f"grant_type=client_credentials&client_id={caller.integration.client_id}&client_secret={caller.secret}"
    assert caller.send("POST", "/oauth2/token", body.encode()).status == 200
    same = f"grant_type=client_credentials&client_id={caller.integration.client_id}".encode()
    assert caller.send("POST", "/oauth2/token", same, authorization=caller.basic()).status == 200
    other = f"grant_type=client_credentials&client_id={uuid.uuid4()}".encode()
    assert caller.send("POST", "/oauth2/token", other, authorization=caller.basic()).json["error"] == "invalid_client"


def test_several_tokens_live_side_by_side(street: Street) -> None:
    first = street.caller.token
    assert street.caller.log_in().json["access_token"] != first
    street.caller.token = first
    assert street.caller.get("/accounts").status == 200


@pytest.mark.parametrize(
    ("authorization", "status", "error", "code"),
    [
        ("", 401, "invalid_client", "clientIdInvalid"),
        ("Basic", 401, "invalid_client", "clientIdInvalid"),
        ("Basic !!!", 401, "invalid_client", "clientIdInvalid"),
        ("Basic /////w==", 401, "invalid_client", "clientIdInvalid"),
        (basic("844446db-10a5-49b4-b47f-64b5ad541181", "x"), 401, "invalid_client", "clientIdInvalid"),
        (basic("a\x00b", "x"), 401, "invalid_client", "clientIdInvalid"),
        ("Bearer x", 401, "invalid_client", "clientIdInvalid"),
    ],
)
def test_wrong_clients_are_refused_in_both_shapes_at_the_root(
    street: Street, authorization: str, status: int, error: str, code: str
) -> None:
    headers = {"authorization": authorization} if authorization else {}
    reply = street.caller.send("POST", "/oauth2/token", b"grant_type=client_credentials", **headers)
    assert (reply.status, reply.json["error"], reply.code) == (status, error, code)
    assert reply.json["error_description"]
    assert reply.headers["www-authenticate"] == 'Basic realm="nostro"'
    assert reply.json["errors"][0]["meta"]["requestId"] == reply.headers["ibanity-request-id"]


@pytest.mark.parametrize(
    ("body", "error", "code"),
    [
        (b"", "invalid_request", "invalidRequest"),
        (b"grant_type=", "invalid_request", "invalidRequest"),
        (b"grant_type=password", "unsupported_grant_type", "unsupportedGrantType"),
        (b"{", "invalid_request", "invalidRequest"),
        (b"[]", "invalid_request", "invalidRequest"),
        (b'{"grant_type":1}', "invalid_request", "invalidRequest"),
        (b"{" * 100_000, "invalid_request", "invalidRequest"),
        (b"\xff\xfe", "invalid_request", "invalidRequest"),
    ],
)
def test_wrong_grants_are_400(street: Street, body: bytes, error: str, code: str) -> None:
    reply = street.caller.send("POST", "/oauth2/token", body, authorization=street.caller.basic())
    assert (reply.status, reply.json["error"], reply.code) == (400, error, code)


def test_root_credentials_get_no_token_under_ponto_connect_and_the_plain_oauth_shape(street: Street) -> None:
    reply = street.caller.send(
        "POST", "/ponto-connect/oauth2/token", b"grant_type=client_credentials", authorization=street.caller.basic()
    )
    assert reply.status == 401 and set(reply.json) == {"error", "error_description"}
    assert street.caller.get("/ponto-connect/accounts").code == "credentialsInvalid"


def test_revoking_and_regenerating_are_effective_at_the_next_request(street: Street) -> None:
    caller = street.caller
    assert caller.integration is not None
    assert caller.get("/accounts").status == 200
    caller.secret = services.regenerate_secret(street.owner.user, caller.integration.id, caller.now)
    reply = caller.get("/accounts")
    assert (reply.status, reply.code) == (401, "credentialsInvalid")
    assert reply.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert caller.log_in().status == 200 and caller.get("/accounts").status == 200
    services.revoke_integration(street.owner.user, caller.integration.id, caller.now)
    assert caller.get("/accounts").status == 401
    assert caller.log_in().status == 401


def test_account_taken_away_is_gone_at_the_next_request(street: Street) -> None:
    assert street.caller.integration is not None
    assert street.caller.get(f"/accounts/{street.account.id}").status == 200
    services.set_accounts(street.owner.user, street.caller.integration.id, [street.other.id], street.caller.now)
    assert street.caller.get(f"/accounts/{street.account.id}").status == 404
    assert street.caller.get(f"/accounts/{street.account.id}/transactions").status == 404


def test_token_expires_after_1799_seconds(street: Street) -> None:
    street.caller.now += minutes(1798 / 60)
    assert street.caller.get("/accounts").status == 200
    street.caller.now += minutes(1 / 60)
    assert street.caller.get("/accounts").code == "credentialsInvalid"


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "bearer  "])
def test_empty_bearer_is_anonymous(street: Street, authorization: str) -> None:
    headers = {"authorization": authorization} if authorization else {}
    for target in ("/", "/ponto-connect", "/ponto-connect/", "/webhooks", "/financial-institutions"):
        assert street.caller.send("GET", target, **headers).status == 200
    for target in ("/accounts", f"/accounts/{street.account.id}", "/synchronizations/x"):
        assert street.caller.send("GET", target, **headers).code == "credentialsInvalid"


@pytest.mark.parametrize("authorization", ["Bearer wrong", "Basic abc", "Bearer \xff\xfe", "Token x", "nonsense"])
def test_wrong_bearer_is_401_even_where_none_is_needed(street: Street, authorization: str) -> None:
    for target in ("/", "/ponto-connect", "/financial-institutions", "/accounts"):
        assert street.caller.send("GET", target, authorization=authorization).code == "credentialsInvalid"
    assert street.caller.send("GET", "/webhooks/", authorization=authorization).status == 200


def test_truncated_and_extended_tokens_are_wrong(street: Street) -> None:
    for token in (street.caller.token[:-1], street.caller.token + "x", street.caller.token.split(".")[0]):
        assert street.caller.get("/accounts", authorization=f"Bearer {token}").status == 401


def test_scope_without_account_information_is_403(street: Street) -> None:
    assert street.caller.integration is not None
    Integration.objects.filter(id=street.caller.integration.id).update(scope="pi")
    street.caller.log_in()
    assert (street.caller.get("/accounts").status, street.caller.get("/accounts").code) == (403, "insufficientScope")


def test_token_calls_are_limited_per_client_and_requests_per_integration(street: Street) -> None:
    seconds = [0.0]
    application = Dispatcher(
        pages, now=lambda: street.caller.now, monotonic=lambda: seconds[0],
        requests=rate_limits.Limit(3, 1), token_calls=rate_limits.Limit(2, 0.5),
    )  # fmt: skip
    street.caller.application = street.neighbour.application = application
    assert [street.caller.log_in().status for _ in range(3)] == [200, 200, 429]
    refused = street.caller.log_in()
    assert refused.code == "tooManyRequests" and refused.headers["retry-after"] == "2"
    assert street.neighbour.log_in().status == 200
    seconds[0] += 2
    assert street.caller.log_in().status == 200
    assert [street.caller.get("/accounts").status for _ in range(4)] == [200, 200, 200, 429]
    assert street.neighbour.get("/accounts").status == 200


def test_last_use_is_noted(street: Street) -> None:
    assert street.caller.integration is not None
    street.caller.now += minutes(3)
    street.caller.get(f"/accounts/{street.account.id}/transactions")
    street.caller.integration.refresh_from_db()
    assert street.caller.integration.last_used_at == street.caller.now
    assert street.caller.integration.grants.get(account=street.account).last_accessed_at == street.caller.now
    assert street.caller.integration.grants.get(account=street.other).last_accessed_at is None


@pytest.mark.django_db
def test_secret_with_reserved_characters_is_not_percent_decoded(street: Street) -> None:
    caller = Caller(street.caller.application)
    assert street.caller.integration is not None
    encoded = basic(street.caller.integration.client_id, quote(street.caller.secret + "%", safe=""))
    assert caller.send("POST", "/oauth2/token?grant_type=client_credentials", authorization=encoded).status == 401


def test_answer_names_are_json_strings_for_every_leaf_of_discovery(street: Street) -> None:
    def leaves(value: object) -> list[object]:
        return [leaf for child in value.values() for leaf in leaves(child)] if isinstance(value, dict) else [value]

    for target, base in (("/", "http://127.0.0.1:8080"), ("/ponto-connect", "http://127.0.0.1:8080/ponto-connect")):
        document = json.loads(street.caller.send("GET", target).body)
        found = leaves(document["links"])
        assert found and all(isinstance(leaf, str) and leaf.startswith(base + "/") for leaf in found)


def test_an_integration_revokes_one_of_its_tokens(street: Street) -> None:
    caller = street.caller
    first = caller.token
    caller.log_in()
    for body in (f"token={first}&token_type_hint=access_token", f'{{"token":"{first}"}}', "token=unknown"):
        reply = caller.send("POST", "/oauth2/revoke", body.encode(), authorization=caller.basic())
        assert (reply.status, reply.json) == (200, {})
    assert caller.get("/accounts").status == 200
    assert caller.send("GET", "/accounts", authorization=f"Bearer {first}").status == 401
    foreign = f"token={street.neighbour.token}".encode()
    assert caller.send("POST", "/oauth2/revoke", foreign, authorization=caller.basic()).status == 200
    assert street.neighbour.get("/accounts").status == 200  # not the caller's to end
    wrong = caller.send("POST", "/oauth2/revoke", foreign, authorization="Basic eDp5")
    assert wrong.status == 401 and wrong.code == "clientIdInvalid"
    missing = caller.send("POST", "/oauth2/revoke", b"", authorization=caller.basic())
    assert missing.status == 400 and missing.json["error"] == "invalid_request"


@pytest.mark.parametrize("path", ["/accounts", "/", "/financial-institutions"])
def test_expired_truncated_and_foreign_tokens_open_nothing(street: Street, path: str) -> None:
    caller = street.caller
    good = caller.token
    for token in (good[:-1], good[:43], good + "x", good.swapcase(), f"{good} {good}", "\x00", "é" * 40, "." * 87):
        reply = caller.send("GET", path, authorization=f"Bearer {token}")
        assert reply.status == 401 and reply.code == "credentialsInvalid"
    assert caller.send("GET", "/ponto-connect" + path, authorization=f"Bearer {good}").status == 401
    caller.now += minutes(29)
    assert caller.get(path).status == 200
    caller.now += minutes(1)
    assert caller.get(path).status == 401


@pytest.mark.parametrize("name", ["grant_type", "scope", "client_id", "client_secret"])
@pytest.mark.parametrize("value", [17, True, [], {}], ids=["number", "boolean", "list", "object"])
def test_parameters_of_a_json_token_call_are_text(street: Street, name: str, value: object) -> None:
    body = json.dumps({"grant_type": "client_credentials", name: value}).encode()
    reply = street.caller.send("POST", "/oauth2/token", body, authorization=street.caller.basic())
    assert reply.status == 400 and reply.json["error"] == "invalid_request"
    absent = json.dumps({"grant_type": "client_credentials", "scope": None, "other": value}).encode()
    assert street.caller.send("POST", "/oauth2/token", absent, authorization=street.caller.basic()).status == 200
