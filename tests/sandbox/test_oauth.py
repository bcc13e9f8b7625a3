"""OAuth: the pre-step, the approval of a consent, tokens of 15 minutes and refresh tokens for one use."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from tests.sandbox.customer import Customer, code_of
from werkzeug.test import TestResponse

VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
REDIRECT = "https://hub.example/oauth?kept=a%2Fb"
PSU = "user_good_oauth"


def _authorize(scope: str, **changes: str) -> str:
    asked = {
        "response_type": "code",
        "client_id": "nostro",
        "redirect_uri": REDIRECT,
        "state": "state 1",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "scope": scope,
        **changes,
    }
    return f"/oauth/authorize?{urlencode(asked)}"


def _sent_back(answer: TestResponse) -> dict[str, str]:
    assert answer.status_code == 303, answer.text
    location = answer.headers["Location"]
    assert location.startswith(REDIRECT)
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def _token(customer: Customer, **form: str) -> TestResponse:
    return customer.client.post("/oauth/token", data={"client_id": "nostro", **form})


def _redeem(customer: Customer, given: str, **changes: str) -> TestResponse:
    form = {"grant_type": "authorization_code", "code": given, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    return _token(customer, **(form | changes))


def _log_in(customer: Customer, psu: str = PSU) -> dict[str, str]:
    """The pre-step: who is it? Returns the headers with the access token."""
    address = _authorize("AIS")
    answer = customer.client.post(address, data={"act": "log-in", "psu": psu, "password": "sandbox"})
    granted = _redeem(customer, _sent_back(answer)["code"]).json
    return {"Authorization": f"Bearer {granted['access_token']}"}


def _consent(customer: Customer) -> str:
    answer = customer.ask(headers={**_log_in(customer), "PSU-ID": PSU})
    assert answer.status_code == 201, answer.text
    assert answer.json["_links"].keys() >= {"scaOAuth", "scaStatus"}
    return str(answer.json["consentId"])


def _approve(customer: Customer, consent: str) -> dict[str, Any]:
    """All the way from the link to the tokens."""
    page = customer.client.get(_authorize(f"AIS:{consent}")).headers["Location"]
    customer.log_in(page, PSU)
    back = _sent_back(customer.approve(page, customer.choices(page)))
    assert (back["state"], back["kept"]) == ("state 1", "a/b")
    # The page that is opened again leads the same way.
    assert _sent_back(customer.client.get(page)) == back
    granted = _redeem(customer, back["code"])
    assert granted.headers["Cache-Control"] == "no-store"
    return dict(granted.json)


def _read(customer: Customer, consent: str, token: str) -> TestResponse:
    return customer.call("GET", "/v1/accounts", consent, headers={"Authorization": f"Bearer {token}"})


def test_the_whole_way_of_user_good_oauth(customer: Customer) -> None:
    refused = customer.ask(headers={"PSU-ID": PSU})
    assert code_of(refused) == (401, "TOKEN_UNKNOWN")
    metadata = customer.client.get(urlsplit(refused.json["_links"]["scaOAuth"]["href"]).path).json
    assert metadata["issuer"] == "http://localhost/oauth"
    assert metadata["authorization_endpoint"] == "http://localhost/oauth/authorize"
    assert metadata["code_challenge_methods_supported"] == ["S256"]
    consent = _consent(customer)
    granted = _approve(customer, consent)
    assert (granted["token_type"], granted["expires_in"], granted["scope"]) == ("Bearer", 900, f"AIS:{consent}")
    assert customer.call("GET", f"/v1/consents/{consent}/status").json == {"consentStatus": "valid"}
    assert len(_read(customer, consent, granted["access_token"]).json["accounts"]) == 2
    assert code_of(customer.call("GET", "/v1/accounts", consent)) == (401, "TOKEN_UNKNOWN")
    assert code_of(_read(customer, consent, "made up")) == (401, "TOKEN_UNKNOWN")
    others = _log_in(customer, "user_good")["Authorization"].removeprefix("Bearer ")
    assert code_of(_read(customer, consent, others)) == (401, "TOKEN_INVALID")


def test_an_access_token_lives_15_minutes_and_a_refresh_token_once(customer: Customer) -> None:
    consent = _consent(customer)
    first = _approve(customer, consent)
    customer.control("POST", "/clock", {"advance": 899})
    assert _read(customer, consent, first["access_token"]).status_code == 200
    customer.control("POST", "/clock", {"advance": 1})
    assert code_of(_read(customer, consent, first["access_token"])) == (401, "TOKEN_EXPIRED")
    second = _token(customer, grant_type="refresh_token", refresh_token=first["refresh_token"]).json
    assert _read(customer, consent, second["access_token"]).status_code == 200
    assert second["refresh_token"] != first["refresh_token"]
    # Used twice, the old one was stolen: everything that came from it ends.
    stolen = _token(customer, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert (stolen.status_code, stolen.json["error"]) == (400, "invalid_grant")
    assert code_of(_read(customer, consent, second["access_token"])) == (401, "TOKEN_UNKNOWN")
    ended = _token(customer, grant_type="refresh_token", refresh_token=second["refresh_token"])
    assert ended.json["error"] == "invalid_grant"


def test_refreshing_ends_after_180_days(customer: Customer) -> None:
    granted = _approve(customer, _consent(customer))
    for _ in range(2):
        customer.control("POST", "/clock", {"advance": 89 * 86_400})
        granted = _token(customer, grant_type="refresh_token", refresh_token=granted["refresh_token"]).json
    customer.control("POST", "/clock", {"advance": 2 * 86_400})
    ended = _token(customer, grant_type="refresh_token", refresh_token=granted["refresh_token"])
    assert ended.json["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "w" * 50}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_request"),
        ({"redirect_uri": "https://hub.example/other"}, "invalid_grant"),
        ({"client_id": "somebody"}, "invalid_grant"),
        ({"client_id": ""}, "invalid_request"),
        ({"code": "made up"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_a_code_is_good_for_its_client_only(customer: Customer, changes: dict[str, str], error: str) -> None:
    answer = customer.client.post(_authorize("AIS"), data={"act": "log-in", "psu": PSU, "password": "sandbox"})
    refused = _redeem(customer, _sent_back(answer)["code"], **changes)
    assert (refused.status_code, refused.json["error"]) == (400, error)


def test_a_code_is_good_once_and_for_ten_minutes(customer: Customer) -> None:
    def code() -> str:
        form = {"act": "log-in", "psu": PSU, "password": "sandbox"}
        return _sent_back(customer.client.post(_authorize("AIS"), data=form))["code"]

    once = code()
    granted = _redeem(customer, once).json
    assert _redeem(customer, once).json["error"] == "invalid_grant"
    assert code_of(customer.ask(headers={"Authorization": f"Bearer {granted['access_token']}"})) == (
        401,
        "TOKEN_UNKNOWN",
    )
    late = code()
    customer.control("POST", "/clock", {"advance": 600})
    assert _redeem(customer, late).json["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "PIS"}, "invalid_scope"),
        ({"scope": "AIS:unknown"}, "invalid_scope"),
        ({"scope": "x" * 3_000}, "invalid_request"),
    ],
)
def test_wrong_requests_are_told_to_the_client(customer: Customer, changes: dict[str, str], error: str) -> None:
    back = _sent_back(customer.client.get(_authorize(**{"scope": "AIS", **changes})))
    assert (back["error"], back["state"]) == (error, "state 1")


@pytest.mark.parametrize("changes", [{"redirect_uri": "javascript:alert(1)"}, {"redirect_uri": ""}, {"client_id": ""}])
def test_a_client_that_cannot_be_told_gets_a_page(customer: Customer, changes: dict[str, str]) -> None:
    answer = customer.client.get(_authorize(**{"scope": "AIS", **changes}))
    assert (answer.status_code, "Location" in answer.headers) == (400, False)


def test_a_consent_is_approved_for_its_own_service_and_only_by_oauth(customer: Customer) -> None:
    consent = _consent(customer)
    elsewhere = customer.client.get(_authorize(f"AIS:{consent}", redirect_uri="https://evil.example/x"))
    assert "error=invalid_scope" in elsewhere.headers["Location"]
    status = f"/v1/consents/{consent}/authorisations"
    (authorisation,) = customer.call("GET", status).json["authorisationIds"]
    assert customer.client.get(f"/sca/{authorisation}").status_code == 404
    plain = customer.ask(headers={"PSU-ID": "user_good"}).json["consentId"]
    assert _sent_back(customer.client.get(_authorize(f"AIS:{plain}")))["error"] == "invalid_scope"


def test_saying_no_leads_back_with_an_error(customer: Customer) -> None:
    consent = _consent(customer)
    page = customer.client.get(_authorize(f"AIS:{consent}")).headers["Location"]
    assert _sent_back(customer.client.post(page, data={"act": "deny"})) == {
        "kept": "a/b",
        "error": "access_denied",
        "state": "state 1",
    }
    assert customer.call("GET", f"/v1/consents/{consent}/status").json == {"consentStatus": "rejected"}
    denied = customer.client.post(_authorize("AIS"), data={"act": "deny"})
    assert _sent_back(denied)["error"] == "access_denied"
    again = _sent_back(customer.client.get(_authorize(f"AIS:{consent}")))
    assert again["error"] == "access_denied"


def test_each_browser_has_its_own_authorisation(customer: Customer) -> None:
    consent = _consent(customer)
    pages = {customer.client.get(_authorize(f"AIS:{consent}")).headers["Location"] for _ in range(2)}
    assert len(pages) == 2


def test_the_login_page_runs_no_script_and_refuses_wrong_passwords(customer: Customer) -> None:
    address = _authorize("AIS")
    page = customer.client.get(address)
    assert "form-action 'self' https://hub.example" in page.headers["Content-Security-Policy"]
    assert "<script" not in page.text
    form = {"act": "log-in", "psu": '"><script>', "password": "wrong"}
    wrong = customer.client.post(address, data=form)
    assert (wrong.status_code, "<script" in wrong.text) == (401, False)


def test_tokens_are_stored_as_digests_only(customer: Customer, tmp_path: Any) -> None:
    granted = _approve(customer, _consent(customer))
    stored = b"".join(file.read_bytes() for file in (tmp_path / "bank").iterdir())
    for name in ("access_token", "refresh_token"):
        assert granted[name].encode() not in stored
