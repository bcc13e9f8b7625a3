"""Mandates of the dashboard resources (hub-api.md section 9): what an organization gave, and what it acts under.

Every verb is that of the pages. A given mandate is reached by the people of who gave it, a received one by the people
of who may act; what is not theirs is not found.
"""

# SQL is put together from constants of this package only; what a caller gives travels as arguments.

from __future__ import annotations

from nostro.hub.api import dashboard, reads
from nostro.hub.api import dashboard_documents as dd
from nostro.hub.api import documents as d
from nostro.hub.api.errors import not_found
from nostro.hub.api.paging import Listing, Row
from nostro.hub.api.request import Request, parse_id
from nostro.hub.api.responses import Answer, page
from nostro.hub.integrations.models import Integration
from nostro.hub.mandates import services
from nostro.hub.mandates.models import Mandate
from nostro.hub.mandates.queries import access_given_mandate, access_integration_of_mandate, access_received_mandate
from nostro.web.hot_reads import fetch_one

_STATUS = "CASE WHEN m.accepted_at IS NULL THEN 'pending' ELSE 'active' END"
_GIVEN = """mandates_mandate m LEFT JOIN organizations_organization o ON o.id = m.receiver_id"""
_RECEIVED = """mandates_mandate m JOIN organizations_organization o ON o.id = m.organization_id"""
_OTHER_SIDE = {_GIVEN: "coalesce(o.name, m.email)", _RECEIVED: "o.name"}


def _listing(source: str, where: str, *arguments: object) -> Listing:
    where = f"m.ended_at IS NULL AND {where}"
    columns = f"m.id::text, {_STATUS}, {_OTHER_SIDE[source]}, {reads.moment('m.created_at')}"
    return Listing(
        select=f"SELECT {columns}\nFROM {source}",
        where=where,
        arguments=arguments,
        key=("m.created_at", "m.id"),
        cursor=f"FROM {source} WHERE {where} AND m.id = %s",
        cursor_arguments=arguments,
    )


def _mandate(row: Row) -> dd.Mandate:
    return dd.Mandate("mandate", row[0], dd.MandateAttributes(*row[1:4]))


def _one(source: str, mandate: Mandate) -> Answer:
    listing = _listing(source, "m.id = %s", mandate.id)
    row = fetch_one(f"{listing.select} WHERE {listing.where}", listing.arguments)
    if row is None:  # ended at this very moment
        raise not_found("mandate")
    return Answer(200, d.One(_mandate(row)))


def _account_page(request: Request, mandate: Mandate) -> Answer:
    base = request.base
    return page(request, reads.mandate_accounts(mandate.id), lambda row: reads.account(row, base))


# --- given ----------------------------------------------------------------------------------------------------


def list_given(request: Request) -> Answer:
    return page(request, _listing(_GIVEN, "m.organization_id = %s", request.person.organization.id), _mandate)


def get_given(request: Request) -> Answer:
    return _one(_GIVEN, _given(request))


def delete_given(request: Request) -> Answer:
    """Withdraws it; the integrations made under it end."""
    mandate_id = parse_id(request.parameters[0])
    services.withdraw_mandate(request.person.user, request.person.organization, mandate_id, request.now)
    return Answer(200, d.One(d.Identifier("mandate", str(mandate_id))))


def list_given_accounts(request: Request) -> Answer:
    return _account_page(request, _given(request))


def delete_given_account(request: Request) -> Answer:
    """The mandate no longer covers the account, and no integration made under it reads it."""
    mandate_id, account_id = (parse_id(text) for text in request.parameters)
    person = request.person
    services.remove_mandate_account(person.user, person.organization, mandate_id, account_id, request.now)
    return Answer(200, d.One(d.Identifier("account", str(account_id))))


def _given(request: Request) -> Mandate:
    person = request.person
    return access_given_mandate(person.user, person.organization.id, parse_id(request.parameters[0]))


# --- received -------------------------------------------------------------------------------------------------


def list_received(request: Request) -> Answer:
    """Those in force, and those that are offered to the person who asks."""
    person = request.person
    where = "(m.receiver_id = %s OR (m.receiver_id IS NULL AND m.email = %s AND m.organization_id <> %s))"
    own = person.organization.id
    return page(request, _listing(_RECEIVED, where, own, person.user.email.lower(), own), _mandate)


def get_received(request: Request) -> Answer:
    return _one(_RECEIVED, _received(request, also_pending=True))


def delete_received(request: Request) -> Answer:
    """Gives it back, or declines it."""
    mandate_id = parse_id(request.parameters[0])
    services.give_back_mandate(request.person.user, request.person.organization, mandate_id, request.now)
    return Answer(200, d.One(d.Identifier("mandate", str(mandate_id))))


def list_received_accounts(request: Request) -> Answer:
    return _account_page(request, _received(request))


def get_received_account(request: Request) -> Answer:
    listing = reads.mandate_accounts(_received(request).id)
    row = fetch_one(
        f"{listing.select} WHERE {listing.where} AND a.id = %s", [*listing.arguments, parse_id(request.parameters[1])]
    )
    if row is None:
        raise not_found("account")
    return Answer(200, d.One(reads.account(row, request.base)))


def list_integrations(request: Request) -> Answer:
    mandate = _received(request)
    where = "i.revoked_at IS NULL AND i.mandate_id = %s"
    listing = dashboard.integrations_listing(mandate.organization_id, where, (mandate.id,))
    return page(request, listing, dashboard.integration_document)


def create_integration(request: Request) -> Answer:
    """Without accounts at first; they are added one by one."""
    name, is_sandbox, with_payments = dashboard.integration_input(request)
    person = request.person
    made, secret = services.create_integration_under_mandate(
        person.user, person.organization, parse_id(request.parameters[0]), name=name, is_sandbox=is_sandbox,
        with_payments=with_payments, now=request.now,
    )  # fmt: skip
    return dashboard.integration_made(made, secret)


def list_grants(request: Request) -> Answer:
    return dashboard.grants_page(request, _integration(request))


def create_grant(request: Request) -> Answer:
    account_id, person = dashboard.account_input(request), request.person
    mandate_id, integration_id = (parse_id(text) for text in request.parameters)
    integration = services.grant_account_under_mandate(
        person.user, person.organization, mandate_id, integration_id, account_id=account_id, now=request.now
    )
    return dashboard.grant_made(request, integration, account_id)


def delete_grant(request: Request) -> Answer:
    """By the id of the account, as in the address of the list's items."""
    mandate_id, integration_id, account_id = (parse_id(text) for text in request.parameters)
    person = request.person
    services.take_account_under_mandate(
        person.user, person.organization, mandate_id, integration_id, account_id=account_id, now=request.now
    )
    return Answer(200, d.One(d.Identifier("integrationAccount", str(account_id))))


def _received(request: Request, *, also_pending: bool = False) -> Mandate:
    person, mandate_id = request.person, parse_id(request.parameters[0])
    return access_received_mandate(person.user, person.organization.id, mandate_id, also_pending=also_pending)


def _integration(request: Request) -> Integration:
    return access_integration_of_mandate(_received(request), parse_id(request.parameters[1]))
