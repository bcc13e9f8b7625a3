"""Match groups: what a line was explained with, why, by whom, and how to take it back (books.md 16.9)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from nostro.books.companies.models import Company
from nostro.books.journals.models import Line
from nostro.books.ledger.models import Entry, EntryItem, LedgerAccount, Partner
from nostro.web.fields import AmountField, IdField


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
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["line"], name="match_group_live", condition=Q(undone_at__isnull=True))]


class MatchPart(models.Model):
    """One counterpart of a group. Amounts are signed like the line; ``open_item`` is what it closes, if anything."""

    id = IdField()
    group = models.ForeignKey(MatchGroup, on_delete=models.CASCADE, related_name="parts")
    account = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="+")
    partner = models.ForeignKey(Partner, null=True, on_delete=models.PROTECT, related_name="+")
    open_item = models.ForeignKey(EntryItem, null=True, on_delete=models.PROTECT, related_name="match_parts")
    counterpart_id = models.UUIDField()  # the entry item that was made; gone when the group is undone
    label = models.TextField(blank=True)
    amount = AmountField()  # in the company's currency
    currency = models.CharField(max_length=3)
    amount_currency = AmountField()
