"""What people do with integrations: create, choose accounts, regenerate the secret, revoke (hub-api.md 4.1, 12).

Owners and administrators may; everybody else gets Forbidden, strangers NotFound. Each change is in the audit trail,
never with a secret in it.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from oauth2_provider.models import get_access_token_model

from nostro.hub.accounts.models import Account
from nostro.hub.events.services import record_event
from nostro.hub.integrations.credentials import hash_secret, new_client_id, new_secret
from nostro.hub.integrations.models import Integration, IntegrationAccount
from nostro.hub.integrations.queries import access_integration
from nostro.hub.organizations.models import Organization, Role
from nostro.hub.organizations.queries import access_organization
from nostro.people import audit
from nostro.people.models import User
from nostro.web.errors import Problem

MAX_NAME_LENGTH = 100
MAX_ACCOUNTS = 1_000


@dataclass(frozen=True, slots=True)
class ActingFor:
    """The mandate under which ``organization`` makes an integration that reads another organization's accounts."""

    mandate_id: uuid.UUID
    organization: Organization


@transaction.atomic
def create_integration(
    user: User,
    organization: Organization,
    *,
    name: str,
    account_ids: Collection[uuid.UUID],
    is_sandbox: bool,
    now: datetime,
    with_payments: bool = False,
    may_be_empty: bool = False,
) -> tuple[Integration, str]:
    """Make an integration that may read ``account_ids``, and ``with_payments`` prepare payments from them. Returns it
    with its Secret ID, which is never shown again.

    Raises Problem (``nameMissing``, ``nameInvalid``, ``accountsMissing``, ``accountUnknown``, ``tooManyAccounts``).
    """
    organization = access_organization(user, organization.id, role=Role.ADMIN)
    if not account_ids and not may_be_empty:
        raise Problem(
            "No account was chosen.",
            what_to_do="Choose at least one account that the integration may read.",
            code="accountsMissing",
            field="accounts",
        )
    made, secret = make_integration(
        user, organization, name=name, is_sandbox=is_sandbox, with_payments=with_payments, now=now
    )
    accounts = _accounts(organization, account_ids, is_sandbox)
    _grant(made, accounts, now)
    _record(
        user, made, "integration.created", f"Created the integration “{made.name}”.",
        after={"accounts": _ids(accounts)},
    )  # fmt: skip
    return made, secret


def make_integration(
    user: User,
    organization: Organization,
    *,
    name: str,
    is_sandbox: bool,
    with_payments: bool,
    now: datetime,
    acting_for: ActingFor | None = None,
) -> tuple[Integration, str]:
    """An integration that reads nothing yet, with its Secret ID. The caller has checked who may, writes the audit
    record, and holds a transaction. Raises Problem (``nameMissing``, ``nameInvalid``, ``organizationBlocked``)."""
    refuse_blocked(organization)
    if acting_for is not None:
        refuse_blocked(acting_for.organization)
    secret = new_secret()
    integration = Integration.objects.create(
        organization=organization,
        name=checked_name(name),
        client_id=new_client_id(),
        client_secret=hash_secret(secret),
        client_type=Integration.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Integration.GRANT_CLIENT_CREDENTIALS,
        is_sandbox=is_sandbox,
        scope="ai pi" if with_payments else "ai",
        created_by=user,
        secret_changed_at=now,
        mandate_id=None if acting_for is None else acting_for.mandate_id,
        acting_organization=None if acting_for is None else acting_for.organization,
    )
    _tell(integration, "integration.created", now)
    return integration, secret


@transaction.atomic
def set_accounts(user: User, integration_id: uuid.UUID, account_ids: Collection[uuid.UUID], now: datetime) -> None:
    """Make ``account_ids`` the accounts that the integration may read, from its next request on. May be empty.

    For an integration that acts under a mandate nothing can be added here: what its maker may read is the mandate's
    affair. Raises Problem (``accountUnknown``, ``tooManyAccounts``, ``integrationOfMandate``).
    """
    integration = access_integration(user, integration_id, role=Role.ADMIN, for_update=True)
    if integration.mandate_id is not None and set(account_ids) - granted_ids(integration):
        raise Problem(
            "This integration belongs to the organization that acts for you.",
            why="It reads accounts of the mandate that you gave; it can only be given fewer here.",
            what_to_do="Change the accounts of the mandate instead.",
            code="integrationOfMandate",
            field="accounts",
        )
    replace_grants(user, integration, account_ids, now)


def replace_grants(user: User, integration: Integration, account_ids: Collection[uuid.UUID], now: datetime) -> None:
    """Like set_accounts, for a caller that has checked who may and has locked ``integration``."""
    wanted = {a.id: a for a in _accounts(integration.organization, account_ids, integration.is_sandbox)}
    present = granted_ids(integration)
    integration.grants.filter(removed_at=None).exclude(account_id__in=wanted).update(removed_at=now)
    for account_id in present - set(wanted):
        _tell(integration, "integration.accountRevoked", now, account_id)
    _grant(integration, [account for key, account in wanted.items() if key not in present], now)
    if present != set(wanted):
        _record(
            user, integration, "integration.accounts_changed",
            f"Changed the accounts of the integration “{integration.name}”.",
            before={"accounts": sorted(map(str, present))}, after={"accounts": sorted(map(str, wanted))},
        )  # fmt: skip


def granted_ids(integration: Integration) -> set[uuid.UUID]:
    """The accounts that are granted to it, also those that were removed from the Hub meanwhile."""
    return set(integration.grants.filter(removed_at=None).values_list("account_id", flat=True))


