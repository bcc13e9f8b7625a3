"""Reads on companies, and the one gate to everything a company owns (books.md 14.5)."""

from __future__ import annotations

from uuid import UUID

from nostro.books.companies.models import Company, CompanyMember, Role
from nostro.people.models import User
from nostro.web.errors import Forbidden, NotFound

_RANK = {role: rank for rank, role in enumerate((Role.READER, Role.CLERK, Role.ACCOUNTANT, Role.OWNER))}


def at_least(role: Role, wanted: Role) -> bool:
    """Whether a role may do what ``wanted`` may."""
    return _RANK[role] >= _RANK[wanted]


def companies_of(user: User) -> list[Company]:
    """The companies of a person, by name."""
    return list(Company.objects.filter(members__user=user).order_by("name", "id"))


def access_company(user: User, company_id: UUID, *, role: Role | None = None) -> Company:
    """The company, if the person belongs to it with at least ``role``.

    Raises :class:`NotFound` for strangers and :class:`Forbidden` for members whose role is too low.
    """
    member = CompanyMember.objects.select_related("company").filter(user=user, company_id=company_id).first()
    if member is None:
        raise NotFound("company")
    if role is not None and not at_least(Role(member.role), role):
        raise Forbidden
    return member.company


def role_of(user: User, company: Company) -> Role:
    """The person's role. Raises :class:`NotFound` for strangers."""
    member = CompanyMember.objects.filter(user=user, company=company).first()
    if member is None:
        raise NotFound("company")
    return Role(member.role)


def require_role(user: User, company_id: UUID, role: Role | None, resource: str) -> None:
    """Let the person through to a ``resource`` of the company; the answer to strangers names the resource only."""
    try:
        access_company(user, company_id, role=role)
    except NotFound:
        raise NotFound(resource) from None
