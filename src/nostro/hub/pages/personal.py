"""A person's own access tokens for programs (hub-api.md 9)."""

from __future__ import annotations

import uuid

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from nostro.hub.integrations.personal import create_personal_token, personal_tokens_of, revoke_personal_token
from nostro.hub.pages.shell import OrganizationRequest, now, organization_page, show
from nostro.web.errors import Problem
from nostro.web.forms import add_problem


class TokenForm(forms.Form):
    """What the token is for."""

    name = forms.CharField(
        label=gettext_lazy("What is it for?"), max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


@never_cache
@organization_page()
def tokens(request: OrganizationRequest) -> HttpResponse:
    """The tokens of the person who asks. A new one is shown in the answer that makes it, and never again."""
    posted, text = request.method == "POST", ""
    form = TokenForm(request.POST if posted else None)
    if posted and form.is_valid():
        try:
            _token, text = create_personal_token(
                request.user, request.organization, name=form.cleaned_data["name"], now=now()
            )
            form = TokenForm()
        except Problem as problem:
            add_problem(form, problem)
    found = personal_tokens_of(request.user, request.organization)
    return show(request, "tokens.html", form=form, tokens=found, text=text, room="settings", tab="tokens")


@organization_page()
@require_POST
def revoke_token(request: OrganizationRequest, token_id: uuid.UUID) -> HttpResponse:
    """End one of them."""
    revoke_personal_token(request.user, request.organization, token_id, now())
    messages.success(request, _("The token is revoked."))
    return redirect("hub:tokens", organization_id=request.organization.id)
