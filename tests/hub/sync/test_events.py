"""What a run tells (hub-api.md section 10): each change once, also where its worker died, and silence only never."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal

import pytest
from tests.hub.accounts.factories import make_account
from tests.hub.sync.scripted_bank import ScriptedBank
from tests.hub.sync.test_engine import Clock, Killed, events, synchronize

from nostro.hub.sync import engine
from nostro.hub.sync.services import request_synchronization

pytestmark = pytest.mark.django_db


@pytest.fixture
def account():
    return make_account()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def bank():
    bank = ScriptedBank(limit=None)
    for number in range(4):
        bank.add(f"-{number + 1}.00", 25 + number, entry_reference=f"r{number}")
    return bank


def test_a_removed_row_is_told_as_a_change(account, bank, clock):
    synchronize(account, bank, clock)
    bank.rows.pop()
    told = len(events())
    synchronize(account, bank, clock)
    assert events()[told:] == [("synchronization.succeededWithoutChange", None)], (
        "absent once may be the bank's mistake"
    )
    synchronize(account, bank, clock)
    assert events()[told + 1 :] == [("account.transactionsUpdated", 1)]


def test_a_changed_balance_is_told_once_though_its_worker_died(account, bank, clock):
    synchronize(account, bank, clock)
    told = len(events())
    bank.balance += Decimal("5.00")
    run = request_synchronization(account, trigger="person", now=clock())

    def dies(point: str) -> None:
        if point == "balances stored":
            raise Killed

    with pytest.raises(Killed):
        engine.run(run.pk, clock=clock, bank_opener=bank.open, randomness=random.Random(1), reached=dies)
    clock.now += dt.timedelta(minutes=3)
    done = engine.run(run.pk, clock=clock, bank_opener=bank.open, randomness=random.Random(1))
    assert done is not None and done.status == "success"
    assert events()[told:] == [("account.detailsUpdated", None)]
