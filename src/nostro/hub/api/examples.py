"""Requests with their answers for the documentation. A test sends each of them and compares the answer's shape.

Ids are those of the account, institution and so on that stand in the paths; ``{host}`` is the address of this Hub.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import msgspec

from nostro.hub.api import bank_file_examples, payment_examples
from nostro.hub.api import dashboard_documents as dd
from nostro.hub.api import documents as d
from nostro.hub.api import sandbox_documents as s

HOST = "{host}"
ACCOUNT = "8804e34f-12b0-4b70-86bf-265f013ca232"
INSTITUTION = "953934eb-229a-4fd2-8675-07794078cc7d"
TRANSACTION = "a4a47c21-b606-464f-ae17-f8e3af6772c9"
INTEGRATION = "236d8f5c-8ed8-425b-84b7-2c31e5ca62bb"
MANDATE = "5f0c2a76-8ed8-425b-84b7-2c31e5ca62cc"
FAKE_TRANSACTION = "f87f120d-0000-4000-8000-000000000001"
SYNCHRONIZATION = "1b3e3011-d018-4785-bbba-9aa75ba14d45"
_NOON = "2026-11-02T12:00:00.000Z"
_DAY = "2026-11-02T00:00:00.000Z"


@dataclass(frozen=True, slots=True)
class Example:
    """One call. ``body`` are the attributes sent; ``answer`` is the whole document that comes back."""

    verb: str
    path: str  # as in the table of endpoints
    answer: Any
    body: Any = None


def _synchronization(status: Any, *, bare: bool = False) -> d.Synchronization:
    address = f"{HOST}/synchronizations/{SYNCHRONIZATION}"
    updated = d.SynchronizationRelationships(
        d.ToMany(d.TypedLinks(f"{address}/updated-transactions", d.TypeMeta("transaction"))),
        d.ToMany(d.TypedLinks(f"{address}/updated-pending-transactions", d.TypeMeta("pendingTransaction"))),
    )
    attributes = d.SynchronizationAttributes(status, "accountTransactions", "account", ACCOUNT, True, [], _NOON, _NOON)
    return d.Synchronization("synchronization", SYNCHRONIZATION, attributes, msgspec.UNSET if bare else updated)


def _account() -> d.Account:
    address = f"{HOST}/accounts/{ACCOUNT}"
    amount = Decimal("6386.04")
    return d.Account(
        "account",
        ACCOUNT,
        d.AccountAttributes(
            "checking", "IBAN", "BE53586671384412", "Current account", None, "Malvina Dibbert", "Main account", False,
            "EUR", amount, _NOON, _DAY, _NOON, amount, _NOON, _DAY, _NOON, _NOON, "2027-05-01T12:00:00.000Z",
        ),
        d.AccountRelationships(
            d.ToMany(d.TypedLinks(f"{address}/transactions", d.TypeMeta("transaction"))),
            d.ToMany(d.TypedLinks(f"{address}/pending-transactions", d.TypeMeta("pendingTransaction"))),
            d.ToOne(
                d.Links(f"{HOST}/financial-institutions/{INSTITUTION}"),
                d.Identifier("financialInstitution", INSTITUTION),
            ),
        ),
        d.AccountMeta("available", _NOON, _synchronization("success", bare=True)),
    )  # fmt: skip


def _transaction() -> d.Transaction:
    attributes = d.TransactionAttributes(
        _DAY, _DAY, Decimal("-12.3"), "EUR", None, "Bakkerij Peeters", "BE62467153327786", "Invoice 42",
        "unstructured", "PMNT-ICDT-ESCT", None, None, "E2E-42", None, None, None, "REF-42", None, None, None,
        "2acc87e558b508f7b4bd21829adee7aaace14eedde2b65ec8459201ea7a76050", _NOON, _NOON,
    )  # fmt: skip
    account = d.ToOne(d.Links(f"{HOST}/accounts/{ACCOUNT}"), d.Identifier("account", ACCOUNT))
    return d.Transaction("transaction", TRANSACTION, attributes, d.TransactionRelationships(account))


def _institution() -> d.Institution:
    return d.Institution(
        "financialInstitution",
        INSTITUTION,
        d.InstitutionAttributes(
            "Fake Bank", "NBBEBEBB203", "BE", None, None, None, None, None, "stable", False, "Europe/Brussels", None,
            None, None, False, [], False, [], False, [], False, 180, True,
        ),
    )  # fmt: skip


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
        _DAY, _DAY, Decimal("84.42"), "EUR", "Small Cotton Shoes", "Otro Bank", "BE9786154282554", "NEW SHOES",
        "unstructured", None, None, None, None, None, None, None, None, None, None, True,
    )  # fmt: skip
    return s.FakeTransaction("financialInstitutionTransaction", FAKE_TRANSACTION, attributes)


def _new_integration() -> dd.DashboardIntegration:
    attributes = dd.IntegrationAttributes(
        "Bookkeeping", "ai", False, "1c020714-759d-49cf-b6d9-a3f8a1d9a9a3", _NOON,
        "MoH3t9zBrnTvlt0qB061Ptjdy0akwwYHm9VY9E6-e4E",
    )  # fmt: skip
    return dd.DashboardIntegration("integration", INTEGRATION, attributes)


def _grant() -> d.IntegrationAccount:
    return d.IntegrationAccount(
        "integrationAccount",
        "1d676229-2f7e-4dd7-a3ab-a5b2a5b8f0e4",
        d.IntegrationAccountAttributes(_NOON, None),
        d.IntegrationAccountRelationships(
            d.ToOne(d.Links(f"{HOST}/accounts/{ACCOUNT}"), d.Identifier("account", ACCOUNT)),
            d.ToOne(
                d.Links(f"{HOST}/financial-institutions/{INSTITUTION}"),
                d.Identifier("financialInstitution", INSTITUTION),
            ),
            d.OnlyData(d.Identifier("organization", "6616fe6e-8ed8-425b-84b7-2c31e5ca625d")),
        ),
    )


def _invitation() -> dd.UserInvitation:
    attributes = dd.InvitationAttributes("new@example.org", "member", _NOON, "2026-11-16T12:00:00.000Z")
    return dd.UserInvitation("userInvitation", "7f4a4447-8ed8-425b-84b7-2c31e5ca628f", attributes)


def _me() -> dd.User:
    attributes = dd.UserAttributes("malvina@example.org", "Malvina", "Dibbert", "nl", _NOON)
    return dd.User("user", "9c1a7b1e-8ed8-425b-84b7-2c31e5ca62aa", attributes)


def _mandate(status: Literal["pending", "active"], other_side: str) -> dd.Mandate:
    attributes = dd.MandateAttributes(status, other_side, _NOON)
    return dd.Mandate("mandate", MANDATE, attributes)


def _page(items: list[Any], path: str, *, of_account: bool = False) -> d.Page:
    paging = d.Paging(10, None, None)
    meta = d.PageMeta(paging)
    if of_account:
        meta = d.PageMeta(paging, _NOON, _synchronization("success", bare=True))
    return d.Page(items, meta, d.PageLinks(HOST + path))


_TRANSACTIONS = "/accounts/{accountId}/transactions"
_FAKE_ACCOUNT = (
    "/sandbox/financial-institutions/{financialInstitutionId}"
    "/financial-institution-accounts/{financialInstitutionAccountId}"
)
_FAKE_ROWS = _FAKE_ACCOUNT + "/financial-institution-transactions"
_GIVEN = "/given-mandates/{mandateId}"
_RECEIVED = "/received-mandates/{mandateId}"
EXAMPLES: tuple[Example, ...] = (
    Example(
        "POST",
        "/oauth2/token",
        d.Token("MoH3t9zBrnTvlt0qB061Ptjdy0akwwYHm9VY9E6-e4E.a2nK0TfrXsTkVhKzILhKa59_6G1WIUrmvWXko6uYc28",
                1799, "ai", "bearer"),
    ),
    Example("GET", "/accounts", _page([_account()], "/accounts")),
    Example("GET", "/accounts/{accountId}", d.One(_account())),
    Example("GET", _TRANSACTIONS, _page([_transaction()], f"/accounts/{ACCOUNT}/transactions", of_account=True)),
    Example("GET", _TRANSACTIONS + "/{transactionId}", d.One(_transaction())),
    Example(
        "POST", "/synchronizations", d.One(_synchronization("pending")),
        {"resourceType": "account", "resourceId": ACCOUNT, "subtype": "accountTransactions",
         "customerIpAddress": "192.0.2.7"},
    ),
    Example(
        "GET", "/synchronizations/{synchronizationId}",
        d.SynchronizationState(_synchronization("success"), "success"),
    ),
    Example("GET", "/financial-institutions", _page([_institution()], "/financial-institutions")),
    Example("GET", "/financial-institutions/{financialInstitutionId}", d.One(_institution())),
    Example("GET", _FAKE_ACCOUNT, d.One(_fake_account())),
    Example(
        "POST", _FAKE_ROWS, d.One(_fake_transaction()),
        {"valueDate": _DAY, "executionDate": _DAY, "amount": 84.42, "currency": "EUR",
         "description": "Small Cotton Shoes", "counterpartName": "Otro Bank",
         "counterpartReference": "BE9786154282554", "remittanceInformation": "NEW SHOES",
         "remittanceInformationType": "unstructured"},
    ),
    Example(
        "PATCH", _FAKE_ROWS + "/{financialInstitutionTransactionId}", d.One(_fake_transaction()),
        {"amount": 84.42, "automaticBooking": True},
    ),
    *(Example(*call) for call in (*payment_examples.CALLS, *bank_file_examples.CALLS)),
    Example("GET", "/me", d.One(_me())),
    Example("POST", "/integrations", d.One(_new_integration()), {"name": "Bookkeeping", "sandbox": False}),
    Example("POST", "/integrations/{integrationId}/accounts", d.One(_grant()), {"accountId": ACCOUNT}),
    Example("GET", "/given-mandates", _page([_mandate("pending", "desk@accountant.example")], "/given-mandates")),
    Example("GET", _GIVEN, d.One(_mandate("active", "Awesome accountant"))),
    Example("GET", "/received-mandates", _page([_mandate("active", "Acme Bakery")], "/received-mandates")),
    Example("GET", _RECEIVED, d.One(_mandate("active", "Acme Bakery"))),
    Example("POST", _RECEIVED + "/integrations", d.One(_new_integration()), {"name": "Bookkeeping", "sandbox": False}),
    Example(
        "POST", _RECEIVED + "/integrations/{integrationId}/accounts", d.One(_grant()), {"accountId": ACCOUNT}
    ),
    Example("POST", "/user-invitations", d.One(_invitation()), {"email": "new@example.org", "role": "member"}),
)  # fmt: skip
_BY_CALL = {(example.verb, example.path): example for example in EXAMPLES}
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def answer_of(verb: str, path: str) -> Any:
    """The example answer as plain JSON values, None where there is no example."""
    example = _BY_CALL.get((verb, path))
    return None if example is None else json.loads(_ENCODER.encode(example.answer))


def body_of(verb: str, path: str) -> Any:
    """The example request document."""
    example = _BY_CALL.get((verb, path))
    return None if example is None or example.body is None else {"data": {"attributes": example.body}}
