"""The first steps of adding an account: find the bank, see what is shared, ask for a consent.

Leaving loses nothing and back always works: every step is an address of its own, and what the bank needs to know is in
an authorisation that expires by itself (connectors.md 1.3). What follows at the bank is in ``authorising``.
"""

from __future__ import annotations

import uuid

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy

from nostro.hub.billing.queries import billing_is_complete
from nostro.hub.directory.maintenance import maintenance_now
from nostro.hub.directory.queries import get_institution, search
from nostro.hub.linking.services import start_link
from nostro.hub.organizations.models import Role
from nostro.hub.pages.forms import FindBankForm
from nostro.hub.pages.once import new_form_key, once
from nostro.hub.pages.shell import OrganizationRequest, is_sandbox, now, organization_page, psu_context, show
from nostro.hub.pages.states import no_access_sentence
from nostro.web.errors import Problem

STEPS = (
    gettext_lazy("Find your bank"),
    gettext_lazy("What is shared"),
    gettext_lazy("At your bank"),
    gettext_lazy("Choose accounts"),
    gettext_lazy("First import"),
)
MAX_RESULTS = 20
MAX_PSU_ID_LENGTH = 100


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
        request,
        "find_bank.html",
        form=form,
        found=found,
        worked_on={bank.id for bank in found or () if maintenance_now(bank, now())},
        problem=problem,
        mode=mode,
        steps=STEPS,
        room="accounts",
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
    route = institution.routes.filter(enabled=True).order_by("-recommended").first()
    work = maintenance_now(institution, now())
    return show(
        request,
        "share.html",
        institution=institution,
        route=route,
        work=no_access_sentence(work.ends, now()) if work else "",
        # Who never leaves for the bank's own pages is asked there for nothing, so the bank must know beforehand.
        asks_psu_id=sandbox or (route is not None and bool({"embedded", "decoupled"} & {*route.sca_approaches})),
        psu_id=request.POST.get("psu_id", "")[:MAX_PSU_ID_LENGTH],
        needs_billing=not sandbox and not billing_is_complete(request.organization),
        problem=problem,
        mode=mode,
        steps=STEPS,
        form_key=new_form_key(),
        room="accounts",
    )


def _start(request: OrganizationRequest, institution_id: uuid.UUID, sandbox: bool) -> uuid.UUID:
    authorisation, _step = start_link(
        request.user,
        request.organization,
        get_institution(institution_id),
        is_sandbox=sandbox,
        psu=psu_context(request),
        now=now(),
        psu_id=request.POST.get("psu_id", "")[:MAX_PSU_ID_LENGTH],
    )
    made: uuid.UUID = authorisation.id
    return made
