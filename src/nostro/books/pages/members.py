"""Who may see and change the books of a company (books.md 14.5)."""

from __future__ import annotations

import uuid

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from nostro.books.companies.members import (
    accept,
    change_role,
    find_invitation,
    invite,
    members_of,
    open_invitations_of,
    remove,
    withdraw,
)
from nostro.books.companies.models import Role
from nostro.books.companies.tasks import send_soon
from nostro.books.pages.shell import CompanyRequest, company_page, now, person, show, tell_refusal
from nostro.web.errors import Forbidden, Problem
from nostro.web.forms import add_problem


class InviteForm(forms.Form):
    """Whom to ask, as what."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"})
    )
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices, initial=Role.READER)


@company_page()
def members(request: CompanyRequest) -> HttpResponse:
    """Who may see and change these books? Owners invite."""
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                invitation, secret = invite(request.user, request.company, **form.cleaned_data, now=now())
                send_soon(invitation, secret)
        except Forbidden:
            raise
        except Problem as problem:
            add_problem(form, problem)
        else:
            messages.success(request, _("The invitation is on its way."))
            return redirect("books:members", company_id=request.company.id)
    return show(
        request, "members.html", form=form, members=members_of(request.company), roles=Role.choices,
        invitations=open_invitations_of(request.company), room="members",
    )  # fmt: skip


@login_required
@require_POST
def change_member(request: HttpRequest, member_id: uuid.UUID) -> HttpResponse:
    """Another role, or none any more."""
    try:
        if request.POST.get("do") == "remove":
            member = remove(person(request), member_id)
            messages.success(request, _("%(who)s sees the books no more.") % {"who": member.user})
            if member.user_id == person(request).id:
                return redirect("books:dashboard")
        else:
            member = change_role(person(request), member_id, request.POST.get("role", ""))
            messages.success(request, _("The role is changed."))
    except Problem as problem:
        if problem.code != "lastOwner":
            raise
        tell_refusal(request, problem)
        return redirect("books:dashboard")
    return redirect("books:members", company_id=member.company_id)


@login_required
@require_POST
def withdraw_invitation(request: HttpRequest, invitation_id: uuid.UUID) -> HttpResponse:
    """End an invitation."""
    invitation = withdraw(person(request), invitation_id)
    messages.success(request, _("The invitation is withdrawn."))
    return redirect("books:members", company_id=invitation.company_id)


@login_required
def join(request: HttpRequest, secret: str) -> HttpResponse:
    """Join a company? Opening the link changes nothing."""
    if request.method == "POST":
        company = accept(person(request), secret, now=now())
        return redirect("books:company", company_id=company.id)
    response = show(request, "join.html", invitation=find_invitation(secret, now=now()))
    response["Referrer-Policy"] = "no-referrer"
    return response
