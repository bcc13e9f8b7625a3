"""Double-entry ledger: accounts, partners, entries whose items balance, and documents that are open items.

A deferred constraint trigger (migration 0002) refuses every entry that does not balance (books.md I-1). Amounts of
items are signed: debit +, credit −.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now, Upper

from nostro.books.companies.models import Company
from nostro.books.ledger.choices import (
    AccountKind,
    DocumentKind,
    PaymentState,
    Purpose,
    ReferenceStandard,
    SeriesKind,
    TaxOption,
)
from nostro.web.fields import AmountField, IdField

__all__ = [
    "AccountKind",
    "AccountTotal",
    "Document",
    "DocumentDraft",
    "DocumentKind",
    "DocumentSettings",
    "DocumentTax",
    "Entry",
    "EntryItem",
    "ExchangeRate",
    "ImportMapping",
    "ItemReference",
    "LedgerAccount",
    "MiscEntry",
    "NumberSeries",
    "Partner",
    "PartnerBankAccount",
    "Payment",
    "PaymentBatch",
    "PaymentState",
    "Purpose",
    "ReferenceStandard",
    "SeriesKind",
    "TaxOption",
]


class LedgerAccount(models.Model):
    """An account of the chart. ``currency`` is empty where any currency may be booked."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="ledger_accounts")
    code = models.CharField(max_length=12)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, choices=AccountKind)
    purpose = models.CharField(max_length=20, choices=Purpose, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    reconcilable = models.BooleanField(default=False)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(fields=["company", "code"], name="one_account_per_code"),
            models.UniqueConstraint(
                fields=["company", "purpose"], name="one_account_per_purpose", condition=~Q(purpose="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Partner(models.Model):
    """A customer or supplier, or both."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="partners")
    name = models.CharField(max_length=200)
    vat_number = models.CharField(max_length=20, blank=True)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint("company", Upper("name"), name="one_partner_per_name")]

    def __str__(self) -> str:
        return self.name


class PartnerBankAccount(models.Model):
    """An account number a partner was seen with; never trusted for payments by itself (books.md 16.3)."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="bank_accounts")
    account_number = models.CharField(max_length=70)  # normalised: upper case, letters and digits only
    trusted = models.BooleanField(default=False)
    active = models.BooleanField(default=True)
    seen_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["partner", "account_number"], name="one_bank_account_per_partner")
        ]
        indexes = [models.Index(fields=["company", "account_number"], name="partner_by_account")]


class ExchangeRate(models.Model):
    """What one unit of ``currency`` is worth in the company's currency, from ``valid_from`` on."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="exchange_rates")
    currency = models.CharField(max_length=3)
    valid_from = models.DateField()
    rate = AmountField()
    source = models.CharField(max_length=100, blank=True)  # who says so, in the words of the person who entered it

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "currency", "valid_from"], name="one_rate_per_day"),
            models.CheckConstraint(condition=Q(rate__gt=0), name="rate_positive"),
        ]


class Entry(models.Model):
    """A posted entry. It is never deleted; a mistake is reversed by another entry (books.md 14.6)."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="entries")
    kind = models.CharField(max_length=12)  # bank, opening, document, misc, match, write_off, exchange, reversal
    date = models.DateField()
    label = models.TextField(blank=True)
    journal_id = models.UUIDField(null=True)  # of bank and opening entries; journals lie above the ledger
    reverses = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="reversed_by")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["company", "-date", "-id"], name="entry_by_date"),
            models.Index(fields=["journal_id", "date"], name="entry_by_journal", condition=Q(journal_id__isnull=False)),
        ]


class EntryItem(models.Model):
    """One side of an entry: ``amount`` in the company's currency, ``amount_currency`` in ``currency``, both signed.

    On reconcilable accounts the residuals say what is still open; elsewhere they are null.
    """

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="items")
    account = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="items")
    partner = models.ForeignKey(Partner, null=True, on_delete=models.PROTECT, related_name="items")
    date = models.DateField()  # of the entry, repeated for balances by day
    due_date = models.DateField(null=True)
    label = models.TextField(blank=True)
    analytic = models.CharField(max_length=60, blank=True, default="")  # what it is for: a project, a department
    amount = AmountField()
    currency = models.CharField(max_length=3)
    amount_currency = AmountField()
    residual = AmountField(null=True)
    residual_currency = AmountField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["account", "date"], name="item_by_account", include=["amount", "amount_currency"]),
            models.Index(
                fields=["company", "currency", "residual_currency"],
                name="item_open",
                condition=Q(residual_currency__isnull=False) & ~Q(residual_currency=0),
            ),
        ]


