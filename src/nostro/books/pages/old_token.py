"""A bank that is still read with the deprecated single API token (books.md 6)."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from nostro.books.companies.models import Role
from nostro.books.links.credentials import connect_with_token
from nostro.books.pages.connect import STEPS
from nostro.books.pages.refusals import tell
from nostro.books.pages.shell import CompanyRequest, company_page, now, show
from nostro.web.errors import Problem
from nostro.web.once import new_form_key, once


class OldTokenForm(forms.Form):
    """Where the Hub is, and the token; its problems arrive under ``secret``, the name that credentials share."""

    hub_url = forms.CharField(
        label=_("Address of the Hub"), max_length=300, widget=forms.TextInput(attrs={"inputmode": "url"})
    )
    secret = forms.CharField(
        label=_("API token"), max_length=500, help_text=_("It is kept encrypted and never shown again."),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )  # fmt: skip


@company_page(role=Role.OWNER)
def old_token(request: CompanyRequest) -> HttpResponse:
    """Enter a token that the Hub still accepts. The connection then asks all the time to be migrated."""
    form = OldTokenForm(request.POST or None, initial={"hub_url": settings.DEFAULT_HUB_URL})
    form_key = request.POST.get("form_key") or new_form_key()
    refused: Problem | None = None
    if request.method == "POST" and form.is_valid():
        hub_url, token = form.cleaned_data["hub_url"], form.cleaned_data["secret"]
        try:
            made = once(
                form_key,
                lambda: (
                    connect_with_token(request.user, request.company.id, hub_url=hub_url, token=token, now=now()).id
                ),
            )
            return redirect("books:link_accounts", connection_id=made)
        except Problem as problem:
            refused = tell(form, problem)
    return show(request, "old_token.html", form=form, problem=refused, form_key=form_key, steps=STEPS, room="dashboard")
