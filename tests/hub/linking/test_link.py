"""Linking against the real sandbox bank, and everything that goes wrong on the way."""

from __future__ import annotations

import datetime as dt

import pytest
from tests.hub.linking.bank import Person, free_port
from tests.hub.linking.conftest import PSU, World, now

from nostro.connectors.contract import Decoupled, Failed, Finished, PsuInput, Redirect
from nostro.core.ids import new_id
from nostro.hub.accounts.models import Account
from nostro.hub.accounts.queries import accounts_of_connection
from nostro.hub.billing.services import save_billing_information
from nostro.hub.directory.models import Institution, Route
from nostro.hub.linking.connectors import connectors_for
from nostro.hub.linking.consents import connection_handle
from nostro.hub.linking.models import Authorisation, Connection, Consent
from nostro.hub.linking.queries import access_authorisation, access_connection, connections_of, consent_days_left
from nostro.hub.linking.services import (
    cancel_authorisation,
    choose_accounts,
    continue_authorisation,
    disconnect,
    expire_authorisations,
    start_link,
)
from nostro.hub.linking.states import checksum, claim
from nostro.hub.organizations.models import Membership, Role
from nostro.keys.envelope import SealError
from nostro.people.models import AuditRecord
from nostro.web.errors import Forbidden, NotFound, Problem


def test_a_link_brings_the_accounts_that_were_chosen(world: World) -> None:
    authorisation, step = world.start()
    assert (authorisation.status, authorisation.step) == ("open", "Redirect")
    assert connections_of(world.organization) == []

    values = Person("user_multi_currency").approve(step.url)
    authorisation, finished = world.come_back(values)
    assert isinstance(finished, Finished)
    assert authorisation.status == "choosing"
    assert connections_of(world.organization) == [], "a connection is visible once its accounts are chosen"

    offered = accounts_of_connection(authorisation.connection)
    assert len(offered) == 3
    assert not any(account.is_selected for account in offered)
    chosen = choose_accounts(world.owner, authorisation.id, [offered[0].id, offered[1].id], now(), psu=PSU)
    assert [account.id for account in chosen] == [offered[0].id, offered[1].id]
    assert world.chosen == [chosen]

    connection = connections_of(world.organization)[0]
    assert (connection.health, connection.is_sandbox) == ("active", True)
    assert access_connection(world.owner, connection.id) == connection
    assert consent_days_left(connection, now().date()) in range(1, 181)
    assert all(a.authorisation_expires_at is not None for a in Account.objects.filter(connection_id=connection.id))
    assert AuditRecord.objects.filter(tenant_id=world.organization.id, action="connection.linked").count() == 1


def test_neither_the_handle_nor_the_consent_is_readable_in_the_database(world: World) -> None:
    authorisation, step = world.start()
    sealed = bytes(Authorisation.objects.get().sealed_state or b"")
    values = Person().approve(step.url)
    assert bytes(Authorisation.objects.get().state_checksum) == checksum(values["state"])
    world.come_back(values)
    consent_id = connection_handle(authorisation.connection).consent.consent_id
    stored = Consent.objects.get()
    assert consent_id.encode() not in sealed + bytes(stored.sealed_consent_id)
    assert Authorisation.objects.get().sealed_state is None


def test_each_currency_is_an_account_of_its_own(world: World) -> None:
    _, accounts = world.link("user_multi_currency")
    assert len({account.currency for account in accounts}) > 1
    assert len({(account.reference, account.currency) for account in accounts}) == len(accounts)
    assert "XXX" not in {account.currency for account in accounts}


def test_a_replayed_callback_changes_nothing(world: World) -> None:
    authorisation, step = world.start()
    values = Person().approve(step.url)
    world.come_back(values)
    with pytest.raises(Problem) as refused:
        world.come_back(values)
    assert refused.value.code == "stateUsed"
    choose_accounts(world.owner, authorisation.id, [accounts_of_connection(authorisation.connection)[0].id], now())
    with pytest.raises(Problem) as refused:
        world.come_back(values)
    assert refused.value.code == "stateUsed"
    assert Consent.objects.count() == 1


