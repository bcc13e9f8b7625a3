"""Connections, their consents, and authorisations on the way (connectors.md 1.3 to 1.6)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from nostro.hub.directory.models import Institution, Route
from nostro.hub.organizations.models import Organization
from nostro.web.fields import IdField


class Health(models.TextChoices):
    """connectors.md 1.6, worst first."""

    DISABLED = "disabled"
    PSU_ACTION_REQUIRED = "psuActionRequired"
    RATE_LIMITED = "rateLimited"
    ASPSP_UNAVAILABLE = "aspspUnavailable"
    DEGRADED = "degraded"
    EXPIRING_SOON = "expiringSoon"
    ACTIVE = "active"


class Connection(models.Model):
    """One login at one institution through one connector. It keeps its id when its consent is renewed."""

    id = IdField()
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="connections")
    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    route = models.ForeignKey(Route, on_delete=models.PROTECT, related_name="+")
    is_sandbox = models.BooleanField()
    psu_type = models.CharField(max_length=10, default="business")  # personal, business
    health = models.CharField(max_length=20, choices=Health, default=Health.ACTIVE)
    health_code = models.CharField(max_length=60, blank=True)
    health_reason = models.TextField(blank=True)
    health_since = models.DateTimeField(null=True)
    health_until = models.DateTimeField(null=True)
    consecutive_failures = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    linked_at = models.DateTimeField(null=True)
    #: The name of the person's login at the bank, where they gave it here; a renewal does not ask again.
    sealed_psu_id = models.BinaryField(null=True)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "created_at"], name="connection_by_organization")]


class Consent(models.Model):
    """A permission given at the bank. The old one stays in use until its successor works."""

    id = IdField()
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="consents")
    status = models.CharField(max_length=20)  # Berlin Group consentStatus
    raw_status = models.CharField(max_length=60, blank=True)
    sealed_consent_id = models.BinaryField()
    sealed_tokens = models.BinaryField(null=True)  # of banks that speak OAuth, see ``tokens``
    valid_until = models.DateField(null=True)
    frequency_per_day = models.PositiveSmallIntegerField(null=True)
    is_current = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    authorised_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection"], condition=models.Q(is_current=True), name="one_current_consent"
            )
        ]


class ConsentNotice(models.Model):
    """A warning, sent once, that a consent ends (connectors.md 1.6)."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    consent = models.ForeignKey(Consent, on_delete=models.CASCADE, related_name="notices")
    days_before = models.PositiveSmallIntegerField()
    recipients = models.PositiveSmallIntegerField()
    sent_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["consent", "days_before"], name="one_consent_notice_per_step"),
        ]


class Walk(models.Model):
    """One walk through a bank's steps. The connector's memory is sealed, single use and expiring (``states``).

    ``status``: open (an answer is awaited), working (the bank is being asked), then what became of it.
    """

    step_number = models.PositiveSmallIntegerField(default=1)
    step = models.CharField(max_length=20)  # the AuthorisationStep variant shown now
    sealed_state = models.BinaryField(null=True)
    sealed_shown = models.BinaryField(null=True)  # what the page shows, see ``shown``
    asked_at = models.DateTimeField(null=True)  # when the bank was last asked to go on
    status = models.CharField(max_length=12, default="open")
    error_code = models.CharField(max_length=60, blank=True)
    error_reason = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    @property
    def place(self) -> str:
        """What the connector's memory is bound to, besides the table and the number of the step."""
        raise NotImplementedError


class Authorisation(Walk):
    """A walk to link or to renew. The OAuth ``state`` is a random handle to this row, of which only the checksum is
    stored.

    ``status`` besides open and working: choosing (granted, the accounts are to be chosen), finished, failed, cancelled,
    expired.
    """

    id = IdField()
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="authorisations")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    purpose = models.CharField(max_length=10)  # link, renew
    state_checksum = models.BinaryField(max_length=32, unique=True)
    displaced = models.JSONField(default=list)  # accounts of other connections: [account, connection, resource id]

    class Meta:
        indexes = [models.Index(fields=["organization", "-created_at"], name="authorisation_by_organization")]

    @property
    def place(self) -> str:
        return f"{self.connection.organization_id}/{self.connection_id}/{self.connection.route.connector}"


class IdentityDecision(models.Model):
    """What a person said about an account that a renewed consent brought: it is a new one (``account`` is its own row),
    or the same as one known before, whose number the bank changed (connectors.md 1.10). Kept for ever, so that nobody
    is asked twice."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    is_sandbox = models.BooleanField()
    account_key = models.CharField(max_length=200)
    #: None while nobody has answered.
    account = models.ForeignKey("accounts.Account", null=True, on_delete=models.CASCADE, related_name="+")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "is_sandbox", "account_key"], name="one_identity_decision_per_key"
            )
        ]
