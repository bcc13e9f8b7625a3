"""What payment initiation makes of a bank's answers; the good ones are tested against the sandbox bank (tests/hub)."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from tests.connectors.berlin_group.bank import Bank, Reply

from nostro.connectors.berlin_group.payments import BerlinGroupPayments
from nostro.connectors.contract import (
    UNATTENDED,
    AuthorisationStep,
    Challenge,
    Decoupled,
    Failed,
    NeedCredentials,
    PsuContext,
    PsuInput,
    Redirect,
)
from nostro.connectors.errors import (
    ConnectorError,
    CredentialsInvalid,
    NotSupported,
    ProtocolError,
    ScaCancelled,
    ScaFailed,
    ScaRequired,
    ScaTimeout,
)
from nostro.connectors.payments import CreditTransfer, PaymentOrder, SigningRequest
from nostro.http import Door
from nostro.http.door import DoorSettings

PSU = PsuContext(present=True, ip="192.0.2.7")
TRANSFER = CreditTransfer(Decimal("1E+2"), "EUR", "Alex Creditor", "BE84732645584359")
ORDER = PaymentOrder((TRANSFER,), "https://hub.example/pay/return/?state=abc", "BE53586671384412")
PATH = "/v1/payments/sepa-credit-transfers"
PAYMENT, STARTS = f"{PATH}/p", f"{PATH}/p/authorisations"
REQUEST = SigningRequest("p", is_bulk=False, redirect_uri=ORDER.redirect_uri, psu_id="ann")
POLL = PsuInput("poll")
CODE = PsuInput("scaAuthenticationData", {"scaAuthenticationData": "123456"})


@pytest.fixture
def payments(bank: Bank) -> Iterator[BerlinGroupPayments]:
    settings = DoorSettings(allow_loopback_http=True, connect_timeout_s=2, read_timeout_s=2, total_timeout_s=5)
    with Door(settings) as door:
        yield BerlinGroupPayments(door, lambda: bank.now, lambda: str(uuid.UUID(int=1)))


def test_what_the_bank_is_sent(bank: Bank, payments: BerlinGroupPayments) -> None:
    links = {"scaRedirect": {"href": "https://bank.example/sign"}}
    bank.on(f"POST {PATH}", Reply(201, {"transactionStatus": "RCVD", "paymentId": "p/1", "_links": links}))
    prepared = payments.prepare(bank.configuration, ORDER, PSU)
    assert isinstance(prepared.step, Redirect) and prepared.payment_id == "p/1"
    assert prepared.step.url == "https://bank.example/sign"
    assert "p/1" not in repr(prepared) and "sign" not in repr(prepared)
    [asked] = bank.asked
    assert asked.body == {
        "debtorAccount": {"iban": "BE53586671384412"},
        "instructedAmount": {"currency": "EUR", "amount": "100"},
        "creditorAccount": {"iban": "BE84732645584359"},
        "creditorName": "Alex Creditor",
    }
    assert asked.headers["TPP-Redirect-URI"] == ORDER.redirect_uri
    assert "PSU-ID" not in asked.headers and asked.headers["TPP-Explicit-Authorisation-Preferred"] == "false"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({}, ProtocolError),
        ([], ProtocolError),
        ({"paymentId": "x" * 513}, ProtocolError),
        ({"paymentId": 5}, ProtocolError),
        ({"paymentId": "p"}, NotSupported),
        ({"paymentId": "p", "_links": {"scaOAuth": {"href": "https://bank.example/oauth"}}}, NotSupported),
        ({"paymentId": "p", "_links": {"scaRedirect": {"href": "javascript:alert(1)"}}}, ProtocolError),
        ({"paymentId": "p", "_links": {"scaRedirect": {"href": "http://bank.example/sign"}}}, ProtocolError),
    ],
    ids=["empty", "list", "long", "number", "no-way", "oauth", "script", "not-secure"],
)
def test_strange_answers_are_refused(
    bank: Bank, payments: BerlinGroupPayments, answer: Any, error: type[ConnectorError]
) -> None:
    bank.on(f"POST {PATH}", Reply(201, answer))
    with pytest.raises(error):
        payments.prepare(bank.configuration, ORDER, PSU)


def test_nobody_present_nothing_sent(bank: Bank, payments: BerlinGroupPayments) -> None:
    with pytest.raises(ScaRequired):
        payments.prepare(bank.configuration, ORDER, UNATTENDED)
    assert bank.asked == []


@pytest.mark.parametrize(
    ("word", "status"),
    [("RCVD", "unsigned"), ("PATC", "unsigned"), ("ACTC", "pending"), ("PDNG", "pending"), ("ACSC", "accepted"),
     ("ACSP", "accepted"), ("RJCT", "rejected"), ("CANC", "canceled")],
)  # fmt: skip
def test_words_of_the_bank(bank: Bank, payments: BerlinGroupPayments, word: str, status: str) -> None:
    bank.on(f"GET {PATH}/p%2F1", Reply(200, {"transactionStatus": word}))
    assert payments.get_state(bank.configuration, "p/1", is_bulk=False).status == status


@pytest.mark.parametrize("answer", [{}, [], {"transactionStatus": "WHAT"}, {"transactionStatus": None}])
def test_a_word_nobody_knows_changes_nothing(bank: Bank, payments: BerlinGroupPayments, answer: Any) -> None:
    bank.on(f"GET {PATH}/p", Reply(200, answer))
    with pytest.raises(ProtocolError):
        payments.get_state(bank.configuration, "p", is_bulk=False)


def links(**hrefs: str) -> dict[str, Any]:
    return {"_links": {name: {"href": href} for name, href in hrefs.items()}}


def go_on(bank: Bank, payments: BerlinGroupPayments, step: Any, given: PsuInput) -> AuthorisationStep | None:
    # As the hub does: the memory travels sealed, as JSON.
    return payments.continue_signing(bank.configuration, json.loads(json.dumps(step.state)), given, PSU)


def at_the_code(bank: Bank, payments: BerlinGroupPayments) -> Challenge:
    bank.on(
        f"POST {STARTS}", Reply(201, {"scaStatus": "scaMethodSelected", **links(authoriseTransaction=f"{STARTS}/1")})
    )
    step = payments.start_signing(bank.configuration, REQUEST, PSU)
    assert isinstance(step, Challenge)
    return step


def in_the_app(bank: Bank, payments: BerlinGroupPayments) -> Decoupled:
    answer = {"scaStatus": "started", "psuMessage": "Sign in the app.", **links(scaStatus=f"{STARTS}/1")}
    bank.on(f"POST {STARTS}", Reply(201, answer))
    step = payments.start_signing(bank.configuration, REQUEST, PSU)
    assert isinstance(step, Decoupled) and step.psu_message == "Sign in the app."
    return step


def says(bank: Bank, word: str, sca_status: str = "started") -> None:
    bank.on(f"GET {PAYMENT}", Reply(200, {"transactionStatus": word}))
    bank.on(f"GET {STARTS}/1", Reply(200, {"scaStatus": sca_status}))


def test_a_bank_that_knows_the_person_is_asked_to_wait_with_its_app(bank: Bank, payments: BerlinGroupPayments) -> None:
    body = {"transactionStatus": "RCVD", "paymentId": "p", **links(startAuthorisation=STARTS, scaStatus="/x")}
    bank.on(f"POST {PATH}", Reply(201, body))
    prepared = payments.prepare(bank.configuration, replace(ORDER, psu_id="ann"), PSU)
    assert (prepared.step, prepared.start) == (None, {"startAuthorisation": STARTS})
    asked = bank.asked[-1].headers
    assert (asked["PSU-ID"], asked["TPP-Explicit-Authorisation-Preferred"]) == ("ann", "true")


@pytest.mark.parametrize(
    ("start", "psu_id", "fields"),
    [
        ("startAuthorisationWithPsuAuthentication", "ann", ["password"]),
        ("startAuthorisationWithPsuAuthentication", None, ["psuId", "password"]),
        ("startAuthorisationWithPsuIdentification", None, ["psuId"]),
    ],
)
def test_what_the_bank_wants_with_the_start_is_asked_first(
    bank: Bank, payments: BerlinGroupPayments, start: str, psu_id: str | None, fields: list[str]
) -> None:
    request = replace(REQUEST, psu_id=psu_id, start={start: f"{STARTS}?first"})
    step = payments.start_signing(bank.configuration, request, PSU)
    assert isinstance(step, NeedCredentials) and [field.name for field in step.fields] == fields
    assert bank.asked == [] and step.expires_at == bank.now + dt.timedelta(minutes=10)
    asks = {"scaStatus": "scaMethodSelected", **links(authoriseTransaction=f"{STARTS}/1")}
    bank.on(f"POST {STARTS}?first", Reply(201, asks))
    given = PsuInput("credentials", {"psuId": "ann", "password": "pass-word-1"})
    challenge = go_on(bank, payments, step, given)
    assert isinstance(challenge, Challenge) and "pass-word-1" not in json.dumps(challenge.state)
    assert bank.asked[-1].headers["PSU-ID"] == "ann"
    wanted = {"psuData": {"password": "pass-word-1"}} if "password" in fields else {}
    assert bank.asked[-1].body == wanted


def test_with_a_name_a_start_by_identification_asks_nobody(bank: Bank, payments: BerlinGroupPayments) -> None:
    request = replace(REQUEST, start={"startAuthorisationWithPsuIdentification": STARTS})
    bank.on(f"POST {STARTS}", Reply(201, {"scaStatus": "started", "psuMessage": "Sign."}))
    assert isinstance(payments.start_signing(bank.configuration, request, PSU), Decoupled)


def test_the_right_code_signs(bank: Bank, payments: BerlinGroupPayments) -> None:
    step = at_the_code(bank, payments)
    bank.on(f"PUT {STARTS}/1", Reply(200, {"scaStatus": "finalised"}))
    says(bank, "ACTC")
    assert go_on(bank, payments, step, CODE) is None
    assert bank.asked[-2].body == {"scaAuthenticationData": "123456"}


def test_a_wrong_code_may_be_corrected_once(bank: Bank, payments: BerlinGroupPayments) -> None:
    step: Any = at_the_code(bank, payments)
    wrong = {"tppMessages": [{"category": "ERROR", "code": "PSU_CREDENTIALS_INVALID"}]}
    bank.on(f"PUT {STARTS}/1", Reply(401, {**wrong, **links(authoriseTransaction=f"{STARTS}/1")}))
    step = go_on(bank, payments, step, CODE)
    assert isinstance(step, Challenge) and "wrong" in step.text
    ended = go_on(bank, payments, step, CODE)
    assert isinstance(ended, Failed) and isinstance(ended.error, ScaFailed)


def test_a_wrong_password_is_never_tried_again(bank: Bank, payments: BerlinGroupPayments) -> None:
    request = replace(REQUEST, start={"startAuthorisationWithPsuAuthentication": STARTS})
    step = payments.start_signing(bank.configuration, request, PSU)
    bank.on(f"POST {STARTS}", Reply(401, {"tppMessages": [{"category": "ERROR", "code": "PSU_CREDENTIALS_INVALID"}]}))
    with pytest.raises(CredentialsInvalid):
        go_on(bank, payments, step, PsuInput("credentials", {"password": "wrong"}))
    assert len(bank.asked) == 1


def test_the_app_is_waited_for_and_not_longer_than_five_minutes(bank: Bank, payments: BerlinGroupPayments) -> None:
    step: Any = in_the_app(bank, payments)
    says(bank, "RCVD")
    step = go_on(bank, payments, step, POLL)
    assert isinstance(step, Decoupled) and step.psu_message == "Sign in the app."
    bank.now += dt.timedelta(minutes=5)
    ended = go_on(bank, payments, step, POLL)
    assert isinstance(ended, Failed) and isinstance(ended.error, ScaTimeout)
    says(bank, "ACSC")
    assert go_on(bank, payments, step, POLL) is None


@pytest.mark.parametrize(
    ("word", "sca_status", "error"),
    [("CANC", "failed", ScaCancelled), ("RJCT", "failed", ScaFailed), ("RCVD", "failed", ScaFailed)],
)
def test_who_refuses_in_the_app_has_ended_it(
    bank: Bank, payments: BerlinGroupPayments, word: str, sca_status: str, error: type[ConnectorError]
) -> None:
    step = in_the_app(bank, payments)
    says(bank, word, sca_status)
    try:
        ended = go_on(bank, payments, step, POLL)
    except ScaFailed as raised:  # as the hub treats it
        ended = Failed(raised, True)
    assert isinstance(ended, Failed) and isinstance(ended.error, error)


def test_where_a_second_person_must_sign_the_first_is_done(bank: Bank, payments: BerlinGroupPayments) -> None:
    step = in_the_app(bank, payments)
    says(bank, "PATC")
    assert go_on(bank, payments, step, POLL) is None
    assert payments.get_state(bank.configuration, "p", is_bulk=False).status == "unsigned"


@pytest.mark.parametrize(
    "state", [{}, {"version": 1}, {"version": 2, "paymentId": "p"}, {"version": 1, "paymentId": 5}]
)
def test_a_damaged_memory_is_refused(bank: Bank, payments: BerlinGroupPayments, state: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        payments.continue_signing(bank.configuration, state, POLL, PSU)
    assert bank.asked == []


def test_links_of_another_server_are_not_followed(bank: Bank, payments: BerlinGroupPayments) -> None:
    request = replace(REQUEST, start={"startAuthorisation": "https://elsewhere.example/v1/authorisations"})
    with pytest.raises(ProtocolError):
        payments.start_signing(bank.configuration, request, PSU)


def test_nobody_present_no_signing_is_started(bank: Bank, payments: BerlinGroupPayments) -> None:
    with pytest.raises(ScaRequired):
        payments.start_signing(bank.configuration, REQUEST, UNATTENDED)
    assert bank.asked == []
