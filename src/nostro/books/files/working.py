"""What a worker does with a file: stage and compare it, later import it. Each is one transaction, so that a killed
worker leaves nothing half done; its lease runs out and another begins anew."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from nostro.books.destinations.builtin import destination_of
from nostro.books.files.comparing import compare
from nostro.books.files.models import JournalFile, JournalFileStatement, LineSighting, StagedLine
from nostro.books.files.reading import MAX_PROBLEMS, problem_json, stage
from nostro.books.files.services import bytes_of, clear
from nostro.books.journals.balances import newest_balance, record_balance
from nostro.books.journals.importing import BATCH_LIMIT, LineValues, NewLine
from nostro.books.journals.models import Feed, Journal, Line, OpeningOrigin, Source
from nostro.books.journals.services import restore_line, set_feed
from nostro.books.ledger.bulk import copy_rows
from nostro.books.reconcile.automation import request_look
from nostro.core.account_keys import online_identity
from nostro.core.identity.file_comparison import Compared
from nostro.formats import FormatError
from nostro.people.audit import record

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
    file = JournalFile.objects.select_related("journal__company", "handed_in_by").get(pk=file_id)
    try:
        with transaction.atomic():
            locked = JournalFile.objects.select_for_update().get(pk=file_id)
            if (locked.attempts, locked.status) != (file.attempts, file.status):
                return None
            if file.status == "importing" and file.attempts > MAX_ATTEMPTS:
                # Something of it ends the work each time: a person decides what to do with it.
                JournalFile.objects.filter(pk=file_id).update(status="waiting", lease_until=None, attempts=0)
            elif file.status == "importing":
                _import(file, now, reached)
            else:
                _read(file, now)
            reached("written")
    except Exception:
        JournalFile.objects.filter(pk=file_id, attempts=file.attempts).update(lease_until=None)
        raise
    return file


def _read(file: JournalFile, now: dt.datetime) -> None:
    clear(file)
    file.rows = file.left_out = 0
    try:
        if file.attempts > MAX_ATTEMPTS:
            raise _given_up()
        with transaction.atomic():
            stage(file, bytes_of(file))
        compared, _ = compare(file)
        _note(file, compared)
        file.status = "waiting"
    except FormatError as error:
        file.status, file.problems = "failed", [problem_json(each) for each in error.problems[:MAX_PROBLEMS]]
    file.lease_until, file.attempts, file.updated_at = None, 0, now
    file.save()


def _given_up() -> FormatError:
    from nostro.formats.problems import fail

    return fail("F-LOST", "reading this file was begun several times and never reached its end")


def _note(file: JournalFile, compared: Compared) -> None:
    file.new_count, file.known_count = len(compared.added), compared.known
    file.restored_count, file.held_count = len(compared.restored), len(compared.held)
    held = {each.row.number: each for each in compared.held}
    rows = list(StagedLine.objects.filter(file=file, number__in=held))
    for row in rows:
        row.held, row.like = held[row.number].reason, held[row.number].like
    StagedLine.objects.filter(file=file).exclude(held="").update(held="", like=None)
    StagedLine.objects.bulk_update(rows, ["held", "like"], batch_size=500)


def _import(file: JournalFile, now: dt.datetime, reached: Reached) -> None:
    """Lines with entries, sightings, balances, proof and statements, all in the caller's transaction."""
    journal = (
        Journal.objects.select_for_update(no_key=True, of=("self",)).select_related("company").get(pk=file.journal_id)
    )
    if journal.feed == Feed.UNDEFINED:
        set_feed(journal, Feed.IMPORT)
    compared, values = compare(file)
    is_first = not Line.objects.filter(journal=journal).exists()
    new = _new_lines(compared, values)
    destination = destination_of(journal)
    for start in range(0, len(new), BATCH_LIMIT):
        batch = [line for _, line in new[start : start + BATCH_LIMIT]]
        destination.import_batch(journal, batch, identity=_identity(journal), run_id=file.pk, now=now)
        reached("batch imported")
    if file.handed_in_by is not None:
        for _, back in compared.restored:
            restore_line(file.handed_in_by, back.id, now=now)
    _note_sightings(file, compared, new)
    _note_balance(file, journal, now)
    if is_first and journal.opening_origin == OpeningOrigin.NONE:
        journal.opening_origin = OpeningOrigin.COMPUTED
        journal.save(update_fields=["opening_origin"])
    destination.close_run(journal, now=now)
    _note(file, compared)
    StagedLine.objects.filter(file=file).delete()
    file.status, file.imported_at, file.updated_at, file.lease_until = "imported", now, now, None
    file.save()
    record(
        tenant_id=file.company_id, actor=file.handed_in_by, action="file.imported", obj=file,
        sentence=f"Imported the bank file {file.name} into {journal.code}.",
        after={"new": file.new_count, "held": file.held_count, "reason": file.reason},
    )  # fmt: skip
    request_look(journal.company, now=now)


