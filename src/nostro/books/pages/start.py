"""First steps: the front page of the Books, a new company, the switcher."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from nostro.books.companies.models import Company
from nostro.books.companies.queries import companies_of
from nostro.books.companies.services import create_company
from nostro.books.pages.forms import CompanyForm
from nostro.books.pages.shell import LAST_COMPANY, person, show
from nostro.web.errors import Problem
from nostro.web.forms import add_problem
from nostro.web.once import new_form_key, once


@login_required
def front(request: HttpRequest) -> HttpResponse:
    """Lead to the company last looked at; without any, to making one."""
    companies = companies_of(person(request))
    if not companies:
        return redirect("books:new_company")
    last = request.session.get(LAST_COMPANY)
    chosen = next((each for each in companies if str(each.id) == last), companies[0])
    return redirect("books:company", company_id=chosen.id)


@login_required
def new_company(request: HttpRequest) -> HttpResponse:
    """Create a company with its chart of accounts; its maker becomes its owner. A double click makes one."""
    form = CompanyForm(request.POST or None, initial={"country": "BE", "currency": "EUR"})
    form_key = request.POST.get("form_key") or new_form_key()
    if request.method == "POST" and form.is_valid():
        try:
            made = once(form_key, lambda: _create(request, form).id)
        except Problem as problem:
            add_problem(form, problem)
        else:
            return redirect("books:company", company_id=made)
    return show(request, "new_company.html", form=form, form_key=form_key)


def _create(request: HttpRequest, form: CompanyForm) -> Company:
    return create_company(person(request), **form.cleaned_data)
