"""Accounts, their transactions and balances, and the raw answers they came from.

Only this room writes these tables. Rows of other rooms that caused a change are named by id without a foreign key,
so that the tables can be spread by organization later (DESIGN.md section 2).
"""

# ruff: noqa: DJ001 - what a bank left out (null) and what it gave as empty text are two things.

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from nostro.hub.directory.models import Institution
from nostro.hub.organizations.models import Organization
from nostro.web.fields import AmountField, IdField


class Account(models.Model):
    """One bank account in one currency. Found again after every renewal by ``account_key`` (connectors.md 1.10)."""

    id = IdField()
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="accounts")
    institution = models.ForeignKey(Institution, on_delete=models.PROTECT, related_name="+")
    connection_id = models.UUIDField(db_index=True)  # the connection that reads it now
    is_sandbox = models.BooleanField()
    account_key = models.CharField(max_length=200)
    resource_id = models.CharField(max_length=200)  # valid in the present consent only
    subtype = models.CharField(max_length=12, default="checking")  # hub-api.md 7.1
    reference_type = models.CharField(max_length=12)  # IBAN, BBAN, MASKEDPAN, MSISDN
    reference = models.CharField(max_length=70)
    currency = models.CharField(max_length=3)
    name = models.CharField(max_length=200, blank=True)  # what the person calls it
    bank_name = models.CharField(max_length=200, blank=True)  # what the bank calls it
    holder_name = models.CharField(max_length=200, blank=True)
    product = models.CharField(max_length=200, blank=True)
    cash_account_type = models.CharField(max_length=10, blank=True)
    bic = models.CharField(max_length=11, blank=True)
    bank_status = models.CharField(max_length=10, default="enabled")
    is_selected = models.BooleanField(default=True)  # False: seen at the bank, left out by the person
    deprecated = models.BooleanField(default=False)

    current_balance = AmountField(null=True)
    current_balance_type = models.CharField(max_length=40, blank=True)
    current_balance_reference_date = models.DateField(null=True)
    current_balance_changed_at = models.DateTimeField(null=True)
    current_balance_observed_at = models.DateTimeField(null=True)
    current_balance_variation_observed_at = models.DateTimeField(null=True)
    available_balance = AmountField(null=True)
    available_balance_reference_date = models.DateField(null=True)
    available_balance_changed_at = models.DateTimeField(null=True)
    available_balance_variation_observed_at = models.DateTimeField(null=True)

    proof = models.CharField(max_length=8, default="unknown")  # green, red, unknown
    proof_difference = AmountField(null=True)
    proof_from = models.DateField(null=True)
    proof_to = models.DateField(null=True)
    #: The reading that the next balance check starts from (nostro.core.balance_proof.BalanceReading).
    proof_anchor_balance = AmountField(null=True)
    proof_anchor_type = models.CharField(max_length=40, blank=True)
    proof_anchor_total = AmountField(null=True)
    proof_anchor_day = models.DateField(null=True)
    proof_anchor_is_open = models.BooleanField(default=False)  # taken for a first reading that did not prove it
    proof_anchor_sequence = models.BigIntegerField(null=True)  # of the newest row that was known at the anchor
    booked_total = AmountField(default=0)  # sum of the booked rows that are not tombstones
    covered_from = models.DateField(null=True)  # complete reads cover every day from here …
    covered_to = models.DateField(null=True)  # … to here
    #: The oldest day of the history that the bank offers; days before ``covered_from`` are unread.
    history_from = models.DateField(null=True)
    transaction_count = models.PositiveBigIntegerField(default=0)  # booked rows that are not tombstones

    health = models.CharField(max_length=20, default="active")
    health_code = models.CharField(max_length=60, blank=True)
    health_reason = models.TextField(blank=True)
    health_since = models.DateTimeField(null=True)
    health_until = models.DateTimeField(null=True)

    authorised_at = models.DateTimeField(null=True)
    authorisation_expires_at = models.DateTimeField(null=True)
    linked_at = models.DateTimeField(auto_now_add=True)
    synchronized_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "is_sandbox", "account_key"], name="one_account_per_key"),
        ]
        indexes = [models.Index(fields=["organization", "linked_at"], name="account_by_organization")]

    def __str__(self) -> str:
        return self.name or self.bank_name or self.reference


