"""Embedded and decoupled authentication against the sandbox bank itself, in the bank's virtual time."""

from __future__ import annotations

import datetime as dt
import json
import random
import uuid
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.connectors.berlin_group.bank import consent_request
from tests.simulation.wires import URL, Wires
from tests.simulation.world import open_bank

from nostro.connectors.berlin_group import BerlinGroupConnector
from nostro.connectors.contract import (
    Challenge,
    Configuration,
    ConnectionHandle,
    Decoupled,
    Failed,
    Finished,
    NeedCredentials,
    PsuContext,
    PsuInput,
    Redirect,
    SelectScaMethod,
)
from nostro.connectors.errors import ConsentExpired, CredentialsInvalid, ScaCancelled, ScaFailed, ScaTimeout

CONFIGURATION = Configuration(URL, "Nostro Test Bank")
PSU = PsuContext(present=True, ip="192.0.2.10")
POLL = PsuInput("poll")


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    return open_bank(tmp_path_factory.mktemp("bank"))


@pytest.fixture
def connector(bank):
    clock = bank.application.bank.clock.now
    door = Wires(bank.application, random.Random(0), clock, lambda seconds: None, lambda: None)
    return BerlinGroupConnector(door, clock, lambda: str(uuid.uuid4()))


def begin(connector: BerlinGroupConnector, bank: Any, psu_id: str) -> Any:
    until = bank.application.bank.clock.now().date() + dt.timedelta(days=90)
    return connector.create_consent(
        CONFIGURATION, consent_request(psu_id=psu_id, valid_until=until, oauth_secret="s" * 43), PSU
    )


def go_on(connector: BerlinGroupConnector, step: Any, kind: Any, **values: str) -> Any:
    # As the hub does: the state travels sealed, as JSON, perhaps into another process.
    return connector.continue_authorisation(
        CONFIGURATION, json.loads(json.dumps(step.state)), PsuInput(kind, values), PSU
    )


def advance(bank: Any, seconds: int) -> None:
    assert bank.control("POST", "/clock", {"advance": seconds}).status_code == 200


def log_of(bank: Any, path: str) -> list[int]:
    records = bank.control("GET", "/log").json["records"]
    return [record["status"] for record in records if path in record["path"]]


@pytest.mark.parametrize("method", ["sms", "photo", "push"])
def test_embedded_from_password_to_accounts(bank, connector, method):
    step = begin(connector, bank, "user_mfa_embedded")
    assert isinstance(step, NeedCredentials)
    step = go_on(connector, step, "credentials", password="sandbox")
    assert isinstance(step, SelectScaMethod) and {offered.id for offered in step.methods} == {"sms", "photo", "push"}
    step = go_on(connector, step, "scaMethodId", scaMethodId=method)
    assert isinstance(step, Challenge) and (step.image_png is not None) == (method == "photo")
    step = go_on(connector, step, "scaAuthenticationData", scaAuthenticationData="000000")
    assert isinstance(step, Challenge), "a wrong code may be corrected once"
    finished = go_on(connector, step, "scaAuthenticationData", scaAuthenticationData="123456")
    assert isinstance(finished, Finished) and finished.accounts and finished.consent.status == "valid"


def test_two_wrong_codes_end_it(bank, connector):
    step = go_on(connector, begin(connector, bank, "user_mfa_embedded"), "credentials", password="sandbox")
    step = go_on(connector, step, "scaMethodId", scaMethodId="sms")
    step = go_on(connector, step, "scaAuthenticationData", scaAuthenticationData="000000")
    failed = go_on(connector, step, "scaAuthenticationData", scaAuthenticationData="000000")
    assert isinstance(failed, Failed) and isinstance(failed.error, ScaFailed)


def test_a_wrong_password_is_one_attempt_in_the_banks_log(bank, connector):
    step = begin(connector, bank, "user_mfa_embedded")
    with pytest.raises(CredentialsInvalid):
        go_on(connector, step, "credentials", password="wrong")
    assert log_of(bank, f"{step.state['consentId']}/authorisations") == [401]


