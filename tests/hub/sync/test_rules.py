"""Rules of connectors.md 1.6, 1.7 and 1.11 that need several runs: unclear refusals, limits of time, fairness."""

from __future__ import annotations

import datetime as dt
import heapq
import random
import uuid
from decimal import Decimal

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob
from tests.hub.accounts.factories import NOW, make_account, make_organization
from tests.hub.sync.scripted_bank import ScriptedBank
from tests.hub.sync.test_engine import Clock, stored, synchronize, truth

from nostro.connectors.errors import AccessExceeded, AspspError, AspspUnavailable, ConsentExpired, PeriodInvalid
from nostro.hub.accounts.models import RawAnswer
from nostro.hub.directory.maintenance import Maintenance, end_maintenance, set_maintenance
from nostro.hub.directory.models import Institution
from nostro.hub.sync import engine, lease, tasks
from nostro.hub.sync.health import health_of
from nostro.hub.sync.models import Schedule, Synchronization
from nostro.hub.sync.schedule import schedule_of
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
    for number in range(8):
        bank.add(f"-{number + 1}.00", 3 + number, entry_reference=f"r{number}")
    return bank


def refused(bank, status=401, code=None):
    bank.failures = {name: [AspspError(status=status, code=code)] for name in ("balances", "transactions")}


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_bare_refusal_asks_for_the_person_only_after_three_runs_an_hour_apart(account, bank, clock, status):
    for minutes, health in ((0, "active"), (61, "active"), (10, "active"), (59, "psuActionRequired")):
        clock.now += dt.timedelta(minutes=minutes)
        refused(bank, status)
        assert synchronize(account, bank, clock).status == "error"
        assert account.health == health
    assert Schedule.objects.get(account=account).next_run_at is None


def test_a_good_run_forgets_bare_refusals(account, bank, clock):
    for _ in range(3):
        for _ in range(2):
            clock.now += dt.timedelta(hours=2)
            refused(bank)
            synchronize(account, bank, clock)
        clock.now += dt.timedelta(hours=2)
        assert synchronize(account, bank, clock).status == "success"
    assert account.health == "active"


@pytest.mark.parametrize(("status", "code"), [(500, None), (401, "SERVICE_BLOCKED_FOR_NOW")])
def test_other_errors_of_the_bank_are_no_bare_refusals(account, bank, clock, status, code):
    for _ in range(4):
        clock.now += dt.timedelta(hours=2)
        refused(bank, status, code)
        synchronize(account, bank, clock)
    assert account.health == "active"


def test_where_the_ladder_ended_is_remembered(account, bank, clock):
    bank.failures["transactions"] = [PeriodInvalid()] * 5
    assert synchronize(account, bank, clock).status == "success"
    assert Schedule.objects.get(account=account).longest_window_days == 30
    for _ in range(3):
        clock.now += dt.timedelta(days=8)
        bank.calls.clear()
        assert synchronize(account, bank, clock).status == "success"
        windows = {call[2][0] for call in bank.calls if call[2]}
        assert [(window.date_to - window.date_from).days for window in windows] == [30]


def test_a_list_that_takes_too_long_is_kept_and_gone_on_with(account, bank, clock):
    def slow(endpoint):
        clock.now += dt.timedelta(minutes=5)

    bank.before_call = slow
    first = synchronize(account, bank, clock)
    assert (first.status, first.pages, first.to_be_continued) == ("error", 2, True)
    assert first.errors[0]["code"] == "financialInstitutionUnavailable"
    assert stored(account) <= truth(bank) and account.covered_to is None
    second = synchronize(account, bank, clock)
    assert (second.status, second.pages, second.created_count) == ("success", 3, 2)
    assert stored(account) == truth(bank)
    pages = [call[2][2] for call in bank.calls if call[2]]
    assert pages == [None, "1", "2"]
    assert not RawAnswer.objects.filter(synchronization_id=first.pk, kind="transactions").exists()


def test_old_links_are_not_followed(account, bank, clock):
    def slow(endpoint):
        clock.now += dt.timedelta(minutes=5)

    bank.before_call = slow
    synchronize(account, bank, clock)
    bank.before_call = None
    clock.now += dt.timedelta(hours=2)
    bank.calls.clear()
    assert synchronize(account, bank, clock).status == "success"
    assert [call[2][2] for call in bank.calls if call[2]] == [None, "1", "2"]
    assert stored(account) == truth(bank)


