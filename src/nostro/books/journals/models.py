"""Bank journals, their lines, statements and balances (books.md 3, 5.2, 11, 12, 13).

Only this room writes these tables. Rows of rooms above (runs, online accounts) are named by id without a foreign key.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Left, Now, Upper
from django.utils.translation import gettext_lazy as _

from nostro.books.companies.models import Company
from nostro.books.ledger.models import Entry, LedgerAccount, Partner
from nostro.web.fields import AmountField, IdField


class JournalKind(models.TextChoices):
    BANK = "bank", _("Bank")
    CREDIT_CARD = "credit_card", _("Credit card")


class GroupingChoice(models.TextChoices):
    """How lines become statements: the "Synchronization frequency" of books.md 5.2."""

    PER_SYNCHRONIZATION = "per_synchronization", _("Per synchronization")
    DAILY = "daily", _("Daily")
    WEEKLY = "weekly", _("Weekly")
    BI_MONTHLY = "bi_monthly", _("Bi-monthly")
    MONTHLY = "monthly", _("Monthly")


class Feed(models.TextChoices):
    """The field "Bank Feeds" of books.md 4."""

    UNDEFINED = "undefined", _("Undefined yet")
    IMPORT = "import", _("Import")
    ONLINE = "online", _("Online Synchronization")


class AccountingDate(models.TextChoices):
    BOOKING = "booking", _("Booking date")
    VALUE = "value", _("Value date")


class OpeningOrigin(models.TextChoices):
    """books.md 13.1."""

    NONE = "none", _("None")
    COMPUTED = "computed", _("Computed from the bank's balance")
    TYPED = "typed", _("Typed")
    LEDGER = "ledger", _("Already in the ledger")


class Proof(models.TextChoices):
    """books.md 13.3."""

    UNKNOWN = "unknown", _("Unknown")
    GREEN = "green", _("Agrees with the bank")
    RED = "red", _("Differs from the bank")


class Journal(models.Model):
    """A journal of type Bank or Credit Card, with its bank account and suspense account in the ledger."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="journals")
    name = models.CharField(max_length=100)
    code = models.CharField(max_length=8)
    kind = models.CharField(max_length=12, choices=JournalKind, default=JournalKind.BANK)
    currency = models.CharField(max_length=3)
    account_number = models.CharField(max_length=70, blank=True)  # normalised (books.md 1)
    bank_name = models.CharField(max_length=200, blank=True)
    bic = models.CharField(max_length=11, blank=True)
    bank_account = models.OneToOneField(LedgerAccount, on_delete=models.PROTECT, related_name="bank_journal")
    suspense_account = models.ForeignKey(LedgerAccount, on_delete=models.PROTECT, related_name="+")
    accounting_date = models.CharField(max_length=8, choices=AccountingDate, default=AccountingDate.BOOKING)
    grouping = models.CharField(max_length=20, choices=GroupingChoice, default=GroupingChoice.PER_SYNCHRONIZATION)
    feed = models.CharField(max_length=10, choices=Feed, default=Feed.UNDEFINED)

    opening_origin = models.CharField(max_length=10, choices=OpeningOrigin, default=OpeningOrigin.NONE)
    opening_amount = AmountField(default=0)
    opening_date = models.DateField(null=True)
    opening_account = models.ForeignKey(LedgerAccount, null=True, on_delete=models.PROTECT, related_name="+")
    opening_entry = models.OneToOneField(Entry, null=True, on_delete=models.PROTECT, related_name="+")

    proof = models.CharField(max_length=8, choices=Proof, default=Proof.UNKNOWN)
    proof_expected = AmountField(null=True)  # P of books.md 13.3
    proof_difference = AmountField(null=True)  # expected − bank-stated
    proof_hint = models.CharField(max_length=10, blank=True)  # keep_both, merge
    proved_at = models.DateTimeField(null=True)

    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "code"], name="one_journal_per_code"),
            models.UniqueConstraint(
                fields=["company", "account_number", "currency"],
                name="one_journal_per_account_number",
                condition=~Q(account_number="") & Q(active=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    def accounting_day(self, booking_date: dt.date, value_date: dt.date | None) -> dt.date:
        """The day a line counts for, by the option "Accounting date" (books.md 1)."""
        if self.accounting_date == AccountingDate.VALUE and value_date is not None:
            return value_date
        return booking_date

    def today(self, now: dt.datetime) -> dt.date:
        """The day of a moment where the company is: bank days have no time zone, and people type those they live in."""
        return now.astimezone(ZoneInfo(self.company.time_zone)).date()


class Statement(models.Model):
    """A checkpoint over consecutive lines. ``computed_end`` is start + Σ lines; ``stated_end`` only from a bank."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    journal = models.ForeignKey(Journal, on_delete=models.CASCADE, related_name="statements")
    grouping = models.CharField(max_length=20, choices=GroupingChoice)
    key = models.CharField(max_length=40)
    first_day = models.DateField()
    date = models.DateField()  # of its last line
    start = AmountField()
    computed_end = AmountField()
    stated_end = AmountField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["first_day", "created_at", "id"]
        constraints = [models.UniqueConstraint(fields=["journal", "key"], name="one_statement_per_key")]

    @property
    def name(self) -> str:
        return f"{self.journal.code}/{self.key}"


class LineStatus(models.TextChoices):
    """books.md 3.1."""

    POSTED = "posted", _("Posted")
    HELD_LOCKED = "held_locked", _("Held: locked period")
    HELD_DUPLICATE = "held_duplicate", _("Held: possible duplicate")
    HELD_CURRENCY = "held_currency", _("Held: currency")
    INFORMATIONAL = "informational", _("For information")
    REMOVED = "removed", _("Removed")
    WITHDRAWN = "withdrawn", _("Withdrawn by the bank")


class Source(models.TextChoices):
    FEED = "feed", _("Bank feed")
    FILE = "file", _("File")
    MANUAL = "manual", _("Typed")


#: Letters of a counterparty's name that the index of names reads.
KNOWN_NAME = 70


def _matched_with(column: str) -> Q:
    return Q(reconciled=True) & ~Q((column, ""))


class Line(models.Model):
    """One booked bank transaction. Amounts and bank dates never change after import (books.md I-12)."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    journal = models.ForeignKey(Journal, on_delete=models.CASCADE, related_name="lines")
    booking_date = models.DateField()
    value_date = models.DateField(null=True)
    order_date = models.DateField()
    day_seq = models.BigIntegerField(default=0)
    amount = AmountField()  # J of books.md 14.2
    currency = models.CharField(max_length=3)
    foreign_amount = AmountField(null=True)  # F
    foreign_currency = models.CharField(max_length=3, blank=True)
    company_amount = AmountField(null=True)  # C; unknown only while held for its currency
    label = models.TextField(blank=True)
    counterparty_name = models.TextField(blank=True)
    counterparty_account = models.CharField(max_length=70, blank=True)
    counterparty_bic = models.CharField(max_length=20, blank=True)
    structured_reference = models.CharField(max_length=140, blank=True)
    remittance_text = models.TextField(blank=True)
    description = models.TextField(blank=True)
    end_to_end_id = models.CharField(max_length=140, blank=True)
    mandate_id = models.CharField(max_length=140, blank=True)
    creditor_id = models.CharField(max_length=140, blank=True)
    purpose_code = models.CharField(max_length=140, blank=True)
    bank_code = models.CharField(max_length=140, blank=True)
    bank_reference = models.CharField(max_length=140, blank=True)
    transaction_type = models.CharField(max_length=140, blank=True)
    fee = AmountField(null=True)
    partner = models.ForeignKey(Partner, null=True, on_delete=models.PROTECT, related_name="lines")
    statement = models.ForeignKey(Statement, null=True, on_delete=models.SET_NULL, related_name="lines")
    entry = models.OneToOneField(Entry, null=True, on_delete=models.PROTECT, related_name="line")
    status = models.CharField(max_length=16, choices=LineStatus)
    status_reason = models.TextField(blank=True)
    reconciled = models.BooleanField(default=False)  # the suspense residual is zero
    suspense_residual = AmountField(default=0)  # what is not yet explained, in the line's currency and sign
    to_check = models.BooleanField(default=False)
    late = models.BooleanField(default=False)  # came after its statement was confirmed (books.md 5.2 rule 5)
    source = models.CharField(max_length=6, choices=Source)
    fingerprint = models.CharField(max_length=64)
    occurrence = models.PositiveIntegerField(default=1)
    duplicate_of = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="possible_duplicates")
    run_id = models.UUIDField(null=True)  # the fetch run or file import that brought it
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        # The three amounts (books.md 14.2); triggers of migration 0008 look at C, and that none changes afterwards.
        constraints = [
            models.CheckConstraint(
                condition=Q(foreign_amount=None, foreign_currency="")
                | Q(foreign_amount__isnull=False) & ~Q(foreign_currency="") & ~Q(foreign_currency=F("currency")),
                name="line_foreign_both_or_none",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["posted", "withdrawn"]) | Q(company_amount__isnull=False),
                name="line_posted_has_company_amount",
            ),
        ]
        indexes = [
            models.Index(fields=["journal", "order_date", "day_seq", "id"], name="line_by_order"),
            models.Index(fields=["journal", "booking_date"], name="line_by_booking_date"),
            models.Index(fields=["journal", "fingerprint"], name="line_by_fingerprint"),
            models.Index(
                fields=["company", "-order_date", "-day_seq", "-id"],
                name="line_to_reconcile",
                condition=Q(reconciled=False, status="posted"),
            ),
            models.Index(fields=["journal", "status"], name="line_not_posted", condition=~Q(status="posted")),
            # What matched lines teach about partners (books.md 16.3).
            *(
                models.Index(fields=["company", column], name=f"line_known_{name}", condition=_matched_with(column))
                for name, column in (("mandate", "mandate_id"), ("creditor", "creditor_id"), ("e2e", "end_to_end_id"))
            ),
            models.Index(
                "company",
                Left(Upper("counterparty_name"), KNOWN_NAME),
                F("order_date").desc(),
                name="line_known_name",
                condition=_matched_with("counterparty_name"),
            ),
            models.Index(fields=["run_id"], name="line_by_run", condition=Q(run_id__isnull=False)),
            models.Index(
                fields=["journal", "-order_date", "-day_seq", "-id"], name="line_to_check", condition=Q(to_check=True)
            ),
            models.Index(
                fields=["journal", "bank_reference"], name="line_by_reference", condition=~Q(bank_reference="")
            ),
            models.Index(
                fields=["journal"],
                name="line_not_grouped",
                condition=Q(statement=None, status__in=["posted", "withdrawn"]),
            ),
        ]


