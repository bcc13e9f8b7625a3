"""Rules proposed because people did the same several times (books.md 16.11). A person decides, once for all."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from uuid import UUID

import msgspec
from django.db import transaction

from nostro.books.companies.models import Company, Role
from nostro.books.companies.queries import require_role
from nostro.books.journals.models import Journal, Line
from nostro.books.reconcile.engine import Definition, LiveRule
from nostro.books.reconcile.engine.learning import Answer, Lesson, PastLine, learn
from nostro.books.reconcile.models import LearnedRule, LearnedState, MatchGroup, MatchPart, Rule, RuleKind
from nostro.books.reconcile.rules.loading import definition_of, stored_form
from nostro.books.reconcile.rules.services import create_rule
from nostro.books.reconcile.rules.simulating import DEFAULT_DAYS, simulate, simulate_version
from nostro.core.ids import new_id
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

#: Lines of a journal that are looked at, new proposals of one look, and proposals that wait for one company.
NEWEST_LINES, MAX_NEW, MAX_OPEN = 200, 5, 20


def learn_rules(company: Company, *, today: dt.date, now: dt.datetime) -> int:
    """Propose rules from what people did in each journal; returns how many are new. Nothing else changes."""
    room = MAX_OPEN - LearnedRule.objects.filter(company=company, state=LearnedState.OPEN).count()
    made = 0
    for journal in Journal.objects.filter(company=company).order_by("id"):
        if made >= min(MAX_NEW, room):
            break
        for lesson in learn(journal.id, _past_lines(journal)):
            made += made < min(MAX_NEW, room) and _propose(company, journal, lesson, today, now)
    return made


def learned_of(user: User, company: Company) -> list[LearnedRule]:
    """The proposals of a company that wait for a decision, newest first."""
    require_role(user, company.id, None, "company")
    waiting = LearnedRule.objects.filter(company=company, state=LearnedState.OPEN)
    return list(waiting.select_related("journal", "account", "partner").order_by("-created_at", "id")[:MAX_OPEN])


def access_learned(user: User, learned_id: UUID, *, role: Role | None = None) -> LearnedRule:
    """A proposal in one of the person's companies, else :class:`NotFound`."""
    found = LearnedRule.objects.select_related("company").filter(pk=learned_id).first()
    if found is None:
        raise NotFound("rule")
    require_role(user, found.company_id, role, "rule")
    return found


@transaction.atomic
def approve_learned(user: User, learned_id: UUID, *, today: dt.date, now: dt.datetime) -> Rule:
    """Make the proposed rule. It is simulated at once, and suggests until somebody lets it apply."""
    learned = _locked(user, learned_id)
    definition = definition_of(learned.definition)
    rule = create_rule(
        user, learned.company, name=learned.words[:100], kind=RuleKind.AUTOMATED, definition=definition, now=now
    )
    assert rule.version is not None
    simulate_version(user, rule.id, rule.version.number, today=today, now=now)
    learned.rule = rule
    _decide(learned, LearnedState.APPROVED, user, now)
    return rule


@transaction.atomic
def decline_learned(user: User, learned_id: UUID, *, now: dt.datetime) -> None:
    """Never propose this again."""
    learned = _locked(user, learned_id)
    _decide(learned, LearnedState.DECLINED, user, now)
    record(
        tenant_id=learned.company_id,
        actor=user,
        action="rule.declined",
        obj=learned,
        sentence=f"The proposed rule “{learned.words}” was declined.",
    )


# --- parts --------------------------------------------------------------------------------------------------------


def _locked(user: User, learned_id: UUID) -> LearnedRule:
    found = access_learned(user, learned_id, role=Role.ACCOUNTANT)
    locked = LearnedRule.objects.select_for_update(of=("self",)).select_related("company").get(pk=found.pk)
    if locked.state != LearnedState.OPEN:
        raise Problem(
            "This proposal was decided already.",
            why="Somebody was faster.",
            what_to_do="Look at the list of rules.",
            code="learnedRuleDecided",
        )
    return locked


def _decide(learned: LearnedRule, state: LearnedState, user: User, now: dt.datetime) -> None:
    learned.state, learned.decided_by, learned.decided_at = state, user, now
    learned.save(update_fields=["state", "decided_by", "decided_at", "rule"])


def _past_lines(journal: Journal) -> list[PastLine]:
    rows = list(
        Line.objects.filter(journal=journal, status="posted")
        .order_by("-order_date", "-day_seq", "-id")
        .values_list("id", "label", "amount", "counterparty_account")[:NEWEST_LINES]
    )
    answers = _answers([line_id for line_id, *_rest in rows])
    lines = []
    for line_id, label, amount, number in rows:
        answer = answers.get(line_id)
        if answer is not None and answer[0] == "partner" and number:
            answer = None  # who has an account number is known by it (books.md 16.3)
        lines.append(PastLine(line_id, label, amount > 0, answer))
    return lines


def _answers(line_ids: list[UUID]) -> dict[UUID, Answer]:
    """What people alone booked lines to: one account without open items, or open items of one partner."""
    groups = MatchGroup.objects.filter(line_id__in=line_ids, undone_at=None)
    by_people = groups.filter(automatic=False, actor__isnull=False, rule_version=None)
    others = set(groups.exclude(pk__in=by_people).values_list("line_id", flat=True))
    found: defaultdict[UUID, set[Answer | None]] = defaultdict(set)
    parts = MatchPart.objects.filter(group__in=by_people).values_list(
        "group__line_id", "account_id", "partner_id", "open_item_id"
    )
    for line_id, account_id, partner_id, item_id in parts:
        of_item: Answer | None = ("partner", partner_id) if partner_id else None
        found[line_id].add(of_item if item_id else ("account", account_id))
    one = {line_id: next(iter(answers)) for line_id, answers in found.items() if len(answers) == 1}
    return {line_id: answer for line_id, answer in one.items() if answer and line_id not in others}


def _propose(company: Company, journal: Journal, lesson: Lesson, today: dt.date, now: dt.datetime) -> bool:
    kind, answer_id = lesson.answer
    key = {
        "company": company,
        "journal": journal,
        "words": lesson.part[:200],
        "account_id": answer_id if kind == "account" else None,
        "partner_id": answer_id if kind == "partner" else None,
    }
    if LearnedRule.objects.filter(**key).exists() or _is_covered(company, lesson.definition):
        return False
    _learned, created = LearnedRule.objects.get_or_create(
        **key,
        defaults={
            "definition": stored_form(lesson.definition),
            "line_ids": [str(line_id) for line_id in lesson.line_ids],
            "simulation": _simulated(company, lesson, today),
            "created_at": now,
        },
    )
    return created


def _is_covered(company: Company, definition: Definition) -> bool:
    """Whether a rule says the same already: people go on booking by hand what a rule only suggests."""
    rules = Rule.objects.filter(company=company, archived_at=None).select_related("version")
    known = [definition_of(rule.version.definition) for rule in rules if rule.version is not None]
    return any((one.texts, one.counterparts) == (definition.texts, definition.counterparts) for one in known)


def _simulated(company: Company, lesson: Lesson, today: dt.date) -> dict[str, object]:
    proposed = LiveRule(new_id(), new_id(), lesson.part, lesson.definition)
    result = simulate(company, proposed, since=today - dt.timedelta(days=DEFAULT_DAYS))
    return {"lines": result.lines, **result.counts, "examples": msgspec.to_builtins(result.examples)}