def accounts_at(institutions, accounts_each):
    organization = make_organization()
    template = make_account(organization)
    made = []
    for number in range(institutions):
        institution = Institution.objects.create(name=f"Bank {number}", folded_name=f"bank{number}", country="BE")
        for place in range(accounts_each):
            template.pk = uuid.uuid4()
            template.institution, template.account_key = institution, f"{number}|{place}"
            template._state.adding = True
            template.save(force_insert=True)
            made.append((number, type(template).objects.get(pk=template.pk)))
    return made


def test_one_hanging_bank_delays_no_other():
    """40 banks, 8 workers, one bank hangs for 45 seconds on every call: all others are done as if it were not there."""
    workers, hang_s, call_s = 8, 45, 1
    runs = [
        (number, request_synchronization(account, trigger="schedule", now=NOW).pk)
        for number, account in accounts_at(40, 5)
    ]
    # The hanging bank's jobs come first, which is the worst that can happen.
    queue = [(0.0, position, number, run) for position, (number, run) in enumerate(runs)]
    heapq.heapify(queue)
    free = [0.0] * workers
    rng, ends, most_at_once = random.Random(3), {}, 0
    ending = []
    while queue:
        ready, position, number, run = heapq.heappop(queue)
        begin = max(ready, heapq.heappop(free))
        while ending and ending[0][0] <= begin:
            _, ended = heapq.heappop(ending)
            Synchronization.objects.filter(pk=ended).update(status="success", lease_until=None)
        now = NOW + dt.timedelta(seconds=begin)
        try:
            assert lease.acquire(run, f"worker {position}", now, at_once=lease.RUNS_OF_ONE_INSTITUTION) is not None
        except lease.InstitutionBusy:
            heapq.heappush(free, begin)
            later = begin + rng.randint(*tasks.BUSY_AGAIN_AFTER_S)
            heapq.heappush(queue, (later, position, number, run))
            continue
        end = begin + (hang_s if number == 0 else call_s)
        heapq.heappush(free, end)
        heapq.heappush(ending, (end, run))
        ends[run] = (number, end)
        most_at_once = max(
            most_at_once, Synchronization.objects.filter(account__institution__name="Bank 0", status="running").count()
        )
    others = [end for number, end in ends.values() if number != 0]
    assert len(others) == 195 and len(ends) == 200
    assert most_at_once == lease.RUNS_OF_ONE_INSTITUTION
    # Five workers are left for 195 runs of a second each.
    assert max(others) <= 195 / (workers - lease.RUNS_OF_ONE_INSTITUTION) + 21


def test_a_job_of_a_busy_bank_waits_without_holding_a_worker(account, monkeypatch):
    monkeypatch.setattr(lease, "RUNS_OF_ONE_INSTITUTION", 0)
    run = request_synchronization(account, trigger="person", now=engine.utc_now())
    ProcrastinateJob.objects.all().delete()
    tasks.run_synchronization(str(run.pk))
    [job] = ProcrastinateJob.objects.all()
    assert job.scheduled_at is not None and job.args == {"synchronization_id": str(run.pk)}
    run.refresh_from_db()
    assert (run.status, run.attempts) == ("pending", 0)


def test_a_run_that_ended_is_nothing_to_wait_for(account, bank, clock):
    run = synchronize(account, bank, clock)
    assert lease.acquire(run.pk, "late", clock(), at_once=1) is None


def test_what_waits_at_the_same_bank_follows_in_the_order_of_asking():
    runs = [
        (number, request_synchronization(account, trigger="schedule", now=NOW + dt.timedelta(seconds=position)).pk)
        for position, (number, account) in enumerate(accounts_at(2, 3))
    ]
    [first, second, third], others = [run for number, run in runs if number == 0], [r for n, r in runs if n == 1]
    assert lease.acquire(first, "worker", NOW) is not None
    assert lease.longest_waiting(first) == second
    assert lease.acquire(second, "another worker", NOW) is not None
    assert lease.longest_waiting(first) == third
    assert lease.longest_waiting(others[2]) == others[0]
    Synchronization.objects.filter(pk=third).update(status="success")
    assert lease.longest_waiting(first) is None


def test_a_first_import_that_closes_only_with_all_signs_flipped_is_refused(account, bank, clock):
    bank.balance, bank.closing = Decimal(100) + 36, (Decimal(100), dt.date(2026, 9, 30))
    run = synchronize(account, bank, clock)
    assert (run.status, run.created_count) == ("error", 0)
    assert "exchanged" in run.errors[0]["detail"]
    assert not stored(account)
    assert (account.booked_total, account.transaction_count, account.covered_from) == (0, 0, None)
    # Once the connector has the signs right, the same account is read as if nothing had been.
    bank.balance = Decimal(100) - 36
    assert synchronize(account, bank, clock, trigger="schedule").status == "success"
    assert (len(stored(account)), account.proof) == (8, "green")


