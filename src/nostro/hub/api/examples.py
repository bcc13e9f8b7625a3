"""Requests with their answers for the documentation. A test sends each of them and compares the answer's shape."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, Literal

import msgspec

from nostro.hub.api import (
    bank_file_examples,
    connect_examples,
    dashboard_examples,
    discovery,
    payment_examples,
)
from nostro.hub.api import documents as d
from nostro.hub.api import sandbox_documents as s
from nostro.hub.api.example_parts import (
    ACCOUNT,
    DAY,
    HOST,
    INSTITUTION,
    SYNCHRONIZATION,
    Example,
    account,
    institution,
    page,
    page_of_account,
    synchronization,
    transaction,
)

__all__ = ["EXAMPLES", "Example", "answer_of", "body_of"]

_FAKE_ID = "f87f120d-0000-4000-8000-000000000001"


def _fake_account() -> s.FakeAccount:
    amount = Decimal("6386.04")
    return s.FakeAccount(
        "financialInstitutionAccount",
        ACCOUNT,
        s.FakeAccountAttributes(
            "checking", "IBAN", "BE53586671384412", "Main account", "EUR", amount, amount, "Malvina Dibbert",
            "Current account",
        ),
    )  # fmt: skip


def _fake_transaction() -> s.FakeTransaction:
    attributes = s.FakeTransactionAttributes(
        DAY, DAY, Decimal("84.42"), "EUR", "Small Cotton Shoes", "Otro Bank", "BE9786154282554", "NEW SHOES",
        "unstructured", None, None, None, None, None, None, None, None, None, None, True,
    )  # fmt: skip
    return s.FakeTransaction("financialInstitutionTransaction", _FAKE_ID, attributes)


def _rows(kind: Literal["transaction", "pendingTransaction"], path: str) -> d.Page:
    return page_of_account(transaction(kind), path, with_latest=path.startswith("/accounts"))


_TRANSACTIONS = "/accounts/{accountId}/transactions"
_PENDING = "/accounts/{accountId}/pending-transactions"
_RUN = "/synchronizations/{synchronizationId}"
_FAKE_BANKS = "/sandbox/financial-institutions"
_FAKE_BANK = _FAKE_BANKS + "/{financialInstitutionId}"
_FAKE_ACCOUNTS = _FAKE_BANK + "/financial-institution-accounts"
_FAKE_ACCOUNT = _FAKE_ACCOUNTS + "/{financialInstitutionAccountId}"
_FAKE_ROWS = _FAKE_ACCOUNT + "/financial-institution-transactions"
_FAKE_ROW = _FAKE_ROWS + "/{financialInstitutionTransactionId}"
_AT_THE_BANK = f"{_FAKE_BANKS}/{INSTITUTION}/financial-institution-accounts"
_KEY = {"alg": "RS512", "e": "AQAB", "kid": "2026-11-01", "kty": "RSA", "n": "sXch…", "status": "ACTIVE", "use": "sig"}
EXAMPLES: tuple[Example, ...] = (
    Example("GET", "/", {"links": discovery.addresses("", HOST)}),
    Example("GET", "/ponto-connect/", {"links": discovery.addresses("/ponto-connect", HOST + "/ponto-connect")}),
    Example("GET", "/webhooks", {"links": {"keys": f"{HOST}/webhooks/keys"}}),
    Example("GET", "/webhooks/keys", {"keys": [_KEY]}),
    Example(
        "POST",
        "/oauth2/token",
        d.Token("MoH3t9zBrnTvlt0qB061Ptjdy0akwwYHm9VY9E6-e4E.a2nK0TfrXsTkVhKzILhKa59_6G1WIUrmvWXko6uYc28",
                1799, "ai", "bearer"),
    ),
    Example("POST", "/oauth2/revoke", d.Empty()),
    Example("GET", "/accounts", page(account(), "/accounts")),
    Example("GET", "/accounts/{accountId}", d.One(account())),
    Example("DELETE", "/accounts/{accountId}", d.One(d.Identifier("account", ACCOUNT))),
    Example("GET", _TRANSACTIONS, _rows("transaction", f"/accounts/{ACCOUNT}/transactions")),
    Example("GET", _TRANSACTIONS + "/{transactionId}", d.One(transaction())),
    Example(
        "GET", _PENDING,
        _rows("pendingTransaction", f"/accounts/{ACCOUNT}/pending-transactions"),
    ),
    Example("GET", _PENDING + "/{pendingTransactionId}", d.One(transaction("pendingTransaction"))),
    Example(
        "POST", "/synchronizations", d.One(synchronization("pending")),
        {"resourceType": "account", "resourceId": ACCOUNT, "subtype": "accountTransactions",
         "customerIpAddress": "192.0.2.7"},
    ),
    Example("GET", _RUN, d.SynchronizationState(synchronization("success"), "success")),
    Example(
        "GET", _RUN + "/updated-transactions",
        _rows("transaction", f"/synchronizations/{SYNCHRONIZATION}/updated-transactions"),
    ),
    Example(
        "GET", _RUN + "/updated-pending-transactions",
        _rows("pendingTransaction", f"/synchronizations/{SYNCHRONIZATION}/updated-pending-transactions"),
    ),
    Example("GET", "/financial-institutions", page(institution(), "/financial-institutions")),
    Example("GET", "/financial-institutions/{financialInstitutionId}", d.One(institution())),
    Example("GET", _FAKE_BANKS, page(institution(), _FAKE_BANKS)),
    Example("GET", _FAKE_BANK, d.One(institution())),
    Example("GET", _FAKE_ACCOUNTS, page(_fake_account(), _AT_THE_BANK)),
    Example("GET", _FAKE_ACCOUNT, d.One(_fake_account())),
    Example(
        "GET", _FAKE_ROWS,
        page(_fake_transaction(), f"{_AT_THE_BANK}/{ACCOUNT}/financial-institution-transactions"),
    ),
    Example(
        "POST", _FAKE_ROWS, d.One(_fake_transaction()),
        {"valueDate": DAY, "executionDate": DAY, "amount": 84.42, "currency": "EUR",
         "description": "Small Cotton Shoes", "counterpartName": "Otro Bank",
         "counterpartReference": "BE9786154282554", "remittanceInformation": "NEW SHOES",
         "remittanceInformationType": "unstructured"},
    ),
    Example("GET", _FAKE_ROW, d.One(_fake_transaction())),
    Example("PATCH", _FAKE_ROW, d.One(_fake_transaction()), {"amount": 84.42, "automaticBooking": True}),
    *(Example(*call) for call in payment_examples.CALLS),
    *bank_file_examples.CALLS,
    *dashboard_examples.CALLS,
    *connect_examples.CALLS,
)  # fmt: skip
_BY_CALL = {(example.verb, example.path): example for example in EXAMPLES}
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def answer_of(verb: str, path: str, mount: str = "") -> Any:
    """The example answer as plain JSON values, None where there is no example. Where a mount answers otherwise than the
    root, its example is declared with the mount in the path."""
    example = _BY_CALL.get((verb, mount + path)) or _BY_CALL.get((verb, path))
    return None if example is None else json.loads(_ENCODER.encode(example.answer))


def body_of(verb: str, path: str) -> Any:
    """The example request document."""
    example = _BY_CALL.get((verb, path))
    return None if example is None or example.body is None else {"data": {"attributes": dict(example.body)}}
