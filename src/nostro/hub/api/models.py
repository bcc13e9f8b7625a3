"""What the API itself must remember: the answers to requests with an idempotency key."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.db import models

from nostro.hub.organizations.models import Organization
from nostro.web.fields import IdField


class IdempotentRequest(models.Model):
    """An executed request and its answer, kept 24 h and given again when the request is repeated (hub-api.md 2.6)."""

    KEPT: ClassVar[timedelta] = timedelta(hours=24)

    id = IdField()
    #: Null for what a vendor asks for no organization; ``integration_id`` is then its application's.
    organization = models.ForeignKey(Organization, null=True, on_delete=models.CASCADE, related_name="+")
    integration_id = models.UUIDField()
    verb = models.CharField(max_length=6)
    path = models.CharField(max_length=300)
    key = models.CharField(max_length=255)
    body_checksum = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField()
    document = models.BinaryField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["integration_id", "verb", "path", "key"], name="one_answer_per_key")
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotent_request_by_age")]