def test_a_callback_of_another_person_is_refused_and_does_not_spend_the_state(world: World) -> None:
    _, step = world.start()
    values = Person().approve(step.url)
    for other in (world.colleague, world.stranger):
        with pytest.raises(Problem) as refused:
            world.come_back(values, other)
        assert (refused.value.code, refused.value.status) == ("stateOfSomebodyElse", 403)
    assert isinstance(world.come_back(values)[1], Finished)


def test_a_person_who_lost_their_role_meanwhile_cannot_finish(world: World) -> None:
    _, step = world.start(world.colleague)
    values = Person().approve(step.url)
    membership = Membership.objects.get(user=world.colleague)
    membership.role = Role.MEMBER
    membership.save()
    with pytest.raises(Forbidden):
        world.come_back(values, world.colleague)
    membership.delete()
    with pytest.raises(Problem) as refused:
        world.come_back(values, world.colleague)
    assert refused.value.code == "stateUnknown"


def test_a_made_up_state_is_refused(world: World) -> None:
    for state in ("", "x", "\x00", "a" * 43):
        with pytest.raises(Problem) as refused:
            world.come_back({"state": state})
        assert refused.value.code == "stateUnknown"


def test_a_callback_without_a_visit_to_the_bank_proves_nothing(world: World) -> None:
    authorisation, step = world.start()
    authorisation, waiting = continue_authorisation(
        world.owner, authorisation_id=authorisation.id, answer=PsuInput("callback"), psu=PSU, now=now()
    )
    assert isinstance(waiting, Decoupled)
    assert (authorisation.status, authorisation.step, authorisation.step_number) == ("open", "Decoupled", 2)
    assert not Consent.objects.exists()
    assert isinstance(world.come_back(Person().approve(step.url))[1], Finished)


def test_a_consent_cancelled_at_the_bank_leaves_no_connection(world: World) -> None:
    authorisation, step = world.start()
    authorisation, failed = world.come_back(Person().deny(step.url))
    assert isinstance(failed, Failed)
    assert authorisation.status == "cancelled"
    assert authorisation.error_reason == failed.error.reason
    assert connections_of(world.organization) == []
    assert not Account.objects.exists()
    with pytest.raises(NotFound):
        access_connection(world.owner, authorisation.connection_id)


def test_an_expired_state_is_refused_and_its_connection_gone(world: World) -> None:
    authorisation, step = world.start()
    values = Person().approve(step.url)
    late = now() + dt.timedelta(minutes=31)
    with pytest.raises(Problem) as refused:
        continue_authorisation(
            world.owner, state_token=values["state"], answer=PsuInput("callback", values), psu=PSU, now=late
        )
    assert refused.value.code == "stateExpired"
    authorisation.refresh_from_db()
    assert (authorisation.status, authorisation.sealed_state) == ("expired", None)
    assert Connection.objects.get().removed_at == late


def test_a_bank_that_is_down_at_the_start_leaves_nothing(world: World) -> None:
    Route.objects.update(base_url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Problem) as refused:
        world.start()
    assert refused.value.code == "AspspUnavailable"
    assert refused.value.why
    assert refused.value.what_to_do
    assert not Authorisation.objects.exists()
    assert not Connection.objects.exists()


