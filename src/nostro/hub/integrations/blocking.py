"""The operator shuts an organization's software out, and lets it in again (hub-api.md 10: ``organization.blocked``).

People still sign in and see their data, and banks are still read, so that nothing is missing afterwards.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from nostro.hub.events.services import record_event
from nostro.hub.integrations.models import Integration
from nostro.hub.organizations.models import Organization
from nostro.people import audit
from nostro.web.errors import NotFound


@transaction.atomic
def block_organization(organization_id: uuid.UUID, now: datetime) -> bool:
    """From the next request on no token of its integrations works, and none is issued. False if it is blocked
    already. Raises NotFound."""
    return _set(organization_id, now, now)


@transaction.atomic
def unblock_organization(organization_id: uuid.UUID, now: datetime) -> bool:
    """Secrets and tokens work again as far as they have not expired. False if it is not blocked. Raises NotFound."""
    return _set(organization_id, None, now)


def _set(organization_id: uuid.UUID, blocked_at: datetime | None, now: datetime) -> bool:
    organization = Organization.objects.select_for_update(no_key=True).filter(id=organization_id).first()
    if organization is None:
        raise NotFound("organization")
    if (organization.blocked_at is None) == (blocked_at is None):
        return False
    organization.blocked_at = blocked_at
    organization.save(update_fields=["blocked_at"])
    concerned = Integration.objects.filter(Q(organization=organization) | Q(acting_organization=organization))
    other_is_blocked = Organization.objects.filter(
        Q(id=OuterRef("organization_id")) | Q(id=OuterRef("acting_organization_id")), blocked_at__isnull=False
    )
    concerned.update(is_blocked=Exists(other_is_blocked))
    word = "unblocked" if blocked_at is None else "blocked"
    record_event(organization.id, f"organization.{word}", now=now)
    audit.record(
        tenant_id=organization.id, actor=None, action=f"organization.{word}", obj=organization,
        sentence=f"The operator {word} the organization's software.",
    )  # fmt: skip
    return True
