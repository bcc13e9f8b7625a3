"""Giving a mandate, accepting it, and acting under it, by hand."""

from __future__ import annotations

import html

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from tests import factories
from tests.hub.pages.conftest import World, browser

from nostro.hub.integrations.models import Integration
from nostro.hub.mandates import tasks
from nostro.hub.mandates.models import Mandate
from nostro.hub.mandates.queries import accounts_of_mandate
from nostro.hub.organizations.models import Membership


def shown(client: Client, address: str) -> str:
    return html.unescape(client.get(address, follow=True).content.decode())


def address(name: str, membership: Membership, **names: object) -> str:
    return reverse(f"hub:{name}", kwargs={"organization_id": membership.organization_id, **names})


@pytest.fixture
def desk(db: None) -> Membership:
    return factories.membership(factories.organization(name="Awesome accountant"), factories.user(email="d@a.example"))


def give(world: World) -> Mandate:
    page = reverse("hub:mandates", kwargs={"organization_id": world.organization.id})
    sent = browser(world.admin).post(page, {"email": "D@a.example", "accounts": [world.account.id]})
    assert sent.status_code == 302
    return Mandate.objects.get()


def test_a_mandate_travels_by_mail_and_is_accepted(
    world: World, desk: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued: list[dict[str, str]] = []
    monkeypatch.setattr(tasks.send_mandate, "defer", lambda **given: queued.append(given))
    mandate = give(world)
    tasks.send_mandate(**queued[0])
    [message] = mail.outbox
    assert message.to == ["d@a.example"] and "Acme Bakery" in message.body and "/hub/mandates/" in message.body
    own = reverse("hub:mandates", kwargs={"organization_id": world.organization.id})
    assert "not accepted yet" in shown(browser(world.member), own)
    client = browser(desk.user)
    assert "Acme Bakery" in shown(client, "/hub/mandates/")
    accepted = client.post(address("accept_mandate", desk, mandate_id=mandate.id), follow=True)
    assert "You act for Acme Bakery now." in accepted.content.decode()
    assert "Awesome accountant" in shown(browser(world.member), own)
    tasks.send_mandate(**queued[0])
    assert len(mail.outbox) == 1


def test_who_has_no_organization_is_told_to_make_one(db: None) -> None:
    page = browser(factories.user()).get("/hub/mandates/", follow=True)
    assert "Make your organization first" in page.content.decode()
    assert page.redirect_chain[-1][0] == reverse("hub:new_organization")


def test_the_secret_of_an_integration_stays_until_it_is_copied_and_a_double_click_makes_one(
    world: World, desk: Membership
) -> None:
    mandate, client = give(world), browser(desk.user)
    client.post(address("accept_mandate", desk, mandate_id=mandate.id))
    page = address("received_mandate", desk, mandate_id=mandate.id)
    form = {"name": "Books", "accounts": [str(world.account.id)], "form_key": "one"}
    for _ in range(2):
        assert client.post(page, form).status_code == 302
    made = Integration.objects.get(mandate_id=mandate.id)
    assert made.is_sandbox and made.grants.get().account_id == world.account.id
    assert "Secret ID" in shown(client, page) and made.client_id in shown(client, page)
    client.post(address("copied_under_mandate", desk, mandate_id=mandate.id, integration_id=made.id))
    assert "Secret ID" not in shown(client, page)
    integrations = reverse("hub:integrations", kwargs={"organization_id": world.organization.id, "mode": "sandbox"})
    assert "made by Awesome accountant" in shown(browser(world.owner), integrations).replace("<bdi>", "").replace(
        "</bdi>", ""
    )
    seen = shown(browser(world.owner), reverse("hub:integration", kwargs={"integration_id": made.id}))
    assert "Made under a mandate by" in seen and "Make new Secret ID" not in seen
    client.post(address("revoke_under_mandate", desk, mandate_id=mandate.id, integration_id=made.id))
    assert Integration.objects.get(id=made.id).revoked_at is not None


def test_accounts_are_changed_and_either_side_ends_it(world: World, desk: Membership) -> None:
    mandate = give(world)
    names = {"organization_id": world.organization.id, "mandate_id": mandate.id}
    page, owner = reverse("hub:given_mandate", kwargs=names), browser(world.owner)
    wanted = [world.accounts["EUR"], world.accounts["JPY"]]
    assert owner.post(page, {"accounts": [each.id for each in wanted]}).status_code == 302
    assert set(accounts_of_mandate(mandate)) == set(wanted)
    assert owner.post(page, {}).status_code == 302 and accounts_of_mandate(mandate) == []
    client = browser(desk.user)
    assert client.post(address("give_back_mandate", desk, mandate_id=mandate.id)).status_code == 302
    assert owner.get(page).status_code == 404
    again = Mandate.objects.get(id=give_again(world).id)
    owner.post(reverse("hub:withdraw_mandate", kwargs={**names, "mandate_id": again.id}))
    assert Mandate.objects.get(id=again.id).ended_at is not None


def give_again(world: World) -> Mandate:
    page = reverse("hub:mandates", kwargs={"organization_id": world.organization.id})
    browser(world.owner).post(page, {"email": "d@a.example", "accounts": [world.account.id]})
    return Mandate.objects.get(ended_at=None)


def test_what_was_wrong_stands_beside_the_form(world: World) -> None:
    page = reverse("hub:mandates", kwargs={"organization_id": world.organization.id})
    give(world)
    again = browser(world.owner).post(page, {"email": "d@a.example", "accounts": [world.account.id]})
    assert "waiting already" in again.content.decode()
    none = browser(world.owner).post(page, {"email": "e@a.example"})
    assert none.status_code == 200 and Mandate.objects.count() == 1
