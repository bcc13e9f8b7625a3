from __future__ import annotations

import datetime as dt

import pytest

from nostro.core.ids import new_id
from nostro.hub.organizations.models import Membership, Role
from nostro.hub.organizations.queries import access_organization, organizations_of, require_role
from nostro.hub.organizations.services import create_organization
from nostro.people.models import AuditRecord, User
from nostro.web.errors import Forbidden, NotFound, Problem

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 25, 9, 0, tzinfo=dt.UTC)


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada@example.com")


@pytest.fixture
def eve() -> User:
    return User.objects.create_user("eve@example.com")


def test_the_maker_becomes_the_owner_and_the_trail_says_so(ada: User) -> None:
    made = create_organization(ada, name="  Acme\x00 BV ", country="be", now=NOW)
    assert (made.name, made.country, made.created_at) == ("Acme BV", "BE", NOW)
    assert access_organization(ada, made.id, role=Role.OWNER) == made
    entry = AuditRecord.objects.get(tenant_id=made.id)
    assert (entry.action, entry.actor, entry.object_id) == ("organization.created", ada, str(made.id))


@pytest.mark.parametrize(
    ("name", "country", "code"),
    [
        (" \u202e ", "BE", "nameMissing"),
        ("x" * 201, "BE", "nameInvalid"),
        ("Acme", "XX", "countryUnknown"),
        ("Acme", "ZZ", "countryUnknown"),
        ("Acme", "", "countryUnknown"),
    ],
)
def test_bad_input_is_refused_with_a_code_and_leaves_nothing(ada: User, name: str, country: str, code: str) -> None:
    with pytest.raises(Problem) as refused:
        create_organization(ada, name=name, country=country, now=NOW)
    assert refused.value.code == code
    assert organizations_of(ada) == []


def test_a_stranger_cannot_tell_a_foreign_organization_from_none(ada: User, eve: User) -> None:
    made = create_organization(ada, name="Acme", country="BE", now=NOW)
    answers = []
    for organization_id in (made.id, new_id()):
        with pytest.raises(NotFound) as refused:
            access_organization(eve, organization_id)
        answers.append((refused.value.what, refused.value.code, refused.value.status))
    assert answers[0] == answers[1]
    assert organizations_of(eve) == []


def test_strangers_are_told_of_the_resource_they_asked_for_only(ada: User, eve: User) -> None:
    made = create_organization(ada, name="Acme", country="BE", now=NOW)
    require_role(ada, made.id, Role.OWNER, "payment")
    with pytest.raises(NotFound) as refused:
        require_role(eve, made.id, None, "payment")
    assert refused.value.resource == "payment"
    Membership.objects.create(user=eve, organization=made, role=Role.MEMBER)
    with pytest.raises(Forbidden):
        require_role(eve, made.id, Role.ADMIN, "payment")


@pytest.mark.parametrize(
    ("has", "needs", "allowed"),
    [
        (Role.MEMBER, None, True),
        (Role.MEMBER, Role.MEMBER, True),
        (Role.MEMBER, Role.ADMIN, False),
        (Role.ADMIN, Role.ADMIN, True),
        (Role.ADMIN, Role.OWNER, False),
        (Role.OWNER, Role.ADMIN, True),
    ],
)
def test_a_role_allows_what_lower_ones_do(ada: User, eve: User, has: Role, needs: Role | None, allowed: bool) -> None:
    made = create_organization(ada, name="Acme", country="BE", now=NOW)
    Membership.objects.create(organization=made, user=eve, role=has)
    if allowed:
        assert access_organization(eve, made.id, role=needs) == made
    else:
        with pytest.raises(Forbidden):
            access_organization(eve, made.id, role=needs)


def test_a_person_who_was_switched_off_sees_nothing(ada: User) -> None:
    made = create_organization(ada, name="Acme", country="BE", now=NOW)
    ada.is_active = False
    with pytest.raises(NotFound):
        access_organization(ada, made.id)


def test_organizations_come_by_name_and_only_ones_own(ada: User, eve: User) -> None:
    for person, name in ((ada, "Zeta"), (ada, "Alpha"), (eve, "Beta")):
        create_organization(person, name=name, country="BE", now=NOW)
    assert [each.name for each in organizations_of(ada)] == ["Alpha", "Zeta"]
