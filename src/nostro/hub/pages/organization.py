"""Settings of an organization: its name, one person's role, and the trail of who did what."""

from __future__ import annotations

import uuid
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from nostro.hub.organizations.members import access_member, change_role, remove_member
from nostro.hub.organizations.models import Role
from nostro.hub.organizations.queries import access_organization
from nostro.hub.organizations.services import change_organization
from nostro.hub.pages.forms import OrganizationForm
from nostro.hub.pages.shell import OrganizationRequest, organization_page, show
from nostro.people import audit
from nostro.web.errors import Problem
from nostro.web.forms import add_problem

TRAIL_PAGE = 50
#: Ids of the trail are positive and fit 64 bits.
_MAX_ID = 2**63 - 1


class RoleForm(forms.Form):
    """What a person may do."""

    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices)


@organization_page(role=Role.ADMIN)
def organization(request: OrganizationRequest) -> HttpResponse:
    """What is it called here?"""
    found = request.organization
    initial = {"name": found.name, "country": found.country}
    form = OrganizationForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            change_organization(request.user, found.id, **form.cleaned_data)
        except Problem as problem:
            add_problem(form, problem)
        else:
            messages.success(request, _("The organization is saved."))
            return redirect("hub:organization_settings", organization_id=found.id)
    return show(request, "organization.html", form=form, room="settings", tab="organization")


@organization_page()
def member(request: OrganizationRequest, membership_id: uuid.UUID) -> HttpResponse:
    """What may this person do? Administrators change it; everybody may leave."""
    found = access_member(request.user, request.organization, membership_id)
    form = RoleForm(request.POST if request.method == "POST" else None, initial={"role": found.role})
    if request.method == "POST":
        access_organization(request.user, request.organization.id, role=Role.ADMIN)
        if form.is_valid():
            try:
                change_role(request.user, request.organization, membership_id, form.cleaned_data["role"])
            except Problem as problem:
                add_problem(form, problem)
            else:
                messages.success(request, _("The role is saved."))
                return redirect("hub:people", organization_id=request.organization.id)
    own = found.user_id == request.user.pk
    return show(request, "member.html", member=found, own=own, form=form, room="settings", tab="people")


@organization_page()
@require_POST
def remove(request: OrganizationRequest, membership_id: uuid.UUID) -> HttpResponse:
    """End a membership; a person who leaves goes back to their other organizations."""
    removed = remove_member(request.user, request.organization, membership_id)
    if removed.user_id == request.user.pk:
        left = {"organization": request.organization.name}
        messages.success(request, _("You belong to %(organization)s no more.") % left)
        return redirect("hub:overview")
    messages.success(request, _("%(person)s sees these accounts no more.") % {"person": removed.user})
    return redirect("hub:people", organization_id=request.organization.id)


@organization_page(role=Role.ADMIN)
def trail(request: OrganizationRequest) -> HttpResponse:
    """Who did what? Newest first, also what Nostro did by itself."""
    records = audit.trail(tenant_id=request.organization.id, before=_before(request), limit=TRAIL_PAGE)
    older = f"?{urlencode({'before': records[-1].id})}" if len(records) == TRAIL_PAGE else ""
    return show(request, "trail.html", records=records, older=older, room="settings", tab="trail")


def _before(request: HttpRequest) -> int | None:
    """The record above which the last page ended; what is no such number shows the newest."""
    given = request.GET.get("before", "")
    return int(given) if given.isascii() and given.isdigit() and int(given[:20]) <= _MAX_ID else None
