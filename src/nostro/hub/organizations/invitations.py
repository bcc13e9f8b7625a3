"""Asking somebody to join an organization: by e-mail, with a link that works once and for two weeks."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import datetime, timedelta

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from nostro.hub.organizations.models import Invitation, Membership, Organization, Role
from nostro.hub.organizations.queries import access_organization
from nostro.people import audit
from nostro.people.models import User
from nostro.web.errors import Forbidden, NotFound, Problem

LIFETIME = timedelta(days=14)
#: Nobody can make a Hub send thousands of mails.
MAX_OPEN = 50


@transaction.atomic
def invite(user: User, organization: Organization, *, email: str, role: str, now: datetime) -> tuple[Invitation, str]:
    """Ask ``email`` to join as ``role``; returns the invitation and the secret of its link.

    Administrators invite members and administrators, owners everybody. A second invitation of the same address replaces
    the first. Raises Problem (``emailInvalid``, ``roleUnknown``, ``alreadyMember``, ``tooManyInvitations``), Forbidden.
    """
    organization = access_organization(user, organization.id, role=Role.OWNER if role == Role.OWNER else Role.ADMIN)
    address = _address(email)
    if role not in Role.values:
        raise Problem("There is no such role.", what_to_do="Choose one of the list.", code="roleUnknown", field="role")
    if Membership.objects.filter(organization=organization, user__email__iexact=address).exists():
        raise Problem("This person belongs to the organization already.", what_to_do="Look at the list of people.",
                      code="alreadyMember", field="email")  # fmt: skip
    Organization.objects.select_for_update(no_key=True).get(id=organization.id)
    open_ones = Invitation.objects.filter(organization=organization, accepted_at=None)
    open_ones.filter(email=address).delete()
    if open_ones.count() >= MAX_OPEN:
        raise Problem(f"{MAX_OPEN} invitations are open.", what_to_do="Withdraw one.", code="tooManyInvitations",
                      field="email")  # fmt: skip
    secret = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        organization=organization, email=address, role=role, checksum=_checksum(secret), invited_by=user,
        created_at=now, expires_at=now + LIFETIME,
    )  # fmt: skip
    _record(user, invitation, "created", f"Invited {address} as {Role(role).label}.")
    return invitation, secret


def open_invitations_of(organization: Organization) -> list[Invitation]:
    """Invitations that nobody has accepted yet, newest first. ``organization`` has passed access_organization."""
    return list(organization.invitations.filter(accepted_at=None).order_by("-created_at", "-id"))


@transaction.atomic
def withdraw_invitation(user: User, organization: Organization, invitation_id: uuid.UUID | None) -> Invitation:
    """The link works no more. Raises NotFound, Forbidden."""
    organization = access_organization(user, organization.id, role=Role.ADMIN)
    invitation = organization.invitations.filter(id=invitation_id or uuid.UUID(int=0), accepted_at=None).first()
    if invitation is None:
        raise NotFound("userInvitation")
    _record(user, invitation, "withdrawn", f"Withdrew the invitation of {invitation.email}.")
    Invitation.objects.filter(id=invitation.id).delete()
    return invitation


def find_invitation(secret: str, now: datetime) -> Invitation:
    """The invitation of a link. Raises Problem ``invitationUnknown`` for every link that does not work."""
    found = (
        Invitation.objects.select_related("organization", "invited_by")
        .filter(checksum=_checksum(secret), accepted_at=None, expires_at__gt=now)
        .first()
    )
    if found is None:
        raise Problem(
            "This invitation does not work.", why="It was used, withdrawn, or is older than two weeks.",
            what_to_do="Ask for a new one.", code="invitationUnknown",
        )  # fmt: skip
    return found


@transaction.atomic
def accept_invitation(user: User, secret: str, now: datetime) -> Organization:
    """``user`` belongs to the organization now. Raises Problem, and Forbidden for a person with another address."""
    invitation = Invitation.objects.select_for_update().get(id=find_invitation(secret, now).id)
    if invitation.accepted_at is not None:
        find_invitation(secret, now)  # used meanwhile: refuses
    if user.email.casefold() != invitation.email.casefold():
        raise Forbidden(f"The invitation is for {invitation.email}.")
    Membership.objects.get_or_create(
        organization=invitation.organization, user=user, defaults={"role": invitation.role, "created_at": now}
    )
    Invitation.objects.filter(id=invitation.id).update(accepted_at=now)
    _record(user, invitation, "accepted", f"Joined as {Role(invitation.role).label}.")
    return invitation.organization


def _address(email: str) -> str:
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise Problem(
            "This is no e-mail address.", what_to_do="Check it.", code="emailInvalid", field="email"
        ) from None
    return address


def _checksum(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _record(user: User, invitation: Invitation, action: str, sentence: str) -> None:
    audit.record(
        tenant_id=invitation.organization_id, actor=user, action=f"invitation.{action}", obj=invitation,
        sentence=sentence,
    )  # fmt: skip
