"""What happens to accounts without anybody asking: next run, and places of the quota (connectors.md 1.11, 1.12).

For a list of accounts, in a handful of queries however long it is.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nostro.core.quota import ROLLING_WINDOW, Allowed, Refused, decide
from nostro.hub.accounts.models import Account
from nostro.hub.directory.maintenance import maintenance_of
from nostro.hub.linking.models import Connection, Consent
from nostro.hub.sync import quota
from nostro.hub.sync.bank import unattended_limit
from nostro.hub.sync.models import DEFAULT_RUNS_PER_DAY, QuotaAccess, QuotaState, Schedule

_ENDPOINT = "transactions"


@dataclass(frozen=True, slots=True)
class AccountPlan:
    """``next_run_at`` is None while the account is paused, waits for a person, or for the open end of work at its bank.
    ``places`` are those of the endpoint that gives transactions; None where no rule limits them and no bank has closed
    it. ``wide_next``: the next reading looks 90 days back, because the proof turned red. ``runs_per_day``: how many are
    planned."""

    next_run_at: dt.datetime | None
    paused: bool
    places: Allowed | Refused | None
    wide_next: bool = False
    runs_per_day: int = DEFAULT_RUNS_PER_DAY


def plans_of(accounts: Sequence[Account], now: dt.datetime) -> Mapping[uuid.UUID, AccountPlan]:
    """The plan of each account, by its id."""
    schedules = Schedule.objects.in_bulk([account.pk for account in accounts])
    keys = {account.pk: quota.account_key(account, _ENDPOINT).quota_key for account in accounts}
    closed = dict(
        QuotaState.objects.filter(quota_key__in=keys.values(), endpoint=_ENDPOINT).values_list(
            "quota_key", "closed_until"
        )
    )
    counted = _counted(keys.values(), now)
    limits = _limits({account.connection_id for account in accounts})
    plans = {}
    for account in accounts:
        schedule, key = schedules.get(account.pk), keys[account.pk]
        waits = schedule is None or schedule.paused
        plans[account.pk] = AccountPlan(
            None if waits or schedule is None else _after_work(schedule.next_run_at, account, now),
            schedule is not None and schedule.paused,
            _places(counted[key], limits.get(account.connection_id), closed.get(key), now),
            schedule is not None and schedule.wide_read_wanted,
            schedule.runs_per_day if schedule is not None else DEFAULT_RUNS_PER_DAY,
        )
    return plans


def _after_work(planned: dt.datetime | None, account: Account, now: dt.datetime) -> dt.datetime | None:
    """A reading that is planned for a time at which the bank is worked on waits for the end of that."""
    work = maintenance_of(account.institution, now)
    return work.ends if work is not None and planned is not None and work.lasts_at(max(planned, now)) else planned


def _counted(keys: Iterable[str], now: dt.datetime) -> Mapping[str, list[dt.datetime]]:
    accesses = QuotaAccess.objects.filter(
        quota_key__in=keys, endpoint=_ENDPOINT, counted=True, accessed_at__gt=now - ROLLING_WINDOW
    )
    found: dict[str, list[dt.datetime]] = defaultdict(list)
    for key, at in accesses.values_list("quota_key", "accessed_at"):
        found[key].append(at)
    return found


def _limits(connection_ids: set[uuid.UUID]) -> dict[uuid.UUID, int | None]:
    granted = dict(
        Consent.objects.filter(connection__in=connection_ids, is_current=True).values_list(
            "connection_id", "frequency_per_day"
        )
    )
    connections = Connection.objects.select_related("route").filter(pk__in=connection_ids)
    return {each.pk: unattended_limit(each, granted.get(each.pk)) for each in connections}


def _places(
    counted: Sequence[dt.datetime], limit: int | None, closed: dt.datetime | None, now: dt.datetime
) -> Allowed | Refused | None:
    if limit is not None:
        return decide(counted, limit=limit, now=now, closed_until=closed)
    return Refused(0, 1, closed) if closed is not None and closed > now else None
