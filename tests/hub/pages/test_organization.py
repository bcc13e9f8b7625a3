"""Settings of an organization: roles, leaving, its name, and the trail."""

from __future__ import annotations

import pytest
from django.urls import reverse
from tests import factories
from tests.hub.pages.conftest import World, browser

from nostro.hub.organizations.models import Membership, Role
from nostro.people.models import AuditRecord, User


def _address(world: World, name: str, person: User) -> str:
    membership = Membership.objects.get(organization=world.organization, user=person)
    return reverse(f"hub:{name}", kwargs={"organization_id": world.organization.id, "membership_id": membership.id})


def _role(world: World, person: User) -> str:
    return Membership.objects.get(organization=world.organization, user=person).role


def test_an_administrator_gives_a_member_another_role_and_the_trail_says_so(world: World) -> None:
    client = browser(world.admin)
    page = client.post(_address(world, "member", world.member), {"role": "admin"}, follow=True).content.decode()
    assert "The role is saved." in page and _role(world, world.member) == Role.ADMIN
    trail = client.get(reverse("hub:trail", kwargs={"organization_id": world.organization.id})).content.decode()
    assert f"Made {world.member} administrator; was member." in trail and str(world.admin) in trail


@pytest.mark.parametrize(("of", "role"), [("member", "owner"), ("owner", "member")])
def test_only_owners_make_owners_and_take_it_from_them(world: World, of: str, role: str) -> None:
    person = getattr(world, of)
    address, before = _address(world, "member", person), _role(world, person)
    assert "Your role does not allow this." in browser(world.admin).post(address, {"role": role}).content.decode()
    assert _role(world, person) == before
    factories.membership(world.organization, factories.user(), Role.OWNER)
    assert browser(world.owner).post(address, {"role": role}).status_code == 302
    assert _role(world, person) == role


def test_the_last_owner_can_neither_leave_nor_become_less(world: World) -> None:
    client = browser(world.owner)
    refused = client.post(_address(world, "member", world.owner), {"role": "member"}).content.decode()
    assert "An organization needs an owner." in refused and "Make somebody else owner first." in refused
    assert client.post(_address(world, "remove_member", world.owner)).status_code == 400
    assert _role(world, world.owner) == Role.OWNER
    other = factories.user()
    factories.membership(world.organization, other, Role.OWNER)
    assert client.post(_address(world, "remove_member", world.owner)).status_code == 302
    assert not Membership.objects.filter(organization=world.organization, user=world.owner).exists()


def test_a_removed_person_sees_nothing_any_more(world: World) -> None:
    page = reverse("hub:accounts", kwargs={"organization_id": world.organization.id, "mode": "sandbox"})
    client = browser(world.member)
    assert client.get(page).status_code == 200
    assert browser(world.admin).post(_address(world, "remove_member", world.member)).status_code == 302
    assert client.get(page).status_code == 404
    record = AuditRecord.objects.get(action="membership.removed")
    assert record.actor == world.admin and record.sentence == f"Removed {world.member} from the organization."


def test_administrators_cannot_remove_owners_but_everybody_may_leave(world: World) -> None:
    assert browser(world.admin).post(_address(world, "remove_member", world.owner)).status_code == 403
    address = _address(world, "remove_member", world.member)
    assert browser(world.member).post(address).status_code == 302
    assert not Membership.objects.filter(organization=world.organization, user=world.member).exists()


def test_the_organization_gets_another_name(world: World) -> None:
    address = reverse("hub:organization_settings", kwargs={"organization_id": world.organization.id})
    client = browser(world.admin)
    assert "The organization has no name." in client.post(address, {"name": "\u200b", "country": "BE"}).content.decode()
    page = client.post(address, {"name": "Acme Bakery and Café", "country": "BE"}, follow=True).content.decode()
    assert "The organization is saved." in page and "Acme Bakery and Café" in page
    assert AuditRecord.objects.get(action="organization.changed").before == {"name": "Acme Bakery", "country": "BE"}


def test_the_trail_is_paged_and_an_odd_page_shows_the_newest(world: World) -> None:
    address = reverse("hub:trail", kwargs={"organization_id": world.organization.id})
    client = browser(world.owner)
    rename = reverse("hub:organization_settings", kwargs={"organization_id": world.organization.id})
    for number in range(51):
        client.post(rename, {"name": f"Name {number}", "country": "BE"})
    first = client.get(address).content.decode()
    assert "Name 50”" in first and "Name 0”" not in first
    oldest = AuditRecord.objects.get(sentence__contains="Name 1”").id
    assert "Name 0”" in client.get(address, {"before": oldest}).content.decode()
    for odd in ("-1", "x", "9" * 40, "²"):
        assert client.get(address, {"before": odd}).content.decode().count("<tr>") == first.count("<tr>")
