"""The ``ibanity`` gem against Ponto Connect (hub-api.md 11.2): its raw requests through a web server, byte for byte.

What the gem sends was observed; each request is written out here as it is on the wire, headers included.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.db import connections
from tests import factories
from tests.hub.api.client import BASE, pages
from tests.hub.vendors.test_ponto_connect import BACK, CHALLENGE, VERIFIER, Vendor, make_vendor

from nostro.hub.api.dispatcher import Dispatcher

SIGNED = (
    "Digest: SHA-512=z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==\r\n"
    'Signature: keyId="75b5d796-de5c-400a-81ce-e72371b01cbc",created="1599659223",algorithm="hs2019",'
    'headers="(request-target) host digest (created) authorization",signature="UjaZ_xy-=="\r\n'
)


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        pass


class Gem:
    """Writes bytes to a socket and reads JSON, as the gem does without looking at the status."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.links: dict[str, Any] = {}

    def send(self, head: str, body: bytes = b"") -> tuple[int, dict[str, str], Any]:
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        request = (
            f"{head.rstrip()}\r\nHost: 127.0.0.1:8080\r\nUser-Agent: rest-client/2.1.0 (linux x86_64) ruby/3.2.2\r\n"
        )
        request += f"Accept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3\r\n{length}Connection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as connection:
            connection.sendall(request.encode() + body)
            answer = b"".join(iter(lambda: connection.recv(65_536), b""))
        top, _, content = answer.partition(b"\r\n\r\n")
        status, *lines = top.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        assert re.fullmatch(r"[0-9a-f-]{36}", headers["ibanity-request-id"])
        return int(status.split()[1]), headers, json.loads(content)

    def call(self, verb: str, path: str, token: str, body: Any = None, extra: str = "") -> tuple[int, Any]:
        content = b"" if body is None else json.dumps(body, separators=(",", ":")).encode()
        head = f"{verb} {path} HTTP/1.1\r\nAccept: application/json\r\nContent-Type: application/json\r\n"
        status, _, document = self.send(f"{head}Authorization: Bearer {token}\r\n{extra}", content)
        return status, document

    def oauth(self, path: str, pair: str, **form: str) -> tuple[int, Any]:
        head = (
            f"POST {path} HTTP/1.1\r\nAccept: application/json\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        )
        key = "ibanity-idempotency-key: 61f02718-eeee-46e1-b5eb-e8fd6e799c2d\r\n"
        status, _, document = self.send(f"{head}Authorization: Basic {pair}\r\n{key}", urlencode(form).encode())
        return status, document

    def path(self, *keys: str, **ids: str) -> str:
        """An address of the discovery document with ids put in, or nothing, which leaves the trailing slash."""
        found: Any = self.links
        for key in keys:
            found = found[key]
        return re.sub(r"\{(\w+)\}", lambda match: ids.get(match.group(1), ""), str(found).removeprefix(BASE))


@pytest.fixture
def vendor(db: None, monkeypatch: pytest.MonkeyPatch) -> Vendor:
    vendor = make_vendor(factories.membership())
    for module in ("consent", "shell"):
        monkeypatch.setattr(f"nostro.hub.pages.{module}.now", lambda: vendor.caller.now)
    return vendor


@pytest.fixture
def gem(vendor: Vendor) -> Iterator[Gem]:
    """The dispatcher behind a socket, in a thread that shares the test's database connection."""
    connection = connections["default"]
    connection.inc_thread_sharing()
    application = Dispatcher(pages, now=lambda: vendor.caller.now)

    def shared(environ: Any, start_response: Any) -> Any:
        connections["default"] = connection
        return application(environ, start_response)

    server = make_server("127.0.0.1", 0, shared, WSGIServer, Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    gem = Gem(server.server_port)
    status, headers, document = gem.send("GET /ponto-connect HTTP/1.1\r\nAccept: application/json\r\n" + SIGNED)
    assert status == 200 and headers["content-type"] == "application/json; charset=utf-8"
    gem.links = document["links"]
    yield gem
    server.shutdown()
    thread.join()
    server.server_close()
    connection.dec_thread_sharing()


def pair(vendor: Vendor) -> str:
    return base64.b64encode(f"{vendor.application.client_id}:{vendor.secret}".encode()).decode()


def log_in(vendor: Vendor, gem: Gem) -> dict[str, Any]:
    status, tokens = gem.oauth(
        gem.path("oauth2", "token"), pair(vendor), grant_type="authorization_code", code=vendor.consent(),
        client_id=vendor.application.client_id, redirect_uri=BACK, code_verifier=VERIFIER,
    )  # fmt: skip
    assert status == 200 and tokens["token_type"] == "bearer" and tokens["expires_in"] == 1799
    return dict(tokens)


def test_discovery_has_strings_only_and_every_address_is_absolute(gem: Gem) -> None:
    def leaves(value: Any) -> Iterator[Any]:
        if isinstance(value, dict):
            for each in value.values():
                yield from leaves(each)
        else:
            yield value

    found = list(leaves(gem.links))
    assert len(found) > 15 and all(
        isinstance(leaf, str) and leaf.startswith(f"{BASE}/ponto-connect/") for leaf in found
    )


def test_tokens_are_exchanged_rotated_and_revoked(vendor: Vendor, gem: Gem) -> None:
    assert hashlib.sha256(VERIFIER.encode()).digest() == base64.urlsafe_b64decode(CHALLENGE + "=")
    first = log_in(vendor, gem)
    path = gem.path("oauth2", "token")
    form = {"grant_type": "refresh_token", "client_id": vendor.application.client_id, "redirect_uri": BACK}
    status, second = gem.oauth(path, pair(vendor), **form, refresh_token=first["refresh_token"])
    assert status == 200 and second["refresh_token"] != first["refresh_token"]
    # The same idempotency key came with both calls and is ignored here.
    status, document = gem.oauth(gem.path("oauth2", "revoke"), pair(vendor), token=second["refresh_token"])
    assert (status, document) == (200, {})
    status, document = gem.call("GET", gem.path("userinfo"), second["access_token"])
    assert status == 401 and document["errors"][0]["code"] == "credentialsInvalid"


@pytest.mark.parametrize("signed", ["", SIGNED], ids=["plain", "signed"])
def test_accounts_transactions_and_synchronizations(vendor: Vendor, gem: Gem, signed: str) -> None:
    rows = [str(row.id) for row in reversed(factories.transactions(vendor.account, 5))]
    token = log_in(vendor, gem)["access_token"]
    account = str(vendor.account.id)
    assert gem.path("accounts") == "/ponto-connect/accounts/"
    status, listed = gem.call("GET", gem.path("accounts") + "?page[limit]=3", token, extra=signed)
    assert status == 200 and [item["id"] for item in listed["data"]] == [account]
    assert listed["links"]["first"] == f"{BASE}/ponto-connect/accounts?page[limit]=3"
    assert listed["meta"]["paging"] == {"limit": 3, "before": None, "after": None}
    transactions = gem.path("account", "transactions", accountId=account)
    _, page = gem.call("GET", f"{transactions}?page[limit]=2", token, extra=signed)
    assert [item["id"] for item in page["data"]] == rows[:2]
    following = urlsplit(page["links"]["next"])
    assert following.query == f"page[after]={rows[1]}&page[limit]=2"
    _, page = gem.call("GET", f"{following.path}?{following.query.replace('[', '%5B').replace(']', '%5D')}", token)
    assert [item["id"] for item in page["data"]] == rows[2:4] and "prev" in page["links"]
    body = {"data": {"type": "synchronization", "attributes": {
        "resource_type": "account", "resource_id": account, "subtype": "accountTransactions"}}}  # fmt: skip
    status, run = gem.call("POST", gem.path("synchronizations"), token, body, signed)
    assert status == 201 and run["data"]["attributes"]["status"] == "pending"
    updated = gem.path("synchronization", "updatedTransactions", synchronizationId=run["data"]["id"])
    status, page = gem.call("GET", updated, token)
    assert status == 200 and page["data"] == [] and page["meta"]["synchronizedAt"]
    status, document = gem.call("DELETE", gem.path("accounts", accountId=account), token)
    assert status == 200 and document["data"] == {"type": "account", "id": account}


def test_what_only_ponto_connect_has(vendor: Vendor, gem: Gem) -> None:
    tokens = log_in(vendor, gem)
    status, info = gem.call("GET", gem.path("userinfo"), tokens["access_token"])
    assert status == 200 and info["sub"] == str(vendor.owner.organization_id) and "data" not in info
    asked = f"/ponto-connect/accounts/{vendor.account.id}/reauthorization-requests"
    assert gem.path("account", "reauthorizationRequests", accountId=str(vendor.account.id)) == asked
    body = {"data": {"type": "reauthorizationRequest", "attributes": {"redirect_uri": BACK}}}
    status, document = gem.call("POST", asked, tokens["access_token"], body)
    assert status == 201 and document["data"]["links"]["redirect"].startswith(f"{BASE}/authorize/organizations/")
    _, client = gem.oauth(gem.path("oauth2", "token"), pair(vendor), grant_type="client_credentials")
    assert client["scope"] == ""
    details = {"data": {"type": "onboardingDetails", "attributes": {"email": "jsmith@example.com", "first_name": "Jo"}}}
    status, document = gem.call("POST", "/ponto-connect/onboarding-details", client["access_token"], details)
    assert status == 201 and document["data"]["attributes"]["firstName"] == "Jo"
    _, document = gem.call("GET", "/ponto-connect/integration-accounts?page[limit]=2", client["access_token"])
    [item] = document["data"]
    assert item["relationships"].keys() == {"account", "financialInstitution", "organization"}
    month = gem.path("organizations", "usage", organizationId=str(vendor.owner.organization_id), month="2026-11")
    _, document = gem.call("GET", month, client["access_token"])
    assert document["data"]["id"] == "2026-11" and document["data"]["relationships"] == document["relationships"]
    ended = gem.path("organizations", "integration", organizationId=str(vendor.owner.organization_id))
    status, document = gem.call("DELETE", ended, client["access_token"])
    assert status == 200 and document["data"]["type"] == "integration"
    status, document = gem.call("GET", gem.path("accounts"), tokens["access_token"])
    assert status == 401 and document["errors"]


def test_institutions_without_a_token_filtered(vendor: Vendor, gem: Gem) -> None:
    status, document = gem.call(
        "GET", "/ponto-connect/financial-institutions/?filter[country][eq]=BE&page[limit]=1", ""
    )
    assert status == 200 and len(document["data"]) == 1
    assert "filter[country][eq]=BE" in document["links"]["next"]
