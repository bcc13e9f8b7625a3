"""Events for somebody who develops software beside the Hub: found, signed and handed out without a public address.

The usual deliveries go on beside this. Whoever may run it has the Hub's database anyway, so nothing is opened by it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings

from nostro.hub.events.models import Event
from nostro.hub.integrations.models import Integration
from nostro.hub.webhooks.outbox import body_of, may_know
from nostro.hub.webhooks.signing import sign, signing_key
from nostro.web.errors import Problem

#: An event carries the time at which its work began, and is seen when that is committed; so each look reaches back.
LATEST_COMMIT = timedelta(minutes=10)
MAX_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Heard:
    """One event as its webhook would carry it."""

    event_id: uuid.UUID
    event_type: str
    body: bytes
    signature: str


@dataclass(slots=True)
class Listener:
    """Hears what ``integration`` may know, from ``since`` on, each event once and in the order of its making."""

    integration: Integration
    since: datetime
    _heard: dict[uuid.UUID, datetime] = field(default_factory=dict)

    def hear(self, now: datetime) -> list[Heard]:
        """What is new."""
        horizon = max(self.since, now - LATEST_COMMIT)
        self._heard = {event_id: at for event_id, at in self._heard.items() if at >= horizon}
        events = Event.objects.filter(organization_id=self.integration.organization_id, created_at__gte=horizon)
        new = events.exclude(id__in=self._heard).order_by("created_at", "id")[:MAX_AT_ONCE]
        found: list[Heard] = []
        for event in new:
            self._heard[event.id] = event.created_at
            if may_know(self.integration.id, event):
                found.append(self._signed(event, now))
        return found

    def _signed(self, event: Event, now: datetime) -> Heard:
        body = body_of(event)
        signature = sign(
            body, key=signing_key(now), audience=self.integration.client_id, issuer=settings.PUBLIC_URL, now=now
        )
        return Heard(event.id, event.event_type, body, signature)


def listener(client_id: str, now: datetime) -> Listener:
    """A listener for the integration with this Client ID. Raises Problem ``clientUnknown``."""
    found = Integration.objects.filter(client_id=client_id, revoked_at=None).first()
    if found is None:
        raise Problem(
            "There is no integration with this Client ID.", what_to_do="Copy it from the page of the integration.",
            code="clientUnknown",
        )  # fmt: skip
    return Listener(found, now)
