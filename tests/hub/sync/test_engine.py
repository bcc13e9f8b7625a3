"""One run of one account, with a bank that does what the test says."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from decimal import Decimal

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob
from tests.hub.accounts.factories import IBANS, NOW, TODAY, make_account, make_organization
from tests.hub.sync.scripted_bank import ScriptedBank

from nostro.connectors.contract import PsuContext
from nostro.connectors.errors import (
    AccessExceeded,
    AspspError,
    AspspUnavailable,
    ConsentExpired,
    NotSupported,
    PeriodInvalid,
    TokenExpired,
)
from nostro.hub.accounts.models import PendingTransaction, RawAnswer, Transaction
from nostro.hub.events.models import Event
from nostro.hub.sync import engine
from nostro.hub.sync.models import QuotaAccess, Schedule, Synchronization
from nostro.hub.sync.services import request_synchronization
from nostro.hub.sync.tasks import start_due, take_over_expired

pytestmark = pytest.mark.django_db
PERSON = PsuContext(True, ip="192.0.2.1", observed_at=NOW)


class Clock:
    def __init__(self, now: dt.datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
def account():
    return make_account()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def bank():
    bank = ScriptedBank()
    for number in range(8):
        bank.add(f"-{number + 1}.00", 3 + number, entry_reference=f"r{number}")
    return bank


def synchronize(account, bank, clock, **options):
    account.refresh_from_db()
    run = request_synchronization(account, trigger=options.pop("trigger", "person"), now=clock(), **options)
    done = engine.run(run.id, clock=clock, bank_opener=bank.open, randomness=random.Random(1))
    account.refresh_from_db()
    return done


def stored(account):
    rows = Transaction.objects.filter(account=account, removed_at=None)
    return Counter((row.booking_date, row.amount, row.currency, row.entry_reference) for row in rows)


def truth(bank):
    return Counter(
        (row.booking_date, row.amount, row.currency, row.entry_reference)
        for row in bank.rows
        if row.booking_status == "booked"
    )


def events():
    return [(event.event_type, event.attributes.get("count")) for event in Event.objects.order_by("id")]


def test_the_first_run_reads_the_whole_history_and_balances_in_one_access_each(account, bank, clock):
    run = synchronize(account, bank, clock, trigger="link", psu=PERSON)
    assert (run.status, run.created_count, run.pages, run.rows_read, run.errors) == ("success", 8, 3, 8, [])
    assert stored(account) == truth(bank)
    assert account.current_balance == bank.balance
    assert (account.covered_from, account.covered_to) == (TODAY - dt.timedelta(days=400), TODAY)
    assert account.synchronized_at == NOW
    accesses = [(access.endpoint, access.attended, access.counted) for access in QuotaAccess.objects.order_by("id")]
    assert accesses == [("balances", True, False), ("transactions", True, False)]
    assert RawAnswer.objects.count() == 4
    assert b"reference" not in bytes(RawAnswer.objects.filter(kind="transactions").first().sealed_body)
    assert events() == [("account.detailsUpdated", None), ("account.transactionsCreated", 8)]
    assert run.sealed_psu_context is None


@pytest.mark.parametrize(("currency", "amount"), [("EUR", "-12.34"), ("JPY", "5000"), ("KWD", "1.005")])
def test_balance_proof_turns_green_at_the_second_reading_in_every_currency(clock, currency, amount):
    account = make_account(currency=currency)
    bank = ScriptedBank(balance=Decimal(100))
    bank.add(amount, 5, currency)
    synchronize(account, bank, clock)
    assert account.proof == "unknown"
    bank.add(amount, TODAY, currency)
    clock.now += dt.timedelta(hours=8)
    synchronize(account, bank, clock)
    assert (account.proof, account.proof_difference) == ("green", 0)
    assert account.current_balance == Decimal(100) + 2 * Decimal(amount)


def test_a_hidden_row_turns_the_proof_red_and_widens_the_next_read_once(account, bank, clock):
    synchronize(account, bank, clock)
    clock.now += dt.timedelta(hours=8)
    bank.balance += Decimal("12.34")
    synchronize(account, bank, clock)
    assert (account.proof, account.proof_difference) == ("red", Decimal("12.34"))
    for expected_days in (90, 14):
        clock.now += dt.timedelta(hours=8)
        synchronize(account, bank, clock)
        window = bank.calls[-1][2][0]
        assert (window.date_to - window.date_from).days == expected_days
    bank.rows.append(bank.rows[0].__class__(Decimal("12.34"), "EUR", booking_date=dt.date(2026, 10, 30)))
    clock.now += dt.timedelta(hours=8)
    synchronize(account, bank, clock)
    assert account.proof == "green"


def test_planned_runs_overlap_by_14_days_and_once_a_week_by_90(account, bank, clock):
    days = []
    for _ in range(9):
        synchronize(account, bank, clock)
        window = bank.calls[-1][2][0]
        days.append((window.date_to - window.date_from).days)
        clock.now += dt.timedelta(days=1)
    assert days == [400, 15, 15, 15, 15, 15, 15, 90, 15]


def test_nothing_new_is_told_as_success_without_change(account, bank, clock):
    synchronize(account, bank, clock)
    Event.objects.all().delete()
    clock.now += dt.timedelta(hours=1)
    run = synchronize(account, bank, clock)
    assert (run.created_count, run.known_count) == (0, 0)
    assert events() == [("synchronization.succeededWithoutChange", None)]
    assert Event.objects.get().attributes == {"synchronizationSubtype": "accountTransactionsWithUnsettled"}


def test_a_refused_period_walks_down_the_ladder(account, bank, clock):
    bank.failures["transactions"] = [PeriodInvalid(), PeriodInvalid(min_date=dt.date(2026, 9, 1)), PeriodInvalid()]
    bank.limit = None
    run = synchronize(account, bank, clock)
    assert run.status == "success"
    windows = [call[2][0] for call in bank.calls if call[0] == "transactions"]
    assert [(window.date_to - window.date_from).days for window in windows[:4]] == [400, 365, 90, 89]
    assert account.covered_from == windows[-1].date_from


def test_the_oldest_day_the_bank_names_is_asked_for_first(account, bank, clock):
    bank.failures["transactions"] = [PeriodInvalid(min_date=dt.date(2026, 9, 1))]
    synchronize(account, bank, clock)
    assert account.covered_from == dt.date(2026, 9, 1)


def test_a_bank_without_pending_rows_is_asked_only_once(account, bank, clock):
    bank.failures["transactions"] = [NotSupported(feature="bookingStatus=both")]
    assert synchronize(account, bank, clock).status == "success"
    clock.now += dt.timedelta(hours=8)
    synchronize(account, bank, clock)
    asked = [call[2][1] for call in bank.calls if call[0] == "transactions"]
    assert asked[0] == "both" and set(asked[1:]) == {"booked"}


def test_pending_rows_live_apart_and_link_when_booked(account, bank, clock):
    bank.add("-50.00", TODAY, status="pending", creditor_name="Garage", end_to_end_id="E1")
    bank.add("-60.00", TODAY, status="pending", creditor_name="Cinema", end_to_end_id="E2")
    run = synchronize(account, bank, clock)
    assert run.pending_created_count == 2
    assert stored(account) == truth(bank)
    bank.rows = bank.rows[:-2]
    bank.add("-55.00", TODAY, creditor_name="Garage", end_to_end_id="E1")
    clock.now += dt.timedelta(hours=8)
    synchronize(account, bank, clock)
    booked = Transaction.objects.get(end_to_end_id="E1")
    ended = {row.end_to_end_id: row.booked_as for row in PendingTransaction.objects.exclude(removed_at=None)}
    assert ended == {"E1": booked.pk, "E2": None}


def test_a_failing_balance_does_not_block_the_transactions(account, bank, clock):
    bank.failures["balances"] = [AspspError(code="ASPSP_ERROR", status=500)]
    run = synchronize(account, bank, clock)
    assert run.status == "error"
    assert [error["code"] for error in run.errors] == ["financialInstitutionError"]
    assert stored(account) == truth(bank)


def test_an_expired_consent_ends_the_run_with_one_call_and_waits_for_the_person(account, bank, clock):
    bank.failures["balances"] = [ConsentExpired(status=401, code="CONSENT_EXPIRED")]
    run = synchronize(account, bank, clock)
    assert len(bank.calls) == 1
    [error] = run.errors
    assert error["code"] == "authorizationExpired"
    assert error["meta"]["financialInstitutionResponse"]["statusCode"] == 401
    assert account.health == "psuActionRequired"
    assert Schedule.objects.get(account=account).next_run_at is None
    assert events() == [("synchronization.failed", None)]


def test_half_a_chain_adds_rows_and_removes_nothing(account, bank, clock):
    synchronize(account, bank, clock)
    bank.add("-99.00", 1, entry_reference="new")
    bank.rows.insert(0, bank.rows.pop())
    clock.now += dt.timedelta(days=8)
    bank.failures["transactions"] = [None, AspspUnavailable(status=503)]
    run = synchronize(account, bank, clock)
    assert (run.status, run.created_count, run.removed_count) == ("error", 1, 0)
    assert account.health == "aspspUnavailable"
    assert stored(account) == truth(bank)
    assert Schedule.objects.get(account=account).next_run_at <= clock() + dt.timedelta(minutes=1)


def test_429_closes_the_endpoint_and_no_second_call_is_made(account, bank, clock):
    until = NOW + dt.timedelta(hours=3)
    bank.failures["transactions"] = [AccessExceeded(until=until, status=429)]
    synchronize(account, bank, clock, trigger="schedule")
    assert (account.health, account.health_until) == ("rateLimited", until)
    assert Schedule.objects.get(account=account).next_run_at == until
    calls = len(bank.calls)
    clock.now += dt.timedelta(hours=1)
    run = synchronize(account, bank, clock, trigger="schedule")
    assert run.status == "error"
    assert [call[0] for call in bank.calls[calls:]] == ["balances"]
    clock.now = until
    assert synchronize(account, bank, clock, trigger="schedule").status == "success"


def test_the_fifth_unattended_access_in_a_day_is_not_made_but_a_person_is_served(account, bank, clock):
    for _ in range(4):
        assert synchronize(account, bank, clock, trigger="schedule").status == "success"
        clock.now += dt.timedelta(hours=1)
    calls = len(bank.calls)
    assert synchronize(account, bank, clock, trigger="schedule").status == "error"
    assert len(bank.calls) == calls
    present = PsuContext(True, ip="192.0.2.1", observed_at=clock())
    assert synchronize(account, bank, clock, psu=present).status == "success"


def test_a_place_is_given_back_only_where_no_connection_was_made(account, bank, clock):
    bank.failures["balances"] = [AspspUnavailable(reached_bank=False), AspspUnavailable(status=503)]
    synchronize(account, bank, clock)
    synchronize(account, bank, clock)
    counted = QuotaAccess.objects.filter(endpoint="balances").order_by("id").values_list("counted", flat=True)
    assert list(counted) == [False, True]


def test_a_person_counts_as_present_for_15_minutes(account, bank, clock):
    run = request_synchronization(account, trigger="person", now=NOW, psu=PERSON)
    clock.now = NOW + dt.timedelta(minutes=16)
    engine.run(run.id, clock=clock, bank_opener=bank.open)
    assert {present for _, present, _ in bank.calls} == {False}


def test_a_second_request_joins_the_run_and_one_job_is_queued(account):
    first = request_synchronization(account, trigger="person", now=NOW)
    assert request_synchronization(account, trigger="schedule", now=NOW).pk == first.pk
    assert ProcrastinateJob.objects.filter(args__synchronization_id=str(first.pk)).count() == 1


def test_a_run_that_ended_or_is_held_is_left_alone(account, bank, clock):
    run = request_synchronization(account, trigger="person", now=NOW)

    def other_worker(endpoint):
        assert engine.run(run.id, clock=clock, bank_opener=bank.open, holder="other") is None

    bank.before_call = other_worker
    assert engine.run(run.id, clock=clock, bank_opener=bank.open, holder="one").status == "success"
    calls = len(bank.calls)
    assert engine.run(run.id, clock=clock, bank_opener=bank.open, holder="one") is None
    assert len(bank.calls) == calls and stored(account) == truth(bank)


def test_a_worker_that_lost_its_lease_writes_nothing_more(account, bank, clock):
    run = request_synchronization(account, trigger="person", now=NOW)
    others = iter([None])

    def slow(endpoint):
        if endpoint == "transactions" and next(others, "done") is None:
            clock.now += dt.timedelta(minutes=5)
            taken_over = engine.run(run.id, clock=clock, bank_opener=bank.open, holder="two")
            assert taken_over.status == "success"

    bank.before_call = slow
    assert engine.run(run.id, clock=clock, bank_opener=bank.open, holder="one") is None
    assert stored(account) == truth(bank)
    assert Event.objects.filter(event_type="account.transactionsCreated").count() == 1


class Killed(BaseException):
    """What kill -9 is to the code: nothing below runs."""


def kill_at(number):
    count = 0

    def reached(point):
        nonlocal count
        count += 1
        if count == number:
            raise Killed(point)

    return reached


@pytest.mark.parametrize("number", range(1, 14))
def test_killed_at_any_point_and_taken_over_the_end_is_the_same(account, bank, clock, number):
    run = request_synchronization(account, trigger="person", now=NOW)
    with pytest.raises(Killed):
        engine.run(run.id, clock=clock, bank_opener=bank.open, reached=kill_at(number), holder="one")
    clock.now += dt.timedelta(minutes=3)
    ProcrastinateJob.objects.all().delete() if number % 2 else None
    take_over_expired(clock())
    engine.run(run.id, clock=clock, bank_opener=bank.open, holder="two")
    account.refresh_from_db()
    run.refresh_from_db()
    assert (run.status, run.created_count, run.rows_read) == ("success", 8, 8)
    assert stored(account) == truth(bank)
    assert account.transaction_count == 8 and account.booked_total == sum(row.amount for row in bank.rows)
    assert events().count(("account.transactionsCreated", 8)) == 1
    assert QuotaAccess.objects.filter(counted=True, endpoint="transactions").count() <= 2
    assert account.proof_anchor_balance == bank.balance, "whoever takes a run over proves the balance too"
    assert synchronize(account, bank, clock).created_count == 0


def test_balances_of_long_ago_prove_nothing_of_a_run_that_is_taken_over(account, bank, clock):
    assert synchronize(account, bank, clock).status == "success"
    clock.now += dt.timedelta(days=2)
    run = request_synchronization(account, trigger="person", now=clock())
    with pytest.raises(Killed):
        engine.run(run.id, clock=clock, bank_opener=bank.open, reached=kill_at(4), holder="one")
    assert RawAnswer.objects.filter(synchronization_id=run.pk, kind="balances").exists()
    bank.add("-5.00", 30)
    clock.now += dt.timedelta(hours=5)
    engine.run(run.id, clock=clock, bank_opener=bank.open, holder="two")
    account.refresh_from_db()
    assert account.proof != "red", "the row came after the balance"
    assert synchronize(account, bank, clock).status == "success"
    assert account.proof == "green"


class Tokens:
    """A source of tokens of which the bank takes the newest only."""

    def __init__(self):
        self.told = 0

    def get(self):
        return "token"

    def refused(self, access_token):
        self.told += 1


@pytest.mark.parametrize("endpoint", ["balances", "transactions"])
def test_a_token_that_is_over_costs_a_second_try_in_the_same_run(account, bank, clock, endpoint):
    bank.tokens = Tokens()
    bank.failures[endpoint] = [TokenExpired()]
    assert synchronize(account, bank, clock).status == "success"
    assert [call[0] for call in bank.calls].count(endpoint) >= 2
    assert stored(account) == truth(bank)


def test_a_token_that_is_over_in_the_middle_of_a_list_costs_no_second_place(account, bank, clock):
    bank.tokens = Tokens()
    bank.failures["transactions"] = [None, TokenExpired()]
    assert synchronize(account, bank, clock, trigger="schedule").status == "success"
    assert stored(account) == truth(bank)
    assert QuotaAccess.objects.filter(counted=True, endpoint="transactions").count() == 1


def test_a_second_refusal_is_the_end_of_the_consent_and_without_tokens_there_is_no_second_try(account, bank, clock):
    bank.failures["balances"] = [TokenExpired()]
    synchronize(account, bank, clock)
    assert [call[0] for call in bank.calls].count("balances") == 1
    bank.tokens = Tokens()
    bank.failures["balances"] = [TokenExpired(), TokenExpired()]
    clock.now += dt.timedelta(days=1)
    run = synchronize(account, bank, clock)
    account.refresh_from_db()
    assert (run.status, account.health) == ("error", "psuActionRequired")


def test_a_run_that_is_killed_again_and_again_ends_with_an_error(account, bank, clock):
    run = request_synchronization(account, trigger="person", now=NOW)
    for _ in range(5):
        with pytest.raises(Killed):
            engine.run(run.id, clock=clock, bank_opener=bank.open, reached=kill_at(2))
        clock.now += dt.timedelta(minutes=3)
    engine.run(run.id, clock=clock, bank_opener=bank.open)
    run.refresh_from_db()
    assert (run.status, run.errors[0]["code"]) == ("error", "internalError")


def test_ten_failures_pause_the_account_until_the_person_renews(account, bank, clock):
    bank.limit = None
    for _ in range(10):
        bank.failures["balances"] = [AspspUnavailable(status=503)]
        bank.failures["transactions"] = [AspspUnavailable(status=503)]
        synchronize(account, bank, clock, trigger="schedule")
        clock.now += dt.timedelta(hours=8)
    assert account.health == "disabled"
    assert start_due(clock() + dt.timedelta(days=9), random.Random(1)) == 0


def test_due_accounts_are_started_once_and_planned_again(bank, clock):
    accounts = [make_account(make_organization(str(n)), iban=IBANS[n]) for n in range(3)]
    for each in accounts[:2]:
        synchronize(each, bank, clock)
    Schedule.objects.update(next_run_at=NOW)
    clock.now += dt.timedelta(minutes=1)
    assert start_due(clock(), random.Random(1)) == 2
    assert start_due(clock(), random.Random(1)) == 0
    assert Synchronization.objects.filter(status="pending", trigger="schedule").count() == 2
    for schedule in Schedule.objects.filter(account__in=accounts[:2]):
        assert clock() < schedule.next_run_at <= clock() + dt.timedelta(hours=8, minutes=30)


def test_lost_jobs_are_queued_again(account, clock):
    run = request_synchronization(account, trigger="person", now=NOW)
    ProcrastinateJob.objects.all().delete()
    assert take_over_expired(NOW + dt.timedelta(minutes=1)) == 0
    assert take_over_expired(NOW + dt.timedelta(minutes=3)) == 1
    assert ProcrastinateJob.objects.filter(args__synchronization_id=str(run.pk)).count() == 1
