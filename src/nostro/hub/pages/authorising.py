"""What happens with the bank: going there, coming back, waiting for its word, choosing accounts, the first import.

The bank's redirect proves nothing (connectors.md 1.3): every return and every poll makes the connector ask the bank.
"""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from nostro.connectors.contract import PsuInput
from nostro.hub.accounts.queries import accounts_of_connection
from nostro.hub.linking.identity import Question, renewal_questions
from nostro.hub.linking.models import Authorisation
from nostro.hub.linking.queries import access_authorisation, access_connection
from nostro.hub.linking.services import (
    cancel_authorisation,
    choose_accounts,
    continue_authorisation,
    disconnect,
    start_renewal,
)
from nostro.hub.linking.shown import PendingStep
from nostro.hub.pages.linking import STEPS
from nostro.hub.pages.once import new_form_key, once
from nostro.hub.pages.progress import progress_of
from nostro.hub.pages.shell import now, psu_context, remember, show
from nostro.hub.pages.steps import context_of, present_step, template_of
from nostro.hub.pages.walking import ENDED, WalkPage, ask_again, take_answer
from nostro.people.models import User
from nostro.web.errors import Problem

#: What a bank may send back in the address; more is cut.
MAX_PARAMETERS = 20
MAX_PARAMETER_LENGTH = 2000
_URLS = {"answer": "answer_bank", "ask": "ask_bank", "cancel": "cancel_link"}


@never_cache
@login_required
def at_the_bank(request: HttpRequest, authorisation_id: uuid.UUID) -> HttpResponse:
    """Step 3: what will happen at the bank and the link there; then waiting for its word, or why it ended."""
    authorisation = _access(request, authorisation_id)
    if authorisation.status == "finished" or _is_choosing(authorisation):
        return redirect("hub:choose_accounts", authorisation_id=authorisation.id)
    return _show_step(request, authorisation, present_step(authorisation, now()))


def _show_step(
    request: HttpRequest,
    authorisation: Authorisation,
    step: PendingStep | None,
    problem: Problem | None = None,
    *,
    part: bool = False,
) -> HttpResponse:
    return _show(
        request,
        "waiting_part.html" if part else template_of(step),
        authorisation,
        step=step,
        problem=problem,
        # The row says "open" until housekeeping comes by; to the person its time is over.
        expired=authorisation.expires_at <= now(),
        given={} if problem is None else request.POST,
        status=problem.status if problem and not part else 200,
        **context_of(step),
    )


@never_cache
@login_required
@require_POST
def answer(request: HttpRequest, authorisation_id: uuid.UUID) -> HttpResponse:
    """What the person typed or chose for the present step."""
    return take_answer(request, _walk_page(request, authorisation_id))


@never_cache
@login_required
def returned(request: HttpRequest) -> HttpResponse:
    """The bank sends the browser back. That proves nothing: the connector asks the bank."""
    assert isinstance(request.user, User)
    parameters = {key: str(value)[:MAX_PARAMETER_LENGTH] for key, value in list(request.GET.items())[:MAX_PARAMETERS]}
    try:
        authorisation, _step = continue_authorisation(
            request.user,
            state_token=request.GET.get("state", ""),
            answer=PsuInput("callback", parameters),
            psu=psu_context(request),
            now=now(),
        )
    except Problem as problem:
        return show(
            request,
            "not_continued.html",
            status=problem.status,
            problem=problem,
            may_ask_again=problem.code not in ENDED,
        )
    return redirect("hub:at_the_bank", authorisation_id=authorisation.id)


@login_required
@require_POST
def ask_bank(request: HttpRequest, authorisation_id: uuid.UUID) -> HttpResponse:
    """Ask whether the bank has confirmed meanwhile."""
    return ask_again(request, _walk_page(request, authorisation_id))


def _walk_page(request: HttpRequest, authorisation_id: uuid.UUID) -> WalkPage:
    authorisation = _access(request, authorisation_id)
    user = request.user
    assert isinstance(user, User)

    def shown(step: PendingStep | None, problem: Problem | None = None, *, part: bool = False) -> HttpResponse:
        return _show_step(request, authorisation, step, problem, part=part)

    def go_on(given: PsuInput) -> None:
        continue_authorisation(
            user, authorisation_id=authorisation.id, answer=given, psu=psu_context(request), now=now()
        )  # fmt: skip

    return WalkPage(authorisation, reverse("hub:at_the_bank", args=[authorisation.id]), shown, go_on)


@login_required
@require_POST
def cancel(request: HttpRequest, authorisation_id: uuid.UUID) -> HttpResponse:
    """The person changed their mind; a link leaves nothing behind, a renewal keeps the consent that works."""
    authorisation = _access(request, authorisation_id)
    assert isinstance(request.user, User)
    cancel_authorisation(request.user, authorisation.id, now=now())
    if authorisation.purpose == "renew":
        messages.info(request, _("Nothing was changed: the accounts are read as before."))
    else:
        messages.info(request, _("Nothing was linked. You can start again at any time."))
    return redirect("hub:accounts", organization_id=authorisation.organization_id, mode=_mode(authorisation))


