"""The dashboard resources, as a person with a personal access token uses them (hub-api.md section 9)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import jsonschema
import pytest
from tests import factories
from tests.hub.api.client import BASE, Caller, Reply
from tests.hub.api.conftest import Street
from tests.hub.api.shapes import require_shape_of_example

from nostro.hub.api import examples, openapi
from nostro.hub.api.endpoints import ENDPOINTS, Access
from nostro.hub.api.models import IdempotentRequest
from nostro.hub.integrations.models import Integration
from nostro.hub.integrations.personal import create_personal_token, personal_tokens_of, revoke_personal_token
from nostro.hub.organizations.models import Invitation, Membership, Role
from nostro.people.models import AuditRecord
from nostro.web.errors import NotFound, Problem

NOW = factories.NOW


def person(member: Membership) -> Caller:
    caller = Caller()
    _, caller.token = create_personal_token(member.user, member.organization, name="Laptop", now=NOW)
    return caller


@dataclass
class Office:
    street: Street
    owner: Caller
    member: Caller
    neighbour: Caller


@pytest.fixture
def office(street: Street) -> Office:
    member = factories.membership(street.owner.organization, role=Role.MEMBER)
    stranger = Membership.objects.get(organization=street.foreign.organization)
    return Office(street, person(street.owner), person(member), person(stranger))


def data(reply: Reply) -> Any:
    assert reply.status in {200, 201}, reply.body
    return reply.json["data"]


def post(caller: Caller, path: str, **attributes: Any) -> Reply:
    key = attributes.pop("key", "")
    headers = {"ibanity_idempotency_key": key} if key else {}
    return caller.call("POST", path, {"data": {"type": "x", "attributes": attributes}}, **headers)


def test_me_users_and_accounts(office: Office) -> None:
    me = data(office.owner.get("/me/"))
    user = office.street.owner.user
    assert (me["type"], me["id"], me["attributes"]["email"]) == ("user", str(user.id), user.email)
    assert me["attributes"].keys() == {"email", "firstName", "lastName", "locale", "createdAt"}
    people = data(office.member.get("/users"))
    assert {each["attributes"]["role"] for each in people} == {"owner", "member"} and len(people) == 2
    accounts = data(office.owner.get("/organization-accounts/?limit=50"))
    assert {each["id"] for each in accounts} == {
        str(each.id) for each in (office.street.account, office.street.other, office.street.hidden)
    }
    assert accounts[0]["type"] == "organizationAccount"
    one = data(office.street.caller.get(f"/accounts/{office.street.account.id}"))
    assert next(a for a in accounts if a["id"] == one["id"])["attributes"] == one["attributes"]
    assert [each["id"] for each in data(office.neighbour.get("/organization-accounts"))] == [
        str(office.street.foreign.id)
    ]


def test_an_integration_is_made_and_given_accounts_one_by_one(office: Office) -> None:
    made = data(post(office.owner, "/integrations/", name="Books", sandbox=True))
    secret = made["attributes"].pop("clientSecret")
    assert made["attributes"].keys() == {"name", "scope", "sandbox", "clientId", "createdAt"}
    listed = data(office.member.get("/integrations"))
    assert listed[0] == made and len(listed) == 2
    grants = f"/integrations/{made['id']}/accounts"
    account, other = office.street.account, office.street.other
    grant = data(post(office.owner, grants, accountId=str(account.id)))
    assert grant["relationships"]["account"]["data"] == {"type": "account", "id": str(account.id)}
    post(office.owner, grants, account_id=str(other.id))
    assert len(data(office.owner.get(f"{grants}/"))) == 2
    program = Caller()
    program.integration, program.secret = Integration.objects.get(id=made["id"]), secret
    program.log_in()
    assert len(data(program.get("/accounts"))) == 2
    assert data(office.owner.call("DELETE", f"{grants}/{other.id}"))["id"] == str(other.id)
    assert [each["id"] for each in data(program.get("/accounts"))] == [str(account.id)]
    assert office.owner.call("DELETE", f"{grants}/{other.id}").status == 404
    foreign = post(office.owner, grants, accountId=str(office.street.foreign.id))
    assert foreign.status == 400 and foreign.code == "accountUnknown"


def test_a_repeated_key_makes_nothing_twice_and_no_secret_is_stored(office: Office) -> None:
    first = data(post(office.owner, "/integrations", name="Books", key="once"))
    again = post(office.owner, "/integrations", name="Books", key="once")
    assert again.headers["idempotent-replayed"] == "true" and data(again)["id"] == first["id"]
    assert "clientSecret" in first["attributes"] and "clientSecret" not in data(again)["attributes"]
    [kept] = IdempotentRequest.objects.all()
    assert first["attributes"]["clientSecret"].encode() not in bytes(kept.document)
    assert Integration.objects.filter(name="Books").count() == 1
    assert post(office.neighbour, "/integrations", name="Books", key="once").headers.get("idempotent-replayed") is None


def test_invitations_are_sent_listed_and_withdrawn(office: Office) -> None:
    made = data(post(office.owner, "/user-invitations", email=" New@Example.org ", role="admin"))
    assert made["attributes"]["email"] == "new@example.org" and made["attributes"]["role"] == "admin"
    assert made["attributes"]["createdAt"] < made["attributes"]["expiresAt"]
    assert data(office.member.get("/user-invitations/")) == [made]
    assert data(office.neighbour.get("/user-invitations")) == []
    assert office.neighbour.call("DELETE", f"/user-invitations/{made['id']}").status == 404
    assert data(office.owner.call("DELETE", f"/user-invitations/{made['id']}"))["id"] == made["id"]
    assert not Invitation.objects.exists()
    for bad in ({"email": "x"}, {"email": "a@b.example", "role": "king"}, {}):
        assert post(office.owner, "/user-invitations", **bad).status == 400


DASHBOARD = [e for e in ENDPOINTS if e.access is Access.PERSON and "mandates" not in e.path and "files" not in e.path]


@pytest.mark.parametrize("endpoint", DASHBOARD, ids=lambda e: f"{e.verb} {e.path}")
def test_other_tokens_are_refused_and_roles_hold(office: Office, endpoint: Any) -> None:
    assert office.street.caller.integration is not None
    ids = {"integrationId": str(office.street.caller.integration.id), "accountId": str(office.street.account.id)}
    path = re.sub(r"\{(\w+)\}", lambda match: ids.get(match.group(1), ids["accountId"]), endpoint.path)
    body = {"data": {"attributes": {"name": "x", "email": "x@example.org", "accountId": ids["accountId"]}}}
    document = body if endpoint.verb == "POST" else None
    refused = office.street.caller.call(endpoint.verb, path, document)
    assert refused.status == 403 and refused.code == "insufficientScope"
    assert office.owner.send(endpoint.verb, path).status == 401
    assert office.owner.call(endpoint.verb, "/ponto-connect" + path, document).status in {401, 404}
    if endpoint.verb != "GET":
        assert office.member.call(endpoint.verb, path, document).code == "insufficientScope"
    if "{integrationId}" in endpoint.path:
        assert office.neighbour.call(endpoint.verb, path, document).status == 404
    if endpoint.verb == "GET":
        reply = office.owner.call("GET", path)
        schema = openapi.document()["paths"][endpoint.path]["get"]["responses"]["200"]["content"]["application/json"]
        components = openapi.document()["components"]
        jsonschema.validate(json.loads(reply.body), {**schema["schema"], "components": components})


def test_a_token_ends_with_its_revocation_and_with_the_membership(office: Office) -> None:
    assert office.owner.get("/accounts").code == "insufficientScope"  # a person's token reads no integration's accounts
    assert office.owner.get("/").status == 200
    user, organization = office.street.owner.user, office.street.owner.organization
    [token] = personal_tokens_of(user, organization)
    assert token.last_used_at is not None
    with pytest.raises(NotFound):
        revoke_personal_token(user, office.street.foreign.organization, token.id, NOW)
    revoke_personal_token(user, organization, token.id, NOW)
    assert office.owner.get("/me").code == "credentialsInvalid"
    Membership.objects.filter(organization=organization, role=Role.MEMBER).delete()
    assert office.member.get("/me").status == 401
    actions = set(AuditRecord.objects.values_list("action", flat=True))
    assert {"personal_token.created", "personal_token.revoked"} <= actions


def test_the_number_of_tokens_is_limited(office: Office) -> None:
    owner = office.street.owner
    with pytest.raises(Problem, match="20 tokens"):
        for _ in range(21):
            create_personal_token(owner.user, owner.organization, name="x", now=NOW)


def test_lists_are_walked_like_all_others(office: Office) -> None:
    for number in range(5):
        post(office.owner, "/integrations", name=f"No. {number}")
    first = office.owner.get("/integrations?limit=2").json
    assert first["links"]["first"] == f"{BASE}/integrations?limit=2"
    second = office.owner.follow(first["links"]["next"]).json
    assert [each["attributes"]["name"] for each in first["data"] + second["data"]] == [f"No. {n}" for n in (4, 3, 2, 1)]
    foreign = first["data"][0]["id"]
    assert office.neighbour.get(f"/integrations?after={foreign}").code == "invalidCursor"


def test_examples_have_the_shape_of_real_answers(office: Office) -> None:
    assert office.street.caller.integration is not None
    open_invitation = data(post(office.owner, "/user-invitations", email="else@example.org"))["id"]
    ids = {
        "integrationId": str(office.street.caller.integration.id), "accountId": str(office.street.account.id),
        "invitationId": open_invitation,
    }  # fmt: skip
    for endpoint in sorted(DASHBOARD, key=lambda each: each.verb == "DELETE"):
        body = examples.body_of(endpoint.verb, endpoint.path)
        if body is not None and "accountId" in body["data"]["attributes"]:
            body["data"]["attributes"]["accountId"] = str(office.street.hidden.id)
        path = re.sub(r"\{(\w+)\}", lambda match: ids[match.group(1)], endpoint.path)
        reply = office.owner.call(endpoint.verb, path, body)
        assert reply.status == endpoint.status, reply.body
        require_shape_of_example(reply, endpoint.verb, endpoint.path)
