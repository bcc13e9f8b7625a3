"""Limits of integrations (hub-api.md 7.3), the quota ledger, the plan, the first runs after linking."""

from __future__ import annotations

import datetime as dt
import random
import threading
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hub.accounts.factories import NOW, make_account, make_member, make_organization

from nostro.connectors.contract import UNATTENDED, PsuContext
from nostro.core.quota import Allowed
from nostro.hub.linking.signals import accounts_chosen
from nostro.hub.sync import lease, quota
from nostro.hub.sync.models import QuotaAccess, Schedule, Synchronization
from nostro.hub.sync.queries import access_synchronization, history, latest_synchronizations
from nostro.hub.sync.schedule import HOURS, next_planned_run, schedule_of
from nostro.hub.sync.services import RecentlySynchronized, plan_readings, request_synchronization, set_runs_per_day
from nostro.people.models import AuditRecord
from nostro.web.errors import Forbidden, NotFound, Problem

PERSON = PsuContext(True, ip="192.0.2.1")


def end(run):
    Synchronization.objects.filter(pk=run.pk).update(status="success")


def ask(account, seconds=0, psu=PERSON, **options):
    now = NOW + dt.timedelta(seconds=seconds)
    return request_synchronization(account, trigger="integration", now=now, psu=psu, **options)


@pytest.mark.django_db
@pytest.mark.parametrize(("is_sandbox", "interval"), [(False, 300), (True, 10)])
def test_integrations_wait_between_two_runs_of_one_account(is_sandbox, interval):
    account = make_account(is_sandbox=is_sandbox)
    end(request_synchronization(account, trigger="schedule", now=NOW))
    with pytest.raises(RecentlySynchronized) as problem:
        ask(account, interval - 1, subtype="accountTransactions")
    assert (problem.value.code, problem.value.status) == ("accountRecentlySynchronized", 400)
    end(ask(account, interval - 1, subtype="accountDetails"))
    assert ask(account, interval, subtype="accountTransactions").customer_online is True


@pytest.mark.django_db
def test_an_integration_with_a_person_is_served_fifty_times_a_day():
    account = make_account()
    for number in range(50):
        end(ask(account, number * 301))
    with pytest.raises(RecentlySynchronized):
        ask(account, 50 * 301)
    end(ask(account, 86_400))


@pytest.mark.django_db
def test_removed_accounts_are_refused():
    account = make_account(removed_at=NOW)
    with pytest.raises(Problem) as problem:
        request_synchronization(account, trigger="person", now=NOW)
    assert problem.value.code == "invalidSynchronizationResource"


@pytest.mark.django_db
def test_runs_are_seen_by_members_only():
    organization = make_organization()
    account = make_account(organization)
    run = request_synchronization(account, trigger="person", now=NOW)
    assert access_synchronization(make_member(organization), run.id) == run
    with pytest.raises(NotFound):
        access_synchronization(make_member(make_organization("Other")), run.id)
    assert latest_synchronizations([account]) == {account.id: run}
    assert history(account) == [run]


@pytest.mark.django_db
def test_choosing_accounts_starts_attended_first_runs_with_a_sealed_person():
    account = make_account()
    user = make_member(account.organization)
    psu = PsuContext(True, ip="192.0.2.77", observed_at=NOW)
    accounts_chosen.send(sender=None, accounts=[account], user=user, psu=psu, now=NOW)
    run = Synchronization.objects.get()
    assert (run.trigger, run.customer_online, run.requested_by) == ("link", True, user)
    assert b"192.0.2.77" not in bytes(run.sealed_psu_context)


@pytest.mark.django_db
def test_the_plan_has_one_to_four_runs():
    account = make_account()
    schedule_of(account)
    for wrong in (0, 5):
        with pytest.raises(Problem):
            set_runs_per_day(account, wrong, now=NOW, randomness=random.Random(1))
    later = NOW + dt.timedelta(hours=20)
    for failures, earlier in ((0, True), (1, False)):
        Schedule.objects.update(next_run_at=later, consecutive_failures=failures, runs_per_day=1)
        set_runs_per_day(account, 4, now=NOW, randomness=random.Random(1))
        schedule = Schedule.objects.get(account=account)
        assert schedule.runs_per_day == 4 and (schedule.next_run_at < later) is earlier


