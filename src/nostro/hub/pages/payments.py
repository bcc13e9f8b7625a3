"""Payments that software prepared: which wait for a signature, and signing them at the bank (hub-api.md 7.5, 7.6).

The bank's address is a link on a page of ours, never a redirect of a form (docs/contributing/pages.md).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from decimal import Decimal

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from nostro.hub.integrations.models import Integration
from nostro.hub.organizations.models import Role
from nostro.hub.pages.shell import OrganizationRequest, chosen_mode, now, organization_page, psu_context, remember, show
from nostro.hub.payments.models import Kind, Payment, Status, Transfer
from nostro.hub.payments.queries import PAGE, access_payment, count_unsigned, payments_of
from nostro.hub.payments.services import AlreadySigned, decline_payment, is_claimed
from nostro.hub.payments.signing import NotToSign, come_back, start_signing
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

#: Tone and word of each status.
STATES: dict[str, tuple[str, Promise | str]] = {
    Status.UNSIGNED: ("warn", _("Not signed")),
    Status.PENDING: ("act", _("At the bank")),
    Status.ACCEPTED: ("good", _("Accepted")),
    Status.REJECTED: ("bad", _("Rejected")),
    Status.CANCELED: ("quiet", _("Canceled")),
}
_OPEN_REQUEST, _PAID_REQUEST = ("quiet", _("Not paid")), ("good", _("Paid"))
MAX_TRANSFERS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Line:
    """A payment as pages show it."""

    payment: Payment
    transfers: list[Transfer]
    total: Decimal
    tone: str
    word: Promise | str
    can_be_signed: bool

    @property
    def first(self) -> Transfer:
        return self.transfers[0]

    @property
    def others(self) -> int:
        return len(self.transfers) - 1

    @property
    def shown(self) -> list[Transfer]:
        return self.transfers[:MAX_TRANSFERS_SHOWN]

    @property
    def is_request(self) -> bool:
        return self.payment.kind == Kind.PAYMENT_REQUEST


def line_of(payment: Payment) -> Line:
    """The payment with what a page says about it."""
    transfers = sorted(payment.transfers.all(), key=lambda each: each.position)
    total = sum((each.amount for each in transfers), Decimal(0))
    tone, word = STATES[payment.status]
    is_request = payment.kind == Kind.PAYMENT_REQUEST
    if is_request and payment.status in {Status.UNSIGNED, Status.ACCEPTED}:
        tone, word = _OPEN_REQUEST if payment.status == Status.UNSIGNED else _PAID_REQUEST
    can_be_signed = not is_request and payment.status == Status.UNSIGNED
    return Line(payment, transfers, total, tone, word, can_be_signed)


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
        url = start_signing(found, request.user, psu_context(request), now())
    except NotToSign:
        return redirect("hub:payment", payment_id=found.id)
    except Problem as problem:
        return _show(request, found, problem=problem, status=problem.status)
    return _show(request, found, url=url)


@login_required
@require_POST
def decline(request: HttpRequest, payment_id: uuid.UUID) -> HttpResponse:
    """Refuse a payment that nobody has opened at the bank. A second click changes nothing."""
    assert isinstance(request.user, User)
    found = _access(request, payment_id, Role.ADMIN)
    if found.kind == Kind.PAYMENT_REQUEST:
        raise NotFound("payment")
    try:
        decline_payment(request.user, found.id, now())
    except AlreadySigned as problem:
        if found.status == Status.UNSIGNED:
            return _show(request, found, problem=problem, status=problem.status)
    return redirect("hub:payment", payment_id=found.id)


@never_cache
def returned(request: HttpRequest) -> HttpResponse:
    """The bank sends the browser back. The handle in the address names the payment; the bank is asked what happened.

    Who pays a payment request has no account here, so nobody needs to be signed in for this step.
    """
    found = come_back(request.GET.get("state", "")[:200], psu_context(request), now())
    if found.kind == Kind.PAYMENT_REQUEST:
        return redirect("pay", organization_id=found.organization_id, payment_id=found.id)
    return redirect("hub:payment", payment_id=found.id)


def _access(request: HttpRequest, payment_id: uuid.UUID, role: Role | None = None) -> Payment:
    assert isinstance(request.user, User)
    found = access_payment(request.user, payment_id, role=role)
    remember(request, found.organization)
    return found


def _show(request: HttpRequest, found: Payment, url: str = "", status: int = 200, **more: object) -> HttpResponse:
    integration = Integration.objects.filter(id=found.integration_id).first()
    is_open = found.sealed_bank_payment is not None or is_claimed(found, now())
    return show(
        request, "payment.html", status=status, line=line_of(found), payment=found, integration=integration, url=url,
        is_at_the_bank=is_open and found.status == Status.UNSIGNED, room="payments",
        mode="sandbox" if found.account.is_sandbox else "live", **more,
    )  # fmt: skip
