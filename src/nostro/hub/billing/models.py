"""What an organization must tell before it links a live account. A sandbox account needs none of it."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from nostro.hub.organizations.models import Organization
from nostro.web.fields import IdField


class BillingInformation(models.Model):
    """Name and address for the invoice, one set per organization."""

    id = IdField()
    organization = models.OneToOneField(Organization, on_delete=models.CASCADE, related_name="billing_information")
    legal_name = models.CharField(max_length=200)
    street = models.CharField(max_length=200)
    postal_code = models.CharField(max_length=20)
    city = models.CharField(max_length=100)
    country = models.CharField(max_length=2)
    enterprise_number = models.CharField(max_length=40, blank=True)
    vat_number = models.CharField(max_length=40, blank=True)
    email = models.EmailField()
    updated_at = models.DateTimeField(default=timezone.now)
