"""The control API: who may use it, and what it does to the bank."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.sandbox.customer import Customer, code_of
from werkzeug.test import Client

from nostro.sandbox.bank import SeedMismatch
from nostro.sandbox.server import create_application

ACCOUNT = "user_good-savings"


def _ids(customer: Customer) -> set[str]:
    return {row["truthId"] for row in customer.truth(ACCOUNT)["rows"]}


def test_without_a_token_in_the_environment_there_is_no_control(furnished_directory: Path) -> None:
    client = Client(create_application(furnished_directory, 42, "virtual"))
    for header in ("Bearer ", "Bearer control"):
        assert client.get("/_control/state", headers={"Authorization": header}).status_code == 404


def test_the_wrong_token_opens_nothing(customer: Customer) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer contröl"}):
        assert customer.client.get("/_control/state", headers=headers).status_code == 401


def test_rows_are_added_altered_and_removed(customer: Customer) -> None:
    before = customer.truth(ACCOUNT)
    body = {"amount": "12.34", "bookingDate": "2025-12-16", "debtorName": "Test", "endToEndId": "E1"}
    (truth_id,) = customer.control("POST", f"/accounts/{ACCOUNT}/transactions", body).json["truthIds"]
    (row,) = [r for r in customer.truth(ACCOUNT)["rows"] if r["truthId"] == truth_id]
    assert (row["amount"], row["bookingDate"], row["debtorName"]) == ("12.34", "2025-12-16", "Test")
    change = {"amount": "12.35", "remittanceInformationUnstructured": "changed"}
    assert customer.control("PATCH", f"/transactions/{truth_id}", change).status_code == 200
    (changed,) = [r for r in customer.truth(ACCOUNT)["rows"] if r["truthId"] == truth_id]
    assert changed == row | change
    assert customer.control("DELETE", f"/transactions/{truth_id}").status_code == 204
    assert customer.truth(ACCOUNT) == before


@pytest.mark.parametrize(
    ("currency", "amount", "wrong"), [("jpy", "1234", "1.5"), ("kwd", "1.234", "1.2345"), ("eur", "1.23", "1.234")]
)
def test_added_amounts_keep_the_decimals_of_their_currency(
    customer: Customer, currency: str, amount: str, wrong: str
) -> None:
    account = "user_dinar-dinar" if currency == "kwd" else f"user_multi_currency-multi-{currency}"
    (truth_id,) = customer.control("POST", f"/accounts/{account}/transactions", {"amount": amount}).json["truthIds"]
    assert {r["truthId"]: r["amount"] for r in customer.truth(account)["rows"]}[truth_id] == amount
    assert code_of(customer.control("POST", f"/accounts/{account}/transactions", {"amount": wrong})) == (
        400,
        "FORMAT_ERROR",
    )


def test_a_pending_row_is_booked_with_another_amount(customer: Customer) -> None:
    (truth_id,) = customer.control(
        "POST", f"/accounts/{ACCOUNT}/transactions", {"amount": "-5.00", "pending": True}
    ).json["truthIds"]
    assert [r["truthId"] for r in customer.truth(ACCOUNT)["pending"]] == [truth_id]
    assert customer.control("POST", f"/transactions/{truth_id}/book", {"amount": "-6.00"}).status_code == 200
    truth = customer.truth(ACCOUNT)
    assert truth["pending"] == []
    assert {r["truthId"]: r["amount"] for r in truth["rows"]}[truth_id] == "-6.00"
    assert code_of(customer.control("POST", f"/transactions/{truth_id}/book", {})) == (409, "STATUS_INVALID")


def test_twins_are_added(customer: Customer) -> None:
    before = _ids(customer)
    made = customer.control("POST", f"/accounts/{ACCOUNT}/twins", {"count": 3}).json["truthIds"]
    assert _ids(customer) - before == set(made)
    assert len(made) == 3


def test_faults_meet_the_named_endpoint_so_many_times(customer: Customer) -> None:
    consent = customer.link("user_good")
    account = customer.accounts(consent)[0]["resourceId"]
    customer.control("POST", "/faults", {"kind": "down", "endpoint": "balances", "times": 2})
    path = f"/v1/accounts/{account}/balances"
    assert customer.call("GET", "/v1/accounts", consent).status_code == 200
    assert [customer.call("GET", path, consent).status_code for _ in range(3)] == [503, 503, 200]
    faults = [r["fault"] for r in customer.control("GET", "/log").json["records"] if r["status"] == 503]
    assert faults == ["down", "down"]


@pytest.mark.parametrize("kind", ["500", "truncated", "not_json", "wrong_content_type", "bare_401", "slow"])
def test_each_fault_spoils_the_answer_until_it_is_taken_back(customer: Customer, kind: str) -> None:
    consent = customer.link("user_good")
    well = customer.call("GET", "/v1/accounts", consent)
    assert customer.control("POST", "/faults", {"kind": kind, "seconds": 0}).status_code == 201
    ill = customer.call("GET", "/v1/accounts", consent)
    same = (ill.status_code, ill.content_type, ill.data) == (well.status_code, well.content_type, well.data)
    assert same == (kind == "slow")
    assert customer.control("DELETE", "/faults").status_code == 204
    assert customer.call("GET", "/v1/accounts", consent).data == well.data


def test_reset_makes_a_fresh_bank_of_another_seed(customer: Customer) -> None:
    consent = customer.link("user_good")
    iban = customer.truth(ACCOUNT)["iban"]
    answer = customer.control("POST", "/reset", {"seed": 7, "at": "2026-03-01T08:00:00Z"})
    assert answer.json == {"seed": 7, "clock": "2026-03-01T08:00:00.000000Z"}
    assert customer.truth(ACCOUNT)["iban"] != iban
    assert code_of(customer.call("GET", "/v1/accounts", consent)) == (400, "CONSENT_UNKNOWN")
    customer.control("POST", "/reset", {"seed": 42, "at": "2026-01-05T09:00:00Z"})
    assert customer.truth(ACCOUNT)["iban"] == iban


def test_a_directory_keeps_its_seed(furnished_directory: Path) -> None:
    with pytest.raises(SeedMismatch, match="seed 42"):
        create_application(furnished_directory, 43, "virtual")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/clock", {}),
        ("POST", "/clock", {"advance": -1}),
        ("POST", "/clock", {"set": "tomorrow"}),
        ("POST", "/clock", {"set": "9999-12-31T23:59:59Z"}),
        ("POST", "/clock", {"set": "2026-01-05T09:00:00"}),
        ("POST", "/reset", {"seed": "x"}),
        ("POST", "/faults", {"kind": ["down"]}),
        ("POST", "/faults", {"kind": "down", "times": 0}),
        ("POST", "/faults", {"kind": "down", "endpoint": {}}),
        ("POST", f"/accounts/{ACCOUNT}/transactions", {}),
        ("POST", f"/accounts/{ACCOUNT}/transactions", {"amount": 1.5}),
        ("POST", f"/accounts/{ACCOUNT}/transactions", {"amount": "1.00", "bookingDate": "soon"}),
        ("POST", f"/accounts/{ACCOUNT}/transactions", {"amount": "1.00", "debtorName": "\ud800"}),
        ("POST", f"/accounts/{ACCOUNT}/transactions", {"amount": "1.00", "debtorName": "x" * 501}),
        ("POST", f"/accounts/{ACCOUNT}/twins", {"count": 101}),
        ("GET", "/log?after=-1", None),
    ],
)
def test_wrong_commands_are_refused(customer: Customer, method: str, path: str, body: object) -> None:
    assert code_of(customer.control(method, path, body)) == (400, "FORMAT_ERROR")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/truth/nobody"),
        ("POST", "/accounts/nobody/twins"),
        ("POST", "/accounts/user_multi_currency-multi/twins"),
        ("PATCH", "/transactions/nothing"),
        ("DELETE", "/transactions/nothing"),
        ("POST", "/transactions/nothing/book"),
        ("POST", "/consents/none/expire"),
    ],
)
def test_unknown_things_are_not_found(customer: Customer, method: str, path: str) -> None:
    assert customer.control(method, path, {}).status_code == 404
