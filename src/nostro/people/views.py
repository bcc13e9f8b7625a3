"""A person's own page. Signing up, in and out, passwords, second steps and sessions are allauth's views."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from nostro.people import audit
from nostro.people.forms import PersonForm
from nostro.people.models import User
from nostro.web.context import chosen_theme
from nostro.web.views import remember_theme

SHOWN_RECORDS = 10


@login_required
@require_http_methods(["GET", "POST"])
def person_settings(request: HttpRequest) -> HttpResponse:
    """Names, language and theme; what happened with the person's sign-in lately."""
    person = request.user
    assert isinstance(person, User)
    form = PersonForm(request.POST or None, instance=person, initial={"theme": chosen_theme(request)})
    if request.method == "POST" and form.is_valid():
        form.save()
        translation.activate(person.locale)
        messages.success(request, _("Your settings are saved."))
        response = redirect("person_settings")
        remember_theme(response, form.cleaned_data["theme"])
        return response
    records = audit.trail(actor=person, limit=SHOWN_RECORDS)
    activity = [{"when": record.created_at, "sentence": record.sentence} for record in records]
    return render(request, "people/settings.html", {"form": form, "activity": activity})
