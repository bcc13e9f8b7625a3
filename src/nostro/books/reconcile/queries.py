"""Reads on matches."""

from __future__ import annotations

from uuid import UUID

from nostro.books.companies.models import Role
from nostro.books.companies.queries import require_role
from nostro.books.journals.models import Line
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


def match_groups_of(line: Line, *, live_only: bool = True) -> list[MatchGroup]:
    """What a line was explained with, oldest first; undone matches only on request."""
    groups = MatchGroup.objects.filter(line=line).prefetch_related("parts__account", "parts__partner")
    if live_only:
        groups = groups.filter(undone_at=None)
    return list(groups.order_by("created_at", "id"))
