"""Integrations: what software may read which accounts, with a Client ID and a Secret ID (hub-api.md 4.1, 12)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from oauth2_provider.models import AbstractApplication

from nostro.hub.accounts.models import Account
from nostro.hub.organizations.models import Organization
from nostro.web.fields import IdField


class Integration(AbstractApplication):  # type: ignore[misc]
    """An OAuth2 client of one organization. Its tokens are valid only on the root mount of the API."""

    id = IdField()
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    is_sandbox = models.BooleanField(default=False)
    scope = models.CharField(max_length=20, default="ai")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    secret_changed_at = models.DateTimeField(db_default=Now())
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    #: The vendor's application that this is granted to; its tokens are valid under /ponto-connect only.
    vendor_id = models.UUIDField(null=True, db_index=True)
    #: Made by another organization that acts under a mandate (hub.mandates); both are null otherwise.
    mandate_id = models.UUIDField(null=True, db_index=True)
    acting_organization = models.ForeignKey(Organization, null=True, on_delete=models.CASCADE, related_name="+")
    #: Its organization, or the one that acts for it, is blocked: no token works and none is issued (blocking.py).
    is_blocked = models.BooleanField(default=False, db_default=False)

    class Meta(AbstractApplication.Meta):  # type: ignore[misc]
        constraints = [
            models.CheckConstraint(
                condition=Q(mandate_id__isnull=True, acting_organization__isnull=True)
                | Q(mandate_id__isnull=False, acting_organization__isnull=False),
                name="mandate_and_who_acts",
            )
        ]


class IntegrationAccount(models.Model):
    """A grant: this integration may read this account. Taking it away is immediate."""

    id = IdField()
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="grants")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="grants")
    created_at = models.DateTimeField(db_default=Now())
    last_accessed_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "account"], condition=Q(removed_at__isnull=True), name="one_grant_per_account"
            )
        ]


class LoggedRequest(models.Model):
    """One request of an integration, for its page. Bodies of refused requests only, masked (hub.api.request_log)."""

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


class LegacyToken(models.Model):
    """The single API token of an organization as older software uses it (hub-api.md 4.4). Deprecated.

    It acts as an integration of its own that reads every account of the organization and is not listed with the
    others; made by the operator only. A revoked one is remembered, because old connectors are told so (401
    ``authorizationCodeInvalid``).
    """

    id = IdField()
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    integration = models.OneToOneField(Integration, on_delete=models.CASCADE, related_name="legacy_token")
    checksum = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    migrated_to = models.ForeignKey(Integration, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization"], condition=Q(revoked_at__isnull=True), name="one_legacy_token"
            )
        ]


class PersonalToken(models.Model):
    """A token of a person for one organization: the token U of the dashboard resources (hub-api.md 9)."""

    id = IdField()
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)
    checksum = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "user"], name="personal_token_by_person")]
