"""From an event to its deliveries, in the transaction that recorded the event: neither exists without the other."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from nostro.hub.events.models import Event
from nostro.hub.integrations.models import IntegrationAccount
from nostro.hub.webhooks.models import Delivery, Endpoint

PREFIX = "pontoConnect."


def address(*, event: Event, **_: Any) -> None:
    """Make a delivery of ``event`` for each active endpoint that may know of it, and queue its first attempt."""
    endpoints = list(Endpoint.objects.filter(organization_id=event.organization_id, is_active=True))
    body = b""
    for endpoint in endpoints:
        if endpoint.event_types and event.event_type not in endpoint.event_types:
            continue
        if not may_know(endpoint.integration_id, event):
            continue
        body = body or body_of(event)
        deliver_soon(
            Delivery(
                organization_id=event.organization_id,
                endpoint=endpoint,
                event_id=event.id,
                event_type=event.event_type,
                body=body,
                next_attempt_at=event.created_at,
                created_at=event.created_at,
            )
        )


def deliver_soon(delivery: Delivery) -> None:
    """Store a new delivery and queue its first attempt in the caller's transaction."""
    from nostro.hub.webhooks.tasks import deliver

    delivery.save(force_insert=True)
    deliver.defer(delivery_id=str(delivery.id))


def may_know(integration_id: uuid.UUID, event: Event) -> bool:
    """An integration hears of itself, of the organization, and of the accounts it may read; of no others."""
    if event.integration_id is not None:
        return event.integration_id == integration_id
    if event.account_id is None:
        return True
    return IntegrationAccount.objects.filter(
        integration_id=integration_id, account_id=event.account_id, removed_at=None
    ).exists()


def body_of(event: Event) -> bytes:
    """The bytes that are sent and signed, the same at every attempt."""
    relationships: dict[str, Any] = {}
    for name, row_id in (
        ("account", event.account_id),
        ("organization", event.organization_id),
        ("synchronization", event.synchronization_id),
        ("paymentRequest", event.payment_request_id),
    ):
        if row_id is not None:
            relationships[name] = {"data": {"type": name, "id": str(row_id)}}
    data = {
        "type": PREFIX + event.event_type,
        "id": str(event.id),
        "attributes": {"createdAt": _moment(event.created_at), **event.attributes},
        "relationships": relationships,
    }
    return json.dumps({"data": data}, separators=(",", ":"), ensure_ascii=False).encode()


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def replay_of(delivery: Delivery, now: datetime) -> Delivery:
    """A second delivery of the same bytes, hence the same ``data.id``."""
    return Delivery(
        organization_id=delivery.organization_id,
        endpoint_id=delivery.endpoint_id,
        event_id=delivery.event_id,
        event_type=delivery.event_type,
        body=bytes(delivery.body),
        next_attempt_at=now,
        is_replay=True,
        created_at=now,
    )
