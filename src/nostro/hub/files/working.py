"""What a worker does with a file: read it and prepare the preview, later store it (formats.md 9).

Both may be called any number of times, by any worker: whoever holds the lease works. A reading that was broken off
begins anew; storing is one transaction. So killing the process at any instant loses nothing and doubles nothing.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import Any, Literal

import structlog
from django.db import transaction

from nostro.formats import FormatError, survey
from nostro.formats.containers import members
from nostro.formats.problems import fail
from nostro.hub.files import leases, staging
from nostro.hub.files.answers import is_asked, look
from nostro.hub.files.comparing import Found, compare
from nostro.hub.files.identifying import identify
from nostro.hub.files.importing import import_rows, note_found
from nostro.hub.files.limits import MAX_ATTEMPTS, MAX_PROBLEMS, MAX_WAITING
from nostro.hub.files.models import FileAccount, FileImport, StagedRow
from nostro.hub.files.problems import as_json
from nostro.hub.files.receiving import bytes_of, store_bytes

log = structlog.get_logger(__name__)

Clock = Callable[[], dt.datetime]
Reached = Callable[[str], None]


def utc_now() -> dt.datetime:
    """The clock of production."""
    return dt.datetime.now(dt.UTC)


def _nothing(point: str) -> None:
    """What happens at the points where tests let a worker die."""


def read_file(file_id: uuid.UUID, *, clock: Clock = utc_now, reached: Reached = _nothing) -> FileImport | None:
    """Stage a file and compare it, so that a person sees what it would bring; None if there was nothing to do.

    ``reached`` is for tests only: it is called at each point at which a killed worker leaves something behind.
    """
    file = leases.take(file_id, ("received", "reading"), "reading", clock())
    if file is None:
        return None
    reached("lease taken")
    if file.attempts > MAX_ATTEMPTS:
        return _fail(file, [as_json(staging.too_often())], clock)
    try:
        file.bytes_read, file.rows_read, file.quarantined, file.problems = 0, 0, False, []
        staging.clear(file)
        found = survey(bytes_of(file))
        if found.container is not None:
            return _unpack(file, found.container, clock, reached)
        look(file, found)
        staging.stage(file, found, clock, reached)
        _preview(file, clock, reached)
    except FormatError as error:
        status = "asking" if is_asked(file, error) else "failed"
        return _fail(file, [as_json(found) for found in error.problems], clock, status)
    except leases.LeaseLost:
        log.warning("file_taken_over", file_id=str(file_id))
        return None
    except Exception:
        leases.release(file)
        raise
    return file


def _unpack(file: FileImport, container: Literal["zip", "gzip"], clock: Clock, reached: Reached) -> FileImport:
    """Make each file of an archive an import of its own; all of them or none."""
    if file.archive_id is not None:
        raise fail("F-UNSAFE", "this is an archive within an archive; unpack it first")
    from nostro.hub.files.tasks import defer_reading

    with transaction.atomic():
        locked, number = leases.lock(file, "reading"), 0
        for number, member in enumerate(members(bytes_of(file), container), start=1):
            if number > MAX_WAITING:
                raise fail("F-TOO-LARGE", f"the archive has more than {MAX_WAITING} files")
            each = FileImport(
                organization=locked.organization, is_sandbox=locked.is_sandbox, account=locked.account,
                handed_in_by=locked.handed_in_by, archive=locked,
            )  # fmt: skip
            store_bytes(each, member.name or locked.name.removesuffix(".gz"), member.chunks, clock())
            defer_reading(each)
        if not number:
            raise fail("F-EMPTY", "there is no file in this archive")
        locked.status, locked.format, locked.lease_until, locked.updated_at = "unpacked", container, None, clock()
        locked.save()
        reached("unpacked")
    return locked


def _preview(file: FileImport, clock: Clock, reached: Reached) -> None:
    with transaction.atomic():
        locked = leases.lock(file, "reading")
        for file_account in FileAccount.objects.filter(file=file).order_by("position"):
            identify(locked, file_account)
            if not file_account.refusal:
                found = compare(file_account, file_account.account, add_held=False)
                note_found(file_account, found)
                _mark_held(locked, found)
            file_account.save()
        for name in ("format", "version", "encoding", "problems", "quarantined", "rows_read", "answers", "looked"):
            setattr(locked, name, getattr(file, name))
        locked.bytes_read = locked.size
        locked.status, locked.lease_until, locked.attempts, locked.updated_at = "waiting", None, 0, clock()
        locked.save()
        reached("preview written")
    reached("read")


def _mark_held(file: FileImport, found: Found) -> None:
    """The preview shows why rows are held; importing decides again, and until then nothing is held for good."""
    held = {each.row.number: each for each in found.held_rows}
    rows = list(StagedRow.objects.filter(file=file, number__in=held).only("id", "number"))
    for row in rows:
        row.held, row.like = held[row.number].reason, held[row.number].like
    StagedRow.objects.bulk_update(rows, ["held", "like"], batch_size=500)


def _fail(file: FileImport, problems: list[dict[str, Any]], clock: Clock, status: str = "failed") -> FileImport | None:
    """Nothing of the file can be used: nothing of it stays but the file and what is wrong with it, or what is asked."""
    with transaction.atomic():
        try:
            locked = leases.lock(file, "reading")
        except leases.LeaseLost:
            return None
        staging.clear(locked)
        locked.status, locked.lease_until, locked.updated_at = status, None, clock()
        locked.format, locked.looked, locked.attempts, locked.quarantined = file.format, file.looked, 0, False
        locked.problems = problems[:MAX_PROBLEMS]
        locked.save()
        return locked


def store_file(file_id: uuid.UUID, *, clock: Clock = utc_now, reached: Reached = _nothing) -> FileImport | None:
    """Store a confirmed file; None if there was nothing to do. One that kills its worker waits for a person again."""
    file = leases.take(file_id, ("importing",), "importing", clock())
    if file is None:
        return None
    reached("lease taken")
    if file.attempts > MAX_ATTEMPTS:
        FileImport.objects.filter(pk=file.pk, status="importing").update(status="waiting", lease_until=None, attempts=0)
        log.error("file_given_up", file_id=str(file_id))
        return None
    try:
        import_rows(file, clock(), reached)
    except leases.LeaseLost:
        log.warning("file_taken_over", file_id=str(file_id))
        return None
    except Exception:
        leases.release(file)
        raise
    file.refresh_from_db()
    return file
