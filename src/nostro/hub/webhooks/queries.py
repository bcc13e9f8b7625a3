"""Reads of webhooks. A person reaches an endpoint and its deliveries only through their integration."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from nostro.hub.integrations.models import Integration
from nostro.hub.integrations.queries import access_integration
from nostro.hub.organizations.models import Role
from nostro.hub.webhooks.models import Delivery, Endpoint
from nostro.people.models import User
from nostro.web.errors import NotFound


def endpoint_of(integration: Integration) -> Endpoint | None:
    """The integration's endpoint. ``integration`` has passed access_integration."""
    return Endpoint.objects.filter(integration=integration).first()


def deliveries_of(endpoint: Endpoint, limit: int = 50) -> Sequence[Delivery]:
    """The newest deliveries with their attempts, newest first."""
    return list(endpoint.deliveries.prefetch_related("attempts").order_by("-created_at", "-id")[:limit])


def access_delivery(user: User, delivery_id: uuid.UUID, *, role: Role | None = None) -> Delivery:
    """A delivery of an integration that ``user`` may see. Raises NotFound and Forbidden."""
    delivery = Delivery.objects.select_related("endpoint__integration").filter(id=delivery_id).first()
    if delivery is None:
        raise NotFound("delivery")
    try:
        access_integration(user, delivery.endpoint.integration_id, role=role)
    except NotFound:
        raise NotFound("delivery") from None
    return delivery