class Total(models.Model):
    """What lines of a journal add up to, written by triggers (migration 0004, decision 0022).

    ``basis`` says of which lines: ``order`` posted and withdrawn ones by order date, ``booking`` posted ones by booking
    date, ``count`` how many there are and wait, without a day. Append-only until folded: the sums of all rows count.
    """

    id = models.BigAutoField(primary_key=True)
    journal_id = models.UUIDField()  # no foreign key: rows of a deleted journal are harmless
    basis = models.CharField(max_length=8)
    day = models.DateField(null=True)
    amount = AmountField(default=0)
    lines = models.IntegerField(default=0)
    to_reconcile = models.IntegerField(default=0)
    to_check = models.IntegerField(default=0)
    held = models.IntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["journal_id", "basis", "day"], name="total_by_journal_day")]


class Alias(models.Model):
    """An external id by which a source knows a line. The database refuses a second line for it (books.md I-6)."""

    id = models.BigAutoField(primary_key=True)
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    identity = models.CharField(max_length=120)
    source = models.CharField(max_length=200)
    external_id = models.CharField(max_length=200)
    epoch = models.PositiveIntegerField(default=1)
    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="aliases")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["company", "identity", "source", "external_id"], name="no_external_id_twice"
            )
        ]


class ChangeKind(models.TextChoices):
    CHANGED = "changed", _("Changed by the bank")
    WITHDRAWN = "withdrawn", _("Removed by the bank")