class BankRow(models.Model):
    """The fields of a bank's transaction row (connectors.md 1.8), booked or pending."""

    amount = AmountField()
    currency = models.CharField(max_length=3)
    booking_date = models.DateField(null=True)
    value_date = models.DateField(null=True)
    transaction_date = models.DateField(null=True)
    entry_reference = models.CharField(max_length=140, null=True)
    bank_transaction_id = models.CharField(max_length=140, null=True)
    end_to_end_id = models.CharField(max_length=140, null=True)
    mandate_id = models.CharField(max_length=140, null=True)
    creditor_id = models.CharField(max_length=140, null=True)
    check_id = models.CharField(max_length=140, null=True)
    fee = AmountField(null=True)
    currency_exchange = models.JSONField(null=True)
    creditor_name = models.CharField(max_length=200, null=True)
    creditor_account = models.CharField(max_length=70, null=True)
    creditor_agent = models.CharField(max_length=70, null=True)
    ultimate_creditor = models.CharField(max_length=200, null=True)
    debtor_name = models.CharField(max_length=200, null=True)
    debtor_account = models.CharField(max_length=70, null=True)
    debtor_agent = models.CharField(max_length=70, null=True)
    ultimate_debtor = models.CharField(max_length=200, null=True)
    remittance_unstructured = ArrayField(models.TextField(), default=list)
    remittance_structured = ArrayField(models.TextField(), default=list)
    additional_information = models.TextField(null=True)
    purpose_code = models.CharField(max_length=35, null=True)
    bank_transaction_code = models.CharField(max_length=50, null=True)
    proprietary_bank_transaction_code = models.CharField(max_length=140, null=True)
    merchant_category_code = models.CharField(max_length=4, null=True)
    masked_pan = models.CharField(max_length=35, null=True)
    batch_indicator = models.BooleanField(null=True)
    batch_number_of_transactions = models.IntegerField(null=True)
    balance_after_transaction = AmountField(null=True)
    #: The payments of a batch, as ``formats.parts`` writes them; a part is addressed as (row, index).
    details = models.JSONField(null=True)

    #: Derived once when the row is stored, so that lists and searches need no second look.
    counterpart_name = models.CharField(max_length=200, null=True)
    counterpart_reference = models.CharField(max_length=70, null=True)
    remittance_information = models.TextField(default="")
    digest = models.BinaryField(max_length=32)  # SHA-256 of the bank's payload of this row
    #: What nostro.core.identity compares: the references under the policy of the source, and the digest of everything
    #: a person reads, so that a later read needs no second look at the other columns.
    identity_references = ArrayField(models.TextField(), default=list)
    content = models.BinaryField(max_length=16)
    raw_answer_id = models.UUIDField(null=True)
    mapping_version = models.PositiveSmallIntegerField(default=1)

    class Meta:
        abstract = True


class Transaction(BankRow):
    """One booked transaction. Never deleted or renumbered while its account exists: a withdrawn one is a tombstone
    (``removed_at``) that still works as a cursor (hub-api.md 5.6)."""

    id = IdField()
    #: Beside the account so that tables can be spread; the database checks the account, which leads to it.
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="transactions", db_index=False)
    #: Order of creation in the Hub, which is the order of the API; within one batch the oldest date comes first.
    sequence = models.BigIntegerField()
    fingerprint = models.BinaryField(max_length=32)
    occurrence = models.PositiveIntegerField(default=1)  # ordinal among equal fingerprints of the account
    absences = models.PositiveSmallIntegerField(default=0)  # complete reads in a row that lacked it
    created_by_synchronization = models.UUIDField(null=True)
    updated_by_synchronization = models.UUIDField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    removed_at = models.DateTimeField(null=True)
    #: The transaction that a person said this one is: a tombstone that no read brings back (connectors.md 1.10).
    same_as = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "fingerprint", "occurrence"], name="no_transaction_twice"),
            models.CheckConstraint(
                condition=Q(same_as=None) | Q(removed_at__isnull=False), name="same_as_another_is_a_tombstone"
            ),
        ]
        indexes = [
            models.Index(fields=["account", "-sequence"], name="transaction_by_creation"),
            models.Index(fields=["account", "booking_date"], name="transaction_by_booking_date"),
            models.Index(fields=["organization", "-booking_date", "-sequence"], name="transaction_by_organization"),
            models.Index(
                fields=["created_by_synchronization"],
                name="transaction_by_run",
                condition=Q(created_by_synchronization__isnull=False),
            ),
        ]


