"""What a vendor may know of the organizations that let it in."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from decimal import Decimal

from nostro.hub.events.services import record_event
from nostro.hub.integrations.models import Integration, IntegrationAccount
from nostro.hub.vendors.grants import end_chains
from nostro.hub.vendors.models import Application


def integration_of(
    vendor: Application, organization_id: uuid.UUID | None, *, even_revoked: bool = False
) -> Integration | None:
    """What the organization granted the vendor; None for every other organization."""
    found = Integration.objects.filter(vendor_id=vendor.id, organization_id=organization_id)
    if not even_revoked:
        found = found.filter(revoked_at=None)
    integration: Integration | None = found.order_by("-created").first()
    return integration


def end_integration(integration: Integration, now: datetime) -> None:
    """The vendor gives back what an organization granted: its tokens and grants end at once."""
    record_event(integration.organization_id, "integration.revoked", integration_id=integration.id, now=now)
    Integration.objects.filter(id=integration.id).update(revoked_at=now)
    integration.grants.filter(removed_at=None).update(removed_at=now)
    end_chains(integration, now)


def account_count(vendor: Application, organization_id: uuid.UUID, month: datetime, now: datetime) -> Decimal:
    """Accounts of the organization that the vendor could read in the month that begins at ``month``, each counted by
    the share of the month in which it could, to two decimals (hub-api.md 7.10)."""
    end = (month + timedelta(days=32)).replace(day=1)
    until = min(end, now)
    grants = IntegrationAccount.objects.filter(
        integration__vendor_id=vendor.id, organization_id=organization_id, created_at__lt=end
    )
    seconds = 0
    for begun, removed in grants.values_list("created_at", "removed_at"):
        share = min(removed or until, until) - max(begun, month)
        seconds += max(int(share.total_seconds()), 0)
    return (Decimal(seconds) / Decimal(int((end - month).total_seconds()))).quantize(Decimal("0.01")).normalize() + 0
