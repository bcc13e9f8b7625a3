"""Embedded and decoupled authentication against the sandbox bank itself, in the bank's virtual time."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import Any

import pytest
from tests.connectors.berlin_group.bank import consent_request
from tests.simulation.world import URL, WiredDoor, open_bank

from nostro.connectors.berlin_group import BerlinGroupConnector
from nostro.connectors.contract import (
    Challenge,
    Configuration,
    Decoupled,
    Failed,
    Finished,
    NeedCredentials,
    PsuContext,
    PsuInput,
    SelectScaMethod,
)
from nostro.connectors.errors import CredentialsInvalid, ScaFailed, ScaTimeout

CONFIGURATION = Configuration(URL, "Nostro Test Bank")
PSU = PsuContext(present=True, ip="192.0.2.10")
POLL = PsuInput("poll")


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    return open_bank(tmp_path_factory.mktemp("bank"))


@pytest.fixture
def connector(bank):
    return BerlinGroupConnector(WiredDoor(bank.application), bank.application.bank.clock.now, lambda: str(uuid.uuid4()))


def begin(connector: BerlinGroupConnector, bank: Any, psu_id: str) -> Any:
    until = bank.application.bank.clock.now().date() + dt.timedelta(days=90)
    return connector.create_consent(CONFIGURATION, consent_request(psu_id=psu_id, valid_until=until), PSU)


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
