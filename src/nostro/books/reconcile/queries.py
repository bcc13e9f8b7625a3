"""Reads on matches."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from nostro.books.companies.models import Role
from nostro.books.companies.queries import require_role
from nostro.books.journals.models import Line
from nostro.books.reconcile import stored
from nostro.books.reconcile.engine import Proposal
from nostro.books.reconcile.models import MatchGroup
from nostro.people.models import User
from nostro.web.errors import NotFound


def access_match_group(user: User, group_id: UUID, *, role: Role | None = None) -> MatchGroup:
    """A match group of one of the person's companies, else :class:`NotFound`."""
    group = MatchGroup.objects.select_related("line__journal", "company").filter(pk=group_id).first()
    if group is None:
        raise NotFound("match")
    require_role(user, group.company_id, role, "match")
    return group


def proposals_for(lines: Sequence[Line]) -> dict[UUID, Proposal]:
    """What is proposed for lines of one company that are not explained yet, by line: computed ahead, or now where that
    is stale. The caller has checked access to the lines."""
    if not lines:
        return {}
    assert len({line.company_id for line in lines}) == 1
    return stored.proposals_for(lines[0].company, [line.id for line in lines])


def activities_of(line_ids: Collection[UUID]) -> dict[UUID, str]:
    """What rules want done with lines that they matched, as long as those are marked to check (books.md 16.8).

    The caller has checked access to the lines.
    """
    groups = MatchGroup.objects.filter(line_id__in=line_ids, undone_at=None, line__to_check=True)
    found = groups.order_by("id").values_list("line_id", "rule_version__definition__next_activity")
    return {line_id: activity for line_id, activity in found if activity}


def match_groups_of(line: Line, *, live_only: bool = True) -> list[MatchGroup]:
    """What a line was explained with, oldest first; undone matches only on request."""
    groups = MatchGroup.objects.filter(line=line).prefetch_related(
        "parts__account", "parts__partner", "write_off_entry__items__account", "exchange_entry__items__account"
    )
    if live_only:
        groups = groups.filter(undone_at=None)
    return list(groups.order_by("created_at", "id"))
