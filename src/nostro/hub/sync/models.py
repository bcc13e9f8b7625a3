"""Runs of one account, the quota ledger and the plan of the next run (connectors.md 1.11 and 1.12)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from nostro.hub.accounts.models import Account
from nostro.hub.organizations.models import Organization
from nostro.web.fields import IdField

#: A warning that leaves nothing out: the balance proof of this run accepted late rows (core.balance_proof).
LATE_ROWS = "rows that came late were part of the bank's balance before"

#: The fourth place of the quota is left for a retry or an integration (connectors.md 1.11).
DEFAULT_RUNS_PER_DAY = 3


class Synchronization(models.Model):
    """One run of one account. The truth about a run is this row, never the queue (DESIGN.md section 2)."""

    id = IdField()
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="synchronizations")
    subtype = models.CharField(max_length=40, default="accountTransactionsWithUnsettled")
    status = models.CharField(max_length=8, default="pending")  # pending, running, success, error
    trigger = models.CharField(max_length=12)  # link, renewal, person, integration, schedule
    integration_id = models.UUIDField(null=True)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    customer_online = models.BooleanField(default=False)
    #: The person's address and browser, sealed; erased when the run ends or after 15 minutes (connectors.md 1.4).
    sealed_psu_context = models.BinaryField(null=True)

    window_from = models.DateField(null=True)
    window_to = models.DateField(null=True)
    wide = models.BooleanField(default=False)  # the whole history or the wide read of 90 days
    pages = models.PositiveIntegerField(default=0)
    rows_read = models.PositiveIntegerField(default=0)
    created_count = models.PositiveIntegerField(default=0)
    updated_count = models.PositiveIntegerField(default=0)
    removed_count = models.PositiveIntegerField(default=0)
    known_count = models.PositiveIntegerField(default=0)
    pending_created_count = models.PositiveIntegerField(default=0)
    pending_updated_count = models.PositiveIntegerField(default=0)
    errors = models.JSONField(default=list)  # the shape of hub-api.md section 6
    warnings = models.JSONField(default=list)  # what was left out, and LATE_ROWS

    lease_holder = models.CharField(max_length=100, blank=True)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    #: The time of this run was over before the bank's list was; the next run goes on behind its last page.
    to_be_continued = models.BooleanField(default=False)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(status__in=["pending", "running"]),
                name="one_synchronization_at_a_time",
            )
        ]
        indexes = [
            models.Index(fields=["account", "-created_at"], name="synchronization_by_account"),
            models.Index(
                fields=["lease_until"], name="synchronization_open", condition=Q(status__in=["pending", "running"])
            ),
        ]


class QuotaAccess(models.Model):
    """One access to a bank, written before the call (connectors.md 1.12). ``quota_key`` is the account key, or the
    connection for the list of accounts; a new consent does not change it."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    quota_key = models.CharField(max_length=240)
    endpoint = models.CharField(max_length=20)  # accounts, details, balances, transactions
    attended = models.BooleanField()
    counted = models.BooleanField()  # False: attended, or no connection was made
    synchronization_id = models.UUIDField(null=True)
    accessed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["quota_key", "endpoint", "-accessed_at"], name="quota_access_by_key")]


class QuotaState(models.Model):
    """The row that is locked while a place is taken, and the time until which a 429 closed the key."""

    id = models.BigAutoField(primary_key=True)
    quota_key = models.CharField(max_length=240)
    endpoint = models.CharField(max_length=20)
    closed_until = models.DateTimeField(null=True)
    closed_for_attended_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["quota_key", "endpoint"], name="one_quota_state_per_key")]


class Schedule(models.Model):
    """When an account is read next without anybody asking."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, primary_key=True, related_name="schedule")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    runs_per_day = models.PositiveSmallIntegerField(default=DEFAULT_RUNS_PER_DAY)
    next_run_at = models.DateTimeField(null=True)
    consecutive_failures = models.PositiveSmallIntegerField(default=0)
    last_wide_read_at = models.DateTimeField(null=True)  # the weekly read of 90 days
    #: The first day that failed weekly reads left out and that is too old for the next one: read at a confirmation.
    missed_from = models.DateField(null=True)
    wide_read_wanted = models.BooleanField(default=False)  # the balance proof turned red: read 90 days once
    shows_pending = models.BooleanField(default=True)  # False: the bank refused, and is not asked again
    paused = models.BooleanField(default=False)
    longest_window_days = models.PositiveSmallIntegerField(null=True)  # what the bank accepted after refusing more
    #: Runs, an hour apart, that the bank refused with 401, 403 or 404 and without saying why (connectors.md 1.6).
    unclear_refusals = models.PositiveSmallIntegerField(default=0)
    unclear_refusal_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["next_run_at"], name="schedule_due", condition=Q(paused=False))]
