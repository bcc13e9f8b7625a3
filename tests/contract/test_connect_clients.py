"""The Java, .NET and Elixir clients of Ponto Connect (hub-api.md 11.2): their requests as they are on the wire.

What each sends was read in its public description and source, not observed; headers that differ from the Ruby gem's are
written out.
"""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests import factories
from tests.contract.test_ibanity_gem import Gem, gem, pair, vendor
from tests.hub.api.client import BASE
from tests.hub.vendors.test_ponto_connect import BACK, VERIFIER, Vendor

__all__ = ["gem", "vendor"]
JAVA_KEY = "Ibanity-Idempotency-Key: 3f2f6b0e-7c3b-4a4c-9a51-1d4f6f0a2b11\r\n"
NET_ACCEPT = "Accept: application/vnd.api+json;version=2\r\n"
NET_SIGNED = (
    "Digest: SHA-512=z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==\r\n"
    'Signature: keyId="75b5d796-de5c-400a-81ce-e72371b01cbc",created=1599659223,algorithm="hs2019",'
    'headers="(request-target) host digest (created) authorization",signature="UjaZ+xy/=="\r\n'
)


def form(**values: str) -> bytes:
    return urlencode(values).encode()


def synchronization(account: Any, kind: str = "synchronization") -> bytes:
    attributes = {"resourceType": "account", "resourceId": str(account.id), "subtype": "accountTransactions",
                  "customerIpAddress": "123.123.123.123"}  # fmt: skip
    return json.dumps({"data": {"type": kind, "attributes": attributes}}).encode()


def test_java(vendor: Vendor, gem: Gem) -> None:
    """No Accept; encoded brackets; a key of its own with every POST; ids must parse; unknown members are ignored."""
    rows = [str(row.id) for row in reversed(factories.transactions(vendor.account, 5))]
    _, _, webhooks = gem.send("GET /webhooks HTTP/1.1\r\n")  # at start
    assert webhooks == {"links": {"keys": f"{BASE}/webhooks/keys"}}
    _, _, discovery = gem.send("GET /ponto-connect HTTP/1.1\r\n")
    links = discovery["links"]
    token_path = urlsplit(links["oauth2"]["token"]).path
    basic = f"Authorization: Basic {pair(vendor)}\r\nContent-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n"
    body = form(grant_type="authorization_code", code=vendor.consent(), client_id=vendor.application.client_id,
                redirect_uri=BACK, code_verifier=VERIFIER)  # fmt: skip
    status, _, tokens = gem.send(f"POST {token_path} HTTP/1.1\r\n{basic}{JAVA_KEY}", body)
    assert status == 200 and isinstance(tokens["expires_in"], int)
    bearer = f"Authorization: Bearer {tokens['access_token']}\r\n"
    path = f"/ponto-connect/accounts/{vendor.account.id}/transactions?page%5Blimit%5D=2&page%5Bafter%5D={rows[1]}"
    status, headers, page = gem.send(f"GET {path} HTTP/1.1\r\n{bearer}")
    assert status == 200 and headers["content-type"] == "application/json; charset=utf-8"
    assert [item["id"] for item in page["data"]] == rows[2:4]
    _, _, accounts = gem.send(f"GET /ponto-connect/accounts HTTP/1.1\r\n{bearer}")
    [account] = accounts["data"]
    uuid.UUID(account["id"]), uuid.UUID(account["relationships"]["financialInstitution"]["data"]["id"])
    posted = f"POST /ponto-connect/synchronizations HTTP/1.1\r\nContent-Type: application/json\r\n{bearer}{JAVA_KEY}"
    first, again = (gem.send(posted, synchronization(vendor.account)) for _ in range(2))
    assert (first[0], again[0]) == (201, 201) and first[2] == again[2]
    assert again[1]["idempotent-replayed"] == "true"


