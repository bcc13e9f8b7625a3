"""First steps: the front page of the Hub, a new organization, billing information, people."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from nostro.hub.billing.queries import billing_information
from nostro.hub.billing.services import save_billing_information
from nostro.hub.organizations.models import Role
from nostro.hub.organizations.queries import organizations_of
from nostro.hub.organizations.services import create_organization
from nostro.hub.pages.forms import BillingForm, OrganizationForm
from nostro.hub.pages.shell import LAST_ORGANIZATION, OrganizationRequest, now, organization_page, show
from nostro.people.models import User
from nostro.web.errors import Problem
from nostro.web.forms import add_problem

BILLING_FIELDS = tuple(BillingForm.base_fields)


@login_required
def overview(request: HttpRequest) -> HttpResponse:
    """Lead to the organization last looked at; without any, to making one."""
    assert isinstance(request.user, User)
    organizations = organizations_of(request.user)
    if not organizations:
        return redirect("hub:new_organization")
    last = request.session.get(LAST_ORGANIZATION)
    chosen = next((each for each in organizations if str(each.id) == last), organizations[0])
    return redirect("hub:accounts", organization_id=chosen.id)


@login_required
def new_organization(request: HttpRequest) -> HttpResponse:
    """Create an organization; its maker becomes its owner."""
    assert isinstance(request.user, User)
    form = OrganizationForm(request.POST or None, initial={"country": "BE"})
    if request.method == "POST" and form.is_valid():
        try:
            organization = create_organization(request.user, **form.cleaned_data, now=now())
        except Problem as problem:
            add_problem(form, problem)
        else:
            return redirect("hub:accounts", organization_id=organization.id)
    return show(request, "new_organization.html", form=form)


@organization_page()
def switch(request: OrganizationRequest) -> HttpResponse:
    """Look at another organization."""
    return redirect("hub:accounts", organization_id=request.organization.id)


@organization_page(role=Role.ADMIN)
def billing(request: OrganizationRequest) -> HttpResponse:
    """Name and address for the invoice. ``next`` leads back to where they were asked for."""
    existing = billing_information(request.organization)
    initial = {name: getattr(existing, name) for name in BILLING_FIELDS} if existing else _proposal(request)
    form = BillingForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            save_billing_information(request.user, request.organization, form.cleaned_data)
        except Problem as problem:
            add_problem(form, problem)
        else:
            messages.success(request, _("The billing information is saved."))
            target = _next(request)
            return redirect(target) if target else redirect("hub:billing", organization_id=request.organization.id)
    return show(request, "billing.html", form=form, next=_next(request))


def _proposal(request: OrganizationRequest) -> dict[str, str]:
    organization = request.organization
    return {"legal_name": organization.name, "country": organization.country, "email": request.user.email}


def _next(request: HttpRequest) -> str:
    """Where to go afterwards: an address of this site only."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    return target if url_has_allowed_host_and_scheme(target, allowed_hosts=None) else ""
