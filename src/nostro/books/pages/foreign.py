"""The page on which a person states what a line was in the currency it was paid in (books.md 14.2)."""

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

from nostro.books.companies.models import Role
from nostro.books.journals.foreign import state_foreign_amount
from nostro.books.journals.queries import access_line
from nostro.books.ledger.queries import open_items
from nostro.books.pages.fields import AmountField
from nostro.books.pages.forms import CurrencyField
from nostro.books.pages.shell import person, remember, show
from nostro.web.errors import Problem
from nostro.web.forms import add_problem

#: Currencies of open items that are offered beside the field.
MAX_CURRENCIES = 20


class ForeignForm(forms.Form):
    """An amount in another currency; the sign is the line's."""

    foreign_amount = AmountField(
        label=gettext_lazy("Amount in the foreign currency"),
        help_text=gettext_lazy("As the bank or the invoice says it. The sign is that of the line."),
    )
    foreign_currency = CurrencyField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["foreign_currency"].widget.attrs["list"] = "currencies"


@login_required
def foreign_amount(request: HttpRequest, line_id: uuid.UUID) -> HttpResponse:
    """What was it in the currency it was paid in? It is said once, and gives the rate for matching."""
    line = access_line(person(request), line_id, role=Role.CLERK)
    remember(request, line.company)
    form = ForeignForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            state_foreign_amount(person(request), line.id, data["foreign_amount"], data["foreign_currency"])
        except Problem as problem:
            add_problem(form, problem)
        else:
            messages.success(request, _("The foreign amount is kept. Matching takes its rate from it."))
            return redirect("books:line", line_id=line.id)
    known = {line.currency, line.company.currency}
    currencies = open_items(line.company).exclude(currency__in=known).values_list("currency", flat=True)
    return show(
        request, "foreign_amount.html", form=form, line=line, room="dashboard",
        currencies=list(currencies.order_by("currency").distinct()[:MAX_CURRENCIES]),
    )  # fmt: skip
