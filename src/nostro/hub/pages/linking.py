"""Adding an account, step by step: find the bank, see what is shared, go there, choose accounts, first import.

Leaving loses nothing and back always works: every step is an address of its own, and what the bank needs to know is in
an authorisation that expires by itself (connectors.md 1.3).
"""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from nostro.connectors.contract import AuthorisationStep, Failed, PsuInput, Redirect
from nostro.hub.accounts.queries import accounts_of_connection
from nostro.hub.billing.queries import billing_is_complete
from nostro.hub.directory.queries import get_institution, search
from nostro.hub.linking.models import Authorisation
from nostro.hub.linking.queries import access_authorisation, access_connection
from nostro.hub.linking.services import (
    cancel_authorisation,
    choose_accounts,
    continue_authorisation,
    disconnect,
    start_link,
    start_renewal,
)
from nostro.hub.organizations.models import Role
from nostro.hub.pages.forms import FindBankForm
from nostro.hub.pages.once import new_form_key, once
from nostro.hub.pages.progress import progress_of
from nostro.hub.pages.shell import (
    OrganizationRequest,
    is_sandbox,
    now,
    organization_page,
    psu_context,
    remember,
    show,
)
from nostro.people.models import User
from nostro.web.errors import Problem
from nostro.web.secrets import open_sealed, seal

STEPS = (
    gettext_lazy("Find your bank"),
    gettext_lazy("What is shared"),
    gettext_lazy("At your bank"),
    gettext_lazy("Choose accounts"),
    gettext_lazy("First import"),
)
MAX_RESULTS = 20
REDIRECT_LIFETIME_S = 1800
#: What a bank may send back in the address; more is cut.
MAX_PARAMETERS = 20
MAX_PARAMETER_LENGTH = 2000


@organization_page(role=Role.ADMIN)
def find_bank(request: OrganizationRequest, mode: str) -> HttpResponse:
    """Step 1: search by name, BIC, IBAN or bank code."""
    sandbox = is_sandbox(mode)
    form = FindBankForm(request.GET or None, initial={"country": "" if sandbox else request.organization.country})
    problem, found = None, None
    if sandbox or (form.is_bound and form.is_valid() and form.cleaned_data["q"]):
        text = form.cleaned_data["q"] if form.is_bound and form.is_valid() else ""
        country = form.cleaned_data["country"] if form.is_bound and form.is_valid() else ""
        try:
            found = search(text, country=country, sandbox=sandbox, limit=MAX_RESULTS)
        except Problem as refused:
            problem = refused
    return show(
        request, "find_bank.html", form=form, found=found, problem=problem, mode=mode, steps=STEPS, room="accounts"
    )


@organization_page(role=Role.ADMIN)
def share(request: OrganizationRequest, mode: str, institution_id: uuid.UUID) -> HttpResponse:
    """Step 2: what will be shared and for how long. POST asks the bank for a consent; a double click asks once."""
    institution = get_institution(institution_id)
    sandbox = is_sandbox(mode)
    problem = None
    if request.method == "POST":
        form_key = request.POST.get("form_key") or new_form_key()
        try:
            made = once(form_key, lambda: _start(request, institution_id, sandbox))
            return redirect("hub:at_the_bank", authorisation_id=made)
        except Problem as refused:
            problem = refused
    return show(
        request,
        "share.html",
        institution=institution,
        route=institution.routes.filter(enabled=True).order_by("-recommended").first(),
        needs_billing=not sandbox and not billing_is_complete(request.organization),
        problem=problem,
        mode=mode,
        steps=STEPS,
        form_key=new_form_key(),
        room="accounts",
    )


def _start(request: OrganizationRequest, institution_id: uuid.UUID, sandbox: bool) -> uuid.UUID:
    authorisation, step = start_link(
        request.user,
        request.organization,
        get_institution(institution_id),
        is_sandbox=sandbox,
        psu=psu_context(request),
        now=now(),
    )
    return _remember_step(authorisation, step)


def _remember_step(authorisation: Authorisation, step: AuthorisationStep) -> uuid.UUID:
    """Keep the bank's address, sealed, for the page that leads there. Raises Problem for steps without a page."""
    if not isinstance(step, Redirect):
        raise Problem(
            _("This bank asks for a step that these pages do not know yet."),
            why=_("It does not send you to its own site, but wants a code or an app."),
            what_to_do=_("Choose another bank, or ask the operator of this Hub."),
            code="stepNotSupported",
        )
    cache.set(_cache_key(authorisation.id), seal(step.url, context=_cache_key(authorisation.id)), REDIRECT_LIFETIME_S)
    return authorisation.id


@login_required
def at_the_bank(request: HttpRequest, authorisation_id: uuid.UUID) -> HttpResponse:
    """Step 3: what will happen at the bank, and the link there."""
    authorisation = _access(request, authorisation_id)
    if authorisation.status == "choosing":
        return redirect("hub:choose_accounts", authorisation_id=authorisation.id)
    sealed = cache.get(_cache_key(authorisation.id)) if authorisation.status == "open" else None
    bank_url = open_sealed(sealed, context=_cache_key(authorisation.id)).decode() if sealed else ""
    expired = authorisation.status == "open" and authorisation.expires_at <= now()
    return show(
        request,
        "at_the_bank.html",
        authorisation=authorisation,
        institution=authorisation.connection.institution,
        bank_url="" if expired else bank_url,
        mode=_mode(authorisation),
        steps=STEPS,
        room="accounts",
    )


