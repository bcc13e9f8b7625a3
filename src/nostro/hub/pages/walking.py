"""What pages of a walk through a bank's steps do with what the person sends: to link an account, to sign a payment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from nostro.connectors.contract import Decoupled, PsuInput
from nostro.hub.linking.models import Walk
from nostro.hub.linking.shown import PendingStep
from nostro.hub.pages.shell import now
from nostro.hub.pages.steps import answer_of, present_step
from nostro.web.errors import Problem

#: After these the page of the walk tells how it stands.
ENDED = {"stateUnknown", "stateOfSomebodyElse", "stateUsed", "stateExpired", "stateCancelled"}


class ShowStep(Protocol):
    """Render the page of a step, or the part of it that asks by itself."""

    def __call__(
        self, step: PendingStep | None, problem: Problem | None = None, *, part: bool = False
    ) -> HttpResponse: ...


@dataclass(frozen=True, slots=True)
class WalkPage:
    """A walk of the person who asks, its address, and its verb, which changes ``walk``."""

    walk: Walk
    here: str
    show: ShowStep
    go_on: Callable[[PsuInput], object]


def take_answer(request: HttpRequest, page: WalkPage) -> HttpResponse:
    """What the person typed or chose for the present step. An answer to an earlier one (back button, second click,
    another tab) goes nowhere: the page shows where the walk stands."""
    step = present_step(page.walk, now())
    if step is None or request.POST.get("step") != str(page.walk.step_number):
        messages.info(request, _("That step was answered already. This is how it stands now."))
        return redirect(page.here)
    try:
        page.go_on(answer_of(step, request.POST))
    except Problem as problem:
        if problem.code not in ENDED | {"stateInUse"}:
            page.walk.refresh_from_db()
            return page.show(present_step(page.walk, now()), problem)
    return redirect(page.here)


def ask_again(request: HttpRequest, page: WalkPage) -> HttpResponse:
    """Ask whether the bank has confirmed meanwhile. A page with a script asks by itself."""
    live, problem = bool(request.headers.get("HX-Request")), None
    try:
        page.go_on(PsuInput("poll"))
    except Problem as refused:
        problem = None if refused.code in ENDED | {"stateInUse"} else refused
    page.walk.refresh_from_db()
    shown = present_step(page.walk, now())
    waiting = isinstance(shown, Decoupled)
    if waiting and (live or problem is not None):
        return page.show(shown, problem, part=live)
    return HttpResponseClientRedirect(page.here) if live else redirect(page.here)
