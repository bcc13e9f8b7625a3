"""Webhooks from the event to the receiver (hub-api.md section 10)."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.core import mail
from tests import factories
from tests.hub.api.client import Caller, caller_for
from tests.hub.webhooks.receiver import Receiver

from nostro.http.door import Door, DoorSettings
from nostro.hub.accounts.models import Account
from nostro.hub.events.services import EVENT_TYPES, record_event
from nostro.hub.integrations.services import revoke_integration, set_accounts
from nostro.hub.organizations.models import Membership, Role
from nostro.hub.webhooks import delivering, signing, tasks
from nostro.hub.webhooks.models import Attempt, Delivery, Endpoint
from nostro.hub.webhooks.queries import deliveries_of
from nostro.hub.webhooks.services import checked_url, remove_endpoint, replay, set_endpoint
from nostro.web.errors import Forbidden, NotFound, Problem

NOW = factories.NOW


@dataclass
class House:
    """One integration that reads ``account`` and not ``hidden``, with a webhook to ``receiver``."""

    owner: Membership
    account: Account
    hidden: Account
    caller: Caller
    receiver: Receiver
    endpoint: Endpoint
    now: dt.datetime = NOW

    def happen(self, event_type: str = "account.transactionsCreated", **fields: Any) -> Delivery:
        fields.setdefault("account_id", self.account.id)
        fields.setdefault("attributes", {"count": 3})
        record_event(self.owner.organization_id, event_type, now=self.now, **fields)
        return Delivery.objects.order_by("created_at", "id").last() or pytest.fail("there is no delivery")

    def attempt(self, delivery: Delivery) -> Delivery:
        delivering.attempt(delivery.id, clock=lambda: self.now, randomness=random.Random(1))
        return Delivery.objects.get(id=delivery.id)

    def claims(self, number: int = -1) -> dict[str, Any]:
        return read_signature(self.receiver.received[number].headers["signature"])[1]


@pytest.fixture
def house(db: None) -> Iterator[House]:
    owner = factories.membership()
    account, hidden = factories.account(owner.organization), factories.account(owner.organization)
    caller = caller_for(owner, [account])
    assert caller.integration is not None
    with Receiver() as receiver:
        endpoint = set_endpoint(owner.user, caller.integration.id, url=receiver.url, now=NOW)
        yield House(owner, account, hidden, caller, receiver, endpoint)


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def read_signature(signature: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims, _ = signature.split(".")
    return json.loads(decoded(header)), json.loads(decoded(claims))


def test_a_receiver_can_verify_what_it_gets(house: House) -> None:
    delivery = house.happen(synchronization_id=house.account.id)
    assert house.attempt(delivery).status == "delivered"
    received = house.receiver.received[0]
    assert received.headers["content-type"] == "application/json" and received.body == bytes(delivery.body)
    header, claims = read_signature(received.headers["signature"])
    keys = house.caller.send("GET", "/webhooks/keys").json["keys"]
    [key] = [key for key in keys if key["kid"] == header["kid"]]
    assert header == {"alg": "RS512", "kid": "nostro-1"}
    assert key["status"] == "ACTIVE" and key["use"] == "sig" and key["kty"] == "RSA" and key["e"] == "AQAB"
    assert len(key["n"]) % 4 == 0 and key["n"].endswith("=")  # 256 bytes: .NET needs the padding
    modulus = int.from_bytes(base64.urlsafe_b64decode(key["n"]), "big")
    signed, _, signature = received.headers["signature"].rpartition(".")
    rsa.RSAPublicNumbers(65537, modulus).public_key().verify(
        decoded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA512()
    )
    assert claims["iss"] == "http://127.0.0.1:8080" and house.caller.integration is not None
    assert claims["aud"] == house.caller.integration.client_id
    assert base64.b64decode(claims["digest"]) == hashlib.sha512(received.body).digest()
    assert claims["exp"] == claims["iat"] + 60 and claims["iat"] == int(NOW.timestamp())


def test_the_body_is_that_of_the_specification(house: House) -> None:
    delivery = house.happen(
        "synchronization.succeededWithoutChange", synchronization_id=house.hidden.id,
        attributes={"synchronizationSubtype": "accountDetails"},
    )  # fmt: skip
    assert json.loads(bytes(delivery.body)) == {
        "data": {
            "type": "pontoConnect.synchronization.succeededWithoutChange",
            "id": str(delivery.event_id),
            "attributes": {"createdAt": "2026-11-25T09:30:00.000Z", "synchronizationSubtype": "accountDetails"},
            "relationships": {
                "account": {"data": {"type": "account", "id": str(house.account.id)}},
                "organization": {"data": {"type": "organization", "id": str(house.owner.organization_id)}},
                "synchronization": {"data": {"type": "synchronization", "id": str(house.hidden.id)}},
            },
        }
    }


def test_there_are_the_fifteen_types_that_clients_know() -> None:
    assert len(EVENT_TYPES) == 15 and "synchronization.succeeded" not in EVENT_TYPES


def test_an_integration_hears_only_of_its_own_accounts(house: House) -> None:
    record_event(house.owner.organization_id, "account.detailsUpdated", account_id=house.hidden.id, now=NOW)
    neighbour = factories.account()
    record_event(neighbour.organization_id, "account.detailsUpdated", account_id=neighbour.id, now=NOW)
    record_event(house.owner.organization_id, "integration.created", integration_id=house.hidden.id, now=NOW)
    assert not Delivery.objects.exists()
    record_event(house.owner.organization_id, "account.detailsUpdated", account_id=house.account.id, now=NOW)
    assert Delivery.objects.count() == 1


def test_only_chosen_types_are_sent(house: House) -> None:
    set_endpoint(
        house.owner.user, house.endpoint.integration_id, url=house.receiver.url,
        event_types=["synchronization.failed"], now=NOW,
    )  # fmt: skip
    record_event(house.owner.organization_id, "account.detailsUpdated", account_id=house.account.id, now=NOW)
    assert not Delivery.objects.exists()
    assert house.happen("synchronization.failed", attributes={}).event_type == "synchronization.failed"


def test_changes_of_the_integration_are_told_to_it(house: House) -> None:
    user, integration_id = house.owner.user, house.endpoint.integration_id
    set_accounts(user, integration_id, [house.hidden.id], NOW)
    revoke_integration(user, integration_id, NOW)
    types = list(Delivery.objects.order_by("created_at", "id").values_list("event_type", flat=True))
    assert types == ["integration.accountRevoked", "integration.accountAdded", "integration.revoked"]


def test_ten_attempts_over_75_hours_with_the_same_bytes_and_a_new_signature_each(house: House) -> None:
    house.receiver.status = 500
    delivery = house.attempt(house.happen())
    while delivery.next_attempt_at is not None:
        # Before its time nothing is sent; another delivery's success keeps the endpoint from being silent.
        assert delivering.attempt(delivery.id, clock=lambda: house.now, randomness=random.Random(1)) is None
        house.now = delivery.next_attempt_at
        delivery = house.attempt(delivery)
    assert (delivery.status, delivery.attempt_count) == ("failed", 10)
    assert dt.timedelta(hours=75) < house.now - NOW < dt.timedelta(hours=75 * 1.21)
    assert len({received.body for received in house.receiver.received}) == 1
    assert len({house.claims(n)["jti"] for n in range(10)}) == 10
    assert list(Attempt.objects.order_by("number").values_list("status", flat=True)) == [500] * 10


def test_waiting_times_have_up_to_a_fifth_of_jitter_and_obey_retry_after() -> None:
    randomness = random.Random(3)
    for made, planned in enumerate(delivering.WAITS_S[1:], start=1):
        for _ in range(50):
            wait = delivering.next_wait(made, 0, randomness).total_seconds()
            assert planned <= wait <= planned * 1.2
    assert delivering.next_wait(1, 900, randomness) == dt.timedelta(seconds=900)


def test_retry_after_of_a_busy_receiver_is_a_lower_bound(house: House) -> None:
    house.receiver.status, house.receiver.headers = 503, {"Retry-After": "1234"}
    delivery = house.attempt(house.happen())
    assert delivery.next_attempt_at == NOW + dt.timedelta(seconds=1234)


def test_redirects_are_not_followed(house: House) -> None:
    house.receiver.status, house.receiver.headers = 302, {"Location": house.receiver.url}
    assert house.attempt(house.happen()).status == "pending" and len(house.receiver.received) == 1


def test_410_pauses_at_once_and_the_owner_is_told(house: House) -> None:
    house.receiver.status = 410
    later = house.happen()
    delivery = house.attempt(house.happen())
    endpoint = Endpoint.objects.get()
    assert delivery.status == "dropped" and not endpoint.is_active and endpoint.paused_because == "gone"
    assert house.attempt(later).status == "dropped" and len(house.receiver.received) == 1
    tasks.tell_owners(str(endpoint.id))
    assert [message.to for message in mail.outbox] == [[house.owner.user.email]] and "410" in mail.outbox[0].body
    set_endpoint(house.owner.user, endpoint.integration_id, url=house.receiver.url, now=NOW)
    assert Endpoint.objects.get().is_active


def test_five_days_without_any_success_pause(house: House) -> None:
    house.receiver.status = 500
    house.attempt(house.happen())
    house.now = NOW + dt.timedelta(days=5)
    assert house.attempt(house.happen()).status == "pending"
    house.now += dt.timedelta(minutes=1)
    assert house.attempt(house.happen()).status == "dropped"
    assert Endpoint.objects.get().paused_because == "silent"


def test_private_addresses_are_refused_when_the_connection_is_made(house: House) -> None:
    Endpoint.objects.update(url="https://hooks.example.org/")
    reached: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        reached.append(host)
        return ["10.0.0.7"]

    with Door(DoorSettings(), resolve=resolve) as door:
        delivery = house.happen()
        delivering.attempt(delivery.id, clock=lambda: NOW, randomness=random.Random(1), door=door)
    attempt = Attempt.objects.get()
    assert reached == ["hooks.example.org"] and attempt.status is None and "hooks.example.org" in attempt.error


@pytest.mark.parametrize(
    "url",
    ["", "hooks", "ftp://example.org/", "http://example.org/", "https://", "https://a b/", "https://10.0.0.1/",
     "https://[::1/", "https://169.254.169.254/", "https://user:word@example.org/", "https://" + "a" * 2_000,
     "https://example.org:99999999/", "javascript:alert(1)", "https://127.0.0.1/"],
)  # fmt: skip
def test_addresses_that_cannot_be_right_are_refused_at_once(url: str, settings: Any) -> None:
    settings.OUTGOING_ALLOW_LOOPBACK = False
    with pytest.raises(Problem) as refused:
        checked_url(url)
    assert refused.value.field == "url"
    assert checked_url(" https://hooks.example.org/nostro?x=1 ") == "https://hooks.example.org/nostro?x=1"


def test_a_delivery_can_be_sent_again_with_the_same_id(house: House) -> None:
    delivery = house.attempt(house.happen())
    again = house.attempt(replay(house.owner.user, delivery.id, NOW))
    assert again.status == "delivered" and again.is_replay
    first, second = house.receiver.received
    assert first.body == second.body and house.claims(0)["jti"] != house.claims(1)["jti"]
    assert [row.id for row in deliveries_of(house.endpoint)] == [again.id, delivery.id]


def test_strangers_and_members_may_not(house: House) -> None:
    delivery, integration_id = house.happen(), house.endpoint.integration_id
    stranger, member = factories.user(), factories.membership(house.owner.organization, role=Role.MEMBER)
    for user, expected in ((stranger, NotFound), (member.user, Forbidden)):
        for action in (
            lambda u=user: set_endpoint(u, integration_id, url="https://example.org", now=NOW),
            lambda u=user: remove_endpoint(u, integration_id),
            lambda u=user: replay(u, delivery.id, NOW),
        ):
            with pytest.raises(expected):
                action()
    remove_endpoint(house.owner.user, integration_id)
    assert not Endpoint.objects.exists() and not Delivery.objects.exists()


def test_keys_are_published_a_day_before_and_a_day_after_they_sign(db: None) -> None:
    first = signing.signing_key(NOW)
    assert signing.rotate(NOW + dt.timedelta(days=89)) is None
    at = NOW + dt.timedelta(days=90)
    second = signing.rotate(at)
    assert second is not None and signing.rotate(at) is None
    hour = dt.timedelta(hours=1)
    for moment, signs, published in (
        (at, first, {2, 1}),
        (at + 23 * hour, first, {2, 1}),
        (at + 24 * hour, second, {2, 1}),
        (at + 47 * hour, second, {2, 1}),
        (at + 48 * hour, second, {2}),
    ):
        assert signing.signing_key(moment).number == signs.number
        assert {key.number for key in signing.published_keys(moment)} == published


def test_what_a_killed_worker_took_is_queued_again_and_old_deliveries_are_forgotten(house: House) -> None:
    delivery = house.happen()
    assert delivering._take(delivery.id, NOW) is not None  # and then the worker dies
    assert delivering._take(delivery.id, NOW) is None
    assert tasks.requeue_lost(NOW + dt.timedelta(minutes=3)) == 0
    assert tasks.requeue_lost(NOW + dt.timedelta(minutes=5)) == 1
    house.now = NOW + dt.timedelta(minutes=5)
    assert house.attempt(delivery).status == "delivered"
    assert tasks.forget_old(NOW + dt.timedelta(days=30)) == 0
    assert tasks.forget_old(NOW + dt.timedelta(days=31)) == 1 and not Attempt.objects.exists()