@login_required
def returned(request: HttpRequest) -> HttpResponse:
    """The bank sends the browser back. That proves nothing: the connector asks the bank."""
    assert isinstance(request.user, User)
    parameters = {key: str(value)[:MAX_PARAMETER_LENGTH] for key, value in list(request.GET.items())[:MAX_PARAMETERS]}
    answer = PsuInput("callback", parameters)
    authorisation, step = continue_authorisation(
        request.user, state_token=request.GET.get("state", ""), answer=answer, psu=psu_context(request), now=now()
    )
    if isinstance(step, Failed):
        return redirect("hub:at_the_bank", authorisation_id=authorisation.id)
    return redirect("hub:choose_accounts", authorisation_id=authorisation.id)


@login_required
@require_POST
def cancel(request: HttpRequest, authorisation_id: uuid.UUID) -> HttpResponse:
    """The person changed their mind; nothing is left behind."""
    authorisation = _access(request, authorisation_id)
    assert isinstance(request.user, User)
    cancel_authorisation(request.user, authorisation.id, now=now())
    messages.info(request, _("Nothing was linked. You can start again at any time."))
    return redirect("hub:accounts", organization_id=authorisation.organization_id, mode=_mode(authorisation))


@login_required
def choose(request: HttpRequest, authorisation_id: uuid.UUID) -> HttpResponse:
    """Step 4: which of the accounts that the bank shows are wanted here."""
    authorisation = _access(request, authorisation_id)
    assert isinstance(request.user, User)
    if authorisation.status == "finished":
        return redirect("hub:first_import", authorisation_id=authorisation.id)
    if authorisation.status != "choosing":
        return redirect("hub:at_the_bank", authorisation_id=authorisation.id)
    accounts = accounts_of_connection(authorisation.connection)
    problem = None
    if request.method == "POST":
        offered = {str(account.id): account.id for account in accounts}
        chosen = [offered[value] for value in request.POST.getlist("accounts") if value in offered]
        try:
            choose_accounts(request.user, authorisation.id, chosen, now=now(), psu=psu_context(request))
            return redirect("hub:first_import", authorisation_id=authorisation.id)
        except Problem as refused:
            if refused.code == "accountsChosen":
                return redirect("hub:first_import", authorisation_id=authorisation.id)
            problem = refused
    return show(
        request,
        "choose_accounts.html",
        authorisation=authorisation,
        accounts=accounts,
        # The first time nothing is chosen yet: all are proposed.
        preselected={each.id for each in accounts if each.is_selected} or {each.id for each in accounts},
        problem=problem,
        mode=_mode(authorisation),
        steps=STEPS,
        room="accounts",
    )


@login_required
def first_import(request: HttpRequest, authorisation_id: uuid.UUID) -> HttpResponse:
    """Step 5: how many transactions have arrived, live. The import goes on when the page is left."""
    authorisation = _access(request, authorisation_id)
    accounts = [each for each in accounts_of_connection(authorisation.connection) if each.is_selected]
    progress = progress_of(accounts)
    template = "first_import_progress.html" if request.headers.get("HX-Request") else "first_import.html"
    return show(
        request,
        template,
        authorisation=authorisation,
        progress=progress,
        running=any(each.is_running for each in progress),
        mode=_mode(authorisation),
        steps=STEPS,
        room="accounts",
    )


@login_required
@require_POST
def renew(request: HttpRequest, connection_id: uuid.UUID) -> HttpResponse:
    """Renew the consent in place. The present one keeps working until the new one does."""
    assert isinstance(request.user, User)
    user = request.user
    connection = access_connection(user, connection_id)

    def start() -> uuid.UUID:
        return _remember_step(*start_renewal(user, connection.id, psu=psu_context(request), now=now()))

    made = once(request.POST.get("form_key") or new_form_key(), start)
    return redirect("hub:at_the_bank", authorisation_id=made)


@login_required
@require_POST
def disconnect_bank(request: HttpRequest, connection_id: uuid.UUID) -> HttpResponse:
    """End the connection: no more reading, the consent is given back."""
    assert isinstance(request.user, User)
    connection = access_connection(request.user, connection_id)
    disconnect(request.user, connection.id, now=now())
    messages.success(request, _("The bank is disconnected. What was read so far stays readable."))
    mode = "sandbox" if connection.is_sandbox else "live"
    return redirect("hub:accounts", organization_id=connection.organization_id, mode=mode)


def _access(request: HttpRequest, authorisation_id: uuid.UUID) -> Authorisation:
    assert isinstance(request.user, User)
    authorisation = access_authorisation(request.user, authorisation_id)
    remember(request, authorisation.organization)
    return authorisation


def _mode(authorisation: Authorisation) -> str:
    return "sandbox" if authorisation.connection.is_sandbox else "live"


def _cache_key(authorisation_id: uuid.UUID) -> str:
    return f"bank-address:{authorisation_id}"
