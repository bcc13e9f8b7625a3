"""One run of one account, from the lease to its end (connectors.md 1.11).

``run`` may be called any number of times for the same synchronization, by any worker, at any time: whoever holds the
lease works, a run that has ended is left alone, and one that was left half done is taken up behind its last stored
page. Killing the process at any instant loses nothing and doubles nothing.
"""

from __future__ import annotations

import datetime as dt
import os
import random
import secrets
import socket
import uuid
from dataclasses import dataclass

import structlog
from django.db import transaction

from nostro.connectors.contract import Clock
from nostro.connectors.errors import ConnectorError, ProtocolError
from nostro.hub.events.services import record_event
from nostro.hub.sync import lease
from nostro.hub.sync.bank import BankOpener, open_bank
from nostro.hub.sync.errors import INTERNAL
from nostro.hub.sync.finishing import MAX_ATTEMPTS, end_run, finish, lock_run
from nostro.hub.sync.models import Synchronization
from nostro.hub.sync.reading import Reached, Reading, read_balances, read_transactions
from nostro.hub.sync.schedule import bank_today, lock_schedule, schedule_of

log = structlog.get_logger(__name__)


def utc_now() -> dt.datetime:
    """The clock of production."""
    return dt.datetime.now(dt.UTC)


def _nothing(point: str) -> None:
    """What happens at the points where tests let a worker die."""


@dataclass(frozen=True, slots=True)
class _Worker:
    """Who works, and what is passed in: clock, bank, randomness."""

    holder: str
    clock: Clock
    bank_opener: BankOpener
    randomness: random.Random
    reached: Reached


def run(
    synchronization_id: uuid.UUID,
    *,
    clock: Clock = utc_now,
    bank_opener: BankOpener = open_bank,
    randomness: random.Random | None = None,
    holder: str = "",
    reached: Reached = _nothing,
    at_once: int | None = None,
) -> Synchronization | None:
    """Do, or go on with, one synchronization; returns its row, None if there was nothing to do.

    ``reached`` is for tests only: it is called with the name of each point at which a killed worker leaves something
    behind. Errors of the bank become the run's ``errors``; anything unexpected gives the lease back and is raised, so
    that the run is tried again. ``at_once`` limits the runs of one institution (``lease.InstitutionBusy``).
    """
    worker = _Worker(
        holder or f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}",
        clock,
        bank_opener,
        randomness or random.SystemRandom(),
        reached,
    )
    taken = lease.acquire(synchronization_id, worker.holder, clock(), at_once=at_once)
    if taken is None:
        return None
    reached("lease taken")
    try:
        return _work(taken, worker)
    except lease.LeaseLost:
        log.warning("synchronization_taken_over", synchronization_id=str(synchronization_id))
        return None
    except Exception:
        if taken.attempts < MAX_ATTEMPTS:
            lease.release(synchronization_id, worker.holder)
            raise
        log.exception("synchronization_given_up", synchronization_id=str(synchronization_id))
        return _give_up(taken, worker)


def _work(taken: Synchronization, worker: _Worker) -> Synchronization:
    if taken.attempts > MAX_ATTEMPTS:
        return _give_up(taken, worker)
    account = taken.account
    try:
        bank = worker.bank_opener(account, worker.clock)
    except ConnectorError as error:
        return _fail(taken, error, worker)
    reading = Reading(
        run=taken,
        account=account,
        schedule=schedule_of(account),
        bank=bank,
        clock=worker.clock,
        holder=worker.holder,
        reached=worker.reached,
        today=bank_today(account, worker.clock()),
        begun_at=worker.clock(),
        lease_renewed_at=taken.lease_until - lease.LEASE if taken.lease_until else None,
    )
    errors = _read(reading)
    try:
        return finish(reading, errors, worker.randomness)
    except ConnectorError as error:  # nothing of what was read may be kept
        account.refresh_from_db()
        return _fail(taken, error, worker)


def _read(reading: Reading) -> list[ConnectorError]:
    """Balances, then transactions. A balance that fails does not block the transactions (connectors.md 1.1 rule 9)."""
    errors: list[ConnectorError] = []
    try:
        read_balances(reading)
    except ConnectorError as error:
        errors.append(error)
    if reading.run.subtype == "accountDetails" or any(_is_final(error) for error in errors):
        return errors
    try:
        read_transactions(reading)
    except ConnectorError as error:
        errors.append(error)
    if reading.error is not None:
        errors.append(reading.error)
    return errors


def _is_final(error: ConnectorError) -> bool:
    """After these no further call is made: the bank has said that it will refuse."""
    return error.category in {"action_required", "setup"}


def _fail(taken: Synchronization, error: ConnectorError, worker: _Worker) -> Synchronization:
    """End a run that read nothing."""
    now = worker.clock()
    with transaction.atomic():
        locked = lock_run(taken, worker.holder)
        end_run(locked, taken.account, lock_schedule(taken.account), [error], worker.randomness, now)
        record_event(
            taken.organization_id,
            "synchronization.failed",
            account_id=taken.account_id,
            synchronization_id=taken.pk,
            attributes={"synchronizationSubtype": taken.subtype},
            now=now,
        )
    return locked


def _give_up(taken: Synchronization, worker: _Worker) -> Synchronization:
    """End a run that was begun several times and never reached its end."""
    error = ProtocolError("This run was begun several times and never reached its end.", code=INTERNAL)
    return _fail(taken, error, worker)
