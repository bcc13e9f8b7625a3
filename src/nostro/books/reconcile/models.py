"""Match groups: what a line was explained with, why, by whom, and how to take it back (books.md 16.9); rules and
what they would have done (16.8); proposals computed ahead."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from nostro.books.companies.models import Company
from nostro.books.journals.models import Journal, Line
from nostro.books.ledger.models import Entry, EntryItem, LedgerAccount, Partner, Payment
from nostro.web.fields import AmountField, IdField


class RuleKind(models.TextChoices):
    """books.md 16.8: a button that a person presses, or something that is tried on every line."""

    MANUAL = "manual", _("Button on the line")
    AUTOMATED = "automated", _("Tried on every line")


class Rule(models.Model):
    """A reconciliation model. What it says is in its versions; a used one is archived and never deleted."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    sequence = models.PositiveIntegerField()
    kind = models.CharField(max_length=9, choices=RuleKind)
    active = models.BooleanField(default=True)
    applies = models.BooleanField(default=False)  # without a person; else it only suggests
    shipped = models.CharField(max_length=20, blank=True)  # the code of a rule that came with Nostro
    version = models.ForeignKey("RuleVersion", null=True, on_delete=models.PROTECT, related_name="+")  # the current one
    archived_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["sequence", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["company", "shipped"], name="shipped_rule_once", condition=~Q(shipped="")
            ),
            models.CheckConstraint(
                condition=Q(applies=False) | Q(kind=RuleKind.AUTOMATED), name="only_automated_rules_apply"
            ),
        ]  # fmt: skip


class RuleVersion(models.Model):
    """What a rule said from an edit on. Never changed; matches name the version that made them."""

    id = IdField()
    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=100)
    definition = models.JSONField()  # ``engine.rules.Definition``
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "number"], name="rule_version_once")]


class Simulation(models.Model):
    """What a version would have done to past lines (books.md 16.8)."""

    id = IdField()
    version = models.ForeignKey(RuleVersion, on_delete=models.CASCADE, related_name="simulations")
    date_from = models.DateField()
    lines = models.PositiveIntegerField()
    agrees = models.PositiveIntegerField()
    differs = models.PositiveIntegerField()
    newly = models.PositiveIntegerField()
    missed = models.PositiveIntegerField()
    examples = models.JSONField(default=list)  # of ``rules.simulating.Verdict``, at most as many as a page shows
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()


class LearnedState(models.TextChoices):
    OPEN = "open", _("Waiting for a decision")
    APPROVED = "approved", _("Approved")
    DECLINED = "declined", _("Declined")


class LearnedRule(models.Model):
    """A rule that is proposed because people did the same several times (books.md 16.11). Decided once for all."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    journal = models.ForeignKey(Journal, on_delete=models.CASCADE, related_name="+")
    words = models.CharField(max_length=200)  # the common part, its digits generalised
    account = models.ForeignKey(LedgerAccount, null=True, on_delete=models.CASCADE, related_name="+")
    partner = models.ForeignKey(Partner, null=True, on_delete=models.CASCADE, related_name="+")
    definition = models.JSONField()
    line_ids = models.JSONField()  # the lines that it was learned from
    simulation = models.JSONField()  # counts and examples, as at the time it was proposed
    state = models.CharField(max_length=8, choices=LearnedState, default=LearnedState.OPEN)
    rule = models.ForeignKey(Rule, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["company", "journal", "words", "account", "partner"],
                name="learned_once",
                nulls_distinct=False,
            )
        ]


class Automation(models.Model):
    """Reconciling by itself, per company: whether it is on, and how far it came.

    A look is due when ``requested_at`` is newer than ``finished_at``. Proposals older than ``changed_at`` are stale.
    """

    company = models.OneToOneField(Company, on_delete=models.CASCADE, primary_key=True, related_name="+")
    enabled = models.BooleanField(default=True)
    grace_days = models.PositiveSmallIntegerField(default=0)  # that an early-payment discount is given after its day
    look_back_months = models.PositiveSmallIntegerField(default=18)  # how old what is found by itself may be
    requested_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(null=True)


class StoredProposal(models.Model):
    """What the engine said of a line, and of which state of things it said it."""

    line = models.OneToOneField(Line, on_delete=models.CASCADE, primary_key=True, related_name="+")
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    decision = models.CharField(max_length=7)
    body = models.JSONField()  # ``engine.Proposal`` with its best options
    rest = AmountField()  # what was unexplained of the line
    line_partner_id = models.UUIDField(null=True)  # whom a person had set on it
    engine_version = models.PositiveIntegerField()
    rules_digest = models.CharField(max_length=20)
    computed_at = models.DateTimeField()


class MatchGroup(models.Model):
    """One act of reconciling a line. Undone groups stay for the record."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="match_groups")
    step = models.CharField(max_length=20)  # manual, or the step of books.md 16.2 that found it
    automatic = models.BooleanField(default=False)
    evidence = models.JSONField(default=dict)
    explanation = models.TextField()
    second_entry = models.ForeignKey(Entry, null=True, on_delete=models.PROTECT, related_name="+")  # keep mode
    write_off_entry = models.ForeignKey(Entry, null=True, on_delete=models.PROTECT, related_name="+")
    exchange_entry = models.ForeignKey(Entry, null=True, on_delete=models.PROTECT, related_name="+")
    #: The other half of a transfer between own accounts: both are matched, and taken back, together.
    mirror = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    rule_version = models.ForeignKey(RuleVersion, null=True, on_delete=models.PROTECT, related_name="+")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes = [
            models.Index(fields=["line"], name="match_group_live", condition=Q(undone_at__isnull=True)),
            models.Index(fields=["company", "created_at"], name="match_group_by_time"),
        ]


class MatchPart(models.Model):
    """One counterpart of a group: a slice of the line, and what it took of the open item it pays, if any.

    Slices are signed like the line and sum to it in its three amounts (books.md 14.2, I-17). What an item lost of its
    residuals is signed like the item and includes what was written off.
    """

    id = IdField()
    group = models.ForeignKey(MatchGroup, on_delete=models.CASCADE, related_name="parts")
    account = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="+")
    partner = models.ForeignKey(Partner, null=True, on_delete=models.PROTECT, related_name="+")
    open_item = models.ForeignKey(EntryItem, null=True, on_delete=models.PROTECT, related_name="match_parts")
    payment = models.ForeignKey(Payment, null=True, on_delete=models.PROTECT, related_name="match_parts")
    counterpart_id = models.UUIDField()  # the entry item that was made; gone when the group is undone
    label = models.TextField(blank=True)
    amount = AmountField()  # in the company's currency
    currency = models.CharField(max_length=3)
    amount_currency = AmountField()  # in the journal's currency
    foreign_amount = AmountField(null=True)  # in the line's foreign currency
    item_amount = AmountField(null=True)  # taken of the item's residual
    item_amount_currency = AmountField(null=True)  # taken of its residual in its own currency