def test_decoupled_waits_for_the_app(bank, connector):
    step = begin(connector, bank, "user_mfa_decoupled")
    assert isinstance(step, Decoupled) and "app of Nostro Test Bank" in step.psu_message
    advance(bank, 3)
    step = go_on(connector, step, "poll")
    assert isinstance(step, Decoupled) and "app of Nostro Test Bank" in step.psu_message
    advance(bank, 10)
    assert isinstance(go_on(connector, step, "poll"), Finished)


@pytest.mark.parametrize(("verdict", "seconds", "error"), [("deny", 3, ScaFailed), ("ignore", 301, ScaTimeout)])
def test_decoupled_denied_or_ignored(bank, connector, verdict, seconds, error):
    step = begin(connector, bank, "user_mfa_decoupled")
    [consent] = [
        one for one in bank.control("GET", "/state").json["consents"] if one["consentId"] == step.state["consentId"]
    ]
    bank.control("POST", f"/authorisations/{consent['authorisations'][-1]}", {verdict: True})
    advance(bank, seconds)
    failed = go_on(connector, step, "poll")
    assert isinstance(failed, Failed) and isinstance(failed.error, error)


# --- OAuth


def at_the_oauth_server(bank: Any, url: str) -> dict[str, str]:
    """The person logs in, approves where there is something to approve, and the browser goes back."""
    path = url.removeprefix(URL)
    answer = bank.client.get(path)
    if answer.status_code == 303:
        page = answer.headers["Location"]
        bank.log_in(page, "user_good_oauth")
        answer = bank.approve(page, bank.choices(page))
    else:
        answer = bank.client.post(path, data={"act": "log-in", "psu": "user_good_oauth", "password": "sandbox"})
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def by_oauth(connector: BerlinGroupConnector, bank: Any) -> Any:
    step = begin(connector, bank, "user_good_oauth")
    assert isinstance(step, Redirect) and "scope=AIS&" in step.url
    first = at_the_oauth_server(bank, step.url)
    step = go_on(connector, step, "callback", **first)
    assert isinstance(step, Redirect) and "scope=AIS%3A" in step.url
    # The back button brings the first answer again: nothing is spent, the way is the same.
    assert go_on(connector, step, "callback", **first).url == step.url
    return step


def test_oauth_before_the_consent_and_for_it(bank, connector):
    step = by_oauth(connector, bank)
    finished = go_on(connector, step, "callback", **at_the_oauth_server(bank, step.url))
    assert isinstance(finished, Finished) and len(finished.accounts) == 2
    tokens = finished.consent.tokens
    assert tokens is not None and tokens.refresh_token
    assert tokens.access_token not in repr(finished) and tokens.refresh_token not in repr(tokens)
    following = connector.refresh_tokens(tokens)
    assert following.refresh_token != tokens.refresh_token
    handle = ConnectionHandle(CONFIGURATION, finished.consent, following.access_token)
    assert len(connector.list_accounts(handle, PSU)) == 2
    with pytest.raises(ConsentExpired):
        connector.refresh_tokens(tokens)


def test_a_no_at_the_oauth_server_is_a_cancellation(bank, connector):
    step = by_oauth(connector, bank)
    failed = go_on(connector, step, "callback", error="access_denied", state=step.state["oauth"]["state"])
    assert isinstance(failed, Failed) and isinstance(failed.error, ScaCancelled)


def test_a_code_that_is_not_good_ends_the_authorisation(bank, connector):
    step = by_oauth(connector, bank)
    failed = go_on(connector, step, "callback", code="made up", state=step.state["oauth"]["state"])
    assert isinstance(failed, Failed) and isinstance(failed.error, ScaFailed) and failed.error.code == "invalid_grant"


def test_what_the_person_granted_is_not_lost_when_the_bank_is_down_then(bank, connector):
    step = by_oauth(connector, bank)
    back = at_the_oauth_server(bank, step.url)
    bank.control("POST", "/faults", {"kind": "down", "endpoint": "consents", "times": 1})
    step = go_on(connector, step, "callback", **back)
    assert isinstance(step, Decoupled)
    assert isinstance(go_on(connector, step, "poll"), Finished)
