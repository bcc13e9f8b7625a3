"""The verbs of this room: ask for a synchronization, change an account's schedule."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from django.db import transaction

from nostro.connectors.contract import UNATTENDED, PsuContext
from nostro.core.quota import Refused
from nostro.hub.accounts.models import Account
from nostro.hub.integrations.models import Integration
from nostro.hub.linking.consents import current_consent
from nostro.hub.linking.models import Connection
from nostro.hub.sync import quota
from nostro.hub.sync.bank import unattended_limit
from nostro.hub.sync.lease import OPEN
from nostro.hub.sync.models import Synchronization
from nostro.hub.sync.psu import seal_psu
from nostro.hub.sync.schedule import schedule_of
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


def set_runs_per_day(account: Account, runs_per_day: int) -> None:
    """Plan 1 to 4 runs a day; 4 leaves no place of the quota for integrations (connectors.md 1.11)."""
    if not 1 <= runs_per_day <= 4:
        raise Problem(
            "An account is read one to four times a day.", code="validationError", field="runs_per_day",
            what_to_do="Choose a number from 1 to 4.",
        )  # fmt: skip
    schedule = schedule_of(account)
    schedule.runs_per_day = runs_per_day
    schedule.save(update_fields=["runs_per_day"])
