"""Who may see which page: one walk over all addresses of the Hub."""

from __future__ import annotations

import datetime as dt

import pytest
from django.urls import URLPattern, reverse
from tests import factories
from tests.hub.pages.conftest import World, browser, make_authorisation
from tests.hub.pages.imports import make_import

from nostro.core.ids import new_id
from nostro.hub.integrations.models import Integration
from nostro.hub.integrations.personal import create_personal_token
from nostro.hub.linking.models import Authorisation, Connection
from nostro.hub.mandates.services import accept_mandate, create_integration_under_mandate, give_mandate
from nostro.hub.organizations.invitations import invite
from nostro.hub.organizations.models import Organization
from nostro.hub.pages.urls import urlpatterns
from nostro.people.models import User

#: Addresses that name nothing of an organization: everybody who is signed in may ask.
OF_NOBODY = {"overview", "new_organization", "link_return", "join", "offered_mandates"}
#: What only administrators may do, by the method that does it.
FOR_ADMINISTRATORS = {
    "billing": "get",
    "find_bank": "get",
    "share": "get",
    "add_integration": "get",
    "integration": "post",
    "integration_secret": "get",
    "new_secret": "post",
    "revoke_integration": "post",
    "webhook": "post",
    "replay_webhook": "post",
    "replace_token": "post",
    "revoke_token": "post",
    "sign_payment": "post",
    "decline_payment": "post",
    "renew": "post",
    "disconnect": "post",
    "at_the_bank": "get",
    "ask_bank": "post",
    "answer_bank": "post",
    "cancel_link": "post",
    "choose_accounts": "get",
    "first_import": "get",
    "accept_gap": "post",
    "plan_readings": "post",
    "bring_back": "post",
    "decide_double": "post",
    "undo_double": "post",
    "raw_answer": "get",
    "files": "post",
    "account_files": "post",
    "file": "post",
    "discard_file": "post",
    "undo_file": "post",
    "file_reading": "get",
    "mapping_file": "get",
    "people": "post",
    "withdraw_invitation": "post",
    "member": "post",
    "remove_member": "post",
    "organization_settings": "get",
    "trail": "get",
    "mandates": "post",
    "given_mandate": "post",
    "withdraw_mandate": "post",
    "received_mandate": "post",
    "accept_mandate": "post",
    "give_back_mandate": "post",
    "copied_under_mandate": "post",
    "revoke_under_mandate": "post",
}
ONLY_POST = {
    "rename_account", "plan_readings", "synchronize", "ask_bank", "answer_bank", "cancel_link", "renew", "disconnect",
    "new_secret",
    "revoke_integration", "replay_webhook", "replace_token", "revoke_token", "accept_gap", "bring_back",
    "decide_double", "undo_double", "sign_payment", "decline_payment",
    "remove_member", "withdraw_invitation", "revoke_personal_token",
    "withdraw_mandate", "accept_mandate", "give_back_mandate",
    "copied_under_mandate", "revoke_under_mandate", "discard_file", "undo_file",
}  # fmt: skip


def _address(world: World, pattern: URLPattern) -> str:
    values = {
        "organization_id": world.organization.id,
        "account_id": world.account.id,
        "authorisation_id": world.authorisation.id,
        "connection_id": world.connection.id,
        "institution_id": world.institution.id,
        "transaction_id": world.transactions["EUR"].id,
        "integration_id": world.integration.id,
        "payment_id": world.payment.id,
        "mode": "sandbox",
        "run_id": world.run.id,
        "first_id": world.transactions["EUR"].id,
        "second_id": world.double.id,
        "decision_id": world.decision.id,
        "answer_id": world.answer_id,
        "invitation_id": new_id(),
        "membership_id": world.organization.memberships.get(user=world.owner).id,
        "token_id": new_id(),
        "secret": "unknown",
        "mandate_id": new_id(),
    }
    if "mandate_id" in pattern.pattern.converters:
        values |= _mandate_of(world, str(pattern.name))
    if pattern.name == "revoke_personal_token":
        token, _ = create_personal_token(world.member, world.organization, name="Script", now=factories.NOW)
        values["token_id"] = token.id
    if pattern.name == "join":
        values["secret"] = invite(
            world.owner, world.organization, email="x@example.org", role="member", now=dt.datetime.now(dt.UTC)
        )[1]
    if "file_id" in pattern.pattern.converters:
        file = make_import(world.owner, world.account, imported=pattern.name == "undo_file")
        if pattern.name == "mapping_file":
            file.answers = {"mapping": {"date": "Booked on", "amount": "Amount"}}
            file.save(update_fields=["answers"])
        values["file_id"] = file.pk
    wanted = pattern.pattern.converters
    return reverse(f"hub:{pattern.name}", kwargs={name: values[name] for name in wanted})


def _mandate_of(world: World, name: str) -> dict[str, object]:
    """A mandate that the organization gave, or, where the address is about those, one that it received."""
    bakery, office = (world.owner, world.organization), _office()
    giver, receiver = (bakery, office) if name in {"given_mandate", "withdraw_mandate"} else (office, bakery)
    account = world.account if giver is bakery else factories.account(office[1])
    mandate = give_mandate(
        *giver, email=receiver[0].email, account_ids=[account.id], now=factories.NOW
    )  # fmt: skip
    if name == "accept_mandate":
        return {"mandate_id": mandate.id}
    accept_mandate(*receiver, mandate.id, factories.NOW)
    if "under" not in name:
        return {"mandate_id": mandate.id}
    made, _ = create_integration_under_mandate(
        *receiver, mandate.id, name="Books", is_sandbox=True, with_payments=False, now=factories.NOW
    )
    return {"mandate_id": mandate.id, "integration_id": made.id}


