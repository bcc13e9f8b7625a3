"""Where events are sent, what was sent, and the keys that sign it (hub-api.md section 10)."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from nostro.hub.integrations.models import Integration
from nostro.hub.organizations.models import Organization
from nostro.web.fields import IdField


class SigningKey(models.Model):
    """An RSA key. It is published from ``created_at``, signs from ``signs_from`` until its successor does, and stays
    published for a day after that."""

    id = IdField()
    number = models.PositiveIntegerField(unique=True)
    sealed_private_key = models.BinaryField()
    modulus = models.TextField()  # base64url with padding, because .NET decodes it strictly
    created_at = models.DateTimeField()
    signs_from = models.DateTimeField()

    @property
    def kid(self) -> str:
        return f"nostro-{self.number}"


class Endpoint(models.Model):
    """The address of an integration's software. Without event types it is sent all of them."""

    id = IdField()
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    integration = models.OneToOneField(Integration, on_delete=models.CASCADE, related_name="webhook")
    url = models.TextField()
    event_types = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    is_active = models.BooleanField(default=True)
    #: Why Nostro itself paused it: ``gone`` (410) or ``silent`` (no success for five days); empty: it did not.
    paused_because = models.CharField(max_length=10, blank=True)
    created_at = models.DateTimeField()
    last_success_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)  # the first failure after the last success

    class Meta:
        indexes = [
            models.Index(fields=["organization"], name="active_endpoint", condition=Q(is_active=True)),
        ]


class Delivery(models.Model):
    """One event for one endpoint: the same bytes at every attempt. Retries of ten attempts last about 75 hours."""

    id = IdField()
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries")
    event_id = models.UUIDField()
    event_type = models.CharField(max_length=60)
    body = models.BinaryField()
    status = models.CharField(max_length=10, default="pending")  # pending, delivered, failed, dropped
    attempt_count = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True)
    is_replay = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["endpoint", "-created_at"], name="delivery_by_endpoint"),
            models.Index(fields=["next_attempt_at"], name="delivery_to_do", condition=Q(status="pending")),
            models.Index(fields=["created_at"], name="delivery_by_age"),
        ]

    @property
    def text(self) -> str:
        """The body for people."""
        return bytes(self.body).decode()


class Attempt(models.Model):
    """One request of a delivery and what came back. ``status`` is null when nothing came back; ``error`` says why."""

    id = IdField()
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    url = models.TextField()
    signature = models.TextField()
    status = models.PositiveSmallIntegerField(null=True)
    response = models.TextField(blank=True)  # its first characters
    error = models.TextField(blank=True)
    duration_ms = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["delivery", "number"], name="one_attempt_per_number")]
