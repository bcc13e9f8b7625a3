"""The deprecated API token of an organization (hub-api.md 4.4)."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command
from tests import factories
from tests.hub.api.client import Caller
from tests.hub.api.conftest import Street

from nostro.hub.integrations.legacy import create_legacy_token, migrate_legacy_token, revoke_legacy_token
from nostro.hub.integrations.models import LegacyToken
from nostro.hub.integrations.queries import granted_accounts, integrations_of
from nostro.hub.organizations.models import Role
from nostro.web.errors import Forbidden, NotFound, Problem

NOW = factories.NOW


@pytest.fixture
def street(db: None) -> Street:
    owner, neighbour = factories.membership(), factories.membership()
    account, other, hidden = (factories.account(owner.organization) for _ in range(3))
    foreign = factories.account(neighbour.organization)
    return Street(owner, account, other, hidden, Caller(), foreign, Caller())


@pytest.fixture
def caller(street: Street) -> Caller:
    caller = street.caller
    caller.token = create_legacy_token(street.owner.organization, is_sandbox=True, now=NOW)
    return caller


def test_it_reads_every_account_without_a_token_call_also_those_linked_later(caller: Caller, street: Street) -> None:
    assert "." not in caller.token
    expected = {str(account.id) for account in (street.account, street.other, street.hidden)}
    reply = caller.get("/accounts")
    assert {item["id"] for item in reply.json["data"]} == expected and reply.headers["deprecation"] == "true"
    later = factories.account(street.owner.organization)
    assert str(later.id) in {item["id"] for item in caller.get("/accounts").json["data"]}
    factories.transactions(street.account, 2)
    assert len(caller.get(f"/accounts/{street.account.id}/transactions").json["data"]) == 2
    assert caller.get(f"/accounts/{street.foreign.id}").status == 404
    assert caller.get("/").status == 200
    wish = {"resourceType": "account", "resourceId": str(street.account.id), "subtype": "accountTransactions"}
    document = {"data": {"attributes": wish}}
    assert caller.call("POST", "/synchronizations", document).status == 201


def test_it_gives_no_account_back_and_is_of_the_root_only(caller: Caller, street: Street) -> None:
    reply = caller.call("DELETE", f"/accounts/{street.account.id}")
    assert (reply.status, reply.code) == (403, "insufficientScope")
    assert caller.get("/ponto-connect/accounts").status == 401


def test_a_revoked_one_is_told_as_an_invalid_key_and_an_unknown_one_as_expired(caller: Caller, street: Street) -> None:
    revoke_legacy_token(street.owner.user, street.owner.organization_id, NOW)
    reply = caller.get("/accounts")
    assert (reply.status, reply.code) == (401, "authorizationCodeInvalid")
    unknown = caller.get("/accounts", authorization="Bearer " + caller.token[:-1])
    assert (unknown.status, unknown.code) == (401, "credentialsInvalid")
    create_legacy_token(street.owner.organization, is_sandbox=True, now=NOW)  # a new one may follow


def test_one_click_makes_an_integration_with_the_same_accounts_and_the_token_works_on(
    caller: Caller, street: Street
) -> None:
    organization = street.owner.organization
    assert integrations_of(organization, True) == []  # the token itself is not listed as an integration
    integration, secret = migrate_legacy_token(street.owner.user, organization.id, NOW)
    assert {a.id for a in granted_accounts(integration)} == {
        street.account.id, street.other.id, street.hidden.id,
    }  # fmt: skip
    assert integrations_of(organization, True) == [integration] and len(secret) == 43
    assert caller.get("/accounts").status == 200
    with pytest.raises(Problem):
        migrate_legacy_token(street.owner.user, organization.id, NOW)


def test_members_and_strangers_may_not(caller: Caller, street: Street) -> None:
    member, stranger = factories.membership(street.owner.organization, role=Role.MEMBER), factories.user()
    for user, expected in ((member.user, Forbidden), (stranger, NotFound)):
        for verb in (migrate_legacy_token, revoke_legacy_token):
            with pytest.raises(expected):
                verb(user, street.owner.organization_id, NOW)


def test_the_operator_makes_it_once(street: Street) -> None:
    output, warnings = io.StringIO(), io.StringIO()
    call_command("create_legacy_token", str(street.owner.organization_id), "--sandbox", stdout=output, stderr=warnings)
    token = LegacyToken.objects.get()
    assert len(output.getvalue().strip()) == 43 and token.checksum not in output.getvalue()
    assert "deprecated" in warnings.getvalue()
    for wrong in (str(street.owner.organization_id), "00000000-0000-4000-8000-000000000000"):
        with pytest.raises(CommandError):
            call_command("create_legacy_token", wrong, "--sandbox", stdout=output)
