"""Connections to a Hub, the accounts seen there, their links to journals, raw data and runs (books.md 3 to 10)."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from nostro.books.companies.models import Company
from nostro.books.journals.models import Journal
from nostro.web.fields import AmountField, IdField


class ConnectionState(models.TextChoices):
    """books.md 7. An error never overwrites disconnected or paused."""

    NEW = "new", _("New")
    CONNECTED = "connected", _("Connected")
    DEGRADED = "degraded", _("Needs attention")
    ACTION_REQUIRED = "action_required", _("Action required")
    PAUSED = "paused", _("Paused")
    DISCONNECTED = "disconnected", _("Disconnected")


class CredentialKind(models.TextChoices):
    """books.md 6. An API token is deprecated: it works while the Hub accepts it, until it is migrated."""

    CLIENT = "client", _("Client ID and Secret ID")
    API_TOKEN = "api_token", _("API token (deprecated)")


class Connection(models.Model):
    """One Client ID at one Hub address, belonging to one company."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="connections")
    hub_url = models.CharField(max_length=300)
    client_id = models.CharField(max_length=200)
    credential_kind = models.CharField(max_length=10, choices=CredentialKind, default=CredentialKind.CLIENT)
    sealed_secret = models.BinaryField()
    #: A migrated API token and its name, until the first fetch with the new pair has succeeded.
    sealed_old_token = models.BinaryField(null=True)
    old_client_id = models.CharField(max_length=200, blank=True, default="")
    secret_set_at = models.DateTimeField()
    state = models.CharField(max_length=16, choices=ConnectionState, default=ConnectionState.NEW)
    state_code = models.CharField(max_length=30, blank=True)  # a code of the error catalogue
    automatic_sync = models.BooleanField(default=True)
    accounts_read_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["hub_url", "client_id"], name="one_connection_per_client")]


class Health(models.TextChoices):
    """books.md 7."""

    OK = "ok", _("OK")
    EXPIRING = "expiring", _("Consent expires soon")
    EXPIRED = "expired", _("Consent expired")
    NOT_AUTHORISED = "not_authorised", _("Not authorised")
    BANK_UNAVAILABLE = "bank_unavailable", _("Bank unavailable")
    ATTENDED_ONLY = "attended_only", _("Only with a person present")
    RATE_LIMITED = "rate_limited", _("Allowance used")
    ERROR = "error", _("Error")
    PAUSED = "paused", _("Paused")


class FetchState(models.TextChoices):
    IDLE = "idle", _("Idle")
    QUEUED = "queued", _("Queued")
    REFRESHING = "refreshing", _("Asking the bank")
    READING = "reading", _("Reading")
    IMPORTING = "importing", _("Importing")
    WAITING = "waiting", _("Waiting")
    FAILED = "failed", _("Failed")


class OnlineAccount(models.Model):
    """A bank account that the Hub shows to a Client ID, and where its reading stands."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="online_accounts")
    identity = models.CharField(max_length=120)  # reference + currency, else the Hub's account id (books.md 1)
    hub_account_id = models.UUIDField()
    epoch = models.PositiveIntegerField(default=1)
    reference = models.CharField(max_length=70, blank=True)
    reference_type = models.CharField(max_length=20, blank=True)
    currency = models.CharField(max_length=3)
    subtype = models.CharField(max_length=30, blank=True)
    description = models.CharField(max_length=200, blank=True)
    holder_name = models.CharField(max_length=200, blank=True)
    institution_id = models.UUIDField(null=True)
    bank_name = models.CharField(max_length=200, blank=True)
    current_balance = AmountField(null=True)
    current_balance_date = models.DateField(null=True)
    available_balance = AmountField(null=True)
    synchronized_at = models.DateTimeField(null=True)  # when the Hub last read the bank
    #: The oldest booking date seen in the Hub's list, and whether the list was seen to its end.
    history_from = models.DateField(null=True)
    history_complete = models.BooleanField(default=False)
    consent_expires_at = models.DateTimeField(null=True)
    deprecated = models.BooleanField(default=False)
    availability = models.CharField(max_length=20, blank=True)
    visible = models.BooleanField(default=True)  # in the newest list of the Hub
    declined = models.BooleanField(default=False)  # the choice "Do not link"
    invert_transaction_sign = models.BooleanField(default=False)
    invert_balance_sign = models.BooleanField(default=False)

    health = models.CharField(max_length=20, choices=Health, default=Health.OK)
    fetch_state = models.CharField(max_length=12, choices=FetchState, default=FetchState.IDLE)
    waiting_until = models.DateTimeField(null=True)
    lease_holder = models.CharField(max_length=100, blank=True)
    lease_until = models.DateTimeField(null=True)
    cursor = models.CharField(max_length=64, blank=True)  # the Hub's id of the newest transaction read completely
    watermark_date = models.DateField(null=True)
    next_fetch_at = models.DateTimeField(null=True)
    last_fetch_at = models.DateTimeField(null=True)
    last_result = models.TextField(blank=True)  # a sentence for the journal card
    failures = models.PositiveSmallIntegerField(default=0)  # failed runs in a row
    failing_since = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "hub_account_id"], name="one_online_account_per_hub_account"),
            models.UniqueConstraint(fields=["connection", "identity"], name="one_online_account_per_identity"),
        ]
        indexes = [
            models.Index(fields=["next_fetch_at"], name="online_account_due", condition=Q(next_fetch_at__isnull=False)),
            models.Index(fields=["lease_until"], name="online_account_leased", condition=Q(lease_until__isnull=False)),
        ]


class FetchSchedule(models.TextChoices):
    """books.md 5.1."""

    MANUAL = "manual", _("Manual only")
    HOURLY = "1h", _("Every hour")
    EVERY_2_HOURS = "2h", _("Every 2 hours")
    EVERY_4_HOURS = "4h", _("Every 4 hours")
    EVERY_6_HOURS = "6h", _("Every 6 hours")
    EVERY_12_HOURS = "12h", _("Every 12 hours")
    EVERY_24_HOURS = "24h", _("Every 24 hours")
    DAILY_AT = "daily_at", _("Daily at given times")


class JournalLink(models.Model):
    """An online account feeds a journal, from ``linked_at`` until ``unlinked_at``. Grouping lives on the journal."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    online_account = models.ForeignKey(OnlineAccount, on_delete=models.CASCADE, related_name="links")
    journal = models.ForeignKey(Journal, on_delete=models.CASCADE, related_name="links")
    fetch_schedule = models.CharField(max_length=10, choices=FetchSchedule, default=FetchSchedule.EVERY_12_HOURS)
    fetch_times = ArrayField(models.TimeField(), default=list, blank=True)  # local times, for "daily at"
    fetch_from = models.DateField()
    linked_at = models.DateTimeField()
    linked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    unlinked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["online_account"], name="one_journal_per_online_account", condition=Q(unlinked_at__isnull=True)
            ),
            models.UniqueConstraint(
                fields=["journal"], name="one_online_account_per_journal", condition=Q(unlinked_at__isnull=True)
            ),
        ]


