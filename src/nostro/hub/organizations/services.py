"""What people do with organizations."""

from __future__ import annotations

import uuid
from datetime import datetime

from babel import Locale
from django.db import transaction
from django.utils.translation import gettext as _

from nostro.core.text import clean
from nostro.hub.organizations.models import Membership, Organization, Role
from nostro.hub.organizations.queries import access_organization
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
            _("You own as many organizations as one person can own here."),
            why=_("The limit is %(n)s.") % {"n": MAX_ORGANIZATIONS_PER_PERSON},
            what_to_do=_("Use one of your organizations, or ask the operator of this Hub."),
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


@transaction.atomic
def change_organization(user: User, organization_id: uuid.UUID, *, name: str, country: str) -> Organization:
    """Another name or country. Raises Problem (``nameMissing``, ``nameInvalid``, ``countryUnknown``), Forbidden,
    NotFound."""
    organization = access_organization(user, organization_id, role=Role.ADMIN)
    before = {"name": organization.name, "country": organization.country}
    after = {"name": _checked_name(name), "country": checked_country(country)}
    if after == before:
        return organization
    organization.name, organization.country = after["name"], after["country"]
    organization.save(update_fields=["name", "country"])
    renamed = after["name"] != before["name"]
    audit.record(
        tenant_id=organization.id,
        actor=user,
        action="organization.changed",
        obj=organization,
        sentence=f"Renamed the organization “{organization.name}”." if renamed else f"Moved it to {after['country']}.",
        before=before,
        after=after,
    )
    return organization


def _checked_name(name: str) -> str:
    cleaned = clean(name, limit=MAX_NAME_LENGTH + 1)
    if not cleaned:
        raise Problem(
            _("The organization has no name."), what_to_do=_("Enter its name."), code="nameMissing", field="name"
        )
    if len(cleaned) > MAX_NAME_LENGTH:
        raise Problem(
            _("The name is longer than %(n)s characters.") % {"n": MAX_NAME_LENGTH},
            what_to_do=_("Enter a shorter name."),
            code="nameInvalid",
            field="name",
        )
    return cleaned


def checked_country(country: str) -> str:
    """The ISO 3166-1 code in upper case. Raises Problem ``countryUnknown``."""
    code = country.strip().upper()
    if len(code) != 2 or not code.isalpha() or code == "ZZ" or code not in Locale("en").territories:
        raise Problem(
            _("This country is not known."),
            why=_("A country is given by its two letters of ISO 3166-1, for example BE."),
            what_to_do=_("Choose the country from the list."),
            code="countryUnknown",
            field="country",
        )
    return code
