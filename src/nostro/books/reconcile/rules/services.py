"""The verbs on rules (books.md 16.8): make, edit as a new version, order, switch, allow to apply, remove, press."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from nostro.books.companies.models import Company, Role
from nostro.books.companies.queries import require_role
from nostro.books.journals.queries import access_line
from nostro.books.reconcile.applications import of_option
from nostro.books.reconcile.applying import apply_one
from nostro.books.reconcile.automation import something_changed
from nostro.books.reconcile.engine import Definition, Proposal
from nostro.books.reconcile.engine.rules import book_by_rule
from nostro.books.reconcile.loading import load_lines
from nostro.books.reconcile.models import MatchGroup, Rule, RuleKind, RuleVersion
from nostro.books.reconcile.rules.checking import check_definition
from nostro.books.reconcile.rules.loading import live_rule, stored_form
from nostro.core.text import clean
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

#: Rules of one company; each is tried on every line.
MAX_RULES = 200


def access_rule(user: User, rule_id: UUID, *, role: Role | None = None) -> Rule:
    """A rule of one of the person's companies, else :class:`NotFound`."""
    rule = Rule.objects.select_related("company", "version").filter(pk=rule_id).first()
    if rule is None:
        raise NotFound("rule")
    require_role(user, rule.company_id, role, "rule")
    return rule


def rules_of(user: User, company: Company, *, archived: bool = False) -> list[Rule]:
    """The rules of a company in their order, with their current versions."""
    require_role(user, company.id, None, "company")
    return list(
        Rule.objects.filter(company=company, archived_at__isnull=not archived)
        .select_related("version")
        .order_by("sequence", "id")[: 2 * MAX_RULES]
    )


@transaction.atomic
def create_rule(
    user: User, company: Company, *, name: str, kind: str, definition: dict[str, Any] | Definition, now: dt.datetime
) -> Rule:
    """A rule at the end of the order, switched on, that suggests. Raises :class:`Problem` for what makes no sense."""
    require_role(user, company.id, Role.ACCOUNTANT, "company")
    return add_rule(company, name=name, kind=kind, definition=definition, actor=user, now=now)


def add_rule(
    company: Company,
    *,
    name: str,
    kind: str,
    definition: dict[str, Any] | Definition,
    actor: User | None,
    now: dt.datetime,
    shipped: str = "",
) -> Rule:
    """The same for what Nostro brings along: ``shipped`` rules come switched off."""
    if kind not in RuleKind.values:
        raise Problem("This is no kind of rule.", what_to_do="Choose a button or automated.", code="ruleInvalid")
    rules = Rule.objects.filter(company=company, archived_at=None)
    if rules.count() >= MAX_RULES:
        raise Problem(f"There are {MAX_RULES} rules already.", what_to_do="Archive one first.", code="tooManyRules")
    last = rules.aggregate(last=Max("sequence"))["last"] or 0
    rule = Rule.objects.create(company=company, sequence=last + 10, kind=kind, shipped=shipped, active=not shipped)
    _add_version(rule, name, definition, actor, now)
    record(
        tenant_id=company.id,
        actor=actor,
        action="rule.created",
        obj=rule,
        sentence=f"The rule “{name}” was made.",
        after=_said(rule),
    )
    if rule.active:
        something_changed(company, now=now)
    return rule


@transaction.atomic
def edit_rule(
    user: User, rule_id: UUID, *, name: str, definition: dict[str, Any] | Definition, now: dt.datetime
) -> Rule:
    """A new version; it only suggests until it was simulated and allowed to apply. Matches keep theirs."""
    rule = _locked(user, rule_id)
    before = _said(rule)
    _add_version(rule, name, definition, user, now)
    _changed(rule, user, f"The rule “{name}” was edited.", before, now)
    return rule


@transaction.atomic
def set_active(user: User, rule_id: UUID, active: bool, *, now: dt.datetime) -> Rule:
    """Switch a rule on or off."""
    rule = _locked(user, rule_id)
    before, rule.active = _said(rule), active
    rule.save(update_fields=["active"])
    _changed(rule, user, f"The rule was switched {'on' if active else 'off'}.", before, now)
    return rule


@transaction.atomic
def set_applies(user: User, rule_id: UUID, applies: bool, *, now: dt.datetime) -> Rule:
    """Let a rule apply without a person. Raises :class:`Problem` unless its version was simulated (books.md 16.8)."""
    rule = _locked(user, rule_id)
    if applies:
        _check_may_apply(rule)
    before, rule.applies = _said(rule), applies
    rule.save(update_fields=["applies"])
    said = "The rule applies by itself." if applies else "The rule only suggests."
    _changed(rule, user, said, before, now)
    return rule


def _check_may_apply(rule: Rule) -> None:
    assert rule.version is not None
    live = live_rule(rule, rule.version)
    if rule.kind != RuleKind.AUTOMATED:
        raise Problem(
            "A button does nothing by itself.", what_to_do="Make the rule an automated one.", code="ruleIsManual"
        )  # fmt: skip
    if not live.definition.looks_at_evidence:
        raise Problem(
            "This rule looks at nothing but amounts.",
            why="Nothing is matched by itself on an amount alone.",
            what_to_do="Add a text or a partner to its conditions.",
            code="ruleHasNoEvidence",
        )
    if not rule.version.simulations.exists():
        raise Problem(
            "This version was never simulated.",
            why="A rule applies by itself only after it was tried on the lines of the past.",
            what_to_do="Simulate it and look at the result.",
            code="ruleNotSimulated",
        )


