"""The verbs of this room: ask for a synchronization, change an account's schedule."""

from __future__ import annotations

import datetime as dt
import random
import uuid
from typing import Literal

from django.db import transaction

from nostro.connectors.contract import UNATTENDED, PsuContext
from nostro.core.quota import Refused
from nostro.hub.accounts.models import Account
from nostro.hub.accounts.queries import access_account
from nostro.hub.accounts.services import forget_raw_answers
from nostro.hub.integrations.models import Integration
from nostro.hub.linking.consents import current_consent
from nostro.hub.linking.models import Connection
from nostro.hub.organizations.models import Role
from nostro.hub.sync import quota
from nostro.hub.sync.bank import unattended_limit
from nostro.hub.sync.lease import OPEN
from nostro.hub.sync.models import Synchronization
from nostro.hub.sync.psu import seal_psu
from nostro.hub.sync.schedule import lock_schedule, next_planned_run, schedule_of
from nostro.people import audit
from nostro.people.models import User
from nostro.web.errors import Problem

Trigger = Literal["link", "renewal", "person", "integration", "schedule"]

#: hub-api.md 7.3, between two runs of one account that an integration asks for.
INTERVAL_LIVE = dt.timedelta(minutes=5)
INTERVAL_SANDBOX = dt.timedelta(seconds=10)
ATTENDED_PER_DAY = 50
_TRANSACTIONS = ("accountTransactions", "accountTransactionsWithUnsettled")


class RecentlySynchronized(Problem):
    """An integration asked too soon, or its allowance is used up (hub-api.md 7.3)."""

    def __init__(self, why: str) -> None:
        super().__init__(
            "This account was synchronized recently.",
            why=why,
            what_to_do="Read the stored transactions and ask again later.",
            code="accountRecentlySynchronized",
        )


def request_synchronization(
    account: Account,
    *,
    trigger: Trigger,
    now: dt.datetime,
    subtype: str = "accountTransactionsWithUnsettled",
    user: User | None = None,
    integration: Integration | None = None,
    psu: PsuContext = UNATTENDED,
) -> Synchronization:
    """Ask for a run of ``account``; a worker does it. A run that is under way is joined.

    Raises Problem ``invalidSynchronizationResource`` for an account that is not read any more, and
    :class:`RecentlySynchronized` to integrations that exceed the limits of hub-api.md 7.3.
    """
    if account.removed_at is not None or account.deprecated or not account.is_selected:
        raise Problem(
            "This account is not synchronized any more.",
            what_to_do="Link the account again.",
            code="invalidSynchronizationResource",
        )
    with transaction.atomic():
        # One request at a time for one account, so that two clicks find each other's run.
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        from nostro.hub.sync.tasks import defer_run

        under_way = Synchronization.objects.filter(account=account, status__in=OPEN).first()
        if trigger == "integration":
            _check_limits(account, subtype, attended=psu.present, now=now)
        if under_way is not None:
            return under_way
        run = Synchronization(
            organization_id=account.organization_id,
            account=account,
            subtype=subtype,
            trigger=trigger,
            integration_id=integration.pk if integration else None,
            requested_by=user,
            customer_online=psu.present,
            created_at=now,
            updated_at=now,
        )
        run.sealed_psu_context = seal_psu(psu, run.pk, now)
        run.save(force_insert=True)
        schedule_of(account)
        defer_run(run)
        return run


