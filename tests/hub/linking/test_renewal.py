"""Renewing in place: the old consent works until the new one does."""

from __future__ import annotations

import pytest
from tests.hub.linking.bank import Person
from tests.hub.linking.conftest import PSU, World, now

from nostro.connectors.contract import Failed, Finished, Redirect
from nostro.connectors.errors import ConsentUnknown
from nostro.hub.accounts.models import Account
from nostro.hub.accounts.queries import accounts_of_connection
from nostro.hub.linking.connectors import connectors_for
from nostro.hub.linking.consents import connection_handle, set_consent_status
from nostro.hub.linking.health import set_connection_health
from nostro.hub.linking.models import Authorisation, Connection, Consent, Health
from nostro.hub.linking.queries import consent_days_left
from nostro.hub.linking.services import cancel_authorisation, choose_accounts, disconnect, start_renewal
from nostro.web.errors import NotFound, Problem


def renew(world: World, connection: Connection) -> tuple[Authorisation, Redirect]:
    authorisation, step = start_renewal(world.owner, connection.id, psu=PSU, now=now())
    assert isinstance(step, Redirect)
    return authorisation, step


def test_a_renewal_swaps_the_consent_and_keeps_ids_names_and_choice(world: World) -> None:
    connection, accounts = world.link("user_multi_currency")
    Account.objects.filter(pk=accounts[0].pk).update(name="Main account")
    Account.objects.filter(pk=accounts[2].pk).update(is_selected=False)
    set_connection_health(
        connection, Health.PSU_ACTION_REQUIRED, code="CONSENT_EXPIRED", consecutive_failures=3, now=now()
    )
    before = connection_handle(connection)

    authorisation, step = renew(world, connection)
    assert connection_handle(connection).consent.consent_id == before.consent.consent_id
    authorisation, finished = world.come_back(Person("user_multi_currency").approve(step.url))
    assert isinstance(finished, Finished)
    assert authorisation.status == "finished", "no new account, so there is nothing to choose"

    after = connection_handle(connection)
    assert after.consent.consent_id != before.consent.consent_id
    connector, _ = connectors_for(connection.route)
    assert connector.get_consent(before).status == "terminatedByTpp"
    assert connector.get_consent(after).status == "valid"
    assert Consent.objects.filter(is_current=True).count() == 1
    rows = {account.id: account for account in Account.objects.all()}
    assert set(rows) == {account.id for account in accounts}
    assert rows[accounts[0].id].name == "Main account"
    assert [rows[account.id].is_selected for account in accounts] == [True, True, False]
    connection.refresh_from_db()
    assert (connection.health, connection.health_code, connection.consecutive_failures) == ("active", "", 0)
    assert {account.id for account in world.chosen[-1]} == {accounts[0].id, accounts[1].id}


def test_an_abandoned_or_denied_renewal_leaves_the_old_consent_working(world: World) -> None:
    connection, accounts = world.link()
    before = connection_handle(connection).consent.consent_id
    cancelled, _ = renew(world, connection)
    cancel_authorisation(world.owner, cancelled.id, now())
    _, step = renew(world, connection)
    _, failed = world.come_back(Person().deny(step.url))
    assert isinstance(failed, Failed)
    connection.refresh_from_db()
    assert connection.removed_at is None
    assert connection_handle(connection).consent.consent_id == before
    connector, _ = connectors_for(connection.route)
    assert len(connector.list_accounts(connection_handle(connection), PSU)) == len(accounts)


def test_a_second_renewal_replaces_the_first(world: World) -> None:
    connection, _ = world.link()
    _, first = renew(world, connection)
    _, second = renew(world, connection)
    with pytest.raises(Problem) as refused:
        world.come_back(Person().approve(first.url))
    assert refused.value.code == "stateCancelled"
    assert isinstance(world.come_back(Person().approve(second.url))[1], Finished)


def test_a_renewal_with_another_login_is_refused(world: World) -> None:
    connection, _ = world.link("user_good")
    before = connection_handle(connection).consent.consent_id
    _, step = renew(world, connection)
    authorisation, failed = world.come_back(Person("user_multi_currency").approve(step.url))
    assert isinstance(failed, Failed)
    assert "none of the accounts" in failed.error.reason
    assert authorisation.status == "failed"
    assert connection_handle(connection).consent.consent_id == before
    assert Consent.objects.count() == 1


def test_an_account_missing_from_the_new_consent_says_so(world: World) -> None:
    connection, accounts = world.link()
    _, step = renew(world, connection)
    world.come_back(Person().approve(step.url, at_most=1))
    healths = sorted(Account.objects.values_list("health", "health_code"))
    assert healths == [("active", ""), *[("degraded", "accountNotInConsent")] * (len(accounts) - 1)]
    assert len(world.chosen[-1]) == 1


def test_a_new_account_in_the_renewed_consent_waits_for_a_choice(world: World) -> None:
    authorisation, step = world.start()
    world.come_back(Person().approve(step.url, at_most=1))
    [only] = accounts_of_connection(authorisation.connection)
    choose_accounts(world.owner, authorisation.id, [only.id], now(), psu=PSU)
    _, step = renew(world, authorisation.connection)
    renewal, _ = world.come_back(Person().approve(step.url))
    assert renewal.status == "choosing"
    assert [account.id for account in world.chosen[-1]] == [only.id], "what was read before goes on at once"
    offered = accounts_of_connection(authorisation.connection)
    assert [account.is_selected for account in offered].count(True) == 1
    cancel_authorisation(world.owner, renewal.id, now())
    renewal.refresh_from_db()
    assert renewal.status == "finished"
    assert connection_handle(authorisation.connection).consent.status == "valid"


def test_days_left_follow_the_current_consent(world: World) -> None:
    connection, _ = world.link()
    valid_until = Consent.objects.get().valid_until
    assert valid_until is not None
    assert consent_days_left(connection, valid_until) == 0
    set_consent_status(connection, "expired", raw_status="expired", now=now())
    assert consent_days_left(connection, now().date()) == 0
    assert connection_handle(connection).consent.status == "expired"


def test_an_ended_connection_has_no_consent_and_cannot_be_renewed(world: World) -> None:
    connection, _ = world.link()
    disconnect(world.owner, connection.id, now())
    with pytest.raises(ConsentUnknown):
        connection_handle(connection)
    with pytest.raises(NotFound):
        start_renewal(world.owner, connection.id, psu=PSU, now=now())


def test_health_keeps_its_beginning_while_it_lasts(world: World) -> None:
    connection, _ = world.link()
    first, later = now(), now()
    set_connection_health(connection, Health.DEGRADED, code="a", now=first)
    set_connection_health(connection, Health.DEGRADED, code="b", now=later)
    connection.refresh_from_db()
    assert (connection.health_since, connection.health_code) == (first, "b")
