"""One run of an account at a time: whoever holds the lease works, and a lease that is not renewed can be taken over.

The lease is a pair of columns in the run's own row, changed by ``UPDATE … WHERE`` only (DESIGN.md section 2).
"""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import connection
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce

from nostro.hub.sync.models import Synchronization

#: Longer than the longest call to a bank (10 s to connect, 45 s to read) with as much again.
LEASE = dt.timedelta(minutes=2)
OPEN = ("pending", "running")


class LeaseLost(Exception):
    """Another worker has taken the run over; this one must not write any more."""


def acquire(synchronization_id: uuid.UUID, holder: str, now: dt.datetime) -> Synchronization | None:
    """Start or take over a run; None if it has ended or another worker holds it."""
    taken = Synchronization.objects.filter(
        Q(lease_until=None) | Q(lease_until__lte=now), id=synchronization_id, status__in=OPEN
    ).update(
        status="running",
        lease_holder=holder,
        lease_until=now + LEASE,
        attempts=F("attempts") + 1,
        started_at=Coalesce(F("started_at"), Value(now)),
        updated_at=now,
    )
    if not taken:
        return None
    return Synchronization.objects.select_related("account__institution", "account__organization").get(
        id=synchronization_id
    )


def renew(synchronization_id: uuid.UUID, holder: str, now: dt.datetime) -> None:
    """The heartbeat, before each call to the bank. Raises :class:`LeaseLost`."""
    kept = Synchronization.objects.filter(id=synchronization_id, status="running", lease_holder=holder).update(
        lease_until=now + LEASE
    )
    if not kept:
        raise LeaseLost


def advance(synchronization_id: uuid.UUID, holder: str, now: dt.datetime, **progress: object) -> None:
    """Note progress and renew the lease in one statement, inside the caller's transaction. Raises :class:`LeaseLost`.

    Progress may be lost when PostgreSQL itself dies, because a run can always be taken up one page earlier; so the
    commit does not wait for the disk. The commit that ends a run does.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
    kept = Synchronization.objects.filter(id=synchronization_id, status="running", lease_holder=holder).update(
        lease_until=now + LEASE, updated_at=now, **progress
    )
    if not kept:
        raise LeaseLost


def lock(synchronization_id: uuid.UUID, holder: str) -> Synchronization:
    """The run's row, locked to the end of the transaction, if it is still ours. Raises :class:`LeaseLost`."""
    run = (
        Synchronization.objects.select_for_update(of=("self",))
        .filter(id=synchronization_id, status="running", lease_holder=holder)
        .first()
    )
    if run is None:
        raise LeaseLost
    return run


def release(synchronization_id: uuid.UUID, holder: str) -> None:
    """Give an unfinished run back at once, so that another worker need not wait for the lease to end."""
    Synchronization.objects.filter(id=synchronization_id, status="running", lease_holder=holder).update(
        lease_until=None, lease_holder=""
    )