def _check_limits(account: Account, subtype: str, *, attended: bool, now: dt.datetime) -> None:
    # The hub's own runs count too, and whatever their outcome; details are counted apart.
    group = _TRANSACTIONS if subtype in _TRANSACTIONS else (subtype,)
    interval = INTERVAL_SANDBOX if account.is_sandbox else INTERVAL_LIVE
    runs = Synchronization.objects.filter(account=account, subtype__in=group)
    if runs.filter(created_at__gt=now - interval).exists():
        raise RecentlySynchronized(f"Between two synchronizations of one account are {_in_words(interval)}.")
    if attended:
        day = now - dt.timedelta(days=1)
        if runs.filter(customer_online=True, created_at__gt=day).count() >= ATTENDED_PER_DAY:
            raise RecentlySynchronized(f"An account is synchronized at most {ATTENDED_PER_DAY} times a day.")
        return
    endpoint = "balances" if subtype == "accountDetails" else "transactions"
    place = quota.look(quota.account_key(account, endpoint), limit=limit_of(account), now=now)
    if isinstance(place, Refused):
        raise RecentlySynchronized("The bank allows no more requests without the account holder for now.")


def _in_words(interval: dt.timedelta) -> str:
    seconds = int(interval.total_seconds())
    return f"{seconds // 60} minutes" if seconds >= 60 else f"{seconds} seconds"


def limit_of(account: Account) -> int | None:
    """Unattended accesses a day and endpoint that the account's bank must allow; None where no rule limits them."""
    connection = Connection.objects.select_related("route").filter(id=account.connection_id).first()
    if connection is None:
        return None
    consent = current_consent(connection)
    return unattended_limit(connection, consent.frequency_per_day if consent else None)


def plan_readings(
    user: User, account_id: uuid.UUID, runs_per_day: int, *, now: dt.datetime, randomness: random.Random
) -> Account:
    """What :func:`set_runs_per_day` does, by a person. Raises NotFound for strangers, Forbidden to plain members, and
    Problem ``validationError``."""
    account = access_account(user, account_id, role=Role.ADMIN)
    before = schedule_of(account).runs_per_day
    with transaction.atomic():
        set_runs_per_day(account, runs_per_day, now=now, randomness=randomness)
        if runs_per_day != before:
            audit.record(
                tenant_id=account.organization_id,
                actor=user,
                action="account.readings_planned",
                obj=account,
                sentence=f"Planned {runs_per_day} readings a day of {account}.",
                before={"runs_per_day": before},
                after={"runs_per_day": runs_per_day},
            )
    return account


def set_runs_per_day(account: Account, runs_per_day: int, *, now: dt.datetime, randomness: random.Random) -> None:
    """Plan 1 to 4 runs a day; 4 leaves no place of the quota for integrations (connectors.md 1.11).

    An account that is well is read earlier where the new plan says so; one that waits for a bank or a person waits on.
    """
    if not 1 <= runs_per_day <= 4:
        raise Problem(
            "An account is read one to four times a day.", code="validationError", field="runs_per_day",
            what_to_do="Choose a number from 1 to 4.",
        )  # fmt: skip
    planned = next_planned_run(runs_per_day, now, randomness)
    with transaction.atomic():
        schedule = lock_schedule(account)
        schedule.runs_per_day = runs_per_day
        if schedule.next_run_at is not None and not schedule.consecutive_failures:
            schedule.next_run_at = min(schedule.next_run_at, planned)
        schedule.save(update_fields=["runs_per_day", "next_run_at"])


def begin_anew(account: Account, *, now: dt.datetime, user: User | None, psu: PsuContext) -> None:
    """A run that is under way reads through a consent that has just been replaced, and perhaps without the person: it
    begins anew through the new one, with ``psu`` present. Whoever works on it has lost its lease and writes nothing.

    Called within the transaction that makes the new consent the current one.
    """
    from nostro.hub.sync.tasks import defer_run

    run = Synchronization.objects.select_for_update(of=("self",)).filter(account=account, status__in=OPEN).first()
    if run is None:
        return
    forget_raw_answers(run.pk)
    run.status, run.lease_until, run.lease_holder = "pending", None, ""
    run.attempts, run.pages, run.rows_read, run.started_at = 0, 0, 0, None
    run.requested_by, run.customer_online = user or run.requested_by, psu.present
    run.sealed_psu_context = seal_psu(psu, run.pk, now)
    run.updated_at = now
    run.save()
    defer_run(run)
