"""An integration's webhook with its delivery log, and its request log."""

from __future__ import annotations

import uuid

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from nostro.hub.events.services import EVENT_TYPES
from nostro.hub.integrations.models import Integration
from nostro.hub.integrations.queries import access_integration
from nostro.hub.integrations.request_log import requests_of
from nostro.hub.organizations.models import Role
from nostro.hub.pages.shell import now, person, remember, show
from nostro.hub.webhooks.queries import deliveries_of, endpoint_of
from nostro.hub.webhooks.services import remove_endpoint, replay, set_endpoint
from nostro.web.errors import Problem
from nostro.web.forms import add_problem


class WebhookForm(forms.Form):
    """Where events go and which."""

    url = forms.CharField(
        label=gettext_lazy("Address of your software"),
        max_length=2_000,
        help_text=gettext_lazy("Begins with https:// and can be reached from the internet."),
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    event_types = forms.MultipleChoiceField(
        label=gettext_lazy("Events"),
        required=False,
        choices=[(name, name) for name in sorted(EVENT_TYPES)],
        help_text=gettext_lazy("None chosen means all of them."),
        widget=forms.CheckboxSelectMultiple,
    )
    is_active = forms.BooleanField(label=gettext_lazy("Send events"), required=False, initial=True)


@login_required
def webhook(request: HttpRequest, integration_id: uuid.UUID) -> HttpResponse:
    """Where events go, what was sent and what came back. POST saves, or removes when that button was pressed."""
    posted = request.method == "POST"
    found = _access(request, integration_id, Role.ADMIN if posted else None)
    endpoint = endpoint_of(found)
    initial = None
    if endpoint is not None:
        initial = {"url": endpoint.url, "event_types": endpoint.event_types, "is_active": endpoint.is_active}
    form = WebhookForm(request.POST if posted else None, initial=initial)
    if posted and "remove" in request.POST:
        remove_endpoint(person(request), found.id)
        messages.success(request, _("The webhook is removed."))
        return redirect("hub:webhook", integration_id=found.id)
    if posted and form.is_valid():
        try:
            set_endpoint(person(request), found.id, **form.cleaned_data, now=now())
        except Problem as problem:
            add_problem(form, problem)
        else:
            messages.success(request, _("The webhook is saved."))
            return redirect("hub:webhook", integration_id=found.id)
    deliveries = [] if endpoint is None else deliveries_of(endpoint)
    return show(
        request, "webhook.html", integration=found, endpoint=endpoint, form=form, deliveries=deliveries,
        room="integrations", mode=_mode(found),
    )  # fmt: skip


@login_required
@require_POST
def replay_webhook(request: HttpRequest, integration_id: uuid.UUID) -> HttpResponse:
    """Send one event of the log again."""
    found = _access(request, integration_id, Role.ADMIN)
    try:
        delivery_id = uuid.UUID(request.POST.get("delivery", ""))
    except ValueError:
        delivery_id = uuid.UUID(int=0)
    replay(person(request), delivery_id, now())
    messages.success(request, _("The event is on its way again."))
    return redirect("hub:webhook", integration_id=found.id)


@login_required
def integration_requests(request: HttpRequest, integration_id: uuid.UUID) -> HttpResponse:
    """What the software asked lately, newest first."""
    found = _access(request, integration_id)
    return show(
        request, "integration_requests.html", integration=found, requests=requests_of(found), room="integrations",
        mode=_mode(found),
    )  # fmt: skip


def _access(request: HttpRequest, integration_id: uuid.UUID, role: Role | None = None) -> Integration:
    found = access_integration(person(request), integration_id, role=role)
    remember(request, found.organization)
    return found


def _mode(integration: Integration) -> str:
    return "sandbox" if integration.is_sandbox else "live"
