"""What the Hub signs is accepted; everything else is refused."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import factories
from tests.hub.api.client import Caller

from nostro.books.hub_client.webhooks import WebhookRefused, read_keys, verify
from nostro.hub.events.models import Event
from nostro.hub.webhooks import signing
from nostro.hub.webhooks.outbox import body_of

NOW = factories.NOW
HUB = "http://127.0.0.1:8080"
EVENT = Event(
    organization_id="6680437c-8ed8-425b-84b7-2c31e5ca625d", account_id="8804e34f-12b0-4b70-86bf-265f013ca232",
    event_type="account.transactionsCreated", attributes={"count": 3}, created_at=NOW,
)  # fmt: skip
BODY = body_of(EVENT)


@pytest.fixture
def signed(db: None) -> dict[str, Any]:
    """A delivery, and the keys as the Hub publishes them."""
    signature = signing.sign(BODY, key=signing.signing_key(NOW), audience="client", issuer=HUB, now=NOW)
    keys = read_keys(json.loads(Caller().send("GET", "/webhooks/keys").body))
    return {"signature": signature, "keys": keys}


def check(signed: dict[str, Any], body: bytes = BODY, **changes: Any) -> Any:
    given = {"signature": signed["signature"], "audience": "client", "issuer": HUB, "now": NOW, **changes}
    return verify(body, given.pop("signature"), signed["keys"], **given)


def test_a_delivery_of_the_hub_is_read(signed: dict[str, Any]) -> None:
    event = check(signed, issuer=HUB + "/")
    assert (event.id, event.type) == (str(EVENT.id), "pontoConnect.account.transactionsCreated")
    assert event.attributes["count"] == 3 and event.related["account"] == EVENT.account_id
    for seconds in (-29, 89):
        assert check(signed, now=NOW + dt.timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"body": BODY + b" "}, "body"), ({"audience": "other"}, "somebody else"),
        ({"issuer": "https://evil.example"}, "another Hub"), ({"now": NOW + dt.timedelta(seconds=91)}, "too old"),
        ({"now": NOW - dt.timedelta(seconds=31)}, "future"), ({"signature": "a.b"}, "compact"),
        ({"signature": "x" * 9_000}, "compact"), ({"signature": "é.e.e"}, "cannot be read"),
    ],
    ids=["body", "audience", "issuer", "late", "early", "two parts", "long", "no base64"],
)  # fmt: skip
def test_what_is_not_for_us_or_not_now_is_refused(signed: dict[str, Any], changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(WebhookRefused, match=reason):
        check(signed, **changes)


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "header", [{"alg": "none"}, {"alg": "HS512", "kid": "nostro-1"}, {"alg": "RS512", "kid": "x"}], ids=str
)
def test_the_sender_chooses_neither_algorithm_nor_key(signed: dict[str, Any], header: dict[str, Any]) -> None:
    _, claims, signature = signed["signature"].split(".")
    with pytest.raises(WebhookRefused, match=r"RS512|unknown"):
        check(signed, signature=f"{part(header)}.{claims}.{signature}")


def test_changed_claims_break_the_signature(signed: dict[str, Any]) -> None:
    header, claims, signature = signed["signature"].split(".")
    read = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    for name, value in (("exp", 2**40), ("aud", "other"), ("iat", None)):
        with pytest.raises(WebhookRefused, match="signature is wrong"):
            check(signed, signature=f"{header}.{part({**read, name: value})}.{signature}")


def test_keys_of_other_kinds_are_left_out(signed: dict[str, Any]) -> None:
    document = json.loads(Caller().send("GET", "/webhooks/keys").body)
    good = document["keys"][0]
    bad = [{**good, "kid": "b", **change} for change in (
        {"kty": "EC"}, {"alg": "RS256"}, {"use": "enc"}, {"status": "REVOKED"}, {"n": "!"}, {"n": "AQAB"}, {"e": ""},
    )]  # fmt: skip
    assert list(read_keys({"keys": [*bad, good, None, 7]})) == [good["kid"]]
    nonsense: tuple[Any, ...] = (None, [], {}, {"keys": 7})
    for broken in nonsense:
        assert read_keys(broken) == {}


@given(st.text(max_size=200), st.binary(max_size=100))
@settings(max_examples=100)
def test_nonsense_is_refused_and_nothing_else(signature: str, body: bytes) -> None:
    with pytest.raises(WebhookRefused):
        verify(body, signature, {}, audience="client", issuer=HUB, now=NOW)
