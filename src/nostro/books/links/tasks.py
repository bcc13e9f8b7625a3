"""Jobs: one fetch of one account, due fetches, and runs whose worker died (books.md 7)."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

import structlog
from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app

from nostro.books.links.fetching import defer_fetch, request_fetch, run_fetch
from nostro.books.links.models import FetchState, OnlineAccount, Run, RunStatus
from nostro.books.links.queries import live_link, locked_account

log = structlog.get_logger(__name__)

#: Accounts started by one tick at most; the next tick takes the rest.
DUE_LIMIT = 500
#: A run that nobody began after this long has lost its job.
FORGOTTEN = dt.timedelta(minutes=2)


@app.task(name="books.fetch_account", queue="books", pass_context=False)
def fetch_account(run_id: str) -> None:
    """Do the run; whatever its end, the truth is in its row."""
    run = Run.objects.get(pk=UUID(run_id))
    # A newer run of the account may have found this job waiting and not queued one of its own.
    waiting = Run.objects.filter(online_account=run.online_account_id, status=RunStatus.QUEUED).first()
    run_fetch((waiting or run).id, clock=timezone.now)


@app.periodic(cron="* * * * *")
@app.task(name="books.start_due_fetches", queueing_lock="books.start_due_fetches", pass_context=False)
def start_due_fetches(timestamp: int) -> None:
    """Every minute: start what is due, take over what died."""
    del timestamp
    now = timezone.now()
    take_over(now)
    start_due(now)


def start_due(now: dt.datetime) -> int:
    """Request a fetch of every linked account whose time has come; one account's trouble stops no other."""
    due = OnlineAccount.objects.filter(next_fetch_at__lte=now).order_by("next_fetch_at")[:DUE_LIMIT]
    started = 0
    for account in due:
        try:
            started += _start(account, now)
        except Exception:
            log.exception("fetch_not_started", online_account_id=str(account.pk))
    return started


@transaction.atomic
def _start(account: OnlineAccount, now: dt.datetime) -> bool:
    OnlineAccount.objects.filter(pk=account.pk).update(next_fetch_at=None)
    if live_link(account) is None:
        return False
    request_fetch(None, account, trigger="retry" if account.failures else "schedule", now=now)
    return True


def take_over_after_restart(now: dt.datetime) -> int:
    """Take over every open fetch at once. Only for a start at which no worker can be alive, so that no lease holds."""
    OnlineAccount.objects.filter(lease_until__gte=now).update(lease_until=now - dt.timedelta(seconds=1))
    for run in Run.objects.filter(status=RunStatus.QUEUED)[:DUE_LIMIT]:
        defer_fetch(run)
    return take_over(now)


def take_over(now: dt.datetime) -> int:
    """Abandon runs whose lease ran out and run their accounts again; queue runs again that lost their job."""
    taken = 0
    for account in OnlineAccount.objects.filter(lease_until__lt=now)[:DUE_LIMIT]:
        with transaction.atomic():
            taken += _abandon(account.pk, now)
    forgotten = Run.objects.filter(status=RunStatus.QUEUED, created_at__lt=now - FORGOTTEN)
    for run in forgotten[:DUE_LIMIT]:
        defer_fetch(run)
    return taken


def _abandon(account_id: UUID, now: dt.datetime) -> bool:
    account = locked_account(account_id)
    if account.lease_until is None or account.lease_until >= now:
        return False
    Run.objects.filter(online_account=account, status=RunStatus.RUNNING).update(
        status=RunStatus.ABANDONED, finished_at=now, customer_ip=None
    )
    account.lease_holder, account.lease_until, account.fetch_state = "", None, FetchState.IDLE
    account.save(update_fields=["lease_holder", "lease_until", "fetch_state"])
    if live_link(account) is not None:
        request_fetch(None, account, trigger="takeover", now=now)
    return True
