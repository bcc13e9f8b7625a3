"""Examples of Ponto Connect: what a vendor's software calls (hub-api.md 7.8 to 7.10)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Literal

from nostro.hub.api import documents as d
from nostro.hub.api import payment_documents as p
from nostro.hub.api.example_parts import ACCOUNT, HOST, INTEGRATION, ORGANIZATION, Example, grant, page

_BASE = "/ponto-connect"
_REQUEST = "c2a0b1d4-8ed8-425b-84b7-2c31e5ca6b01"
_ADDRESS = f"{HOST}/authorize/organizations/{ORGANIZATION}/sandbox/integrations/{INTEGRATION}"
#: A secret in form only.
_REFRESH = "l3Q1wMjq0YF9H0RrI7S2UqW8aUu2uOa0yXv1a8pR9d4.a2nK0TfrXsTkVhKzILhKa59_6G1WIUrmvWXko6uYc28"
_BACK = {"redirectUri": "https://vendor.example/back"}
_RELATION = d.OrganizationRelationship(d.OnlyData(d.Identifier("organization", ORGANIZATION)))
_GUEST: dict[str, Any] = {
    "email": "malvina@example.org", "firstName": "Malvina", "lastName": "Dibbert", "organizationName": "Acme Bakery",
    "addressCountry": "BE", "partnerReference": "client-42",
}  # fmt: skip
#: Whatever is not sent is there as well.
_KNOWN: dict[str, Any] = {
    **dict.fromkeys((
        "email", "firstName", "lastName", "organizationName", "enterpriseNumber", "vatNumber", "addressStreetAddress",
        "addressPostalCode", "addressCity", "addressCountry", "phoneNumber", "initialFinancialInstitutionId",
        "partnerReference", "preferredOtpMethod", "requestedOrganisationId",
    )),
    "organizationType": "business", "automaticSubmissionOnCompletedForms": None,
    "skipFinancialInstitutionSelection": None, **_GUEST,
}  # fmt: skip


def _activation(kind: Literal["paymentActivationRequest", "paymentRequestActivationRequest"], segment: str) -> d.One:
    links = d.RedirectLinks(f"{_ADDRESS}/{segment}/{_REQUEST}")
    return d.One(p.ActivationRequest(kind, _REQUEST, links, d.RedirectAttributes(True)))


def _reauthorization() -> d.One:
    links = d.RedirectLinks(f"{_ADDRESS}/accounts/{ACCOUNT}/reauthorization-requests/{_REQUEST}")
    return d.One(d.RedirectRequest("reauthorizationRequest", _REQUEST, links, d.RedirectAttributes(True)))


def _usage() -> d.UsageDocument:
    attributes = d.UsageAttributes(Decimal("1.5"), 3, 1, 0, 0)
    return d.UsageDocument(d.Usage("usage", "2026-11", attributes, _RELATION), _RELATION)


CALLS: tuple[Example, ...] = (
    Example(
        "POST", _BASE + "/oauth2/token",
        d.Token("MoH3t9zBrnTvlt0qB061Ptjdy0akwwYHm9VY9E6-e4E.a2nK0TfrXsTkVhKzILhKa59_6G1WIUrmvWXko6uYc28",
                1799, "offline_access ai name", "bearer", _REFRESH),
    ),
    Example(
        "GET", "/userinfo", d.Userinfo(ORGANIZATION, True, True, True, True, True, "Acme Bakery"),
    ),
    Example("POST", "/accounts/{accountId}/reauthorization-requests", _reauthorization(), _BACK),
    Example(
        "POST", "/onboarding-details", d.One(d.OnboardingDetails("onboardingDetails", _REQUEST, _KNOWN)), _GUEST
    ),
    Example(
        "GET", "/integration-accounts", page(grant(HOST + _BASE), _BASE + "/integration-accounts"),
    ),
    Example(
        "DELETE", "/organizations/{organizationId}/integration",
        d.One(d.EndedIntegration("integration", INTEGRATION, _RELATION)),
    ),
    Example("GET", "/organizations/{organizationId}/usage/{month}", _usage()),
    Example(
        "POST", "/payment-activation-requests",
        _activation("paymentActivationRequest", "payment-activation-requests"), _BACK,
    ),
    Example(
        "POST", "/payment-request-activation-requests",
        _activation("paymentRequestActivationRequest", "payment-request-activation-requests"), _BACK,
    ),
)  # fmt: skip
