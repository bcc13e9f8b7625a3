"""Payments that software prepared: which wait for a signature, and signing them at the bank (hub-api.md 7.5, 7.6).

The bank's address is a link on a page of ours, never a redirect of a form (docs/contributing/pages.md).
"""

from __future__ import annotations

import uuid

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from nostro.hub.integrations.models import Integration
from nostro.hub.organizations.models import Role
from nostro.hub.pages.payment_lines import line_of, mode_of
from nostro.hub.pages.shell import OrganizationRequest, chosen_mode, now, organization_page, psu_context, remember, show
from nostro.hub.pages.signing import page_of_payment
from nostro.hub.payments.attempts import last_signing
from nostro.hub.payments.models import WALKING, Kind, Payment, Signing, Status
from nostro.hub.payments.queries import PAGE, access_payment, count_unsigned, payments_of
from nostro.hub.payments.sca import refuse_payment
from nostro.hub.payments.services import is_claimed
from nostro.hub.payments.signing import NotToSign, at_the_bank, come_back, start_signing
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem


@organization_page()
def payments(request: OrganizationRequest, mode: str) -> HttpResponse:
    """All payments of one tab, newest first."""
    mode = chosen_mode(request, mode)
    is_sandbox = mode == "sandbox"
    before = _id(request.GET.get("before", ""))
    found = payments_of(request.organization, is_sandbox=is_sandbox, before=before)
    lines = [line_of(each) for each in found[:PAGE]]
    older = f"?before={lines[-1].payment.id}" if len(found) > PAGE else ""
    return show(
        request, "payments.html", lines=lines, older=older, newest=request.path if before else "", mode=mode,
        unsigned=count_unsigned(request.organization, is_sandbox=is_sandbox), room="payments",
    )  # fmt: skip


def _id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


@never_cache
@login_required
def payment(request: HttpRequest, payment_id: uuid.UUID) -> HttpResponse:
    """One payment: what is paid to whom, where it stands, and the buttons to sign or to refuse."""
    return _show(request, _access(request, payment_id))


@never_cache
@login_required
def authorize(
    request: HttpRequest, organization_id: uuid.UUID, integration_id: uuid.UUID, account_id: uuid.UUID,
    payment_id: uuid.UUID,
) -> HttpResponse:  # fmt: skip
    """The address that software was given (7.5): the same page."""
    found = _access(request, payment_id)
    if (found.organization_id, found.integration_id, found.account_id) != (organization_id, integration_id, account_id):
        raise NotFound("payment")
    return _show(request, found)


@login_required
@require_POST
def sign(request: HttpRequest, payment_id: uuid.UUID) -> HttpResponse:
    """Hand the payment to the bank and show the way there. Pressed twice, it leads to the same place."""
    found = _access(request, payment_id, Role.ADMIN)
    if found.kind == Kind.PAYMENT_REQUEST:
        raise NotFound("payment")
    assert isinstance(request.user, User)
    try:
        begun = start_signing(found, request.user, psu_context(request), now())
    except NotToSign:
        return redirect("hub:payment", payment_id=found.id)
    except Problem as problem:
        return _show(request, found, problem=problem, status=problem.status)
    if isinstance(begun, Signing):
        return redirect("signing", signing_id=begun.id)
    return _show(request, found, url=begun)


@login_required
@require_POST
def decline(request: HttpRequest, payment_id: uuid.UUID) -> HttpResponse:
    """Refuse a payment that nobody signs on the bank's pages. A second click changes nothing."""
    assert isinstance(request.user, User)
    found = _access(request, payment_id, Role.ADMIN)
    if found.kind == Kind.PAYMENT_REQUEST:
        raise NotFound("payment")
    try:
        refuse_payment(request.user, found.id, psu_context(request), now())
    except Problem as problem:
        found = _access(request, payment_id)
        if found.status == Status.UNSIGNED:
            return _show(request, found, problem=problem, status=problem.status)
    return redirect("hub:payment", payment_id=found.id)


@never_cache
def returned(request: HttpRequest) -> HttpResponse:
    """The bank sends the browser back. The handle in the address names the payment; the bank is asked what happened.

    Who pays a payment request has no account here, so nobody needs to be signed in for this step.
    """
    found = come_back(request.GET.get("state", "")[:200], psu_context(request), now())
    return redirect(page_of_payment(found))


def _access(request: HttpRequest, payment_id: uuid.UUID, role: Role | None = None) -> Payment:
    assert isinstance(request.user, User)
    found = access_payment(request.user, payment_id, role=role)
    remember(request, found.organization)
    return found


def _show(request: HttpRequest, found: Payment, url: str = "", status: int = 200, **more: object) -> HttpResponse:
    integration = Integration.objects.filter(id=found.integration_id).first()
    known, attempt = at_the_bank(found), last_signing(found)
    under_way = attempt is not None and attempt.status in WALKING and attempt.expires_at > now()
    return show(
        request, "payment.html", status=status, line=line_of(found), payment=found, integration=integration, url=url,
        is_at_the_bank=found.status == Status.UNSIGNED and (known is not None or is_claimed(found, now())),
        has_bank_pages=known is not None and bool(known.url), attempt=attempt, under_way=under_way, room="payments",
        mode=mode_of(found), **more,
    )  # fmt: skip
