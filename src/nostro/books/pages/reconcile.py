"""Reconciling: the list on the left, the line and its proposals on the right (books.md 16.10, first form)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from nostro.books.companies.models import Company, Role
from nostro.books.journals.models import Journal, Line
from nostro.books.journals.queries import access_line, journals_of, lines_of
from nostro.books.ledger.queries import accounts_of
from nostro.books.pages.forms import AccountMatchForm, LineFilterForm
from nostro.books.pages.journals import chosen_filter, filter_tabs, search_text
from nostro.books.pages.shell import CompanyRequest, company_page, now, person, remember, show
from nostro.books.pages.states import journal_title, line_state
from nostro.books.reconcile.candidates import candidates
from nostro.books.reconcile.models import MatchGroup
from nostro.books.reconcile.queries import access_match_group, match_groups_of
from nostro.books.reconcile.services import reconcile_with_account, reconcile_with_items, set_to_check, undo
from nostro.web.errors import NotFound, Problem
from nostro.web.forms import add_problem
from nostro.web.once import new_form_key, once

LIST_LENGTH = 50
MAX_CANDIDATES = 20


@company_page()
def reconcile(request: CompanyRequest) -> HttpResponse:
    """What is not explained yet? The first line is chosen unless the address names one."""
    return page(request, request.company)


def page(
    request: HttpRequest,
    company: Company,
    *,
    line: Line | None = None,
    form: AccountMatchForm | None = None,
    problem: Problem | None = None,
) -> HttpResponse:
    """The whole page; ``form`` and ``problem`` say what was refused for ``line``."""
    journal = _journal(request, company)
    filter_form = LineFilterForm(request.GET)
    found = lines_of(
        company, journal=journal, filter=chosen_filter(request, "not_matched"), text=search_text(filter_form),
        cursor=request.GET.get("cursor", ""), limit=LIST_LENGTH,
    )  # fmt: skip
    line = line or _chosen(request, company, found.items)
    older = request.GET.copy()
    older["cursor"] = found.next_cursor
    older.pop("line", None)
    accounts = accounts_of(company)
    here = reverse("books:reconcile", kwargs={"company_id": company.id})
    return show(
        request,
        "reconcile.html",
        lines=[(each, line_state(each), _query(request, line=each.id)) for each in found.items],
        here=here,
        tabs=filter_tabs(request, "not_matched", here),
        filter_form=filter_form,
        chosen_filter=chosen_filter(request, "not_matched"),
        journals=journals_of(company),
        journal=journal,
        older=f"{here}?{older.urlencode()}" if found.next_cursor else "",
        line=line,
        state=line_state(line) if line else None,
        line_journal=journal_title(line.journal) if line else "",
        candidates=_candidates(request, line),
        groups=match_groups_of(line) if line else [],
        form=form or AccountMatchForm(accounts=accounts),
        accounts=accounts,
        find=request.GET.get("find", "")[:100],
        problem=problem,
        done=_done(request, company),
        query=request.GET.urlencode(),
        form_key=new_form_key(),
        room="reconcile",
    )


def _candidates(request: HttpRequest, line: Line | None) -> list[object]:
    if line is None or line.status != "posted" or line.reconciled:
        return []
    return list(candidates(line, text=request.GET.get("find", "")[:100], limit=MAX_CANDIDATES))


def _chosen(request: HttpRequest, company: Company, lines: Sequence[Line]) -> Line | None:
    named = request.GET.get("line", "")
    if not named:
        return lines[0] if lines else None
    found = access_line(person(request), _uuid(named, "line"))
    if found.company_id != company.id:
        raise NotFound("line")
    return found


def _journal(request: HttpRequest, company: Company) -> Journal | None:
    named = request.GET.get("journal", "")
    return next((each for each in journals_of(company) if str(each.id) == named), None)


def _done(request: HttpRequest, company: Company) -> MatchGroup | None:
    """The match that was just made, so that it can be taken back at once."""
    named = request.GET.get("done", "")
    if not named:
        return None
    group = access_match_group(person(request), _uuid(named, "match"))
    return group if group.company_id == company.id and group.undone_at is None else None


def _uuid(text: str, resource: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound(resource) from None


def _query(request: HttpRequest, **changes: object) -> str:
    query = request.GET.copy()
    for gone in ("line", "done", "find"):
        query.pop(gone, None)
    for name, value in changes.items():
        query[name] = str(value)
    return query.urlencode()


@login_required
@require_POST
def match_account(request: HttpRequest, line_id: uuid.UUID) -> HttpResponse:
    """Explain a line, or a part of it, by an account of the chart. A double click matches once."""
    line = _line(request, line_id)
    form = AccountMatchForm(request.POST, accounts=accounts_of(line.company))
    if not form.is_valid():
        return page(request, line.company, line=line, form=form)
    data = form.cleaned_data

    def match() -> MatchGroup:
        return reconcile_with_account(
            person(request), line.id, data["account"].id, amount=data["amount"], label=data["label"], now=now()
        )

    try:
        made = once(request.POST.get("form_key") or new_form_key(), lambda: match().id)
    except Problem as problem:
        add_problem(form, problem)
        return page(request, line.company, line=line, form=form)
    return _next(request, line.company, made)


@login_required
@require_POST
def match_items(request: HttpRequest, line_id: uuid.UUID) -> HttpResponse:
    """Explain a line by one or several open items; what is left on either side stays open."""
    line = _line(request, line_id)
    chosen = [_uuid(value, "item") for value in request.POST.getlist("items")[:100]]

    def match() -> MatchGroup:
        if not chosen:
            raise Problem(_("No open item is chosen."), what_to_do=_("Mark at least one."), code="nothingChosen")
        return reconcile_with_items(person(request), line.id, chosen, now=now())

    try:
        made = once(request.POST.get("form_key") or new_form_key(), lambda: match().id)
    except NotFound:
        raise
    except Problem as problem:
        return page(request, line.company, line=line, problem=problem)
    return _next(request, line.company, made)


@login_required
@require_POST
def undo_match(request: HttpRequest, group_id: uuid.UUID) -> HttpResponse:
    """Take a match back: the amounts are open again, on both sides."""
    group = access_match_group(person(request), group_id)
    remember(request, group.company)
    undo(person(request), group.id, now=now())
    messages.success(request, _("The match is taken back. Line and open items are open again."))
    address = reverse("books:reconcile", kwargs={"company_id": group.company_id})
    return redirect(f"{address}?{_query(request, line=group.line_id)}")


@login_required
@require_POST
def check_line(request: HttpRequest, line_id: uuid.UUID) -> HttpResponse:
    """Mark a line *To check*, or take the mark away. No amount changes."""
    line = _line(request, line_id)
    set_to_check(person(request), line.id, request.POST.get("value") == "yes")
    address = reverse("books:reconcile", kwargs={"company_id": line.company_id})
    return redirect(f"{address}?{_query(request, line=line.id)}")


def _line(request: HttpRequest, line_id: uuid.UUID) -> Line:
    line = access_line(person(request), line_id, role=Role.CLERK)
    remember(request, line.company)
    return line


def _next(request: HttpRequest, company: Company, made: uuid.UUID) -> HttpResponse:
    """On to the next line of the list, with the way to take this match back."""
    address = reverse("books:reconcile", kwargs={"company_id": company.id})
    return redirect(f"{address}?{_query(request, done=made)}")
