"""What people do with integrations: who may, what is stored, and what ends at once."""

from __future__ import annotations

import datetime as dt
import re
import threading
import uuid
from typing import Any

import pytest
from django.db import connection, transaction
from oauth2_provider.models import get_access_token_model
from tests import factories

from nostro.hub.accounts.models import Account
from nostro.hub.integrations import queries, services
from nostro.hub.integrations.credentials import verify_secret
from nostro.hub.integrations.models import Integration
from nostro.hub.integrations.tokens import delete_expired_tokens, issue_access_token
from nostro.hub.organizations.models import Membership, Role
from nostro.people.models import AuditRecord
from nostro.web.errors import Forbidden, NotFound, Problem

pytestmark = pytest.mark.django_db
NOW = factories.NOW


@pytest.fixture
def owner() -> Membership:
    return factories.membership()


@pytest.fixture
def account(owner: Membership) -> Account:
    return factories.account(owner.organization)


def create(member: Membership, *accounts: Account, **fields: Any) -> tuple[Integration, str]:
    fields = {"name": "Books", "is_sandbox": True, "now": NOW, **fields}
    return services.create_integration(member.user, member.organization, account_ids=[a.id for a in accounts], **fields)


def test_client_id_and_secret_have_the_documented_shapes_and_only_a_hash_is_stored(
    owner: Membership, account: Account
) -> None:
    integration, secret = create(owner, account, name="  My   Books ")
    integration.refresh_from_db()
    assert uuid.UUID(integration.client_id).version == 4
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", secret)
    assert secret not in integration.client_secret and integration.client_secret.startswith("machine$")
    assert verify_secret(secret, integration.client_secret)
    assert not verify_secret(secret[:-1], integration.client_secret)
    assert integration.name == "My Books"
    assert queries.granted_accounts(integration) == [account]
    record = AuditRecord.objects.get(action="integration.created")
    assert record.tenant_id == owner.organization.id and secret not in str(record.__dict__)


def test_token_has_two_parts_of_43_characters_and_only_its_checksum_is_stored(
    owner: Membership, account: Account
) -> None:
    integration, secret = create(owner, account)
    issued = issue_access_token(integration.client_id, secret, "", NOW)
    assert issued is not None
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}\.[A-Za-z0-9_-]{43}", issued.token)
    assert issued.expires_in == 1799 and issued.scope == "ai"
    row = get_access_token_model().objects.get(application=integration)
    assert row.token == "" and len(row.token_checksum) == 64 and issued.token not in str(row.__dict__)
    grantee = queries.access_by_token(issued.token, NOW)
    assert grantee is not None and grantee.integration_id == integration.id
    assert queries.access_by_token(issued.token, NOW + dt.timedelta(seconds=1799)) is None
    assert queries.access_by_token(issued.token[:-1], NOW) is None


def test_toolkit_agrees_with_what_was_written_to_its_tables(owner: Membership, account: Account) -> None:
    integration, secret = create(owner, account)
    issued = issue_access_token(integration.client_id, secret, "", dt.datetime.now(dt.UTC))
    assert issued is not None
    from nostro.hub.integrations.credentials import token_checksum

    row = get_access_token_model().objects.get(token_checksum=token_checksum(issued.token))
    assert row.is_valid(["ai"]) and not row.is_valid(["pi"]) and row.resource == []


def test_requested_scope_narrows_and_unknown_scopes_are_ignored(owner: Membership, account: Account) -> None:
    integration, secret = create(owner, account)
    Integration.objects.filter(id=integration.id).update(scope="ai pi")
    for requested, granted in [("", "ai pi"), ("pi", "pi"), ("ai name", "ai"), ("nonsense", "ai pi")]:
        issued = issue_access_token(integration.client_id, secret, requested, NOW)
        assert issued is not None and issued.scope == granted


@pytest.mark.parametrize("identifier", ["", "nobody", "\x00", "844446db-10a5-49b4-b47f-64b5ad541181", "é" * 300])
def test_unknown_client_gets_no_token(identifier: str) -> None:
    assert issue_access_token(identifier, "secret", "", NOW) is None


def test_regenerating_ends_the_old_secret_and_every_token(owner: Membership, account: Account) -> None:
    integration, old = create(owner, account)
    tokens = [issue_access_token(integration.client_id, old, "", NOW) for _ in range(3)]
    new = services.regenerate_secret(owner.user, integration.id, NOW)
    assert new != old
    assert all(token and queries.access_by_token(token.token, NOW) is None for token in tokens)
    assert issue_access_token(integration.client_id, old, "", NOW) is None
    assert issue_access_token(integration.client_id, new, "", NOW) is not None


