"""``nostro listen``: what the integration may know, once each, signed, to an address of this machine."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from tests import factories
from tests.hub.api.client import Caller, caller_for
from tests.hub.webhooks.receiver import Receiver

from nostro.books.hub_client.webhooks import read_keys, verify
from nostro.cli import listening
from nostro.hub.events.services import record_event
from nostro.hub.integrations.models import Integration
from nostro.hub.webhooks.listening import listener
from nostro.web.errors import Problem

NOW = factories.NOW
#: The integration itself was made at NOW, which is an event as well.
BEGIN = NOW + dt.timedelta(seconds=1)


@pytest.fixture
def caller(db: None) -> Caller:
    owner = factories.membership()
    return caller_for(owner, [factories.account(owner.organization)])


def happen(integration: Integration, number: int, at: dt.datetime) -> None:
    [account] = integration.grants.values_list("account_id", flat=True)
    record_event(
        integration.organization_id, "account.transactionsCreated", account_id=account, attributes={"count": number},
        now=at,
    )  # fmt: skip


def counts(heard: list) -> list[int]:  # type: ignore[type-arg]
    return [json.loads(each.body)["data"]["attributes"]["count"] for each in heard]


def test_each_event_is_heard_once_also_one_that_is_committed_late(caller: Caller) -> None:
    assert caller.integration is not None
    ears = listener(caller.integration.client_id, BEGIN)
    happen(caller.integration, 1, NOW - dt.timedelta(hours=1))  # before anybody listened
    happen(caller.integration, 2, NOW + dt.timedelta(seconds=5))
    assert counts(ears.hear(NOW + dt.timedelta(seconds=6))) == [2]
    happen(caller.integration, 3, NOW + dt.timedelta(seconds=4))  # began earlier, committed later
    assert counts(ears.hear(NOW + dt.timedelta(seconds=7))) == [3]
    assert ears.hear(NOW + dt.timedelta(minutes=20)) == []


def test_events_of_others_are_not_heard(caller: Caller) -> None:
    assert caller.integration is not None
    ears = listener(caller.integration.client_id, BEGIN)
    hidden = factories.account(caller.integration.organization)
    stranger = factories.account()
    for account in (hidden, stranger):
        record_event(account.organization_id, "account.detailsUpdated", account_id=account.id, now=BEGIN)
    assert ears.hear(BEGIN) == []
    with pytest.raises(Problem, match="no integration"):
        listener("unknown", NOW)


def test_the_command_forwards_what_verifies(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    assert caller.integration is not None
    integration = caller.integration
    for name in ("open_database", "set_up_django"):
        monkeypatch.setattr(listening, name, lambda: None)
    with Receiver() as receiver:
        status = listening.run(
            integration.client_id, receiver.url, rounds=2,
            sleep=lambda _: None if receiver.received else happen(integration, 7, dt.datetime.now(dt.UTC)),
        )  # fmt: skip
    [received] = receiver.received
    caller.now = dt.datetime.now(dt.UTC)
    keys = read_keys(json.loads(caller.send("GET", "/webhooks/keys").body))
    event = verify(
        received.body, received.headers["signature"], keys, audience=integration.client_id,
        issuer="http://127.0.0.1:8080", now=dt.datetime.now(dt.UTC),
    )  # fmt: skip
    assert status == 0 and event.attributes["count"] == 7
    assert listening.run(integration.client_id, "no address") == 2
    assert listening.run("unknown", receiver.url) == 2