def test_net(vendor: Vendor, gem: Gem) -> None:
    """Fixed paths; strict nullability; follows ``next`` as given; a digest over the wrong bytes; no verifier."""
    factories.synchronization(vendor.account, created_at=factories.NOW.replace(hour=1))
    factories.transactions(vendor.account, 3)
    basic = f"Authorization: Basic {pair(vendor)}\r\nContent-Type: application/x-www-form-urlencoded\r\n{NET_ACCEPT}"
    code = vendor.consent(code_challenge="", code_challenge_method="")
    body = form(grant_type="authorization_code", code=code, client_id=vendor.application.client_id, redirect_uri=BACK)
    status, _, tokens = gem.send(f"POST /ponto-connect/oauth2/token HTTP/1.1\r\n{basic}", body)
    assert status == 200
    bearer = f"Authorization: Bearer {tokens['access_token']}\r\n{NET_ACCEPT}{NET_SIGNED}"
    target = f"/ponto-connect/accounts/{vendor.account.id}/transactions?page[limit]=2"
    seen = []
    while target:
        status, headers, page = gem.send(f"GET {target} HTTP/1.1\r\n{bearer}")
        assert status == 200 and headers["content-type"] == "application/vnd.api+json"
        seen += page["data"]
        following = urlsplit(page["links"].get("next", ""))
        target = f"{following.path}?{following.query}" if following.path else ""
    assert len(seen) == 3
    for item in seen:
        for name in ("valueDate", "executionDate", "createdAt", "updatedAt"):
            datetime.fromisoformat(item["attributes"][name])
        assert isinstance(item["attributes"]["amount"], float)
        assert all(isinstance(link, str) for link in item["relationships"]["account"]["links"].values())
    posted = f"POST /ponto-connect/synchronizations HTTP/1.1\r\nContent-Type: application/vnd.api+json\r\n{bearer}"
    status, _, run = gem.send(posted, synchronization(vendor.account))
    assert status == 201 and run["data"]["attributes"]["errors"] == []
    status, headers, refused = gem.send(f"POST /ponto-connect/oauth2/token HTTP/1.1\r\n{basic}", form(grant_type="x"))
    assert status == 400 and refused["error"] == "unsupported_grant_type" and headers["ibanity-request-id"]


def test_elixir(vendor: Vendor, gem: Gem) -> None:
    """Slashes behind discovery; tokens and revocation as JSON; the wrong type; links are followed without a bearer."""
    factories.transactions(vendor.account, 3)
    _, _, discovery = gem.send("GET /ponto-connect/ HTTP/1.1\r\nAccept: application/json\r\n")
    assert gem.send("GET /webhooks/ HTTP/1.1\r\nAccept: application/json\r\n")[2]["links"]["keys"]
    oauth2 = {name: urlsplit(link).path for name, link in discovery["links"]["oauth2"].items()}
    basic = f"Authorization: Basic {pair(vendor)}\r\nContent-Type: application/json\r\nAccept: application/json\r\n"
    client_id = vendor.application.client_id
    asked = {"grant_type": "authorization_code", "code": vendor.consent(), "code_verifier": VERIFIER,
             "redirect_uri": BACK, "client_id": client_id}  # fmt: skip
    status, _, tokens = gem.send(f"POST {oauth2['token']} HTTP/1.1\r\n{basic}", json.dumps(asked).encode())
    assert status == 200 and tokens["token_type"] == "bearer"
    bearer = f"Authorization: Bearer {tokens['access_token']}\r\nContent-Type: application/json\r\n"
    status, _, run = gem.send(
        f"POST /ponto-connect/synchronizations/ HTTP/1.1\r\n{bearer}", synchronization(vendor.account, "account")
    )
    assert status == 201 and run["data"]["type"] == "synchronization"
    path = f"/ponto-connect/accounts/{vendor.account.id}/transactions/?page[limit]=2"
    _, _, page = gem.send(f"GET {path} HTTP/1.1\r\n{bearer}", b"{}")
    following = urlsplit(page["links"]["next"])
    status, _, refused = gem.send(f"GET {following.path}?{following.query} HTTP/1.1\r\n")
    assert status == 401 and refused["errors"][0]["code"] == "credentialsInvalid"
    revoked = json.dumps({"token": tokens["refresh_token"], "client_id": client_id}).encode()
    status, _, document = gem.send(f"POST {oauth2['revoke']} HTTP/1.1\r\n{basic}", revoked)
    assert (status, document) == (200, {})
    status, _, document = gem.send(f"GET /ponto-connect/accounts/ HTTP/1.1\r\n{bearer}")
    assert status == 401 and document["errors"]
