"""Mandates: one organization, for example an accountant, acts for another (hub-api.md section 9).

What the acting organization makes is an Integration of the one it acts for, with ``mandate_id``: it reads accounts of
the mandate only, and ends with it.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from nostro.hub.accounts.models import Account
from nostro.hub.organizations.models import Organization
from nostro.web.fields import IdField


class Mandate(models.Model):
    """Given by ``organization`` to whoever has the address ``email``; in force once an organization accepted it."""

    id = IdField()
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    email = models.EmailField()
    receiver = models.ForeignKey(Organization, null=True, on_delete=models.CASCADE, related_name="+")
    given_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(receiver__isnull=True, accepted_at__isnull=True)
                | Q(receiver__isnull=False, accepted_at__isnull=False),
                name="mandate_accepted_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(receiver__isnull=True) | ~Q(receiver=F("organization")), name="mandate_of_two"
            ),
            models.UniqueConstraint(
                fields=["organization", "email"],
                condition=Q(accepted_at__isnull=True, ended_at__isnull=True),
                name="one_pending_mandate_per_address",
            ),
            models.UniqueConstraint(
                fields=["organization", "receiver"],
                condition=Q(accepted_at__isnull=False, ended_at__isnull=True),
                name="one_active_mandate_per_receiver",
            ),
        ]
        indexes = [models.Index(fields=["email"], condition=Q(receiver__isnull=True), name="mandate_by_address")]

    @property
    def status(self) -> str:
        return "pending" if self.accepted_at is None else "active"


class MandateAccount(models.Model):
    """An account that the mandate covers."""

    id = IdField()
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    mandate = models.ForeignKey(Mandate, on_delete=models.CASCADE, related_name="accounts")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["mandate", "account"], name="once_per_mandate")]
