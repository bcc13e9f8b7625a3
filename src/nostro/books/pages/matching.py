"""What is done with one line on the page *Reconcile* (books.md 16.10). Two clicks on a button act once."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from nostro.books.companies.models import Role
from nostro.books.journals.models import Line
from nostro.books.journals.queries import access_line
from nostro.books.ledger.models import Purpose
from nostro.books.ledger.queries import accounts_of
from nostro.books.ledger.services import get_partner
from nostro.books.pages.forms import AccountMatchForm, PartnerForm
from nostro.books.pages.reconcile import as_id, chosen_items, list_query, page
from nostro.books.pages.rest_form import RestForm
from nostro.books.pages.shell import now, person, remember
from nostro.books.reconcile.choosing import book_to_partner, choose_option, set_partner
from nostro.books.reconcile.closing import close_with
from nostro.books.reconcile.models import MatchGroup
from nostro.books.reconcile.queries import access_match_group
from nostro.books.reconcile.rules.services import press
from nostro.books.reconcile.services import reconcile_with_account, reconcile_with_items, set_to_check, undo
from nostro.web.errors import NotFound, Problem
from nostro.web.forms import add_problem
from nostro.web.once import new_form_key, once


@login_required
@require_POST
def match_option(request: HttpRequest, line_id: uuid.UUID) -> HttpResponse:
    """Apply a suggestion that is shown."""
    line = _line(request, line_id)
    key = request.POST.get("key", "")[:40]
    return _match(request, line, lambda: choose_option(person(request), line.id, key, now=now()))


@login_required
@require_POST
def match_account(request: HttpRequest, line_id: uuid.UUID) -> HttpResponse:
    """Explain a line, or a part of it, by an account of the chart."""
    line = _line(request, line_id)
    form = AccountMatchForm(request.POST, accounts=accounts_of(line.company))
    if not form.is_valid():
        return page(request, line.company, line=line, forms={"account": form})
    data = form.cleaned_data

    def match() -> MatchGroup:
        return reconcile_with_account(
            person(request), line.id, data["account"].id, amount=data["amount"], label=data["label"], now=now()
        )

    try:
        made = _once(request, line, match)
    except Problem as problem:
        add_problem(form, problem)
        return page(request, line.company, line=line, forms={"account": form})
    return _next(request, line, made)


@login_required
@require_POST
def match_partner_account(request: HttpRequest, line_id: uuid.UUID, purpose: str) -> HttpResponse:
    """Book a line to the partner's receivable or payable account."""
    line = _line(request, line_id)
    return _match(request, line, lambda: book_to_partner(person(request), line.id, Purpose(purpose), now=now()))


@login_required
@require_POST
def press_rule(request: HttpRequest, line_id: uuid.UUID) -> HttpResponse:
    """The button of a rule."""
    line = _line(request, line_id)
    rule_id = as_id(request.POST.get("key", ""), "rule")
    return _match(request, line, lambda: press(person(request), line.id, rule_id, now=now()))


@login_required
@require_POST
def match_items(request: HttpRequest, line_id: uuid.UUID) -> HttpResponse:
    """Explain a line by open items. What is left on either side stays open, unless an account is named for it."""
    line = _line(request, line_id)
    chosen = chosen_items(request)
    form = RestForm(request.POST, accounts=accounts_of(line.company))
    if not form.is_valid():
        return page(request, line.company, line=line, forms={"rest": form})
    account, user = form.cleaned_data["rest_account"], person(request)

    def match() -> MatchGroup:
        if not chosen:
            raise Problem(_("No open item is chosen."), what_to_do=_("Mark at least one."), code="nothingChosen")
        if account is None:
            return reconcile_with_items(user, line.id, chosen, now=now())
        group = close_with(user, line.id, chosen, form.rests, now=now())
        if form.cleaned_data["rest_to_check"]:
            set_to_check(user, line.id, True)
        return group

    return _match(request, line, match, form)


@login_required
@require_POST
def undo_match(request: HttpRequest, group_id: uuid.UUID) -> HttpResponse:
    """Take a match back: the amounts are open again, on both sides."""
    group = access_match_group(person(request), group_id)
    remember(request, group.company)
    undo(person(request), group.id, now=now())
    messages.success(request, _("The match is taken back. Line and open items are open again."))
    return _to(request, group.line, line=group.line_id)


@login_required
@require_POST
def check_line(request: HttpRequest, line_id: uuid.UUID) -> HttpResponse:
    """Mark a line *To check*, or take the mark away. No amount changes."""
    line = _line(request, line_id)
    set_to_check(person(request), line.id, request.POST.get("value") == "yes")
    return _to(request, line, line=line.id)


@login_required
@require_POST
def change_partner(request: HttpRequest, line_id: uuid.UUID) -> HttpResponse:
    """Say whose payment a line is; an empty name takes it back. A new name makes a partner only when that is asked."""
    line = _line(request, line_id)
    form = PartnerForm(request.POST, company=line.company)
    if not form.is_valid():
        return page(request, line.company, line=line, forms={"partner": form})
    partner, name = form.cleaned_data["found"], form.cleaned_data["partner"]
    if partner is None and name:
        partner = get_partner(line.company, name)
    set_partner(person(request), line.id, partner.id if partner else None)
    return _to(request, line, line=line.id)


def _match(
    request: HttpRequest, line: Line, match: Callable[[], MatchGroup], form: RestForm | None = None
) -> HttpResponse:  # fmt: skip
    try:
        made = _once(request, line, match)
    except NotFound:
        raise
    except Problem as problem:
        return page(request, line.company, line=line, problem=problem, forms={"rest": form} if form else None)
    return _next(request, line, made)


def _once(request: HttpRequest, line: Line, match: Callable[[], MatchGroup]) -> uuid.UUID:
    """One page has one form key for all its buttons, so the line and what was pressed make it a key of their own."""
    pressed = f"{line.id} {request.path} {request.POST.get('key', '')}"
    key = f"{(request.POST.get('form_key') or new_form_key())[:36]}-{hashlib.sha256(pressed.encode()).hexdigest()[:20]}"
    return once(key, lambda: match().id)


def _line(request: HttpRequest, line_id: uuid.UUID) -> Line:
    line = access_line(person(request), line_id, role=Role.CLERK)
    remember(request, line.company)
    return line


def _next(request: HttpRequest, line: Line, made: uuid.UUID) -> HttpResponse:
    """On to the next line of the list, with the way to take this match back. Who matched another line than the one
    that is looked at stays where they are."""
    looked_at = request.GET.get("line", "")
    if looked_at in ("", str(line.id)):
        looked_at = request.POST.get("next", "")
    return _to(request, line, done=made, line=looked_at)


def _to(request: HttpRequest, of: Line, **changes: object) -> HttpResponse:
    address = reverse("books:reconcile", kwargs={"company_id": of.company_id})
    return redirect(f"{address}?{list_query(request, **changes)}#line")
