"""Reading billing information. Callers have reached the organization through its ``access_organization``."""

from __future__ import annotations

from nostro.hub.billing.models import BillingInformation
from nostro.hub.organizations.models import Organization

REQUIRED_FIELDS = ("legal_name", "street", "postal_code", "city", "country", "email")


def billing_information(organization: Organization) -> BillingInformation | None:
    """What the organization told, None if nothing yet."""
    return BillingInformation.objects.filter(organization=organization).first()


def billing_is_complete(organization: Organization) -> bool:
    """Whether a live account may be linked (issue 2: billing information first, the sandbox needs none)."""
    information = billing_information(organization)
    return information is not None and all(getattr(information, name) for name in REQUIRED_FIELDS)
