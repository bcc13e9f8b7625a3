"""Find Duplicate Transactions: lines that may be one transaction, and what a person says of them (books.md 11.3)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from uuid import UUID

from django.db import connection, transaction

from nostro.books.companies.models import Role
from nostro.books.journals.models import Journal, Line, LineStatus, NotDuplicate
from nostro.books.journals.services import DETAILS, locked_line, remove_line
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import Problem

GROUP_LIMIT = 100
#: Lines of one group at most; more are told to be too many to compare by eye.
LINES_LIMIT = 20
_LIVE = (LineStatus.POSTED, LineStatus.HELD_LOCKED, LineStatus.INFORMATIONAL)

_SQL = """
SELECT array_agg(id ORDER BY id) FROM journals_line
WHERE journal_id = %(journal)s AND status = ANY(%(live)s) AND booking_date >= %(since)s
GROUP BY currency, amount, counterparty_account, booking_date
HAVING count(*) > 1
UNION
SELECT array_agg(id ORDER BY id) FROM journals_line
WHERE journal_id = %(journal)s AND status = ANY(%(live)s) AND bank_reference <> '' AND bank_reference IN (
    SELECT bank_reference FROM journals_line
    WHERE journal_id = %(journal)s AND status = ANY(%(live)s) AND bank_reference <> '' AND booking_date >= %(since)s
)
GROUP BY bank_reference
HAVING count(*) > 1
LIMIT %(limit)s
"""


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Lines that may be one transaction, oldest first."""

    lines: list[Line]


def default_since(journal: Journal) -> dt.date | None:
    """The oldest date of the last import; ``None`` without lines."""
    newest = Line.objects.filter(journal=journal).order_by("-id").first()
    if newest is None:
        return None
    together = Line.objects.filter(journal=journal, run_id=newest.run_id) if newest.run_id else None
    oldest = together.order_by("booking_date").first() if together is not None else newest
    return oldest.booking_date if oldest else newest.booking_date


def find_duplicates(journal: Journal, since: dt.date) -> list[DuplicateGroup]:
    """Groups of equal currency, amount, account number and date, or of one bank reference at any date, where a line
    lies on or after ``since``. Pairs that a person called different are not shown together again."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {"journal": journal.id, "live": [*map(str, _LIVE)], "since": since, "limit": GROUP_LIMIT})
        found = [ids[:LINES_LIMIT] for (ids,) in cursor.fetchall()]
    wanted = {line_id for ids in found for line_id in ids}
    lines = {line.id: line for line in Line.objects.filter(pk__in=wanted).select_related("journal")}
    different = set(NotDuplicate.objects.filter(first__in=wanted).values_list("first_id", "second_id"))
    groups = [
        DuplicateGroup(sorted((lines[line_id] for line_id in ids), key=_age))
        for ids in found
        if not all(pair in different for pair in combinations(sorted(ids), 2))
    ]
    return sorted(groups, key=lambda group: (group.lines[-1].booking_date, group.lines[-1].id), reverse=True)


def _age(line: Line) -> tuple[dt.date, int, UUID]:
    return line.booking_date, line.day_seq, line.id


@transaction.atomic
def merge_lines(user: User, kept_id: UUID, other_ids: Sequence[UUID], *, now: dt.datetime) -> Line:
    """The others are the kept line: their ids and details go there, their entries are reversed, their rows stay as
    tombstones. A matched line cannot be one of the others, and a removed one cannot be kept."""
    lines = _locked(user, [kept_id, *other_ids])
    kept = lines[kept_id]
    _require_left(kept)
    for other in (lines[other_id] for other_id in other_ids):
        if (other.journal_id, other.currency, other.amount) != (kept.journal_id, kept.currency, kept.amount):
            raise Problem(
                "These lines differ in journal, currency or amount.",
                what_to_do="Remove the wrong one instead.",
                code="notTheSame",
            )
        if other.id == kept.id or other.status == LineStatus.REMOVED:
            continue
        remove_line(user, other.id, reason=f"Duplicate of the line of {kept.booking_date.isoformat()}", now=now)
        other.aliases.update(line=kept)
        filled = [name for name in DETAILS if getattr(other, name) and not getattr(kept, name)]
        for name in filled:
            setattr(kept, name, getattr(other, name))
        if filled:
            kept.save(update_fields=filled)
        record(
            tenant_id=kept.company_id,
            actor=user,
            action="line.merged",
            obj=kept,
            sentence=f"The line of {other.booking_date:%d %b %Y}, {other.amount} {other.currency}, was merged "
            "as a duplicate.",
            before={"line": str(other.id)},
            after={"filled": filled},
        )
    return kept


def _locked(user: User, line_ids: Sequence[UUID], role: Role = Role.ACCOUNTANT) -> dict[UUID, Line]:
    """The lines, always locked in the same order, so that two people who take the same ones never wait in a ring."""
    return {line_id: locked_line(user, line_id, role) for line_id in sorted({*line_ids})}


def _require_left(line: Line) -> None:
    if line.status == LineStatus.REMOVED:
        raise Problem(
            "The line that would stay was removed meanwhile.",
            why="Somebody else decided about these lines at the same time.",
            what_to_do="Look at the list again: it shows what is left.",
            code="lineRemoved",
        )


@transaction.atomic
def delete_duplicates(
    user: User, line_ids: Sequence[UUID], *, staying: Sequence[UUID] = (), now: dt.datetime
) -> int:  # fmt: skip
    """Make tombstones of the selected lines; returns how many.

    ``staying`` are those that are said to remain. Raises :class:`Problem` where one of them was removed meanwhile: two
    people would have taken one each, and nothing would be left.
    """
    lines = _locked(user, [*line_ids, *staying])
    for line_id in staying:
        _require_left(lines[line_id])
    for line_id in line_ids:
        remove_line(user, line_id, reason="Duplicate", now=now)
    return len(line_ids)


@transaction.atomic
def call_different(user: User, line_ids: Sequence[UUID]) -> None:
    """These lines are different transactions: they are never listed together again."""
    lines = list(_locked(user, line_ids, Role.CLERK).values())
    pairs = [
        NotDuplicate(company_id=one.company_id, first=one, second=other)
        for one, other in combinations(lines, 2)
        if one.journal_id == other.journal_id
    ]
    NotDuplicate.objects.bulk_create(pairs, ignore_conflicts=True)
    if pairs:
        record(
            tenant_id=lines[0].company_id,
            actor=user,
            action="lines.different",
            obj=lines[0],
            sentence=f"{len(lines)} lines that look alike are different transactions.",
            after={"lines": [str(line.id) for line in lines]},
        )
