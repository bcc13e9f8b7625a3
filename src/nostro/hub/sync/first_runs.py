"""The first synchronizations, right after the person came back from the bank (connectors.md 1.11 point 1)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction

from nostro.connectors.contract import UNATTENDED, PsuContext
from nostro.hub.accounts.models import Account
from nostro.hub.sync.schedule import lock_schedule
from nostro.hub.sync.services import begin_anew, request_synchronization
from nostro.people.models import User


def start_first_runs(
    sender: object,
    *,
    accounts: Sequence[Account],
    now: dt.datetime,
    user: User | None = None,
    psu: PsuContext = UNATTENDED,
    **_: object,
) -> None:
    """Answer of ``linking.signals.accounts_chosen``: one run for each chosen account, attended by the person.

    A renewed consent also ends a pause: the person has done what the bank asked for. A run that is under way goes on
    through the new consent, because the one before is about to be ended at the bank.
    """
    for account in accounts:
        with transaction.atomic():
            begin_anew(account, now=now, user=user, psu=psu)
            schedule = lock_schedule(account)
            schedule.paused, schedule.consecutive_failures = False, 0
            schedule.unclear_refusals, schedule.unclear_refusal_at = 0, None
            run = request_synchronization(account, trigger="link", now=now, user=user, psu=psu)
            if run.subtype == "accountDetails":
                # Somebody asked for the balances only, and the bank opens its history now: it follows at once.
                schedule.next_run_at = now
            schedule.save(
                update_fields=[
                    "paused", "consecutive_failures", "unclear_refusals", "unclear_refusal_at", "next_run_at",
                ]
            )  # fmt: skip
