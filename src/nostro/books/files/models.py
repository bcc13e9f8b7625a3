"""Bank files that people hand in for a journal, what was read from them, and which line each row is (formats.md 9)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from nostro.books.companies.models import Company
from nostro.books.journals.models import Journal, Line
from nostro.web.fields import AmountField, IdField


class JournalFile(models.Model):
    """One file or archive, imported and undone as a whole. Lines that it brings carry its id as their run.

    ``journal`` is the one on whose page it was handed in; none where the file may tell about any account.
    ``status``: received, reading, asking (how it is to be read), waiting (for a person), importing, imported, failed,
    discarded, undone. ``looked`` holds the head of a table, ``answers`` what a person said about reading it.
    """

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    journal = models.ForeignKey(Journal, null=True, on_delete=models.CASCADE, related_name="files")
    status = models.CharField(max_length=10, default="received")
    name = models.CharField(max_length=200)  # a label for people, never a path
    size = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    format = models.CharField(max_length=20, blank=True)
    members = models.PositiveIntegerField(default=0)  # files in an archive that were read
    problems = models.JSONField(default=list)  # severity, code, sentence
    looked = models.JSONField(default=dict)
    answers = models.JSONField(default=dict)  # mapping, sheet, encoding, account, currency
    quarantined = models.BooleanField(default=False)
    reason = models.CharField(max_length=500, blank=True)
    rows = models.PositiveIntegerField(default=0)
    new_count = models.PositiveIntegerField(default=0)
    known_count = models.PositiveIntegerField(default=0)
    restored_count = models.PositiveIntegerField(default=0)
    held_count = models.PositiveIntegerField(default=0)
    changed_count = models.PositiveIntegerField(default=0)
    announced_count = models.PositiveIntegerField(default=0, db_default=0)  # pending until they are booked
    left_out = models.PositiveIntegerField(default=0)  # for information only

    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    handed_in_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    imported_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["journal", "-created_at"], name="journal_file_by_time")]

    def __str__(self) -> str:
        return self.name


class JournalFilePart(models.Model):
    """A piece of a file as it came, sealed."""

    id = IdField()
    file = models.ForeignKey(JournalFile, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    sealed_bytes = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["file", "number"], name="one_journal_file_part_per_number")]


class JournalFileAccount(models.Model):
    """An account that a file tells about, and what becomes of its rows.

    ``decision``: import (into ``journal``), create (a journal for it), skip; empty while nobody has said.
    ``refusal``: why it cannot be imported here: other_company (``elsewhere`` names it), no_number; empty otherwise.
    """

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    file = models.ForeignKey(JournalFile, on_delete=models.CASCADE, related_name="accounts")
    position = models.PositiveIntegerField()  # order in the file, from 1
    number = models.CharField(max_length=70, blank=True)  # normalised (books.md 1)
    currency = models.CharField(max_length=3)
    owner_name = models.CharField(max_length=140, blank=True)
    bic = models.CharField(max_length=11, blank=True)
    journal = models.ForeignKey(Journal, null=True, on_delete=models.SET_NULL, related_name="+")
    reference = models.CharField(max_length=70, blank=True)  # the number that the fingerprints of its rows hold
    decision = models.CharField(max_length=6, blank=True)
    refusal = models.CharField(max_length=20, blank=True)
    elsewhere = models.CharField(max_length=200, blank=True)
    gave_opening = models.BooleanField(default=False)  # this import gave the journal its opening balance
    rows = models.PositiveIntegerField(default=0)
    new_count = models.PositiveIntegerField(default=0)
    known_count = models.PositiveIntegerField(default=0)
    restored_count = models.PositiveIntegerField(default=0)
    held_count = models.PositiveIntegerField(default=0)
    changed_count = models.PositiveIntegerField(default=0)
    announced_count = models.PositiveIntegerField(default=0, db_default=0)
    not_shown_count = models.PositiveIntegerField(default=0)  # lines of its days that the file lacks; they stay

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["file", "number", "currency"], name="one_journal_file_account_per_number")
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.currency}".strip()

    @property
    def takes_part(self) -> bool:
        """Whether its rows go into a journal, as far as people have said."""
        return not self.refusal and self.decision in {"import", "create"}


class JournalFileStatement(models.Model):
    """One statement of an account in a file: its days, its balances and their arithmetic."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    file = models.ForeignKey(JournalFile, on_delete=models.CASCADE, related_name="statements")
    account = models.ForeignKey(JournalFileAccount, on_delete=models.CASCADE, related_name="statements")
    index = models.PositiveIntegerField()
    number = models.CharField(max_length=70, blank=True)
    proof = models.CharField(max_length=8)  # proved, unproved, failed
    first_day = models.DateField(null=True)  # of its booked rows
    last_day = models.DateField(null=True)
    complete_from = models.DateField(null=True)
    complete_to = models.DateField(null=True)
    opening = AmountField(null=True)
    closing = AmountField(null=True)
    closing_day = models.DateField(null=True)
    credit_sum = AmountField(default=0)
    debit_sum = AmountField(default=0)
    difference = AmountField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["file", "index"], name="one_journal_statement_per_index")]


class StagedLine(models.Model):
    """One row of a file that waits; gone when the file is imported or discarded, except those of rows that are
    shown to a person and not stored: withdrawn by the bank (``held``), or said differently before (``changes``).

    ``standing``: booked, provisional (booked in an intraday report) or pending (expected); only booked become lines.
    ``held``: alike, withdrawn, locked, currency. ``like`` is the line that it resembles or changes.
    """

    id = models.BigAutoField(primary_key=True)
    file = models.ForeignKey(JournalFile, on_delete=models.CASCADE, related_name="+")
    statement = models.ForeignKey(JournalFileStatement, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()  # order in the file, from 1
    position = models.CharField(max_length=120)
    fingerprint = models.CharField(max_length=64)
    values = models.TextField()  # LineValues as JSON
    parts = models.TextField(default="")  # the payments of a batch as JSON, as ``formats.parts`` writes them
    standing = models.CharField(max_length=12, default="booked")
    held = models.CharField(max_length=12, default="")
    changes = models.BooleanField(default=False)
    like = models.UUIDField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["file", "number"], name="one_staged_line_per_number")]


class LineSighting(models.Model):
    """A statement showed a line: the alias under which files know it (formats.md 8)."""

    id = models.BigAutoField(primary_key=True)
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    statement = models.ForeignKey(JournalFileStatement, on_delete=models.CASCADE, related_name="+")
    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    fingerprint = models.CharField(max_length=64)


class TableMapping(models.Model):
    """What the columns of a table mean, as a person said it; versioned, the newest counts (formats.md 6.9)."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="+")
    signature = models.CharField(max_length=64)
    version = models.PositiveIntegerField()
    data = models.JSONField()
    encoding = models.CharField(max_length=20, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "signature", "version"], name="one_journal_mapping_per_version")
        ]
