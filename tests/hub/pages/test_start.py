"""The front page of the Hub, a new organization, its people, billing information."""

from __future__ import annotations

import threading
import uuid

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from tests import factories
from tests.hub.pages.conftest import World, browser, make_world

from nostro.hub.billing.models import BillingInformation
from nostro.hub.linking.models import Connection
from nostro.hub.organizations.models import Membership, Organization

BILLING = {
    "legal_name": "Acme Bakery BV",
    "street": "Koornmarkt 1",
    "postal_code": "9000",
    "city": "Ghent",
    "country": "BE",
    "enterprise_number": "",
    "vat_number": "",
    "email": "invoices@acme.example",
}


def _overview(client: Client) -> str:
    page: str = client.get(reverse("hub:overview"), follow=True).content.decode()
    return page


def test_a_newcomer_begins_with_an_organization(db: None) -> None:
    client = browser(factories.user())
    assert client.get(reverse("hub:overview"))["Location"] == reverse("hub:new_organization")
    made = client.post(
        reverse("hub:new_organization"), {"form_key": str(uuid.uuid4()), "name": "Acme", "country": "NL"}, follow=True
    )
    assert "How much do we have?" in made.content.decode()
    assert "No account here yet" in made.content.decode()
    assert Organization.objects.get().country == "NL"


def test_a_name_that_is_missing_is_told_and_the_country_is_kept(db: None) -> None:
    page = browser(factories.user()).post(reverse("hub:new_organization"), {"name": "  ", "country": "NL"})
    assert "This field is required." in page.content.decode()
    assert '<option value="NL" selected>' in page.content.decode()
    assert not Organization.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_make_one_organization() -> None:
    user, start, places = factories.user(), threading.Barrier(2), []
    form = {"form_key": str(uuid.uuid4()), "name": "Acme", "country": "BE"}

    def click(client: Client) -> None:
        start.wait(10)
        places.append(client.post(reverse("hub:new_organization"), form)["Location"])
        connections.close_all()

    threads = [threading.Thread(target=click, args=(browser(user),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    made = Organization.objects.get()
    assert places == [reverse("hub:accounts", kwargs={"organization_id": made.id})] * 2


def test_somebody_with_one_organization_is_led_to_its_accounts(world: World) -> None:
    assert "How much do we have?" in _overview(browser(world.owner))


def test_somebody_with_several_organizations_sees_how_each_stands(db: None) -> None:
    world = make_world(is_sandbox=False)
    factories.membership(factories.organization(name="Zeppelin"), world.owner)
    Connection.objects.update(health="psuActionRequired")
    client = browser(world.owner)
    page = _overview(client)
    assert page.index("Acme Bakery") < page.index("Zeppelin")
    assert "3 accounts need you" in page
    assert "0 live accounts" in page
    assert "Next door" not in page
    to_acme = reverse("hub:organization", kwargs={"organization_id": world.organization.id})
    assert to_acme in page
    assert "How much do we have?" in client.get(to_acme, follow=True).content.decode()


def test_the_people_of_an_organization_with_their_roles(world: World) -> None:
    page = browser(world.member).get(reverse("hub:people", kwargs={"organization_id": world.organization.id}))
    seen = page.content.decode()
    order = [seen.index(f"<bdi>{person.email}</bdi></td>") for person in (world.owner, world.admin, world.member)]
    assert order == sorted(order)
    assert all(word in seen for word in ("Owner", "Administrator", "Member"))
    assert world.neighbour.email not in seen


# --- billing --------------------------------------------------------------------------------------------------------


@pytest.fixture
def membership(db: None) -> Membership:
    return factories.membership()


def _billing(membership: Membership) -> str:
    return reverse("hub:billing", kwargs={"organization_id": membership.organization_id})


def test_billing_information_is_proposed_kept_and_shown_again(membership: Membership) -> None:
    client = browser(membership.user)
    assert f'value="{membership.user.email}"' in client.get(_billing(membership)).content.decode()
    for _ in range(2):
        saved = client.post(_billing(membership), BILLING, follow=True).content.decode()
        assert "The billing information is saved." in saved
    assert 'value="Koornmarkt 1"' in saved
    assert BillingInformation.objects.count() == 1


def test_a_wrong_number_is_told_beside_its_field_and_the_rest_is_kept(membership: Membership) -> None:
    page = browser(membership.user).post(_billing(membership), {**BILLING, "vat_number": "BE0000000000"})
    seen = page.content.decode()
    assert 'value="Koornmarkt 1"' in seen
    assert 'value="BE0000000000"' in seen
    assert seen.count('aria-invalid="true"') == 1
    assert not BillingInformation.objects.exists()


def test_the_way_back_leads_to_where_it_was_asked_for(membership: Membership) -> None:
    client, back = browser(membership.user), "/hub/somewhere/"
    page = client.get(_billing(membership), {"next": back}).content.decode()
    assert f'name="next" value="{back}"' in page
    assert client.post(_billing(membership), {**BILLING, "next": back})["Location"] == back
    wrong = client.post(_billing(membership), {**BILLING, "email": "x", "next": back}).content.decode()
    assert f'name="next" value="{back}"' in wrong


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "http:evil.example",
        "\t//e.x",
    ],
)
def test_the_way_back_never_leaves_the_site(membership: Membership, elsewhere: str) -> None:
    client = browser(membership.user)
    page = client.get(_billing(membership), {"next": elsewhere}).content.decode()
    content = page.partition("<main")[2].partition("</main>")[0]
    assert "evil" not in content
    assert 'name="next"' not in content
    response = client.post(_billing(membership), {**BILLING, "next": elsewhere})
    assert response["Location"] == _billing(membership)
