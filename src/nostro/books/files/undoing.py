"""What an import brought is taken back, in the caller's transaction."""

from __future__ import annotations

import datetime as dt

from nostro.books.destinations.builtin import destination_of
from nostro.books.files.models import JournalFile, JournalFileAccount, LineSighting, StagedLine
from nostro.books.journals.announced import forget_announced
from nostro.books.journals.balances import UNDONE_REASON, take_back_balances
from nostro.books.journals.changes import forget_changes
from nostro.books.journals.file_days import forget_file_days
from nostro.books.journals.line_parts import forget_parts
from nostro.books.journals.models import Alias, Journal, Line, LineStatus, OpeningOrigin
from nostro.books.journals.opening import take_back_opening
from nostro.books.journals.services import remove_line
from nostro.books.links.beside_files import look_again
from nostro.books.links.pending import settle_pending
from nostro.people.models import User


def undo_import(user: User, file: JournalFile, now: dt.datetime) -> int:
    """Undo one import in all of its journals; returns the number of lines that went. ``file`` is marked as undone.

    Lines that the feed or another file shows too stay. Raises Problem where a line of it is decided.
    """
    mine = set(LineSighting.objects.filter(statement__file=file).values_list("line_id", flat=True))
    others = LineSighting.objects.filter(line__in=mine, statement__file__undone_at=None)
    mine -= set(others.values_list("line_id", flat=True))
    forget_parts(mine)
    mine -= set(Alias.objects.filter(line__in=mine).values_list("line_id", flat=True))
    lines = Line.objects.filter(pk__in=mine, source="file").exclude(status=LineStatus.REMOVED)
    removed = [
        remove_line(user, line.pk, reason=UNDONE_REASON, now=now) for line in lines.order_by("order_date", "day_seq")
    ]
    StagedLine.objects.filter(file=file).delete()
    forget_changes(file.pk)
    forget_file_days(file.pk)
    forget_announced(file.pk)
    take_back_balances(file.pk)
    accounts = JournalFileAccount.objects.filter(file=file, refusal="", decision__in=["import", "create"])
    for account in accounts.exclude(journal=None).order_by("currency", "number"):
        _close(user, account, now)
    return len(removed)


def _close(user: User, account: JournalFileAccount, now: dt.datetime) -> None:
    """The opening that the import gave goes with it where nothing is left to open; then the proof is made anew."""
    journal = Journal.objects.select_related("company").get(pk=account.journal_id)
    left = Line.objects.filter(journal=journal).exclude(status_reason=UNDONE_REASON)
    if account.gave_opening and journal.opening_origin == OpeningOrigin.COMPUTED and not left.exists():
        take_back_opening(user, journal)
        journal.refresh_from_db()
    destination_of(journal).close_run(journal, now=now)
    settle_pending(journal, now=now)
    look_again(journal, now=now)
