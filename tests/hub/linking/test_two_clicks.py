"""Two requests with one state at the same time: one wins, the other is told so."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection as database
from tests.hub.linking.bank import Person
from tests.hub.linking.conftest import make_world, now

from nostro.connectors.contract import Finished
from nostro.hub.accounts.queries import accounts_of_connection
from nostro.hub.linking.models import Authorisation, Consent
from nostro.hub.linking.services import choose_accounts
from nostro.people.models import AuditRecord
from nostro.web.errors import Problem


@pytest.mark.django_db(transaction=True)
def test_of_two_simultaneous_clicks_one_wins(bank_address: str) -> None:
    world = make_world(bank_address)
    authorisation, step = world.start()
    values = Person().approve(step.url)
    gate = Barrier(2)

    def come_back(_: int) -> str:
        gate.wait(10)
        try:
            step = world.come_back(values)[1]
            return type(step).__name__
        except Problem as refused:
            return refused.code
        finally:
            database.close()

    with ThreadPoolExecutor(2) as pool:
        results = sorted(pool.map(come_back, range(2)))
    assert results[0] == Finished.__name__
    assert results[1] in {"stateInUse", "stateUsed"}
    assert Consent.objects.count() == 1

    account = accounts_of_connection(authorisation.connection)[0]

    def choose(_: int) -> str:
        gate.wait(10)
        try:
            choose_accounts(world.owner, authorisation.id, [account.id], now())
            return "chosen"
        except Problem as refused:
            return refused.code
        finally:
            database.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(choose, range(2))) == ["accountsChosen", "chosen"]
    assert Authorisation.objects.get().status == "finished"
    assert AuditRecord.objects.filter(action="connection.linked").count() == 1
