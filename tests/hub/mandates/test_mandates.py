"""Mandates through their verbs, and through the API with personal access tokens (hub-api.md section 9)."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

import jsonschema
import pytest
from django.db import IntegrityError, transaction
from django.db.models import F
from tests import factories
from tests.hub.api.client import Caller, Reply
from tests.hub.api.conftest import Street, street
from tests.hub.api.shapes import require_shape_of_example

from nostro.hub.api import examples, openapi
from nostro.hub.api.endpoints import ENDPOINTS
from nostro.hub.integrations.blocking import block_organization, unblock_organization
from nostro.hub.integrations.models import Integration
from nostro.hub.integrations.personal import create_personal_token
from nostro.hub.integrations.services import regenerate_secret, set_accounts
from nostro.hub.mandates import services
from nostro.hub.mandates.models import Mandate
from nostro.hub.mandates.queries import (
    access_given_mandate,
    access_received_mandate,
    accounts_of_mandate,
    integrations_of_mandate,
    mandates_given_by,
    mandates_received_by,
)
from nostro.hub.organizations.models import Membership, Role
from nostro.people.models import AuditRecord
from nostro.web.errors import Forbidden, NotFound, Problem

__all__ = ["street"]
NOW = factories.NOW


def person(member: Membership) -> Caller:
    caller = Caller()
    _, caller.token = create_personal_token(member.user, member.organization, name="Laptop", now=NOW)
    return caller


def post(caller: Caller, path: str, **attributes: Any) -> Reply:
    return caller.call("POST", path, {"data": {"type": "x", "attributes": attributes}})


def data(reply: Reply) -> Any:
    assert reply.status in {200, 201}, reply.body
    return reply.json["data"]


@dataclass
class Office:
    """``giver`` gave ``accountant`` an active mandate over ``account`` and ``other``, not over ``hidden``."""

    street: Street
    giver: Membership
    accountant: Membership
    mandate: Mandate

    def account_ids(self) -> set[uuid.UUID]:
        return {self.street.account.id, self.street.other.id}

    def make(self, **given: Any) -> tuple[Integration, str]:
        values = {"name": "Books", "is_sandbox": True, "with_payments": False, "now": NOW, **given}
        return services.create_integration_under_mandate(
            self.accountant.user, self.accountant.organization, self.mandate.id, **values
        )


@pytest.fixture
def office(street: Street) -> Office:
    accountant = factories.membership(person=factories.user(email="Desk@Accountant.example"))
    mandate = services.give_mandate(
        street.owner.user, street.owner.organization, email=" desk@accountant.EXAMPLE ",
        account_ids=[street.account.id, street.other.id], now=NOW,
    )  # fmt: skip
    services.accept_mandate(accountant.user, accountant.organization, mandate.id, NOW)
    return Office(street, street.owner, accountant, Mandate.objects.get(id=mandate.id))


def program(integration: Integration, secret: str) -> Caller:
    caller = Caller()
    caller.integration, caller.secret = integration, secret
    caller.log_in()
    return caller


# --- verbs ----------------------------------------------------------------------------------------------------


def test_an_offer_is_seen_by_the_addressed_person_only_and_becomes_active_once(street: Street) -> None:
    desk = factories.membership(person=factories.user(email="desk@accountant.example"))
    colleague = factories.membership(desk.organization)
    give: dict[str, Any] = {"email": "desk@accountant.example", "account_ids": [street.account.id], "now": NOW}
    mandate = services.give_mandate(street.owner.user, street.owner.organization, **give)
    assert [each.status for each in mandates_given_by(street.owner.organization)] == ["pending"]
    assert mandates_received_by(colleague.user, desk.organization) == []
    assert mandates_received_by(desk.user, desk.organization) == [mandate]
    with pytest.raises(NotFound):
        services.accept_mandate(colleague.user, desk.organization, mandate.id, NOW)
    with pytest.raises(Problem, match="waiting already"):
        services.give_mandate(street.owner.user, street.owner.organization, **give)
    services.accept_mandate(desk.user, desk.organization, mandate.id, NOW)
    assert mandates_received_by(colleague.user, desk.organization) == [mandate]
    with pytest.raises(Problem, match="accepted already"):
        services.accept_mandate(desk.user, desk.organization, mandate.id, NOW)
    again = services.give_mandate(street.owner.user, street.owner.organization, **give)
    with pytest.raises(Problem, match="before"):
        services.accept_mandate(desk.user, desk.organization, again.id, NOW)
    services.give_back_mandate(desk.user, desk.organization, again.id, NOW)
    assert mandates_given_by(street.owner.organization) == [mandate]


@pytest.mark.parametrize(
    ("email", "choice", "code"),
    [
        ("nobody", "account", "emailInvalid"),
        ("a@b.example", "none", "accountsMissing"),
        ("a@b.example", "foreign", "accountUnknown"),
    ],
)
def test_what_cannot_be_given(street: Street, email: str, choice: str, code: str) -> None:
    chosen = {"account": [street.account.id], "none": [], "foreign": [street.foreign.id]}[choice]
    with pytest.raises(Problem) as refused:
        services.give_mandate(street.owner.user, street.owner.organization, email=email, account_ids=chosen, now=NOW)
    assert refused.value.code == code


def test_only_administrators_give_accept_and_act(office: Office) -> None:
    clerk = factories.membership(office.giver.organization, role=Role.MEMBER)
    helper = factories.membership(office.accountant.organization, role=Role.MEMBER)
    with pytest.raises(Forbidden):
        services.give_mandate(
            clerk.user, clerk.organization, email="x@y.example", account_ids=office.account_ids(), now=NOW
        )
    with pytest.raises(Forbidden):
        services.withdraw_mandate(clerk.user, clerk.organization, office.mandate.id, NOW)
    with pytest.raises(Forbidden):
        services.create_integration_under_mandate(
            helper.user, helper.organization, office.mandate.id, name="x", is_sandbox=True, with_payments=False, now=NOW
        )
    assert access_given_mandate(clerk.user, clerk.organization.id, office.mandate.id) == office.mandate
    assert access_received_mandate(helper.user, helper.organization.id, office.mandate.id) == office.mandate


def test_an_integration_reads_accounts_of_the_mandate_and_ends_with_it(office: Office) -> None:
    account, other, hidden = office.street.account, office.street.other, office.street.hidden
    made, secret = office.make(account_ids=[account.id, other.id])
    caller = program(made, secret)
    assert {each["id"] for each in data(caller.get("/accounts"))} == {str(account.id), str(other.id)}
    with pytest.raises(Problem, match="does not cover"):
        office.make(account_ids=[hidden.id])
    services.set_mandate_accounts(office.giver.user, office.giver.organization, office.mandate.id, [other.id], NOW)
    assert [each["id"] for each in data(caller.get("/accounts"))] == [str(other.id)]
    assert accounts_of_mandate(office.mandate) == [other]
    services.withdraw_mandate(office.giver.user, office.giver.organization, office.mandate.id, NOW)
    assert caller.get("/accounts").status == 401 and caller.log_in().status == 401
    assert integrations_of_mandate(office.mandate) == []
    with pytest.raises(NotFound):
        office.make()
    told = AuditRecord.objects.filter(action__startswith="mandate.", tenant_id=office.accountant.organization.id)
    assert {each.action for each in told} >= {"mandate.accepted", "mandate.integration_created", "mandate.withdrawn"}


def test_the_giver_sees_the_integration_and_can_only_take_from_it(office: Office) -> None:
    made, _ = office.make(account_ids=[office.street.account.id])
    user = office.giver.user
    for wanted in ([office.street.other.id], [office.street.account.id, office.street.hidden.id]):
        with pytest.raises(Problem, match="acts for you"):
            set_accounts(user, made.id, wanted, NOW)
    with pytest.raises(Problem, match="yours to replace"):
        regenerate_secret(user, made.id, NOW)
    set_accounts(user, made.id, [], NOW)
    assert not made.grants.filter(removed_at=None).exists()


def test_whoever_is_blocked_reads_nothing_until_both_are_free(office: Office) -> None:
    made, secret = office.make(account_ids=[office.street.account.id])
    giver, receiver = office.giver.organization.id, office.accountant.organization.id
    caller = program(made, secret)
    block_organization(receiver, NOW)
    assert caller.get("/accounts").status == 401
    with pytest.raises(Problem, match="blocked"):
        office.make()
    block_organization(giver, NOW)
    unblock_organization(receiver, NOW)
    assert caller.get("/accounts").status == 401
    unblock_organization(giver, NOW)
    assert caller.get("/accounts").status == 200


def test_limits(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MAX_INTEGRATIONS", 1)
    monkeypatch.setattr(services, "MAX_PENDING", 1)
    monkeypatch.setattr(services, "MAX_ACCOUNTS", 1)
    office.make()
    with pytest.raises(Problem, match="has 1 integrations"):
        office.make()
    user, organization = office.giver.user, office.giver.organization
    chosen = [office.street.account.id]
    services.give_mandate(user, organization, email="a@b.example", account_ids=chosen, now=NOW)
    with pytest.raises(Problem, match="are waiting"):
        services.give_mandate(user, organization, email="b@b.example", account_ids=chosen, now=NOW)
    with pytest.raises(Problem, match="at most 1"):
        services.set_mandate_accounts(user, organization, office.mandate.id, office.account_ids(), NOW)


def test_the_database_keeps_what_must_hold(office: Office) -> None:
    for broken in ({"receiver": F("organization")}, {"receiver": None}, {"accepted_at": None}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Mandate.objects.filter(id=office.mandate.id).update(**broken)
    made, _ = office.make()
    with pytest.raises(IntegrityError), transaction.atomic():
        Integration.objects.filter(id=made.id).update(mandate_id=None)


# --- the API --------------------------------------------------------------------------------------------------


def test_both_sides_list_read_and_end(office: Office) -> None:
    giver, receiver = person(office.giver), person(office.accountant)
    given = data(giver.get("/given-mandates/"))
    [received] = data(receiver.get("/received-mandates"))
    assert given[0]["attributes"] == {
        "status": "active", "organizationName": office.accountant.organization.name,
        "createdAt": "2026-11-25T09:30:00.000Z",
    }  # fmt: skip
    assert received["attributes"]["organizationName"] == office.giver.organization.name
    path = f"/given-mandates/{received['id']}"
    assert data(giver.get(path)) == given[0] and data(receiver.get(f"/received-mandates/{received['id']}")) == received
    listed = data(giver.get(f"{path}/accounts/?limit=1"))
    walked = giver.get(f"{path}/accounts?limit=1&after={listed[0]['id']}").json["data"]
    assert {each["id"] for each in listed + walked} == {str(each) for each in office.account_ids()}
    assert listed[0]["type"] == "account"
    account = office.street.account.id
    one = data(receiver.get(f"/received-mandates/{received['id']}/accounts/{account}"))
    assert one == next(each for each in listed + walked if each["id"] == str(account))
    assert receiver.get(f"/received-mandates/{received['id']}/accounts/{office.street.hidden.id}").status == 404
    assert data(giver.call("DELETE", f"{path}/accounts/{account}")) == {"type": "account", "id": str(account)}
    assert giver.call("DELETE", f"{path}/accounts/{account}").status == 404
    assert data(receiver.call("DELETE", f"/received-mandates/{received['id']}"))["type"] == "mandate"
    assert giver.get(path).status == 404 and giver.call("DELETE", path).status == 404
    assert data(giver.get("/given-mandates")) == data(receiver.get("/received-mandates")) == []


def test_an_offer_shows_its_address_to_the_giver_and_is_declined_by_the_addressed(street: Street) -> None:
    desk = factories.membership(person=factories.user(email="desk@accountant.example"))
    mandate = services.give_mandate(
        street.owner.user, street.owner.organization, email=desk.user.email, account_ids=[street.account.id], now=NOW
    )
    giver, receiver = person(street.owner), person(desk)
    [offered] = data(giver.get("/given-mandates"))
    assert offered["attributes"]["status"] == "pending"
    assert offered["attributes"]["organizationName"] == "desk@accountant.example"
    path = f"/received-mandates/{mandate.id}"
    assert data(receiver.get("/received-mandates"))[0] == data(receiver.get(path))
    # As long as nobody accepted it, nobody acts under it.
    assert receiver.get(f"{path}/accounts").status == receiver.get(f"{path}/integrations").status == 404
    assert post(receiver, f"{path}/integrations", name="x").status == 404
    assert receiver.call("DELETE", path).status == 200 and data(giver.get("/given-mandates")) == []


def test_a_program_is_made_under_the_mandate_and_given_accounts(office: Office) -> None:
    receiver = person(office.accountant)
    path = f"/received-mandates/{office.mandate.id}/integrations"
    made = data(post(receiver, f"{path}/", name="Books", sandbox=True))
    secret = made["attributes"].pop("clientSecret")
    assert data(receiver.get(path)) == [made]
    grants = f"{path}/{made['id']}/accounts"
    account = str(office.street.account.id)
    grant = data(post(receiver, grants, accountId=account))
    assert grant["relationships"]["account"]["data"]["id"] == account
    assert data(receiver.get(grants)) == [grant]
    caller = program(Integration.objects.get(id=made["id"]), secret)
    assert [each["id"] for each in data(caller.get("/accounts"))] == [account]
    refused = post(receiver, grants, accountId=str(office.street.hidden.id))
    assert refused.status == 400 and refused.code == "accountUnknown"
    assert post(receiver, grants, accountId="x").code == "validationError"
    assert data(receiver.call("DELETE", f"{grants}/{account}"))["id"] == account
    assert receiver.call("DELETE", f"{grants}/{account}").status == 404 and data(caller.get("/accounts")) == []
    # The side whose accounts are read sees the integration among its own.
    assert made["id"] in {each["id"] for each in data(person(office.giver).get("/integrations"))}


MANDATE_ENDPOINTS = [each for each in ENDPOINTS if "mandates" in each.path]


@pytest.mark.parametrize("endpoint", MANDATE_ENDPOINTS, ids=lambda each: f"{each.verb} {each.path}")
def test_neighbours_wrong_sides_and_integrations_are_refused(office: Office, endpoint: Any) -> None:
    made, secret = office.make(account_ids=office.account_ids())
    path = (
        endpoint.path.replace("{mandateId}", str(office.mandate.id)).replace("{integrationId}", str(made.id))
        .replace("{accountId}", str(office.street.account.id))
    )  # fmt: skip
    body = examples.body_of(endpoint.verb, endpoint.path)
    if body is not None and "accountId" in body["data"]["attributes"]:
        body["data"]["attributes"]["accountId"] = str(office.street.account.id)
    neighbour = person(Membership.objects.get(organization=office.street.foreign.organization))
    wrong_side = person(office.accountant if "given" in path else office.giver)
    for stranger in (neighbour, wrong_side):
        reply = stranger.call(endpoint.verb, path, body)
        if "{" in endpoint.path:
            assert reply.status == 404 and reply.code == "resourceNotFound"
        else:
            assert reply.json["data"] == []
    assert program(made, secret).call(endpoint.verb, path, body).code == "insufficientScope"
    assert Mandate.objects.get(id=office.mandate.id).ended_at is None
    assert made.grants.filter(removed_at=None).count() == 2


@pytest.mark.parametrize("endpoint", MANDATE_ENDPOINTS, ids=lambda each: f"{each.verb} {each.path}")
def test_answers_are_what_the_document_declares(office: Office, endpoint: Any) -> None:
    made, _ = office.make(account_ids=[office.street.account.id])
    path = (
        endpoint.path.replace("{mandateId}", str(office.mandate.id)).replace("{integrationId}", str(made.id))
        .replace("{accountId}", str(office.street.account.id))
    )  # fmt: skip
    body = examples.body_of(endpoint.verb, endpoint.path)
    if body is not None and "accountId" in body["data"]["attributes"]:
        body["data"]["attributes"]["accountId"] = str(office.street.other.id)
    reply = person(office.giver if "given" in path else office.accountant).call(endpoint.verb, path, body)
    assert reply.status == endpoint.status, reply.body
    described = openapi.document()
    operation = described["paths"][endpoint.path][endpoint.verb.lower()]
    schema = operation["responses"][str(endpoint.status)]["content"]["application/json"]["schema"]
    jsonschema.validate(json.loads(reply.body), {**schema, "components": described["components"]})
    require_shape_of_example(reply, endpoint.verb, endpoint.path)
