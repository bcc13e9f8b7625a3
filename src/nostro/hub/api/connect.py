"""What exists under /ponto-connect only (hub-api.md 4.3, 7.8 to 7.10): for vendors of software."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from nostro.core.ids import new_id
from nostro.hub.accounts.models import Account
from nostro.hub.api import documents as d
from nostro.hub.api import reads
from nostro.hub.api.errors import not_found, validation
from nostro.hub.api.oauth2 import NO_STORE, OAuthError, credentials, parameters, refused_as_oauth
from nostro.hub.api.paging import Listing, Row
from nostro.hub.api.request import Request, attributes, parse_id
from nostro.hub.api.responses import Answer, page
from nostro.hub.integrations.models import Integration
from nostro.hub.organizations.models import Organization
from nostro.hub.payments.models import Kind
from nostro.hub.payments.queries import count_signed, is_activation_requested
from nostro.hub.vendors import grants, queries
from nostro.hub.vendors.models import Application, OnboardingDetails, ReauthorizationRequest

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")
_MAX_TEXT = 300
#: Names of onboarding details (7.10) and the type of each.
_ONBOARDING: dict[str, type] = {
    **dict.fromkeys(
        ("email", "firstName", "lastName", "organizationName", "enterpriseNumber", "vatNumber",
         "addressStreetAddress", "addressPostalCode", "addressCity", "addressCountry", "phoneNumber",
         "initialFinancialInstitutionId", "partnerReference", "preferredOtpMethod", "requestedOrganisationId",
         "organizationType"), str,
    ),
    "automaticSubmissionOnCompletedForms": bool,
    "skipFinancialInstitutionSelection": bool,
}  # fmt: skip


# --- tokens (4.2, 4.3) ----------------------------------------------------------------------------------------


@refused_as_oauth
def token(request: Request) -> Answer:
    given = parameters(request)
    application = _application(request, given)
    grant_type = given.get("grant_type", "")
    try:
        if grant_type == "authorization_code":
            issued = grants.exchange_code(
                application, given.get("code", ""), given.get("redirect_uri", ""), given.get("code_verifier", ""),
                request.now,
            )  # fmt: skip
        elif grant_type == "refresh_token":
            issued = grants.refresh(application, given.get("refresh_token", ""), request.now)
        elif grant_type == "client_credentials":
            issued = grants.issue_client_token(application, request.now)
        else:
            error = "unsupported_grant_type" if grant_type else "invalid_request"
            raise OAuthError(error, "grant_type is missing or not one of this endpoint.")
    except grants.InvalidGrant as refusal:
        raise OAuthError("invalid_grant", str(refusal)) from None
    document: dict[str, Any] = {"access_token": issued.access_token, "expires_in": issued.expires_in}
    if issued.refresh_token:
        document["refresh_token"] = issued.refresh_token
    return Answer(200, {**document, "scope": issued.scope, "token_type": "bearer"}, NO_STORE, plain=True)


@refused_as_oauth
def revoke(request: Request) -> Answer:
    """Unknown tokens are 200 as well; the body is ``{}`` because Elixir parses every 2xx body."""
    given = parameters(request)
    application = _application(request, given)
    if "token" not in given:
        raise OAuthError("invalid_request", "The parameter token is missing.")
    grants.revoke(application, given["token"], request.now)
    return Answer(200, {}, NO_STORE, plain=True)


def _application(request: Request, given: dict[str, str]) -> Application:
    application = grants.application_of(*credentials(request, given))
    if application is None:
        raise OAuthError("invalid_client", "The client id or the client secret is wrong.", 401)
    return application


# --- with the token of an organization ------------------------------------------------------------------------


def userinfo(request: Request) -> Answer:
    """Flat JSON (7.9). Names only with the scope ``name``. Payments are active in the sandbox, where test banks take
    them; live, no payment route exists, and a vendor's wish is all there is."""
    organization = Organization.objects.get(id=request.integration.organization_id)
    named = {"name": organization.name} if "name" in request.integration.scopes else {}
    document = {
        "sub": str(organization.id), **named,
        **_activation("payments", Kind.PAYMENT, request),
        **_activation("paymentRequests", Kind.PAYMENT_REQUEST, request),
        "onboardingComplete": True,
    }  # fmt: skip
    return Answer(200, document, plain=True)


def _activation(name: str, kind: Kind, request: Request) -> dict[str, bool]:
    caller = request.integration
    asked = caller.is_sandbox or is_activation_requested(caller.organization_id, kind, is_sandbox=False)
    return {f"{name}Activated": caller.is_sandbox, f"{name}ActivationRequested": asked}


def create_reauthorization_request(request: Request) -> Answer:
    """The answer leads the person to the page that renews the consent of the account's bank."""
    redirect_uri = attributes(request).get("redirectUri")
    if not isinstance(redirect_uri, str) or not may_return(redirect_uri, request):
        raise validation("redirectUri must be an address that the application registered.", "redirectUri")
    account_id = parse_id(request.parameters[0])
    document = reads.access_account(request.integration.integration_id, account_id, request.base)
    account = Account.objects.get(id=document.id)
    row = ReauthorizationRequest.objects.create(
        integration_id=request.integration.integration_id, account=account, redirect_uri=redirect_uri,
        created_at=request.now,
    )  # fmt: skip
    sandbox = request.integration.is_sandbox
    redirect = (
        f"{request.host}/authorize/organizations/{request.integration.organization_id}"
        f"{'/sandbox' if sandbox else ''}/integrations/{request.integration.integration_id}"
        f"/accounts/{account.id}/reauthorization-requests/{row.id}"
    )
    return Answer(201, d.One(d.RedirectRequest(
        "reauthorizationRequest", str(row.id), d.RedirectLinks(redirect), d.RedirectAttributes(sandbox)
    )))  # fmt: skip


