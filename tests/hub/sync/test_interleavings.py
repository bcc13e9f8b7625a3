"""What happens to an account while it is read: a renewed consent, a schedule that is due, a mended set-up."""

from __future__ import annotations

import datetime as dt
import random
import threading

import pytest
from django.db import connection, transaction
from procrastinate.contrib.django.models import ProcrastinateJob
from tests import factories
from tests.hub.accounts.factories import NOW, make_account, make_member, make_organization
from tests.hub.sync.scripted_bank import ScriptedBank
from tests.hub.sync.test_engine import PERSON, Clock, Killed, kill_at, stored, synchronize, truth

from nostro.connectors.errors import ConsentExpired, TppConfigInvalid
from nostro.hub.accounts.models import Account, RawAnswer
from nostro.hub.linking.models import Connection
from nostro.hub.sync import engine, reading
from nostro.hub.sync.first_runs import start_first_runs
from nostro.hub.sync.models import Schedule, Synchronization
from nostro.hub.sync.schedule import lock_schedule, schedule_of
from nostro.hub.sync.services import request_synchronization
from nostro.hub.sync.tasks import start_due, take_over_expired

pytestmark = pytest.mark.django_db


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def bank():
    bank = ScriptedBank(limit=None)
    for number in range(8):
        bank.add(f"-{number + 1}.00", 3 + number, entry_reference=f"r{number}")
    return bank


@pytest.fixture
def account():
    made = make_account()
    renew(made, NOW - dt.timedelta(days=170))
    return made


def renew(account, now, user=None):
    """What linking does in one transaction when a new consent has taken the place of the old one."""
    with transaction.atomic():
        Account.objects.filter(pk=account.pk).update(authorised_at=now, health="active")
        account.refresh_from_db()
        if user is not None:
            start_first_runs(None, accounts=[account], now=now, user=user, psu=PERSON)


@pytest.mark.parametrize("subtype", ["accountTransactionsWithUnsettled", "accountDetails"])
@pytest.mark.parametrize("at", [1, 2, 3], ids=["balances", "first page", "second page"])
def test_a_run_that_reads_while_the_person_renews_begins_anew_through_the_new_consent(
    account, bank, clock, at, subtype
):
    """The bank refuses the old consent from the renewal on. Who reads through it must not call the new one ended."""
    user, calls = make_member(account.organization), []

    def bank_side(endpoint):
        calls.append(endpoint)
        if len(calls) == at:
            clock.now += dt.timedelta(minutes=1)
            renew(account, clock(), user)
            bank.failures = {"balances": [ConsentExpired()], "transactions": [ConsentExpired()]}

    bank.before_call = bank_side
    run = request_synchronization(account, trigger="integration", now=NOW, subtype=subtype)
    done = engine.run(run.pk, clock=clock, bank_opener=bank.open, holder="old")
    if subtype == "accountDetails" and at > 1:
        assert done.status == "success", "balances only, read before the renewal"
        return
    assert done is None, "the old worker has lost its lease"
    run.refresh_from_db()
    assert (run.status, run.attempts, run.pages, run.customer_online) == ("pending", 0, 0, True)
    bank.before_call, bank.failures = None, {}
    assert ProcrastinateJob.objects.filter(args__synchronization_id=str(run.pk)).count() == 1
    done = engine.run(run.pk, clock=clock, bank_opener=bank.open, holder="new")
    account.refresh_from_db()
    assert (done.status, account.health) == ("success", "active")
    assert bank.calls[-1][1] is True, "the person who renewed is present"
    schedule = Schedule.objects.get(account=account)
    if subtype == "accountDetails":
        assert schedule.next_run_at == clock(), "the history follows at once"
    else:
        assert stored(account) == truth(bank) and schedule.next_run_at > clock()


