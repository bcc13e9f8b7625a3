"""The documents of the dashboard resources (hub-api.md section 9); their attributes are Nostro's choice."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from nostro.hub.api.documents import AccountAttributes, AccountMeta, AccountRelationships, Document

Role = Literal["owner", "admin", "member"]


class UserAttributes(Document, frozen=True):
    """``role`` only in the list of users."""

    email: str
    first_name: str | None
    last_name: str | None
    locale: str
    created_at: str
    role: Role | UnsetType = UNSET


class User(Document, frozen=True):
    type: Literal["user"]
    id: str
    attributes: UserAttributes


class OrganizationAccount(Document, frozen=True):
    """An account of the organization, whichever integration may read it."""

    type: Literal["organizationAccount"]
    id: str
    attributes: AccountAttributes
    relationships: AccountRelationships
    meta: AccountMeta


class InvitationAttributes(Document, frozen=True):
    email: str
    role: Role
    created_at: str
    expires_at: str


class UserInvitation(Document, frozen=True):
    type: Literal["userInvitation"]
    id: str
    attributes: InvitationAttributes


class InvitationInput(Document, frozen=True):
    email: Annotated[str, msgspec.Meta(max_length=254)]
    role: Role | UnsetType = UNSET


class IntegrationAttributes(Document, frozen=True):
    """``clientSecret`` once, in the answer that made it."""

    name: str
    scope: str
    sandbox: bool
    client_id: str
    created_at: str
    client_secret: str | UnsetType = UNSET


class DashboardIntegration(Document, frozen=True):
    type: Literal["integration"]
    id: str
    attributes: IntegrationAttributes


class IntegrationInput(Document, frozen=True):
    name: Annotated[str, msgspec.Meta(max_length=100)]
    sandbox: bool | UnsetType = UNSET
    scope: Literal["ai", "ai pi"] | UnsetType = UNSET


class GrantInput(Document, frozen=True):
    account_id: Annotated[str, msgspec.Meta(extra_json_schema={"format": "uuid"})]


class MandateAttributes(Document, frozen=True):
    """``organizationName`` is the other side: whom the mandate is given to, or who gave it. As long as nobody has
    accepted a given one, it is the address that it was offered to."""

    status: Literal["pending", "active"]
    organization_name: str
    created_at: str


class Mandate(Document, frozen=True):
    type: Literal["mandate"]
    id: str
    attributes: MandateAttributes
