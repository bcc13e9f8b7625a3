"""Reads of integrations. A person reaches an integration, and an integration an account, only through here."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from nostro.hub.accounts.models import Account
from nostro.hub.integrations.credentials import token_checksum
from nostro.hub.integrations.models import Integration
from nostro.hub.organizations.models import Organization, Role
from nostro.hub.organizations.queries import access_organization
from nostro.people.models import User
from nostro.web.errors import NotFound
from nostro.web.hot_reads import execute, fetch_one


@dataclass(frozen=True, slots=True)
class Grantee:
    """The integration behind a valid access token, and what the token may do."""

    integration_id: uuid.UUID
    organization_id: uuid.UUID
    is_sandbox: bool
    scopes: frozenset[str]
    is_legacy: bool = False  # holds the deprecated token of an organization


def access_integration(
    user: User, integration_id: uuid.UUID, *, role: Role | None = None, for_update: bool = False
) -> Integration:
    """An integration that is not revoked, of an organization in which ``user`` has at least ``role``.

    Raises NotFound for unknown, foreign and revoked ones, Forbidden when the role is too low.
    """
    integrations = Integration.objects.select_related("organization")
    if for_update:
        integrations = integrations.select_for_update(of=("self",), no_key=True)
    integration: Integration | None = integrations.filter(
        id=integration_id, organization__memberships__user=user, revoked_at=None, legacy_token=None
    ).first()
    if integration is None:
        raise NotFound("integration")
    access_organization(user, integration.organization_id, role=role)
    return integration


def integrations_of(organization: Organization, is_sandbox: bool) -> list[Integration]:
    """Integrations that are not revoked, oldest first. ``organization`` has passed access_organization."""
    return list(
        Integration.objects.filter(
            organization=organization, is_sandbox=is_sandbox, revoked_at=None, legacy_token=None
        ).order_by("created", "id")
    )


def granted_accounts(integration: Integration) -> list[Account]:
    """The accounts that the integration may read now, newest first, as its API lists them."""
    return list(
        Account.objects.filter(grants__integration=integration, grants__removed_at=None, removed_at=None).order_by(
            "-linked_at", "-id"
        )
    )


def access_granted_account(integration_id: uuid.UUID, account_id: uuid.UUID) -> Account:
    """An account that the integration may read. Raises NotFound for every other id.

    Unknown and foreign ids fail at the same place, the index of grants, so that their timing tells nothing.
    """
    account = Account.objects.filter(
        grants__integration_id=integration_id, grants__account_id=account_id,
        grants__removed_at=None, removed_at=None,
    ).first()  # fmt: skip
    if account is None:
        raise NotFound("account")
    return account


_GRANTEE = """
    SELECT i.id, i.organization_id, i.is_sandbox, t.scope,
        i.last_used_at IS NULL OR i.last_used_at < %s - interval '1 minute'
    FROM oauth2_provider_accesstoken t
    JOIN integrations_integration i ON i.id = t.application_id
    WHERE t.token_checksum = %s AND t.expires > %s AND i.revoked_at IS NULL AND NOT i.is_blocked
        AND (i.vendor_id IS NOT NULL) = %s
"""


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose credentials were shown although they opened nothing: for the request log only."""

    organization_id: uuid.UUID
    integration_id: uuid.UUID


_HOLDER_BY_CHECKSUM = """
    SELECT i.organization_id, i.id FROM oauth2_provider_accesstoken t
    JOIN integrations_integration i ON i.id = t.application_id WHERE t.token_checksum = %s
"""
_HOLDER_BY_CLIENT = "SELECT organization_id, id FROM integrations_integration WHERE client_id = %s"


def holder_of_token(token: str) -> Holder | None:
    """The integration that a refused token was issued to; None when it is unknown by now."""
    row = fetch_one(_HOLDER_BY_CHECKSUM, [token_checksum(token)])
    return None if row is None else Holder(*row)


def holder_of_client(client_id: str) -> Holder | None:
    """The integration with this Client ID, whatever the secret."""
    if len(client_id) != 36 or "\x00" in client_id:
        return None
    row = fetch_one(_HOLDER_BY_CLIENT, [client_id])
    return None if row is None else Holder(*row)


def access_by_token(token: str, now: datetime, *, of_vendor: bool = False) -> Grantee | None:
    """Who holds ``token``; None when it is unknown, expired, revoked, or of the other mount (``of_vendor``: one that
    a vendor was given under /ponto-connect).

    Asked of the database on every request: a cached answer would outlive its revocation (DESIGN.md section 3).
    """
    row = fetch_one(_GRANTEE, [now, token_checksum(token), now, of_vendor])
    if row is None:
        return None
    if row[4]:
        # Once a minute is exact enough for a page and spares a write per request.
        execute("UPDATE integrations_integration SET last_used_at = %s WHERE id = %s", [now, row[0]])
    return Grantee(row[0], row[1], row[2], frozenset(row[3].split()))