@pytest.mark.django_db
def test_administrators_plan_readings_and_the_trail_knows_it():
    account = make_account()
    plan = partial(plan_readings, account_id=account.pk, runs_per_day=4, now=NOW, randomness=random.Random(1))
    with pytest.raises(Forbidden):
        plan(make_member(account.organization, "member"))
    with pytest.raises(NotFound):
        plan(make_member(make_organization("Other")))
    plan(make_member(account.organization, "admin"))
    assert Schedule.objects.get(account=account).runs_per_day == 4
    [told] = AuditRecord.objects.filter(action="account.readings_planned")
    assert (told.before, told.after) == ({"runs_per_day": 3}, {"runs_per_day": 4})


@given(
    st.integers(1, 4),
    st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2027, 12, 31)),
    st.integers(0, 2**32),
)
def test_planned_runs_lie_ahead_near_an_hour_of_the_plan(runs, moment, seed):
    now, zone = moment.replace(tzinfo=dt.UTC), ZoneInfo("Europe/Brussels")
    planned = next_planned_run(runs, now, random.Random(seed), zone)
    assert now < planned <= now + dt.timedelta(hours=24, minutes=90)
    local = planned.astimezone(zone)
    minutes = local.hour * 60 + local.minute + local.second / 60
    # On the two nights of the year when clocks change, an hour of the plan may be an hour off.
    assert min(abs(minutes - hour * 60) for hour in HOURS[runs]) <= 76


@pytest.mark.django_db
@settings(deadline=None, max_examples=60)
@given(
    steps=st.lists(
        st.tuples(st.integers(-120, 600), st.booleans(), st.sampled_from(["keep", "back", "429"])), max_size=40
    )
)
def test_no_order_of_calls_and_clock_steps_makes_a_fifth_unattended_access(steps):
    QuotaAccess.objects.all().delete()
    quota.QuotaState.objects.all().delete()
    key, now = quota.account_key(_Named(), "transactions"), NOW
    for minutes, attended, what in steps:
        now += dt.timedelta(minutes=minutes)
        try:
            place = quota.take_place(key, limit=4, attended=attended, synchronization_id=None, now=now)
        except quota.QuotaUsedUp as used_up:
            assert used_up.until > now
            continue
        if what == "back":
            quota.give_back(place)
        if what == "429":
            quota.close_after_429(key, until=None, attended=attended, now=now)
    counted = sorted(QuotaAccess.objects.filter(counted=True).values_list("accessed_at", flat=True))
    for first, fifth in zip(counted, counted[4:], strict=False):
        assert fifth - first >= dt.timedelta(hours=24)


class _Named:
    """The two fields of an account that make a key."""

    account_key = "bank|iban:BE68|EUR"

    def __init__(self):
        from nostro.hub.organizations.models import Organization

        self.organization_id = Organization.objects.get_or_create(name="Keys")[0].pk


@pytest.mark.django_db(transaction=True)
def test_workers_at_the_same_time_share_four_places_and_one_lease():
    account = make_account()
    run = request_synchronization(account, trigger="schedule", now=NOW)
    key, outcomes, leases = quota.account_key(account, "balances"), [], []

    def work(number):
        leases.append(lease.acquire(run.id, f"worker {number}", NOW))
        try:
            quota.take_place(key, limit=4, attended=False, synchronization_id=None, now=NOW)
            outcomes.append("place")
        except quota.QuotaUsedUp:
            outcomes.append("none")
        connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["none"] * 4 + ["place"] * 4
    assert sum(taken is not None for taken in leases) == 1


@pytest.mark.django_db(transaction=True)
def test_two_requests_at_the_same_time_make_one_run():
    account = make_account()
    runs = []

    def click():
        runs.append(request_synchronization(account, trigger="person", now=NOW, psu=UNATTENDED).pk)
        connection.close()

    threads = [threading.Thread(target=click) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(runs)) == 1 and Synchronization.objects.count() == 1


@pytest.mark.django_db
def test_attended_calls_use_no_place():
    account = make_account()
    key = quota.account_key(account, "transactions")
    for _ in range(9):
        quota.take_place(key, limit=4, attended=True, synchronization_id=None, now=NOW)
    assert quota.look(key, limit=4, now=NOW) == Allowed(0, 4, None)