@transaction.atomic
def regenerate_secret(user: User, integration_id: uuid.UUID, now: datetime) -> str:
    """Replace the Secret ID and end all tokens at once. Returns the new Secret ID, which is never shown again."""
    integration = access_integration(user, integration_id, role=Role.ADMIN, for_update=True)
    if integration.vendor_id is not None or integration.mandate_id is not None:
        raise Problem(
            "This integration has no Secret ID that is yours to replace.",
            why="The software of a vendor, or of an organization that acts for you, uses credentials of its own.",
            what_to_do="Revoke the integration if the software should read nothing any more.",
            code="secretOfVendor",
        )
    secret = new_secret()
    # The row changes before its tokens are deleted: a token being issued with the old secret either is committed
    # and deleted here, or waits for this row and then finds that its secret is no longer the one (tokens.py).
    Integration.objects.filter(id=integration.id).update(client_secret=hash_secret(secret), secret_changed_at=now)
    _delete_tokens(integration)
    _record(
        user, integration, "integration.secret_regenerated",
        f"Regenerated the Secret ID of the integration “{integration.name}”.",
    )  # fmt: skip
    return secret


@transaction.atomic
def revoke_integration(user: User, integration_id: uuid.UUID, now: datetime) -> None:
    """End the integration: its next request is refused. The row stays, for the audit trail."""
    end_integration(user, access_integration(user, integration_id, role=Role.ADMIN, for_update=True), now)


def end_integration(user: User, integration: Integration, now: datetime) -> None:
    """Like revoke_integration, for a caller that has checked who may and has locked ``integration``."""
    _tell(integration, "integration.revoked", now)
    Integration.objects.filter(id=integration.id).update(revoked_at=now)
    _delete_tokens(integration)
    integration.grants.filter(removed_at=None).update(removed_at=now)
    _record(user, integration, "integration.revoked", f"Revoked the integration “{integration.name}”.")


@transaction.atomic
def remove_grant(integration_id: uuid.UUID, account_id: uuid.UUID, now: datetime) -> bool:
    """The integration itself gives an account back (DELETE /accounts/{id}). False if it had no such account."""
    grants = IntegrationAccount.objects.select_related("integration").select_for_update(of=("self",))
    grant = grants.filter(integration_id=integration_id, account_id=account_id, removed_at=None).first()
    if grant is None:
        return False
    grant.removed_at = now
    grant.save(update_fields=["removed_at"])
    _tell(grant.integration, "integration.accountRevoked", now, account_id)
    _record(
        None, grant.integration, "integration.account_removed",
        f"The integration “{grant.integration.name}” gave an account back.",
        before={"accounts": [str(account_id)]},
    )  # fmt: skip
    return True


def refuse_blocked(organization: Organization) -> None:
    """Raises Problem ``organizationBlocked``. The row stays locked, so that no integration is made while the
    organization is being blocked."""
    if Organization.objects.select_for_update(no_key=True).get(id=organization.id).blocked_at is not None:
        raise Problem(
            "The organization is blocked.",
            why="The operator of this Hub has shut out its software.",
            what_to_do="Ask the operator.",
            code="organizationBlocked",
        )


def _accounts(organization: Organization, ids: Collection[uuid.UUID], is_sandbox: bool) -> list[Account]:
    wanted = set(ids)
    if len(wanted) > MAX_ACCOUNTS:
        raise Problem(
            f"An integration can read at most {MAX_ACCOUNTS} accounts.",
            what_to_do="Make a second integration for the rest.",
            code="tooManyAccounts",
            field="accounts",
        )
    accounts = list(
        Account.objects.filter(
            organization=organization, id__in=wanted, is_sandbox=is_sandbox, is_selected=True, removed_at=None
        )
    )
    if len(accounts) != len(wanted):
        raise Problem(
            "One of the accounts does not exist or cannot be shared.",
            why="It may have been removed in the meantime, or it belongs to the other tab.",
            what_to_do="Reload the page and choose again.",
            code="accountUnknown",
            field="accounts",
        )
    return accounts


def checked_name(name: str) -> str:
    """A name that people can read, spaces made single. Raises Problem (``nameMissing``, ``nameInvalid``)."""
    name = " ".join(name.split())
    if not name:
        raise Problem("The name is missing.", what_to_do="Give it a name.", code="nameMissing", field="name")
    if len(name) > MAX_NAME_LENGTH or not name.isprintable():
        raise Problem(
            f"The name is longer than {MAX_NAME_LENGTH} characters or has characters that cannot be shown.",
            what_to_do="Choose a shorter or simpler name.",
            code="nameInvalid",
            field="name",
        )
    return name


def _grant(integration: Integration, accounts: Collection[Account], now: datetime) -> None:
    IntegrationAccount.objects.bulk_create(
        IntegrationAccount(
            organization_id=integration.organization_id, integration=integration, account=account, created_at=now
        )
        for account in accounts
    )
    for account in accounts:
        _tell(integration, "integration.accountAdded", now, account.id)


def _tell(integration: Integration, event_type: str, now: datetime, account_id: uuid.UUID | None = None) -> None:
    """An event for the integration's own software (hub-api.md 10)."""
    record_event(integration.organization_id, event_type, account_id=account_id, integration_id=integration.id, now=now)


def _delete_tokens(integration: Integration) -> None:
    get_access_token_model().objects.filter(application_id=integration.id).delete()


def _ids(accounts: Collection[Account]) -> list[str]:
    return sorted(str(account.id) for account in accounts)


def _record(
    user: User | None,
    integration: Integration,
    action: str,
    sentence: str,
    *,
    before: dict[str, object] | None = None,
    after: dict[str, object] | None = None,
) -> None:
    audit.record(
        tenant_id=integration.organization_id,
        actor=user,
        action=action,
        obj=integration,
        sentence=sentence,
        before=before,
        after=after,
    )