class NumberSeries(models.Model):
    """The last number that a series gave. Triggers of migration 0010 see to it that no number is skipped."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=12, choices=SeriesKind)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "kind", "year"], name="one_series_per_kind_and_year"),
            models.CheckConstraint(condition=Q(kind__in=SeriesKind.values), name="series_kind_known"),
        ]


def _numbered_once(name: str, *scope: str) -> list[models.BaseConstraint]:
    """A number of a series is whole and given once."""
    return [
        models.UniqueConstraint(
            fields=["company", *scope, "series_year", "series_number"],
            name=f"{name}_numbered_once",
            condition=Q(series_number__isnull=False),
        ),
        models.CheckConstraint(
            condition=Q(series_year=None, series_number=None)
            | Q(series_year__isnull=False, series_number__isnull=False),
            name=f"{name}_series_whole",
        ),
    ]


class Document(models.Model):
    """A posted invoice or bill. Its receivable or payable item is the open item. It is never deleted or changed, only
    reversed by another one (migration 0010). Its number is typed, or that of a series.

    Who pays until ``discount_until`` may leave out ``discount`` of the net amount and ``discount_tax`` of the tax. Both
    are worked out when the document is posted and never again.
    """

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="documents")
    kind = models.CharField(max_length=12, choices=DocumentKind)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="documents")
    number = models.CharField(max_length=60)
    date = models.DateField()
    due_date = models.DateField()
    amount = AmountField()  # positive, in ``currency``, taxes included
    tax_amount = AmountField(default=0)
    currency = models.CharField(max_length=3)
    discount_percent = AmountField(null=True)
    discount_until = models.DateField(null=True)
    discount_option = models.CharField(max_length=16, choices=TaxOption, blank=True)
    discount = AmountField(default=0)
    discount_tax = AmountField(default=0)
    partner_reference = models.CharField(max_length=60, blank=True)  # the customer's or supplier's own number of it
    end_to_end_id = models.CharField(max_length=35, blank=True)  # that its payment is going to carry, upper case
    structured_reference = models.CharField(max_length=60, blank=True)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="document")
    open_item = models.OneToOneField(EntryItem, on_delete=models.PROTECT, related_name="document")
    series_year = models.PositiveSmallIntegerField(null=True)
    series_number = models.PositiveIntegerField(null=True)
    reverses = models.OneToOneField("self", null=True, on_delete=models.PROTECT, related_name="reversed_by")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "kind", "partner", "number"], name="no_document_twice"),
            *_numbered_once("document", "kind"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="document_amount_positive"),
            models.CheckConstraint(
                condition=Q(tax_amount__gte=0, tax_amount__lt=F("amount")), name="document_tax_below_amount"
            ),
            models.CheckConstraint(
                condition=Q(discount_percent=None, discount_until=None, discount=0, discount_tax=0)
                | Q(discount_percent__gt=0, discount_percent__lt=100, discount_until__isnull=False)
                & Q(discount__gt=0, discount_tax__gte=0, discount_tax__lte=F("tax_amount"))
                & Q(discount__lt=F("amount") - F("tax_amount")),
                name="document_discount_whole",
            ),
        ]
        indexes = [
            models.Index(fields=["company", "-date", "-id"], name="document_by_date"),
            models.Index("company", Upper("number"), name="document_by_number"),
            models.Index(
                "company",
                Upper("partner_reference"),
                name="document_by_reference",
                condition=~Q(partner_reference=""),
            ),
            models.Index(
                fields=["company", "end_to_end_id"], name="document_by_end_to_end", condition=~Q(end_to_end_id="")
            ),
        ]


class DocumentTax(models.Model):
    """The part of a document with one rate of tax; positive, in the document's currency."""

    id = IdField()
    document = models.ForeignKey(Document, on_delete=models.CASCADE, related_name="taxes")
    percent = AmountField()
    net = AmountField()
    tax = AmountField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(percent__gte=0, net__gt=0, tax__gte=0), name="document_tax_positive"),
        ]