class Decision(models.TextChoices):
    OPEN = "", _("Open")
    ACCEPTED = "accepted", _("Accepted")
    IGNORED = "ignored", _("Ignored")


class BankChange(models.Model):
    """What the bank did to a booked transaction afterwards; it waits for a person and alters nothing (books.md 10)."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="bank_changes")
    kind = models.CharField(max_length=9, choices=ChangeKind)
    amount = AmountField(null=True)
    currency = models.CharField(max_length=3, blank=True)
    booking_date = models.DateField(null=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    absences = models.PositiveSmallIntegerField(default=0)  # reads in a row that should have shown it
    is_certain = models.BooleanField(default=True)  # an absent one is only suspected until the Hub was asked by id
    run_id = models.UUIDField(null=True)  # the import of a file that says so; none: the feed
    decision = models.CharField(max_length=8, choices=Decision, default=Decision.OPEN, blank=True)
    decided_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["line"], name="one_open_change_per_line", condition=Q(decision=""))
        ]


class NotDuplicate(models.Model):
    """A person said that two lines that look alike are two transactions (books.md 11.3)."""

    id = models.BigAutoField(primary_key=True)
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    first = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="+")  # the one with the smaller id
    second = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["first", "second"], name="told_apart_once")]


class Balance(models.Model):
    """A balance of a journal's bank account, append-only; written when it differs from the newest of its kind.

    ``origin``: bank, computed, or undone for what an import of a file told that a person took back.
    """

    id = models.BigAutoField(primary_key=True)
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    journal = models.ForeignKey(Journal, on_delete=models.CASCADE, related_name="balances")
    kind = models.CharField(max_length=9)  # current, available
    origin = models.CharField(max_length=8, default="bank")
    amount = AmountField()
    currency = models.CharField(max_length=3)
    reference_date = models.DateField(null=True)  # null: the bank gave no date, so nothing is compared with it
    observed_at = models.DateTimeField()
    run_id = models.UUIDField(null=True)

    class Meta:
        indexes = [models.Index(fields=["journal", "kind", "-id"], name="journal_balance_by_kind")]


class FileDays(models.Model):
    """Days that a statement of an imported file lists completely (books.md 11.5); gone when the import is undone."""

    id = models.BigAutoField(primary_key=True)
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    journal = models.ForeignKey(Journal, on_delete=models.CASCADE, related_name="+")
    run_id = models.UUIDField()
    first_day = models.DateField()
    last_day = models.DateField()

    class Meta:
        indexes = [models.Index(fields=["journal", "last_day"], name="file_days_by_journal")]


class PendingState(models.TextChoices):
    PENDING = "pending", _("Pending")
    BOOKED = "booked", _("Booked")
    LAPSED = "lapsed", _("Lapsed")


class PendingLine(models.Model):
    """A pending bank transaction: information only, never in the ledger (books.md 12)."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    journal = models.ForeignKey(Journal, on_delete=models.CASCADE, related_name="pending_lines")
    external_id = models.CharField(max_length=200)
    date = models.DateField(null=True)
    amount = AmountField()
    currency = models.CharField(max_length=3)
    label = models.TextField(blank=True)
    counterparty_name = models.TextField(blank=True)
    counterparty_account = models.CharField(max_length=70, blank=True)
    end_to_end_id = models.CharField(max_length=140, blank=True)
    bank_reference = models.CharField(max_length=140, blank=True)
    note = models.TextField(blank=True)
    is_from_file = models.BooleanField(default=False, db_default=False)  # announced by files, not shown by the Hub
    state = models.CharField(max_length=8, choices=PendingState, default=PendingState.PENDING)
    line = models.ForeignKey(Line, null=True, on_delete=models.SET_NULL, related_name="pending_lines")
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["journal", "external_id"], name="no_pending_line_twice")]


