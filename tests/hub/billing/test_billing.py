from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from nostro.hub.billing.queries import billing_information, billing_is_complete
from nostro.hub.billing.services import save_billing_information
from nostro.hub.organizations.models import Membership, Organization, Role
from nostro.hub.organizations.services import create_organization
from nostro.people.models import AuditRecord, User
from nostro.web.errors import Forbidden, NotFound, Problem

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 25, 9, 0, tzinfo=dt.UTC)
FIELDS = {
    "legal_name": "Acme BV",
    "street": "Wetstraat 1",
    "postal_code": "1000",
    "city": "Brussel",
    "country": "BE",
    "enterprise_number": "",
    "vat_number": "",
    "email": "billing@acme.example",
}


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada@example.com")


@pytest.fixture
def acme(ada: User) -> Organization:
    return create_organization(ada, name="Acme", country="BE", now=NOW)


def save(user: User, organization: Organization, **changes: Any) -> None:
    save_billing_information(user, organization, {**FIELDS, **changes}, now=NOW)


def test_an_organization_is_complete_once_name_address_and_email_are_there(ada: User, acme: Organization) -> None:
    assert billing_information(acme) is None
    assert not billing_is_complete(acme)
    save(ada, acme)
    assert billing_is_complete(acme)


@pytest.mark.parametrize("missing", ["legal_name", "street", "postal_code", "city", "email"])
def test_a_missing_field_is_named_and_nothing_is_saved(ada: User, acme: Organization, missing: str) -> None:
    with pytest.raises(Problem) as refused:
        save(ada, acme, **{missing: " "})
    assert (refused.value.code, refused.value.field) == ("fieldMissing", missing)
    assert billing_information(acme) is None


@pytest.mark.parametrize(
    ("country", "given", "stored"),
    [
        ("BE", "BE 0403.170.701", "BE0403170701"),
        ("BE", "0403170701", "BE0403170701"),
        ("DE", "136 695 976", "DE136695976"),
        ("NL", "NL004495445B01", "NL004495445B01"),
        ("FR", "FR40303265045", "FR40303265045"),
        ("GR", "094259216", "EL094259216"),
        ("GR", "EL094259216", "EL094259216"),
        ("GB", "GB 980 7806 84", "GB980780684"),
        ("CH", "CHE-107.787.577 IVA", "CHE107787577IVA"),
        ("BE", "DE136695976", "DE136695976"),
        ("US", "12-3456789", "123456789"),
    ],
)
def test_vat_numbers_are_checked_by_their_country_and_kept_with_prefix(
    ada: User, acme: Organization, country: str, given: str, stored: str
) -> None:
    save(ada, acme, country=country, vat_number=given)
    information = billing_information(acme)
    assert information is not None
    assert information.vat_number == stored


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"vat_number": "BE0403170702"}, "vatNumberInvalid", "vat_number"),
        ({"vat_number": "12"}, "vatNumberInvalid", "vat_number"),
        ({"enterprise_number": "0403170702"}, "enterpriseNumberInvalid", "enterprise_number"),
        ({"email": "nobody"}, "emailInvalid", "email"),
        ({"country": "XX"}, "countryUnknown", "country"),
        ({"city": "x" * 101}, "fieldTooLong", "city"),
    ],
)
def test_bad_input_is_refused_beside_its_field(
    ada: User, acme: Organization, changes: dict[str, str], code: str, field: str
) -> None:
    with pytest.raises(Problem) as refused:
        save(ada, acme, **changes)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_a_change_is_in_the_trail_once_with_what_was_before(ada: User, acme: Organization) -> None:
    save(ada, acme)
    save(ada, acme, city="Gent")
    save(ada, acme, city="Gent")
    entries = list(AuditRecord.objects.filter(tenant_id=acme.id, action="billing.saved").order_by("id"))
    assert len(entries) == 2
    assert entries[1].before is not None and entries[1].after is not None
    assert (entries[1].before["city"], entries[1].after["city"]) == ("Brussel", "Gent")


def test_members_may_not_change_it_and_strangers_find_nothing(ada: User, acme: Organization) -> None:
    eve = User.objects.create_user("eve@example.com")
    with pytest.raises(NotFound):
        save(eve, acme)
    Membership.objects.create(organization=acme, user=eve, role=Role.MEMBER)
    with pytest.raises(Forbidden):
        save(eve, acme)
    assert billing_information(acme) is None
