"""The request log of an integration: what was asked, never a secret, within bounds."""

from __future__ import annotations

import base64
import datetime as dt
import json
import threading
import uuid
from typing import Any

import pytest
from tests import factories
from tests.hub.api.client import Caller, caller_for, pages
from tests.hub.api.conftest import Street

from nostro.hub.api import request_log as api_log
from nostro.hub.api.dispatcher import Dispatcher
from nostro.hub.api.request_log import Recorder, masked_body
from nostro.hub.integrations import request_log
from nostro.hub.integrations.models import LoggedRequest
from nostro.hub.integrations.request_log import Entry, requests_of


class Bag:
    """A recorder without a thread."""

    def __init__(self) -> None:
        self.recorder = Recorder()
        self.recorder._thread = object()  # type: ignore[assignment]


@pytest.fixture
def bag() -> Recorder:
    return Bag().recorder


@pytest.fixture
def caller(street: Street, bag: Recorder) -> Caller:
    caller = street.caller
    caller.application = Dispatcher(pages, now=lambda: caller.now, record=bag.add)
    return caller


def test_reads_are_logged_with_time_status_id_and_duration_but_no_body(caller: Caller, bag: Recorder) -> None:
    reply = caller.get("/accounts/?limit=5&secret=abc")
    assert bag.flush() == 1 and caller.integration is not None
    [row] = requests_of(caller.integration)
    assert (row.verb, row.status, row.at) == ("GET", 200, caller.now)
    assert row.target == "/accounts?limit=5&secret=•••"
    assert str(row.request_id) == reply.headers["ibanity-request-id"]
    assert row.duration_us > 0 and row.request_body == row.response_body == ""


def test_refused_requests_keep_their_bodies_masked(caller: Caller, bag: Recorder, street: Street) -> None:
    document = {"data": {"type": "synchronization", "attributes": {
        "resourceType": "account", "resourceId": str(street.foreign.id), "subtype": "accountDetails",
        "customerIpAddress": "203.0.113.77", "note": ["Jane Doe"]}}}  # fmt: skip
    reply = caller.call("POST", "/synchronizations", document)
    bag.flush()
    [row] = LoggedRequest.objects.all()
    assert row.status == 400 and row.response_body == reply.body.decode()
    assert "203.0.113.77" not in row.request_body and "Jane" not in row.request_body
    assert json.loads(row.request_body)["data"]["attributes"]["subtype"] == "accountDetails"
    assert caller.token not in row.request_body + row.response_body + row.target


@pytest.mark.parametrize("body", [b"\xff\x00", b"{", b"client_secret=abc", b"[" * 5000])
def test_bodies_that_are_no_json_are_only_counted(body: bytes) -> None:
    assert masked_body(body) == f"({len(body)} bytes that are no JSON)"


def test_nobody_in_particular_is_not_logged_and_a_neighbour_not_here(
    caller: Caller, bag: Recorder, street: Street
) -> None:
    caller.send("GET", "/accounts", authorization="Bearer wrong")
    caller.send("GET", "/")
    street.neighbour.application = caller.application
    street.neighbour.get("/accounts")
    assert bag.flush() == 1 and caller.integration is not None and street.neighbour.integration is not None
    assert requests_of(caller.integration) == []
    assert len(requests_of(street.neighbour.integration)) == 1


def entry(street: Street, number: int, at: dt.datetime) -> Entry:
    assert street.caller.integration is not None
    return Entry(
        street.owner.organization_id, street.caller.integration.id, at, "GET", f"/{number}", 200, str(uuid.uuid4()), 1
    )


def test_the_log_keeps_fourteen_days_and_the_newest_of_each_integration(street: Street, monkeypatch: Any) -> None:
    monkeypatch.setattr(request_log, "KEPT_PER_INTEGRATION", 3)
    now = factories.NOW
    request_log.write([entry(street, n, now - dt.timedelta(minutes=n)) for n in range(5)])
    request_log.write([entry(street, 9, now - dt.timedelta(days=15))])
    assert request_log.forget_old(now) == 3
    assert [row.target for row in LoggedRequest.objects.order_by("-at")] == ["/0", "/1", "/2"]


def test_waiting_entries_are_bounded(street: Street, bag: Recorder) -> None:
    for number in range(api_log.MAX_WAITING + 5):
        bag.add(entry(street, number, factories.NOW))
    assert bag.flush() == api_log.MAX_WAITING
    assert bag.flush() == 0


def test_a_thread_writes_what_waits(street: Street, monkeypatch: Any) -> None:
    written: list[Entry] = []
    done = threading.Event()

    def write(entries: list[Entry]) -> None:
        written.extend(entries)
        done.set()

    monkeypatch.setattr(api_log, "write", write)
    Recorder(interval_s=0.001).add(entry(street, 1, factories.NOW))
    assert done.wait(10) and [each.target for each in written] == ["/1"]


def test_rate_limited_requests_say_when_to_come_back_and_are_logged(db: None, bag: Recorder) -> None:
    from nostro.hub.api.rate_limits import Limit

    account = factories.account()
    caller = caller_for(factories.membership(account.organization), [account])
    caller.application = Dispatcher(
        pages, now=lambda: caller.now, record=bag.add, requests=Limit(1, 0.1), monotonic=lambda: 0.0
    )
    assert caller.get("/accounts").status == 200
    reply = caller.get("/accounts")
    assert (reply.status, reply.code, reply.headers["retry-after"]) == (429, "tooManyRequests", "10")
    bag.flush()
    assert list(LoggedRequest.objects.order_by("status").values_list("status", flat=True)) == [200, 429]


def test_token_calls_and_refused_tokens_are_logged_without_secrets(caller: Caller, bag: Recorder) -> None:
    assert caller.integration is not None
    caller.log_in()
    wrong = "Basic " + base64.b64encode(f"{caller.integration.client_id}:guess".encode()).decode()
    caller.send("POST", "/oauth2/token", b"grant_type=client_credentials&client_secret=guess", authorization=wrong)
    caller.now += dt.timedelta(hours=1)
    caller.get("/accounts")
    caller.send("GET", "/accounts", authorization="Bearer somebody.else")
    bag.flush()
    rows = [(row.verb, row.target, row.status) for row in reversed(requests_of(caller.integration))]
    assert sorted(rows) == [
        ("GET", "/accounts", 401), ("POST", "/oauth2/token", 200), ("POST", "/oauth2/token", 401)
    ]  # fmt: skip
    text = "".join(row.request_body + row.response_body for row in LoggedRequest.objects.all())
    assert "guess" not in text and "access_token" not in text
