"""What a worker does with a file: stage and compare it, later import it. Each is one transaction, so that a killed
worker leaves nothing half done; its lease runs out and another begins anew."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from nostro.books.files.asking import Asked, look
from nostro.books.files.importing import import_file, note_preview
from nostro.books.files.models import JournalFile
from nostro.books.files.reading import MAX_PROBLEMS, problem_json, stage
from nostro.books.files.services import bytes_of, clear
from nostro.formats import FormatError, survey
from nostro.formats.problems import fail
from nostro.web.errors import Problem

LEASE = dt.timedelta(minutes=10)
JOB_EXPECTED_WITHIN = dt.timedelta(minutes=2)
MAX_ATTEMPTS = 3
Clock = Callable[[], dt.datetime]
Reached = Callable[[str], None]


def _nothing(point: str) -> None:
    """What happens at the points where tests let a worker die."""


def utc_now() -> dt.datetime:
    """The clock of production."""
    return dt.datetime.now(dt.UTC)


def work(file_id: UUID, *, clock: Clock = utc_now, reached: Reached = _nothing) -> JournalFile | None:
    """Read a file that was handed in, or import one that was confirmed; None if there was nothing to do."""
    now = clock()
    open_ = Q(lease_until=None) | Q(lease_until__lte=now)
    taken = JournalFile.objects.filter(open_, pk=file_id, status__in=["received", "reading", "importing"]).update(
        lease_until=now + LEASE, attempts=F("attempts") + 1
    )
    if not taken:
        return None
    reached("lease taken")
    file = JournalFile.objects.select_related("company", "journal", "handed_in_by", "confirmed_by").get(pk=file_id)
    try:
        with transaction.atomic():
            locked = JournalFile.objects.select_for_update().get(pk=file_id)
            if (locked.attempts, locked.status) != (file.attempts, file.status):
                return None
            if file.status == "importing" and file.attempts > MAX_ATTEMPTS:
                # Something of it ends the work each time: a person decides what to do with it.
                JournalFile.objects.filter(pk=file_id).update(status="waiting", lease_until=None, attempts=0)
            elif file.status == "importing":
                _store(file, now, reached)
            else:
                _read(file, now)
            reached("written")
    except Exception:
        JournalFile.objects.filter(pk=file_id, attempts=file.attempts).update(lease_until=None)
        raise
    return file


def _read(file: JournalFile, now: dt.datetime) -> None:
    clear(file)
    file.rows = file.announced_count = file.left_out = file.members = 0
    file.quarantined = False
    try:
        if file.attempts > MAX_ATTEMPTS:
            raise _given_up()
        chunks = bytes_of(file)
        found = survey(iter(chunks))
        look(file, iter(chunks), found)
        with transaction.atomic():
            stage(file, chunks, found)
        note_preview(file)
        file.status = "waiting"
    except FormatError as error:
        file.status = "asking" if isinstance(error, Asked) else "failed"
        file.rows = file.announced_count = file.left_out = file.members = 0
        file.problems = [problem_json(each) for each in error.problems[:MAX_PROBLEMS]]
    file.lease_until, file.attempts, file.updated_at = None, 0, now
    file.save()


def _store(file: JournalFile, now: dt.datetime, reached: Reached) -> None:
    try:
        with transaction.atomic():
            import_file(file, now, reached)
    except Problem as refused:
        # What the person allowed is not possible any more, as a journal that somebody else made meanwhile.
        told = {"severity": "warning", "code": refused.code, "sentence": f"{refused.what} {refused.what_to_do}"}
        file.problems = [told, *file.problems][:MAX_PROBLEMS]
        file.status, file.lease_until, file.attempts, file.updated_at = "waiting", None, 0, now
        file.save(update_fields=["problems", "status", "lease_until", "attempts", "updated_at"])


def _given_up() -> FormatError:
    return fail("F-LOST", "reading this file was begun several times and never reached its end")


def forgotten(now: dt.datetime, limit: int) -> list[JournalFile]:
    """Files that somebody should be working on and nobody is."""
    lost = JournalFile.objects.filter(
        Q(lease_until__lte=now) | Q(lease_until=None, updated_at__lte=now - JOB_EXPECTED_WITHIN),
        status__in=["received", "reading", "importing"],
    )
    return list(lost.order_by("created_at")[:limit])
