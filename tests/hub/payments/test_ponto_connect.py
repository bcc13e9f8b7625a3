"""Payments under /ponto-connect (hub-api.md 7.5, 7.8, 7.9): a vendor's token, its addresses, activation."""

from __future__ import annotations

from typing import Any

import pytest
from tests.hub.api.client import BASE
from tests.hub.payments.test_api import KINDS, PAYMENT
from tests.hub.vendors.test_ponto_connect import Vendor, vendor

from nostro.hub.payments.models import ActivationRequest, Payment

__all__ = ["vendor"]
BACK = "https://vendor.example/paid"
ACTIVATIONS = {
    "payment-activation-requests": "paymentActivationRequest",
    "payment-request-activation-requests": "paymentRequestActivationRequest",
}


def token_of(vendor: Vendor, scope: str = "ai pi") -> str:
    reply = vendor.exchange(vendor.consent(scope=scope))
    assert reply.json["scope"] == scope
    return str(reply.json["access_token"])


def send(vendor: Vendor, token: str, path: str, attributes: Any) -> Any:
    return vendor.send("POST", path, token, {"data": {"attributes": attributes}})


@pytest.mark.parametrize("segment", KINDS)
def test_a_vendor_prepares_reads_and_takes_back(vendor: Vendor, segment: str) -> None:
    token, path = token_of(vendor), f"/accounts/{vendor.account.id}/{segment}"
    reply = send(vendor, token, path, {**KINDS[segment], "redirectUri": BACK})
    assert reply.status == 201, reply.body
    made = reply.json["data"]["id"]
    assert vendor.get(f"{path}/{made}", token).status == 200
    at_the_root = vendor.caller.send("GET", f"{path}/{made}", authorization=f"Bearer {token}")
    assert at_the_root.status == 401  # a token is valid on its own mount only
    assert vendor.send("DELETE", f"{path}/{made}", token).status == 200


@pytest.mark.parametrize("segment", KINDS)
def test_without_pi_or_for_an_account_not_granted_it_is_refused(vendor: Vendor, segment: str) -> None:
    path = f"/accounts/{vendor.account.id}/{segment}"
    assert send(vendor, token_of(vendor, "ai"), path, KINDS[segment]).code == "insufficientScope"
    assert send(vendor, vendor.client_token(), path, KINDS[segment]).code == "insufficientScope"
    other = f"/accounts/{vendor.other.id}/{segment}"
    assert send(vendor, token_of(vendor), other, {**KINDS[segment], "redirectUri": BACK}).status == 404
    assert not Payment.objects.exists()


def test_the_person_comes_back_to_registered_addresses_only(vendor: Vendor) -> None:
    token, path = token_of(vendor), f"/accounts/{vendor.account.id}/payments"
    for uri in (None, "https://elsewhere.example/", "https://vendor.example.evil.example/"):
        reply = send(vendor, token, path, {**PAYMENT, "redirectUri": uri})
        assert (reply.status, reply.code) == (400, "validationError")


@pytest.mark.parametrize("segment", ACTIVATIONS)
def test_activation_requests_lead_to_a_page(vendor: Vendor, segment: str) -> None:
    token = token_of(vendor, "ai")
    reply = send(vendor, token, f"/{segment}", {"redirectUri": BACK})
    assert reply.status == 201, reply.body
    data, asked = reply.json["data"], ActivationRequest.objects.get()
    assert data == {
        "type": ACTIVATIONS[segment],
        "id": str(asked.id),
        "links": {
            "redirect": f"{BASE}/authorize/organizations/{asked.organization_id}/sandbox/integrations/"
            f"{asked.integration_id}/{segment}/{asked.id}"
        },
        "attributes": {"sandbox": True},
    }
    page = vendor.browser().get(data["links"]["redirect"].removeprefix(BASE))
    assert page.status_code == 200 and BACK in page.content.decode()
    assert send(vendor, token, f"/{segment}", {"redirectUri": "https://elsewhere.example/"}).code == "validationError"
    assert send(vendor, token, f"/{segment}", {}).code == "validationError"
    at_the_root = vendor.caller.send("POST", f"/{segment}", authorization=f"Bearer {token}")
    assert at_the_root.status == 404


def test_userinfo_says_what_is_active(vendor: Vendor) -> None:
    told = vendor.get("/userinfo", token_of(vendor)).json
    names = ("paymentsActivated", "paymentsActivationRequested", "paymentRequestsActivated")
    assert [told[name] for name in names] == [True] * 3