class MiscEntry(models.Model):
    """The number of an entry that a person posted by hand. Like documents it stays, and is reversed by another one."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="misc_entries")
    number = models.CharField(max_length=60)
    series_year = models.PositiveSmallIntegerField()
    series_number = models.PositiveIntegerField()
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="misc")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = _numbered_once("misc")
        indexes = [models.Index("company", Upper("number"), name="misc_by_number")]

    @property
    def label(self) -> str:
        """What the person said of it, without the number."""
        return self.entry.label.removeprefix(self.number).strip()

    @property
    def is_reversed(self) -> bool:
        """Whether another entry takes it back."""
        return hasattr(self.entry, "reversed_by")


class DocumentDraft(models.Model):
    """A document or entry that is not posted: it has no number, no entry and no open item, so nothing matches it.

    ``content`` is what :mod:`nostro.books.ledger.drafts` reads. Once posted it is kept with what became of it, and
    cannot be changed or deleted any more (migration 0010).
    """

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="document_drafts")
    kind = models.CharField(max_length=12, choices=SeriesKind)
    content = models.JSONField()
    version = models.PositiveIntegerField(default=1)  # who saves names the one that was shown
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    changed_at = models.DateTimeField(db_default=Now())
    document = models.OneToOneField(Document, null=True, on_delete=models.PROTECT, related_name="draft")
    misc_entry = models.OneToOneField(MiscEntry, null=True, on_delete=models.PROTECT, related_name="draft")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=SeriesKind.values), name="draft_kind_known"),
            models.CheckConstraint(
                condition=Q(document=None, misc_entry=None)
                | Q(kind=SeriesKind.MISC, document=None)
                | ~Q(kind=SeriesKind.MISC) & Q(misc_entry=None),
                name="draft_posted_as_its_kind",
            ),
        ]
        indexes = [
            models.Index(
                fields=["company", "-changed_at"],
                name="draft_waiting",
                condition=Q(document=None, misc_entry=None),
            ),
        ]


class DocumentSettings(models.Model):
    """How a company's own documents are made; a company without a row has the defaults."""

    company = models.OneToOneField(Company, on_delete=models.CASCADE, primary_key=True, related_name="+")
    standard = models.CharField(max_length=10, choices=ReferenceStandard, default=ReferenceStandard.COUNTRY)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(standard__in=ReferenceStandard.values), name="standard_known"),
        ]


class ImportMapping(models.Model):
    """Which column of a company's files is which field, as the last import had it."""

    company = models.OneToOneField(Company, on_delete=models.CASCADE, primary_key=True, related_name="+")
    columns = models.JSONField()  # our field → the column's name


class PaymentBatch(models.Model):
    """Payments that were sent to the bank together and usually appear as one line (books.md 16.7)."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="payment_batches")
    journal_id = models.UUIDField()  # journals lie above the ledger
    reference = models.CharField(max_length=35)
    message_id = models.CharField(max_length=35, blank=True)
    date = models.DateField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint("company", Upper("reference"), name="one_batch_per_reference"),
            models.CheckConstraint(condition=~Q(reference=""), name="batch_reference_given"),
        ]
        indexes = [models.Index("company", Upper("message_id"), name="batch_by_message")]


class Payment(models.Model):
    """A payment that was ordered and is expected on a bank line; it makes no entry of its own (books.md 16.1).

    ``amount`` is signed and in the currency of the open item it pays, like that item: paid out −.
    """

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="payments")
    journal_id = models.UUIDField()
    batch = models.ForeignKey(PaymentBatch, null=True, on_delete=models.PROTECT, related_name="payments")
    open_item = models.ForeignKey(EntryItem, on_delete=models.PROTECT, related_name="payments")
    amount = AmountField()
    date = models.DateField()
    reference = models.CharField(max_length=60, blank=True)
    end_to_end_id = models.CharField(max_length=35, blank=True)  # upper case
    state = models.CharField(max_length=11, choices=PaymentState, default=PaymentState.OUTSTANDING)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(amount=0), name="payment_amount_not_zero"),
            models.CheckConstraint(condition=Q(state__in=PaymentState.values), name="payment_state_known"),
            models.UniqueConstraint(
                fields=["company", "end_to_end_id"],
                name="one_payment_per_end_to_end_id",
                condition=~Q(end_to_end_id="") & ~Q(state=PaymentState.CANCELLED),
            ),
            models.UniqueConstraint(
                fields=["open_item"],
                name="one_outstanding_payment_per_item",
                condition=Q(state=PaymentState.OUTSTANDING),
            ),
        ]
        indexes = [
            models.Index("company", Upper("reference"), name="payment_by_reference", condition=~Q(reference="")),
            models.Index(fields=["company", "state", "-date"], name="payment_by_state"),
        ]


class ItemReference(models.Model):
    """A canonical key (``scheme:value``, books.md 15) under which an open item is found."""

    id = models.BigAutoField(primary_key=True)
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    item = models.ForeignKey(EntryItem, on_delete=models.CASCADE, related_name="references")
    key = models.CharField(max_length=80)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["company", "key", "item"], name="one_reference_per_item")]


class AccountTotal(models.Model):
    """What items of an account add up to on a day, written by triggers (migration 0003, decision 0022).

    Append-only until folded: an account and day may have several rows, and their sums count. ``debit`` and ``credit``
    are both positive, in the company's currency.
    """

    id = models.BigAutoField(primary_key=True)
    account_id = models.UUIDField()  # no foreign key: rows of a deleted account are harmless
    day = models.DateField()
    debit = AmountField()
    credit = AmountField()
    amount_currency = AmountField()

    class Meta:
        indexes = [models.Index(fields=["account_id", "day"], name="total_by_account_day")]