def may_return(redirect_uri: str, request: Request) -> bool:
    """Whether the address is at an origin that the vendor's application registered."""
    integration = Integration.objects.get(id=request.integration.integration_id)
    application = Application.objects.get(id=integration.vendor_id)
    origins = {urlsplit(uri)[:2] for uri in application.redirect_uris}
    try:
        return urlsplit(redirect_uri)[:2] in origins and len(redirect_uri) <= 2_000
    except ValueError:
        return False


# --- with the token of the vendor -----------------------------------------------------------------------------


def create_onboarding_details(request: Request) -> Answer:
    given = attributes(request)
    kept = {name: _checked(name, given.get(name), kind) for name, kind in _ONBOARDING.items()}
    if not kept["email"] or "@" not in kept["email"]:
        raise validation("email is required.", "email")
    for name in ("initialFinancialInstitutionId", "requestedOrganisationId"):
        if kept[name] is not None and parse_id(kept[name]) is None:
            raise validation(f"{name} must be a UUID.", name)
    kept["organizationType"] = kept["organizationType"] or "business"
    if kept["organizationType"] not in {"business", "personal"}:
        raise validation("organizationType must be business or personal.", "organizationType")
    row = OnboardingDetails.objects.create(
        id=new_id(), application=request.vendor, details=kept, created_at=request.now
    )
    return Answer(201, d.One(d.OnboardingDetails("onboardingDetails", str(row.id), kept)))


def _checked(name: str, value: Any, kind: type) -> Any:
    """An onboarding detail as it is kept. NUL is the one character that PostgreSQL's JSON cannot hold."""
    if value is None:
        return None
    if not isinstance(value, kind) or (isinstance(value, str) and len(value) > _MAX_TEXT):
        raise validation(f"{name} has the wrong type or is too long.", name)
    return value.encode("utf-8", "replace").decode().replace("\x00", "") if isinstance(value, str) else value


def list_integration_accounts(request: Request) -> Answer:
    base = request.base
    return page(request, _integration_accounts(request.vendor), lambda row: integration_account(row, base))


def _integration_accounts(vendor: Application) -> Listing:
    where = "i.vendor_id = %s AND i.revoked_at IS NULL AND g.removed_at IS NULL"
    source = """integrations_integrationaccount g
        JOIN integrations_integration i ON i.id = g.integration_id
        JOIN accounts_account a ON a.id = g.account_id AND a.removed_at IS NULL"""
    return Listing(
        select=f"SELECT g.id::text, {reads.moment('g.created_at')}, {reads.moment('g.last_accessed_at')},"
        f" a.id::text, a.institution_id::text, g.organization_id::text\nFROM {source}",
        where=where,
        arguments=(vendor.id,),
        key=("g.created_at", "g.id"),
        cursor=f"FROM {source} WHERE {where} AND g.id = %s",
        cursor_arguments=(vendor.id,),
    )


def integration_account(row: Row, base: str) -> d.IntegrationAccount:
    """From the ids and times of a grant, and the ids of account, institution and organization."""
    return d.IntegrationAccount(
        "integrationAccount",
        row[0],
        d.IntegrationAccountAttributes(row[1], row[2]),
        d.IntegrationAccountRelationships(
            d.ToOne(d.Links(f"{base}/accounts/{row[3]}"), d.Identifier("account", row[3])),
            d.ToOne(d.Links(f"{base}/financial-institutions/{row[4]}"), d.Identifier("financialInstitution", row[4])),
            d.OnlyData(d.Identifier("organization", row[5])),
        ),
    )


def delete_integration(request: Request) -> Answer:
    """Ends what the organization granted this vendor, with all its tokens."""
    integration = _integration_of(request)
    queries.end_integration(integration, request.now)
    relation = d.OrganizationRelationship(d.OnlyData(d.Identifier("organization", str(integration.organization_id))))
    return Answer(200, d.One(d.EndedIntegration("integration", str(integration.id), relation)))


def get_usage(request: Request) -> Answer:
    match = _MONTH.fullmatch(request.parameters[1])
    integration = _integration_of(request, even_revoked=True)
    if match is None or not 2000 <= int(match.group(1)) <= 2999:
        raise not_found("usage")
    begin = datetime(int(match.group(1)), int(match.group(2)), 1, tzinfo=UTC)
    count = queries.account_count(request.vendor, integration.organization_id, begin, request.now)
    relation = d.OrganizationRelationship(d.OnlyData(d.Identifier("organization", str(integration.organization_id))))
    signed = count_signed(integration.id, begin)
    usage = d.Usage("usage", request.parameters[1], d.UsageAttributes(count, *signed), relation)
    return Answer(200, d.UsageDocument(usage, relation))


def _integration_of(request: Request, *, even_revoked: bool = False) -> Integration:
    found = queries.integration_of(request.vendor, parse_id(request.parameters[0]), even_revoked=even_revoked)
    if found is None:
        raise not_found("organization")
    return found
