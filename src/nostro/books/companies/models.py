"""Companies whose books are kept, and who may see or change them (books.md 14.5)."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from nostro.web.fields import IdField


class ReconcileMode(models.TextChoices):
    """books.md 14.3. Edit replaces the suspense item inside the bank entry; keep adds a second entry."""

    EDIT = "edit", _("Edit the bank entry")
    KEEP = "keep_suspense", _("Keep the bank entry, add a second one")


class LockType(models.TextChoices):
    """What a lock date keeps from being posted (books.md 14.4); the value is the column of :class:`Company`."""

    ALL = "lock_date", _("All entries")
    SALES = "sales_lock_date", _("Sales")
    PURCHASES = "purchase_lock_date", _("Purchases")
    BANK = "bank_lock_date", _("Bank")
    HARD = "hard_lock_date", _("All entries, for good")


class Company(models.Model):
    """One legal person with one set of books. Accounts for special purposes are found in the ledger by purpose."""

    id = IdField()
    name = models.CharField(max_length=200)
    country = models.CharField(max_length=2, default="BE")
    currency = models.CharField(max_length=3, default="EUR")
    time_zone = models.CharField(max_length=50, default="Europe/Brussels")
    reconcile_mode = models.CharField(max_length=15, choices=ReconcileMode, default=ReconcileMode.EDIT)
    lock_date = models.DateField(null=True)  # nothing is posted on or before this day (books.md 14.4)
    sales_lock_date = models.DateField(null=True)  # the same for customers' invoices and credit notes
    purchase_lock_date = models.DateField(null=True)  # for suppliers' bills and credit notes
    bank_lock_date = models.DateField(null=True)  # for entries of bank lines
    hard_lock_date = models.DateField(null=True)  # for all entries, and it cannot be moved back
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """From least to most: a reader sees, a clerk fetches and matches, an accountant corrects, an owner connects."""

    READER = "reader", _("Reader")
    CLERK = "clerk", _("Bank clerk")
    ACCOUNTANT = "accountant", _("Accountant")
    OWNER = "owner", _("Owner")


class CompanyMember(models.Model):
    """A person's place in a company."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="company_memberships")
    role = models.CharField(max_length=10, choices=Role)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["company", "user"], name="one_place_per_person_and_company"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="company_role_known"),
        ]


class CompanyInvitation(models.Model):
    """Somebody was asked to join a company; the link of the mail works once."""

    id = IdField()
    company = models.ForeignKey(Company, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(max_length=254)
    role = models.CharField(max_length=10, choices=Role)
    checksum = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["company", "email"],
                name="one_open_invitation_per_address_and_company",
                condition=models.Q(accepted_at__isnull=True),
            ),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="company_invitation_role_known"),
        ]
