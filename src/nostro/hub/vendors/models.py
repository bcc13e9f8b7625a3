"""Software vendors of Ponto Connect (hub-api.md 4.2, 4.3, 7.8 to 7.10).

What an organization grants a vendor is an Integration with ``vendor_id``: its accounts are chosen, changed and revoked
like those of any other. Codes and tokens are stored as checksums only.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from nostro.hub.accounts.models import Account
from nostro.hub.integrations.models import Integration
from nostro.web.fields import IdField


class Application(models.Model):
    """A vendor's software, registered by the operator of this Hub. One of live and sandbox."""

    id = IdField()
    name = models.CharField(max_length=100)
    client_id = models.CharField(max_length=36, unique=True)
    client_secret = models.CharField(max_length=200)
    redirect_uris = ArrayField(models.TextField())
    is_sandbox = models.BooleanField()
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class AuthorizationCode(models.Model):
    """What a browser brings back to the vendor; lives ten minutes and works once."""

    id = IdField()
    checksum = models.CharField(max_length=64, unique=True)
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="+")
    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="+")
    scope = models.CharField(max_length=60)
    redirect_uri = models.TextField()
    code_challenge = models.CharField(max_length=128, blank=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class RefreshToken(models.Model):
    """One link of a chain; usable once. When a used one comes again, the whole chain ends."""

    id = IdField()
    checksum = models.CharField(max_length=64, unique=True)
    chain_id = models.UUIDField(db_index=True)
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="+")
    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="+")
    scope = models.CharField(max_length=60)
    created_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)


class ClientToken(models.Model):
    """An access token of the vendor itself, for what concerns no single organization."""

    id = IdField()
    checksum = models.CharField(max_length=64, unique=True)
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="+")
    expires_at = models.DateTimeField(db_index=True)


class OnboardingDetails(models.Model):
    """What a vendor knows about a person who is on the way to this Hub; its id is valid for five minutes."""

    id = IdField()
    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="+")
    details = models.JSONField()
    created_at = models.DateTimeField(db_index=True)


class ReauthorizationRequest(models.Model):
    """A vendor asks that a person renews the consent of an account, then comes back to ``redirect_uri``."""

    id = IdField()
    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    redirect_uri = models.TextField()
    created_at = models.DateTimeField()
