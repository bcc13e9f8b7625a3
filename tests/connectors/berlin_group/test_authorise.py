"""Consents: asked for, authorised by redirect, read, renewed, revoked."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from tests.connectors.berlin_group.bank import (
    ACCOUNT,
    CONSENT_ID,
    NOW,
    PSU,
    Bank,
    Reply,
    consent_request,
    refusal,
)

from nostro.connectors.berlin_group import BerlinGroupConnector
from nostro.connectors.contract import UNATTENDED, Configuration, Decoupled, Failed, Finished, PsuInput, Redirect
from nostro.connectors.errors import (
    AspspUnavailable,
    ConsentExpired,
    ConsentRevoked,
    NotSupported,
    ProtocolError,
    PsuActionRequired,
    ScaCancelled,
    ScaFailed,
    ScaRequired,
    ScaTimeout,
    TppConfigInvalid,
)

SCA = "https://www.testbank.example/authentication/1234-wertiq-983"
CALLBACK = PsuInput("callback", {"state": "handle-256"})
CONSENT = f"/v1/consents/{CONSENT_ID}"


def created(**links: Any) -> Reply:
    """The standard's 201 answer to a consent request."""
    return Reply(
        201,
        {
            "consentStatus": "received",
            "consentId": CONSENT_ID,
            "_links": {name: {"href": href} for name, href in links.items()},
        },
        headers={"ASPSP-SCA-Approach": "REDIRECT"},
    )


def grant(bank: Bank, status: str = "valid", **more: Any) -> None:
    """Let the bank say ``status`` about the consent, and show one account."""
    bank.on(f"GET {CONSENT}/status", Reply(json={"consentStatus": status}))
    details = {"consentStatus": status, "validUntil": "2026-04-05", "frequencyPerDay": 4, **more}
    bank.on(f"GET {CONSENT}", Reply(json=details))
    account = {"resourceId": ACCOUNT.resource_id, "iban": ACCOUNT.iban, "currency": "EUR"}
    bank.on("GET /v1/accounts", Reply(json={"accounts": [account]}))


def started(bank: Bank, connector: BerlinGroupConnector) -> Redirect:
    bank.on("POST /v1/consents", created(scaRedirect=SCA, scaStatus=f"{CONSENT}/authorisations/123auth567"))
    step = connector.create_consent(bank.configuration, consent_request(), PSU)
    assert isinstance(step, Redirect)
    return step


def go_on(bank: Bank, connector: BerlinGroupConnector, state: Any, answer: PsuInput = CALLBACK) -> Any:
    return connector.continue_authorisation(bank.configuration, state, answer, PSU)


def test_a_consent_by_redirect_from_request_to_accounts(bank: Bank, connector: BerlinGroupConnector) -> None:
    step = started(bank, connector)
    assert (step.url, step.expires_at) == (SCA, NOW + dt.timedelta(minutes=30))
    grant(bank)
    finished = go_on(bank, connector, step.state)
    assert isinstance(finished, Finished)
    assert finished.consent.consent_id == CONSENT_ID
    assert (finished.consent.valid_until, finished.consent.frequency_per_day) == (dt.date(2026, 4, 5), 4)
    assert [account.iban for account in finished.accounts] == [ACCOUNT.iban]
    lists = ["GET /v1/accounts", "GET /v1/card-accounts"]
    assert bank.paths()[1:] == [f"GET {CONSENT}/status", f"GET {CONSENT}", *lists]


def test_the_request_is_the_standards(bank: Bank, connector: BerlinGroupConnector) -> None:
    started(bank, connector)
    (asked,) = bank.asked
    assert asked.body == {
        "access": {"accounts": [], "balances": [], "transactions": []},
        "recurringIndicator": True,
        "validUntil": "2026-07-04",
        "frequencyPerDay": 4,
        "combinedServiceIndicator": False,
    }
    assert asked.headers["PSU-IP-Address"] == "192.0.2.10"
    assert asked.headers["TPP-Redirect-URI"] == "https://hub.example/back?state=handle-256"
    assert asked.headers["TPP-Nok-Redirect-URI"] == "https://hub.example/back?nok=1&state=handle-256"
    assert asked.headers["TPP-Redirect-Preferred"] == "true"
    assert "PSU-ID" not in asked.headers


