"""Reading organizations. Whoever reaches an organization's data comes through :func:`access_organization`."""

from __future__ import annotations

import uuid

from nostro.hub.organizations.models import Membership, Organization, Role
from nostro.people.models import User
from nostro.web.errors import Forbidden, NotFound

#: Least to most (hub-api.md 9).
_RANK = {Role.MEMBER: 0, Role.ADMIN: 1, Role.OWNER: 2}


def organizations_of(user: User) -> list[Organization]:
    """The organizations ``user`` belongs to, by name."""
    return list(Organization.objects.filter(memberships__user=user).order_by("name", "id"))


def members_of(organization: Organization) -> list[Membership]:
    """The people of an organization with their roles, owners first, then by the time they came."""
    found = Membership.objects.select_related("user").filter(organization=organization).order_by("created_at", "id")
    return sorted(found, key=lambda membership: -_RANK[Role(membership.role)])


def access_organization(user: User, organization_id: uuid.UUID, *, role: Role | None = None) -> Organization:
    """The organization, if ``user`` belongs to it with at least ``role``.

    Raises NotFound for strangers, who learn nothing about its existence, and Forbidden for members of lower role.
    """
    membership = (
        Membership.objects.select_related("organization").filter(user=user, organization_id=organization_id).first()
        if user.is_active
        else None
    )
    if membership is None:
        raise NotFound("organization")
    if role is not None and not has_role(membership, role):
        raise Forbidden
    return membership.organization


def require_role(user: User, organization_id: uuid.UUID, role: Role | None, resource: str) -> None:
    """Let the person through to a ``resource`` of the organization; strangers are told of the resource only.

    Raises NotFound of ``resource``, and Forbidden for members of lower role.
    """
    try:
        access_organization(user, organization_id, role=role)
    except NotFound:
        raise NotFound(resource) from None


def has_role(membership: Membership, least: Role) -> bool:
    """Whether the membership allows what ``least`` allows."""
    return _RANK[Role(membership.role)] >= _RANK[least]
