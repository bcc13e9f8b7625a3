"""The dashboard resources (hub-api.md section 9): what a person may do in an organization, with a personal token.

Every verb is that of the pages, so roles, limits and the audit trail are the same.
"""

# SQL is put together from constants of this package only; what a caller gives travels as arguments.
# ruff: noqa: S608

from __future__ import annotations

import uuid
from typing import Any

import msgspec

from nostro.hub.api import dashboard_documents as dd
from nostro.hub.api import documents as d
from nostro.hub.api import reads
from nostro.hub.api.connect import integration_account
from nostro.hub.api.errors import not_found, validation
from nostro.hub.api.paging import Listing, Row
from nostro.hub.api.request import Request, attributes, parse_id
from nostro.hub.api.responses import Answer, page
from nostro.hub.integrations.models import Integration
from nostro.hub.integrations.queries import access_integration
from nostro.hub.integrations.services import create_integration, granted_ids, set_accounts
from nostro.hub.organizations.invitations import invite, withdraw_invitation
from nostro.hub.organizations.tasks import send_soon
from nostro.web.errors import NotFound
from nostro.web.hot_reads import fetch_one

_PERSON = (
    f"u.id::text, u.email, nullif(u.first_name, ''), nullif(u.last_name, ''), u.locale, {reads.moment('u.date_joined')}"
)


def get_me(request: Request) -> Answer:
    row = fetch_one(f"SELECT {_PERSON} FROM people_user u WHERE u.id = %s", [request.person.user.id])
    assert row is not None
    return Answer(200, d.One(_user(row)))


def list_users(request: Request) -> Answer:
    """The people of the organization, newest first."""
    source = "organizations_membership m JOIN people_user u ON u.id = m.user_id"
    organization_id = request.person.organization.id
    listing = _of_organization(organization_id, f"{_PERSON}, m.role", source, "m", row_id="u.id")
    return page(request, listing, _user)


def _user(row: Row) -> dd.User:
    # Behind the columns of a person come those of the list: the role, and the keys of its order.
    role = {"role": row[6]} if len(row) > 6 else {}
    return dd.User("user", row[0], dd.UserAttributes(*row[1:6], **role))


def list_organization_accounts(request: Request) -> Answer:
    """All accounts of the organization, live and sandbox, newest first."""
    base = request.base
    listing = reads.organization_accounts(request.person.organization.id)
    return page(request, listing, lambda row: _account(reads.account(row, base)))


def _account(account: d.Account) -> dd.OrganizationAccount:
    return dd.OrganizationAccount(
        "organizationAccount", account.id, account.attributes, account.relationships, account.meta
    )


# --- invitations ----------------------------------------------------------------------------------------------

_INVITATION = f"v.id::text, v.email, v.role, {reads.moment('v.created_at')}, {reads.moment('v.expires_at')}"


def list_invitations(request: Request) -> Answer:
    source = "organizations_invitation v"
    organization_id = request.person.organization.id
    listing = _of_organization(organization_id, _INVITATION, source, "v", "v.accepted_at IS NULL")
    return page(request, listing, _invitation)


def create_invitation(request: Request) -> Answer:
    """Writes to the address; a role that is not given is ``member``."""
    given = attributes(request)
    email, role = text_of(given, "email"), text_of(given, "role", "member")
    person = request.person
    invitation, secret = invite(person.user, person.organization, email=email, role=role, now=request.now)
    send_soon(invitation, secret)
    row = fetch_one(f"SELECT {_INVITATION} FROM organizations_invitation v WHERE v.id = %s", [invitation.id])
    assert row is not None
    return Answer(201, d.One(_invitation(row)))


def delete_invitation(request: Request) -> Answer:
    person, invitation_id = request.person, parse_id(request.parameters[0])
    withdraw_invitation(person.user, person.organization, invitation_id)
    return Answer(200, d.One(d.Identifier("userInvitation", str(invitation_id))))


def _invitation(row: Row) -> dd.UserInvitation:
    return dd.UserInvitation("userInvitation", row[0], dd.InvitationAttributes(*row[1:5]))


# --- integrations ---------------------------------------------------------------------------------------------

_INTEGRATION = f"i.id::text, i.name, i.scope, i.is_sandbox, i.client_id, {reads.moment('i.created')}"


def list_integrations(request: Request) -> Answer:
    where = """i.revoked_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM integrations_legacytoken t WHERE t.integration_id = i.id)"""
    return page(request, integrations_listing(request.person.organization.id, where), integration_document)


def integrations_listing(organization_id: uuid.UUID, where: str, arguments: tuple[Any, ...] = ()) -> Listing:
    """Integrations that an organization's accounts are read by, ``i`` in ``where``, newest first."""
    source = "integrations_integration i"
    return _of_organization(organization_id, _INTEGRATION, source, "i", where, created="i.created", arguments=arguments)


