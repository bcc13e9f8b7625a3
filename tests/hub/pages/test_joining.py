"""Inviting somebody, joining, and a person's own tokens."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.urls import reverse
from tests import factories
from tests.hub.api.client import Caller
from tests.hub.pages.conftest import World, browser

from nostro.hub.integrations.personal import personal_tokens_of
from nostro.hub.organizations import tasks
from nostro.hub.organizations.invitations import invite, open_invitations_of
from nostro.hub.organizations.models import Membership


def test_an_invited_person_joins_once_with_their_own_address(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    queued: list[dict[str, str]] = []
    monkeypatch.setattr(tasks.send_invitation, "defer", lambda **given: queued.append(given))
    page = reverse("hub:people", kwargs={"organization_id": world.organization.id})
    sent = browser(world.admin).post(page, {"email": "New@example.org", "role": "member"}, follow=True)
    assert "The invitation is on its way." in sent.content.decode() and "new@example.org" in sent.content.decode()
    tasks.send_invitation(**queued[0])
    [message] = mail.outbox
    assert message.to == ["new@example.org"] and "Acme Bakery" in message.body
    found = re.search(r"(/hub/invitations/\S+/)", str(message.body))
    assert found is not None and found.group(1).split("/")[3] not in str(queued)  # the queue holds no open secret
    link = found.group(1)
    assert browser(world.neighbour).post(link).status_code == 403
    guest = factories.user(email="new@example.org")
    asked = browser(guest).get(link).content.decode()
    assert "Join Acme Bakery?" in asked and not Membership.objects.filter(user=guest).exists()
    assert browser(guest).post(link).status_code == 302
    assert Membership.objects.get(user=guest).role == "member"
    assert browser(guest).post(link).status_code == 400 and not open_invitations_of(world.organization)


def test_only_owners_invite_owners_and_a_withdrawn_link_does_not_work(world: World) -> None:
    page = reverse("hub:people", kwargs={"organization_id": world.organization.id})
    refused = browser(world.admin).post(page, {"email": "x@example.org", "role": "owner"})
    assert "Your role does not allow this." in refused.content.decode()
    assert not open_invitations_of(world.organization)
    again = browser(world.owner).post(page, {"email": world.member.email, "role": "admin"})
    assert "belongs to the organization already" in again.content.decode()
    invitation, secret = invite(world.owner, world.organization, email="x@example.org", role="owner", now=factories.NOW)
    names = {"organization_id": world.organization.id, "invitation_id": invitation.id}
    assert browser(world.admin).post(reverse("hub:withdraw_invitation", kwargs=names)).status_code == 302
    assert browser(world.neighbour).get(f"/hub/invitations/{secret}/").status_code == 400


def test_a_token_is_shown_once_works_and_is_revoked(world: World) -> None:
    client = browser(world.member)
    page = reverse("hub:tokens", kwargs={"organization_id": world.organization.id})
    made = client.post(page, {"name": "Script"})
    found = re.search(r"nostro_pat_[A-Za-z0-9_-]{43}", made.content.decode())
    assert found is not None and "no-store" in made["Cache-Control"]
    assert found.group() not in client.get(page).content.decode()
    caller = Caller()
    caller.token = found.group()
    assert caller.get("/me").json["data"]["attributes"]["email"] == world.member.email
    [token] = personal_tokens_of(world.member, world.organization)
    names = {"organization_id": world.organization.id, "token_id": token.id}
    assert browser(world.owner).post(reverse("hub:revoke_personal_token", kwargs=names)).status_code == 404
    assert client.post(reverse("hub:revoke_personal_token", kwargs=names)).status_code == 302
    assert caller.get("/me").status == 401
