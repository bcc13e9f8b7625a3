"""What people do with organizations."""

from __future__ import annotations

from datetime import datetime

from babel import Locale
from django.db import transaction

from nostro.core.text import clean
from nostro.hub.organizations.models import Membership, Organization, Role
from nostro.people import audit
from nostro.people.models import User
from nostro.web.errors import Problem

MAX_NAME_LENGTH = 200
#: More than anybody needs, few enough that nobody fills the database with them.
MAX_ORGANIZATIONS_PER_PERSON = 100


@transaction.atomic
def create_organization(user: User, *, name: str, country: str, now: datetime) -> Organization:
    """Make an organization whose owner is ``user``.

    Raises Problem (``nameMissing``, ``nameInvalid``, ``countryUnknown``, ``tooManyOrganizations``).
    """
    cleaned = _checked_name(name)
    # Locking the person makes the limit hold for simultaneous requests as well.
    User.objects.select_for_update().get(pk=user.pk)
    if Membership.objects.filter(user=user, role=Role.OWNER).count() >= MAX_ORGANIZATIONS_PER_PERSON:
        raise Problem(
            "You own as many organizations as one person can own here.",
            why=f"The limit is {MAX_ORGANIZATIONS_PER_PERSON}.",
            what_to_do="Use one of your organizations, or ask the operator of this Hub.",
            code="tooManyOrganizations",
        )
    organization = Organization.objects.create(name=cleaned, country=checked_country(country), created_at=now)
    Membership.objects.create(organization=organization, user=user, role=Role.OWNER, created_at=now)
    audit.record(
        tenant_id=organization.id,
        actor=user,
        action="organization.created",
        obj=organization,
        sentence=f"Created the organization “{organization.name}”.",
        after={"name": organization.name, "country": organization.country},
    )
    return organization


def _checked_name(name: str) -> str:
    cleaned = clean(name, limit=MAX_NAME_LENGTH + 1)
    if not cleaned:
        raise Problem("The organization has no name.", what_to_do="Enter its name.", code="nameMissing", field="name")
    if len(cleaned) > MAX_NAME_LENGTH:
        raise Problem(
            f"The name is longer than {MAX_NAME_LENGTH} characters.",
            what_to_do="Enter a shorter name.",
            code="nameInvalid",
            field="name",
        )
    return cleaned


def checked_country(country: str) -> str:
    """The ISO 3166-1 code in upper case. Raises Problem ``countryUnknown``."""
    code = country.strip().upper()
    if len(code) != 2 or not code.isalpha() or code == "ZZ" or code not in Locale("en").territories:
        raise Problem(
            "This country is not known.",
            why="A country is given by its two letters of ISO 3166-1, for example BE.",
            what_to_do="Choose the country from the list.",
            code="countryUnknown",
            field="country",
        )
    return code