def create_new_integration(request: Request) -> Answer:
    """Without accounts at first; they are added one by one."""
    name, is_sandbox, with_payments = integration_input(request)
    made, secret = create_integration(
        request.person.user, request.person.organization, name=name, account_ids=(),
        is_sandbox=is_sandbox, with_payments=with_payments, now=request.now, may_be_empty=True,
    )  # fmt: skip
    return integration_made(made, secret)


def integration_input(request: Request) -> tuple[str, bool, bool]:
    """Name, whether it is for the sandbox, whether it may prepare payments."""
    given = attributes(request)
    sandbox, scope = given.get("sandbox"), text_of(given, "scope", "ai")
    if sandbox is not None and not isinstance(sandbox, bool):
        raise validation("sandbox must be true or false.", "sandbox")
    if scope not in {"ai", "ai pi"}:
        raise validation("scope must be ai or ai pi.", "scope")
    return text_of(given, "name"), bool(sandbox), scope == "ai pi"


def integration_made(made: Integration, secret: str) -> Answer:
    """The secret is in this answer and nowhere else, so a repeated idempotency key gives the answer without it."""
    row = fetch_one(f"SELECT {_INTEGRATION} FROM integrations_integration i WHERE i.id = %s", [made.id])
    assert row is not None
    kept = integration_document(row)
    shown = msgspec.structs.replace(kept, attributes=msgspec.structs.replace(kept.attributes, client_secret=secret))
    return Answer(201, d.One(shown), kept=d.One(kept))


def integration_document(row: Row) -> dd.DashboardIntegration:
    """From the columns of ``_INTEGRATION``."""
    return dd.DashboardIntegration("integration", row[0], dd.IntegrationAttributes(*row[1:6]))


_GRANTS = """integrations_integrationaccount g
    JOIN accounts_account a ON a.id = g.account_id AND a.removed_at IS NULL"""
_GRANT = (
    f"g.id::text, {reads.moment('g.created_at')}, {reads.moment('g.last_accessed_at')}, a.id::text,"
    " a.institution_id::text, g.organization_id::text"
)


def list_grants(request: Request) -> Answer:
    """The accounts that one integration may read."""
    return grants_page(request, _access(request))


def grants_page(request: Request, integration: Integration) -> Answer:
    base, where = request.base, "g.removed_at IS NULL AND g.integration_id = %s"
    listing = _of_organization(integration.organization_id, _GRANT, _GRANTS, "g", where, arguments=(integration.id,))
    return page(request, listing, lambda row: integration_account(row, base))


def create_grant(request: Request) -> Answer:
    integration, account_id = _access(request), account_input(request)
    set_accounts(request.person.user, integration.id, {*granted_ids(integration), account_id}, request.now)
    return grant_made(request, integration, account_id)


def account_input(request: Request) -> uuid.UUID:
    """The account that an integration is to read."""
    account_id = parse_id(attributes(request).get("accountId"))
    if account_id is None:
        raise validation("accountId must be the id of an account.", "accountId")
    return account_id


def grant_made(request: Request, integration: Integration, account_id: uuid.UUID) -> Answer:
    row = fetch_one(
        f"SELECT {_GRANT} FROM {_GRANTS} WHERE g.integration_id = %s AND g.account_id = %s AND g.removed_at IS NULL",
        [integration.id, account_id],
    )
    assert row is not None
    return Answer(201, d.One(integration_account(row, request.base)))


def delete_grant(request: Request) -> Answer:
    """By the id of the account, as in the address of the list's items."""
    integration, account_id = _access(request), parse_id(request.parameters[1])
    present = granted_ids(integration)
    if account_id not in present:
        raise not_found("integrationAccount")
    set_accounts(request.person.user, integration.id, present - {account_id}, request.now)
    return Answer(200, d.One(d.Identifier("integrationAccount", str(account_id))))


def _access(request: Request) -> Integration:
    integration_id = parse_id(request.parameters[0]) or uuid.UUID(int=0)
    integration = access_integration(request.person.user, integration_id)
    # The person may belong to several organizations; the token is for one.
    if integration.organization_id != request.person.organization.id:
        raise NotFound("integration")
    return integration


def _of_organization(
    organization_id: uuid.UUID, columns: str, source: str, table: str, where: str = "TRUE", *, row_id: str = "",
    created: str = "", arguments: tuple[Any, ...] = (),
) -> Listing:  # fmt: skip
    """Rows of one organization, newest first. ``table`` is the alias that has ``organization_id``."""
    created, row_id = created or f"{table}.created_at", row_id or f"{table}.id"
    condition = f"{table}.organization_id = %s AND {where}"
    values = (organization_id, *arguments)
    return Listing(
        select=f"SELECT {columns}\nFROM {source}",
        where=condition,
        arguments=values,
        key=(created, row_id),
        cursor=f"FROM {source} WHERE {condition} AND {row_id} = %s",
        cursor_arguments=values,
    )


def text_of(given: dict[str, Any], name: str, default: str = "") -> str:
    value = given.get(name)
    if value is None and default:
        return default
    if not isinstance(value, str) or not value.strip() or len(value) > 300:
        raise validation(f"{name} must be text.", name)
    return value.encode("utf-8", "replace").decode().replace("\x00", "")
