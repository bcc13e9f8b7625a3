"""Match groups: what a line was explained with, why, by whom, and how to take it back (books.md 16.9)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

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
    write_off_entry = models.ForeignKey(Entry, null=True, on_delete=models.PROTECT, related_name="+")
    exchange_entry = models.ForeignKey(Entry, null=True, on_delete=models.PROTECT, related_name="+")
    #: The other half of a transfer between own accounts: both are matched, and taken back, together.
    mirror = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="+")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["line"], name="match_group_live", condition=Q(undone_at__isnull=True))]


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
    counterpart_id = models.UUIDField()  # the entry item that was made; gone when the group is undone
    label = models.TextField(blank=True)
    amount = AmountField()  # in the company's currency
    currency = models.CharField(max_length=3)
    amount_currency = AmountField()  # in the journal's currency
    foreign_amount = AmountField(null=True)  # in the line's foreign currency
    item_amount = AmountField(null=True)  # taken of the item's residual
    item_amount_currency = AmountField(null=True)  # taken of its residual in its own currency
