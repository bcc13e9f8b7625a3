"""Who belongs to an organization, and as what: another role, leaving, removing (hub-api.md 9, user-wants W37)."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.utils.translation import gettext as _

from nostro.hub.organizations.models import Membership, Organization, Role
from nostro.hub.organizations.queries import access_organization
from nostro.people import audit
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem


def access_member(user: User, organization: Organization, membership_id: uuid.UUID) -> Membership:
    """One person of the organization, if ``user`` belongs to it too. Raises NotFound."""
    organization = access_organization(user, organization.id)
    found = organization.memberships.select_related("user", "organization").filter(id=membership_id).first()
    if found is None:
        raise NotFound("user")
    return found


@transaction.atomic
def change_role(user: User, organization: Organization, membership_id: uuid.UUID, role: str) -> Membership:
    """Give a person another role. Only owners make owners, or less of them.

    Raises Problem (``roleUnknown``, ``lastOwner``), Forbidden, NotFound.
    """
    if role not in Role.values:
        raise Problem(
            _("There is no such role."), what_to_do=_("Choose one of the list."), code="roleUnknown", field="role"
        )
    member = _locked(user, organization, membership_id, least=Role.OWNER if role == Role.OWNER else Role.ADMIN)
    if member.role == role:
        return member
    _keep_an_owner(member)
    before, member.role = member.role, role
    member.save(update_fields=["role"])
    sentence = f"Made {member.user} {Role(role).label.lower()}; was {Role(before).label.lower()}."
    _record(user, member, "role_changed", sentence, before={"role": before}, after={"role": role})
    return member


@transaction.atomic
def remove_member(user: User, organization: Organization, membership_id: uuid.UUID) -> Membership:
    """End a membership: everybody may leave, administrators remove others, only owners remove owners.

    What the person made stays. Raises Problem (``lastOwner``), Forbidden, NotFound.
    """
    own = access_member(user, organization, membership_id).user_id == user.pk
    member = _locked(user, organization, membership_id, least=Role.MEMBER if own else Role.ADMIN)
    _keep_an_owner(member)
    sentence = "Left the organization." if own else f"Removed {member.user} from the organization."
    _record(user, member, "left" if own else "removed", sentence, before={"role": member.role})
    Membership.objects.filter(id=member.id).delete()
    return member


def _locked(user: User, organization: Organization, membership_id: uuid.UUID, *, least: Role) -> Membership:
    """The membership, after waiting for everybody else who changes the people of this organization."""
    Organization.objects.select_for_update(no_key=True).get(id=organization.id)
    member = access_member(user, organization, membership_id)
    over_an_owner = member.role == Role.OWNER and member.user_id != user.pk
    access_organization(user, organization.id, role=Role.OWNER if over_an_owner else least)
    return member


def _keep_an_owner(member: Membership) -> None:
    owners = Membership.objects.filter(organization_id=member.organization_id, role=Role.OWNER)
    if member.role == Role.OWNER and not owners.exclude(id=member.id).exists():
        raise Problem(
            _("An organization needs an owner."),
            why=_("%(person)s is the only one.") % {"person": member.user},
            what_to_do=_("Make somebody else owner first."),
            code="lastOwner",
            field="role",
        )


def _record(
    user: User,
    member: Membership,
    action: str,
    sentence: str,
    *,
    before: dict[str, str],
    after: dict[str, str] | None = None,
) -> None:
    audit.record(
        tenant_id=member.organization_id, actor=user, action=f"membership.{action}", obj=member, sentence=sentence,
        before=before, after=after,
    )  # fmt: skip
