"""Rules of reconciliation (books.md 16.8): the list in its order, a rule made from a line, edited as a new version,
simulated, allowed to apply; and the rules that are proposed (16.11)."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from nostro.books.companies.models import Company, Role
from nostro.books.journals.models import Line
from nostro.books.journals.queries import access_line, journals_of
from nostro.books.ledger.queries import accounts_of, partners_of
from nostro.books.pages.reconcile import as_id
from nostro.books.pages.rule_form import RuleForms
from nostro.books.pages.rule_words import Words
from nostro.books.pages.shell import CompanyRequest, company_page, now, person, remember, show
from nostro.books.pages.states import State
from nostro.books.reconcile.engine import Definition
from nostro.books.reconcile.engine.rules import Direction
from nostro.books.reconcile.models import Rule, RuleKind, Simulation
from nostro.books.reconcile.queries import match_groups_of
from nostro.books.reconcile.rules.learning import access_learned, approve_learned, decline_learned, learned_of
from nostro.books.reconcile.rules.loading import definition_of
from nostro.books.reconcile.rules.services import (
    access_rule,
    create_rule,
    move_rule,
    remove_rule,
    rules_of,
    set_active,
    set_applies,
)
from nostro.books.reconcile.rules.services import edit_rule as save_version
from nostro.books.reconcile.rules.simulating import simulate_version
from nostro.web.errors import NotFound, Problem
from nostro.web.forms import add_problem
from nostro.web.once import new_form_key, once


@dataclass(frozen=True)
class RuleRow:
    """A rule in words."""

    rule: Rule
    conditions: list[str]
    outcome: list[str]
    state: State
    simulation: Simulation | None


@company_page()
def rules(request: CompanyRequest) -> HttpResponse:
    """What does Nostro know of recurring lines? The first rule that fits a line wins."""
    user, company = person(request), request.company
    found = rules_of(user, company, archived=request.GET.get("show") == "archived")
    words = Words(company)
    return show(
        request,
        "rules.html",
        rows=[_row(rule, words) for rule in found],
        archived=request.GET.get("show") == "archived",
        learned=learned_of(user, company),
        room="reconcile",
    )


@company_page(role=Role.ACCOUNTANT)
def add_rule(request: CompanyRequest) -> HttpResponse:
    """A rule, filled in from the line that the address names."""
    company = request.company
    line = _named_line(request, company)
    parts = _forms(request, company, initial=_initial(line) if line else {"kind": RuleKind.AUTOMATED})

    def make() -> uuid.UUID:
        data = parts.rule.cleaned_data
        rule = create_rule(
            person(request), company, name=data["name"], kind=data["kind"], definition=parts.definition(), now=now()
        )
        made: uuid.UUID = rule.id
        return made

    if _is_saved(request, parts, make):
        messages.success(request, _("The rule is made. It suggests; simulate it before it may apply by itself."))
        return redirect("books:rules", company_id=company.id)
    return _form_page(request, parts, line=line)


@login_required
def edit_rule(request: HttpRequest, rule_id: uuid.UUID) -> HttpResponse:
    """A new version of a rule. What it matched keeps the version that matched it."""
    user = person(request)
    rule = access_rule(user, rule_id, role=Role.ACCOUNTANT)
    remember(request, rule.company)
    assert rule.version is not None
    definition = definition_of(rule.version.definition)
    initial = {"name": rule.version.name, "kind": rule.kind}
    parts = _forms(request, rule.company, initial=initial, definition=definition)
    del parts.rule.fields["kind"]  # a button does not become an automated rule

    def save() -> uuid.UUID:
        name = parts.rule.cleaned_data["name"]
        saved: uuid.UUID = save_version(user, rule.id, name=name, definition=parts.definition(), now=now()).id
        return saved

    if _is_saved(request, parts, save):
        messages.success(request, _("Saved as a new version. It suggests until it was simulated and allowed to apply."))
        return redirect("books:rules", company_id=rule.company_id)
    return _form_page(request, parts, rule=rule)


@login_required
@require_POST
def change_rule(request: HttpRequest, rule_id: uuid.UUID) -> HttpResponse:
    """Simulate a rule, let it apply or only suggest, switch it on or off, move it, or remove it."""
    user = person(request)
    rule = access_rule(user, rule_id, role=Role.ACCOUNTANT)
    remember(request, rule.company)
    change = request.POST.get("change", "")
    if change == "simulate":
        assert rule.version is not None
        done = simulate_version(user, rule.id, rule.version.number, today=timezone.localdate(), now=now())
        messages.success(
            request, _("%(n)s lines of the last twelve months were looked at. Nothing was changed.") % {"n": done.lines}
        )  # fmt: skip
        return redirect("books:simulation", rule_id=rule.id)
    if change in {"apply", "suggest"}:
        set_applies(user, rule.id, change == "apply", now=now())
    elif change in {"on", "off"}:
        set_active(user, rule.id, change == "on", now=now())
    elif change in {"up", "down"}:
        move_rule(user, rule.id, -1 if change == "up" else 1, now=now())
    elif change == "place":
        move_rule(user, rule.id, _places(request), now=now())
    elif change == "remove":
        remove_rule(user, rule.id, now=now())
    else:
        raise NotFound("change")
    return redirect("books:rules", company_id=rule.company_id)


def _places(request: HttpRequest) -> int:
    """How far a rule was dragged: down is positive."""
    typed = request.POST.get("places", "")
    if not re.fullmatch(r"-?[0-9]{1,4}", typed):
        raise NotFound("place")
    return int(typed)


@login_required
@require_POST
def decide_learned(request: HttpRequest, learned_id: uuid.UUID) -> HttpResponse:
    """Make a rule of what was learned, or never propose it again."""
    user = person(request)
    learned = access_learned(user, learned_id, role=Role.ACCOUNTANT)
    remember(request, learned.company)
    if request.POST.get("decision") == "approve":
        approve_learned(user, learned.id, today=timezone.localdate(), now=now())
        messages.success(request, _("The rule is made and simulated. It suggests until you let it apply by itself."))
    elif request.POST.get("decision") == "decline":
        decline_learned(user, learned.id, now=now())
        messages.success(request, _("Declined. It is not proposed again."))
    else:
        raise NotFound("decision")
    return redirect("books:rules", company_id=learned.company_id)


# --- the form -----------------------------------------------------------------------------------------------------


def _forms(
    request: HttpRequest, company: Company, *, initial: dict[str, Any], definition: Definition | None = None
) -> RuleForms:
    return RuleForms(
        company,
        accounts=accounts_of(company),
        journals=journals_of(company),
        data=request.POST if request.method == "POST" else None,
        initial=initial,
        definition=definition,
    )


def _is_saved(request: HttpRequest, parts: RuleForms, save: Callable[[], uuid.UUID]) -> bool:
    """Save what was posted, once; a refusal stands in the form."""
    if request.method != "POST" or parts.wants_more or not parts.is_valid():
        return False
    try:
        once(request.POST.get("form_key") or new_form_key(), save)
    except Problem as problem:
        add_problem(parts.rule, problem)
        return False
    return True


def _form_page(
    request: HttpRequest, parts: RuleForms, *, rule: Rule | None = None, line: Line | None = None
) -> HttpResponse:  # fmt: skip
    company = parts.rule.company
    return show(
        request,
        "rule_form.html",
        parts=parts,
        rule=rule,
        line=line,
        company=company,
        accounts=accounts_of(company),
        partners=partners_of(company),
        form_key=request.POST.get("form_key") or new_form_key(),
        room="reconcile",
    )


def _named_line(request: HttpRequest, company: Company) -> Line | None:
    named = request.GET.get("line", "")
    line = access_line(person(request), as_id(named, "line")) if named else None
    if line is not None and line.company_id != company.id:
        raise NotFound("line")
    return line


def _initial(line: Line) -> dict[str, Any]:
    """The words of a line that come again, the account it went to, and its direction."""
    words = " ".join(word for word in re.split(r"\s+", line.label) if not any(c.isdigit() for c in word))
    booked = next((part.account for group in match_groups_of(line) for part in group.parts.all()), None)
    name = (words or line.counterparty_name)[:100]
    return {
        "name": name,
        "texts": [{"value": name}],
        "lines": [{"account": str(booked) if booked else "", "amount": 100}],
        "direction": Direction.RECEIVED if line.amount > 0 else Direction.PAID,
        "kind": RuleKind.AUTOMATED,
    }


def _row(rule: Rule, words: Words) -> RuleRow:
    assert rule.version is not None
    definition = definition_of(rule.version.definition)
    return RuleRow(
        rule,
        words.conditions(definition),
        words.outcome(definition),
        _state(rule),
        rule.version.simulations.order_by("-created_at").first(),
    )


def _state(rule: Rule) -> State:
    if rule.archived_at is not None:
        return State("quiet", _("Archived"))
    if not rule.active:
        return State("quiet", _("Off"))
    if rule.kind == RuleKind.MANUAL:
        return State("act", _("Button"))
    return State("good", _("Applies by itself")) if rule.applies else State("act", _("Suggests"))
