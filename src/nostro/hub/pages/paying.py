"""What strangers and vendors are led to: the page on which a third person pays, and the activation of payments."""

from __future__ import annotations

import uuid
from urllib.parse import urlsplit

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from nostro.hub.pages.linking import MAX_PSU_ID_LENGTH
from nostro.hub.pages.payment_lines import mode_of
from nostro.hub.pages.shell import now, psu_context, remember, show
from nostro.hub.pages.signing import remember_signing, remembers
from nostro.hub.payments.attempts import last_signing
from nostro.hub.payments.models import WALKING, Kind, Signing, Status
from nostro.hub.payments.queries import access_activation_request, access_payment_request
from nostro.hub.payments.signing import NotToSign, start_signing
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem


@never_cache
def pay(request: HttpRequest, organization_id: uuid.UUID, payment_id: uuid.UUID) -> HttpResponse:
    """A payment request, for whoever was given its address (hub-api.md 7.7). POST: on to the bank of the payer."""
    found = access_payment_request(organization_id, payment_id)
    url, problem, attempt = "", None, last_signing(found)
    if attempt is not None and not remembers(request, attempt):
        attempt = None
    under_way = attempt is not None and attempt.status in WALKING and attempt.expires_at > now()
    if attempt is not None and under_way and request.method == "POST":
        return redirect("signing", signing_id=attempt.id)
    psu_id = request.POST.get("psu_id", "")[:MAX_PSU_ID_LENGTH]
    if request.method == "POST":
        try:
            begun = start_signing(found, None, psu_context(request), now(), psu_id)
            if isinstance(begun, Signing):
                remember_signing(request, begun)
                return redirect("signing", signing_id=begun.id)
            url = begun
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
        "attempt": attempt, "under_way": under_way, "psu_id": psu_id, "mode": mode_of(found),
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
