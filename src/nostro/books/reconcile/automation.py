"""Reconciling by itself (books.md 16.2): look at what is not explained, store proposals, apply the automatic ones.

A look goes through the lines in batches, each in a transaction of its own that computes, applies and stores. A batch
that was done changes nothing when it is done again, and a killed look is asked for again by the tick. Lines that a
person took a match back from only get suggestions.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from nostro.books.companies.models import Company, ReconcileMode, Role
from nostro.books.companies.queries import require_role
from nostro.books.journals.models import Line
from nostro.books.reconcile.applications import Application, of_proposal
from nostro.books.reconcile.applying import MAX_APPLICATIONS, apply
from nostro.books.reconcile.engine import Proposal
from nostro.books.reconcile.loading import BATCH_LINES
from nostro.books.reconcile.models import Automation, MatchGroup, StoredProposal
from nostro.books.reconcile.proposing import propose_lines
from nostro.books.reconcile.rules.loading import load_rules
from nostro.books.reconcile.stored import lines_to_look_at, newest_item_at, store_proposals
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import Problem

Clock = Callable[[], dt.datetime]

#: Lines of one look; the next takes the rest.
MAX_LINES = 50_000
#: Two applications for each own transfer have to fit.
_BATCH = min(BATCH_LINES, MAX_APPLICATIONS // 2)


@dataclass(slots=True)
class Look:
    """What a look did."""

    lines: int = 0
    applied: int = 0


def automation_of(company: Company) -> Automation:
    """The company's settings and progress, made when they are missing."""
    found, _ = Automation.objects.get_or_create(company=company)
    return found


def request_look(company: Company, *, now: dt.datetime | None = None) -> None:
    """Ask for a look, in the caller's transaction; one waits per company at most."""
    from procrastinate.exceptions import AlreadyEnqueued

    from nostro.books.reconcile.tasks import reconcile_company

    now = now or timezone.now()
    automation_of(company)
    Automation.objects.filter(company=company).update(requested_at=now)
    try:
        with transaction.atomic():
            reconcile_company.configure(queueing_lock=f"reconcile:{company.id}").defer(company_id=str(company.id))
    except AlreadyEnqueued:
        return


def something_changed(company: Company, *, now: dt.datetime | None = None) -> None:
    """A match was taken back, or a rule changed: what was proposed before is stale."""
    now = now or timezone.now()
    automation_of(company)
    Automation.objects.filter(company=company).update(changed_at=now)
    request_look(company, now=now)


#: Days of grace, and months looked back, that make sense.
MAX_GRACE_DAYS, MAX_LOOK_BACK_MONTHS = 31, 120


def set_automation(user: User, company: Company, enabled: bool) -> Automation:
    """Let Nostro apply what is certain by itself, or only propose. Accountants decide."""
    return change_settings(user, company, enabled=enabled)


@transaction.atomic
def change_settings(user: User, company: Company, **changes: Any) -> Automation:
    """How a company reconciles: ``enabled``, ``grace_days``, ``look_back_months``, and ``reconcile_mode``
    (books.md 14.3, 16.1, 16.5); what is not named stays. Accountants decide; matches that were made stay."""
    require_role(user, company.id, Role.ACCOUNTANT, "company")
    automation_of(company)
    found = Automation.objects.select_for_update().get(company=company)
    company = Company.objects.select_for_update(no_key=True).get(pk=company.pk)
    before = _settings(found, company)
    wanted = before | changes
    _check_settings(wanted)
    if wanted != before:
        found.enabled, found.grace_days = wanted["enabled"], wanted["grace_days"]
        found.look_back_months, company.reconcile_mode = wanted["look_back_months"], wanted["reconcile_mode"]
        found.save(update_fields=["enabled", "grace_days", "look_back_months"])
        company.save(update_fields=["reconcile_mode"])
        record(
            tenant_id=company.id,
            actor=user,
            action="reconcile.automation",
            obj=company,
            sentence="Certain matches are applied automatically." if found.enabled else "Matches are only proposed.",
            before=before,
            after=wanted,
        )
        something_changed(company)
    return found