def test_a_first_import_that_does_not_close_at_all_is_kept_and_red(account, bank, clock):
    bank.balance, bank.closing = Decimal(100), (Decimal(100), dt.date(2026, 9, 30))
    assert synchronize(account, bank, clock).status == "success"
    assert (len(stored(account)), account.proof, account.proof_difference) == (8, "red", 36)


@pytest.mark.parametrize(
    ("minutes", "code"),
    [
        (-1, "accountUnavailable"),
        (0, "financialInstitutionUnavailable"),
        (59, "financialInstitutionUnavailable"),
        (60, "accountUnavailable"),
    ],
)
def test_a_bank_that_is_worked_on_is_not_asked_and_the_run_ends_in_an_error(account, minutes, code):
    """hub-api.md 7.3. The account has no connection, which is found out only when the bank is to be asked."""
    bank = account.institution
    bank.maintenance_type, bank.maintenance_from = "internal", NOW
    bank.maintenance_to = NOW + dt.timedelta(hours=1)
    bank.save()
    now = NOW + dt.timedelta(minutes=minutes)
    run = request_synchronization(account, trigger="integration", now=now)
    done = engine.run(run.id, clock=lambda: now)
    assert done.status == "error" and [error["code"] for error in done.errors] == [code]
    account.refresh_from_db()
    is_worked_on = code == "financialInstitutionUnavailable"
    assert (health_of(account, None, now).health == "aspspUnavailable") is is_worked_on
    assert health_of(account, None, NOW + dt.timedelta(hours=2)).code != "maintenance"


def maintain(account, begins, ends):
    set_maintenance(account.institution, Maintenance("financialInstitution", begins, ends), NOW)


def test_announced_work_is_no_failure_and_readings_go_on_by_themselves_when_it_is_over(account, bank, clock):
    ends = NOW + dt.timedelta(days=5)
    maintain(account, None, ends)
    for _ in range(12):
        bank.failures = {name: [AspspUnavailable(status=503)] for name in ("balances", "transactions")}
        assert synchronize(account, bank, clock, trigger="integration").status == "error"
        clock.now += dt.timedelta(hours=1)
    schedule = Schedule.objects.get(account=account)
    assert (schedule.consecutive_failures, schedule.paused, account.health) == (0, False, "active")
    assert ends <= schedule.next_run_at <= ends + dt.timedelta(minutes=15)
    bank.failures = {}
    clock.now = schedule.next_run_at
    assert tasks.start_due(clock(), random.Random(1)) == 1
    assert synchronize(account, bank, clock).status == "success" and stored(account) == truth(bank)


@pytest.mark.parametrize("error", [ConsentExpired(), AccessExceeded()], ids=["consent", "quota"])
def test_what_a_bank_says_clearly_counts_during_work_too(account, bank, clock, error):
    maintain(account, None, NOW + dt.timedelta(days=1))
    bank.failures = {"balances": [error], "transactions": [error]}
    synchronize(account, bank, clock)
    assert account.health == error.health


@pytest.mark.parametrize("ends", [NOW + dt.timedelta(hours=6), None], ids=["known end", "open end"])
def test_what_is_due_while_the_bank_is_worked_on_waits_without_a_run(account, bank, clock, ends):
    synchronize(account, bank, clock)
    maintain(account, NOW, ends)
    clock.now += dt.timedelta(hours=1)
    Schedule.objects.update(next_run_at=clock())
    calls = len(bank.calls)
    assert tasks.start_due(clock(), random.Random(1)) == 0
    assert (len(bank.calls), Synchronization.objects.count()) == (calls, 1)
    planned = Schedule.objects.get(account=account).next_run_at
    assert planned > clock() if ends is None else ends <= planned <= ends + dt.timedelta(minutes=15)
    end_maintenance(account.institution)
    assert tasks.start_due(planned, random.Random(1)) == 1


def test_work_at_one_bank_holds_up_no_other(clock):
    here, there = make_account(), make_account(make_organization("Other"))
    for each in (here, there):
        schedule_of(each)
    Schedule.objects.update(next_run_at=NOW)
    maintain(here, None, None)
    assert tasks.start_due(NOW, random.Random(1)) == 1
    assert Synchronization.objects.get().account_id == there.pk
