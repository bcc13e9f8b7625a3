"""What people do with webhooks: set the address, turn it on and off, send again. Owners and administrators may."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Collection
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction

from nostro.http.addresses import kind_of
from nostro.hub.events.services import EVENT_TYPES
from nostro.hub.integrations.queries import access_integration
from nostro.hub.organizations.models import Role
from nostro.hub.webhooks.models import Delivery, Endpoint
from nostro.hub.webhooks.outbox import deliver_soon, replay_of
from nostro.hub.webhooks.queries import access_delivery
from nostro.hub.webhooks.signing import signing_key
from nostro.people import audit
from nostro.people.models import User
from nostro.web.errors import Problem

MAX_URL_LENGTH = 2_000


@transaction.atomic
def set_endpoint(
    user: User,
    integration_id: uuid.UUID,
    *,
    url: str,
    event_types: Collection[str] = (),
    is_active: bool = True,
    now: datetime,
) -> Endpoint:
    """Set where events of the integration are sent. No ``event_types`` means all. Saving lifts a pause.

    Raises Problem (``urlInvalid``, ``urlNotAllowed``, ``eventTypeUnknown``), NotFound, Forbidden.
    """
    integration = access_integration(user, integration_id, role=Role.ADMIN, for_update=True)
    unknown = set(event_types) - EVENT_TYPES
    if unknown:
        raise Problem("There is no such event.", what_to_do="Choose from the list.", code="eventTypeUnknown",
                      field="event_types")  # fmt: skip
    signing_key(now)  # published before anything is signed with it
    endpoint, _ = Endpoint.objects.update_or_create(
        integration=integration,
        defaults={
            "url": checked_url(url), "event_types": sorted(event_types), "is_active": is_active,
            "paused_because": "", "failing_since": None,
        },
        create_defaults={
            "url": checked_url(url), "event_types": sorted(event_types), "is_active": is_active,
            "organization_id": integration.organization_id, "created_at": now,
        },
    )  # fmt: skip
    audit.record(
        tenant_id=integration.organization_id, actor=user, action="integration.webhook_set", obj=integration,
        sentence=f"Set the webhook of the integration “{integration.name}”.",
        after={"host": urlsplit(endpoint.url).hostname or "", "active": is_active},
    )  # fmt: skip
    return endpoint


@transaction.atomic
def remove_endpoint(user: User, integration_id: uuid.UUID) -> None:
    """Forget the endpoint and its deliveries."""
    integration = access_integration(user, integration_id, role=Role.ADMIN, for_update=True)
    Endpoint.objects.filter(integration=integration).delete()
    audit.record(
        tenant_id=integration.organization_id, actor=user, action="integration.webhook_removed", obj=integration,
        sentence=f"Removed the webhook of the integration “{integration.name}”.",
    )  # fmt: skip


@transaction.atomic
def replay(user: User, delivery_id: uuid.UUID, now: datetime) -> Delivery:
    """Send the same event once more, with its whole schedule. Raises Problem ``webhookPaused``."""
    delivery = access_delivery(user, delivery_id, role=Role.ADMIN)
    if not delivery.endpoint.is_active:
        raise Problem("The webhook is paused.", what_to_do="Turn it on, then send again.", code="webhookPaused")
    again = replay_of(delivery, now)
    deliver_soon(again)
    return again


def checked_url(url: str) -> str:
    """The address, if webhooks may go there as far as its text shows; names are checked when they are connected to."""
    url = url.strip()
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        host, parts = "", urlsplit("")
    plain_allowed = settings.OUTGOING_ALLOW_LOOPBACK and parts.scheme == "http"
    if not host or len(url) > MAX_URL_LENGTH or parts.username or not url.isprintable() or " " in url:
        raise _refused("This is no address of a web service.", "urlInvalid")
    if parts.scheme != "https" and not plain_allowed:
        raise _refused("The address must begin with https://.", "urlInvalid")
    try:
        kind = kind_of(str(ipaddress.ip_address(host)))
    except ValueError:
        return url
    allowed = {"public"} | ({"private"} if settings.OUTGOING_ALLOW_PRIVATE else set())
    if kind not in allowed | ({"loopback"} if settings.OUTGOING_ALLOW_LOOPBACK else set()):
        raise _refused("Webhooks are sent to public addresses only.", "urlNotAllowed")
    return url


def _refused(what: str, code: str) -> Problem:
    return Problem(what, what_to_do="Give the address that your software is reached by.", code=code, field="url")
