"""Who belongs to the organization: inviting, withdrawing, joining."""

from __future__ import annotations

import uuid
from typing import cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from nostro.hub.organizations.invitations import (
    accept_invitation,
    find_invitation,
    invite,
    open_invitations_of,
    withdraw_invitation,
)
from nostro.hub.organizations.models import Role
from nostro.hub.organizations.queries import access_organization, members_of
from nostro.hub.organizations.tasks import send_soon
from nostro.hub.pages.shell import OrganizationRequest, now, organization_page, show
from nostro.people.models import User
from nostro.web.errors import Problem
from nostro.web.forms import add_problem


class InvitationForm(forms.Form):
    """Whom to ask, and as what."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail address"), widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices, initial=Role.MEMBER)


@organization_page()
def people(request: OrganizationRequest) -> HttpResponse:
    """Who sees these accounts, and what may each of them do? Administrators invite somebody here."""
    form = InvitationForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        access_organization(request.user, request.organization.id, role=Role.ADMIN)
        if form.is_valid():
            try:
                invitation, secret = invite(request.user, request.organization, **form.cleaned_data, now=now())
                send_soon(invitation, secret)
            except Problem as problem:
                add_problem(form, problem)
            else:
                messages.success(request, _("The invitation is on its way."))
                return redirect("hub:people", organization_id=request.organization.id)
    return show(
        request, "people.html", members=members_of(request.organization), form=form,
        invitations=open_invitations_of(request.organization), room="settings", tab="people",
    )  # fmt: skip


@organization_page(role=Role.ADMIN)
@require_POST
def withdraw(request: OrganizationRequest, invitation_id: uuid.UUID) -> HttpResponse:
    """The link of an invitation works no more."""
    withdraw_invitation(request.user, request.organization, invitation_id)
    messages.success(request, _("The invitation is withdrawn."))
    return redirect("hub:people", organization_id=request.organization.id)


@never_cache
@login_required
def join(request: HttpRequest, secret: str) -> HttpResponse:
    """An invited person says yes."""
    if request.method == "POST":
        organization = accept_invitation(cast(User, request.user), secret, now())
        messages.success(request, _("You belong to %(organization)s now.") % {"organization": organization.name})
        return redirect("hub:accounts", organization_id=organization.id)
    return show(request, "join.html", invitation=find_invitation(secret, now()))