def test_a_state_that_is_already_in_the_address_stays(bank: Bank, connector: BerlinGroupConnector) -> None:
    bank.on("POST /v1/consents", created(scaRedirect=SCA))
    request = consent_request(redirect_uri="https://hub.example/back?state=own", psu_id="Müller 1")
    connector.create_consent(bank.configuration, request, PSU)
    assert bank.asked[0].headers["TPP-Redirect-URI"] == "https://hub.example/back?state=own"
    assert bank.asked[0].headers["PSU-ID"] == "Mller 1"


def test_without_the_person_no_consent_is_asked_for(bank: Bank, connector: BerlinGroupConnector) -> None:
    with pytest.raises(ScaRequired) as caught:
        connector.create_consent(bank.configuration, consent_request(), UNATTENDED)
    assert not caught.value.reached_bank
    assert bank.asked == []


def test_access_models_are_tried_in_the_profiles_order(bank: Bank, connector: BerlinGroupConnector) -> None:
    bank.on(
        "POST /v1/consents", refusal(400, "SERVICE_INVALID"), refusal(400, "FORMAT_ERROR"), created(scaRedirect=SCA)
    )
    request = consent_request(account_references=("DE2310010010123456789",))
    assert isinstance(connector.create_consent(bank.configuration, request, PSU), Redirect)
    assert [asked.body["access"] for asked in bank.asked] == [
        {"accounts": [], "balances": [], "transactions": []},
        {"allPsd2": "allAccounts"},
        {name: [{"iban": "DE2310010010123456789"}] for name in ("accounts", "balances", "transactions")},
    ]


@pytest.mark.parametrize(("code", "requests"), [("SERVICE_INVALID", 2), ("CERTIFICATE_INVALID", 1)])
def test_only_a_refused_model_leads_to_the_next(
    bank: Bank, connector: BerlinGroupConnector, code: str, requests: int
) -> None:
    bank.on("POST /v1/consents", refusal(400, code))
    with pytest.raises((NotSupported, TppConfigInvalid)) as caught:
        connector.create_consent(bank.configuration, consent_request(), PSU)
    assert caught.value.code == code
    assert len(bank.asked) == requests


def test_a_bank_that_wants_account_numbers_needs_them(bank: Bank, connector: BerlinGroupConnector) -> None:
    configuration = Configuration(bank.base_url, "Test Bank", {"access_models": ["namedAccounts"]})
    with pytest.raises(NotSupported, match="account numbers"):
        connector.create_consent(configuration, consent_request(), PSU)
    assert bank.asked == []


@pytest.mark.parametrize("profile", [{"access_models": ["other"]}, {"access_models": []}, {"unsupported": 1}])
def test_a_wrong_profile_is_the_operators_to_fix(bank: Bank, connector: BerlinGroupConnector, profile: Any) -> None:
    with pytest.raises(TppConfigInvalid):
        connector.create_consent(Configuration(bank.base_url, "B", profile), consent_request(), PSU)


@pytest.mark.parametrize("link", ["startAuthorisation", "startAuthorisationWithPsuIdentification"])
def test_an_authorisation_that_wants_to_be_started_is_started(
    bank: Bank, connector: BerlinGroupConnector, link: str
) -> None:
    bank.on("POST /v1/consents", created(**{link: f"{CONSENT}/authorisations"}))
    answer = {"scaStatus": "received", "authorisationId": "a1", "_links": {"scaRedirect": {"href": SCA}}}
    bank.on(f"POST {CONSENT}/authorisations", Reply(201, answer))
    step = connector.create_consent(bank.configuration, consent_request(psu_id="me"), PSU)
    assert isinstance(step, Redirect)
    assert bank.asked[1].headers["PSU-ID"] == "me"
    assert bank.asked[1].body is None


