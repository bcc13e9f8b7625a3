"""Payments at the sandbox bank: prepared by a service, signed or refused by the customer, executed a moment later."""

from __future__ import annotations

from typing import Any

import pytest
from tests.sandbox.customer import BACK, NOT_OK, Customer, code_of
from werkzeug.test import TestResponse

CREDITOR = "BE84732645584359"
PAYMENT = {
    "instructedAmount": {"currency": "EUR", "amount": "12.34"},
    "creditorAccount": {"iban": CREDITOR},
    "creditorName": "Alex Creditor",
    "endToEndIdentification": "E2E-1",
    "remittanceInformationUnstructured": "Invoice 42",
}
SINGLE, BULK = "/v1/payments/sepa-credit-transfers", "/v1/bulk-payments/sepa-credit-transfers"


def own_account(customer: Customer, psu: str = "user_good") -> Any:
    bank = customer.application.bank
    return next(account for account in bank.ledger.accounts(psu) if account.currency == "EUR")


def prepare(customer: Customer, body: dict[str, Any], path: str = SINGLE) -> TestResponse:
    headers = {"TPP-Redirect-URI": BACK, "TPP-Nok-Redirect-URI": NOT_OK}
    return customer.call("POST", path, json=body, headers=headers)


def content(answer: TestResponse) -> Any:
    return answer.json


def page_of(answer: TestResponse) -> str:
    assert answer.status_code == 201, answer.text
    href = str(content(answer)["_links"]["scaRedirect"]["href"])
    return "/sca/payments/" + href.rsplit("/", 1)[1]


def sign(customer: Customer, answer: TestResponse, psu: str = "user_good", code: str = "123456") -> TestResponse:
    page = page_of(answer)
    customer.log_in(page, psu)
    return customer.client.post(page, data={"act": "approve", "account": customer.choices(page)[:1], "code": code})


def status(customer: Customer, answer: TestResponse) -> str:
    return str(content(customer.call("GET", content(answer)["_links"]["status"]["href"]))["transactionStatus"])


def wait(customer: Customer, seconds: int = 10) -> None:
    assert customer.control("POST", "/clock", {"advance": seconds}).status_code == 200


def rows(customer: Customer, account: Any) -> list[dict[str, Any]]:
    return [row for row in customer.truth(account.id)["rows"] if ":added:" in row["truthId"]]


def test_a_signed_payment_is_on_its_way_then_booked_once(customer: Customer) -> None:
    account = own_account(customer)
    answer = prepare(customer, {**PAYMENT, "debtorAccount": {"iban": account.iban}})
    assert (content(answer)["transactionStatus"], status(customer, answer)) == ("RCVD", "RCVD")
    assert sign(customer, answer).headers["Location"] == BACK
    assert status(customer, answer) == "ACTC" and rows(customer, account) == []
    assert customer.call("GET", content(answer)["_links"]["scaStatus"]["href"]).json == {"scaStatus": "finalised"}
    # A second signature changes nothing.
    assert customer.client.get(page_of(answer)).headers["Location"] == BACK
    wait(customer)
    assert status(customer, answer) == "ACSC"
    wait(customer)
    assert [row["amount"] for row in rows(customer, account)] == ["-12.34"]


def test_between_two_accounts_of_the_bank_both_move(customer: Customer) -> None:
    payer, payee = own_account(customer), own_account(customer, "user_empty")
    body = {**PAYMENT, "debtorAccount": {"iban": payer.iban}, "creditorAccount": {"iban": payee.iban}}
    sign(customer, prepare(customer, body))
    wait(customer)
    assert [row["amount"] for row in rows(customer, payer)] == ["-12.34"]
    assert [row["amount"] for row in rows(customer, payee)] == ["12.34"]


@pytest.mark.parametrize(("preferred", "amounts"), [(True, ["-24.68"]), (False, ["-12.34", "-12.34"])])
def test_a_bulk_is_signed_once_and_booked_as_preferred(customer: Customer, preferred: bool, amounts: list[str]) -> None:
    account = own_account(customer)
    body = {
        "debtorAccount": {"iban": account.iban}, "batchBookingPreferred": preferred, "payments": [PAYMENT, PAYMENT],
    }  # fmt: skip
    answer = prepare(customer, body, BULK)
    sign(customer, answer)
    wait(customer)
    assert status(customer, answer) == "ACSC"
    assert [row["amount"] for row in rows(customer, account)] == amounts


