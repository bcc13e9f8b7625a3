"""Embedded and decoupled authentication, step by step, with a bank that says what the standard's examples say."""

from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any

import pytest
from tests.connectors.berlin_group.bank import ACCOUNT, CONSENT_ID, NOW, PSU, Bank, Reply, consent_request, refusal

from nostro.connectors.berlin_group import BerlinGroupConnector
from nostro.connectors.contract import (
    Challenge,
    Decoupled,
    Failed,
    Finished,
    NeedCredentials,
    PsuInput,
    SelectScaMethod,
)
from nostro.connectors.errors import CredentialsInvalid, ProtocolError, ScaFailed, ScaTimeout

CONSENT = f"/v1/consents/{CONSENT_ID}"
STARTS = f"{CONSENT}/authorisations"
AUTHORISATION = f"{STARTS}/1"
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 20
SMS = {
    "authenticationType": "SMS_OTP",
    "authenticationMethodId": "sms",
    "name": "SMS to xx17",
    "explanation": "A text.",
}
PHOTO = {"authenticationType": "PHOTO_OTP", "authenticationMethodId": "photo", "name": "Photo"}
PASSWORD = PsuInput("credentials", {"password": "pass-word-1"})
CODE = PsuInput("scaAuthenticationData", {"scaAuthenticationData": "123456"})


def links(**hrefs: str) -> dict[str, Any]:
    return {"_links": {name: {"href": href} for name, href in hrefs.items()}}


def asks_for_code(**challenge: Any) -> Reply:
    data = {"otpMaxLength": 6, "otpFormat": "integer", "additionalInformation": "Open the app.", **challenge}
    return Reply(
        json={"scaStatus": "scaMethodSelected", "challengeData": data, **links(authoriseTransaction=AUTHORISATION)}
    )


def grant(bank: Bank, *statuses: str) -> None:
    bank.on(f"GET {CONSENT}/status", *(Reply(json={"consentStatus": status}) for status in statuses))
    bank.on(f"GET {CONSENT}", Reply(json={"consentStatus": "valid", "validUntil": "2026-04-05", "frequencyPerDay": 4}))
    account = {"resourceId": ACCOUNT.resource_id, "iban": ACCOUNT.iban, "currency": "EUR"}
    bank.on("GET /v1/accounts", Reply(json={"accounts": [account]}))


def begin(bank: Bank, connector: BerlinGroupConnector, psu_id: str | None = "ann", **hrefs: str) -> Any:
    body = {"consentStatus": "received", "consentId": CONSENT_ID, **links(**hrefs)}
    bank.on("POST /v1/consents", Reply(201, body))
    return connector.create_consent(bank.configuration, consent_request(psu_id=psu_id), PSU)


def go_on(bank: Bank, connector: BerlinGroupConnector, step: Any, given: PsuInput) -> Any:
    # As the hub does: the state travels sealed, as JSON.
    return connector.continue_authorisation(bank.configuration, json.loads(json.dumps(step.state)), given, PSU)


def test_password_choice_and_code_lead_to_the_accounts(bank: Bank, connector: BerlinGroupConnector) -> None:
    step = begin(bank, connector, startAuthorisationWithPsuAuthentication=STARTS)
    assert isinstance(step, NeedCredentials)
    assert [(field.name, field.secret) for field in step.fields] == [("password", True)]
    assert step.expires_at == NOW + dt.timedelta(minutes=10)
    offered = {
        "scaStatus": "psuAuthenticated",
        "scaMethods": [SMS, PHOTO],
        **links(selectAuthenticationMethod=AUTHORISATION),
    }
    bank.on(f"POST {STARTS}", Reply(201, offered))
    step = go_on(bank, connector, step, PASSWORD)
    assert isinstance(step, SelectScaMethod)
    assert [(method.id, method.name) for method in step.methods] == [("sms", "SMS to xx17"), ("photo", "Photo")]
    bank.on(
        f"PUT {AUTHORISATION}",
        asks_for_code(image=base64.b64encode(PNG).decode()),
        Reply(json={"scaStatus": "finalised"}),
    )
    step = go_on(bank, connector, step, PsuInput("scaMethodId", {"scaMethodId": "photo"}))
    assert isinstance(step, Challenge)
    assert (step.image_png, step.otp_format, step.otp_max_length) == (PNG, "integer", 6)
    assert step.additional_information == "Open the app."
    grant(bank, "valid")
    finished = go_on(bank, connector, step, CODE)
    assert isinstance(finished, Finished) and [account.iban for account in finished.accounts] == [ACCOUNT.iban]
    bodies = [asked.body for asked in bank.asked if asked.path.startswith(STARTS)]
    assert bodies == [
        {"psuData": {"password": "pass-word-1"}},
        {"authenticationMethodId": "photo"},
        {"scaAuthenticationData": "123456"},
    ]
    assert {asked.headers["PSU-ID"] for asked in bank.asked if asked.path.startswith(STARTS)} == {"ann"}


