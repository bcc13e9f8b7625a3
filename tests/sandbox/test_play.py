"""The page with the buttons: who may press them, and that each does what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.sandbox.customer import Customer
from werkzeug.test import Client, TestResponse

from nostro.sandbox.play.commands import COMMANDS
from nostro.sandbox.server import create_application

ACCOUNT = "user_good-savings"
HERE = {"environ_base": {"REMOTE_ADDR": "127.0.0.1"}}
ELSEWHERE = {"environ_base": {"REMOTE_ADDR": "192.0.2.9"}}


def _token(page: TestResponse) -> str:
    found = re.search(r'name="token" value="([0-9a-f]{64})"', page.text)
    assert found is not None
    return found[1]


def _press(customer: Customer, act: str, target: str = "", **more: object) -> TestResponse:
    token = _token(customer.client.get("/play", **HERE))
    form = {"token": token, "act": act, "target": target}
    return customer.client.post("/play", data=form, **{**HERE, **more})


def test_without_a_control_token_there_is_no_page(furnished_directory: Path) -> None:
    client = Client(create_application(furnished_directory, 42, "virtual"))
    assert client.get("/play", **HERE).status_code == 404
    assert client.post("/play", data={"act": "day"}, **HERE).status_code == 404
    assert "/play" not in client.get("/").text


def test_the_page_shows_the_state_and_runs_no_script(customer: Customer) -> None:
    customer.link("user_good")
    customer.ask(headers={"PSU-ID": '"><script>alert(1)</script>'})
    page = customer.client.get("/play", **HERE)
    assert page.status_code == 200
    for shown in ("2026-01-05 09:00:00 UTC", "user_good-savings", "Nothing goes wrong", "/v1/consents"):
        assert shown in page.text
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert "SameSite=Strict" in page.headers["Set-Cookie"]
    assert "HttpOnly" in page.headers["Set-Cookie"]
    # With "no-referrer" browsers send forms with the origin "null", which is refused.
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert "/play" in customer.client.get("/").text


@pytest.mark.parametrize("act", ["receipt", "pending", "twins", "late", "gap", "mend", "ids", "close", "open"])
def test_every_button_of_an_account_works(customer: Customer, act: str) -> None:
    before = customer.truth(ACCOUNT)
    pressed = _press(customer, act, ACCOUNT)
    assert (pressed.status_code, pressed.headers["Location"]) == (303, f"/play?done={act}")
    assert (customer.truth(ACCOUNT) == before) == (act in {"mend", "open"})
    assert COMMANDS[act].done in customer.client.get(f"/play?done={act}", **HERE).text


@pytest.mark.parametrize("currency", ["eur", "jpy", "kwd"])
def test_a_receipt_is_42_in_every_currency(customer: Customer, currency: str) -> None:
    account = "user_dinar-dinar" if currency == "kwd" else f"user_multi_currency-multi-{currency}"
    assert _press(customer, "receipt", account).status_code == 303
    amounts = [row["amount"] for row in customer.truth(account)["rows"] if row["truthId"].endswith(":added:00001")]
    assert amounts == [{"eur": "42.00", "jpy": "42", "kwd": "42.000"}[currency]]


def test_clock_and_weather(customer: Customer) -> None:
    for act, clock in (("hour", "2026-01-05T10"), ("day", "2026-01-06T10"), ("week", "2026-01-13T10")):
        _press(customer, act)
        assert customer.control("GET", "/state").json["clock"].startswith(clock)
    for act in ("down", "refuse", "break", "slow"):
        _press(customer, act)
    kinds = [fault["kind"] for fault in customer.control("GET", "/state").json["faults"]]
    assert kinds == ["down", "refused", "reset_in_body", "slow"]
    assert "reset_in_body" in customer.client.get("/play", **HERE).text
    _press(customer, "well")
    assert customer.control("GET", "/state").json["faults"] == []


def test_a_person_plays_the_customer(customer: Customer) -> None:
    consents = []
    for act in ("approve", "deny"):
        answer = customer.ask(headers={"PSU-ID": "user_good"})
        consents.append(answer.json["consentId"])
        assert _press(customer, act, customer.page_of(answer).rsplit("/", 1)[1]).status_code == 303
    _press(customer, "revoke", consents[0])
    words = [customer.call("GET", f"/v1/consents/{consent}/status").json["consentStatus"] for consent in consents]
    assert words == ["revokedByPsu", "rejected"]
    third = customer.link("user_good")
    _press(customer, "expire", third)
    assert customer.call("GET", f"/v1/consents/{third}/status").json["consentStatus"] == "expired"


def test_a_button_that_cannot_work_says_why(customer: Customer) -> None:
    for act, target, status in (("receipt", "nobody", 404), ("explode", "", 400), ("approve", "unknown", 404)):
        answer = _press(customer, act, target)
        assert answer.status_code == status
        assert "Nothing was changed" in answer.text


def test_other_sites_cannot_press_buttons(customer: Customer) -> None:
    token = _token(customer.client.get("/play", **HERE))
    form = {"act": "day", "token": token}
    refused = [
        customer.client.post("/play", data={"act": "day"}, **HERE),
        customer.client.post("/play", data={**form, "token": "0" * 64}, **HERE),
        customer.client.post("/play", data=form, headers={"Origin": "https://evil.example"}, **HERE),
        customer.client.post("/play", data=form, headers={"Origin": "null"}, **HERE),
        Client(customer.application).post("/play", data=form, **HERE),
    ]
    assert [answer.status_code for answer in refused] == [403] * 5
    assert customer.control("GET", "/state").json["clock"].startswith("2026-01-05")
    ours = customer.client.post("/play", data=form, headers={"Origin": "http://localhost"}, **HERE)
    assert ours.status_code == 303


@pytest.mark.parametrize(
    ("where", "headers"),
    [
        (ELSEWHERE, {}),
        (HERE, {"X-Forwarded-For": "192.0.2.9"}),
        (HERE, {"Host": "bank.example"}),
        (HERE, {"Host": "127.0.0.1.evil.example:8091"}),
    ],
)
def test_from_elsewhere_the_control_token_is_needed(customer: Customer, where: dict, headers: dict) -> None:
    door = customer.client.get("/play", headers=headers, **where)
    assert "Control token" in door.text
    assert "user_good" not in door.text
    form = {"act": "day", "token": _token(door)}
    assert customer.client.post("/play", data=form, headers=headers, **where).status_code == 403
    assert customer.control("GET", "/state").json["clock"].startswith("2026-01-05")


def test_the_control_token_opens_the_page(customer: Customer) -> None:
    token = _token(customer.client.get("/play", **ELSEWHERE))
    wrong = customer.client.post("/play", data={"act": "enter", "token": token, "control": "wrong"}, **ELSEWHERE)
    assert (wrong.status_code, "control token" in wrong.text) == (401, True)
    right = customer.client.post("/play", data={"act": "enter", "token": token, "control": "control"}, **ELSEWHERE)
    assert right.status_code == 303
    assert "Weather" in customer.client.get("/play", **ELSEWHERE).text
    assert customer.client.post("/play", data={"act": "day", "token": token}, **ELSEWHERE).status_code == 303
