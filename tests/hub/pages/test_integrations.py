"""Integrations: what software may read which accounts, and a secret that is shown to one person for a short while."""

from __future__ import annotations

import base64
import datetime as dt
import re
import threading
import uuid
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, connections
from django.test import Client
from django.urls import reverse
from tests import factories
from tests.hub.pages.conftest import World, browser, make_world

from nostro.hub.integrations.blocking import block_organization, unblock_organization
from nostro.hub.integrations.models import Integration
from nostro.hub.integrations.queries import granted_accounts
from nostro.hub.organizations.models import Role
from nostro.hub.pages.once import SECRET_LIFETIME_S, keep_secret, kept_secret


@pytest.fixture(autouse=True)
def _empty_cache(request: pytest.FixtureRequest) -> None:
    if "world" in request.fixturenames:
        request.getfixturevalue("world")
        cache.clear()


def _add(world: World, mode: str = "sandbox") -> str:
    return reverse("hub:add_integration", kwargs={"organization_id": world.organization.id, "mode": mode})


def _page(name: str, integration: Integration) -> str:
    return reverse(f"hub:{name}", kwargs={"integration_id": integration.id})


def _form(world: World, **changes: Any) -> dict[str, Any]:
    accounts = [str(world.accounts["EUR"].id), str(world.accounts["JPY"].id)]
    return {"form_key": str(uuid.uuid4()), "name": "Books", "accounts": accounts, **changes}


def _secrets(page: str) -> list[str]:
    return re.findall(r'<code class="secret__value">([^<]+)</code>', page)


def _made(world: World) -> Integration:
    return Integration.objects.exclude(id=world.integration.id).get()


def test_adding_shows_client_id_and_secret_and_the_address(world: World) -> None:
    client = browser(world.owner)
    page = client.post(_add(world), _form(world), follow=True).content.decode()
    made = _made(world)
    client_id, secret, address = _secrets(page)
    assert client_id == str(made.client_id)
    assert len(secret) >= 32
    assert address.startswith("http")
    assert secret not in str(vars(made))
    assert {account.currency for account in granted_accounts(made)} == {"EUR", "JPY"}


def test_the_secret_can_be_read_again_until_it_is_confirmed_and_never_after(world: World) -> None:
    client = browser(world.owner)
    first = _secrets(client.post(_add(world), _form(world), follow=True).content.decode())
    made = _made(world)
    again = client.get(_page("integration_secret", made))
    assert _secrets(again.content.decode()) == first
    assert "no-store" in again["Cache-Control"]
    for _ in range(2):
        assert client.post(_page("integration_secret", made))["Location"] == _page("integration", made)
    page = client.get(_page("integration_secret", made)).content.decode()
    assert first[1] not in page
    assert "The Secret ID is not shown any more." in page
    assert first[1] not in client.get(_page("integration", made)).content.decode()


def test_the_secret_is_shown_to_nobody_else(world: World) -> None:
    secret = _secrets(browser(world.owner).post(_add(world), _form(world), follow=True).content.decode())[1]
    made = _made(world)
    page = browser(world.admin).get(_page("integration_secret", made))
    assert page.status_code == 200
    assert secret not in page.content.decode()
    assert browser(world.member).get(_page("integration_secret", made)).status_code == 403
    assert browser(world.neighbour).get(_page("integration_secret", made)).status_code == 404


def test_the_secret_is_sealed_where_it_is_kept_and_lives_for_minutes(world: World) -> None:
    keep_secret(world.owner, world.integration, "a secret for a moment")
    assert SECRET_LIFETIME_S <= 600
    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM web_cache WHERE cache_key LIKE '%secret:%'")
        (stored,) = cursor.fetchone()
    assert b"a secret for a moment" not in base64.b64decode(stored)
    assert kept_secret(world.owner, world.integration) == "a secret for a moment"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE web_cache SET expires = now() - interval '1 second'")
    assert kept_secret(world.owner, world.integration) is None


def test_the_form_sent_twice_makes_one_integration(world: World) -> None:
    client, form = browser(world.owner), _form(world)
    pages = [client.post(_add(world), form, follow=True).content.decode() for _ in range(2)]
    assert _secrets(pages[0]) == _secrets(pages[1])
    assert _made(world).name == "Books"