def test_without_an_account_the_customer_chooses_one(customer: Customer) -> None:
    answer = prepare(customer, PAYMENT)
    sign(customer, answer)
    shown = customer.call("GET", content(answer)["_links"]["self"]["href"]).json
    assert shown == {"transactionStatus": "ACTC", "debtorAccount": {"iban": own_account(customer).iban}}


def test_more_than_the_balance_is_rejected_and_nothing_moves(customer: Customer) -> None:
    account = own_account(customer)
    amount = {"currency": "EUR", "amount": "99999999.00"}
    answer = prepare(customer, {**PAYMENT, "instructedAmount": amount, "debtorAccount": {"iban": account.iban}})
    sign(customer, answer)
    wait(customer)
    assert status(customer, answer) == "RJCT" and rows(customer, account) == []


def test_refused_expired_and_cancelled_payments_are_never_executed(customer: Customer) -> None:
    refused, expired, withdrawn = (prepare(customer, PAYMENT) for _ in range(3))
    assert customer.client.post(page_of(refused), data={"act": "deny"}).headers["Location"] == NOT_OK
    assert customer.call("DELETE", content(withdrawn)["_links"]["self"]["href"]).status_code == 204
    wait(customer, 16 * 60)
    assert [status(customer, each) for each in (refused, expired, withdrawn)] == ["CANC"] * 3
    assert sign(customer, expired).headers["Location"] == NOT_OK
    wait(customer)
    assert status(customer, expired) == "CANC"


def test_three_wrong_codes_cancel_it(customer: Customer) -> None:
    answer = prepare(customer, PAYMENT)
    assert [sign(customer, answer, code="000000").status_code for _ in range(2)] == [400, 400]
    page = page_of(answer)
    # Logging in anew starts the count again, so the third wrong codes are given in one session.
    for _ in range(3):
        customer.client.post(page, data={"act": "approve", "account": [own_account(customer).resource_id], "code": "0"})
    assert status(customer, answer) == "CANC"


def test_somebody_elses_account_cannot_be_signed_for(customer: Customer) -> None:
    account = own_account(customer)
    answer = prepare(customer, {**PAYMENT, "debtorAccount": {"iban": account.iban}})
    page = page_of(answer)
    customer.log_in(page, "user_empty")
    assert "not yours" in customer.client.get(page).text and customer.choices(page) == []
    forged = {"act": "approve", "account": [account.resource_id], "code": "123456"}
    assert customer.client.post(page, data=forged).status_code == 400
    assert status(customer, answer) == "RCVD"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"instructedAmount": {"currency": "EUR", "amount": "0"}}, (400, "FORMAT_ERROR")),
        ({"instructedAmount": {"currency": "EUR", "amount": "-1"}}, (400, "FORMAT_ERROR")),
        ({"instructedAmount": {"currency": "USD", "amount": "1"}}, (400, "FORMAT_ERROR")),
        ({"instructedAmount": 1}, (400, "FORMAT_ERROR")),
        ({"creditorAccount": {"iban": "x"}}, (400, "FORMAT_ERROR")),
        ({"creditorName": None}, (400, "FORMAT_ERROR")),
        ({"remittanceInformationUnstructured": "x" * 141}, (400, "FORMAT_ERROR")),
        ({"debtorAccount": {"iban": CREDITOR}}, (400, "PAYMENT_FAILED")),
        ({"requestedExecutionDate": "tomorrow"}, (400, "FORMAT_ERROR")),
    ],
    ids=["zero", "negative", "dollar", "number", "iban", "name", "long", "stranger", "date"],
)
def test_what_is_wrong_is_refused(customer: Customer, changes: dict[str, Any], code: tuple[int, str]) -> None:
    assert code_of(prepare(customer, {**PAYMENT, **changes})) == code


def test_hostile_texts_are_shown_as_text(customer: Customer) -> None:
    answer = prepare(customer, {**PAYMENT, "creditorName": "<script>alert(1)</script>"})
    page = page_of(answer)
    customer.log_in(page, "user_good")
    assert "<script>" not in customer.client.get(page).text