def _office() -> tuple[User, Organization]:
    membership = factories.membership()
    return membership.user, membership.organization


def _each(patterns: list[URLPattern]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("pattern", patterns, ids=lambda each: str(each.pattern))


every_address = _each(urlpatterns)
every_address_of_somebody = _each([each for each in urlpatterns if each.name not in OF_NOBODY])
every_page = _each([each for each in urlpatterns if each.name not in ONLY_POST])


@every_address
def test_nobody_sees_anything_without_signing_in(world: World, pattern: URLPattern) -> None:
    for method in ("get", "post"):
        response = getattr(browser(), method)(_address(world, pattern))
        assert response.status_code == 302, method
        assert response["Location"].startswith(reverse("account_login"))


@every_address_of_somebody
def test_a_neighbour_cannot_tell_the_object_from_one_that_never_was(world: World, pattern: URLPattern) -> None:
    client = browser(world.neighbour)
    method = "post" if pattern.name in ONLY_POST else "get"
    response = getattr(client, method)(_address(world, pattern))
    assert response.status_code == 404
    told = response.content.decode()
    for secret in ("Acme", "Bank of Ghent", "Books of Acme", "Rice", "On its way"):
        assert secret not in told
    assert Connection.objects.get(id=world.connection.id).removed_at is None
    assert Integration.objects.get(id=world.integration.id).revoked_at is None
    assert Authorisation.objects.get(id=world.authorisation.id).status == "open"


@every_address
def test_a_plain_member_is_refused_what_administrators_do(world: World, pattern: URLPattern) -> None:
    client = browser(world.member)
    method = FOR_ADMINISTRATORS.get(str(pattern.name))
    if method is None:
        method = "post" if pattern.name in ONLY_POST else "get"
        assert getattr(client, method)(_address(world, pattern)).status_code in {200, 302, 400}
    else:
        response = getattr(client, method)(_address(world, pattern))
        assert response.status_code == 403
        assert "Ask an owner or an administrator." in response.content.decode()
    assert Connection.objects.get(id=world.connection.id).removed_at is None
    assert Integration.objects.get(id=world.integration.id).revoked_at is None


def test_every_address_for_administrators_exists() -> None:
    names = {pattern.name for pattern in urlpatterns}
    assert set(FOR_ADMINISTRATORS) | ONLY_POST | OF_NOBODY <= names


@pytest.mark.parametrize("name", sorted(ONLY_POST))
def test_what_changes_something_is_not_done_by_following_a_link(world: World, name: str) -> None:
    pattern = next(each for each in urlpatterns if each.name == name)
    assert browser(world.owner).get(_address(world, pattern)).status_code == 405


def test_a_colleague_cannot_finish_what_somebody_else_began_at_the_bank(world: World) -> None:
    response = browser(world.admin).get(reverse("hub:at_the_bank", kwargs={"authorisation_id": world.authorisation.id}))
    assert response.status_code == 403


def test_a_member_sees_no_buttons_of_administrators(world: World) -> None:
    organization = {"organization_id": world.organization.id}
    seen = "".join(
        browser(world.member).get(address).content.decode()
        for address in (
            reverse("hub:accounts", kwargs={**organization, "mode": "sandbox"}),
            reverse("hub:account", kwargs={"account_id": world.account.id}),
            reverse("hub:integrations", kwargs={**organization, "mode": "sandbox"}),
            reverse("hub:integration", kwargs={"integration_id": world.integration.id}),
        )
    )
    for button in ("Add account", "Renew consent", "Disconnect bank", "Add integration", "Revoke", "Save accounts"):
        assert button not in seen
    assert "Synchronize now" in seen


@pytest.mark.parametrize("mode", ["live", "sandbox"])
def test_every_page_answers_for_an_organization_without_anything(db: None, mode: str) -> None:
    membership = factories.membership()
    client, organization = browser(membership.user), {"organization_id": membership.organization_id}
    for name in ("accounts", "integrations", "find_bank", "add_integration"):
        response = client.get(reverse(f"hub:{name}", kwargs={**organization, "mode": mode}))
        assert response.status_code == 200, name
    for name in ("transactions", "transactions_csv", "people", "billing"):
        assert client.get(reverse(f"hub:{name}", kwargs=organization), {"mode": mode}).status_code == 200, name


@every_page
def test_every_page_answers_its_owner_and_has_one_heading(world: World, pattern: URLPattern) -> None:
    response = browser(world.owner).get(_address(world, pattern), follow=True)
    if pattern.name == "link_return":
        assert response.status_code == 400  # nobody came from a bank
    else:
        assert response.status_code == 200
    if not response.streaming and pattern.name not in {"account_progress", "mapping_file"}:
        assert response.content.decode().count("<h1") == 1


def test_the_modes_of_an_address_are_live_and_sandbox(world: World) -> None:
    address = reverse("hub:accounts", kwargs={"organization_id": world.organization.id, "mode": "elsewhere"})
    assert browser(world.owner).get(address).status_code == 404


def test_the_renewal_of_a_neighbours_connection_stays_hidden(world: World) -> None:
    renewal = make_authorisation(world.connection, world.owner, purpose="renew")
    address = reverse("hub:at_the_bank", kwargs={"authorisation_id": renewal.id})
    assert browser(world.neighbour).get(address).status_code == 404
