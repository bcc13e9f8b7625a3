"""Payments that were ordered at the bank: which are on their way, what the bank rejected, and new ones."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from nostro.books.companies.models import Company, Role
from nostro.books.journals.queries import journals_of
from nostro.books.ledger.models import PaymentState
from nostro.books.pages.fields import DateField
from nostro.books.pages.reconcile import as_id
from nostro.books.pages.shell import CompanyRequest, company_page, now, person, remember, show, tell_refusal
from nostro.books.pages.states import journal_title
from nostro.books.reconcile.payments import (
    LIST_LIMIT,
    access_payment,
    change_payment,
    order_payments,
    payable_items,
    payments_of,
)
from nostro.web.errors import Problem
from nostro.web.forms import add_problem
from nostro.web.once import new_form_key, once


class OrderForm(forms.Form):
    """From which account, on which day, and whether as one batch."""

    journal = forms.ChoiceField(label=gettext_lazy("Paid from"))
    date = DateField(label=gettext_lazy("Date"))
    batch_reference = forms.CharField(
        label=gettext_lazy("Reference of the batch"), max_length=35, required=False,
        help_text=gettext_lazy("With one, they are expected as one bank line. Empty: each on a line of its own."),
    )  # fmt: skip
    message_id = forms.CharField(
        label=gettext_lazy("Message id"), max_length=35, required=False,
        help_text=gettext_lazy("Of the file that went to the bank, if there is one."),
    )  # fmt: skip

    def __init__(self, *args: Any, company: Company, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["journal"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(str(each.id), journal_title(each)) for each in journals_of(company)]


@company_page()
def payments(request: CompanyRequest) -> HttpResponse:
    """What is on its way? ``?show=all`` also lists what is settled, returned or cancelled."""
    show_all = request.GET.get("show") == "all"
    tabs = [
        {"url": "?show=waiting", "label": _("On their way"), "current": not show_all},
        {"url": "?show=all", "label": _("All"), "current": show_all},
    ]
    found = list(payments_of(request.company.id, waiting_only=not show_all)[:LIST_LIMIT])
    return show(
        request, "payments.html", payments=found, tabs=tabs, show_all=show_all, limit=LIST_LIMIT, room="documents"
    )


@company_page(role=Role.CLERK)
def add_payments(request: CompanyRequest) -> HttpResponse:
    """Choose what is being paid. A double click registers it once."""
    form = OrderForm(request.POST or None, initial={"date": now().date()}, company=request.company)
    form_key = request.POST.get("form_key") or new_form_key()
    chosen = request.POST.getlist("items")
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            amounts = dict.fromkeys(as_id(each, "open item") for each in chosen)
            once(
                form_key,
                lambda: order_payments(
                    person(request), uuid.UUID(data["journal"]), amounts, date=data["date"],
                    batch_reference=data["batch_reference"], message_id=data["message_id"], now=now(),
                )[0].id,
            )  # fmt: skip
        except Problem as problem:
            add_problem(form, problem)
        else:
            messages.success(request, _("They are expected on a bank line now."))
            return redirect("books:payments", company_id=request.company.id)
    items = list(payable_items(request.company.id)[:LIST_LIMIT])
    return show(
        request, "add_payments.html", form=form, form_key=form_key, items=items, chosen=chosen, room="documents"
    )  # fmt: skip


@login_required
@require_POST
def change(request: HttpRequest, payment_id: uuid.UUID) -> HttpResponse:
    """Rejected, expected again, or cancelled."""
    payment = access_payment(person(request), payment_id, role=Role.CLERK)
    remember(request, payment.company)
    try:
        changed = change_payment(person(request), payment_id, request.POST.get("state", ""), now=now())
    except Problem as problem:
        tell_refusal(request, problem)
    else:
        told = {
            PaymentState.REJECTED: _("It is left out of its batch, and what it paid stays open."),
            PaymentState.OUTSTANDING: _("It is expected on a bank line again."),
            PaymentState.CANCELLED: _("It is cancelled."),
        }
        messages.success(request, told[PaymentState(changed.state)])
    return redirect("books:payments", company_id=payment.company_id)