def test_no_state_holds_the_password_or_the_code(bank: Bank, connector: BerlinGroupConnector) -> None:
    step = begin(bank, connector, startAuthorisationWithPsuAuthentication=STARTS)
    bank.on(f"POST {STARTS}", asks_for_code())
    step = go_on(bank, connector, step, PASSWORD)
    assert isinstance(step, Challenge)
    assert "pass-word-1" not in json.dumps(step.state) and "pass-word-1" not in repr(PASSWORD)


def test_the_name_is_asked_for_where_it_is_not_known(bank: Bank, connector: BerlinGroupConnector) -> None:
    step = begin(bank, connector, None, startAuthorisationWithPsuAuthentication=STARTS)
    assert [field.name for field in step.fields] == ["psuId", "password"]
    bank.on(f"POST {STARTS}", asks_for_code())
    go_on(bank, connector, step, PsuInput("credentials", {"psuId": "ann", "password": "p"}))
    assert bank.asked[-1].headers["PSU-ID"] == "ann"


def test_one_method_needs_no_choice(bank: Bank, connector: BerlinGroupConnector) -> None:
    step = begin(bank, connector, startAuthorisationWithPsuAuthentication=STARTS)
    bank.on(f"POST {STARTS}", Reply(201, {"scaMethods": [SMS], **links(selectAuthenticationMethod=AUTHORISATION)}))
    bank.on(f"PUT {AUTHORISATION}", asks_for_code())
    assert isinstance(go_on(bank, connector, step, PASSWORD), Challenge)
    assert bank.asked[-1].body == {"authenticationMethodId": "sms"}


def test_a_wrong_password_is_tried_once_and_never_again(bank: Bank, connector: BerlinGroupConnector) -> None:
    step = begin(bank, connector, startAuthorisationWithPsuAuthentication=STARTS)
    bank.on(f"POST {STARTS}", refusal(401, "PSU_CREDENTIALS_INVALID"))
    with pytest.raises(CredentialsInvalid):
        go_on(bank, connector, step, PASSWORD)
    assert bank.paths().count(f"POST {STARTS}") == 1


def test_a_wrong_code_may_be_corrected_once(bank: Bank, connector: BerlinGroupConnector) -> None:
    step = begin(bank, connector, authoriseTransaction=AUTHORISATION)
    wrong = refusal(401, "PSU_CREDENTIALS_INVALID")
    wrong.json.update(links(authoriseTransaction=AUTHORISATION))
    bank.on(f"PUT {AUTHORISATION}", wrong)
    again = go_on(bank, connector, step, CODE)
    assert isinstance(again, Challenge) and again.text.startswith("The code was wrong.")
    failed = go_on(bank, connector, again, CODE)
    assert isinstance(failed, Failed) and isinstance(failed.error, ScaFailed) and failed.may_retry


def test_a_wrong_code_without_another_try_is_the_end(bank: Bank, connector: BerlinGroupConnector) -> None:
    step = begin(bank, connector, authoriseTransaction=AUTHORISATION)
    bank.on(f"PUT {AUTHORISATION}", refusal(401, "PSU_CREDENTIALS_INVALID"))
    assert isinstance(go_on(bank, connector, step, CODE), Failed)


