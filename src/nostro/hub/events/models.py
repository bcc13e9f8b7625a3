"""The outbox: what happened, written in the same transaction as the data it tells about."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from nostro.hub.organizations.models import Organization
from nostro.web.fields import IdField


class Event(models.Model):
    """One event of hub-api.md section 10, for webhooks and live pages. ``event_type`` has no prefix."""

    id = IdField()
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    event_type = models.CharField(max_length=60)
    account_id = models.UUIDField(null=True)
    synchronization_id = models.UUIDField(null=True)
    #: For ``integration.*``: the integration that it is about, which no other integration hears of.
    integration_id = models.UUIDField(null=True)
    payment_request_id = models.UUIDField(null=True)
    attributes = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["organization", "created_at"], name="event_by_organization")]