class AnnouncedLine(models.Model):
    """A row that an imported file announced (formats.md 8.4); what stands of all of them is pending. Gone when the
    import is undone. ``is_provisional`` rows wait for the statement of their day; other ones are expected only.
    ``booked_as`` is the line that an expected row was found to be."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    journal = models.ForeignKey(Journal, on_delete=models.CASCADE, related_name="+")
    run_id = models.UUIDField()  # the import
    report = models.UUIDField()  # the statement of the file
    is_provisional = models.BooleanField()
    date = models.DateField()
    amount = AmountField()
    currency = models.CharField(max_length=3)
    label = models.TextField(blank=True)
    counterparty_name = models.TextField(blank=True)
    counterparty_account = models.CharField(max_length=70, blank=True)
    end_to_end_id = models.CharField(max_length=140, blank=True)
    bank_reference = models.CharField(max_length=140, blank=True)
    booked_as = models.UUIDField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["journal", "-date"], name="announced_by_journal"),
            models.Index(fields=["run_id"], name="announced_by_run"),
        ]


class LineParts(models.Model):
    """The payments of a batch that the bank booked as one line, as ``formats.parts`` writes them (formats.md 2.7). Gone
    when no file shows the line any more."""

    line = models.OneToOneField(Line, primary_key=True, on_delete=models.CASCADE, related_name="batch")
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    details = models.JSONField()

    @property
    def amount(self) -> Decimal:
        amount: Decimal = self.line.amount
        return amount

    @property
    def currency(self) -> str:
        return self.line.currency

    @property
    def fee(self) -> Decimal | None:
        fee: Decimal | None = self.line.fee
        return fee
