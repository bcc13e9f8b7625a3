"""What people do with mandates: give, accept, change, end, and act under them (hub-api.md section 9).

Owners and administrators of either side may; strangers get NotFound. Each verb locks the mandate first, so that nothing
is made under one that is being ended.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from nostro.hub.accounts.models import Account
from nostro.hub.integrations.models import Integration
from nostro.hub.integrations.services import (
    ActingFor,
    end_integration,
    granted_ids,
    make_integration,
    refuse_blocked,
    replace_grants,
)
from nostro.hub.mandates.models import Mandate, MandateAccount
from nostro.hub.mandates.queries import (
    access_given_mandate,
    access_integration_of_mandate,
    access_received_mandate,
    integrations_of_mandate,
)
from nostro.hub.organizations.models import Organization, Role
from nostro.hub.organizations.queries import access_organization
from nostro.people import audit
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

#: Nobody can make a Hub send thousands of mails.
MAX_PENDING = 50
MAX_ACCOUNTS = 1_000
MAX_INTEGRATIONS = 50


@transaction.atomic
def give_mandate(
    user: User, organization: Organization, *, email: str, account_ids: Collection[uuid.UUID], now: datetime
) -> Mandate:
    """Offer whoever has the address ``email`` to act for ``organization`` with these accounts.

    Raises Problem (``emailInvalid``, ``accountsMissing``, ``accountUnknown``, ``tooManyAccounts``, ``mandateExists``,
    ``tooManyMandates``, ``organizationBlocked``), Forbidden, NotFound.
    """
    organization = access_organization(user, organization.id, role=Role.ADMIN)
    address = _address(email)
    refuse_blocked(organization)  # and keeps the row locked, so that the limit holds for simultaneous requests
    accounts = _accounts(organization, account_ids)
    pending = Mandate.objects.filter(organization=organization, accepted_at=None, ended_at=None)
    if pending.filter(email=address).exists():
        raise Problem(
            "A mandate for this address is waiting already.", what_to_do="Change its accounts, or withdraw it first.",
            code="mandateExists", field="email",
        )  # fmt: skip
    if pending.count() >= MAX_PENDING:
        raise Problem(
            f"{MAX_PENDING} mandates are waiting.", what_to_do="Withdraw one.", code="tooManyMandates", field="email"
        )
    mandate = Mandate.objects.create(organization=organization, email=address, given_by=user, created_at=now)
    _cover(mandate, accounts, now)
    _record(user, mandate, "given", f"Gave {address} a mandate.", accounts)
    return mandate


@transaction.atomic
def accept_mandate(user: User, organization: Organization, mandate_id: uuid.UUID, now: datetime) -> Mandate:
    """``organization`` acts under it from now on. Only the person to whom it is addressed accepts.

    Raises Problem (``mandateExists``, ``mandateAccepted``), Forbidden, NotFound.
    """
    mandate = access_received_mandate(
        user, organization.id, mandate_id, role=Role.ADMIN, for_update=True, also_pending=True
    )
    if mandate.accepted_at is not None:
        raise Problem(
            "This mandate was accepted already.", what_to_do="Look at the list of mandates.", code="mandateAccepted"
        )
    if Mandate.objects.filter(organization=mandate.organization, receiver=organization, ended_at=None).exists():
        raise Problem(
            f"{mandate.organization.name} has given {organization.name} a mandate before.",
            what_to_do="Ask them to add the accounts to that one, or give that one back first.",
            code="mandateExists",
        )
    mandate.receiver, mandate.accepted_at = organization, now
    mandate.save(update_fields=["receiver", "accepted_at"])
    _record(user, mandate, "accepted", f"{organization.name} accepted the mandate of {mandate.organization.name}.")
    return mandate


@transaction.atomic
def set_mandate_accounts(
    user: User, organization: Organization, mandate_id: uuid.UUID, account_ids: Collection[uuid.UUID], now: datetime
) -> None:
    """Make ``account_ids`` the accounts that the mandate covers; integrations made under it lose all others at once.
    May be empty. Raises Problem (``accountUnknown``, ``tooManyAccounts``), Forbidden, NotFound."""
    mandate = access_given_mandate(user, organization.id, mandate_id, role=Role.ADMIN, for_update=True)
    accounts = {account.id: account for account in _accounts(mandate.organization, account_ids, may_be_empty=True)}
    present = _covered_ids(mandate)
    mandate.accounts.exclude(account_id__in=accounts).delete()
    _cover(mandate, [account for key, account in accounts.items() if key not in present], now)
    _narrow_integrations(user, mandate, now)
    if present != set(accounts):
        _record(user, mandate, "accounts_changed", "Changed the accounts of the mandate.", accounts.values())


@transaction.atomic
def remove_mandate_account(
    user: User, organization: Organization, mandate_id: uuid.UUID | None, account_id: uuid.UUID | None, now: datetime
) -> None:
    """The mandate no longer covers the account. Raises Forbidden, NotFound."""
    mandate = access_given_mandate(user, organization.id, mandate_id, role=Role.ADMIN, for_update=True)
    if account_id is None or not mandate.accounts.filter(account_id=account_id).delete()[0]:
        raise NotFound("account")
    _narrow_integrations(user, mandate, now)
    _record(user, mandate, "accounts_changed", "Took an account out of the mandate.")


@transaction.atomic
def withdraw_mandate(user: User, organization: Organization, mandate_id: uuid.UUID | None, now: datetime) -> None:
    """Who gave it ends it, and with it every integration made under it. Raises Forbidden, NotFound."""
    mandate = access_given_mandate(user, organization.id, mandate_id, role=Role.ADMIN, for_update=True)
    _end(user, mandate, now)
    _record(user, mandate, "withdrawn", f"{organization.name} withdrew the mandate.")


@transaction.atomic
def give_back_mandate(user: User, organization: Organization, mandate_id: uuid.UUID | None, now: datetime) -> None:
    """Who received it ends or declines it. Raises Forbidden, NotFound."""
    mandate = access_received_mandate(
        user, organization.id, mandate_id, role=Role.ADMIN, for_update=True, also_pending=True
    )
    _end(user, mandate, now)
    word = "declined" if mandate.accepted_at is None else "given_back"
    _record(user, mandate, word, f"The mandate was {word.replace('_', ' ')}.")


@transaction.atomic
def create_integration_under_mandate(
    user: User,
    organization: Organization,
    mandate_id: uuid.UUID | None,
    *,
    name: str,
    is_sandbox: bool,
    with_payments: bool,
    now: datetime,
    account_ids: Collection[uuid.UUID] = (),
) -> tuple[Integration, str]:
    """An integration of the organization that gave the mandate, with its Secret ID, which is never shown again.

    Raises Problem (``nameMissing``, ``nameInvalid``, ``organizationBlocked``, ``tooManyIntegrations``,
    ``accountUnknown``), Forbidden, NotFound.
    """
    mandate = access_received_mandate(user, organization.id, mandate_id, role=Role.ADMIN, for_update=True)
    if len(integrations_of_mandate(mandate)) >= MAX_INTEGRATIONS:
        raise Problem(
            f"The mandate has {MAX_INTEGRATIONS} integrations.", what_to_do="Revoke one.", code="tooManyIntegrations"
        )
    made, secret = make_integration(
        user, mandate.organization, name=name, is_sandbox=is_sandbox, with_payments=with_payments, now=now,
        acting_for=ActingFor(mandate.id, organization),
    )  # fmt: skip
    _replace_grants(user, mandate, made, account_ids, now)
    _record(user, mandate, "integration_created", f"Created the integration “{made.name}” under the mandate.")
    return made, secret


@transaction.atomic
def grant_account_under_mandate(
    user: User,
    organization: Organization,
    mandate_id: uuid.UUID | None,
    integration_id: uuid.UUID | None,
    *,
    account_id: uuid.UUID,
    now: datetime,
) -> Integration:
    """Let an integration made under the mandate read one more account of it. Raises Problem ``accountUnknown`` for
    every account that the mandate does not cover, Forbidden, NotFound."""
    mandate, integration = _locked(user, organization, mandate_id, integration_id)
    _replace_grants(user, mandate, integration, granted_ids(integration) | {account_id}, now)
    return integration


@transaction.atomic
def take_account_under_mandate(
    user: User,
    organization: Organization,
    mandate_id: uuid.UUID | None,
    integration_id: uuid.UUID | None,
    *,
    account_id: uuid.UUID | None,
    now: datetime,
) -> None:
    """The integration reads this account no more. Raises Forbidden, NotFound."""
    mandate, integration = _locked(user, organization, mandate_id, integration_id)
    present = granted_ids(integration)
    if account_id not in present:
        raise NotFound("integrationAccount")
    _replace_grants(user, mandate, integration, present - {account_id}, now)


@transaction.atomic
def revoke_integration_under_mandate(
    user: User, organization: Organization, mandate_id: uuid.UUID, integration_id: uuid.UUID, now: datetime
) -> None:
    """End one integration made under the mandate. Raises Forbidden, NotFound."""
    _mandate, integration = _locked(user, organization, mandate_id, integration_id)
    end_integration(user, integration, now)


def _locked(
    user: User, organization: Organization, mandate_id: uuid.UUID | None, integration_id: uuid.UUID | None
) -> tuple[Mandate, Integration]:
    mandate = access_received_mandate(user, organization.id, mandate_id, role=Role.ADMIN, for_update=True)
    return mandate, access_integration_of_mandate(mandate, integration_id, for_update=True)


def _replace_grants(
    user: User, mandate: Mandate, integration: Integration, account_ids: Collection[uuid.UUID], now: datetime
) -> None:
    if set(account_ids) - _covered_ids(mandate):
        raise _account_unknown()
    replace_grants(user, integration, account_ids, now)


def _narrow_integrations(user: User, mandate: Mandate, now: datetime) -> None:
    """Take from every integration what the mandate covers no more."""
    covered = _covered_ids(mandate)
    made = Integration.objects.select_for_update(no_key=True).filter(mandate_id=mandate.id, revoked_at=None)
    for integration in made.order_by("id"):
        present = granted_ids(integration)
        if present - covered:
            replace_grants(user, integration, present & covered, now)


def _end(user: User, mandate: Mandate, now: datetime) -> None:
    Mandate.objects.filter(id=mandate.id).update(ended_at=now)
    made = Integration.objects.select_for_update(no_key=True).filter(mandate_id=mandate.id, revoked_at=None)
    for integration in made.order_by("id"):
        end_integration(user, integration, now)


def _covered_ids(mandate: Mandate) -> set[uuid.UUID]:
    return set(mandate.accounts.values_list("account_id", flat=True))


def _accounts(
    organization: Organization, account_ids: Collection[uuid.UUID], *, may_be_empty: bool = False
) -> list[Account]:
    wanted = set(account_ids)
    if not wanted and not may_be_empty:
        raise Problem(
            "No account was chosen.", what_to_do="Choose at least one account that the mandate covers.",
            code="accountsMissing", field="accounts",
        )  # fmt: skip
    if len(wanted) > MAX_ACCOUNTS:
        raise Problem(
            f"A mandate covers at most {MAX_ACCOUNTS} accounts.", what_to_do="Choose fewer.", code="tooManyAccounts",
            field="accounts",
        )  # fmt: skip
    found = Account.objects.filter(organization=organization, id__in=wanted, is_selected=True, removed_at=None)
    accounts = list(found)
    if len(accounts) != len(wanted):
        raise _account_unknown()
    return accounts


def _account_unknown() -> Problem:
    return Problem(
        "One of the accounts does not exist, or the mandate does not cover it.",
        why="It may have been taken out in the meantime.",
        what_to_do="Look at the list of accounts and choose again.",
        code="accountUnknown",
        field="accounts",
    )


def _cover(mandate: Mandate, accounts: Collection[Account], now: datetime) -> None:
    MandateAccount.objects.bulk_create(
        MandateAccount(organization_id=mandate.organization_id, mandate=mandate, account=account, created_at=now)
        for account in accounts
    )


def _address(email: str) -> str:
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise Problem(
            "This is no e-mail address.", what_to_do="Check it.", code="emailInvalid", field="email"
        ) from None
    return address


def _record(
    user: User, mandate: Mandate, action: str, sentence: str, accounts: Iterable[Account] | None = None
) -> None:
    """In the trails of both sides: what is done under a mandate concerns both."""
    after = None if accounts is None else {"accounts": sorted(str(account.id) for account in accounts)}
    for tenant_id in filter(None, (mandate.organization_id, mandate.receiver_id)):
        audit.record(
            tenant_id=tenant_id, actor=user, action=f"mandate.{action}", obj=mandate, sentence=sentence,
            after=after if tenant_id == mandate.organization_id else None,
        )  # fmt: skip