def test_revoking_ends_tokens_secret_and_grants(owner: Membership, account: Account) -> None:
    integration, secret = create(owner, account)
    token = issue_access_token(integration.client_id, secret, "", NOW)
    services.revoke_integration(owner.user, integration.id, NOW)
    assert token and queries.access_by_token(token.token, NOW) is None
    assert issue_access_token(integration.client_id, secret, "", NOW) is None
    assert queries.integrations_of(owner.organization, is_sandbox=True) == []
    with pytest.raises(NotFound):
        services.regenerate_secret(owner.user, integration.id, NOW)
    with pytest.raises(NotFound):
        queries.access_granted_account(integration.id, account.id)


def test_accounts_can_be_taken_away_and_given_again(owner: Membership, account: Account) -> None:
    other = factories.account(owner.organization)
    integration, _ = create(owner, account)
    services.set_accounts(owner.user, integration.id, [other.id], NOW)
    assert queries.granted_accounts(integration) == [other]
    services.set_accounts(owner.user, integration.id, [account.id, other.id], NOW)
    assert set(queries.granted_accounts(integration)) == {account, other}
    services.set_accounts(owner.user, integration.id, [], NOW)
    assert queries.granted_accounts(integration) == []
    assert AuditRecord.objects.filter(action="integration.accounts_changed").count() == 3


def test_setting_the_same_accounts_again_changes_and_records_nothing(owner: Membership, account: Account) -> None:
    integration, _ = create(owner, account)
    before = list(integration.grants.values_list("id", flat=True))
    services.set_accounts(owner.user, integration.id, [account.id], NOW)
    assert list(integration.grants.values_list("id", flat=True)) == before
    assert not AuditRecord.objects.filter(action="integration.accounts_changed").exists()


def test_members_may_not_manage_and_strangers_do_not_even_see(owner: Membership, account: Account) -> None:
    member = factories.membership(owner.organization, role=Role.MEMBER)
    admin = factories.membership(owner.organization, role=Role.ADMIN)
    stranger = factories.membership()
    integration, _ = create(admin, account)
    with pytest.raises(Forbidden):
        create(member, account)
    with pytest.raises(NotFound):
        services.create_integration(
            stranger.user, owner.organization, name="x", account_ids=[account.id], is_sandbox=True, now=NOW
        )
    for act in (
        lambda user: services.set_accounts(user, integration.id, [], NOW),
        lambda user: services.regenerate_secret(user, integration.id, NOW),
        lambda user: services.revoke_integration(user, integration.id, NOW),
    ):
        with pytest.raises(Forbidden):
            act(member.user)
        with pytest.raises(NotFound):
            act(stranger.user)
    assert queries.access_integration(member.user, integration.id) == integration


@pytest.mark.parametrize(("name", "code"), [("", "nameMissing"), ("   ", "nameMissing"), ("x" * 101, "nameInvalid"),
                                            ("a\u202eb", "nameInvalid"), ("a\x00b", "nameInvalid")])  # fmt: skip
def test_bad_names_are_refused(owner: Membership, account: Account, name: str, code: str) -> None:
    with pytest.raises(Problem) as caught:
        create(owner, account, name=name)
    assert caught.value.code == code
    assert not Integration.objects.exists()


def test_accounts_must_exist_belong_here_and_be_of_the_same_kind(owner: Membership, account: Account) -> None:
    foreign = factories.account()
    live = factories.account(owner.organization, is_sandbox=False)
    hidden = factories.account(owner.organization, is_selected=False)
    removed = factories.account(owner.organization, removed_at=NOW)
    for wrong in (foreign, live, hidden, removed):
        with pytest.raises(Problem) as caught:
            create(owner, account, wrong)
        assert caught.value.code == "accountUnknown"
    with pytest.raises(Problem) as caught:
        create(owner)
    assert caught.value.code == "accountsMissing"


def test_expired_tokens_are_deleted_and_others_kept(owner: Membership, account: Account) -> None:
    integration, secret = create(owner, account)
    old = issue_access_token(integration.client_id, secret, "", NOW)
    kept = issue_access_token(integration.client_id, secret, "", NOW + dt.timedelta(hours=1))
    later = NOW + dt.timedelta(hours=1, minutes=1)
    assert delete_expired_tokens(later) == 1
    assert old and kept and queries.access_by_token(kept.token, later) is not None


@pytest.mark.django_db(transaction=True)
def test_token_issued_while_the_secret_is_being_regenerated_does_not_survive(
    owner: Membership, account: Account
) -> None:
    integration, old = create(owner, account)
    issued: list[Any] = []

    def issue() -> None:
        issued.append(issue_access_token(integration.client_id, old, "", NOW))
        connection.close()

    with transaction.atomic():
        services.regenerate_secret(owner.user, integration.id, NOW)
        thread = threading.Thread(target=issue)
        thread.start()
        # The other connection has read the old secret and now waits for the row that this transaction holds.
        thread.join(0.3)
        assert thread.is_alive()
    thread.join(10)
    assert issued == [None]
    assert not get_access_token_model().objects.exists()
