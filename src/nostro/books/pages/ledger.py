"""The chart of accounts with balances, and what was booked on one account, so that the double entry can be seen."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from nostro.books.companies.models import Role
from nostro.books.companies.queries import require_role
from nostro.books.journals.held import enter_rate, move_lock
from nostro.books.journals.queries import journals_of
from nostro.books.ledger.chart_balances import balances_of, items_of
from nostro.books.ledger.models import EntryItem
from nostro.books.ledger.queries import access_account, account_balance
from nostro.books.ledger.rates import rates_of
from nostro.books.ledger.suspense import choose_suspense, suspense_candidates, suspense_of
from nostro.books.links.failures import clear_decided
from nostro.books.pages.forms import LockForm, NewRateForm, SuspenseForm
from nostro.books.pages.shell import CompanyRequest, company_page, now, person, remember, show
from nostro.web.errors import Problem
from nostro.web.forms import add_problem


@dataclass(frozen=True)
class SidedItem:
    """An item as books write it: positive figures, in the column of its side, in the company's currency."""

    item: EntryItem
    debit: Decimal | None
    credit: Decimal | None


def sided(items: Iterable[EntryItem]) -> list[SidedItem]:
    """Items with their amounts in two columns."""
    return [
        SidedItem(item, item.amount if item.amount >= 0 else None, -item.amount if item.amount < 0 else None)
        for item in items
    ]


@company_page()
def chart(request: CompanyRequest) -> HttpResponse:
    """What is where? Every account with its balance; debits and credits are equal."""
    rows = balances_of(request.company)
    booked = [row for row in rows if row.debit or row.credit]
    show_all = request.GET.get("show") == "all"
    return show(
        request,
        "chart.html",
        rows=rows if show_all else booked,
        unused=len(rows) - len(booked),
        show_all=show_all,
        debit=sum(row.debit for row in rows),
        credit=sum(row.credit for row in rows),
        room="chart",
    )


@transaction.atomic
def _move_locks(request: CompanyRequest, form: LockForm) -> int:
    """All locks of the form, with what they end, or nothing."""
    posted = sum(
        move_lock(person(request), request.company, form.cleaned_data[kind], which=kind, now=now())
        for kind in form.changed_locks
    )
    for journal in journals_of(request.company):
        clear_decided(journal, now=now())
    return posted


@transaction.atomic
def _enter_rate(request: CompanyRequest, form: NewRateForm) -> int:
    """The rate, the lines that it posts, and what that ends; or nothing."""
    data, company = form.cleaned_data, request.company
    posted = enter_rate(
        person(request), company, data["currency"], data["valid_from"], data["rate"], source=data["source"], now=now()
    )
    for journal in journals_of(company):
        clear_decided(journal, now=now())
    return posted


@company_page(role=Role.ACCOUNTANT)
def lock(request: CompanyRequest) -> HttpResponse:
    """Set the last locked days; lines that only an old lock held are posted."""
    form = LockForm(request.POST or None, company=request.company)
    if request.method == "POST" and form.is_valid():
        try:
            posted = _move_locks(request, form)
        except Problem as problem:
            add_problem(form, problem)
        else:
            messages.success(request, _("The lock is set."))
            if posted:
                told = ngettext("%(n)s held line is posted.", "%(n)s held lines are posted.", posted)
                messages.success(request, told % {"n": posted})
            return redirect("books:chart", company_id=request.company.id)
    return show(request, "lock.html", form=form, room="chart")


@company_page(role=Role.ACCOUNTANT)
def suspense(request: CompanyRequest) -> HttpResponse:
    """Where do bank lines wait until they are explained? The remedy of L-NO-SUSPENSE."""
    candidates, chosen = suspense_candidates(request.company), suspense_of(request.company)
    form = SuspenseForm(request.POST or None, accounts=candidates, chosen=chosen)
    if request.method == "POST" and form.is_valid():
        account = next(each for each in candidates if str(each.id) == form.cleaned_data["account"])
        try:
            choose_suspense(person(request), request.company, account)
        except Problem as problem:
            add_problem(form, problem)
        else:
            messages.success(request, _("The suspense account is set."))
            return redirect("books:chart", company_id=request.company.id)
    return show(request, "suspense.html", form=form, room="chart")


@company_page()
def rates(request: CompanyRequest) -> HttpResponse:
    """What is a foreign currency worth, from when on, and who says so?"""
    form = NewRateForm(request.POST or None, initial={"valid_from": now().date()})
    if request.method == "POST":
        require_role(person(request), request.company.id, Role.ACCOUNTANT, "company")
        if form.is_valid():
            try:
                posted = _enter_rate(request, form)
            except Problem as problem:
                add_problem(form, problem)
            else:
                told = ngettext(
                    "The rate is kept; %(n)s line is posted.", "The rate is kept; %(n)s lines are posted.", posted
                )
                messages.success(request, told % {"n": posted} if posted else _("The rate is kept."))
                return redirect("books:rates", company_id=request.company.id)
    return show(request, "rates.html", form=form, rates=rates_of(request.company), room="chart")


@login_required
def account(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """The newest items of one account."""
    found = access_account(person(request), account_id)
    remember(request, found.company)
    items, older = items_of(found, request.GET.get("cursor", ""))
    return show(
        request, "account.html", account=found, balance=account_balance(found), items=sided(items),
        older=f"?cursor={older}" if older else "", room="chart",
    )  # fmt: skip