def _settings(automation: Automation, company: Company) -> dict[str, Any]:
    return {
        "enabled": automation.enabled,
        "grace_days": automation.grace_days,
        "look_back_months": automation.look_back_months,
        "reconcile_mode": company.reconcile_mode,
    }


def _check_settings(wanted: dict[str, Any]) -> None:
    limits = {"grace_days": (0, MAX_GRACE_DAYS), "look_back_months": (1, MAX_LOOK_BACK_MONTHS)}
    for name, (least, most) in limits.items():
        if not least <= wanted[name] <= most:
            raise Problem(
                f"{wanted[name]} is out of range.",
                what_to_do=f"Use a number from {least} to {most}.",
                code="settingInvalid",
                field=name,
            )
    if wanted["reconcile_mode"] not in ReconcileMode.values:
        raise Problem(
            "This is no way to reconcile.",
            what_to_do="Use edit or keep_suspense.",
            code="settingInvalid",
            field="reconcile_mode",
        )


def look(company: Company, *, clock: Clock = timezone.now) -> Look:
    """Propose for every line that needs it, and apply what may be applied. Safe to repeat, and to kill."""
    started, done = clock(), Look()
    automation = automation_of(company)
    line_ids = lines_to_look_at(company, everything=_everything(company, automation, started), limit=MAX_LINES)
    for begin in range(0, len(line_ids), _BATCH):
        batch = line_ids[begin : begin + _BATCH]
        done.applied += _look_at(company, batch, enabled=automation.enabled, now=clock())
        done.lines += len(batch)
    if len(line_ids) < MAX_LINES:
        Automation.objects.filter(company=company).update(finished_at=started)
    return done


def is_due(company: Company, automation: Automation, now: dt.datetime) -> bool:
    """Whether there is something that no look has seen."""
    asked = automation.requested_at is not None and (
        automation.finished_at is None or automation.finished_at < automation.requested_at
    )
    return (
        asked
        or bool(lines_to_look_at(company, everything=False, limit=1))
        or (automation.finished_at is not None and _everything(company, automation, now))
    )


def _everything(company: Company, automation: Automation, now: dt.datetime) -> bool:
    """Whether old proposals may be stale: for new items, matches, rules, or another engine since the last look."""
    since = automation.finished_at
    if since is None or since > now:
        return True
    if automation.changed_at is not None and automation.changed_at >= since:
        return True
    if newest_item_at(company, since) is not None:
        return True
    made = MatchGroup.objects.filter(company=company, created_at__gt=since, automatic=False)
    other = StoredProposal.objects.filter(company=company).exclude(rules_digest=load_rules(company).digest)
    return made.exists() or other.exists()


@transaction.atomic
def _look_at(company: Company, line_ids: Sequence[UUID], *, enabled: bool, now: dt.datetime) -> int:
    with connection.cursor() as cursor:  # one look at a time: the lock goes with the transaction
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"reconcile:{company.id}"])
    digest = load_rules(company).digest
    proposals = list(propose_lines(company, line_ids))
    applied = _apply(company, [one for one in proposals if one.decision == "apply"], now) if enabled else set()
    store_proposals(company, [one for one in proposals if one.line_id not in applied], digest, now)
    StoredProposal.objects.filter(line_id__in=applied).delete()
    return len(applied)


def _apply(company: Company, proposals: Sequence[Proposal], now: dt.datetime) -> set[UUID]:
    """The lines that were matched; a refused one keeps its proposal for a person."""
    todo: list[Application] = []
    covered: set[UUID] = set()
    rests = dict(
        Line.objects.filter(pk__in=[one.line_id for one in proposals]).values_list("id", "suspense_residual")
    )  # fmt: skip
    wanted = [of_proposal(company, one, rests[one.line_id]) for one in proposals]
    refused = set(
        MatchGroup.objects.filter(
            line_id__in=[each.line_id for one in wanted for each in one], undone_at__isnull=False
        ).values_list("line_id", flat=True)
    )
    for applications in wanted:
        lines = {each.line_id for each in applications}
        if not lines & covered and not lines & refused:
            covered |= lines
            todo.extend(applications)
    outcomes = apply(company, todo, actor=None, now=now)
    return {one.line_id for one, done in zip(todo, outcomes, strict=True) if isinstance(done, MatchGroup)}
