"""Rules of reconciliation (books.md 16.8): the list in its order, a rule made from a line, its simulation, whether it
may apply by itself, its button on a line."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from nostro.books.companies.models import Company, Role
from nostro.books.journals.models import Line
from nostro.books.journals.queries import access_line
from nostro.books.ledger.models import LedgerAccount
from nostro.books.ledger.queries import accounts_of
from nostro.books.pages.forms import RuleForm
from nostro.books.pages.reconcile import as_id
from nostro.books.pages.shell import CompanyRequest, company_page, now, person, remember, show
from nostro.books.pages.states import State
from nostro.books.reconcile.engine import Definition
from nostro.books.reconcile.engine.rules import Counterpart, Direction, Matching, Operator, TextCondition, Where
from nostro.books.reconcile.models import Rule, RuleKind, Simulation
from nostro.books.reconcile.queries import match_groups_of
from nostro.books.reconcile.rules.loading import definition_of
from nostro.books.reconcile.rules.services import (
    access_rule,
    create_rule,
    remove_rule,
    rules_of,
    set_active,
    set_applies,
)
from nostro.books.reconcile.rules.simulating import simulate_version
from nostro.web.errors import NotFound, Problem
from nostro.web.forms import add_problem
from nostro.web.once import new_form_key, once

_OPERATORS = {
    Operator.CONTAINS: gettext_lazy("contains “%(text)s”"),
    Operator.NOT_CONTAINS: gettext_lazy("does not contain “%(text)s”"),
    Operator.REGEX: gettext_lazy("fits the expression “%(text)s”"),
}
_MATCHING = {
    Matching.NONE: gettext_lazy("sets the partner"),
    Matching.EXACT: gettext_lazy("the partner's open items of exactly this amount"),
    Matching.DISCOUNT: gettext_lazy("the partner's open item less its early-payment discount"),
    Matching.TOLERANCE: gettext_lazy("the partner's open item, a small difference is written off"),
}


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
    found = rules_of(person(request), request.company)
    accounts = {account.id: account for account in accounts_of(request.company)}
    return show(request, "rules.html", rows=[_row(rule, accounts) for rule in found], room="reconcile")


@company_page(role=Role.ACCOUNTANT)
def add_rule(request: CompanyRequest) -> HttpResponse:
    """A rule, filled in from the line that the address names."""
    company = request.company
    accounts = accounts_of(company)
    line = _named_line(request, company)
    form = RuleForm(request.POST or None, accounts=accounts, initial=_initial(line) if line else {})
    form_key = request.POST.get("form_key") or new_form_key()
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        user = person(request)
        try:
            once(
                form_key,
                lambda: (
                    create_rule(
                        user, company, name=data["name"], kind=data["kind"], definition=_definition(data), now=now()
                    ).id
                ),
            )
        except Problem as problem:
            add_problem(form, problem)
        else:
            messages.success(request, _("The rule is made. It suggests; simulate it before it may apply by itself."))
            return redirect("books:rules", company_id=company.id)
    return show(
        request, "add_rule.html", form=form, form_key=form_key, accounts=accounts, line=line, room="reconcile"
    )  # fmt: skip


@login_required
@require_POST
def change_rule(request: HttpRequest, rule_id: uuid.UUID) -> HttpResponse:
    """Simulate a rule, let it apply or only suggest, switch it on or off, or remove it."""
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
    elif change in {"apply", "suggest"}:
        set_applies(user, rule.id, change == "apply", now=now())
    elif change in {"on", "off"}:
        set_active(user, rule.id, change == "on", now=now())
    elif change == "remove":
        remove_rule(user, rule.id, now=now())
    else:
        raise NotFound("change")
    return redirect("books:rules", company_id=rule.company_id)


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
        "text": name,
        "account": str(booked) if booked else "",
        "direction": Direction.RECEIVED if line.amount > 0 else Direction.PAID,
        "kind": RuleKind.AUTOMATED,
    }


def _definition(data: dict[str, Any]) -> Definition:
    texts = (TextCondition(Where.LABEL, Operator.CONTAINS, data["text"]),) if data["text"] else ()
    return Definition(
        texts=texts,
        direction=Direction(data["direction"]),
        counterparts=(Counterpart(account_id=data["account"].id, label=data["label"]),),
        to_check=data["to_check"],
    )


def _row(rule: Rule, accounts: dict[uuid.UUID, LedgerAccount]) -> RuleRow:
    assert rule.version is not None
    definition = definition_of(rule.version.definition)
    conditions = [str(_OPERATORS[one.operator]) % {"text": one.value} for one in definition.texts]
    if definition.direction != Direction.BOTH:
        received = definition.direction == Direction.RECEIVED
        conditions.append(_("money received") if received else _("money paid"))
    if definition.amount_min is not None:
        conditions.append(_("at least %(amount)s") % {"amount": definition.amount_min})
    if definition.amount_max is not None:
        conditions.append(_("at most %(amount)s") % {"amount": definition.amount_max})
    booked = [accounts.get(one.account_id) for one in definition.counterparts if one.account_id]
    outcome = [str(account) for account in booked if account] or [str(_MATCHING[definition.matching])]
    return RuleRow(
        rule, conditions, outcome, _state(rule), rule.version.simulations.order_by("-created_at").first()
    )  # fmt: skip


def _state(rule: Rule) -> State:
    if not rule.active:
        return State("quiet", _("Off"))
    if rule.kind == RuleKind.MANUAL:
        return State("act", _("Button"))
    return State("good", _("Applies by itself")) if rule.applies else State("act", _("Suggests"))
