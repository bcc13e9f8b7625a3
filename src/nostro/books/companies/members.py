"""Who belongs to a company, with which role; asking others to join (books.md 14.5)."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from nostro.books.companies.models import Company, CompanyInvitation, CompanyMember, Role
from nostro.books.companies.queries import access_company, require_role
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import Forbidden, NotFound, Problem

LIFETIME = dt.timedelta(days=14)
#: Nobody can make Books send thousands of mails.
MAX_OPEN = 50


def members_of(company: Company) -> list[CompanyMember]:
    """The members of a company that the caller has access to."""
    return list(CompanyMember.objects.filter(company=company).select_related("user").order_by("created_at", "id"))


def open_invitations_of(company: Company) -> list[CompanyInvitation]:
    return list(CompanyInvitation.objects.filter(company=company, accepted_at=None).order_by("-created_at", "-id"))


@transaction.atomic
def invite(user: User, company: Company, *, email: str, role: str, now: dt.datetime) -> tuple[CompanyInvitation, str]:
    """Ask somebody to join; returns the invitation and the secret of its link. A second one replaces the first.

    Raises :class:`Problem` (``emailInvalid``, ``roleUnknown``, ``alreadyMember``, ``tooManyInvitations``).
    """
    require_role(user, company.id, Role.OWNER, "company")
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise Problem("This is no e-mail address.", what_to_do="Check it.", code="emailInvalid",
                      field="email") from None  # fmt: skip
    _check_role(role)
    Company.objects.select_for_update(no_key=True).get(pk=company.pk)
    if CompanyMember.objects.filter(company=company, user__email__iexact=address).exists():
        raise Problem("This person belongs to the company already.", what_to_do="Change the role in the list.",
                      code="alreadyMember", field="email")  # fmt: skip
    open_ones = CompanyInvitation.objects.filter(company=company, accepted_at=None)
    open_ones.filter(email=address).delete()
    if open_ones.count() >= MAX_OPEN:
        raise Problem(f"{MAX_OPEN} invitations are open.", what_to_do="Withdraw one.", code="tooManyInvitations",
                      field="email")  # fmt: skip
    secret = secrets.token_urlsafe(32)
    invitation = CompanyInvitation.objects.create(
        company=company, email=address, role=role, checksum=_checksum(secret), invited_by=user, created_at=now,
        expires_at=now + LIFETIME,
    )  # fmt: skip
    _record(user, company, "member.invited", f"{user} invited {address} as {Role(role).label}.")
    return invitation, secret


@transaction.atomic
def withdraw(user: User, invitation_id: UUID) -> CompanyInvitation:
    """The link of an invitation works no more."""
    invitation = CompanyInvitation.objects.select_related("company").filter(pk=invitation_id, accepted_at=None).first()
    if invitation is None:
        raise NotFound("invitation")
    require_role(user, invitation.company_id, Role.OWNER, "invitation")
    CompanyInvitation.objects.filter(pk=invitation.pk).delete()
    _record(user, invitation.company, "member.withdrawn", f"{user} withdrew the invitation of {invitation.email}.")
    return invitation


def find_invitation(secret: str, *, now: dt.datetime) -> CompanyInvitation:
    """The invitation of a link. Raises :class:`Problem` for every link that does not work."""
    found = CompanyInvitation.objects.select_related("company", "invited_by").filter(
        checksum=_checksum(secret), accepted_at=None, expires_at__gt=now
    ).first()  # fmt: skip
    if found is None:
        raise Problem("This invitation does not work.", why="It was used, withdrawn, or is older than two weeks.",
                      what_to_do="Ask for a new one.", code="invitationUnknown")  # fmt: skip
    return found


@transaction.atomic
def accept(user: User, secret: str, *, now: dt.datetime) -> Company:
    """The person belongs to the company now. Raises :class:`Forbidden` for a person with another address."""
    invitation = find_invitation(secret, now=now)
    if user.email.casefold() != invitation.email.casefold():
        raise Forbidden(f"The invitation is for {invitation.email}.")
    if not CompanyInvitation.objects.filter(pk=invitation.pk, accepted_at=None).update(accepted_at=now):
        return find_invitation(secret, now=now).company  # used meanwhile: refuses
    CompanyMember.objects.get_or_create(
        company=invitation.company, user=user, defaults={"role": invitation.role}
    )  # fmt: skip
    _record(user, invitation.company, "member.joined", f"{user} joined as {Role(invitation.role).label}.")
    return invitation.company


@transaction.atomic
def change_role(user: User, member_id: UUID, role: str) -> CompanyMember:
    """Give a member another role. A company never loses its last owner."""
    member = _member(user, member_id)
    _check_role(role)
    if role == member.role:
        return member
    if role != Role.OWNER:
        _keep_an_owner(member)
    before, member.role = member.role, role
    member.save(update_fields=["role"])
    record(
        tenant_id=member.company_id, actor=user, action="member.role_changed", obj=member,
        sentence=f"{user} made {member.user} {Role(role).label}.", before={"role": before}, after={"role": role},
    )  # fmt: skip
    return member


@transaction.atomic
def remove(user: User, member_id: UUID) -> CompanyMember:
    """A member sees the company no more."""
    member = _member(user, member_id)
    _keep_an_owner(member)
    CompanyMember.objects.filter(pk=member.pk).delete()
    _record(user, member.company, "member.removed", f"{user} removed {member.user}.")
    return member


def _member(user: User, member_id: UUID) -> CompanyMember:
    member = CompanyMember.objects.select_related("company", "user").filter(pk=member_id).first()
    if member is None:
        raise NotFound("member")
    require_role(user, member.company_id, Role.OWNER, "member")
    # Changes of members of one company happen one after the other, so that two owners cannot remove each other.
    Company.objects.select_for_update(no_key=True).get(pk=member.company_id)
    access_company(user, member.company_id, role=Role.OWNER)
    member.refresh_from_db(fields=["role"])
    return member


def _keep_an_owner(member: CompanyMember) -> None:
    others = CompanyMember.objects.filter(company_id=member.company_id, role=Role.OWNER).exclude(pk=member.pk)
    if member.role == Role.OWNER and not others.exists():
        raise Problem("A company needs an owner.", what_to_do="Make somebody else an owner first.", code="lastOwner",
                      field="role")  # fmt: skip


def _check_role(role: str) -> None:
    if role not in Role.values:
        raise Problem("There is no such role.", what_to_do="Choose one of the list.", code="roleUnknown", field="role")


def _checksum(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _record(user: User, company: Company, action: str, sentence: str) -> None:
    record(tenant_id=company.id, actor=user, action=action, obj=company, sentence=sentence)
