"""Bank files that people hand in, what was read from them, and what became of it (formats.md 9).

A file is kept sealed, in parts. Its rows wait in :class:`StagedRow` until a person confirms; then those that are new
become transactions, and :class:`Sighting` keeps which statement showed which transaction: by it files that overlap
recognise each other, and an import is undone without taking what other files show too.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from nostro.hub.accounts.models import Account, BankRow, Transaction
from nostro.hub.organizations.models import Organization
from nostro.web.fields import AmountField, IdField


class FileImport(models.Model):
    """One file that was handed in, and how far it has come.

    ``status``: received (its bytes are here), reading (a worker stages and compares it), unpacked (an archive whose
    files are imports of their own), asking (only a person can say how to read it), waiting (for a person to confirm),
    importing (a worker stores it), imported, failed (nothing of it can be used), discarded, undone.
    """

    id = IdField()
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    is_sandbox = models.BooleanField()
    #: Only this account, where the file was handed in on its page.
    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="+")
    #: The archive that it came in.
    archive = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="members")
    status = models.CharField(max_length=10, default="received")
    name = models.CharField(max_length=200)  # a label for people, never a path
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    format = models.CharField(max_length=20, blank=True)
    version = models.CharField(max_length=60, blank=True)
    encoding = models.CharField(max_length=40, blank=True)
    bytes_read = models.BigIntegerField(default=0)
    rows_read = models.PositiveIntegerField(default=0)
    #: What is to be said about the file: severity, code, sentence, position, statement. At most MAX_PROBLEMS.
    problems = models.JSONField(default=list)
    quarantined = models.BooleanField(default=False)
    #: What a person said about how to read it: format, encoding, date_order, sheet, account, currency, mapping,
    #: turn_reversals; ``as_known`` that no remembered mapping is to be used.
    answers = models.JSONField(default=dict)
    #: What a person is asked with: candidates, encoding, and the head of a table.
    looked = models.JSONField(default=dict)
    #: What a person decided when confirming: held rows are real, a failed proof is taken as stated.
    add_held = models.BooleanField(default=False)
    proved_only = models.BooleanField(default=False)
    reason = models.CharField(max_length=500, blank=True)

    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    handed_in_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    imported_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["organization", "-created_at"], name="import_by_organization"),
            models.Index(fields=["organization", "sha256"], name="import_by_digest"),
            models.Index(
                fields=["updated_at"], name="import_open", condition=Q(status__in=["received", "reading", "importing"])
            ),
        ]

    def __str__(self) -> str:
        return self.name


class TableMapping(models.Model):
    """What the columns of a table mean, as people of an organization said, in versions (formats.md 6.9)."""

    id = IdField()
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    #: Where it was given on the page of an account: preferred there.
    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="+")
    signature = models.CharField(max_length=64)  # of separator and names of the columns
    version = models.PositiveIntegerField()
    data = models.JSONField()
    encoding = models.CharField(max_length=20, default="")  # where a person had to say it
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "signature", "version"], name="one_mapping_per_version")
        ]


class FilePart(models.Model):
    """A piece of a file as it came, sealed."""

    id = IdField()
    file = models.ForeignKey(FileImport, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    size = models.PositiveIntegerField()
    sealed_bytes = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["file", "number"], name="one_part_per_number")]


class FileAccount(models.Model):
    """One account that a file tells about, what it is here, and what the import brings or brought it."""

    id = IdField()
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    file = models.ForeignKey(FileImport, on_delete=models.CASCADE, related_name="accounts")
    position = models.PositiveIntegerField()  # order in the file, from 1
    number = models.CharField(max_length=70)  # normalised; empty where the file names none
    number_kind = models.CharField(max_length=12)  # iban, bban, masked_pan, other
    currency = models.CharField(max_length=3)
    bic = models.CharField(max_length=11, blank=True)
    owner_name = models.CharField(max_length=200, blank=True)
    display_name = models.CharField(max_length=200, blank=True)
    #: The account it is here. Without one a person chooses: ``create``, or another account, or ``skip``.
    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="+")
    decision = models.CharField(max_length=8, blank=True)  # "" (as found), create, same, skip
    refusal = models.CharField(max_length=300, blank=True)  # why it may not be imported here

    rows = models.PositiveIntegerField(default=0)
    new = models.PositiveIntegerField(default=0)
    known = models.PositiveIntegerField(default=0)
    restored = models.PositiveIntegerField(default=0)
    held = models.PositiveIntegerField(default=0)
    not_shown = models.PositiveIntegerField(default=0)
    announced = models.PositiveIntegerField(default=0, db_default=0)  # provisional or expected: pending until booked
    left_out = models.PositiveIntegerField(default=0)  # for information
    held_sum = AmountField(default=0)
    #: The run in the account's history, and the run that undid it.
    synchronization_id = models.UUIDField(null=True)
    undone_by = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["file", "number", "currency"], name="one_file_account_per_number"),
            models.UniqueConstraint(
                fields=["synchronization_id"], condition=Q(synchronization_id__isnull=False), name="one_run_per_import"
            ),
        ]


class FileStatement(models.Model):
    """One statement of a file: its days, its balances and their arithmetic (formats.md 5.4, 8.1)."""

    id = IdField()
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    file = models.ForeignKey(FileImport, on_delete=models.CASCADE, related_name="statements")
    file_account = models.ForeignKey(FileAccount, on_delete=models.CASCADE, related_name="statements")
    #: Set with the import, so that statements of an account are found.
    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="+")
    index = models.PositiveIntegerField()  # in the file, from 1
    kind = models.CharField(max_length=12)
    number = models.CharField(max_length=70, blank=True)
    position = models.CharField(max_length=120, blank=True)
    first_day = models.DateField(null=True)  # of its booked rows
    last_day = models.DateField(null=True)
    complete_from = models.DateField(null=True)  # the days it lists completely
    complete_to = models.DateField(null=True)
    opening = AmountField(null=True)
    opening_day = models.DateField(null=True)
    closing = AmountField(null=True)
    closing_day = models.DateField(null=True)
    balances = models.JSONField(default=list)
    credits = models.PositiveIntegerField(default=0)
    credit_sum = AmountField(default=0)
    debits = models.PositiveIntegerField(default=0)
    debit_sum = AmountField(default=0)  # negative
    proof = models.CharField(max_length=8)  # proved, unproved, failed
    totals = models.CharField(max_length=8)
    difference = AmountField(null=True)
    hints = models.JSONField(default=list)
    #: A person took only the proved statements, and this is none.
    left_out = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["file", "index"], name="one_statement_per_index")]
        indexes = [
            models.Index(fields=["account", "first_day"], name="statement_by_first_day"),
            models.Index(fields=["account", "last_day"], name="statement_by_last_day"),
        ]


class StagedRow(BankRow):
    """One row of a file that waits. Gone when the file is imported or discarded, except rows that are held.

    ``standing``: booked, provisional (booked in an intraday report), pending (expected), notice (what a notification
    tells about a row that a statement brings).
    """

    id = IdField()
    file = models.ForeignKey(FileImport, on_delete=models.CASCADE, related_name="+", db_index=False)
    statement = models.ForeignKey(FileStatement, on_delete=models.CASCADE, related_name="+", db_index=False)
    number = models.PositiveIntegerField()  # order in the file, from 1
    position = models.CharField(max_length=120)
    standing = models.CharField(max_length=12, default="booked", db_default="booked")
    fingerprint = models.BinaryField(max_length=32)
    own_id = models.UUIDField(null=True)  # the transaction it was written from, where the file is an export of ours
    #: Why it is held, once a person has confirmed the import; empty while it waits.
    held = models.CharField(max_length=12, default="")
    like = models.UUIDField(null=True)

    class Meta:
        indexes = [models.Index(fields=["file", "booking_date", "number"], name="staged_by_day")]


class Sighting(models.Model):
    """A statement showed a transaction: the alias under which files know it (formats.md 8)."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    statement = models.ForeignKey(FileStatement, on_delete=models.CASCADE, related_name="+")
    transaction = models.ForeignKey(Transaction, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    fingerprint = models.BinaryField(max_length=32)
