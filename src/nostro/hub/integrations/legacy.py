"""The deprecated API token of an organization (hub-api.md 4.4): no token call, no expiry, every account, read only."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.db import IntegrityError, transaction

from nostro.hub.accounts.models import Account
from nostro.hub.integrations.credentials import hash_secret, new_client_id, new_secret, token_checksum
from nostro.hub.integrations.models import Integration, LegacyToken
from nostro.hub.integrations.queries import Grantee
from nostro.hub.integrations.services import create_integration
from nostro.hub.organizations.models import Organization, Role
from nostro.hub.organizations.queries import access_organization
from nostro.people import audit
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem
from nostro.web.hot_reads import execute, fetch_one


def create_legacy_token(organization: Organization, *, is_sandbox: bool, now: datetime) -> str:
    """Make the organization's token; shown once. For the operator's command. Raises Problem when there is one."""
    token = new_secret()  # one part without a dot, unlike an access token
    try:
        with transaction.atomic():
            integration = Integration.objects.create(
                organization=organization, name="API token (deprecated)", client_id=new_client_id(),
                client_secret=hash_secret(new_secret()), client_type=Integration.CLIENT_CONFIDENTIAL,
                authorization_grant_type=Integration.GRANT_CLIENT_CREDENTIALS, is_sandbox=is_sandbox,
                secret_changed_at=now,
            )  # fmt: skip
            LegacyToken.objects.create(
                organization=organization, integration=integration, checksum=token_checksum(token), created_at=now
            )
            _record(None, organization, "created", "Made a deprecated API token.")
    except IntegrityError:
        raise Problem(
            "The organization has an API token already.", what_to_do="Revoke it first.", code="legacyTokenExists"
        ) from None
    return token


def legacy_token_of(organization: Organization) -> LegacyToken | None:
    """The token in force. ``organization`` has passed access_organization."""
    return LegacyToken.objects.filter(organization=organization, revoked_at=None).first()


@transaction.atomic
def migrate_legacy_token(user: User, organization_id: uuid.UUID, now: datetime) -> tuple[Integration, str]:
    """One click: an integration with the same accounts, and its Secret ID. The token works on until it is revoked.

    Raises NotFound, Forbidden, Problem (``accountsMissing``, ``alreadyMigrated``).
    """
    organization = access_organization(user, organization_id, role=Role.ADMIN)
    token = LegacyToken.objects.select_for_update().filter(organization=organization, revoked_at=None).first()
    if token is None:
        raise NotFound("token")
    if token.migrated_to_id is not None:
        raise Problem("There is an integration for it already.", what_to_do="Use that one.", code="alreadyMigrated")
    accounts = _accounts(organization, token.integration.is_sandbox)
    integration, secret = create_integration(
        user, organization, name="API token replaced", account_ids=accounts,
        is_sandbox=token.integration.is_sandbox, now=now,
    )  # fmt: skip
    token.migrated_to = integration
    token.save(update_fields=["migrated_to"])
    return integration, secret


@transaction.atomic
def revoke_legacy_token(user: User, organization_id: uuid.UUID, now: datetime) -> None:
    """End the token: its next request is refused. Raises NotFound and Forbidden."""
    organization = access_organization(user, organization_id, role=Role.ADMIN)
    if not LegacyToken.objects.filter(organization=organization, revoked_at=None).update(revoked_at=now):
        raise NotFound("token")
    Integration.objects.filter(organization=organization, legacy_token__revoked_at=now).update(revoked_at=now)
    _record(user, organization, "revoked", "Revoked the deprecated API token.")


_HOLDER = """
    SELECT i.id, i.organization_id, i.is_sandbox, t.revoked_at IS NOT NULL OR i.is_blocked,
        i.last_used_at IS NULL OR i.last_used_at < %s - interval '1 minute'
    FROM integrations_legacytoken t JOIN integrations_integration i ON i.id = t.integration_id
    WHERE t.checksum = %s
"""
# "Every account of the organization" includes those that were linked after the token was made.
_GRANT_ALL = """
    INSERT INTO integrations_integrationaccount (id, organization_id, integration_id, account_id, created_at)
    SELECT gen_random_uuid(), a.organization_id, %s, a.id, %s FROM accounts_account a
    WHERE a.organization_id = %s AND a.is_sandbox = %s AND a.is_selected AND a.removed_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM integrations_integrationaccount g
            WHERE g.integration_id = %s AND g.account_id = a.id AND g.removed_at IS NULL)
    ON CONFLICT DO NOTHING
"""


class Revoked(Exception):
    """The token was valid once."""


def access_by_legacy_token(token: str, now: datetime) -> Grantee | None:
    """Who holds the token; None when it is unknown. Raises Revoked."""
    row = fetch_one(_HOLDER, [now, token_checksum(token)])
    if row is None:
        return None
    integration_id, organization_id, is_sandbox, revoked, note_use = row
    if revoked:
        raise Revoked
    if note_use:
        execute("UPDATE integrations_integration SET last_used_at = %s WHERE id = %s", [now, integration_id])
    execute(_GRANT_ALL, [integration_id, now, organization_id, is_sandbox, integration_id])
    return Grantee(integration_id, organization_id, is_sandbox, frozenset({"ai"}), is_legacy=True)


def _accounts(organization: Organization, is_sandbox: bool) -> list[uuid.UUID]:
    accounts = Account.objects.filter(
        organization=organization, is_sandbox=is_sandbox, is_selected=True, removed_at=None
    )
    return list(accounts.values_list("id", flat=True))


def _record(user: User | None, organization: Organization, action: str, sentence: str) -> None:
    audit.record(
        tenant_id=organization.id, actor=user, action=f"legacy_token.{action}", obj=organization, sentence=sentence
    )
