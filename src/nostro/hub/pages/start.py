"""First steps: the front page of the Hub, a new organization, billing information, people."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from nostro.hub.accounts.queries import accounts_of
from nostro.hub.billing.queries import billing_information
from nostro.hub.billing.services import save_billing_information
from nostro.hub.linking.queries import connections_of
from nostro.hub.organizations.models import Organization, Role
from nostro.hub.organizations.queries import organizations_of
from nostro.hub.organizations.services import create_organization
from nostro.hub.pages.accounts import account_line, totals
from nostro.hub.pages.forms import BillingForm, OrganizationForm
from nostro.hub.pages.once import new_form_key, once
from nostro.hub.pages.progress import progress_of
from nostro.hub.pages.shell import OrganizationRequest, now, organization_page, show
from nostro.hub.pages.way_back import told_of_person
from nostro.hub.sync.plans import plans_of
from nostro.people.models import User
from nostro.web.errors import Problem
from nostro.web.forms import add_problem, countries

BILLING_FIELDS = tuple(BillingForm.base_fields)


@dataclass(frozen=True)
class Standing:
    """One organization on the front page: its totals per currency, and how many of its accounts need somebody."""

    organization: Organization
    totals: list[tuple[Decimal, str]]
    live: int
    sandbox: int
    needs: int


@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """Lead to the only organization; without any, to making one; with several, show how each stands."""
    assert isinstance(request.user, User)
    organizations = organizations_of(request.user)
    if not organizations:
        return redirect("hub:new_organization")
    if len(organizations) == 1:
        return redirect("hub:accounts", organization_id=organizations[0].id)
    return show(request, "overview.html", standings=[_standing(each) for each in organizations])


def _standing(organization: Organization) -> Standing:
    live, sandbox = accounts_of(organization, is_sandbox=False), accounts_of(organization, is_sandbox=True)
    connections = {each.id: each for each in connections_of(organization)}
    plans = plans_of(live, now())
    lines = [
        account_line(each, progress, connections.get(each.connection_id), plans[each.id])
        for each, progress in zip(live, progress_of(live), strict=True)
    ]
    return Standing(organization, totals(live), len(live), len(sandbox), sum(line.state.needs_person for line in lines))


@login_required
def new_organization(request: HttpRequest) -> HttpResponse:
    """Create an organization; its maker becomes its owner."""
    assert isinstance(request.user, User)
    user = request.user
    form = OrganizationForm(request.POST if request.method == "POST" else None, initial=_told(request))
    form_key = request.POST.get("form_key") or new_form_key()
    if request.method == "POST" and form.is_valid():
        try:
            made = once(form_key, lambda: create_organization(user, **form.cleaned_data, now=now()).id)
        except Problem as problem:
            add_problem(form, problem)
        else:
            return redirect("hub:accounts", organization_id=made)
    return show(request, "new_organization.html", form=form, form_key=form_key)


def _told(request: HttpRequest) -> dict[str, str]:
    """Name and country, as far as the software told them that sent the person here."""
    country = told_of_person(request, "addressCountry", now()).upper()
    return {
        "name": told_of_person(request, "organizationName", now()),
        "country": country if country in dict(countries()) else "BE",
    }


@organization_page()
def switch(request: OrganizationRequest) -> HttpResponse:
    """Look at another organization."""
    return redirect("hub:accounts", organization_id=request.organization.id)


@organization_page(role=Role.ADMIN)
def billing(request: OrganizationRequest) -> HttpResponse:
    """Name and address for the invoice. ``next`` leads back to where they were asked for."""
    existing = billing_information(request.organization)
    initial = {name: getattr(existing, name) for name in BILLING_FIELDS} if existing else _proposal(request)
    form = BillingForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            save_billing_information(request.user, request.organization, form.cleaned_data)
        except Problem as problem:
            add_problem(form, problem)
        else:
            messages.success(request, _("The billing information is saved."))
            target = _next(request)
            return redirect(target) if target else redirect("hub:billing", organization_id=request.organization.id)
    return show(request, "billing.html", form=form, next=_next(request), room="settings", tab="billing")


def _proposal(request: OrganizationRequest) -> dict[str, str]:
    organization = request.organization
    return {"legal_name": organization.name, "country": organization.country, "email": request.user.email}


def _next(request: HttpRequest) -> str:
    """Where to go afterwards: an address of this site only."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    return target if url_has_allowed_host_and_scheme(target, allowed_hosts=None) else ""
