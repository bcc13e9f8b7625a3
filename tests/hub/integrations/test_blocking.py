"""The operator blocks an organization's software: from the next request on, and reversibly."""

from __future__ import annotations

import uuid

import pytest
from django.core.management import CommandError, call_command
from tests import factories
from tests.hub.api.client import Caller, caller_for
from tests.hub.webhooks.receiver import Receiver

from nostro.hub.events.models import Event
from nostro.hub.integrations.blocking import block_organization, unblock_organization
from nostro.hub.integrations.legacy import create_legacy_token
from nostro.hub.integrations.services import create_integration
from nostro.hub.organizations.models import Membership
from nostro.hub.webhooks.models import Delivery
from nostro.hub.webhooks.services import set_endpoint
from nostro.web.errors import NotFound, Problem

NOW = factories.NOW


@pytest.fixture
def owner(db: None) -> Membership:
    return factories.membership()


@pytest.fixture
def caller(owner: Membership) -> Caller:
    return caller_for(owner, [factories.account(owner.organization)])


def test_no_token_works_while_blocked_and_the_old_one_works_afterwards(owner: Membership, caller: Caller) -> None:
    stranger = factories.membership()
    neighbour = caller_for(stranger, [factories.account(stranger.organization)])
    legacy = create_legacy_token(owner.organization, is_sandbox=True, now=NOW)
    assert block_organization(owner.organization_id, NOW) and not block_organization(owner.organization_id, NOW)
    assert caller.get("/accounts").code == "credentialsInvalid"
    assert caller.send("GET", "/accounts", authorization=f"Bearer {legacy}").status == 401
    assert (
        caller.send("POST", "/oauth2/token?grant_type=client_credentials", authorization=caller.basic()).status == 401
    )
    assert neighbour.get("/accounts").status == 200
    account = factories.account(owner.organization)
    with pytest.raises(Problem, match="blocked"):
        create_integration(
            owner.user, owner.organization, name="More", account_ids=[account.id], is_sandbox=True, now=NOW
        )
    assert unblock_organization(owner.organization_id, NOW) and not unblock_organization(owner.organization_id, NOW)
    assert caller.get("/accounts").status == 200
    assert caller.send("GET", "/accounts", authorization=f"Bearer {legacy}").status == 200


def test_software_hears_of_both(owner: Membership, caller: Caller) -> None:
    assert caller.integration is not None
    with Receiver() as receiver:
        set_endpoint(owner.user, caller.integration.id, url=receiver.url, now=NOW)
        block_organization(owner.organization_id, NOW)
        unblock_organization(owner.organization_id, NOW)
    found = Delivery.objects.filter(event_type__startswith="organization.").order_by("created_at", "id")
    assert {each.event_type for each in found} == {"organization.blocked", "organization.unblocked"}


def test_the_command_of_the_operator(owner: Membership, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, said in (((), "Done."), ((), "It was so already."), (("--undo",), "Done.")):
        call_command("block_organization", str(owner.organization_id), *arguments)
        assert said in capsys.readouterr().out
    assert Event.objects.filter(organization=owner.organization, event_type="organization.unblocked").count() == 1
    with pytest.raises(CommandError, match="no such organization"):
        call_command("block_organization", str(uuid.uuid4()))
    with pytest.raises(NotFound):
        block_organization(uuid.uuid4(), NOW)
