"""When an account is read without anybody asking (connectors.md 1.11, hub-api.md 12)."""

from __future__ import annotations

import datetime as dt
import random
from zoneinfo import ZoneInfo

from django.utils import timezone

from nostro.hub.accounts.models import Account
from nostro.hub.directory.maintenance import Maintenance
from nostro.hub.sync.models import Schedule

#: Hours of the hub's local time. Three runs leave the fourth place of the quota for a retry or an integration.
HOURS = {1: (2,), 2: (2, 14), 3: (2, 10, 18), 4: (2, 8, 14, 20)}
JITTER = dt.timedelta(minutes=15)
WIDE_READ_EVERY = dt.timedelta(days=7)
#: A run that fails so often in a row pauses the account (connectors.md 1.6).
FAILURES_UNTIL_PAUSED = 10


def schedule_of(account: Account) -> Schedule:
    """The account's schedule; made on first use."""
    schedule, _ = Schedule.objects.get_or_create(account=account, defaults={"organization_id": account.organization_id})
    return schedule


def lock_schedule(account: Account) -> Schedule:
    """The account's schedule, locked to the end of the transaction, behind the account's own row.

    Whoever locks several rows of one account does it in this order: connection, run, account, schedule. So nobody waits
    for somebody who waits for them.
    """
    Account.objects.select_for_update(no_key=True).only("id").get(pk=account.pk)
    schedule_of(account)
    return Schedule.objects.select_for_update(of=("self",)).get(account=account)


def next_planned_run(
    runs_per_day: int, now: dt.datetime, randomness: random.Random, zone: dt.tzinfo | None = None
) -> dt.datetime:
    """The next run of the plan after ``now``: the next hour of the plan, up to 15 minutes earlier or later.

    ``zone`` is the hub's time zone unless given. The result is always later than ``now``.
    """
    hours = HOURS[min(max(runs_per_day, 1), 4)]
    local = now.astimezone(zone or timezone.get_default_timezone())
    for days in range(3):
        day = local.date() + dt.timedelta(days=days)
        for hour in hours:
            planned = dt.datetime.combine(day, dt.time(hour), tzinfo=local.tzinfo)
            # Later than the earliest jitter of this hour, or the run that has just begun would be planned again.
            if planned > local + JITTER:
                return planned + JITTER * randomness.uniform(-1, 1)
    raise AssertionError("each day has an hour of the plan")


def next_run_after(work: Maintenance, runs_per_day: int, now: dt.datetime, randomness: random.Random) -> dt.datetime:
    """The first run after announced work at the bank: within 15 minutes of its end, so that not all accounts come at
    once. Where no end is known, the next run of the plan, which looks again."""
    if work.ends is None:
        return next_planned_run(runs_per_day, now, randomness)
    return work.ends + JITTER * randomness.uniform(0, 1)


def bank_today(account: Account, now: dt.datetime) -> dt.date:
    """The calendar date at the bank, by its own time zone where the directory knows it."""
    name = account.institution.time_zone
    return now.astimezone(ZoneInfo(name) if name else timezone.get_default_timezone()).date()
