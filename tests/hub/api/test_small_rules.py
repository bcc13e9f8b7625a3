"""Rules of hub-api.md that are one sentence each and belong to no other file's subject."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests import factories
from tests.hub.api.client import Caller
from tests.hub.api.conftest import Street
from tests.hub.api.test_conventions import ORGANIZATION, walk
from tests.hub.api.test_openapi import filled, ids_of
from tests.hub.vendors.test_ponto_connect import Vendor, vendor

import nostro.hub
from nostro.http.door import Door
from nostro.hub.api import rate_limits
from nostro.hub.api.endpoints import ROOT, Access
from nostro.hub.events.services import EVENT_TYPES
from nostro.hub.integrations.legacy import create_legacy_token

__all__ = ["filled", "vendor"]


def test_rate_limits_have_the_figures_of_the_specification() -> None:
    """2.6: above a full history pull, since the OCA addon takes 429 as fatal."""
    assert (rate_limits.INTEGRATION.capacity, rate_limits.INTEGRATION.per_second) == (2_000, 20)
    assert (rate_limits.TOKEN_CALLS.capacity, rate_limits.TOKEN_CALLS.per_second) == (60, 1)


def test_a_whole_history_is_pulled_without_being_told_to_wait() -> None:
    """A hundred accounts with 2,000 rows each, 100 rows a page, a page every 20 ms."""
    buckets = rate_limits.Buckets(rate_limits.INTEGRATION)
    assert [buckets.take("oca", number * 0.02) for number in range(2_000)] == [0] * 2_000


def test_codes_that_mean_something_else_elsewhere_are_never_sent() -> None:
    """6: ``invalidAccessToken`` and ``invalidCredentials`` are those of other products."""
    for path in Path(nostro.hub.__file__).parent.rglob("*.py"):
        text = path.read_text()
        assert "invalidAccessToken" not in text and "invalidCredentials" not in text, path


def test_the_event_types_are_those_that_clients_know() -> None:
    """10: Ruby, .NET and Elixir raise on any other."""
    synchronization = {"succeededWithoutChange", "failed"}
    account = {"detailsUpdated", "transactionsCreated", "transactionsUpdated", "pendingTransactionsCreated",
               "pendingTransactionsUpdated", "reauthorized"}  # fmt: skip
    integration = {"accountAdded", "accountRevoked", "created", "revoked"}
    assert {
        *(f"synchronization.{name}" for name in synchronization), *(f"account.{name}" for name in account),
        *(f"integration.{name}" for name in integration), "organization.blocked", "organization.unblocked",
        "paymentRequest.closed",
    } == EVENT_TYPES  # fmt: skip


def test_reads_never_contact_a_bank(filled: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any, **_more: Any) -> Any:
        raise AssertionError("a read asked somebody outside")

    monkeypatch.setattr(Door, "request", refuse)
    assert walk(filled.caller, ROOT, ids_of(filled), ORGANIZATION) > 15


def test_the_deprecated_token_opens_every_endpoint_of_account_information(filled: Street) -> None:
    caller = Caller()
    caller.token = create_legacy_token(filled.owner.organization, is_sandbox=True, now=factories.NOW)
    assert walk(caller, ROOT, ids_of(filled), {Access.OPTIONAL, Access.ACCOUNT_INFORMATION}) > 12
    assert caller.get(f"/accounts/{filled.account.id}/payments/{filled.account.id}").code == "insufficientScope"
    for path in ("/me", "/users", "/integrations", "/given-mandates"):
        assert caller.get(path).code == "insufficientScope"


def test_a_vendor_sees_every_institution_and_an_organization_those_of_its_accounts(vendor: Vendor) -> None:
    unlinked = factories.institution()
    organizations = vendor.exchange(vendor.consent()).json["access_token"]
    for token, sees in ((vendor.client_token(), True), ("", True), (organizations, False)):
        listed = vendor.get("/financial-institutions?page[limit]=100", token).json["data"]
        assert (str(unlinked.id) in {item["id"] for item in listed}) is sees
        assert vendor.get(f"/financial-institutions/{unlinked.id}", token).status == 200


def test_the_page_of_authorization_has_two_addresses(vendor: Vendor) -> None:
    pages = [vendor.browser().get(mount + vendor.address()) for mount in ("", "/ponto-connect")]
    assert [page.status_code for page in pages] == [200, 200]
    assert all("Bookish" in page.content.decode() for page in pages)


def test_userinfo_is_flat_and_says_nothing_that_was_not_granted(vendor: Vendor) -> None:
    flags = {"paymentsActivated", "paymentsActivationRequested", "paymentRequestsActivated",
             "paymentRequestsActivationRequested", "onboardingComplete"}  # fmt: skip
    for scope, names in (("ai", {"sub"}), ("ai name", {"sub", "name"})):
        info = vendor.get("/userinfo", vendor.exchange(vendor.consent(scope=scope)).json["access_token"]).json
        assert info.keys() == names | flags and all(info[flag] in {True, False} for flag in flags)
