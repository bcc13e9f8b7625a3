"""Integrations: what software may read which accounts."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from nostro.hub.accounts.models import Account
from nostro.hub.accounts.queries import accounts_of
from nostro.hub.integrations.legacy import legacy_token_of
from nostro.hub.integrations.models import Integration
from nostro.hub.integrations.queries import access_integration, granted_accounts, integrations_of
from nostro.hub.integrations.services import (
    create_integration,
    regenerate_secret,
    revoke_integration,
    set_accounts,
)
from nostro.hub.organizations.models import Role
from nostro.hub.pages.forms import IntegrationForm
from nostro.hub.pages.once import forget_secret, keep_secret, kept_secret, new_form_key, once
from nostro.hub.pages.shell import OrganizationRequest, chosen_mode, is_sandbox, now, organization_page, remember, show
from nostro.people.models import User
from nostro.web.errors import Problem
from nostro.web.forms import add_problem


@organization_page()
def integrations(request: OrganizationRequest, mode: str) -> HttpResponse:
    """All integrations of one tab, each with its accounts and its last use."""
    mode = chosen_mode(request, mode)
    found = integrations_of(request.organization, mode == "sandbox")
    rows = [(integration, _oldest_first(granted_accounts(integration))) for integration in found]
    token = legacy_token_of(request.organization)
    if token is not None and token.integration.is_sandbox != (mode == "sandbox"):
        token = None
    return show(request, "integrations.html", rows=rows, mode=mode, room="integrations", legacy_token=token)


@organization_page(role=Role.ADMIN)
def add_integration(request: OrganizationRequest, mode: str) -> HttpResponse:
    """Name and accounts; then Client ID and Secret ID are shown, once. A double click makes one integration."""
    accounts = accounts_of(request.organization, is_sandbox(mode))
    chosen = [str(account.id) for account in accounts]
    form = IntegrationForm(
        request.POST if request.method == "POST" else None, accounts=accounts, initial={"accounts": chosen}
    )
    form_key = request.POST.get("form_key") or new_form_key()
    if request.method == "POST" and form.is_valid():
        try:
            made = once(_key(form_key, form), lambda: _create(request, form, is_sandbox(mode)))
        except Problem as problem:
            add_problem(form, problem)
        else:
            return redirect("hub:integration_secret", integration_id=made)
    return show(
        request, "add_integration.html", form=form, mode=mode, accounts=accounts, form_key=form_key, room="integrations"
    )


def _key(form_key: str, form: IntegrationForm) -> str:
    """The same form sent twice is one; going back and sending other values makes another integration."""
    values = json.dumps(
        [form.cleaned_data["name"], sorted(form.cleaned_data["accounts"]), form.cleaned_data["payments"]]
    )
    return f"{form_key[:36]}:{hashlib.sha256(values.encode()).hexdigest()[:24]}"


def _create(request: OrganizationRequest, form: IntegrationForm, sandbox: bool) -> uuid.UUID:
    integration, secret = create_integration(
        request.user,
        request.organization,
        name=form.cleaned_data["name"],
        account_ids=_ids(form),
        is_sandbox=sandbox,
        with_payments=form.cleaned_data["payments"],
        now=now(),
    )
    keep_secret(request.user, integration, secret)
    made: uuid.UUID = integration.id
    return made


@never_cache
@login_required
def integration_secret(request: HttpRequest, integration_id: uuid.UUID) -> HttpResponse:
    """Client ID and Secret ID, for the few minutes after they were made. POST: they are copied."""
    found = _access(request, integration_id, role=Role.ADMIN)
    assert isinstance(request.user, User)
    secret = kept_secret(request.user, found)
    if request.method == "POST":
        forget_secret(request.user, found)
        return redirect("hub:integration", integration_id=found.id)
    return show(
        request,
        "integration_secret.html",
        integration=found,
        secret=secret,
        mode=_mode(found),
        address=hub_address(),
        room="integrations",
    )


@login_required
def integration(request: HttpRequest, integration_id: uuid.UUID) -> HttpResponse:
    """One integration: its accounts, which may be changed, its Client ID, its last use."""
    found = _access(request, integration_id, role=Role.ADMIN if request.method == "POST" else None)
    granted = _oldest_first(granted_accounts(found))
    form = IntegrationForm(
        request.POST if request.method == "POST" else None,
        accounts=accounts_of(found.organization, found.is_sandbox),
        with_name=False,
        initial={"accounts": [str(account.id) for account in granted]},
    )
    if request.method == "POST" and form.is_valid():
        try:
            assert isinstance(request.user, User)
            set_accounts(request.user, found.id, _ids(form), now())
        except Problem as problem:
            add_problem(form, problem)
        else:
            messages.success(request, _("The accounts are changed; the next request of the software obeys."))
            return redirect("hub:integration", integration_id=found.id)
    return show(
        request,
        "integration.html",
        integration=found,
        form=form,
        granted=granted,
        mode=_mode(found),
        address=hub_address(),
        room="integrations",
        form_key=new_form_key(),
    )


@login_required
@require_POST
def new_secret(request: HttpRequest, integration_id: uuid.UUID) -> HttpResponse:
    """Replace the Secret ID. The old one stops working at once. A double click replaces it once."""
    found = _access(request, integration_id, role=Role.ADMIN)
    user = request.user
    assert isinstance(user, User)

    def regenerate() -> uuid.UUID:
        keep_secret(user, found, regenerate_secret(user, found.id, now()))
        return integration_id

    once(request.POST.get("form_key") or new_form_key(), regenerate)
    return redirect("hub:integration_secret", integration_id=found.id)


@login_required
@require_POST
def revoke(request: HttpRequest, integration_id: uuid.UUID) -> HttpResponse:
    """End the integration."""
    found = _access(request, integration_id, role=Role.ADMIN)
    assert isinstance(request.user, User)
    revoke_integration(request.user, found.id, now())
    messages.success(request, _("The integration is revoked. Its software can read nothing any more."))
    return redirect("hub:integrations", organization_id=found.organization_id, mode=_mode(found))


def _access(request: HttpRequest, integration_id: uuid.UUID, role: Role | None = None) -> Integration:
    assert isinstance(request.user, User)
    found = access_integration(request.user, integration_id, role=role)
    remember(request, found.organization)
    return found


def _ids(form: IntegrationForm) -> list[uuid.UUID]:
    return [uuid.UUID(value) for value in form.cleaned_data["accounts"]]


def _oldest_first(accounts: Iterable[Account]) -> list[Account]:
    """In the order in which they were linked, as on the overview."""
    return sorted(accounts, key=lambda each: (each.linked_at, str(each.id)))


def _mode(integration: Integration) -> str:
    return "sandbox" if integration.is_sandbox else "live"


def hub_address() -> str:
    """The address that software asks for beside the two ids."""
    parts = urlsplit(settings.PUBLIC_URL)
    return f"{parts.scheme}://{parts.netloc}"