def test_an_app_is_waited_for_until_it_confirms_or_five_minutes_are_over(
    bank: Bank, connector: BerlinGroupConnector
) -> None:
    bank.on(
        f"POST {STARTS}",
        Reply(201, {"scaStatus": "started", "psuMessage": "Open the app.", **links(scaStatus=AUTHORISATION)}),
    )
    step = begin(bank, connector, startAuthorisationWithPsuIdentification=STARTS)
    assert isinstance(step, Decoupled)
    assert (step.psu_message, step.poll_after_s, step.expires_at) == ("Open the app.", 3, NOW + dt.timedelta(minutes=5))
    grant(bank, "received", "valid")
    waiting = go_on(bank, connector, step, PsuInput("poll"))
    assert isinstance(waiting, Decoupled) and waiting.psu_message == "Open the app."
    assert waiting.expires_at == step.expires_at
    assert isinstance(go_on(bank, connector, waiting, PsuInput("poll")), Finished)
    grant(bank, "received")
    bank.now = NOW + dt.timedelta(minutes=5)
    late = go_on(bank, connector, waiting, PsuInput("poll"))
    assert isinstance(late, Failed) and isinstance(late.error, ScaTimeout)


def test_a_refusal_in_the_app_is_a_failed_authentication(bank: Bank, connector: BerlinGroupConnector) -> None:
    bank.on(f"POST {STARTS}", Reply(201, {"psuMessage": "Open the app.", **links(scaStatus=AUTHORISATION)}))
    step = begin(bank, connector, startAuthorisation=STARTS)
    grant(bank, "rejected")
    failed = go_on(bank, connector, step, PsuInput("poll"))
    assert isinstance(failed, Failed) and isinstance(failed.error, ScaFailed)


@pytest.mark.parametrize("given", [CODE, PsuInput("scaMethodId", {"scaMethodId": "sms"}), PsuInput("credentials")])
def test_an_answer_to_another_step_or_without_content_is_not_sent(
    bank: Bank, connector: BerlinGroupConnector, given: PsuInput
) -> None:
    step = begin(bank, connector, startAuthorisationWithPsuAuthentication=STARTS)
    with pytest.raises(ProtocolError):
        go_on(bank, connector, step, given)
    assert len(bank.asked) == 1


def test_a_method_that_was_not_offered_is_not_sent(bank: Bank, connector: BerlinGroupConnector) -> None:
    step = begin(bank, connector, startAuthorisationWithPsuAuthentication=STARTS)
    bank.on(
        f"POST {STARTS}", Reply(201, {"scaMethods": [SMS, PHOTO], **links(selectAuthenticationMethod=AUTHORISATION)})
    )
    step = go_on(bank, connector, step, PASSWORD)
    with pytest.raises(ProtocolError, match="not offered"):
        go_on(bank, connector, step, PsuInput("scaMethodId", {"scaMethodId": "../x"}))


@pytest.mark.parametrize("image", ["no base64!", base64.b64encode(b"<svg/>").decode(), 5, "A" * 500_000])
def test_only_pictures_reach_the_browser(bank: Bank, connector: BerlinGroupConnector, image: Any) -> None:
    step = begin(bank, connector, startAuthorisationWithPsuAuthentication=STARTS)
    bank.on(f"POST {STARTS}", asks_for_code(image=image))
    assert go_on(bank, connector, step, PASSWORD).image_png is None


def test_a_bank_that_offers_no_method_is_told_of(bank: Bank, connector: BerlinGroupConnector) -> None:
    with pytest.raises(ProtocolError, match="offers no way"):
        begin(bank, connector, selectAuthenticationMethod=AUTHORISATION)


def test_a_confirmation_code_is_sent_as_such(bank: Bank, connector: BerlinGroupConnector) -> None:
    step = begin(bank, connector, confirmation=AUTHORISATION)
    bank.on(f"PUT {AUTHORISATION}", Reply(json={"scaStatus": "finalised"}))
    grant(bank, "valid")
    assert isinstance(go_on(bank, connector, step, CODE), Finished)
    assert next(asked.body for asked in bank.asked if asked.method == "PUT") == {"confirmationCode": "123456"}


@pytest.mark.parametrize(
    "more",
    [
        {"scaMethods": [SMS], **links(startAuthorisationWithAuthenticationMethodSelection=STARTS)},
        links(updatePsuIdentification=STARTS),
    ],
)
def test_a_bank_that_asks_the_same_over_and_over_is_stopped(
    bank: Bank, connector: BerlinGroupConnector, more: dict[str, Any]
) -> None:
    step = begin(bank, connector, startAuthorisationWithPsuAuthentication=STARTS)
    bank.on("default", Reply(201, more))
    bank.on(f"POST {STARTS}", Reply(201, more))
    with pytest.raises(ProtocolError, match="over and over"):
        go_on(bank, connector, step, PASSWORD)
    assert len(bank.asked) < 12