@never_cache
@login_required
def choose(request: HttpRequest, authorisation_id: uuid.UUID) -> HttpResponse:
    """Step 4: which of the accounts that the bank shows are wanted here."""
    authorisation = _access(request, authorisation_id)
    assert isinstance(request.user, User)
    if authorisation.status == "finished":
        return redirect("hub:first_import", authorisation_id=authorisation.id)
    if not _is_choosing(authorisation):
        return redirect("hub:at_the_bank", authorisation_id=authorisation.id)
    accounts = accounts_of_connection(authorisation.connection)
    questions = renewal_questions(authorisation)
    asked = {question.account.id for question in questions}
    accounts = [each for each in accounts if each.id not in asked]
    # The first time nothing is chosen yet: all are proposed.
    chosen = {each.id for each in accounts if each.is_selected} or {each.id for each in accounts}
    problem = None
    if request.method == "POST":
        wanted = set(request.POST.getlist("accounts"))
        chosen = {each.id for each in accounts if str(each.id) in wanted}
        same_as, imported = _identities(request, questions)
        try:
            choose_accounts(
                request.user, authorisation.id, chosen | imported, now=now(), psu=psu_context(request), same_as=same_as
            )
            return redirect("hub:first_import", authorisation_id=authorisation.id)
        except Problem as refused:
            if refused.code in {"accountsChosen", "stateExpired"}:
                return redirect("hub:at_the_bank", authorisation_id=authorisation.id)
            problem = refused
    return _show(
        request,
        "choose_accounts.html",
        authorisation,
        accounts=accounts,
        preselected=chosen,
        problem=problem,
        questions=[(each, request.POST.get(f"identity_{each.account.id}", "")) for each in questions],
    )


def _identities(
    request: HttpRequest, questions: list[Question]
) -> tuple[dict[uuid.UUID, uuid.UUID | None], set[uuid.UUID]]:
    """What the person says about accounts that may be known: new ones (None) and joined ones; and which of the new
    ones are to be imported. What is not answered is left out, and refused by the verb."""
    same_as: dict[uuid.UUID, uuid.UUID | None] = {}
    imported = set()
    for question in questions:
        said = request.POST.get(f"identity_{question.account.id}", "")
        known = {str(each.id): each.id for each in question.candidates}
        if said in {"import", "leave"} or said in known:
            same_as[question.account.id] = known.get(said)
        if said == "import":
            imported.add(question.account.id)
    return same_as, imported


@never_cache
@login_required
def first_import(request: HttpRequest, authorisation_id: uuid.UUID) -> HttpResponse:
    """Step 5: how many transactions have arrived, live. The import goes on when the page is left."""
    authorisation = _access(request, authorisation_id)
    if authorisation.status != "finished":
        return redirect("hub:at_the_bank", authorisation_id=authorisation.id)
    accounts = [each for each in accounts_of_connection(authorisation.connection) if each.is_selected]
    progress = progress_of(accounts)
    template = "first_import_progress.html" if request.headers.get("HX-Request") else "first_import.html"
    running = any(each.is_running for each in progress)
    return _show(request, template, authorisation, progress=progress, running=running)


@login_required
@require_POST
def renew(request: HttpRequest, connection_id: uuid.UUID) -> HttpResponse:
    """Renew the consent in place. The present one keeps working until the new one does."""
    assert isinstance(request.user, User)
    user = request.user
    connection = access_connection(user, connection_id)

    def start() -> uuid.UUID:
        authorisation, _step = start_renewal(user, connection.id, psu=psu_context(request), now=now())
        begun: uuid.UUID = authorisation.id
        return begun

    made = once(request.POST.get("form_key") or new_form_key(), start)
    return redirect("hub:at_the_bank", authorisation_id=made)


@login_required
@require_POST
def disconnect_bank(request: HttpRequest, connection_id: uuid.UUID) -> HttpResponse:
    """End the connection: no more reading, the consent is given back. A second click changes nothing."""
    assert isinstance(request.user, User)
    connection = access_connection(request.user, connection_id, with_removed=True)
    disconnect(request.user, connection.id, now=now())
    messages.success(request, _("The bank is disconnected. What was read so far stays readable."))
    mode = "sandbox" if connection.is_sandbox else "live"
    return redirect("hub:accounts", organization_id=connection.organization_id, mode=mode)


def _show(request: HttpRequest, template: str, authorisation: Authorisation, **context: object) -> HttpResponse:
    status = context.pop("status", 200)
    assert isinstance(status, int)
    common = {
        "authorisation": authorisation,
        "walk": authorisation,
        "urls": {name: reverse(f"hub:{view}", args=[authorisation.id]) for name, view in _URLS.items()},
        "institution": authorisation.connection.institution,
        "mode": _mode(authorisation),
        "steps": STEPS,
        "room": "accounts",
    }
    return show(request, template, status=status, **{**common, **context})


def _access(request: HttpRequest, authorisation_id: uuid.UUID) -> Authorisation:
    assert isinstance(request.user, User)
    authorisation = access_authorisation(request.user, authorisation_id)
    remember(request, authorisation.organization)
    return authorisation


def _is_choosing(authorisation: Authorisation) -> bool:
    return authorisation.status == "choosing" and authorisation.expires_at > now()


def _mode(authorisation: Authorisation) -> str:
    return "sandbox" if authorisation.connection.is_sandbox else "live"
