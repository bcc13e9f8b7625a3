"""Reading connections and authorisations. A person reaches them only through the ``access_*`` functions."""

from __future__ import annotations

import uuid
from datetime import date

from django.db.models import QuerySet

from nostro.hub.linking.models import Authorisation, Connection, Consent
from nostro.hub.organizations.models import Organization, Role
from nostro.hub.organizations.queries import require_role
from nostro.people.models import User
from nostro.web.errors import Forbidden, NotFound


def access_connection(
    user: User, connection_id: uuid.UUID, *, role: Role | None = None, with_removed: bool = False
) -> Connection:
    """The linked connection, if ``user`` belongs to its organization with at least ``role``.

    Raises NotFound for strangers, and for connections that never finished or (unless ``with_removed``) were ended;
    Forbidden for too low a role.
    """
    connection = _connections().filter(pk=connection_id, linked_at__isnull=False).first()
    if connection is None or (connection.removed_at and not with_removed):
        raise NotFound("connection")
    require_role(user, connection.organization_id, role, "connection")
    return connection


def access_authorisation(user: User, authorisation_id: uuid.UUID) -> Authorisation:
    """The authorisation, if ``user`` started it and still administers the organization.

    Raises NotFound for strangers, Forbidden for the starter's colleagues: what a bank grants to one person is that
    person's to finish.
    """
    authorisation = authorisations().filter(pk=authorisation_id).first()
    if authorisation is None:
        raise NotFound("authorisation")
    require_role(user, authorisation.organization_id, Role.ADMIN, "authorisation")
    if authorisation.user_id != user.pk:
        raise Forbidden("Only the person who started this authorisation can finish it.")
    return authorisation


def connections_of(organization: Organization, *, is_sandbox: bool | None = None) -> list[Connection]:
    """Linked connections that were not ended, oldest first; only live or sandbox ones where that is told."""
    found = _connections().filter(organization=organization, linked_at__isnull=False, removed_at=None)
    if is_sandbox is not None:
        found = found.filter(is_sandbox=is_sandbox)
    return list(found.order_by("created_at", "id"))


def consent_days_left(connection: Connection, today: date) -> int | None:
    """Days until the current consent ends, today not counted, 0 when it is over; None where the bank set no end."""
    consent = Consent.objects.filter(connection=connection, is_current=True).first()
    if consent is None or consent.status != "valid":
        return 0
    return max(0, (consent.valid_until - today).days) if consent.valid_until else None


def authorisations() -> QuerySet[Authorisation]:
    """Authorisations with what every step of them needs."""
    return Authorisation.objects.select_related(
        "organization", "user", "connection", "connection__organization", "connection__institution",
        "connection__route", "connection__route__institution",
    )  # fmt: skip


def _connections() -> QuerySet[Connection]:
    return Connection.objects.select_related("organization", "institution", "route", "route__institution")
