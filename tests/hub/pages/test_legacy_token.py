"""The deprecated API token on the page of integrations: said plainly, replaced with one click, revoked."""

from __future__ import annotations

from django.urls import reverse
from tests import factories
from tests.hub.pages.conftest import World, browser

from nostro.hub.integrations.legacy import create_legacy_token, legacy_token_of
from nostro.hub.integrations.queries import granted_accounts, integrations_of


def test_an_administrator_replaces_the_token_and_revokes_it(world: World) -> None:
    create_legacy_token(world.organization, is_sandbox=True, now=factories.NOW)
    names = {"organization_id": world.organization.id}
    client, page = browser(world.admin), reverse("hub:integrations", kwargs={**names, "mode": "sandbox"})
    assert "Software uses the deprecated API token" in client.get(page).content.decode()
    live = client.get(reverse("hub:integrations", kwargs={**names, "mode": "live"})).content.decode()
    assert "deprecated" not in live
    member = browser(world.member).get(page).content.decode()
    assert "deprecated" in member and "Replace the token" not in member

    shown = client.post(reverse("hub:replace_token", kwargs=names), follow=True).content.decode()
    [made] = [each for each in integrations_of(world.organization, True) if each != world.integration]
    assert made.client_id in shown and len(granted_accounts(made)) == 3
    again = client.post(reverse("hub:replace_token", kwargs=names))
    assert again.status_code == 400 and "Show the integration" in client.get(page).content.decode()

    revoked = client.post(reverse("hub:revoke_token", kwargs=names), follow=True).content.decode()
    assert "The API token is revoked." in revoked and legacy_token_of(world.organization) is None
    assert client.post(reverse("hub:revoke_token", kwargs=names)).status_code == 404
