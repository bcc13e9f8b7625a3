"""Pages of what a company decides once: its chart from a file, and how it reconciles (books.md 14.1, 14.3, 16)."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from nostro.books.companies.models import ReconcileMode, Role
from nostro.books.ledger.chart_import import import_chart
from nostro.books.ledger.imports import ImportErrors
from nostro.books.ledger.models import AccountKind, Purpose
from nostro.books.pages.forms import TableFileForm
from nostro.books.pages.shell import CompanyRequest, company_page, person, show
from nostro.books.reconcile.automation import (
    MAX_GRACE_DAYS,
    MAX_LOOK_BACK_MONTHS,
    automation_of,
    change_settings,
)
from nostro.web.errors import Problem
from nostro.web.forms import add_problem


class ReconcileSettingsForm(forms.Form):
    """How a company reconciles."""

    enabled = forms.BooleanField(
        label=_lazy("Apply what is certain by itself"), required=False,
        help_text=_lazy("An exact reference or number, or a rule that was allowed to. Otherwise it is only proposed."),
    )  # fmt: skip
    grace_days = forms.IntegerField(
        label=_lazy("Days of grace for early payment"), min_value=0, max_value=MAX_GRACE_DAYS,
        help_text=_lazy("A discount is still offered so many days after its last day."),
    )  # fmt: skip
    look_back_months = forms.IntegerField(
        label=_lazy("Months to look back"), min_value=1, max_value=MAX_LOOK_BACK_MONTHS,
        help_text=_lazy("Older open items are not proposed. Your own search finds them."),
    )  # fmt: skip
    reconcile_mode = forms.ChoiceField(
        label=_lazy("When a line is matched"), choices=ReconcileMode.choices,
        help_text=_lazy("In a locked period the bank entry always stays as it is. What was matched already stays too."),
    )  # fmt: skip


@company_page(role=Role.ACCOUNTANT)
def import_accounts(request: CompanyRequest) -> HttpResponse:
    """Read a file of accounts: all rows or none. The same file again changes nothing."""
    form = TableFileForm(request.POST or None, request.FILES or None)
    errors = []
    if request.method == "POST" and form.is_valid():
        try:
            outcome = import_chart(person(request), request.company.id, form.cleaned_data["file"].read())
        except ImportErrors as refused:
            errors = refused.errors
        except Problem as problem:
            add_problem(form, problem)
        else:
            told = _("%(created)s new, %(changed)s changed, %(known)s known already.") % {
                "created": outcome.created,
                "changed": outcome.changed,
                "known": outcome.known,
            }
            messages.success(request, told)
            return redirect("books:chart", company_id=request.company.id)
    return show(
        request, "import_accounts.html", form=form, errors=errors, kinds=AccountKind.choices,
        purposes=Purpose.choices, room="chart",
    )  # fmt: skip


@company_page(role=Role.ACCOUNTANT)
def reconcile_settings(request: CompanyRequest) -> HttpResponse:
    """How does the company reconcile?"""
    now = automation_of(request.company)
    initial = {
        "enabled": now.enabled,
        "grace_days": now.grace_days,
        "look_back_months": now.look_back_months,
        "reconcile_mode": request.company.reconcile_mode,
    }
    form = ReconcileSettingsForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            change_settings(person(request), request.company, **form.cleaned_data)
        except Problem as problem:
            add_problem(form, problem)
        else:
            messages.success(request, _("The settings are kept."))
            return redirect("books:reconcile", company_id=request.company.id)
    return show(request, "reconcile_settings.html", form=form, room="reconcile")
