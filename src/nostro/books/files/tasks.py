"""Jobs: work on one file, and find the files whose worker died."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from django.db import transaction
from procrastinate import exceptions
from procrastinate.contrib.django import app

from nostro.books.files import working
from nostro.books.files.models import JournalFile

AT_ONCE = 100


@app.task(name="books.work_on_file", queue="files", pass_context=False)
def work_on_file(file_id: str) -> None:
    """Read or import one file."""
    working.work(UUID(file_id))


def defer(file: JournalFile) -> None:
    """Queue the work in the caller's transaction. A job that waits already is enough."""
    try:
        with transaction.atomic():
            work_on_file.configure(queueing_lock=f"journal-file:{file.pk}").defer(file_id=str(file.pk))
    except exceptions.AlreadyEnqueued:
        return


@app.periodic(cron="* * * * *")
@app.task(name="books.take_over_files", queueing_lock="books.take_over_files", queue="books", pass_context=False)
def take_over_every_minute(timestamp: int) -> None:
    """Files whose worker died."""
    del timestamp
    take_over(working.utc_now())


def take_over(now: dt.datetime) -> int:
    """Queue again what nobody works on; returns how many."""
    lost = working.forgotten(now, AT_ONCE)
    for file in lost:
        defer(file)
    return len(lost)
