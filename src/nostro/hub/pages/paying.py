"""What strangers and vendors are led to: the page on which a third person pays, and the activation of payments."""

from __future__ import annotations

import uuid
from urllib.parse import urlsplit

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from nostro.hub.pages.shell import now, psu_context, remember, show
from nostro.hub.payments.models import Kind, Status
from nostro.hub.payments.queries import access_activation_request, access_payment_request
from nostro.hub.payments.signing import NotToSign, start_signing
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem


@never_cache
def pay(request: HttpRequest, organization_id: uuid.UUID, payment_id: uuid.UUID) -> HttpResponse:
    """A payment request, for whoever was given its address (hub-api.md 7.7). POST: on to the bank of the payer."""
    found = access_payment_request(organization_id, payment_id)
    url, problem = "", None
    if request.method == "POST":
        try:
            url = start_signing(found, None, psu_context(request), now())
        except NotToSign:
            found = access_payment_request(organization_id, payment_id)
        except Problem as refused:
            problem = refused
    transfer = found.transfers.all()[0]
    context = {
        "payment": found, "transfer": transfer, "url": url, "problem": problem,
        "is_open": found.status == Status.UNSIGNED, "is_paid": found.status == Status.ACCEPTED,
        "back_to": urlsplit(found.redirect_uri).hostname if found.redirect_uri else "",
        "is_sandbox": found.account.is_sandbox, "half": "hub",
    }  # fmt: skip
    return render(request, "hub/pay.html", context, status=problem.status if problem else 200)


@login_required
def activate(
    request: HttpRequest, organization_id: uuid.UUID, integration_id: uuid.UUID, request_id: uuid.UUID
) -> HttpResponse:
    """A vendor asks to activate payments or payment requests (hub-api.md 7.8): how it stands, and the way back."""
    assert isinstance(request.user, User)
    asked = access_activation_request(request.user, organization_id, request_id)
    if asked.integration_id != integration_id:
        raise NotFound("request")
    remember(request, asked.organization)
    return show(
        request, "payments_activation.html", asked=asked, is_for_requests=asked.kind == Kind.PAYMENT_REQUEST,
        back_to=urlsplit(asked.redirect_uri).hostname, mode="sandbox" if asked.is_sandbox else "live", room="payments",
    )  # fmt: skip
