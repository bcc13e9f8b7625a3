"""Rows that files announce before they are booked, and the pending ones they are until then (formats.md 8.4).

Each verb works inside the transaction of its caller.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from nostro.books.journals.file_days import file_days
from nostro.books.journals.importing import LineValues
from nostro.books.journals.models import AnnouncedLine, Journal, Line, LineStatus, PendingLine, PendingState, Source
from nostro.books.journals.pending import LAPSED_FOR, content_of, link_row_of
from nostro.core.identity import LINK_DAYS
from nostro.core.identity import announced as core
from nostro.core.transactions import Window

#: Announced rows of a journal that one decision looks at, the newest.
LIMIT = 1_000
_TEXTS = ("label", "counterparty_name", "counterparty_account", "end_to_end_id", "bank_reference")


class Announced(NamedTuple):
    """A row of a statement of a file, provisional or expected."""

    report: UUID
    is_provisional: bool
    values: LineValues


def keep_announced(journal: Journal, rows: Collection[Announced], *, run_id: UUID, now: dt.datetime) -> None:
    """An import announced these rows."""
    AnnouncedLine.objects.bulk_create(
        (
            AnnouncedLine(
                company_id=journal.company_id, journal=journal, run_id=run_id, report=each.report,
                is_provisional=each.is_provisional, date=each.values.booking_date, amount=each.values.amount,
                currency=each.values.currency, created_at=now,
                **{name: getattr(each.values, name) for name in _TEXTS},
            )
            for each in rows
        ),
        batch_size=1_000,
    )  # fmt: skip


def forget_announced(run_id: UUID) -> None:
    """The import was undone."""
    AnnouncedLine.objects.filter(run_id=run_id).delete()


def is_to_settle(journal: Journal) -> bool:
    """Whether files announced anything of a journal; most have only a feed."""
    shown = PendingLine.objects.filter(journal=journal, state=PendingState.PENDING, is_from_file=True)
    return AnnouncedLine.objects.filter(journal=journal).exists() or shown.exists()


def settle_announced(journal: Journal, fed: Window | None, *, now: dt.datetime) -> None:
    """Make the pending rows that come from files those that still stand, after anything was booked, announced or taken
    back. ``fed`` are the days that a feed read to their end. What is equal keeps its id and its note."""
    AnnouncedLine.objects.filter(journal=journal, created_at__lt=now - core.KEPT).delete()
    stored = list(AnnouncedLine.objects.filter(journal=journal).order_by("-date", "id")[:LIMIT])
    pending = PendingLine.objects.filter(journal=journal, state=PendingState.PENDING)
    shown = list(pending.filter(is_from_file=True).order_by("first_seen", "id"))
    if not stored and not shown:
        return
    lines = _lines(journal, stored)
    announced = _announced(journal, stored, {line.pk for line in lines}, fed)
    of_feed = [_as_row(row) for row in pending.filter(is_from_file=False).order_by("first_seen", "id")[:LIMIT]]
    standing = core.stand(announced, [_as_row(line) for line in lines], of_feed)
    _remember(stored, standing)
    change = core.change_of(announced, standing, [_as_row(row) for row in shown])
    gone, added = set(change.ended), set(change.added)
    _end([row for row in shown if row.pk in gone], change.became, now)
    pending.filter(pk__in=change.kept.values()).update(last_seen=now)
    for row in stored:
        if row.pk in added:
            _show(row, now)
    lapsed = PendingLine.objects.filter(journal=journal, is_from_file=True, state=PendingState.LAPSED)
    lapsed.filter(last_seen__lt=now - LAPSED_FOR).delete()


def _lines(journal: Journal, stored: Sequence[AnnouncedLine]) -> list[Line]:
    """The bank's lines that announced rows may have become."""
    if not stored:
        return []
    first, last = stored[-1].date, stored[0].date + dt.timedelta(days=LINK_DAYS)
    found = Line.objects.filter(journal=journal, booking_date__range=(first, last)).exclude(source=Source.MANUAL)
    live = found.exclude(status__in=[LineStatus.REMOVED, LineStatus.WITHDRAWN])
    return list(live.order_by("-booking_date", "-day_seq", "-id")[: 10 * LIMIT])


def _announced(
    journal: Journal, stored: Sequence[AnnouncedLine], there: Collection[UUID], fed: Window | None
) -> list[core.AnnouncedRow]:
    """What was announced, with what is final: by statements, or because the feed read the whole day."""
    read = file_days(journal.pk, stored[-1].date) if stored else []
    complete = [*read, fed] if fed else read
    last = max((each.date_to for each in complete), default=dt.date.min)

    def is_final(row: AnnouncedLine) -> bool:
        if row.is_provisional:
            return any(each.date_from <= row.date <= each.date_to for each in complete)
        return row.date + dt.timedelta(days=LINK_DAYS) <= last

    return [
        core.AnnouncedRow(
            row.pk, row.report, content_of(row, row.date), row.date, row.is_provisional, is_final(row),
            row.booked_as if row.booked_as in there else None, link_row_of(row, row.date),
        )
        for row in stored
    ]  # fmt: skip


def _as_row(row: PendingLine | Line) -> core.BookedRow:
    day = row.booking_date if isinstance(row, Line) else row.date
    return core.BookedRow(row.pk, content_of(row, day), link_row_of(row, day))


def _remember(stored: Sequence[AnnouncedLine], standing: core.Standing) -> None:
    """An expected row that was found booked stays so, also when another line looks like it later."""
    changed = [row for row in stored if not row.is_provisional and row.booked_as != standing.booked.get(row.pk)]
    for row in changed:
        row.booked_as = standing.booked.get(row.pk)
    AnnouncedLine.objects.bulk_update(changed, ["booked_as"], batch_size=500)


def _end(ended: Sequence[PendingLine], became: dict[UUID, UUID], now: dt.datetime) -> None:
    for row in ended:
        row.line_id = became.get(row.pk)
        row.state, row.last_seen = PendingState.BOOKED if row.line_id else PendingState.LAPSED, now
    PendingLine.objects.bulk_update(ended, ["line", "state", "last_seen"], batch_size=500)


def _show(row: AnnouncedLine, now: dt.datetime) -> None:
    """Show it as pending; one that was booked by a statement that was undone is shown again."""
    values = {
        "date": row.date, "amount": row.amount, "currency": row.currency, "is_from_file": True, "line": None,
        "state": PendingState.PENDING, "last_seen": now, **{name: getattr(row, name) for name in _TEXTS},
    }  # fmt: skip
    PendingLine.objects.update_or_create(
        journal_id=row.journal_id,
        external_id=f"file:{row.pk}",
        defaults=values,
        create_defaults={**values, "company_id": row.company_id, "first_seen": now},
    )
