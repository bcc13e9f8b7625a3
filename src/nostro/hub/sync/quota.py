"""The quota ledger: no more unattended accesses than a bank must allow (connectors.md 1.12).

A place is taken before the call, in a transaction of its own with a lock on the key, so that parallel workers cannot
overrun it. The decision itself is ``nostro.core.quota``.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from django.db import connection, transaction
from django.db.models import QuerySet

from nostro.core.quota import ROLLING_WINDOW, Allowed, Refused, closure_after_429, decide
from nostro.hub.accounts.models import Account
from nostro.hub.sync.models import QuotaAccess, QuotaState

#: Accesses are kept a little longer than they count, so that support can see yesterday.
KEPT = dt.timedelta(days=8)


@dataclass(frozen=True, slots=True)
class Key:
    """What is counted together: one account (or connection) at one endpoint. A new consent does not change it."""

    organization_id: uuid.UUID
    subject: str
    endpoint: str

    @property
    def quota_key(self) -> str:
        return f"{self.organization_id}|{self.subject}"[:240]


class QuotaUsedUp(Exception):
    """No access before ``until``; nothing was written and nothing may be sent."""

    def __init__(self, until: dt.datetime) -> None:
        super().__init__(f"no place before {until.isoformat()}")
        self.until = until


def account_key(account: Account, endpoint: str) -> Key:
    """The key of one account at one endpoint: details, balances, transactions."""
    return Key(account.organization_id, account.account_key, endpoint)


def take_place(
    key: Key, *, limit: int | None, attended: bool, synchronization_id: uuid.UUID | None, now: dt.datetime
) -> int:
    """Take a place before a call and return its number for :func:`give_back`.

    ``limit`` is None where no rule limits unattended accesses. Attended calls are recorded but not counted. Raises
    :class:`QuotaUsedUp` when there is no place, or a 429 closed the key.
    """
    with transaction.atomic():
        state = _locked(key)
        decision = _decide(key, state, limit, attended, now)
        if isinstance(decision, Refused):
            raise QuotaUsedUp(decision.next_place_at)
        return _write_access(key, attended, synchronization_id, now)


def _write_access(key: Key, attended: bool, synchronization_id: uuid.UUID | None, now: dt.datetime) -> int:
    """Write one access and forget those of the key that are older than :data:`KEPT`, in one message."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH old AS (DELETE FROM sync_quotaaccess WHERE quota_key = %s AND endpoint = %s AND accessed_at < %s)"
            " INSERT INTO sync_quotaaccess"
            " (quota_key, endpoint, organization_id, attended, counted, synchronization_id, accessed_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING id",
            [
                key.quota_key, key.endpoint, now - KEPT,
                key.quota_key, key.endpoint, key.organization_id, attended, not attended, synchronization_id, now,
            ],
        )  # fmt: skip
        place: int = cursor.fetchone()[0]
        return place


def give_back(place: int) -> None:
    """Return a place: only where certainly no connection to the bank was made."""
    QuotaAccess.objects.filter(pk=place).update(counted=False)


def close_after_429(key: Key, *, until: dt.datetime | None, attended: bool, now: dt.datetime) -> dt.datetime:
    """A 429 overrides the ledger: the key is closed until ``until``, else until the oldest place is free again.

    Only a 429 to an attended call closes the key for attended calls too. Returns when it opens.
    """
    with transaction.atomic():
        state = _locked(key)
        opens = closure_after_429(_counted(key, now), now=now, retry_after=until)
        state.closed_until = max(opens, state.closed_until or opens)
        if attended:
            state.closed_for_attended_until = max(opens, state.closed_for_attended_until or opens)
        state.save(update_fields=["closed_until", "closed_for_attended_until"])
        return opens


def look(key: Key, *, limit: int | None, now: dt.datetime, attended: bool = False) -> Allowed | Refused:
    """Whether there is a place now, without taking it; for requests, schedules and pages."""
    state = QuotaState.objects.filter(quota_key=key.quota_key, endpoint=key.endpoint).first() or QuotaState()
    return _decide(key, state, limit, attended, now)


def _decide(key: Key, state: QuotaState, limit: int | None, attended: bool, now: dt.datetime) -> Allowed | Refused:
    if attended:
        closed = state.closed_for_attended_until
        return Refused(0, 1, closed) if closed and closed > now else Allowed(0, 1, None)
    if limit is None:
        closed = state.closed_until
        return Refused(0, 1, closed) if closed and closed > now else Allowed(0, 1, None)
    return decide(_counted(key, now), limit=limit, now=now, closed_until=state.closed_until)


def _locked(key: Key) -> QuotaState:
    locked = QuotaState.objects.select_for_update().filter(quota_key=key.quota_key, endpoint=key.endpoint)
    state = locked.first()
    if state is None:
        QuotaState.objects.bulk_create(
            [QuotaState(quota_key=key.quota_key, endpoint=key.endpoint)], ignore_conflicts=True
        )
        state = locked.get()
    return state


def _accesses(key: Key) -> QuerySet[QuotaAccess]:
    return QuotaAccess.objects.filter(quota_key=key.quota_key, endpoint=key.endpoint)


def _counted(key: Key, now: dt.datetime) -> list[dt.datetime]:
    # Ones in the future count too: a clock that was set back must not open places.
    found = _accesses(key).filter(counted=True, accessed_at__gt=now - ROLLING_WINDOW)
    return list(found.values_list("accessed_at", flat=True))
