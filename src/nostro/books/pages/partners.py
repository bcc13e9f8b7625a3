"""Customers and suppliers: who they are, what is open, and the account numbers their payments are known by."""

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

from nostro.books.companies.models import Role
from nostro.books.ledger.models import Partner
from nostro.books.ledger.partners import (
    access_partner,
    add_number,
    add_partner,
    change_partner,
    documents_of_partner,
    find_partners,
    numbers_of,
    open_items_of,
    owing,
    set_number_active,
)
from nostro.books.pages.reconcile import as_id
from nostro.books.pages.shell import CompanyRequest, company_page, now, person, remember, show
from nostro.books.reconcile.automation import something_changed
from nostro.web.errors import NotFound, Problem
from nostro.web.forms import add_problem
from nostro.web.once import new_form_key, once


class PartnerDetailsForm(forms.Form):
    """What a partner is called."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    vat_number = forms.CharField(label=gettext_lazy("VAT number"), max_length=20, required=False)


class PartnerEditForm(PartnerDetailsForm):
    """The same for one that exists; archived ones are no longer suggested."""

    active = forms.BooleanField(label=gettext_lazy("In use"), required=False)


class NumberForm(forms.Form):
    """An account number."""

    account_number = forms.CharField(label=gettext_lazy("Account number"), max_length=70)


@company_page()
def partners(request: CompanyRequest) -> HttpResponse:
    """Who are our customers and suppliers, and what is open with them?"""
    text, archived = request.GET.get("q", "")[:100], request.GET.get("show") == "archived"
    found, following = find_partners(
        request.company, text=text, archived=archived, after=request.GET.get("after", "")[:200]
    )
    amounts = owing(request.company, found)
    tabs = [
        {"url": "?", "label": _("In use"), "current": not archived},
        {"url": "?show=archived", "label": _("Archived"), "current": archived},
    ]
    return show(
        request,
        "partners.html",
        rows=[(partner, amounts[partner.id]) for partner in found],
        tabs=tabs,
        archived=archived,
        text=text,
        following=following,
        room="partners",
    )


@company_page(role=Role.CLERK)
def new_partner(request: CompanyRequest) -> HttpResponse:
    """Make a partner. A double click makes one."""
    form = PartnerDetailsForm(request.POST or None)
    form_key = request.POST.get("form_key") or new_form_key()
    if request.method == "POST" and form.is_valid():

        def make() -> uuid.UUID:
            made: uuid.UUID = add_partner(person(request), request.company, **form.cleaned_data).id
            return made

        try:
            once(form_key, make)
        except Problem as problem:
            add_problem(form, problem)
        else:
            messages.success(request, _("The partner is made."))
            return redirect("books:partners", company_id=request.company.id)
    return show(request, "new_partner.html", form=form, form_key=form_key, room="partners")


@login_required
def partner(request: HttpRequest, partner_id: uuid.UUID) -> HttpResponse:
    """One customer or supplier."""
    found = access_partner(person(request), partner_id, role=Role.CLERK if request.method == "POST" else None)
    remember(request, found.company)
    initial = {"name": found.name, "vat_number": found.vat_number, "active": found.active}
    form = PartnerEditForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            change_partner(person(request), found.id, **form.cleaned_data)
        except Problem as problem:
            add_problem(form, problem)
        else:
            something_changed(found.company, now=now())
            messages.success(request, _("Saved."))
            return redirect("books:partner", partner_id=found.id)
    return _partner_page(request, found, form, NumberForm())


@login_required
@require_POST
def change_numbers(request: HttpRequest, partner_id: uuid.UUID) -> HttpResponse:
    """Add an account number, or stop or begin to know the partner by one."""
    user = person(request)
    found = access_partner(user, partner_id, role=Role.CLERK)
    remember(request, found.company)
    change = request.POST.get("change", "")
    if change in {"on", "off"}:
        set_number_active(user, found.id, as_id(request.POST.get("number", ""), "account number"), change == "on")
    elif change == "add":
        form = NumberForm(request.POST)
        try:
            if form.is_valid():
                add_number(user, found.id, form.cleaned_data["account_number"])
        except Problem as problem:
            add_problem(form, problem)
        if not form.is_valid():
            details = PartnerEditForm(initial={"name": found.name, "active": found.active})
            return _partner_page(request, found, details, form)
    else:
        raise NotFound("change")
    something_changed(found.company, now=now())
    return redirect("books:partner", partner_id=found.id)


def _partner_page(request: HttpRequest, found: Partner, form: forms.Form, number_form: forms.Form) -> HttpResponse:
    return show(
        request,
        "partner.html",
        partner=found,
        form=form,
        number_form=number_form,
        owing=owing(found.company, [found])[found.id],
        numbers=numbers_of(found),
        items=open_items_of(found),
        documents=documents_of_partner(found),
        room="partners",
    )
