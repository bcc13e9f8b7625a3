"""The sandbox bank against the standard's own OpenAPI file: by JSON Schema always, by Prism where it is installed.

Prism (npm, see the folder's NOTICE) is looked for in ``build/prism``; to install it there:
``./nostro test`` does it, or ``npm install --prefix build/prism @stoplight/prism-cli@5.14.2``.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from tests.contract.standard import FILE, answer_faults, schema_faults
from tests.sandbox.customer import ALL, BACK, Customer
from werkzeug.test import TestResponse

from nostro.sandbox.server import create_application

PRISM = Path(__file__).parents[2] / "build" / "prism" / "node_modules" / ".bin" / "prism"
SHA_256 = "4436f27d947db9b2d617320d931b1a432055d117eeb1b3f09904e3ab51ed9510"
PEOPLE = (
    "user_good",
    "user_multi_currency",
    "user_pending_then_booked",
    "user_identical_twins",
    "user_empty",
    "user_hostile_text",
)


@pytest.fixture(scope="session")
def customer(tmp_path_factory: pytest.TempPathFactory) -> Customer:
    return Customer(create_application(tmp_path_factory.mktemp("bank"), 42, "virtual", control_token="control"))


class Judge:
    """Checks answers with the contract, and counts them."""

    judged = 0

    def check(self, path: str, method: str, answer: TestResponse, named: str = "") -> None:
        """``path`` as the contract names it; ``named`` is the one of several alternatives that is meant."""
        headers = {name.lower(): value for name, value in answer.headers.items()}
        assert answer_faults(method, path, answer.status_code, headers, answer.data) == []
        if named:
            assert schema_faults({"$ref": f"#/components/schemas/{named}"}, json.loads(answer.data)) == []
        self.judged += 1


@pytest.fixture
def judge() -> Judge:
    return Judge()


def test_the_contract_is_the_unmodified_file() -> None:
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() == SHA_256


def test_the_judge_sees_what_is_wrong(judge: Judge) -> None:
    for body in (b"{}", b'{"accounts": [{"iban": "BE00"}]}', b'{"accounts": [{"currency": "EURO"}]}'):
        answer = TestResponse([body], "200 OK", {"X-Request-ID": "x"}, None)  # type: ignore[arg-type]
        with pytest.raises(AssertionError):
            judge.check("/v1/accounts", "get", answer)


@pytest.mark.parametrize("psu", PEOPLE)
def test_every_data_answer_obeys_the_standard(customer: Customer, judge: Judge, psu: str) -> None:
    consent = customer.link(psu)
    one = "/v1/accounts/{account-id}"
    for query in ("", "?withBalance=true"):
        judge.check("/v1/accounts", "get", customer.call("GET", f"/v1/accounts{query}", consent))
    for account in customer.accounts(consent):
        path = f"/v1/accounts/{account['resourceId']}"
        judge.check(one, "get", customer.call("GET", path, consent))
        judge.check(f"{one}/balances", "get", customer.call("GET", f"{path}/balances", consent))
        href = f"{path}/transactions?bookingStatus=both&dateFrom=2023-01-01"
        while href:
            answer = customer.call("GET", href, consent)
            judge.check(f"{one}/transactions", "get", answer)
            rows = answer.json["transactions"]["booked"]
            href = answer.json["transactions"]["_links"].get("next", {}).get("href")
        if rows and "transactionId" in rows[0]:
            single = customer.call("GET", f"{path}/transactions/{rows[0]['transactionId']}", consent)
            judge.check(f"{one}/transactions/{{transactionId}}", "get", single)
    assert judge.judged >= 5


def test_every_answer_about_cards_obeys_the_standard(customer: Customer, judge: Judge) -> None:
    consent, root, one = customer.link("user_card"), "/v1/card-accounts", "/v1/card-accounts/{account-id}"
    listed = customer.call("GET", f"{root}?withBalance=true", consent)
    judge.check(root, "get", listed)
    path = f"{root}/{listed.json['cardAccounts'][0]['resourceId']}"
    judge.check(one, "get", customer.call("GET", path, consent))
    judge.check(f"{one}/balances", "get", customer.call("GET", f"{path}/balances", consent))
    rows = customer.call("GET", f"{path}/transactions?bookingStatus=both&dateFrom=2023-01-01", consent)
    assert rows.json["cardTransactions"]["booked"]
    judge.check(f"{one}/transactions", "get", rows)
    judge.check(one, "get", customer.call("GET", f"{root}/unknown", consent))


def test_every_consent_answer_obeys_the_standard(customer: Customer, judge: Judge) -> None:
    one = "/v1/consents/{consentId}"
    for headers in ({}, {"TPP-Explicit-Authorisation-Preferred": "true"}):
        made = customer.ask(headers=headers)
        judge.check("/v1/consents", "post", made)
        path = f"/v1/consents/{made.json['consentId']}"
        started = customer.call("POST", f"{path}/authorisations")
        judge.check(f"{one}/authorisations", "post", started)
        judge.check(f"{one}/authorisations", "get", customer.call("GET", f"{path}/authorisations"))
        judge.check(
            f"{one}/authorisations/{{authorisationId}}",
            "get",
            customer.call("GET", started.json["_links"]["scaStatus"]["href"]),
        )
        judge.check(one, "get", customer.call("GET", path))
        judge.check(f"{one}/status", "get", customer.call("GET", f"{path}/status"))
        judge.check(one, "delete", customer.call("DELETE", path))
    valid = customer.link("user_good")
    judge.check(one, "get", customer.call("GET", f"/v1/consents/{valid}"))


def test_refusals_obey_the_standard(customer: Customer, judge: Judge) -> None:
    judge.check("/v1/consents", "post", customer.ask(access={}))
    judge.check("/v1/consents/{consentId}", "get", customer.call("GET", "/v1/consents/unknown"))
    judge.check("/v1/accounts", "get", customer.call("GET", "/v1/accounts", "unknown"))
    consent = customer.link("user_good")
    judge.check("/v1/accounts/{account-id}", "get", customer.call("GET", "/v1/accounts/unknown", consent))
    answers = [customer.call("GET", "/v1/accounts", consent, attended=False) for _ in range(5)]
    assert answers[-1].status_code == 429
    judge.check("/v1/accounts", "get", answers[-1])
    customer.control("POST", f"/consents/{consent}/expire", {})
    judge.check("/v1/accounts", "get", customer.call("GET", "/v1/accounts", consent))


def _embedded_steps(judge: Judge, call: Any) -> None:
    """Every answer of embedded SCA, wrong ones included."""
    one = "/v1/consents/{consentId}/authorisations/{authorisationId}"
    psu = {"PSU-ID": "user_mfa_embedded"}
    made = call("POST", "/v1/consents", headers={**psu}, json=_WISH)
    judge.check("/v1/consents", "post", made)
    start = made.json["_links"]["startAuthorisationWithPsuAuthentication"]["href"]
    started = call("POST", start, headers=psu)
    judge.check("/v1/consents/{consentId}/authorisations", "post", started)
    here = started.json["_links"]["updatePsuAuthentication"]["href"]
    for body, named in (
        ({"psuData": {"password": "wrong"}}, ""),
        ({"psuData": {"password": "sandbox"}}, "updatePsuAuthenticationResponse"),
        ({"authenticationMethodId": "fax"}, ""),
        ({"authenticationMethodId": "photo"}, "selectPsuAuthenticationMethodResponse"),
        ({"scaAuthenticationData": "000000"}, ""),
        ({"scaAuthenticationData": "123456"}, "scaStatusResponse"),
        ({"scaAuthenticationData": "123456"}, ""),
    ):
        judge.check(one, "put", call("PUT", here, headers=psu, json=body), named)
        judge.check(one, "get", call("GET", here, headers=psu))
    assert call("GET", here, headers=psu).json == {"scaStatus": "finalised"}
    whole = call("POST", "/v1/consents", headers=psu, json=_WISH).json["_links"]
    start = whole["startAuthorisationWithPsuAuthentication"]["href"]
    for password in ("wrong", "sandbox"):
        answer = call("POST", start, headers=psu, json={"psuData": {"password": password}})
        judge.check("/v1/consents/{consentId}/authorisations", "post", answer)


_WISH = {
    "access": ALL,
    "recurringIndicator": True,
    "validUntil": "2026-06-30",
    "frequencyPerDay": 4,
    "combinedServiceIndicator": False,
}


def test_every_answer_of_embedded_sca_obeys_the_standard(customer: Customer, judge: Judge) -> None:
    _embedded_steps(judge, customer.call)
    assert judge.judged >= 15


def test_every_answer_of_decoupled_sca_obeys_the_standard(customer: Customer, judge: Judge) -> None:
    one, psu = "/v1/consents/{consentId}", {"PSU-ID": "user_mfa_decoupled"}
    made = customer.ask(headers=psu)
    judge.check("/v1/consents", "post", made)
    status = made.json["_links"]["scaStatus"]["href"]
    judge.check(f"{one}/authorisations/{{authorisationId}}", "get", customer.call("GET", status))
    unnamed = customer.ask(headers={"TPP-Decoupled-Preferred": "true"})
    judge.check("/v1/consents", "post", unnamed)
    opened = customer.call("POST", unnamed.json["_links"]["startAuthorisationWithPsuIdentification"]["href"])
    judge.check(f"{one}/authorisations", "post", opened)
    here = opened.json["_links"]["updatePsuIdentification"]["href"]
    for headers, named in (({}, ""), (psu, "updatePsuIdenticationResponse")):
        answer = customer.call("PUT", here, json={}, headers=headers)
        judge.check(f"{one}/authorisations/{{authorisationId}}", "put", answer, named)
    assert judge.judged == 6


def test_every_answer_about_oauth_obeys_the_standard(customer: Customer, judge: Judge) -> None:
    refused = customer.ask(headers={"PSU-ID": "user_good_oauth"})
    assert refused.status_code == 401
    judge.check("/v1/consents", "post", refused)


@pytest.mark.parametrize("psu", ["user_no_ids", "user_partial", "user_closed_account", "user_ref_reused"])
def test_closed_accounts_and_rows_without_ids_obey_the_standard(customer: Customer, judge: Judge, psu: str) -> None:
    consent = customer.link(psu)
    if psu == "user_closed_account":
        customer.control("POST", f"/accounts/{psu}-current/status", {"deleted": True})
    judge.check("/v1/accounts", "get", customer.call("GET", "/v1/accounts?withBalance=true", consent))
    for account in customer.accounts(consent):
        path = f"/v1/accounts/{account['resourceId']}"
        answers = {"": customer.call("GET", path, consent)}
        answers["/balances"] = customer.call("GET", f"{path}/balances", consent)
        query = "bookingStatus=both&dateFrom=2025-10-01"
        answers["/transactions"] = customer.call("GET", f"{path}/transactions?{query}", consent)
        for more, answer in answers.items():
            if answer.status_code != 500:
                judge.check(f"/v1/accounts/{{account-id}}{more}", "get", answer)


# --- Prism: a second judge, of requests as well -----------------------------------------------------------------


class _Quiet(WSGIRequestHandler):
    def log_message(self, *arguments: object) -> None:
        del arguments


@pytest.fixture
def prism(customer: Customer, tmp_path: Path) -> Iterator[int]:
    """Prism as a proxy before the bank; yields its port."""
    if not PRISM.exists():
        pytest.skip("Prism is not installed in build/prism: the bank was checked by JSON Schema only")
    text = re.sub(r"(?m)^ *format: url\n", "", FILE.read_text(encoding="utf-8"))
    contract = tmp_path / "bg-proxy.yaml"
    contract.write_text(re.sub(r"(?m)^( *)oneOf:", r"\1anyOf:", text), encoding="utf-8")
    server = make_server("127.0.0.1", 0, customer.application, handler_class=_Quiet)  # type: ignore[arg-type]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [str(PRISM), "proxy", "--errors", "-h", "127.0.0.1", "-p", str(port), str(contract)]
    output = tmp_path / "prism.log"
    with output.open("wb") as log:
        process = subprocess.Popen(
            [*command, f"http://127.0.0.1:{server.server_port}"], stdout=log, stderr=log, start_new_session=True
        )
        try:
            _wait_for(output, process)
            yield port
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
            server.shutdown()
            server.server_close()


def _wait_for(output: Path, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while "Prism is listening" not in output.read_text(encoding="utf-8", errors="replace"):
        assert process.poll() is None, output.read_text(encoding="utf-8", errors="replace")
        assert time.monotonic() < end, "Prism did not start"
        time.sleep(0.1)


def _through(port: int, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    sent = {"X-Request-ID": str(uuid.uuid4()), "PSU-IP-Address": "192.0.2.7", "Accept": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    data = None
    if body is not None:
        data, sent["Content-Type"] = json.dumps(body), "application/json"
    try:
        connection.request(method, path, data, sent)
        answer = connection.getresponse()
        text = answer.read()
        assert answer.headers.get("sl-violations") is None, answer.headers["sl-violations"][:500]
        return answer.status, json.loads(text) if text else None
    finally:
        connection.close()


@pytest.mark.slow
def test_prism_finds_nothing_to_complain_about(customer: Customer, prism: int) -> None:
    wish = {
        "recurringIndicator": True,
        "validUntil": "2026-06-30",
        "frequencyPerDay": 4,
        "combinedServiceIndicator": False,
    }
    status, made = _through(prism, "POST", "/v1/consents", {"access": ALL, **wish}, TPP_Redirect_URI=BACK)
    assert status == 201, made
    consent = customer.link("user_good")
    path = f"/v1/consents/{made['consentId']}"
    for more in ("", "/status", "/authorisations"):
        assert _through(prism, "GET", path + more)[0] == 200
    assert _through(prism, "POST", f"{path}/authorisations")[0] == 201
    assert _through(prism, "DELETE", path)[0] == 204
    status, listed = _through(prism, "GET", "/v1/accounts?withBalance=true", Consent_ID=consent)
    assert (status, len(listed["accounts"])) == (200, 2)
    for account in listed["accounts"]:
        here = f"/v1/accounts/{account['resourceId']}"
        assert _through(prism, "GET", here, Consent_ID=consent)[0] == 200
        assert _through(prism, "GET", f"{here}/balances", Consent_ID=consent)[0] == 200
        href = f"{here}/transactions?bookingStatus=both&dateFrom=2025-10-01"
        while href:
            status, report = _through(prism, "GET", href, Consent_ID=consent)
            assert status == 200, report
            href = report["transactions"]["_links"].get("next", {}).get("href")
    assert _through(prism, "GET", "/v1/accounts/unknown/balances", Consent_ID=consent)[0] == 404
    assert _through(prism, "GET", "/v1/accounts", Consent_ID="unknown")[0] == 400


@pytest.mark.slow
def test_prism_finds_nothing_to_complain_about_in_embedded_and_decoupled_sca(prism: int) -> None:
    psu = {"PSU_ID": "user_mfa_embedded"}
    _, made = _through(prism, "POST", "/v1/consents", _WISH, **psu)
    start = made["_links"]["startAuthorisationWithPsuAuthentication"]["href"]
    _, started = _through(prism, "POST", start, {"psuData": {"password": "sandbox"}}, **psu)
    here = started["_links"]["selectAuthenticationMethod"]["href"]
    steps = ({"authenticationMethodId": "photo"}, {"scaAuthenticationData": "0"}, {"scaAuthenticationData": "123456"})
    assert [_through(prism, "PUT", here, body)[0] for body in steps] == [200, 401, 200]
    assert _through(prism, "GET", here) == (200, {"scaStatus": "finalised"})
    status, asked = _through(prism, "POST", "/v1/consents", _WISH, PSU_ID="user_mfa_decoupled")
    assert (status, "psuMessage" in asked) == (201, True)
    assert _through(prism, "GET", asked["_links"]["scaStatus"]["href"])[1]["scaStatus"] == "started"
