"""Registering vendors, and a person's consent to one (hub-api.md 4.2)."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from urllib.parse import urlencode, urlsplit

from django.db import transaction

from nostro.hub.integrations.credentials import hash_secret, new_client_id, new_secret
from nostro.hub.integrations.models import Integration
from nostro.hub.integrations.services import create_integration, set_accounts
from nostro.hub.organizations.models import Organization, Role
from nostro.hub.organizations.queries import access_organization
from nostro.hub.vendors.grants import issue_code
from nostro.hub.vendors.models import Application
from nostro.people.models import User
from nostro.web.errors import Problem

SCOPES = ("offline_access", "ai", "pi", "name")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def register_application(
    *, name: str, redirect_uris: Sequence[str], is_sandbox: bool, now: datetime
) -> tuple[Application, str]:
    """Register a vendor's software; returns it with its secret, which is never shown again. Raises Problem."""
    for uri in redirect_uris:
        parts = urlsplit(uri)
        secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
        if not parts.hostname or parts.fragment or not secure:
            raise Problem(
                f"{uri} cannot be returned to.", what_to_do="Give https addresses without #.", code="redirectUriInvalid"
            )
    if not redirect_uris or not name.strip():
        raise Problem("A name and a redirect URI are needed.", code="redirectUriInvalid")
    secret = new_secret()
    application = Application.objects.create(
        name=name.strip()[:100], client_id=new_client_id(), client_secret=hash_secret(secret),
        redirect_uris=list(redirect_uris), is_sandbox=is_sandbox, created_at=now,
    )  # fmt: skip
    return application, secret


@transaction.atomic
def grant(
    user: User,
    organization: Organization,
    application: Application,
    *,
    account_ids: Collection[uuid.UUID],
    scope: str,
    redirect_uri: str,
    challenge: str,
    now: datetime,
) -> str:
    """A person of the organization lets the vendor read ``account_ids``; returns the authorization code.

    A second consent changes the accounts of the first one: an organization has one integration per vendor.
    """
    organization = access_organization(user, organization.id, role=Role.ADMIN)
    integration = Integration.objects.filter(
        organization=organization, vendor_id=application.id, revoked_at=None
    ).first()
    if integration is None:
        integration, _ = create_integration(
            user, organization, name=application.name, account_ids=account_ids,
            is_sandbox=application.is_sandbox, now=now,
        )  # fmt: skip
    else:
        set_accounts(user, integration.id, account_ids, now)
    allowed = "ai pi" if "pi" in scope.split() else "ai"
    Integration.objects.filter(id=integration.id).update(vendor_id=application.id, scope=allowed)
    return issue_code(application, integration, scope=scope, redirect_uri=redirect_uri, challenge=challenge, now=now)


def granted_scope(requested: str) -> str:
    """The words of ``requested`` that exist, in their usual order; ``ai`` when none does."""
    wanted = set(requested.split())
    return " ".join(word for word in SCOPES if word in wanted) or "ai"


def back_to(redirect_uri: str, **parameters: str) -> str:
    """The address that the browser returns to."""
    separator = "&" if urlsplit(redirect_uri).query else "?"
    return redirect_uri + separator + urlencode({name: value for name, value in parameters.items() if value})
