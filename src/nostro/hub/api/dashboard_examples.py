"""Examples of what a person with a personal access token does: the dashboard and mandates."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from nostro.hub.api import dashboard_documents as dd
from nostro.hub.api import documents as d
from nostro.hub.api.example_parts import ACCOUNT, INTEGRATION, NOON, Example, account, grant, page

_INVITATION = "7f4a4447-8ed8-425b-84b7-2c31e5ca628f"
_MANDATE = "5f0c2a76-8ed8-425b-84b7-2c31e5ca62cc"
_SECRET = "MoH3t9zBrnTvlt0qB061Ptjdy0akwwYHm9VY9E6-e4E"  # noqa: S105
_NEW = {"name": "Bookkeeping", "sandbox": False}
_GRANTED = {"accountId": ACCOUNT}


def _integration(secret: str | UnsetType = UNSET) -> dd.DashboardIntegration:
    """With the secret in the answer that made it."""
    attributes = dd.IntegrationAttributes(
        "Bookkeeping", "ai", False, "1c020714-759d-49cf-b6d9-a3f8a1d9a9a3", NOON, secret
    )
    return dd.DashboardIntegration("integration", INTEGRATION, attributes)


def _invitation() -> dd.UserInvitation:
    attributes = dd.InvitationAttributes("new@example.org", "member", NOON, "2026-11-16T12:00:00.000Z")
    return dd.UserInvitation("userInvitation", _INVITATION, attributes)


def _user(role: dd.Role | UnsetType = UNSET) -> dd.User:
    """With the role in the list of users."""
    attributes = dd.UserAttributes("malvina@example.org", "Malvina", "Dibbert", "nl", NOON, role)
    return dd.User("user", "9c1a7b1e-8ed8-425b-84b7-2c31e5ca62aa", attributes)


def _mandate(status: Literal["pending", "active"], other_side: str) -> dd.Mandate:
    attributes = dd.MandateAttributes(status, other_side, NOON)
    return dd.Mandate("mandate", _MANDATE, attributes)


def _organization_account() -> dd.OrganizationAccount:
    one = account()
    return dd.OrganizationAccount("organizationAccount", one.id, one.attributes, one.relationships, one.meta)


def _gone(kind: str, what: str) -> d.One:
    """The answer to DELETE."""
    return d.One(d.Identifier(kind, what))


def _integration_calls(path: str, address: str) -> tuple[Example, ...]:
    """Those of the organization itself, and the same under a mandate; ``address`` is the path with its ids."""
    one = f"{path}/{{integrationId}}/accounts"
    return (
        Example("GET", path, page(_integration(), address)),
        Example("POST", path, d.One(_integration(_SECRET)), _NEW),
        Example("GET", one, page(grant(), f"{address}/{INTEGRATION}/accounts")),
        Example("POST", one, d.One(grant()), _GRANTED),
        Example("DELETE", one + "/{accountId}", _gone("integrationAccount", ACCOUNT)),
    )


_GIVEN, _RECEIVED = "/given-mandates", "/received-mandates"
_ONE = "/{mandateId}"
_PENDING = _mandate("pending", "desk@accountant.example")
_ACTIVE = _mandate("active", "Awesome accountant")
_ACTS = _mandate("active", "Acme Bakery")

CALLS: tuple[Example, ...] = (
    Example("GET", "/me", d.One(_user())),
    Example("GET", "/organization-accounts", page(_organization_account(), "/organization-accounts")),
    Example("GET", "/users", page(_user("owner"), "/users")),
    Example("GET", "/user-invitations", page(_invitation(), "/user-invitations")),
    Example("POST", "/user-invitations", d.One(_invitation()), {"email": "new@example.org", "role": "member"}),
    Example("DELETE", "/user-invitations/{invitationId}", _gone("userInvitation", _INVITATION)),
    *_integration_calls("/integrations", "/integrations"),
    Example("GET", _GIVEN, page(_PENDING, _GIVEN)),
    Example("GET", _GIVEN + _ONE, d.One(_ACTIVE)),
    Example("DELETE", _GIVEN + _ONE, _gone("mandate", _MANDATE)),
    Example("GET", _GIVEN + _ONE + "/accounts", page(account(), f"{_GIVEN}/{_MANDATE}/accounts")),
    Example("DELETE", _GIVEN + _ONE + "/accounts/{accountId}", _gone("account", ACCOUNT)),
    Example("GET", _RECEIVED, page(_ACTS, _RECEIVED)),
    Example("GET", _RECEIVED + _ONE, d.One(_ACTS)),
    Example("DELETE", _RECEIVED + _ONE, _gone("mandate", _MANDATE)),
    Example("GET", _RECEIVED + _ONE + "/accounts", page(account(), f"{_RECEIVED}/{_MANDATE}/accounts")),
    Example("GET", _RECEIVED + _ONE + "/accounts/{accountId}", d.One(account())),
    *_integration_calls(_RECEIVED + _ONE + "/integrations", f"{_RECEIVED}/{_MANDATE}/integrations"),
)