def test_a_bank_that_is_down_at_the_return_can_be_asked_again(world: World, bank_address: str) -> None:
    _, step = world.start()
    values = Person().approve(step.url)
    Route.objects.update(base_url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(Problem) as refused:
        world.come_back(values)
    assert refused.value.code == "AspspUnavailable"
    assert not Consent.objects.exists()
    Route.objects.update(base_url=bank_address)
    assert isinstance(world.come_back(values)[1], Finished)


def test_cancelling_twice_is_as_good_as_once(world: World) -> None:
    authorisation, step = world.start()
    cancel_authorisation(world.owner, authorisation.id, now())
    cancel_authorisation(world.owner, authorisation.id, now())
    with pytest.raises(Problem) as refused:
        world.come_back(Person().approve(step.url))
    assert refused.value.code == "stateCancelled"
    assert Connection.objects.filter(removed_at=None).count() == 0


def test_cancelling_at_the_choice_gives_the_consent_back_to_the_bank(world: World) -> None:
    authorisation, step = world.start()
    world.come_back(Person().approve(step.url))
    handle = connection_handle(authorisation.connection)
    cancel_authorisation(world.owner, authorisation.id, now())
    connector, _ = connectors_for(authorisation.connection.route)
    assert connector.get_consent(handle).status == "terminatedByTpp"
    assert Consent.objects.get().is_current is False
    assert not Account.objects.filter(removed_at=None).exists()
    with pytest.raises(Problem) as refused:
        choose_accounts(world.owner, authorisation.id, [Account.objects.all()[0].id], now())
    assert refused.value.code == "stateExpired"


def test_abandoned_authorisations_are_ended_by_the_housekeeping(world: World) -> None:
    world.start()
    authorisation, step = world.start()
    world.come_back(Person().approve(step.url))
    handle = connection_handle(authorisation.connection)
    assert expire_authorisations(now()) == 0
    assert expire_authorisations(now() + dt.timedelta(hours=25)) == 2
    assert set(Authorisation.objects.values_list("status", flat=True)) == {"expired"}
    assert not Connection.objects.filter(removed_at=None).exists()
    connector, _ = connectors_for(authorisation.connection.route)
    assert connector.get_consent(handle).status == "terminatedByTpp"


def test_a_choice_is_made_once_and_only_among_the_offered(world: World) -> None:
    authorisation, step = world.start()
    world.come_back(Person().approve(step.url))
    offered = accounts_of_connection(authorisation.connection)
    for ids, code in (([], "accountsMissing"), ([offered[0].id, new_id()], "accountUnknown")):
        with pytest.raises(Problem) as refused:
            choose_accounts(world.owner, authorisation.id, ids, now())
        assert refused.value.code == code
    assert world.chosen == []
    choose_accounts(world.owner, authorisation.id, [offered[0].id], now())
    with pytest.raises(Problem) as refused:
        choose_accounts(world.owner, authorisation.id, [offered[1].id], now())
    assert refused.value.code == "accountsChosen"
    assert len(world.chosen) == 1


def test_linking_the_same_bank_again_takes_the_accounts_over_and_ends_the_empty_connection(world: World) -> None:
    first, accounts = world.link()
    old = connection_handle(first)
    second, again = world.link()
    assert {account.id for account in again} == {account.id for account in accounts}
    assert connections_of(world.organization) == [second]
    connector, _ = connectors_for(first.route)
    assert connector.get_consent(old).status == "terminatedByTpp"


def test_cancelling_a_second_link_gives_the_accounts_back_to_the_first(world: World) -> None:
    first, accounts = world.link()
    before = {a.id: (a.connection_id, a.resource_id, a.removed_at, a.is_selected) for a in Account.objects.all()}
    authorisation, step = world.start()
    world.come_back(Person().approve(step.url))
    cancel_authorisation(world.owner, authorisation.id, now())
    after = {a.id: (a.connection_id, a.resource_id, a.removed_at, a.is_selected) for a in Account.objects.all()}
    assert after == before
    connector, _ = connectors_for(first.route)
    assert len(connector.list_accounts(connection_handle(first), PSU)) == len(accounts)


def test_disconnecting_gives_the_consent_back_and_keeps_what_was_read(world: World) -> None:
    connection, accounts = world.link()
    handle = connection_handle(connection)
    disconnect(world.owner, connection.id, now())
    disconnect(world.owner, connection.id, now())
    connector, _ = connectors_for(connection.route)
    assert connector.get_consent(handle).status == "terminatedByTpp"
    assert connections_of(world.organization) == []
    assert Account.objects.filter(removed_at=None).count() == 0
    assert Account.objects.count() == len(accounts)
    assert AuditRecord.objects.filter(action="connection.disconnected").count() == 1


def test_linking_again_after_disconnecting_brings_the_same_accounts_back(world: World) -> None:
    connection, accounts = world.link()
    disconnect(world.owner, connection.id, now())
    again, found = world.link()
    assert again.id != connection.id
    assert {account.id for account in found} == {account.id for account in accounts}
    assert Account.objects.filter(removed_at=None, connection_id=again.id).count() == len(accounts)


def test_a_route_of_an_unknown_connector_is_no_route(world: World) -> None:
    Route.objects.update(connector="carrier_pigeon")
    with pytest.raises(Problem) as refused:
        world.start()
    assert refused.value.code == "noRoute"


def test_disconnecting_works_while_the_bank_is_down(world: World) -> None:
    connection, _ = world.link()
    Route.objects.update(base_url=f"http://127.0.0.1:{free_port()}")
    disconnect(world.owner, connection.id, now())
    assert connections_of(world.organization) == []


def test_strangers_find_nothing_and_colleagues_may_not_finish_for_others(world: World) -> None:
    authorisation, _ = world.start()
    connection, _ = world.link()
    answers = set()
    for each in (authorisation.id, new_id()):
        with pytest.raises(NotFound) as refused:
            access_authorisation(world.stranger, each)
        answers.add(refused.value.what)
    assert len(answers) == 1
    for verb in (
        lambda: access_connection(world.stranger, connection.id),
        lambda: disconnect(world.stranger, connection.id, now()),
        lambda: cancel_authorisation(world.stranger, authorisation.id, now()),
        lambda: choose_accounts(world.stranger, authorisation.id, [], now()),
        lambda: start_link(world.stranger, world.organization, world.institution, is_sandbox=True, psu=PSU, now=now()),
    ):
        with pytest.raises(NotFound):
            verb()
    with pytest.raises(Forbidden):
        access_authorisation(world.colleague, authorisation.id)
    assert access_connection(world.colleague, connection.id) == connection


def test_plain_members_may_look_but_not_link(world: World) -> None:
    connection, _ = world.link()
    Membership.objects.filter(user=world.colleague).update(role=Role.MEMBER)
    assert access_connection(world.colleague, connection.id) == connection
    with pytest.raises(Forbidden):
        world.start(world.colleague)
    with pytest.raises(Forbidden):
        disconnect(world.colleague, connection.id, now())


def test_a_live_account_needs_billing_information_and_a_route(world: World) -> None:
    live = Institution.objects.create(name="Real Bank", folded_name="real bank", country="BE")

    def start() -> None:
        start_link(world.owner, world.organization, live, is_sandbox=False, psu=PSU, now=now())

    with pytest.raises(Problem) as refused:
        start()
    assert refused.value.code == "billingIncomplete"
    address = {"legal_name": "Acme", "street": "Wetstraat 1", "postal_code": "1000", "city": "Brussel"}
    save_billing_information(
        world.owner, world.organization, {**address, "country": "BE", "email": "a@example.org"}, now=now()
    )
    with pytest.raises(Problem) as refused:
        start()
    assert refused.value.code == "noRoute"


def test_test_banks_stay_in_the_sandbox(world: World) -> None:
    with pytest.raises(Problem) as refused:
        start_link(world.owner, world.organization, world.institution, is_sandbox=False, psu=PSU, now=now())
    assert refused.value.code == "wrongMode"


def test_a_sealed_state_opens_in_its_own_row_and_step_only(world: World) -> None:
    first, _ = world.start()
    second, step = world.start()
    assert isinstance(step, Redirect)
    stolen = first.sealed_state
    Authorisation.objects.filter(pk=second.pk).update(sealed_state=stolen)
    second.sealed_state = stolen
    with pytest.raises(SealError):
        claim(second, now())
    Authorisation.objects.filter(pk=first.pk).update(step_number=2)
    first.step_number = 2
    with pytest.raises(SealError):
        claim(first, now())
