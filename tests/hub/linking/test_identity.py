"""A renewed consent brings an account under a number that nobody has seen: new, or the same as one known before?"""

from __future__ import annotations

import pytest
from tests.hub.linking.bank import Person
from tests.hub.linking.conftest import PSU, World, now

from nostro.connectors.contract import Redirect
from nostro.hub.accounts.models import Account
from nostro.hub.linking.identity import renewal_questions
from nostro.hub.linking.models import Authorisation, Connection, IdentityDecision
from nostro.hub.linking.services import choose_accounts, start_renewal
from nostro.web.errors import Problem


def renew(world: World, connection: Connection) -> Authorisation:
    _started, step = start_renewal(world.owner, connection.id, psu=PSU, now=now())
    assert isinstance(step, Redirect)
    return world.come_back(Person().approve(step.url))[0]


@pytest.fixture
def renumbered(world: World) -> tuple[Connection, Account]:
    """The bank has given the first account another number since it was linked."""
    connection, accounts = world.link()
    account = accounts[0]
    account.account_key, account.reference = account.account_key.replace("iban:", "iban:OLD"), "BE00OLD"
    account.name = "Main account"
    account.save()
    return connection, account


def test_the_person_is_asked_and_nothing_is_decided_silently(
    world: World, renumbered: tuple[Connection, Account]
) -> None:
    connection, account = renumbered
    authorisation = renew(world, connection)
    assert authorisation.status == "choosing"
    [question] = renewal_questions(authorisation)
    assert [each.pk for each in question.candidates] == [account.pk]
    with pytest.raises(Problem) as refused:
        choose_accounts(world.owner, authorisation.id, [account.pk], now(), psu=PSU)
    assert refused.value.code == "identityUndecided"
    with pytest.raises(Problem):
        choose_accounts(
            world.owner, authorisation.id, [account.pk], now(), psu=PSU, same_as={question.account.pk: connection.pk}
        )
    authorisation.refresh_from_db()
    assert authorisation.status == "choosing"


def test_the_same_account_goes_on_and_is_not_asked_about_again(
    world: World, renumbered: tuple[Connection, Account]
) -> None:
    connection, account = renumbered
    count = Account.objects.count()
    authorisation = renew(world, connection)
    [question] = renewal_questions(authorisation)
    brought = question.account
    others = [each.pk for each in Account.objects.filter(is_selected=True)]
    choose_accounts(world.owner, authorisation.id, others, now(), psu=PSU, same_as={brought.pk: account.pk})
    account.refresh_from_db()
    assert (account.name, account.reference, account.health) == ("Main account", brought.reference, "active")
    assert account.resource_id == brought.resource_id
    assert Account.objects.count() == count
    decision = IdentityDecision.objects.get()
    assert (decision.account_id, decision.decided_by) == (account.pk, world.owner)

    again = renew(world, connection)
    assert again.status == "finished"
    assert Account.objects.count() == count
    account.refresh_from_db()
    assert account.health == "active"


def test_a_new_account_stays_one(world: World, renumbered: tuple[Connection, Account]) -> None:
    connection, account = renumbered
    authorisation = renew(world, connection)
    [question] = renewal_questions(authorisation)
    chosen = [account.pk, question.account.pk]
    choose_accounts(world.owner, authorisation.id, chosen, now(), psu=PSU, same_as={question.account.pk: None})
    account.refresh_from_db()
    assert account.health_code == "accountNotInConsent"
    assert Account.objects.get(pk=question.account.pk).is_selected
    assert renew(world, connection).status == "finished"
    assert IdentityDecision.objects.get().account_id == question.account.pk


def test_an_unanswered_question_is_asked_again_with_the_next_renewal(
    world: World, renumbered: tuple[Connection, Account]
) -> None:
    connection, _ = renumbered
    renew(world, connection)
    assert len(renewal_questions(renew(world, connection))) == 1
