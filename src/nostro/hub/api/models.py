"""What the API itself must remember: answers to requests with an idempotency key, and what integrations asked."""

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
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
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


class LoggedRequest(models.Model):
    """One request of an integration, for its page. Bodies of refused requests only, masked (request_log.py)."""

    id = IdField()
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    integration_id = models.UUIDField()
    at = models.DateTimeField()
    verb = models.CharField(max_length=10)
    target = models.TextField()  # path and query
    status = models.PositiveSmallIntegerField()
    request_id = models.UUIDField()
    duration_us = models.PositiveIntegerField()
    request_body = models.TextField(blank=True)
    response_body = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["integration_id", "-at"], name="logged_request_by_time"),
            models.Index(fields=["at"], name="logged_request_by_age"),
        ]

    @property
    def duration_ms(self) -> float:
        return self.duration_us / 1_000
