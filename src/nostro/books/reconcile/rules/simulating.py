"""Try a version on the past (books.md 16.8): what it would have done, beside what people did. Writes nothing (I-19)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal
from uuid import UUID

import msgspec
from django.db import connection, transaction

from nostro.books.companies.models import Company, Role
from nostro.books.reconcile.engine import Book, Definition, LineFacts, LiveRule, OpenItem, PartnerBook, Rules, read_line
from nostro.books.reconcile.engine.partners import PartnerFinding
from nostro.books.reconcile.engine.reading import LineEvidence
from nostro.books.reconcile.engine.rules import Matching
from nostro.books.reconcile.engine.steps import Case, partner_and_amount
from nostro.books.reconcile.loading import load_items_of, load_partners, load_past_lines
from nostro.books.reconcile.models import MatchPart, RuleVersion, Simulation
from nostro.books.reconcile.rules.loading import live_rule
from nostro.books.reconcile.rules.services import access_rule
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import NotFound

#: How far back by default, lines looked at, and examples kept of each verdict.
DEFAULT_DAYS, MAX_LINES, MAX_EXAMPLES = 365, 5_000, 20

Kind = Literal["agrees", "differs", "newly", "missed"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a version would do to a line, beside what was done: ids of accounts, items or partners."""

    line_id: UUID
    kind: Kind
    would: tuple[UUID, ...]
    did: tuple[UUID, ...]


@dataclass(slots=True)
class Result:
    """Counts by verdict, and examples."""

    date_from: dt.date
    lines: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("agrees", "differs", "newly", "missed"), 0))
    examples: list[Verdict] = field(default_factory=list)

    def add(self, verdict: Verdict) -> None:
        """Count a verdict; the first of each kind are examples."""
        self.counts[verdict.kind] += 1
        if self.counts[verdict.kind] <= MAX_EXAMPLES:
            self.examples.append(verdict)


@dataclass(slots=True)
class _Done:
    """What live matches did to a line."""

    accounts: set[UUID] = field(default_factory=set)
    partners: set[UUID] = field(default_factory=set)
    items: dict[UUID, Decimal] = field(default_factory=dict)  # what was taken of each
    by_rule: bool = False


@contextmanager
def read_only() -> Iterator[None]:
    """PostgreSQL refuses every write inside; what was set goes with the savepoint."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL transaction_read_only = on")
        yield
        transaction.set_rollback(True)


@transaction.atomic
def simulate_version(user: User, rule_id: UUID, version_number: int, *, today: dt.date, now: dt.datetime) -> Simulation:
    """Simulate a version on the last twelve months and keep the result, which is what lets it apply by itself."""
    rule = access_rule(user, rule_id, role=Role.ACCOUNTANT)
    version = RuleVersion.objects.filter(rule=rule, number=version_number).first()
    if version is None:
        raise NotFound("rule version")
    live = replace(live_rule(rule, version), applies=False)
    result = simulate(rule.company, live, since=today - dt.timedelta(days=DEFAULT_DAYS))
    stored = Simulation.objects.create(
        version=version,
        date_from=result.date_from,
        lines=result.lines,
        examples=msgspec.to_builtins(result.examples),
        created_by=user,
        created_at=now,
        **result.counts,
    )
    record(
        tenant_id=rule.company_id,
        actor=user,
        action="rule.simulated",
        obj=rule,
        sentence=f"Version {version.number} of “{version.name}” was simulated on {result.lines} lines.",
        after=dict(result.counts),
    )
    return stored


def simulate(company: Company, rule: LiveRule, *, since: dt.date) -> Result:
    """What a version would do to the lines since a day, newest first, at most :data:`MAX_LINES`."""
    with read_only():
        lines = load_past_lines(company, since, MAX_LINES)
        past = _Past(company, rule, lines)
        result = Result(since, len(lines))
        for line in lines:
            verdict = past.verdict(line)
            if verdict is not None:
                result.add(verdict)
    return result


class _Past:
    """Past lines, what was done to them, and a rule that is tried on them."""

    def __init__(self, company: Company, rule: LiveRule, lines: Sequence[LineFacts]) -> None:
        self.rule, self.rules = rule, Rules([rule])
        ids = [line.id for line in lines]
        mapping = self.rules if rule.definition.is_mapping else Rules()
        self.partners: PartnerBook = load_partners(company, ids, mapping)
        self.evidence = {line.id: read_line(line) for line in lines}
        self.found = {line.id: self.partners.find(line, self.evidence[line.id]) for line in lines}
        self.done = _done(ids, rule)
        self.items: defaultdict[UUID | None, list[OpenItem]] = defaultdict(list)
        if rule.definition.matching != Matching.NONE:
            known = {finding.partner_id for finding in self.found.values() if finding}
            taken = {item_id for done in self.done.values() for item_id in done.items}
            for item in load_items_of(company, known, taken):
                self.items[item.partner_id].append(item)

    def verdict(self, line: LineFacts) -> Verdict | None:
        """``None`` for a line with which the rule has nothing to do."""
        done = self.done.get(line.id, _Done())
        would = self._would(line, self.found[line.id], self.evidence[line.id], done)
        did = self._did(self.rule.definition, done)
        if not would:
            return Verdict(line.id, "missed", (), tuple(sorted(did))) if done.by_rule else None
        kind: Kind = "newly" if not did else "agrees" if would == did else "differs"
        return Verdict(line.id, kind, tuple(sorted(would)), tuple(sorted(did)))

    def _would(self, line: LineFacts, partner: PartnerFinding | None, evidence: LineEvidence, done: _Done) -> set[UUID]:
        definition = self.rule.definition
        if definition.is_mapping:
            return set(self.rules.partners(line))
        if definition.matching == Matching.NONE:
            case = Case(line, evidence, Book([], self.partners), partner, rules=self.rules)
            return {booking.account_id for option in self.rules.booked(case) for booking in option.bookings}
        if partner is None:
            return set()
        case = Case(line, evidence, Book(self._open_then(partner, done), self.partners), partner, rules=self.rules)
        options = partner_and_amount(case).options
        if len(options) != 1:
            return set()
        option = self.rules.allow(case, options[0])
        return set(option.item_ids) if option.rule_version_id == self.rule.version_id else set()

    def _open_then(self, partner: PartnerFinding, done: _Done) -> list[OpenItem]:
        """What is open now, and what the line itself paid as it was before that."""
        items = (replace(i, residual=i.residual + done.items.get(i.id, 0)) for i in self.items[partner.partner_id])
        return [item for item in items if item.residual]

    @staticmethod
    def _did(definition: Definition, done: _Done) -> set[UUID]:
        if definition.is_mapping:
            return done.partners
        return done.accounts if definition.matching == Matching.NONE else set(done.items) or done.accounts


def _done(line_ids: Sequence[UUID], rule: LiveRule) -> dict[UUID, _Done]:
    parts = MatchPart.objects.filter(group__line_id__in=line_ids, group__undone_at=None).values_list(
        "group__line_id", "account_id", "partner_id", "open_item_id", "item_amount_currency",
        "group__rule_version__rule_id",
    )  # fmt: skip
    result: defaultdict[UUID, _Done] = defaultdict(_Done)
    for line_id, account_id, partner_id, item_id, taken, rule_id in parts:
        done = result[line_id]
        done.accounts.add(account_id)
        done.by_rule = done.by_rule or rule_id == rule.rule_id
        if partner_id is not None:
            done.partners.add(partner_id)
        if item_id is not None:
            done.items[item_id] = done.items.get(item_id, Decimal(0)) + (taken or Decimal(0))
    return result
