"""The steps of signing a payment in the bank's app or by code: the pages of linking, with what is paid above them.

Who pays a payment request has no account here: the session of the browser that began knows its attempt, and nobody else
who was given the address can go on with it.
"""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from nostro.connectors.contract import Decoupled, PsuInput
from nostro.hub.linking.shown import PendingStep
from nostro.hub.pages.payment_lines import line_of, mode_of
from nostro.hub.pages.shell import now, psu_context, remember, show
from nostro.hub.pages.steps import context_of, present_step, template_of
from nostro.hub.pages.walking import WalkPage, ask_again, take_answer
from nostro.hub.payments.models import Kind, Payment, Signing
from nostro.hub.payments.sca import access_signing, continue_signing, leave_signing
from nostro.people.models import User
from nostro.web.errors import Problem

_KEY, _REMEMBERED = "signings", 20


def remember_signing(request: HttpRequest, signing: Signing) -> None:
    """Let this browser go on with an attempt to pay a payment request."""
    request.session[_KEY] = [*request.session.get(_KEY, [])[1 - _REMEMBERED :], str(signing.id)]


def remembers(request: HttpRequest, signing: Signing) -> bool:
    """Whether this browser began the attempt."""
    return str(signing.id) in request.session.get(_KEY, [])


def page_of_payment(payment: Payment) -> str:
    """Where a payment is shown to the person who signs it."""
    if payment.kind == Kind.PAYMENT_REQUEST:
        return reverse("pay", kwargs={"organization_id": payment.organization_id, "payment_id": payment.id})
    return reverse("hub:payment", kwargs={"payment_id": payment.id})


@never_cache
def step(request: HttpRequest, signing_id: uuid.UUID) -> HttpResponse:
    """What is to be done now; when nothing is, the payment's own page tells how it stands."""
    page = _page(request, signing_id)
    return page.show(present_step(page.walk, now()))


@never_cache
@require_POST
def answer(request: HttpRequest, signing_id: uuid.UUID) -> HttpResponse:
    """What the person typed or chose."""
    return take_answer(request, _page(request, signing_id))


@require_POST
def ask(request: HttpRequest, signing_id: uuid.UUID) -> HttpResponse:
    """Ask whether the bank has confirmed meanwhile."""
    return ask_again(request, _page(request, signing_id))


@require_POST
def leave(request: HttpRequest, signing_id: uuid.UUID) -> HttpResponse:
    """Go away from a step without signing."""
    signing = _access(request, signing_id)
    leave_signing(signing, psu_context(request), now())
    return redirect(page_of_payment(signing.payment))


def _access(request: HttpRequest, signing_id: uuid.UUID) -> Signing:
    user = request.user if isinstance(request.user, User) else None
    return access_signing(user, request.session.get(_KEY, []), signing_id)


def _page(request: HttpRequest, signing_id: uuid.UUID) -> WalkPage:
    signing = _access(request, signing_id)

    def shown(step: PendingStep | None, problem: Problem | None = None, *, part: bool = False) -> HttpResponse:
        return _show(request, signing, step, problem, part=part)

    def go_on(given: PsuInput) -> None:
        continue_signing(signing, given, psu_context(request), now())

    return WalkPage(signing, reverse("signing", kwargs={"signing_id": signing.id}), shown, go_on)


def _show(
    request: HttpRequest, signing: Signing, step: PendingStep | None, problem: Problem | None, *, part: bool
) -> HttpResponse:
    if step is None:
        return redirect(page_of_payment(signing.payment))
    payment = signing.payment
    urls = {name: reverse(f"{name}_signing", kwargs={"signing_id": signing.id}) for name in ("answer", "ask", "cancel")}
    context = {
        "walk": signing, "step": step, "urls": urls, "line": line_of(payment), "problem": problem,
        "institution": payment.account.institution, "given": {} if problem is None else request.POST,
        "mode": mode_of(payment), "room": "payments", **context_of(step),
    }  # fmt: skip
    template = "waiting_part.html" if part and isinstance(step, Decoupled) else template_of(step)
    status = 200 if problem is None or part else problem.status
    if payment.kind != Kind.PAYMENT_REQUEST:
        remember(request, payment.organization)
        return show(request, template, status=status, **context)
    return render(
        request, f"hub/{template}", {**context, "frame": "web/base.html", "half": "hub",
        "is_sandbox": payment.account.is_sandbox}, status=status,
    )  # fmt: skip