class PendingTransaction(BankRow):
    """One pending row. Information only: never in a balance check, replaced by each complete read."""

    id = IdField()
    #: Beside the account so that tables can be spread; the database checks the account, which leads to it.
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="pending_transactions", db_index=False)
    sequence = models.BigIntegerField()
    fingerprint = models.BinaryField(max_length=32)
    occurrence = models.PositiveIntegerField(default=1)
    booked_as = models.UUIDField(null=True)  # the transaction it became
    #: Announced by a file, not by the connection: what a connection reads neither shows nor ends it.
    is_from_file = models.BooleanField(default=False, db_default=False)
    created_by_synchronization = models.UUIDField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    removed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["account", "-sequence"], name="pending_by_creation")]


class AnnouncedRow(BankRow):
    """A row that an imported file announces and that is not booked by it (formats.md 8.4).

    The pending rows of an account that come from files are always those of these that still stand
    (``core.identity.announced``). ``standing``: provisional (booked in an intraday report), pending (expected), notice
    (told by a notification, waits outside the ledger for the row that a statement brings: formats.md 6.1).
    """

    id = IdField()
    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_index=False)
    file_id = models.UUIDField()
    statement_id = models.UUIDField()
    standing = models.CharField(max_length=12)
    day = models.DateField()  # of booking, else the best that the file says
    fingerprint = models.BinaryField(max_length=32)
    is_final = models.BooleanField(default=False)  # a statement that decides about its day was imported
    booked_as = models.UUIDField(null=True)  # the transaction that it was found to be without being equal
    created_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["account", "file_id"], name="announced_by_account")]


class TransactionChange(models.Model):
    """What a bank changed in a booked row afterwards: the values before, so that nothing is lost."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    transaction = models.ForeignKey(Transaction, on_delete=models.CASCADE, related_name="changes")
    synchronization_id = models.UUIDField()
    kind = models.CharField(max_length=10)  # modified, removed, restored
    before = models.JSONField()
    after = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["synchronization_id"], name="change_by_run")]


class DuplicateDecision(models.Model):
    """What a person decided about two transactions that look alike; ``first`` is the older one in the Hub."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    first = models.ForeignKey(Transaction, on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey(Transaction, on_delete=models.CASCADE, related_name="+")
    is_same = models.BooleanField()  # False: both are real
    decided_by_name = models.CharField(max_length=254)
    decided_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["first", "second"], name="one_decision_per_pair")]


class Balance(models.Model):
    """A balance as the bank stated it, append-only; written when it differs from the newest of its type."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="balances")
    balance_type = models.CharField(max_length=40)
    amount = AmountField()
    currency = models.CharField(max_length=3)
    credit_limit_included = models.BooleanField(default=False)
    reference_date = models.DateField(null=True)
    last_change_at = models.DateTimeField(null=True)
    synchronization_id = models.UUIDField(null=True)
    observed_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["account", "-observed_at"], name="balance_by_time")]


class RawAnswer(models.Model):
    """A bank's answer as it came, sealed. Stored before anything is interpreted; can be mapped again."""

    id = IdField()
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="+")
    connection_id = models.UUIDField()
    synchronization_id = models.UUIDField(null=True)
    kind = models.CharField(max_length=20)  # balances, transactions
    page_number = models.PositiveIntegerField(default=1)
    window_from = models.DateField(null=True)
    window_to = models.DateField(null=True)
    next_page = models.TextField(blank=True)  # where the chain goes on, so that a run can be taken up again
    complete = models.BooleanField(default=False)
    url = models.TextField()
    status = models.PositiveSmallIntegerField()
    content_type = models.CharField(max_length=100, blank=True)
    sealed_body = models.BinaryField()
    request_id = models.CharField(max_length=64)
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["synchronization_id", "kind", "page_number"], name="one_raw_answer_per_page"
            )
        ]
