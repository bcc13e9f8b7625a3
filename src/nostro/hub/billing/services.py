"""Saving what belongs on an invoice. Numbers are checked by the rules of their country (python-stdnum)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from stdnum.exceptions import ValidationError as InvalidNumber
from stdnum.util import get_cc_module

from nostro.core.text import clean
from nostro.hub.billing.models import BillingInformation
from nostro.hub.billing.queries import REQUIRED_FIELDS
from nostro.hub.organizations.models import Organization, Role
from nostro.hub.organizations.queries import access_organization
from nostro.hub.organizations.services import checked_country
from nostro.people import audit
from nostro.people.models import User
from nostro.web.errors import Problem

MAX_LENGTHS = {
    "legal_name": 200,
    "street": 200,
    "postal_code": 20,
    "city": 100,
    "country": 2,
    "enterprise_number": 40,
    "vat_number": 40,
    "email": 254,
}
_LABELS = {
    "legal_name": "legal name",
    "street": "street",
    "postal_code": "postal code",
    "city": "town",
    "country": "country",
    "enterprise_number": "enterprise number",
    "vat_number": "VAT number",
    "email": "e-mail address",
}
#: The number of the company register by country, where python-stdnum knows its check digits. Other countries' numbers
#: are kept as they were given.
_ENTERPRISE_NUMBERS = {"BE": "vat", "FR": "siren", "CH": "uid", "NO": "orgnr", "SE": "orgnr", "DK": "cvr"}
#: VAT prefixes that differ from the country's code.
_VAT_PREFIXES = {"GR": "EL", "MC": "FR"}
_COUNTRY_OF_PREFIX = {"EL": "GR"}


def save_billing_information(
    user: User, organization: Organization, fields: Mapping[str, Any], *, now: datetime | None = None
) -> BillingInformation:
    """Save name, address and numbers; every key of ``MAX_LENGTHS`` may be given, others are ignored.

    Raises Problem with ``field`` set (``fieldMissing``, ``fieldTooLong``, ``countryUnknown``, ``emailInvalid``,
    ``vatNumberInvalid``, ``enterpriseNumberInvalid``), Forbidden for plain members, NotFound for strangers.
    """
    organization = access_organization(user, organization.id, role=Role.ADMIN)
    values = checked_fields(fields)
    with transaction.atomic():
        # Locking the organization makes two simultaneous first saves one after the other.
        Organization.objects.select_for_update().get(pk=organization.pk)
        existing = BillingInformation.objects.filter(organization=organization).first()
        before = {name: getattr(existing, name) for name in values} if existing else None
        if before == values and existing is not None:
            return existing
        information, _ = BillingInformation.objects.update_or_create(
            organization=organization, defaults={**values, "updated_at": now or timezone.now()}
        )
        audit.record(
            tenant_id=organization.id,
            actor=user,
            action="billing.saved",
            obj=information,
            sentence="Saved the billing information.",
            before=before,
            after=values,
        )
    return information


def checked_fields(fields: Mapping[str, Any]) -> dict[str, str]:
    """Cleaned values of all fields. Raises Problem for the first one that is wrong."""
    values = {name: _text(name, fields.get(name)) for name in MAX_LENGTHS}
    values["country"] = checked_country(values["country"])
    try:
        validate_email(values["email"])
    except ValidationError:
        raise Problem(
            "This is no e-mail address.", what_to_do="Enter an address such as billing@example.com.",
            code="emailInvalid", field="email",
        ) from None  # fmt: skip
    values["vat_number"] = _vat_number(values["vat_number"], values["country"])
    values["enterprise_number"] = _enterprise_number(values["enterprise_number"], values["country"])
    return values


def _text(name: str, value: Any) -> str:
    text = clean(str(value or ""))
    label = _LABELS[name]
    if not text and name in REQUIRED_FIELDS:
        raise Problem(f"The {label} is missing.", what_to_do=f"Enter the {label}.", code="fieldMissing", field=name)
    if len(text) > MAX_LENGTHS[name]:
        raise Problem(
            f"The {label} is longer than {MAX_LENGTHS[name]} characters.",
            what_to_do="Enter a shorter one.",
            code="fieldTooLong",
            field=name,
        )
    return text


def _vat_number(text: str, country: str) -> str:
    """The number with its prefix, as invoices show it. The prefix, where given, names the issuing country."""
    if not text:
        return ""
    compact = "".join(c for c in text.upper() if c.isalnum())
    prefix = _VAT_PREFIXES.get(country, country)
    issuer = compact[:2] if compact[:2].isalpha() and _validator(compact[:2], "vat") else prefix
    validate = _validator(issuer, "vat")
    if validate is None:
        return compact
    try:
        number = validate(compact)
    except InvalidNumber:
        raise Problem(
            "This VAT number is not valid.",
            why="Its length or its check digits are not those of a number of this country.",
            what_to_do="Check the number, or leave the field empty if you have none.",
            code="vatNumberInvalid",
            field="vat_number",
        ) from None
    return number if number.startswith(issuer) else issuer + number


def _enterprise_number(text: str, country: str) -> str:
    kind = _ENTERPRISE_NUMBERS.get(country)
    validate = _validator(country, kind) if kind else None
    if not text or validate is None:
        return text
    try:
        return validate(text)
    except InvalidNumber:
        raise Problem(
            "This enterprise number is not valid.",
            why="Its length or its check digits are not those of a number of this country.",
            what_to_do="Check the number, or leave the field empty if you have none.",
            code="enterpriseNumberInvalid",
            field="enterprise_number",
        ) from None


def _validator(country: str, kind: str) -> Callable[[str], str] | None:
    try:
        module = get_cc_module(_COUNTRY_OF_PREFIX.get(country, country).lower(), kind)
    except (ImportError, AttributeError):
        return None
    return getattr(module, "validate", None) if module else None
