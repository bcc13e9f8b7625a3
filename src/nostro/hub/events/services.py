"""The outbox. An event is written in the transaction that changes the data, so neither exists without the other."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from nostro.hub.events.models import Event
from nostro.hub.events.signals import event_recorded

#: hub-api.md section 10, without the prefix ``pontoConnect.``; clients raise on any other type.
EVENT_TYPES = frozenset(
    [
        "synchronization.succeededWithoutChange",
        "synchronization.failed",
        "account.detailsUpdated",
        "account.transactionsCreated",
        "account.transactionsUpdated",
        "account.pendingTransactionsCreated",
        "account.pendingTransactionsUpdated",
        "account.reauthorized",
        "integration.accountAdded",
        "integration.accountRevoked",
        "integration.created",
        "integration.revoked",
        "organization.blocked",
        "organization.unblocked",
        "paymentRequest.closed",
    ]
)


def record_event(
    organization_id: uuid.UUID,
    event_type: str,
    *,
    now: datetime,
    account_id: uuid.UUID | None = None,
    synchronization_id: uuid.UUID | None = None,
    integration_id: uuid.UUID | None = None,
    payment_request_id: uuid.UUID | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> Event:
    """Write one event of hub-api.md section 10 inside the caller's transaction.

    ``attributes`` are those besides ``createdAt``. Raises ValueError for a type that clients do not know.
    """
    if event_type not in EVENT_TYPES:
        raise ValueError(f"there is no event type {event_type}")
    event = Event.objects.create(
        organization_id=organization_id,
        event_type=event_type,
        account_id=account_id,
        synchronization_id=synchronization_id,
        integration_id=integration_id,
        payment_request_id=payment_request_id,
        attributes=dict(attributes or {}),
        created_at=now,
    )
    event_recorded.send(Event, event=event)
    return event


def has_told(organization_id: uuid.UUID, synchronization_id: uuid.UUID, since: datetime) -> bool:
    """Whether a synchronization that began at ``since`` has told anything so far."""
    # The index is by time; a clock that was set back meanwhile is the reason for the day.
    told = Event.objects.filter(organization_id=organization_id, created_at__gt=since - timedelta(days=1))
    return told.filter(synchronization_id=synchronization_id).exists()
