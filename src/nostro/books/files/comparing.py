"""Compares the staged lines of a file's account with those of its journal (formats.md 8); nothing is written."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from nostro.books.files.changes import ChangedRow, take_changed
from nostro.books.files.models import JournalFileAccount, JournalFileStatement, LineSighting
from nostro.books.files.reading import staged_values
from nostro.books.journals.balances import UNDONE_REASON
from nostro.books.journals.changes import empty_details
from nostro.books.journals.importing import LineValues
from nostro.books.journals.models import Alias, Line, LineStatus, Source
from nostro.core.identity.file_comparison import Compared, FileComparison, RowOfStatement, Shown, StatementFacts
from nostro.core.identity.file_rows import ALIKE_DAYS, RowOfFile, StoredState, StoredTransaction
from nostro.core.ids import new_id


@dataclass(slots=True)
class Found:
    """What the rows of an account are, and their values by their number in the file.

    ``changed`` are rows that say otherwise of a line that is known; they alter nothing and bring no line. ``more`` is
    what the file tells of known lines where their texts are empty.
    """

    compared: Compared
    values: dict[int, LineValues]
    changed: list[ChangedRow]
    more: dict[UUID, LineValues]


def compare(account: JournalFileAccount) -> Found:
    """Compare the staged rows of an account with the lines of its journal, if it has one yet."""
    rows: list[RowOfStatement] = []
    values: dict[int, LineValues] = {}
    for staged, each in staged_values(account):
        values[staged.number] = each
        row = RowOfFile(
            staged.number, each.booking_date, each.amount, each.currency, staged.fingerprint, each.bank_reference
        )
        rows.append(RowOfStatement(staged.statement_id, row))
    if not rows:
        return Found(Compared(), values, [], {})
    days = [row.booking_date for _, row in rows]
    margin = dt.timedelta(days=ALIKE_DAYS)
    within = (min(days) - margin, max(days) + margin)
    lines = list(Line.objects.filter(journal=account.journal_id, booking_date__range=within))
    shown, aliases = _sightings(account, within)
    named = Alias.objects.filter(line__journal=account.journal_id, line__booking_date__range=within)
    merged = set(named.values_list("line_id", flat=True))
    fed = merged | {line.pk for line in lines if not shown[line.pk]}
    statements = {each.pk: each for each in JournalFileStatement.objects.filter(account=account)}
    earlier = {each.statement_id for all_ in shown.values() for each in all_} - statements.keys()
    statements |= JournalFileStatement.objects.in_bulk(earlier)
    comparison = FileComparison(
        map(_facts, statements.values()),
        [_stored(line, aliases[line.pk], is_merged=line.pk in merged) for line in lines],
        shown,
        fed,
        # Whether a line that the feed lacks is real is told by the balance proof (books.md 11.5).
        read_by_feed=lambda _: False,
        add_held=False,
        new_ids=lambda number: sorted(new_id() for _ in range(number)),
    )
    compared = comparison.compare(rows)
    statement_of = {row.number: statements[statement_id] for statement_id, row in rows}
    shown_in = {line_id: [statements[each.statement_id] for each in all_] for line_id, all_ in shown.items()}
    changed = take_changed(compared, values, statement_of, lines, shown_in)
    return Found(compared, values, changed, _more_said(compared, values, lines))


def _more_said(
    compared: Compared, values: dict[int, LineValues], lines: Iterable[Line]
) -> dict[UUID, LineValues]:  # fmt: skip
    """Known lines that nobody decided about and of which the file tells what was empty (formats.md 8.5)."""
    open_ = {line.pk: line for line in lines if not line.reconciled}
    said = {line_id: values[each.row.number] for each, line_id in compared.seen if line_id in open_}
    return {line_id: each for line_id, each in said.items() if empty_details(open_[line_id], each)}


def _stored(line: Line, aliases: set[str], *, is_merged: bool) -> StoredTransaction:
    # What was typed by hand is never taken for the bank's row by itself: it can only look like it (books.md 11.2).
    typed = line.source == Source.MANUAL and not aliases and not is_merged
    return StoredTransaction(
        line.pk,
        line.booking_date,
        line.amount,
        line.currency,
        f"typed {line.pk}" if typed else line.fingerprint,
        line.occurrence,
        "" if typed else line.bank_reference,
        tuple(sorted(aliases - {line.fingerprint})),
        _state(line),
    )


def _state(line: Line) -> StoredState:
    if line.status == LineStatus.REMOVED:
        return "undone" if line.status_reason == UNDONE_REASON else "set_aside"
    return "withdrawn" if line.status == LineStatus.WITHDRAWN else "live"


def _sightings(
    account: JournalFileAccount, within: tuple[dt.date, dt.date]
) -> tuple[dict[UUID, list[Shown]], dict[UUID, set[str]]]:
    found = LineSighting.objects.filter(
        line__journal=account.journal_id, line__booking_date__range=within, statement__file__undone_at=None
    )
    shown: defaultdict[UUID, list[Shown]] = defaultdict(list)
    aliases: defaultdict[UUID, set[str]] = defaultdict(set)
    for each in found.only("line_id", "statement_id", "number", "fingerprint"):
        shown[each.line_id].append(Shown(each.statement_id, each.number))
        aliases[each.line_id].add(each.fingerprint)
    return shown, aliases


def _facts(each: JournalFileStatement) -> StatementFacts:
    return StatementFacts(
        each.pk, each.proof == "proved", each.opening, each.closing, each.first_day, each.last_day,
        each.complete_from, each.complete_to,
    )  # fmt: skip
