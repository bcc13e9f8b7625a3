"""Proposals for lines, reconciliation rules and learned ones, as endpoints."""

from __future__ import annotations

import datetime as dt
from uuid import UUID
from zoneinfo import ZoneInfo

from nostro.books.api import documents as show
from nostro.books.api.call import Call, Document, invalid
from nostro.books.companies.models import Role
from nostro.books.journals.queries import access_line
from nostro.books.reconcile.choosing import choose_option
from nostro.books.reconcile.queries import proposals_for
from nostro.books.reconcile.rules import learning, services
from nostro.books.reconcile.rules.simulating import simulate_version


def get_proposal(call: Call, key: UUID) -> Document:
    """What is proposed for a line and why, and what was refused. Nothing is written."""
    line = call.own(access_line, key)
    return {"data": show.proposal(line, proposals_for([line]).get(line.id))}


def choose(call: Call, key: UUID) -> Document:
    """Apply one of the options that the proposal shows."""
    line = call.own(access_line, key)
    return {"data": show.match(choose_option(call.user, line.id, call.text("key")[:40], now=call.now))}


def press_rule(call: Call, key: UUID) -> Document:
    """Explain a line with a rule of the kind *Manual*."""
    line = call.own(access_line, key)
    call.require(Role.CLERK)
    rule_id = call.id("ruleId")
    if rule_id is None:
        raise invalid("ruleId is missing.", "ruleId")
    rule = call.own(services.access_rule, rule_id)
    return {"data": show.match(services.press(call.user, line.id, rule.id, now=call.now))}


def list_rules(call: Call) -> Document:
    archived = call.query.get("archived") == "true"
    return call.page(services.rules_of(call.user, call.company, archived=archived), show.rule)


def create_rule(call: Call) -> Document:
    made = services.create_rule(
        call.user, call.company, name=call.text("name"), kind=call.text("kind"), definition=_definition(call),
        now=call.now,
    )  # fmt: skip
    return {"data": show.rule(made)}


def _definition(call: Call) -> dict[str, object]:
    given = call.attributes.get("definition")
    if not isinstance(given, dict):
        raise invalid("definition must be an object.", "definition")
    return given


def get_rule(call: Call, key: UUID) -> Document:
    return {"data": show.rule(call.own(services.access_rule, key))}


def edit_rule(call: Call, key: UUID) -> Document:
    """A new version; matches keep theirs."""
    found = call.own(services.access_rule, key)
    edited = services.edit_rule(
        call.user, found.id, name=call.text("name"), definition=_definition(call), now=call.now
    )  # fmt: skip
    return {"data": show.rule(edited)}


def switch_rule(call: Call, key: UUID) -> Document:
    found = call.own(services.access_rule, key)
    return {"data": show.rule(services.set_active(call.user, found.id, call.flag("active"), now=call.now))}


def let_rule_apply(call: Call, key: UUID) -> Document:
    """Without a person; its version must have been simulated."""
    found = call.own(services.access_rule, key)
    return {"data": show.rule(services.set_applies(call.user, found.id, call.flag("applies"), now=call.now))}


def simulate_rule(call: Call, key: UUID) -> Document:
    """Run the current version on the last twelve months; no line is changed."""
    found = call.own(services.access_rule, key)
    number = found.version.number if found.version else 0
    made = simulate_version(call.user, found.id, number, today=_today(call), now=call.now)
    return {"data": show.simulation(made)}


def remove_rule(call: Call, key: UUID) -> Document:
    """Delete a rule that was never used; a used one is archived."""
    found = call.own(services.access_rule, key)
    deleted = services.remove_rule(call.user, found.id, now=call.now)
    return {"data": {"type": "rule", "id": str(key), "attributes": {"deleted": deleted}}}


def order_rules(call: Call) -> Document:
    """All rules in their order; the first that hits wins."""
    services.order_rules(call.user, call.company, call.ids("ruleIds"), now=call.now)
    return list_rules(call)


def list_learned(call: Call) -> Document:
    return call.page(learning.learned_of(call.user, call.company), show.learned_rule)


def approve_learned(call: Call, key: UUID) -> Document:
    found = call.own(learning.access_learned, key)
    return {"data": show.rule(learning.approve_learned(call.user, found.id, today=_today(call), now=call.now))}


def decline_learned(call: Call, key: UUID) -> Document:
    found = call.own(learning.access_learned, key)
    learning.decline_learned(call.user, found.id, now=call.now)
    return {"data": show.learned_rule(found)}


def _today(call: Call) -> dt.date:
    return call.now.astimezone(ZoneInfo(call.company.time_zone)).date()
