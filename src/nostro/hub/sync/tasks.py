"""Jobs of the worker. The truth about a run is its row; a job is only the wish that somebody looks at it."""

from __future__ import annotations

import datetime as dt
import random
import uuid

from django.db import transaction
from django.db.models import Q
from procrastinate import exceptions
from procrastinate.contrib.django import app

from nostro.hub.directory.maintenance import maintenance_now
from nostro.hub.sync import engine, lease, quota
from nostro.hub.sync.models import Schedule, Synchronization
from nostro.hub.sync.schedule import next_planned_run, next_run_after

#: Accounts that one minute starts, and runs that one minute takes over.
DUE_AT_ONCE = 500
#: A run that nobody has begun after this time has lost its job.
JOB_EXPECTED_WITHIN = dt.timedelta(minutes=2)
#: When a run whose bank is busy looks again; apart from each other, so that they do not come all at once.
BUSY_AGAIN_AFTER_S = (20, 60)
#: Runs of one institution that one job does one after another; then other institutions have their turn.
RUNS_IN_A_ROW = 20


@app.task(name="sync.run_synchronization", queue="sync")
def run_synchronization(synchronization_id: str) -> None:
    """Do one run. A run that has ended or is held by another worker is left alone.

    Afterwards this thread takes on what waits for a place at the same institution, so that nobody waits for the clock.
    """
    wanted: uuid.UUID | None = uuid.UUID(synchronization_id)
    for _ in range(RUNS_IN_A_ROW):
        if wanted is None:
            return
        try:
            engine.run(wanted, at_once=lease.RUNS_OF_ONE_INSTITUTION)
        except lease.InstitutionBusy:
            run = Synchronization.objects.get(id=wanted)
            defer_run(run, after_s=random.SystemRandom().randint(*BUSY_AGAIN_AFTER_S))
            return
        wanted = lease.longest_waiting(wanted)


def defer_run(run: Synchronization, after_s: int = 0) -> None:
    """Queue a run in the caller's transaction. A job that waits already is enough."""
    try:
        # The database would end the caller's transaction when the lock is taken, hence the savepoint.
        with transaction.atomic():
            run_synchronization.configure(
                queueing_lock=f"synchronization:{run.pk}", schedule_in={"seconds": after_s} if after_s else None
            ).defer(synchronization_id=str(run.pk))
    except exceptions.AlreadyEnqueued:
        pass


@app.periodic(cron="* * * * *")
@app.task(name="sync.start_due", queueing_lock="sync.start_due")
def start_due_every_minute(timestamp: int) -> None:
    """Start what the schedule says."""
    start_due(engine.utc_now(), random.SystemRandom())


@app.periodic(cron="* * * * *")
@app.task(name="sync.take_over_expired", queueing_lock="sync.take_over_expired")
def take_over_every_minute(timestamp: int) -> None:
    """Find runs whose worker died."""
    take_over_expired(engine.utc_now())


def start_due(now: dt.datetime, randomness: random.Random) -> int:
    """Start the runs that are due, at most :data:`DUE_AT_ONCE`; returns how many were started.

    Workers that do this at the same time share the work. An account without a free place of the quota waits for the
    next one, one that is being written for the next minute, and one whose bank is being worked on for the end of that:
    nobody is asked in vain.
    """
    started = 0
    with transaction.atomic():
        due = (
            Schedule.objects.select_for_update(of=("self", "account"), skip_locked=True, no_key=True)
            .select_related("account__institution")
            .filter(
                next_run_at__lte=now,
                paused=False,
                account__is_selected=True,
                account__removed_at=None,
                account__deprecated=False,
            )
            .order_by("next_run_at")[:DUE_AT_ONCE]
        )
        for schedule in due:
            started += _start(schedule, randomness, now)
    return started


def _start(schedule: Schedule, randomness: random.Random, now: dt.datetime) -> bool:
    from nostro.core.quota import Refused
    from nostro.hub.sync.services import limit_of, request_synchronization

    account = schedule.account
    work = maintenance_now(account.institution, now)
    if work is not None:
        schedule.next_run_at = next_run_after(work, schedule.runs_per_day, now, randomness)
        schedule.save(update_fields=["next_run_at"])
        return False
    place = quota.look(quota.account_key(account, "transactions"), limit=limit_of(account), now=now)
    if isinstance(place, Refused):
        schedule.next_run_at = place.next_place_at
        schedule.save(update_fields=["next_run_at"])
        return False
    run = request_synchronization(account, trigger="schedule", now=now)
    if run.subtype == "accountDetails":
        # Under way, and for the balances only: the planned reading follows it.
        return False
    schedule.next_run_at = next_planned_run(schedule.runs_per_day, now, randomness)
    schedule.save(update_fields=["next_run_at"])
    return run.trigger == "schedule" and run.created_at == now


def take_over_after_restart(now: dt.datetime) -> int:
    """Take over every open run at once. Only for a start at which no worker can be alive, so that no lease holds."""
    Synchronization.objects.filter(status__in=lease.OPEN, lease_until__gt=now).update(lease_until=now)
    return take_over_expired(now)


def take_over_expired(now: dt.datetime) -> int:
    """Queue again what nobody works on: leases that ended, and runs whose job is gone. Returns how many."""
    lost = Synchronization.objects.filter(
        Q(lease_until__lte=now) | Q(lease_until=None, updated_at__lte=now - JOB_EXPECTED_WITHIN),
        status__in=lease.OPEN,
    ).order_by("created_at")[:DUE_AT_ONCE]
    for run in lost:
        defer_run(run)
    return len(lost)
