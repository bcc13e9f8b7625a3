"""Accounts, transactions and synchronizations of hub-api.md 7.1 to 7.3."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from nostro.connectors.contract import UNATTENDED, PsuContext
from nostro.hub.api import documents as d
from nostro.hub.api import reads
from nostro.hub.api.errors import ApiError, insufficient_scope, not_found, validation
from nostro.hub.api.request import Request, attributes, parse_id
from nostro.hub.api.responses import Answer, page
from nostro.hub.integrations.models import Integration
from nostro.hub.integrations.queries import access_granted_account
from nostro.hub.integrations.services import remove_grant
from nostro.hub.sync.services import request_synchronization
from nostro.web.errors import NotFound

SUBTYPES = ("accountDetails", "accountTransactions", "accountTransactionsWithUnsettled")
#: Updated rows of a run are listed this long, then the list is empty (7.3).
UPDATES_KEPT = timedelta(days=90)


def list_accounts(request: Request) -> Answer:
    base = request.base
    return page(request, reads.accounts(request.integration.integration_id), lambda row: reads.account(row, base))


def get_account(request: Request) -> Answer:
    account_id = parse_id(request.parameters[0])
    return Answer(200, d.One(reads.access_account(request.integration.integration_id, account_id, request.base)))


def delete_account(request: Request) -> Answer:
    """Removes the account from this integration only. A legacy token sees every account, so it cannot (4.4)."""
    if request.integration.is_legacy:
        raise insufficient_scope("integration")
    account_id = parse_id(request.parameters[0])
    if account_id is None or not remove_grant(request.integration.integration_id, account_id, request.now):
        raise not_found("account")
    return Answer(200, d.One(d.Identifier("account", str(account_id))))


def list_transactions(request: Request) -> Answer:
    return _list_of_account(request, "transaction")


def list_pending_transactions(request: Request) -> Answer:
    return _list_of_account(request, "pendingTransaction")


def get_transaction(request: Request) -> Answer:
    return _one_of_account(request, "transaction")


def get_pending_transaction(request: Request) -> Answer:
    return _one_of_account(request, "pendingTransaction")


def _list_of_account(request: Request, kind: reads.Kind) -> Answer:
    account_id = parse_id(request.parameters[0])
    state = _account_state(request, account_id)
    assert account_id is not None  # there is no state of no account
    listing = reads.transactions(kind, account_id, state.zone)
    return page(request, listing, reads.transaction_builder(kind, state.id, request.base), state)


def _one_of_account(request: Request, kind: reads.Kind) -> Answer:
    state = _account_state(request, parse_id(request.parameters[0]))
    row_id = parse_id(request.parameters[1])
    return Answer(200, d.One(reads.transaction(kind, UUID(state.id), row_id, state.zone, request.base)))


def _account_state(request: Request, account_id: UUID | None) -> reads.AccountState:
    return reads.access_account_state(request.integration.integration_id, account_id, request.now)


# --- synchronizations -----------------------------------------------------------------------------------------


def create_synchronization(request: Request) -> Answer:
    """Start a run. Every refusal because of time or quota is 400 ``accountRecentlySynchronized`` (7.3)."""
    given = attributes(request)
    if given.get("resourceType") != "account":
        raise validation("resourceType must be account.", "resourceType")
    subtype = given.get("subtype")
    if subtype not in SUBTYPES:
        raise validation(f"subtype must be one of {', '.join(SUBTYPES)}.", "subtype")
    psu = _psu(given.get("customerIpAddress"), request)
    account_id = parse_id(given.get("resourceId"))
    try:
        account = access_granted_account(request.integration.integration_id, account_id or UUID(int=0))
    except NotFound:
        raise _invalid_resource() from None
    if account.deprecated:
        raise _invalid_resource()
    run = request_synchronization(
        account,
        trigger="integration",
        subtype=subtype,
        integration=Integration.objects.get(id=request.integration.integration_id),
        psu=psu,
        now=request.now,
    )
    document = reads.access_synchronization(request.integration.integration_id, run.id, request.base).document
    # Always pending in this answer (7.3), also where the run is one that was under way already.
    attributes_now = msgspec.structs.replace(document.attributes, status="pending")
    return Answer(201, d.One(msgspec.structs.replace(document, attributes=attributes_now)))


def _invalid_resource() -> ApiError:
    return ApiError(
        400,
        "invalidSynchronizationResource",
        "The account does not exist, was removed, or is no longer synchronized.",
        meta={"attribute": "resourceId"},
        pointer="/data/attributes/resourceId",
    )


def _psu(address: Any, request: Request) -> PsuContext:
    """Who is present. Without an address the run counts as unattended; the address is never echoed (7.3)."""
    if address is None or address == "":
        return UNATTENDED
    try:
        if not isinstance(address, str):
            raise ValueError
        ip = ipaddress.ip_address(address.strip())
    except ValueError:
        raise validation("customerIpAddress is not an IPv4 or IPv6 address.", "customerIpAddress") from None
    return PsuContext(present=True, ip=str(ip), observed_at=request.now)


def get_synchronization(request: Request) -> Answer:
    document = _synchronization(request).document
    return Answer(200, d.SynchronizationState(document, document.attributes.status))


def list_updated_transactions(request: Request) -> Answer:
    return _list_updates(request, "transaction")


def list_updated_pending_transactions(request: Request) -> Answer:
    return _list_updates(request, "pendingTransaction")


def _list_updates(request: Request, kind: reads.Kind) -> Answer:
    """Filled when the run ends, empty again after 90 days."""
    run = _synchronization(request)
    state = _account_state(request, run.account_id)
    listing = None
    if run.run_id is not None and run.finished_at is not None and run.finished_at > request.now - UPDATES_KEPT:
        listing = reads.updated_transactions(kind, run, run.run_id, state.zone)
    return page(request, listing, reads.transaction_builder(kind, state.id, request.base), state, with_latest=False)


def _synchronization(request: Request) -> reads.SynchronizationState:
    run_id = parse_id(request.parameters[0])
    return reads.access_synchronization(request.integration.integration_id, run_id, request.base)