def test_going_back_and_sending_another_name_makes_another_integration(world: World) -> None:
    client, form = browser(world.owner), _form(world)
    client.post(_add(world), form)
    client.post(_add(world), {**form, "name": "Reports"})
    names = Integration.objects.exclude(id=world.integration.id).values_list("name", flat=True)
    assert sorted(names) == ["Books", "Reports"]


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_make_one_integration_and_both_see_its_secret() -> None:
    world = make_world()
    form, start, pages = _form(world), threading.Barrier(2), []

    def click(client: Client) -> None:
        start.wait(10)
        pages.append(client.post(_add(world), form, follow=True).content.decode())
        connections.close_all()

    threads = [threading.Thread(target=click, args=(browser(world.owner),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert _made(world).name == "Books"
    assert len(pages) == 2
    assert _secrets(pages[0]) == _secrets(pages[1])
    assert len(_secrets(pages[0])) == 3


def test_a_form_that_is_not_complete_keeps_what_was_typed(world: World) -> None:
    form = _form(world, name="", accounts=[str(world.accounts["KWD"].id)])
    page = browser(world.owner).post(_add(world), form).content.decode()
    assert "This field is required." in page
    assert len(re.findall(r"<input[^>]*checked", page)) == 1
    assert re.search(rf'value="{world.accounts["KWD"].id}"[^>]*checked', page)
    assert form["form_key"] in page
    assert Integration.objects.count() == 1


def test_an_account_of_a_neighbour_or_of_the_other_mode_cannot_be_chosen(world: World) -> None:
    foreign = factories.account(factories.organization())
    live = factories.account(world.organization, is_sandbox=False)
    for account in (foreign, live):
        page = browser(world.owner).post(_add(world), _form(world, accounts=[str(account.id)]))
        assert page.status_code == 200
    assert Integration.objects.count() == 1


def test_changing_accounts_keeps_and_tells_it(world: World) -> None:
    client = browser(world.owner)
    chosen = {"accounts": [str(world.accounts["KWD"].id)]}
    for _ in range(2):
        page = client.post(_page("integration", world.integration), chosen, follow=True).content.decode()
        assert "The accounts are changed" in page
    assert [account.currency for account in granted_accounts(world.integration)] == ["KWD"]
    overview = reverse("hub:integrations", kwargs={"organization_id": world.organization.id, "mode": "sandbox"})
    client.post(_page("integration", world.integration), {})
    assert "none: it reads nothing" in client.get(overview).content.decode()


def test_a_new_secret_replaces_the_old_one_once_for_two_clicks(world: World) -> None:
    client, form = browser(world.owner), {"form_key": str(uuid.uuid4())}
    shown = [
        _secrets(client.post(_page("new_secret", world.integration), form, follow=True).content.decode())[1]
        for _ in range(2)
    ]
    assert shown[0] == shown[1] != world.secret


def test_revoking_ends_it_and_a_second_click_finds_nothing(world: World) -> None:
    client = browser(world.admin)
    page = client.post(_page("revoke_integration", world.integration), follow=True).content.decode()
    assert "The integration is revoked." in page
    assert client.post(_page("revoke_integration", world.integration)).status_code == 404
    world.integration.refresh_from_db()
    assert world.integration.revoked_at is not None
    assert client.get(_page("integration", world.integration)).status_code == 404


def test_a_hostile_name_is_text(world: World) -> None:
    name = "<script>alert(1)</script>"
    client = browser(world.owner)
    pages = client.post(_add(world), _form(world, name=name), follow=True).content.decode()
    pages += client.get(
        reverse("hub:integrations", kwargs={"organization_id": world.organization.id, "mode": "sandbox"})
    ).content.decode()
    pages += client.get(_page("integration", _made(world))).content.decode()
    assert "<script>alert" not in pages
    assert "&lt;script&gt;alert(1)" in pages


def test_a_member_sees_what_is_read_but_cannot_change_it(world: World) -> None:
    factories.membership(world.organization, reader := factories.user(), Role.MEMBER)
    page = browser(reader).get(_page("integration", world.integration)).content.decode()
    assert "Account in JPY" in page
    assert 'type="checkbox"' not in page


def test_people_of_a_blocked_organization_are_told_on_every_page(world: World) -> None:
    organization = {"organization_id": world.organization.id}
    addresses = [
        reverse("hub:accounts", kwargs=organization),
        reverse("hub:integrations", kwargs=organization),
        reverse("hub:people", kwargs=organization),
    ]
    client, neighbour = browser(world.member), browser(world.neighbour)
    told = "The software of this organization is blocked"
    assert not any(told in client.get(each).content.decode() for each in addresses)
    block_organization(world.organization.id, dt.datetime.now(dt.UTC))
    assert all(told in client.get(each).content.decode() for each in addresses)
    assert told not in neighbour.get(reverse("hub:overview"), follow=True).content.decode()
    unblock_organization(world.organization.id, dt.datetime.now(dt.UTC))
    assert not any(told in client.get(each).content.decode() for each in addresses)
