"""Reading mandates. Everybody reaches them through the ``access_*`` functions, as the one side or the other."""

from __future__ import annotations

import uuid

from django.db.models import Q, QuerySet

from nostro.hub.accounts.models import Account
from nostro.hub.integrations.models import Integration
from nostro.hub.mandates.models import Mandate
from nostro.hub.organizations.models import Organization, Role
from nostro.hub.organizations.queries import access_organization
from nostro.people.models import User
from nostro.web.errors import NotFound


def access_given_mandate(
    user: User,
    organization_id: uuid.UUID,
    mandate_id: uuid.UUID | None,
    *,
    role: Role | None = None,
    for_update: bool = False,
) -> Mandate:
    """A mandate that the organization gave and nobody ended. Raises NotFound, and Forbidden for a lower role."""
    access_organization(user, organization_id, role=role)
    return _found(Mandate.objects.filter(organization_id=organization_id), mandate_id, for_update)


def access_received_mandate(
    user: User,
    organization_id: uuid.UUID,
    mandate_id: uuid.UUID | None,
    *,
    role: Role | None = None,
    for_update: bool = False,
    also_pending: bool = False,
) -> Mandate:
    """A mandate under which the organization may act; with ``also_pending`` also one that waits for this person's
    acceptance. Raises NotFound, and Forbidden for a lower role."""
    access_organization(user, organization_id, role=role)
    theirs = Q(receiver_id=organization_id)
    if also_pending:
        theirs |= _offered(user, organization_id)
    return _found(Mandate.objects.filter(theirs), mandate_id, for_update)


def _offered(user: User, organization_id: uuid.UUID) -> Q:
    """Addresses are proved before anybody can sign in, so the address is the person. Nobody acts for themselves."""
    return Q(receiver=None, email=user.email.lower()) & ~Q(organization_id=organization_id)


def _found(mandates: QuerySet[Mandate], mandate_id: uuid.UUID | None, for_update: bool) -> Mandate:
    mandates = mandates.select_related("organization", "receiver").filter(ended_at=None)
    if for_update:
        mandates = mandates.select_for_update(of=("self",), no_key=True)
    mandate = mandates.filter(id=mandate_id).first() if mandate_id is not None else None
    if mandate is None:
        raise NotFound("mandate")
    return mandate


def mandates_given_by(organization: Organization) -> list[Mandate]:
    """Newest first. ``organization`` has passed access_organization."""
    found = Mandate.objects.select_related("receiver").filter(organization=organization, ended_at=None)
    return list(found.order_by("-created_at", "-id"))


def mandates_received_by(user: User, organization: Organization) -> list[Mandate]:
    """Those in force and those offered to ``user``, newest first. ``organization`` has passed access_organization."""
    theirs = Q(receiver=organization) | _offered(user, organization.id)
    found = Mandate.objects.select_related("organization").filter(theirs, ended_at=None)
    return list(found.order_by("-created_at", "-id"))


def accounts_of_mandate(mandate: Mandate) -> list[Account]:
    """The accounts that the mandate covers and that are still in the Hub, newest first."""
    covered = Account.objects.select_related("institution", "organization").filter(
        id__in=mandate.accounts.values("account_id"), removed_at=None, is_selected=True
    )
    return list(covered.order_by("-linked_at", "-id"))


def integrations_of_mandate(mandate: Mandate) -> list[Integration]:
    """What the acting organization made under the mandate, oldest first; revoked ones are left out."""
    return list(Integration.objects.filter(mandate_id=mandate.id, revoked_at=None).order_by("created", "id"))


def access_integration_of_mandate(
    mandate: Mandate, integration_id: uuid.UUID | None, *, for_update: bool = False
) -> Integration:
    """One of them. ``mandate`` has passed access_received_mandate. Raises NotFound."""
    integrations = Integration.objects.filter(mandate_id=mandate.id, revoked_at=None)
    if for_update:
        integrations = integrations.select_for_update(no_key=True)
    integration: Integration | None = integrations.filter(id=integration_id).first() if integration_id else None
    if integration is None:
        raise NotFound("integration")
    return integration
