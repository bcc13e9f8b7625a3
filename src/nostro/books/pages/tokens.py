"""A person's own access tokens for programs that work in the books of one company."""

from __future__ import annotations

import uuid

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from nostro.books.api.tokens import create_token, revoke_token, tokens_of
from nostro.books.pages.shell import CompanyRequest, company_page, now, person, show
from nostro.web.errors import Problem
from nostro.web.forms import add_problem


class TokenForm(forms.Form):
    """What the token is for."""

    name = forms.CharField(
        label=gettext_lazy("What is it for?"), max_length=100, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


@never_cache
@company_page()
def tokens(request: CompanyRequest) -> HttpResponse:
    """The tokens of the person who asks. A new one is shown in the answer that makes it, and never again."""
    form, text = TokenForm(request.POST or None), ""
    if request.method == "POST" and form.is_valid():
        try:
            _token, text = create_token(request.user, request.company, name=form.cleaned_data["name"], now=now())
            form = TokenForm()
        except Problem as problem:
            add_problem(form, problem)
    found = tokens_of(request.user, request.company)
    return show(request, "tokens.html", form=form, tokens=found, text=text, room="members")


@login_required
@require_POST
def revoke(request: HttpRequest, token_id: uuid.UUID) -> HttpResponse:
    """End one of them."""
    token = revoke_token(person(request), token_id, now=now())
    messages.success(request, _("The token is revoked."))
    return redirect("books:tokens", company_id=token.company_id)
