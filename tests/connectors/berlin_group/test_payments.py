"""What payment initiation makes of a bank's answers; the good ones are tested against the sandbox bank (tests/hub)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from tests.connectors.berlin_group.bank import Bank, Reply

from nostro.connectors.berlin_group.payments import BerlinGroupPayments
from nostro.connectors.contract import UNATTENDED, PsuContext
from nostro.connectors.errors import ConnectorError, NotSupported, ProtocolError, ScaRequired
from nostro.connectors.payments import CreditTransfer, PaymentOrder
from nostro.http import Door
from nostro.http.door import DoorSettings

PSU = PsuContext(present=True, ip="192.0.2.7")
TRANSFER = CreditTransfer(Decimal("1E+2"), "EUR", "Alex Creditor", "BE84732645584359")
ORDER = PaymentOrder((TRANSFER,), "https://hub.example/pay/return/?state=abc", "BE53586671384412")
PATH = "/v1/payments/sepa-credit-transfers"


@pytest.fixture
def payments(bank: Bank) -> Iterator[BerlinGroupPayments]:
    settings = DoorSettings(allow_loopback_http=True, connect_timeout_s=2, read_timeout_s=2, total_timeout_s=5)
    with Door(settings) as door:
        yield BerlinGroupPayments(door, lambda: bank.now, lambda: str(uuid.UUID(int=1)))


def test_what_the_bank_is_sent(bank: Bank, payments: BerlinGroupPayments) -> None:
    links = {"scaRedirect": {"href": "https://bank.example/sign"}}
    bank.on(f"POST {PATH}", Reply(201, {"transactionStatus": "RCVD", "paymentId": "p/1", "_links": links}))
    prepared = payments.prepare(bank.configuration, ORDER, PSU)
    assert (prepared.payment_id, prepared.url) == ("p/1", "https://bank.example/sign")
    assert "p/1" not in repr(prepared) and "sign" not in repr(prepared)
    [asked] = bank.asked
    assert asked.body == {
        "debtorAccount": {"iban": "BE53586671384412"},
        "instructedAmount": {"currency": "EUR", "amount": "100"},
        "creditorAccount": {"iban": "BE84732645584359"},
        "creditorName": "Alex Creditor",
    }
    assert asked.headers["TPP-Redirect-URI"] == ORDER.redirect_uri


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({}, ProtocolError),
        ([], ProtocolError),
        ({"paymentId": "x" * 513}, ProtocolError),
        ({"paymentId": 5}, ProtocolError),
        ({"paymentId": "p"}, NotSupported),
        ({"paymentId": "p", "_links": {"scaRedirect": {"href": "javascript:alert(1)"}}}, ProtocolError),
        ({"paymentId": "p", "_links": {"scaRedirect": {"href": "http://bank.example/sign"}}}, ProtocolError),
    ],
    ids=["empty", "list", "long", "number", "no-redirect", "script", "not-secure"],
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
