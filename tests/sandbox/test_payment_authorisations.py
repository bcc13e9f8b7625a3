"""Payments that are signed in the bank's app (decoupled) or with what the customer types at the service (embedded)."""

from __future__ import annotations

from typing import Any

import pytest
from tests.sandbox.customer import BACK, Customer, code_of
from tests.sandbox.test_payments import PAYMENT, SINGLE, content, own_account, prepare, rows, status, wait
from werkzeug.test import TestResponse

EMBEDDED, DECOUPLED = "user_mfa_embedded", "user_mfa_decoupled"


def prepare_for(
    customer: Customer, psu: str, body: dict[str, Any] = PAYMENT, *, explicit: str = "false"
) -> TestResponse:
    headers = {"PSU-ID": psu, "TPP-Explicit-Authorisation-Preferred": explicit}
    answer = customer.call("POST", SINGLE, json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer


def href(answer: TestResponse, name: str) -> str:
    return str(content(answer)["_links"][name]["href"])


def start(customer: Customer, answer: TestResponse, psu: str = "", **body: Any) -> TestResponse:
    headers = {"PSU-ID": psu} if psu else {}
    more: dict[str, Any] = {"json": body} if body else {}
    return customer.call("POST", f"{href(answer, 'self')}/authorisations", headers=headers, **more)


def put(customer: Customer, link: str, **body: Any) -> TestResponse:
    return customer.call("PUT", link, json=body)


def to_the_code(customer: Customer, answer: TestResponse) -> str:
    """Password and method; returns the address that waits for the code."""
    begun = start(customer, answer, psuData={"password": "sandbox"})
    assert begun.status_code == 201, begun.text
    link = href(begun, "selectAuthenticationMethod")
    chosen = put(customer, link, authenticationMethodId="sms")
    assert "You pay 12.34 EUR to Alex Creditor." in content(chosen)["challengeData"]["additionalInformation"]
    return href(chosen, "authoriseTransaction")


def test_password_method_and_code_sign_it(customer: Customer) -> None:
    account = own_account(customer, EMBEDDED)
    answer = prepare_for(customer, EMBEDDED, {**PAYMENT, "debtorAccount": {"iban": account.iban}})
    assert answer.headers["ASPSP-SCA-Approach"] == "EMBEDDED"
    assert href(answer, "startAuthorisationWithPsuAuthentication").startswith(href(answer, "self"))
    assert "scaRedirect" not in content(answer)["_links"]
    link = to_the_code(customer, answer)
    signed = put(customer, link, scaAuthenticationData="123456")
    assert content(signed)["scaStatus"] == "finalised" and status(customer, answer) == "ACTC"
    assert put(customer, link, scaAuthenticationData="123456").status_code == 409  # signed once
    wait(customer)
    assert status(customer, answer) == "ACSC" and [row["amount"] for row in rows(customer, account)] == ["-12.34"]


def test_one_wrong_code_is_corrected_and_two_cancel_the_payment(customer: Customer) -> None:
    answer = prepare_for(customer, EMBEDDED)
    link = to_the_code(customer, answer)
    wrong = put(customer, link, scaAuthenticationData="000000")
    assert code_of(wrong) == (401, "PSU_CREDENTIALS_INVALID") and href(wrong, "authoriseTransaction") == link
    assert content(put(customer, link, scaAuthenticationData="123456"))["scaStatus"] == "finalised"
    answer = prepare_for(customer, EMBEDDED)
    link = to_the_code(customer, answer)
    for _ in range(2):
        wrong = put(customer, link, scaAuthenticationData="000000")
    assert "_links" not in content(wrong) and status(customer, answer) == "CANC"
    assert start(customer, answer).status_code == 409


def test_a_wrong_password_ends_the_attempt_and_not_the_payment(customer: Customer) -> None:
    answer = prepare_for(customer, EMBEDDED)
    assert code_of(start(customer, answer, psuData={"password": "wrong"})) == (401, "PSU_CREDENTIALS_INVALID")
    assert status(customer, answer) == "RCVD"
    put(customer, to_the_code(customer, answer), scaAuthenticationData="123456")
    assert status(customer, answer) == "ACTC"


def test_the_app_is_asked_and_signs_after_a_while(customer: Customer) -> None:
    answer = prepare_for(customer, DECOUPLED)
    assert answer.headers["ASPSP-SCA-Approach"] == "DECOUPLED"
    assert content(answer)["psuMessage"].startswith("You pay 12.34 EUR to Alex Creditor.")
    assert content(customer.call("GET", href(answer, "scaStatus")))["scaStatus"] == "started"
    wait(customer, 9)
    assert status(customer, answer) == "RCVD"
    wait(customer, 1)
    assert status(customer, answer) == "ACTC"
    wait(customer, 5)
    assert status(customer, answer) == "ACSC"
    assert [row["amount"] for row in rows(customer, own_account(customer, DECOUPLED))] == ["-12.34"]


def test_with_an_explicit_start_nothing_is_asked_before_it(customer: Customer) -> None:
    answer = prepare_for(customer, DECOUPLED, explicit="true")
    wait(customer, 20)
    assert status(customer, answer) == "RCVD"
    assert href(start(customer, answer), "scaStatus").startswith(href(answer, "startAuthorisation"))
    wait(customer)
    assert status(customer, answer) == "ACTC"


@pytest.mark.parametrize(("verdict", "status_then"), [("deny", "CANC"), ("ignore", "RCVD")])
def test_denied_in_the_app_it_is_cancelled_ignored_it_may_be_tried_again(
    customer: Customer, verdict: str, status_then: str
) -> None:
    answer = prepare_for(customer, DECOUPLED)
    identity = href(answer, "scaStatus").rsplit("/", 1)[1]
    assert customer.control("POST", f"/authorisations/{identity}", {verdict: True}).status_code == 200
    wait(customer, 5 * 60)
    assert content(customer.call("GET", href(answer, "scaStatus")))["scaStatus"] == "failed"
    assert status(customer, answer) == status_then
    again = start(customer, answer)
    assert again.status_code == (201 if status_then == "RCVD" else 409)
    wait(customer, 15)
    assert status(customer, answer) == ("ACSC" if status_then == "RCVD" else "CANC")


def test_a_second_attempt_ends_the_first(customer: Customer) -> None:
    """Two apps that ask for one payment could not both be right."""
    answer = prepare_for(customer, DECOUPLED)
    assert code_of(start(customer, answer, "user_good")) == (400, "FORMAT_ERROR")  # a browser needs a way back
    start(customer, answer, EMBEDDED)
    wait(customer)
    assert status(customer, answer) == "RCVD"
    assert content(customer.call("GET", href(answer, "scaStatus")))["scaStatus"] == "failed"


def test_the_customer_of_the_attempt_decides_its_way(customer: Customer) -> None:
    answer = prepare(customer, PAYMENT)
    again = start(customer, answer, DECOUPLED)
    assert again.headers["ASPSP-SCA-Approach"] == "DECOUPLED"
    # The page of the first attempt is over.
    page = "/sca/payments/" + href(answer, "scaRedirect").rsplit("/", 1)[1]
    assert customer.client.get(page).status_code == 404
    wait(customer)
    assert status(customer, answer) == "ACTC"


def test_somebody_elses_account_is_not_signed_for(customer: Customer) -> None:
    theirs = own_account(customer, "user_good")
    answer = prepare_for(customer, DECOUPLED, {**PAYMENT, "debtorAccount": {"iban": theirs.iban}})
    wait(customer)
    assert status(customer, answer) == "CANC" and rows(customer, theirs) == []


def test_an_authorisation_belongs_to_its_payment(customer: Customer) -> None:
    answer, other = prepare_for(customer, EMBEDDED), prepare_for(customer, EMBEDDED)
    link = to_the_code(customer, answer)
    foreign = f"{href(other, 'self')}/authorisations/{link.rsplit('/', 1)[1]}"
    assert code_of(put(customer, foreign, scaAuthenticationData="123456")) == (403, "RESOURCE_UNKNOWN")
    listed = customer.call("GET", f"{href(answer, 'self')}/authorisations")
    assert content(listed) == {"authorisationIds": [link.rsplit("/", 1)[1]]}
    page = customer.client.get(f"/sca/{link.rsplit('/', 1)[1]}")
    assert page.status_code == 404  # no consent


def test_a_redirect_without_a_way_back_is_refused_and_an_app_needs_none(customer: Customer) -> None:
    refused = customer.call("POST", SINGLE, json=PAYMENT, headers={"PSU-ID": "user_good"})
    assert code_of(refused) == (400, "FORMAT_ERROR")
    assert prepare_for(customer, DECOUPLED).status_code == 201
    assert BACK not in prepare_for(customer, DECOUPLED).text