class RunStatus(models.TextChoices):
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    ABANDONED = "abandoned", _("Abandoned")


class Run(models.Model):
    """One fetch of one account."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    online_account = models.ForeignKey(OnlineAccount, on_delete=models.CASCADE, related_name="runs")
    trigger = models.CharField(max_length=10)  # link, person, schedule, retry, webhook
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    customer_ip = models.GenericIPAddressField(null=True)  # tells the bank a person is present; erased at the end
    status = models.CharField(max_length=10, choices=RunStatus, default=RunStatus.QUEUED)
    states = models.JSONField(default=list)  # [{"state", "at"}], in order
    pages = models.PositiveIntegerField(default=0)
    items_read = models.PositiveIntegerField(default=0)
    new_count = models.PositiveIntegerField(default=0)
    known_count = models.PositiveIntegerField(default=0)
    held_count = models.PositiveIntegerField(default=0)
    changed_count = models.PositiveIntegerField(default=0)
    early_count = models.PositiveIntegerField(default=0)  # before fetch-from: kept raw, not posted
    request_ids = ArrayField(models.CharField(max_length=64), default=list)
    synchronization_id = models.UUIDField(null=True)  # at the Hub
    synchronized_at = models.DateTimeField(null=True)  # from when the Hub's data were that a committed run read
    covered_from = models.DateField(null=True)  # from this day on the run read everything (books.md 11.5)
    error_code = models.CharField(max_length=30, blank=True)
    result = models.TextField(blank=True)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["online_account"], name="one_fetch_at_a_time", condition=Q(status__in=["queued", "running"])
            )
        ]
        indexes = [models.Index(fields=["online_account", "-created_at"], name="run_by_account")]


class RawTransaction(models.Model):
    """What the Hub sent for one transaction, as it came; append-only, one row per different payload."""

    id = models.BigAutoField(primary_key=True)
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    identity = models.CharField(max_length=120)
    source = models.CharField(max_length=200)
    external_id = models.CharField(max_length=200)
    payload_hash = models.CharField(max_length=64)
    payload = models.TextField()  # JSON text, so that every digit stays as it was sent
    run_id = models.UUIDField()
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["company", "identity", "source", "external_id", "payload_hash"], name="no_raw_payload_twice"
            )
        ]


class Failure(models.Model):
    """One kind of failure of a connection or account since it last worked (books.md 9)."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="failures")
    online_account = models.ForeignKey(OnlineAccount, null=True, on_delete=models.CASCADE, related_name="failures_seen")
    code = models.CharField(max_length=30)
    technical = models.TextField(blank=True)  # secrets and account numbers masked
    hub_request_id = models.CharField(max_length=64, blank=True)
    correlation_id = models.CharField(max_length=64, blank=True)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)
    cleared_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "online_account", "code"],
                name="one_open_failure_per_code",
                condition=Q(cleared_at__isnull=True),
                nulls_distinct=False,
            )
        ]
