"""What examples of the documentation are made of: ids, and the resources that several of them show.

Ids are those of the account, institution and so on that stand in the paths; ``{host}`` is the address of this Hub.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import msgspec

from nostro.hub.api import documents as d

HOST = "{host}"
ACCOUNT = "8804e34f-12b0-4b70-86bf-265f013ca232"
INSTITUTION = "953934eb-229a-4fd2-8675-07794078cc7d"
TRANSACTION = "a4a47c21-b606-464f-ae17-f8e3af6772c9"
INTEGRATION = "236d8f5c-8ed8-425b-84b7-2c31e5ca62bb"
ORGANIZATION = "6616fe6e-8ed8-425b-84b7-2c31e5ca625d"
SYNCHRONIZATION = "1b3e3011-d018-4785-bbba-9aa75ba14d45"
NOON = "2026-11-02T12:00:00.000Z"
DAY = "2026-11-02T00:00:00.000Z"


@dataclass(frozen=True, slots=True)
class Example:
    """One call. ``body`` are the attributes sent; ``answer`` is the whole document that comes back."""

    verb: str
    path: str  # as in the table of endpoints
    answer: Any
    body: Any = None


def synchronization(status: Any, *, bare: bool = False) -> d.Synchronization:
    address = f"{HOST}/synchronizations/{SYNCHRONIZATION}"
    updated = d.SynchronizationRelationships(
        d.ToMany(d.TypedLinks(f"{address}/updated-transactions", d.TypeMeta("transaction"))),
        d.ToMany(d.TypedLinks(f"{address}/updated-pending-transactions", d.TypeMeta("pendingTransaction"))),
    )
    attributes = d.SynchronizationAttributes(status, "accountTransactions", "account", ACCOUNT, True, [], NOON, NOON)
    return d.Synchronization("synchronization", SYNCHRONIZATION, attributes, msgspec.UNSET if bare else updated)


def account() -> d.Account:
    address = f"{HOST}/accounts/{ACCOUNT}"
    amount = Decimal("6386.04")
    return d.Account(
        "account",
        ACCOUNT,
        d.AccountAttributes(
            "checking", "IBAN", "BE53586671384412", "Current account", None, "Malvina Dibbert", "Main account", False,
            "EUR", amount, NOON, DAY, NOON, amount, NOON, DAY, NOON, NOON, "2027-05-01T12:00:00.000Z",
        ),
        d.AccountRelationships(
            d.ToMany(d.TypedLinks(f"{address}/transactions", d.TypeMeta("transaction"))),
            d.ToMany(d.TypedLinks(f"{address}/pending-transactions", d.TypeMeta("pendingTransaction"))),
            d.ToOne(
                d.Links(f"{HOST}/financial-institutions/{INSTITUTION}"),
                d.Identifier("financialInstitution", INSTITUTION),
            ),
        ),
        d.AccountMeta("available", NOON, synchronization("success", bare=True)),
    )  # fmt: skip


def transaction(kind: Literal["transaction", "pendingTransaction"] = "transaction") -> d.Transaction:
    attributes = d.TransactionAttributes(
        DAY, DAY, Decimal("-12.3"), "EUR", None, "Bakkerij Peeters", "BE62467153327786", "Invoice 42",
        "unstructured", "PMNT-ICDT-ESCT", None, None, "E2E-42", None, None, None, "REF-42", None, None, None,
        "2acc87e558b508f7b4bd21829adee7aaace14eedde2b65ec8459201ea7a76050", NOON, NOON,
    )  # fmt: skip
    of = d.ToOne(d.Links(f"{HOST}/accounts/{ACCOUNT}"), d.Identifier("account", ACCOUNT))
    return d.Transaction(kind, TRANSACTION, attributes, d.TransactionRelationships(of))


def institution() -> d.Institution:
    return d.Institution(
        "financialInstitution",
        INSTITUTION,
        d.InstitutionAttributes(
            "Fake Bank", "NBBEBEBB203", "BE", None, None, None, None, None, "stable", False, "Europe/Brussels", None,
            None, None, False, [], False, [], False, [], False, 180, True,
        ),
    )  # fmt: skip


def grant(base: str = HOST) -> d.IntegrationAccount:
    """``base`` is the address of the mount by which the caller came."""
    return d.IntegrationAccount(
        "integrationAccount",
        "1d676229-2f7e-4dd7-a3ab-a5b2a5b8f0e4",
        d.IntegrationAccountAttributes(NOON, None),
        d.IntegrationAccountRelationships(
            d.ToOne(d.Links(f"{base}/accounts/{ACCOUNT}"), d.Identifier("account", ACCOUNT)),
            d.ToOne(
                d.Links(f"{base}/financial-institutions/{INSTITUTION}"),
                d.Identifier("financialInstitution", INSTITUTION),
            ),
            d.OnlyData(d.Identifier("organization", ORGANIZATION)),
        ),
    )


def page(item: Any, path: str) -> d.Page:
    """A list with one item."""
    return d.Page([item], d.PageMeta(d.Paging(10, None, None)), d.PageLinks(HOST + path))


def page_of_account(item: Any, path: str, *, with_latest: bool) -> d.Page:
    """A list that says how fresh it is; that of the account itself also by which synchronization."""
    latest = synchronization("success", bare=True) if with_latest else msgspec.UNSET
    return msgspec.structs.replace(page(item, path), meta=d.PageMeta(d.Paging(10, None, None), NOON, latest))