def test_starting_without_end_is_an_error(bank: Bank, connector: BerlinGroupConnector) -> None:
    bank.on("default", created(startAuthorisation=f"{CONSENT}/authorisations"))
    with pytest.raises(ProtocolError, match="over and over"):
        connector.create_consent(bank.configuration, consent_request(), PSU)
    assert len(bank.asked) == 6


@pytest.mark.parametrize(
    "link",
    [
        "startAuthorisationWithEncryptedPsuAuthentication",
        "updateEncryptedPsuAuthentication",
        "scaStatus",
    ],
)
def test_other_steps_are_named_as_not_supported(bank: Bank, connector: BerlinGroupConnector, link: str) -> None:
    bank.on("POST /v1/consents", created(**{link: f"{CONSENT}/authorisations/1", "self": CONSENT}))
    with pytest.raises(NotSupported) as caught:
        connector.create_consent(bank.configuration, consent_request(), PSU)
    assert caught.value.feature == ("decoupled" if link == "scaStatus" else link)
    assert len(bank.asked) == 1


@pytest.mark.parametrize(
    "href",
    ["http://evil.example/", "javascript:alert(1)", "ftp://x/", "//bank/x", "https://", "https://a@b/", "https://a b/"],
)
def test_the_browser_is_sent_to_safe_addresses_only(bank: Bank, connector: BerlinGroupConnector, href: str) -> None:
    bank.on("POST /v1/consents", created(scaRedirect=href))
    with pytest.raises(ProtocolError, match="not secure"):
        connector.create_consent(bank.configuration, consent_request(), PSU)


def test_a_test_bank_on_this_machine_may_use_plain_http(bank: Bank, connector: BerlinGroupConnector) -> None:
    bank.on("POST /v1/consents", created(scaRedirect=f"{bank.base_url}/sca/1"))
    step = connector.create_consent(bank.configuration, consent_request(), PSU)
    assert isinstance(step, Redirect)


@pytest.mark.parametrize("consent_id", [None, "", 5, "a\r\nb", "ü", "x" * 600])
def test_a_consent_without_a_usable_id_is_an_error(
    bank: Bank, connector: BerlinGroupConnector, consent_id: Any
) -> None:
    bank.on("POST /v1/consents", Reply(201, {"consentId": consent_id, "_links": {"scaRedirect": {"href": SCA}}}))
    with pytest.raises(ProtocolError):
        connector.create_consent(bank.configuration, consent_request(), PSU)


def test_a_consent_that_is_valid_at_once_needs_no_step(bank: Bank, connector: BerlinGroupConnector) -> None:
    bank.on("POST /v1/consents", Reply(201, {"consentId": CONSENT_ID, "consentStatus": "valid"}))
    grant(bank)
    assert isinstance(connector.create_consent(bank.configuration, consent_request(), PSU), Finished)


@pytest.mark.parametrize(
    ("status", "values", "kind"),
    [
        ("rejected", {}, ScaFailed),
        ("rejected", {"nok": "1"}, ScaCancelled),
        ("received", {"error": "access_denied"}, ScaCancelled),
        ("expired", {}, ConsentExpired),
        ("revokedByPsu", {}, ConsentRevoked),
        ("terminatedByTpp", {}, ConsentRevoked),
        ("somethingNew", {}, PsuActionRequired),
    ],
)
def test_only_the_banks_status_counts(
    bank: Bank, connector: BerlinGroupConnector, status: str, values: dict[str, str], kind: type
) -> None:
    step = started(bank, connector)
    grant(bank, status)
    failed = go_on(bank, connector, step.state, PsuInput("callback", values))
    assert isinstance(failed, Failed)
    assert type(failed.error) is kind
    assert failed.error.text == status
    assert "GET /v1/accounts" not in bank.paths()


def test_a_callback_that_claims_failure_does_not_undo_a_valid_consent(
    bank: Bank, connector: BerlinGroupConnector
) -> None:
    step = started(bank, connector)
    grant(bank)
    assert isinstance(go_on(bank, connector, step.state, PsuInput("callback", {"error": "x"})), Finished)


