"""One run of an account at a time: whoever holds the lease works, and a lease that is not renewed can be taken over.

The lease is a pair of columns in the run's own row, changed by ``UPDATE … WHERE`` only (DESIGN.md section 2).
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce

from nostro.hub.sync.models import Synchronization

#: Longer than the longest call to a bank (10 s to connect, 45 s to read) with as much again.
LEASE = dt.timedelta(minutes=2)
OPEN = ("pending", "running")


class LeaseLost(Exception):
    """Another worker has taken the run over; this one must not write any more."""


class InstitutionBusy(Exception):
    """As many runs as one bank may occupy are under way; this one waits, so that others need not."""


#: Runs of one institution at the same time. A bank that hangs on every call holds no more workers than this, so that
#: it never delays another bank.
RUNS_OF_ONE_INSTITUTION = 3


def acquire(
    synchronization_id: uuid.UUID, holder: str, now: dt.datetime, *, at_once: int | None = None
) -> Synchronization | None:
    """Start or take over a run; None if it has ended or another worker holds it.

    ``at_once`` limits the runs of the same institution; raises :class:`InstitutionBusy` beyond it.
    """
    if at_once is None:
        return _acquire(synchronization_id, holder, now)
    with transaction.atomic():
        institution_id = (
            Synchronization.objects.filter(id=synchronization_id, status__in=OPEN)
            .values_list("account__institution_id", flat=True)
            .first()
        )
        if institution_id is None:
            return None
        with connection.cursor() as cursor:
            # Workers that start runs of one bank at the same time count each other.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"sync:{institution_id}"])
        under_way = Synchronization.objects.filter(
            account__institution_id=institution_id, status="running", lease_until__gt=now
        ).exclude(id=synchronization_id)
        if under_way.count() >= at_once:
            raise InstitutionBusy
        return _acquire(synchronization_id, holder, now)


def longest_waiting(synchronization_id: uuid.UUID) -> uuid.UUID | None:
    """Of the runs at the same institution that nobody has begun, the one that was asked for first."""
    same = Synchronization.objects.filter(id=synchronization_id).values("account__institution_id")
    waiting = Synchronization.objects.filter(account__institution_id__in=same, status="pending", lease_until=None)
    return waiting.order_by("created_at", "id").values_list("id", flat=True).first()


def _acquire(synchronization_id: uuid.UUID, holder: str, now: dt.datetime) -> Synchronization | None:
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


def advance(
    synchronization_id: uuid.UUID,
    holder: str,
    now: dt.datetime,
    *,
    pages: int,
    rows_read: int,
    window_from: dt.date,
    window_to: dt.date,
    wide: bool,
) -> tuple[str, list[Any]]:
    """The statement that notes progress and renews the lease; it returns a row only while the lease is ours.

    It is carried out together with the storing of the page (``accounts.services.store_raw_answer``), so that a page
    costs one message to PostgreSQL.
    """
    statement = (
        "UPDATE sync_synchronization SET lease_until = %s, updated_at = %s, pages = %s, rows_read = %s,"
        " window_from = %s, window_to = %s, wide = %s"
        " WHERE id = %s AND status = 'running' AND lease_holder = %s RETURNING id"
    )
    values: list[Any] = [now + LEASE, now, pages, rows_read, window_from, window_to, wide, synchronization_id, holder]
    return statement, values


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
