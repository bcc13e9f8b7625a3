"""Payments that software prepares and people sign, and requests that third persons pay (hub-api.md 7.5 to 7.8).

Nostro never moves money: it hands a payment to the bank, where a person signs it, and follows what becomes of it.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from nostro.hub.accounts.models import Account
from nostro.hub.linking.models import Walk
from nostro.hub.organizations.models import Organization
from nostro.web.fields import AmountField, IdField


class Kind(models.TextChoices):
    """The resource types of the API."""

    PAYMENT = "payment"
    BULK_PAYMENT = "bulkPayment"
    PAYMENT_REQUEST = "paymentRequest"


class Status(models.TextChoices):
    """hub-api.md 7.5: unsigned → pending → accepted or rejected; unsigned → canceled."""

    UNSIGNED = "unsigned"
    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CANCELED = "canceled"


class Payment(models.Model):
    """One payment, bulk payment or payment request, and where it stands at the bank.

    ``account`` pays, or, for a payment request, is paid. A payment is handed to the bank once: ``bank_payment_id`` is
    never replaced, so that nobody can sign it twice. Only a payment request whose payer turned back is handed over
    again, because the bank has ended the first attempt for good.
    """

    id = IdField()
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="payments")
    integration_id = models.UUIDField()
    kind = models.CharField(max_length=14, choices=Kind)
    status = models.CharField(max_length=10, choices=Status, default=Status.UNSIGNED)
    reference = models.CharField(max_length=140, blank=True)  # of a bulk payment, shown to the person who signs
    batch_booking_preferred = models.BooleanField(default=False)
    requested_execution_date = models.DateField(null=True)
    redirect_uri = models.TextField(blank=True)
    created_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)

    #: Somebody is handing it to the bank until this moment; nobody else does meanwhile.
    claimed_until = models.DateTimeField(null=True)
    opened_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    opened_at = models.DateTimeField(null=True)
    #: SHA-256 of the handle by which the browser that comes back is known.
    state_checksum = models.BinaryField(max_length=32, null=True, unique=True)
    #: The bank's id, the address of its pages where it has any, and how signing is started elsewhere.
    sealed_bank_payment = models.BinaryField(null=True)
    bank_status = models.CharField(max_length=4, blank=True)  # ISO 20022, as the bank says it
    debtor_account_reference = models.CharField(max_length=34, blank=True)  # of a payment request: who paid
    signed_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    next_look_at = models.DateTimeField(null=True)  # when the bank is asked again

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=Kind.values), name="payment_kind_known"),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="payment_status_known"),
            models.CheckConstraint(
                condition=Q(status__in=[Status.UNSIGNED, Status.CANCELED]) | Q(signed_at__isnull=False),
                name="payment_signed_before_it_goes_on",
            ),
            models.CheckConstraint(
                condition=Q(deleted_at__isnull=True) | Q(status__in=[Status.UNSIGNED, Status.CANCELED]),
                name="payment_deleted_only_unsigned",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-created_at", "-id"], name="payment_by_organization"),
            models.Index(fields=["next_look_at"], name="payment_to_look_at", condition=Q(next_look_at__isnull=False)),
        ]


#: Statuses in which the person has something left to do.
WALKING = ["open", "working"]


class Signing(Walk):
    """One attempt to sign a payment in the bank's app or by code; what is signed on the bank's pages needs none.

    ``status`` besides open and working: signed (what becomes of it the payment tells), failed, cancelled, expired.
    """

    id = IdField()
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    payment = models.ForeignKey(Payment, on_delete=models.CASCADE, related_name="signings")
    #: None: the third person who pays a payment request, whom only the session of their browser knows.
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["payment"], condition=Q(status__in=WALKING), name="one_open_signing")
        ]
        indexes = [models.Index(fields=["expires_at"], name="signing_to_expire", condition=Q(status__in=WALKING))]

    @property
    def place(self) -> str:
        return f"{self.organization_id}/{self.payment_id}/{self.pk}"


class Transfer(models.Model):
    """One credit transfer of a payment, in order. A bulk payment has many, the others one."""

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    payment = models.ForeignKey(Payment, on_delete=models.CASCADE, related_name="transfers")
    position = models.PositiveSmallIntegerField()
    amount = AmountField()
    currency = models.CharField(max_length=3)
    creditor_name = models.CharField(max_length=200)
    creditor_account_reference = models.CharField(max_length=34)
    creditor_agent = models.CharField(max_length=11, blank=True)
    remittance_information = models.CharField(max_length=140, blank=True)
    remittance_information_type = models.CharField(max_length=12, default="unstructured")
    end_to_end_id = models.CharField(max_length=35, blank=True)
    requested_execution_date = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["payment", "position"], name="one_transfer_per_position"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="transfer_amount_positive"),
        ]


class ActivationRequest(models.Model):
    """A vendor asks that an organization activates payments or payment requests (hub-api.md 7.8)."""

    id = IdField()
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    integration_id = models.UUIDField()
    kind = models.CharField(max_length=14)  # payment, paymentRequest
    is_sandbox = models.BooleanField()
    redirect_uri = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=[Kind.PAYMENT, Kind.PAYMENT_REQUEST]), name="activation_kind_known"
            )
        ]
        indexes = [models.Index(fields=["organization", "kind"], name="activation_by_organization")]