def _new_lines(compared: Compared, values: dict[int, LineValues]) -> list[tuple[int, NewLine]]:
    """New lines and held ones by their number in the file, oldest first."""
    found: list[tuple[int, NewLine]] = []
    last: Counter[str] = Counter()
    for each in compared.added:
        last[each.row.fingerprint] = max(last[each.row.fingerprint], each.ordinal)
        found.append((each.row.number, _line(values[each.row.number], each.row.fingerprint, each.ordinal)))
    for held in compared.held:
        if held.reason == "alike":
            last[held.row.fingerprint] += 1
            line = _line(values[held.row.number], held.row.fingerprint, last[held.row.fingerprint], held.like)
            found.append((held.row.number, line))
    return sorted(found, key=lambda pair: (pair[1].values.booking_date, pair[0]))


def _line(values: LineValues, fingerprint: str, ordinal: int, like: UUID | None = None) -> NewLine:
    return NewLine(values, Source.FILE, fingerprint, ordinal, duplicate_of=like)


def _note_sightings(file: JournalFile, compared: Compared, new: list[tuple[int, NewLine]]) -> None:
    stored = {
        (line.fingerprint, line.occurrence): line.pk
        for line in Line.objects.filter(run_id=file.pk).only("id", "fingerprint", "occurrence")
    }
    made = {number: stored[line.fingerprint, line.occurrence] for number, line in new}
    held = {each.row.number: each for each in compared.held}
    statements = dict(StagedLine.objects.filter(file=file, number__in=held).values_list("number", "statement_id"))
    rows = [
        LineSighting(
            company_id=file.company_id, statement_id=each.statement_id, line_id=made.get(each.row.number, line_id),
            number=each.row.number, fingerprint=each.row.fingerprint,
        )
        for each, line_id in compared.seen
    ]  # fmt: skip
    rows += [
        LineSighting(
            company_id=file.company_id, statement_id=statements[number], line_id=made[number], number=number,
            fingerprint=each.row.fingerprint,
        )
        for number, each in held.items()
        if number in made
    ]  # fmt: skip
    copy_rows(rows)


def _note_balance(file: JournalFile, journal: Journal, now: dt.datetime) -> None:
    """The newest closing balance of the file is the bank's balance, if none newer is known."""
    dated = JournalFileStatement.objects.filter(file=file, closing__isnull=False, closing_day__isnull=False)
    last = dated.order_by("closing_day", "index").last()
    known = newest_balance(journal)
    if last is None or last.closing is None or last.closing_day is None:
        return
    if known is not None and known.reference_date is not None and known.reference_date > last.closing_day:
        return
    record_balance(
        journal, kind="current", amount=last.closing, reference_date=last.closing_day, observed_at=now, run_id=file.pk
    )


def _identity(journal: Journal) -> str:
    """As a feed of the same account would have it (books.md 1)."""
    return online_identity(journal.account_number, journal.currency, str(journal.pk))[:120]


def forgotten(now: dt.datetime, limit: int) -> list[JournalFile]:
    """Files that somebody should be working on and nobody is."""
    lost = JournalFile.objects.filter(
        Q(lease_until__lte=now) | Q(lease_until=None, updated_at__lte=now - JOB_EXPECTED_WITHIN),
        status__in=["received", "reading", "importing"],
    )
    return list(lost.order_by("created_at")[:limit])