@transaction.atomic
def order_rules(user: User, company: Company, rule_ids: Sequence[UUID], *, now: dt.datetime) -> None:
    """Put rules in this order; those not named follow in the order they had."""
    require_role(user, company.id, Role.ACCOUNTANT, "company")
    rules = Rule.objects.select_for_update().filter(company=company, archived_at=None).order_by("sequence", "id")
    known = {rule.id: rule for rule in rules}
    if any(rule_id not in known for rule_id in rule_ids):
        raise NotFound("rule")
    ordered = list(dict.fromkeys([*rule_ids, *known]))
    for place, rule_id in enumerate(ordered, 1):
        known[rule_id].sequence = 10 * place
    Rule.objects.bulk_update(known.values(), ["sequence"])
    record(
        tenant_id=company.id,
        actor=user,
        action="rule.ordered",
        obj=company,
        sentence="The order of the rules was changed.",
        after={"rules": [str(rule_id) for rule_id in ordered]},
    )
    something_changed(company, now=now)


@transaction.atomic
def move_rule(user: User, rule_id: UUID, places: int, *, now: dt.datetime) -> None:
    """Move a rule up (negative) or down in the order; at either end it stays."""
    rule = _locked(user, rule_id)
    order = [one.id for one in rules_of(user, rule.company)]
    place = order.index(rule.id)
    order.insert(max(0, place + places), order.pop(place))
    order_rules(user, rule.company, order, now=now)


@transaction.atomic
def remove_rule(user: User, rule_id: UUID, *, now: dt.datetime) -> bool:
    """Delete a rule that never matched anything, else archive it. True if it was deleted."""
    rule = _locked(user, rule_id)
    used = bool(rule.shipped) or MatchGroup.objects.filter(rule_version__rule=rule).exists()
    before = _said(rule)
    rule.archived_at, rule.active, rule.applies = now, False, False
    rule.save(update_fields=["archived_at", "active", "applies"])
    _changed(rule, user, "The rule was archived." if used else "The rule was deleted.", before, now)
    if not used:
        Rule.objects.filter(pk=rule.pk).update(version=None)
        rule.delete()
    return not used


@transaction.atomic
def press(user: User, line_id: UUID, rule_id: UUID, *, now: dt.datetime) -> MatchGroup:
    """The button of a rule on a line. Raises :class:`Problem` where its amounts do not fit the line."""
    line = access_line(user, line_id, role=Role.CLERK)
    rule = access_rule(user, rule_id, role=Role.CLERK)
    if rule.company_id != line.company_id or rule.archived_at is not None or not rule.active or rule.version is None:
        raise NotFound("rule")
    facts = load_lines(line.company, [line.id])
    try:
        option = book_by_rule(live_rule(rule, rule.version), facts[0], line.partner_id) if facts else None
    except TimeoutError:
        option = None
    if option is None:
        raise Problem(
            "The rule does not fit this line.",
            why="The line is explained already, its label holds no amount, or the amounts of the rule exceed it.",
            what_to_do="Look at the line, or choose an account.",
            code="ruleDoesNotFit",
        )
    (application,) = of_option(line.company, Proposal(line.id, "suggest", (option,)), option, facts[0].rest)
    return apply_one(line.company, application, actor=user, now=now)


# --- parts --------------------------------------------------------------------------------------------------------


def _locked(user: User, rule_id: UUID) -> Rule:
    rule = access_rule(user, rule_id, role=Role.ACCOUNTANT)
    rule = Rule.objects.select_for_update(of=("self",)).select_related("company", "version").get(pk=rule.pk)
    if rule.archived_at is not None:
        raise Problem("This rule is archived.", what_to_do="Make a new one.", code="ruleArchived")
    return rule


def _add_version(
    rule: Rule, name: str, definition: dict[str, Any] | Definition, actor: User | None, now: dt.datetime
) -> None:
    checked = check_definition(rule.company, rule.kind, definition)
    name = clean(name, 100)
    if not name:
        raise Problem("The rule has no name.", what_to_do="Type one.", code="nameMissing", field="name")
    last = rule.versions.aggregate(last=Max("number"))["last"] or 0
    rule.version = RuleVersion.objects.create(
        rule=rule, number=last + 1, name=name, definition=stored_form(checked), created_by=actor, created_at=now
    )
    rule.applies = False
    rule.save(update_fields=["version", "applies"])


def _said(rule: Rule) -> dict[str, Any]:
    version = rule.version
    return {
        "version": version.number if version else 0,
        "name": version.name if version else "",
        "active": rule.active,
        "applies": rule.applies,
    }


def _changed(rule: Rule, user: User, sentence: str, before: dict[str, Any], now: dt.datetime) -> None:
    record(
        tenant_id=rule.company_id,
        actor=user,
        action="rule.changed",
        obj=rule,
        sentence=sentence,
        before=before,
        after=_said(rule),
    )
    something_changed(rule.company, now=now)