@pytest.mark.parametrize("number", range(1, 14))
def test_a_run_that_began_anew_and_died_takes_up_no_page_of_the_old_consent(account, bank, clock, number):
    run = request_synchronization(account, trigger="schedule", now=NOW)
    with pytest.raises(Killed):
        engine.run(run.pk, clock=clock, bank_opener=bank.open, reached=kill_at(8), holder="old")
    assert RawAnswer.objects.filter(synchronization_id=run.pk, kind="transactions").exists()
    clock.now += dt.timedelta(minutes=1)
    renew(account, clock(), make_member(account.organization))
    assert not RawAnswer.objects.filter(synchronization_id=run.pk).exists()
    bank.page_size = 2
    with pytest.raises(Killed):
        engine.run(run.pk, clock=clock, bank_opener=bank.open, reached=kill_at(number), holder="new")
    clock.now += dt.timedelta(minutes=3)
    take_over_expired(clock())
    engine.run(run.pk, clock=clock, bank_opener=bank.open, holder="next")
    run.refresh_from_db()
    assert (run.status, run.rows_read, run.created_count) == ("success", 8, 8)
    assert stored(account) == truth(bank)


def test_a_run_for_the_balances_only_does_not_take_the_place_of_a_planned_reading(account, bank, clock):
    synchronize(account, bank, clock)
    run = request_synchronization(account, trigger="integration", now=clock(), subtype="accountDetails")
    Schedule.objects.update(next_run_at=clock())
    assert start_due(clock(), random.Random(1)) == 0
    assert engine.run(run.pk, clock=clock, bank_opener=bank.open).status == "success"
    assert start_due(clock(), random.Random(1)) == 1
    assert Synchronization.objects.get(status="pending").subtype == "accountTransactionsWithUnsettled"


def test_links_of_the_consent_before_are_not_followed(account, bank, clock, monkeypatch):
    monkeypatch.setattr(reading, "TIME_LIMIT", dt.timedelta(0))

    def slow(endpoint):
        clock.now += dt.timedelta(seconds=1)

    bank.before_call = slow
    run = synchronize(account, bank, clock)
    assert run.to_be_continued and run.pages < 3
    monkeypatch.undo()
    clock.now += dt.timedelta(minutes=5)
    renew(account, clock(), make_member(account.organization))
    first = len(bank.calls)
    run = Synchronization.objects.get(account=account, status="pending")
    assert engine.run(run.pk, clock=clock, bank_opener=bank.open).status == "success"
    asked = [details[2] for endpoint, _, details in bank.calls[first:] if endpoint == "transactions"]
    assert asked == [None, "1", "2"], "the list is read from its beginning"
    assert stored(account) == truth(bank)


def test_when_the_operator_has_mended_the_set_up_all_accounts_of_the_connection_go_on(bank, clock):
    organization = make_organization()
    link = factories.connection(organization)
    accounts = [factories.account(organization, connection=link, is_selected=True) for _ in range(2)]
    for each in accounts:
        bank.failures = {"balances": [TppConfigInvalid()]}
        assert synchronize(each, bank, clock).status == "error"
    assert Connection.objects.get(pk=link.pk).health == "disabled"
    assert not Schedule.objects.exclude(next_run_at=None).exists()
    bank.failures = {}
    clock.now += dt.timedelta(hours=1)
    assert synchronize(accounts[0], bank, clock).status == "success"
    assert Connection.objects.get(pk=link.pk).health == "active"
    assert start_due(clock(), random.Random(1)) == 1
    assert Synchronization.objects.get(status="pending").account_id == accounts[1].pk


@pytest.mark.django_db(transaction=True)
def test_the_schedule_does_not_wait_for_an_account_that_is_being_written():
    """Else it would hold the rows of other accounts, and could wait for a run that waits for it."""
    written, free = make_account(), make_account(make_organization("Other"))
    for each in (written, free):
        schedule_of(each)
    Schedule.objects.update(next_run_at=NOW)
    locked, looked = threading.Event(), threading.Event()

    def write():
        with transaction.atomic():
            Account.objects.select_for_update(no_key=True).get(pk=written.pk)
            locked.set()
            assert looked.wait(20)
            lock_schedule(written).save()
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    assert locked.wait(20)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '2s'")
        assert start_due(NOW, random.Random(1)) == 1
        looked.set()
    writer.join()
    assert Synchronization.objects.get().account_id == free.pk
    assert start_due(NOW, random.Random(1)) == 1
