"""Mandates: who acts for this organization, and for whom it acts (hub-api.md 9)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from nostro.hub.accounts.models import Account
from nostro.hub.accounts.queries import accounts_of
from nostro.hub.integrations.models import Integration
from nostro.hub.mandates import services
from nostro.hub.mandates.models import Mandate
from nostro.hub.mandates.queries import (
    access_given_mandate,
    access_integration_of_mandate,
    access_received_mandate,
    accounts_of_mandate,
    integrations_of_mandate,
    mandates_given_by,
    mandates_received_by,
)
from nostro.hub.mandates.tasks import send_soon
from nostro.hub.organizations.models import Organization, Role
from nostro.hub.organizations.queries import access_organization, organizations_of
from nostro.hub.pages.forms import AccountsField, IntegrationForm, account_choices
from nostro.hub.pages.integrations import hub_address
from nostro.hub.pages.once import forget_secret, keep_secret, kept_secret, new_form_key, once
from nostro.hub.pages.shell import OrganizationRequest, now, organization_page, show
from nostro.people.models import User
from nostro.web.errors import Problem
from nostro.web.forms import add_problem


class MandateForm(forms.Form):
    """Whom to give a mandate, over which accounts."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail address"), widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("Of the person who will accept it, for example your accountant."),
    )  # fmt: skip
    accounts = AccountsField(
        help_text=gettext_lazy("Software of the other side may read these accounts and no others.")
    )

    def __init__(self, *args: Any, accounts: list[Account], with_email: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["accounts"]
        assert isinstance(field, AccountsField)
        field.choices = account_choices(accounts, mark_sandbox=True)
        field.required = with_email
        if not with_email:
            field.label = gettext_lazy("They may read")
            del self.fields["email"]


@login_required
def offered(request: HttpRequest) -> HttpResponse:
    """Where the mail leads: to the mandates of an organization of the person, or to making one first."""
    assert isinstance(request.user, User)
    own = organizations_of(request.user)
    if not own:
        messages.info(request, _("Make your organization first; then accept the mandate under People."))
        return redirect("hub:new_organization")
    waiting = next((each for each in own if mandates_received_by(request.user, each)), own[0])
    return redirect("hub:mandates", organization_id=waiting.id)


@organization_page()
def mandates(request: OrganizationRequest) -> HttpResponse:
    """Who acts for us, and for whom do we act? Administrators give a mandate here."""
    accounts = _all_accounts(request.organization)
    form = MandateForm(request.POST if request.method == "POST" else None, accounts=accounts)
    if request.method == "POST":
        access_organization(request.user, request.organization.id, role=Role.ADMIN)
        if form.is_valid():
            try:
                with transaction.atomic():
                    send_soon(
                        services.give_mandate(
                            request.user, request.organization, email=form.cleaned_data["email"],
                            account_ids=_ids(form), now=now(),
                        )
                    )  # fmt: skip
            except Problem as problem:
                add_problem(form, problem)
            else:
                messages.success(request, _("The mandate is on its way. It counts once it is accepted."))
                return redirect("hub:mandates", organization_id=request.organization.id)
    given = [(each, len(accounts_of_mandate(each))) for each in mandates_given_by(request.organization)]
    received = mandates_received_by(request.user, request.organization)
    return show(
        request,
        "mandates.html",
        form=form,
        given=given,
        received=received,
        has_accounts=bool(accounts),
        room="settings",
        tab="mandates",
    )


@organization_page()
def given_mandate(request: OrganizationRequest, mandate_id: uuid.UUID) -> HttpResponse:
    """What does the other side read? Administrators change the accounts."""
    posted = request.method == "POST"
    mandate = access_given_mandate(
        request.user, request.organization.id, mandate_id, role=Role.ADMIN if posted else None
    )
    covered = accounts_of_mandate(mandate)
    form = MandateForm(
        request.POST if posted else None, accounts=_all_accounts(request.organization), with_email=False,
        initial={"accounts": [str(account.id) for account in covered]},
    )  # fmt: skip
    if posted and form.is_valid():
        try:
            services.set_mandate_accounts(request.user, request.organization, mandate.id, _ids(form), now())
        except Problem as problem:
            add_problem(form, problem)
        else:
            messages.success(request, _("The accounts are changed; the next request of the software obeys."))
            return redirect("hub:given_mandate", organization_id=request.organization.id, mandate_id=mandate.id)
    return show(
        request, "given_mandate.html", mandate=mandate, form=form, covered=covered,
        integrations=integrations_of_mandate(mandate), room="settings",
    )  # fmt: skip


@never_cache
@organization_page()
def received_mandate(request: OrganizationRequest, mandate_id: uuid.UUID) -> HttpResponse:
    """Act for somebody: integrations that read their accounts, each with its Secret ID for the minutes after it was
    made."""
    posted = request.method == "POST"
    mandate = access_received_mandate(
        request.user, request.organization.id, mandate_id, role=Role.ADMIN if posted else None
    )
    covered = accounts_of_mandate(mandate)
    form = IntegrationForm(request.POST if posted else None, accounts=covered)
    form_key = request.POST.get("form_key") or new_form_key()
    if posted and form.is_valid():
        try:
            once(f"{form_key[:36]}:{mandate.id}", _maker(request, mandate, form, covered))
        except Problem as problem:
            add_problem(form, problem)
        else:
            return _to_received(request, mandate.id)
    made = integrations_of_mandate(mandate)
    secrets = [(each, kept_secret(request.user, each)) for each in made]
    return show(
        request, "received_mandate.html", mandate=mandate, form=form, covered=covered, integrations=made,
        secrets=[(each, secret) for each, secret in secrets if secret], form_key=form_key,
        address=hub_address(), room="settings",
    )  # fmt: skip


def _maker(
    request: OrganizationRequest, mandate: Mandate, form: IntegrationForm, covered: list[Account]
) -> Callable[[], uuid.UUID]:
    """Makes the integration that the form describes. It belongs to the sandbox if its first account does."""
    chosen = _ids(form)

    def make() -> uuid.UUID:
        made, secret = services.create_integration_under_mandate(
            request.user, request.organization, mandate.id, name=form.cleaned_data["name"],
            is_sandbox=any(account.is_sandbox for account in covered if account.id == chosen[0]),
            with_payments=form.cleaned_data["payments"], account_ids=chosen, now=now(),
        )  # fmt: skip
        keep_secret(request.user, made, secret)
        identifier: uuid.UUID = made.id
        return identifier

    return make


@organization_page(role=Role.ADMIN)
@require_POST
def copied_secret(request: OrganizationRequest, mandate_id: uuid.UUID, integration_id: uuid.UUID) -> HttpResponse:
    """The person has copied the Secret ID; it is never shown again."""
    forget_secret(request.user, _made(request, mandate_id, integration_id))
    return _to_received(request, mandate_id)


@organization_page(role=Role.ADMIN)
@require_POST
def revoke_under_mandate(
    request: OrganizationRequest, mandate_id: uuid.UUID, integration_id: uuid.UUID
) -> HttpResponse:
    """End an integration that was made under the mandate."""
    services.revoke_integration_under_mandate(request.user, request.organization, mandate_id, integration_id, now())
    messages.success(request, _("The integration is revoked. Its software can read nothing any more."))
    return _to_received(request, mandate_id)


@organization_page(role=Role.ADMIN)
@require_POST
def accept(request: OrganizationRequest, mandate_id: uuid.UUID) -> HttpResponse:
    """The organization acts under the mandate from now on."""
    mandate = services.accept_mandate(request.user, request.organization, mandate_id, now())
    messages.success(request, _("You act for %(organization)s now.") % {"organization": mandate.organization.name})
    return _to_received(request, mandate.id)


@organization_page(role=Role.ADMIN)
@require_POST
def give_back(request: OrganizationRequest, mandate_id: uuid.UUID) -> HttpResponse:
    """End or decline a mandate that was received."""
    services.give_back_mandate(request.user, request.organization, mandate_id, now())
    messages.success(request, _("The mandate has ended."))
    return redirect("hub:mandates", organization_id=request.organization.id)


@organization_page(role=Role.ADMIN)
@require_POST
def withdraw(request: OrganizationRequest, mandate_id: uuid.UUID) -> HttpResponse:
    """End a mandate that was given."""
    services.withdraw_mandate(request.user, request.organization, mandate_id, now())
    messages.success(request, _("The mandate has ended."))
    return redirect("hub:mandates", organization_id=request.organization.id)


def _made(request: OrganizationRequest, mandate_id: uuid.UUID, integration_id: uuid.UUID) -> Integration:
    mandate = access_received_mandate(request.user, request.organization.id, mandate_id)
    return access_integration_of_mandate(mandate, integration_id)


def _to_received(request: OrganizationRequest, mandate_id: uuid.UUID) -> HttpResponse:
    return redirect("hub:received_mandate", organization_id=request.organization.id, mandate_id=mandate_id)


def _all_accounts(organization: Organization) -> list[Account]:
    return [*accounts_of(organization, is_sandbox=False), *accounts_of(organization, is_sandbox=True)]


def _ids(form: forms.Form) -> list[uuid.UUID]:
    return [uuid.UUID(value) for value in form.cleaned_data["accounts"]]
