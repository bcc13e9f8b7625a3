"""A person lets a vendor's software read accounts: the authorization page of Ponto Connect (hub-api.md 4.2).

Whatever is wrong with the vendor or its redirect URI is told to the person and never sent anywhere; everything else
goes back to the vendor as ``error``.
"""

from __future__ import annotations

import re
import uuid
from urllib.parse import urlsplit

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from nostro.hub.accounts.queries import accounts_of
from nostro.hub.directory.models import Institution
from nostro.hub.organizations.models import Organization, Role
from nostro.hub.organizations.queries import access_organization, organizations_of
from nostro.hub.pages.forms import IntegrationForm
from nostro.hub.pages.shell import now, remember, show
from nostro.hub.pages.way_back import forget_way_back, id_or_nothing, remember_person, remember_way_back, told_of_person
from nostro.hub.vendors.models import Application, ReauthorizationRequest
from nostro.hub.vendors.services import back_to, grant, granted_scope
from nostro.people.models import User
from nostro.web.errors import Forbidden, NotFound, Problem
from nostro.web.forms import add_problem
from nostro.web.middleware import CONTENT_SECURITY_POLICY

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
MAX_STATE_LENGTH = 2_000


@never_cache
@login_required
def authorize(request: HttpRequest) -> HttpResponse:
    """Which accounts may this software read? Allow leads back with a code, refuse with ``access_denied``."""
    application = _application(request)
    redirect_uri, state = request.GET["redirect_uri"], request.GET.get("state", "")[:MAX_STATE_LENGTH]
    error = _error(request)
    if error or (request.method == "POST" and "refuse" in request.POST):
        forget_way_back(request)
        return _leave(back_to(redirect_uri, error=error or "access_denied", state=state))
    assert isinstance(request.user, User)
    remember_person(request, application, now())
    # Without an organization or an account the person makes one first and then comes back to this page.
    remember_way_back(request, application.name, request.get_full_path(), now())
    if not organizations_of(request.user):
        return redirect("hub:new_organization")
    chosen = request.GET.get("organization") or told_of_person(request, "requestedOrganisationId", now())
    organization, organizations = _organization(request.user, chosen)
    remember(request, organization)
    accounts = accounts_of(organization, application.is_sandbox)
    form = IntegrationForm(
        request.POST if request.method == "POST" else None, accounts=accounts, with_name=False, required=True,
        initial={"accounts": [str(account.id) for account in accounts]},
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        try:
            code = grant(
                request.user, organization, application,
                account_ids=[uuid.UUID(value) for value in form.cleaned_data["accounts"]],
                scope=granted_scope(request.GET.get("scope", "")), redirect_uri=redirect_uri,
                challenge=request.GET.get("code_challenge", ""), now=now(),
            )  # fmt: skip
        except Problem as problem:
            add_problem(form, problem)
        else:
            forget_way_back(request)
            return _leave(back_to(redirect_uri, code=code, state=state))
    page = show(
        request, "consent.html", application=application, form=form, accounts=accounts, choices=organizations,
        mode="sandbox" if application.is_sandbox else "live", link_bank=_bank_to_link(request, application),
        way_back=None,
        may_pay="pi" in granted_scope(request.GET.get("scope", "")).split(),
        parameters=[(name, value) for name, value in request.GET.items() if name != "organization"],
    )  # fmt: skip
    # A browser follows the redirect after the form only to where the page says that forms may lead.
    address = urlsplit(redirect_uri)
    page.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.replace(
        "form-action 'self'", f"form-action 'self' {address.scheme}://{address.netloc}"
    )
    return page


def _bank_to_link(request: HttpRequest, application: Application) -> Institution | None:
    """The bank that the software proposes, if it is one that can be linked in its mode."""
    wanted = id_or_nothing(told_of_person(request, "initialFinancialInstitutionId", now()))
    return Institution.objects.filter(id=wanted, is_sandbox=application.is_sandbox, deprecated=False).first()


def _application(request: HttpRequest) -> Application:
    """The application that the address names. Raises Problem when it, or the way back to it, is not registered."""
    client_id = request.GET.get("client_id", "").replace("\x00", "")
    application = Application.objects.filter(client_id=client_id, revoked_at=None).first()
    if application is None or request.GET.get("redirect_uri", "") not in application.redirect_uris:
        raise Problem(
            _("The software that sent you here is not known to this Hub, or it asked to return to a wrong address."),
            what_to_do=_("Nothing was shared. Go back and tell the vendor."),
            code="redirectUriInvalid",
        )
    return application


def _error(request: HttpRequest) -> str:
    challenge = request.GET.get("code_challenge", "")
    if request.GET.get("response_type") != "code":
        return "unsupported_response_type"
    if challenge and (request.GET.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge)):
        return "invalid_request"
    return ""


def _organization(user: User, chosen: str) -> tuple[Organization, list[Organization]]:
    """The organization that is asked, and all in which the person may decide."""
    able: list[Organization] = []
    for organization in organizations_of(user):
        try:
            able.append(access_organization(user, organization.id, role=Role.ADMIN))
        except Forbidden:
            continue
    if not able:
        raise Forbidden(_("Only owners and administrators let software read accounts."))
    return next((each for each in able if str(each.id) == chosen), able[0]), able


def _leave(address: str) -> HttpResponse:
    # The address is one that the operator registered; only its query is from this request.
    return HttpResponseRedirect(address)


@login_required
def reauthorize(
    request: HttpRequest, organization_id: uuid.UUID, integration_id: uuid.UUID, account_id: uuid.UUID,
    request_id: uuid.UUID,
) -> HttpResponse:  # fmt: skip
    """A vendor asks to renew the consent of an account; then there is a way back to it."""
    assert isinstance(request.user, User)
    organization = access_organization(request.user, organization_id)
    remember(request, organization)
    found = get_object_or_404(
        ReauthorizationRequest.objects.select_related("account__institution", "integration"),
        id=request_id, integration_id=integration_id, account_id=account_id, integration__organization=organization,
    )  # fmt: skip
    if found.integration.revoked_at is not None:
        raise NotFound("request")
    renewed = found.account.authorised_at is not None and found.account.authorised_at > found.created_at
    # The renewal leads through the pages of the bank; each of ours that follows shows the way on.
    remember_way_back(request, found.integration.name, found.redirect_uri, now())
    return show(request, "reauthorize.html", asked=found, renewed=renewed, way_back=None)