@pytest.mark.parametrize("status", ["received", "partiallyAuthorised"])
def test_an_undecided_consent_is_polled_for_five_minutes(
    bank: Bank, connector: BerlinGroupConnector, status: str
) -> None:
    step = started(bank, connector)
    grant(bank, status)
    waiting = go_on(bank, connector, step.state)
    assert isinstance(waiting, Decoupled)
    assert (waiting.poll_after_s, waiting.expires_at) == (3.0, NOW + dt.timedelta(minutes=5))
    bank.now = NOW + dt.timedelta(minutes=2)
    again = go_on(bank, connector, waiting.state, PsuInput("poll"))
    assert isinstance(again, Decoupled)
    assert again.expires_at == waiting.expires_at
    bank.now = NOW + dt.timedelta(minutes=5)
    late = go_on(bank, connector, again.state, PsuInput("poll"))
    assert isinstance(late, Failed)
    assert isinstance(late.error, ScaTimeout)
    grant(bank)
    assert isinstance(go_on(bank, connector, again.state, PsuInput("poll")), Finished)


def test_cancelling_asks_nothing(bank: Bank, connector: BerlinGroupConnector) -> None:
    step = started(bank, connector)
    failed = go_on(bank, connector, step.state, PsuInput("cancel"))
    assert isinstance(failed.error, ScaCancelled)
    assert failed.may_retry
    assert len(bank.asked) == 1


def test_unexpected_input_and_damaged_state(bank: Bank, connector: BerlinGroupConnector) -> None:
    step = started(bank, connector)
    with pytest.raises(NotSupported, match="scaAuthenticationData"):
        go_on(bank, connector, step.state, PsuInput("scaAuthenticationData", {"otp": "123456"}))
    for state in ({}, {"version": 99, "consentId": "x"}, {"version": 1, "consentId": None}):
        with pytest.raises(ProtocolError):
            go_on(bank, connector, state)
    assert len(bank.asked) == 1


def test_a_bank_that_goes_down_meanwhile_is_an_error_and_the_state_still_good(
    bank: Bank, connector: BerlinGroupConnector
) -> None:
    step = started(bank, connector)
    bank.on(f"GET {CONSENT}/status", Reply(503))
    with pytest.raises(AspspUnavailable):
        go_on(bank, connector, step.state)
    grant(bank)
    assert isinstance(go_on(bank, connector, step.state), Finished)


def test_the_consent_as_the_bank_sees_it(bank: Bank, connector: BerlinGroupConnector) -> None:
    grant(bank, "expired", validUntil="9999-12-31", frequencyPerDay="4")
    consent = connector.get_consent(bank.connection)
    assert (consent.status, consent.valid_until, consent.frequency_per_day) == ("expired", None, 4)
    grant(bank, "strange")
    with pytest.raises(PsuActionRequired) as caught:
        connector.get_consent(bank.connection)
    assert caught.value.text == "strange"


def test_revoking_twice_is_no_error(bank: Bank, connector: BerlinGroupConnector) -> None:
    bank.on(f"DELETE {CONSENT}", Reply(204), refusal(401, "CONSENT_INVALID"))
    connector.revoke_consent(bank.connection)
    connector.revoke_consent(bank.connection)
    assert bank.paths() == [f"DELETE {CONSENT}"] * 2


def test_renewing_leaves_the_old_consent_alone(bank: Bank, connector: BerlinGroupConnector) -> None:
    bank.on("POST /v1/consents", created(scaRedirect=SCA))
    assert isinstance(connector.renew_consent(bank.connection, consent_request(), PSU), Redirect)
    assert bank.paths() == ["POST /v1/consents"]


def test_no_step_shows_its_secrets(bank: Bank, connector: BerlinGroupConnector) -> None:
    step = started(bank, connector)
    grant(bank)
    finished = go_on(bank, connector, step.state)
    assert CONSENT_ID not in repr(step).replace(SCA, "")
    assert CONSENT_ID not in repr(finished)
    assert "123456" not in repr(PsuInput("scaAuthenticationData", {"otp": "123456"}))
