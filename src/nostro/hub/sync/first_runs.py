"""The first synchronizations, right after the person came back from the bank (connectors.md 1.11 point 1)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from nostro.connectors.contract import UNATTENDED, PsuContext
from nostro.hub.accounts.models import Account
from nostro.hub.sync.schedule import schedule_of
from nostro.hub.sync.services import request_synchronization
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

    A renewed consent also ends a pause: the person has done what the bank asked for.
    """
    for account in accounts:
        schedule = schedule_of(account)
        schedule.paused, schedule.consecutive_failures = False, 0
        schedule.unclear_refusals, schedule.unclear_refusal_at = 0, None
        schedule.save(update_fields=["paused", "consecutive_failures", "unclear_refusals", "unclear_refusal_at"])
        request_synchronization(account, trigger="link", now=now, user=user, psu=psu)
