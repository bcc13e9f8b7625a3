"""Jobs of the worker. The truth about an import is its row; a job is only the wish that somebody looks at it."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import transaction
from procrastinate import exceptions
from procrastinate.contrib.django import app

from nostro.hub.files import leases, working
from nostro.hub.files.models import FileImport

AT_ONCE = 100


@app.task(name="files.read_file", queue="files")
def read_file(file_id: str) -> None:
    """Read one file into the staging tables."""
    working.read_file(uuid.UUID(file_id))


@app.task(name="files.store_file", queue="files")
def store_file(file_id: str) -> None:
    """Store one confirmed file."""
    working.store_file(uuid.UUID(file_id))


def defer_reading(file: FileImport) -> None:
    """Queue the reading in the caller's transaction. A job that waits already is enough."""
    _defer("read", file)


def defer_import(file: FileImport) -> None:
    """Queue the storing in the caller's transaction."""
    _defer("store", file)


def _defer(what: str, file: FileImport) -> None:
    task = read_file if what == "read" else store_file
    try:
        # The database would end the caller's transaction when the lock is taken, hence the savepoint.
        with transaction.atomic():
            task.configure(queueing_lock=f"file-{what}:{file.pk}").defer(file_id=str(file.pk))
    except exceptions.AlreadyEnqueued:
        pass


@app.periodic(cron="* * * * *")
@app.task(name="files.take_over_expired", queueing_lock="files.take_over_expired")
def take_over_every_minute(timestamp: int) -> None:
    """Find files whose worker died."""
    take_over_expired(working.utc_now())


def take_over_expired(now: dt.datetime) -> int:
    """Queue again what nobody works on; returns how many."""
    lost = leases.forgotten(now, AT_ONCE)
    for file in lost:
        _defer("store" if file.status == "importing" else "read", file)
    return len(lost)
