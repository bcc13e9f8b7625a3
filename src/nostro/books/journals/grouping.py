"""How lines become statements (books.md 5.2). Idempotent; a confirmed statement never changes."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from itertools import count
from operator import attrgetter
from typing import cast
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max, Min, Q, Sum

from nostro.books.journals.models import Balance, Journal, Line, LineStatus, Statement
from nostro.core.calendar import Grouping, grouping_key, grouping_start

#: Lines that move the balance; the others are shown without effect (books.md 13.2).
EFFECTIVE = (LineStatus.POSTED, LineStatus.WITHDRAWN)


@transaction.atomic
def group_lines(journal: Journal, *, today: dt.date) -> int:
    """Put every line without a statement into one, make those that are missing, and carry the balances on.

    Returns the number of lines grouped; nothing to group changes nothing. An import groups its own lines, so this
    finds those that were held, restored, or taken out of their statements.
    """
    Journal.objects.select_for_update(no_key=True).get(pk=journal.pk)
    loose = list(
        Line.objects.filter(journal=journal, statement=None, status__in=EFFECTIVE).only(
            "id", "booking_date", "value_date", "order_date", "day_seq", "run_id", "amount"
        )
    )
    if not loose:
        return 0
    days = {line.id: journal.accounting_day(line.booking_date, line.value_date) for line in loose}
    run_ids = {str(line.run_id) if line.run_id else None for line in loose}
    placing = Placing(journal, today=today, since=min(days.values()), run_ids=run_ids)
    by_run = placing.grouping == "per_synchronization"
    # Ids of runs are in the order of time; lines without a run are of today.
    loose.sort(
        key=lambda line: (by_run and (line.run_id is None, str(line.run_id)), days[line.id], line.day_seq, line.id)
    )
    newest = Line.objects.filter(journal=journal).aggregate(newest=Max("day_seq"))["newest"] or 0
    rows = []
    for number, line in enumerate(loose, newest + 1):
        run_id = str(line.run_id) if line.run_id else None
        statement_id, order_date, late = placing.place(days[line.id], run_id, line.amount)
        # Where statements share a day, the line stands behind those of the statement before its own.
        day_seq = number if by_run or placing.is_shared(order_date) else line.day_seq
        rows.append([str(line.id), statement_id, order_date.isoformat(), late or line.late, day_seq])
    placing.store()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE journals_line l SET statement_id = (r->>1)::uuid, order_date = (r->>2)::date, late = (r->>3)::bool,"
            " day_seq = (r->>4)::bigint FROM jsonb_array_elements(%s::jsonb) r WHERE l.id = (r->>0)::uuid",
            [json.dumps(rows)],
        )
    return len(loose)


class Placing:
    """The statements of a journal while lines are placed in them, oldest first. Nothing is written before ``store``."""

    def __init__(self, journal: Journal, *, today: dt.date, since: dt.date, run_ids: Collection[str | None]) -> None:
        """``since`` is the earliest accounting day of the lines, ``run_ids`` are their runs: statements that end
        before the one and belong to none of the others are not touched."""
        self.journal, self.today = journal, today
        self.grouping: Grouping = cast(Grouping, journal.grouping)
        self.before, self.statements = _statements_from(journal, since, [self._run_key(each) for each in run_ids])
        self.by_key = {statement.key: statement for statement in self.statements}
        self.made: list[Statement] = []
        self.sums: defaultdict[UUID, Decimal] = defaultdict(Decimal)
        self.last_days: dict[UUID, dt.date] = {}
        confirmed = Statement.objects.filter(journal=journal, confirmed_at__isnull=False)
        until = confirmed.aggregate(begun=Max("first_day"), ended=Max("date"))
        #: The newest confirmed statement begins and ends on these days; no other may get lines before it.
        self.confirmed_begun, self.confirmed_ended = until["begun"] or dt.date.min, until["ended"] or dt.date.min
        # Both hold until a statement is made or, for the second, ends on a later day.
        self._places: dict[dt.date, tuple[Statement, bool]] = {}
        self._shared: dict[dt.date, bool] = {}

    def place(self, day: dt.date, run_id: str | None, amount: Decimal) -> tuple[str, dt.date, bool]:
        """The statement's id, the order date and whether it is late, for a line of ``amount`` on an accounting day."""
        if self.grouping == "per_synchronization":
            statement, late = self._of_run(run_id, day), False
        else:
            if day not in self._places:
                self._places[day] = self._of_period(day)
            statement, late = self._places[day]
        order_date = max(day, statement.first_day)
        self.sums[statement.id] += amount
        if order_date > self._end(statement):
            self._shared.clear()
        self.last_days[statement.id] = max(order_date, self._end(statement))
        return str(statement.id), order_date, late

    def is_shared(self, day: dt.date) -> bool:
        """Whether lines of several statements lie on an order date, as after a change of the grouping."""
        if day not in self._shared:
            self._shared[day] = sum(each.first_day <= day <= self._end(each) for each in self._known()) > 1
        return self._shared[day]

    def _known(self) -> list[Statement]:
        return [self.before, *self.statements] if self.before else self.statements

    def _end(self, statement: Statement) -> dt.date:
        return self.last_days.get(statement.id, statement.date)

    def store(self) -> None:
        """Write new statements, and carry the placed amounts on from statement to statement."""
        Statement.objects.bulk_create(self.made)
        totals = {each.id: each.computed_end - each.start + self.sums[each.id] for each in self.statements}
        self.statements.sort(key=lambda statement: statement.first_day)
        _carry_on(self.journal, self.before, self.statements, totals, self.last_days)

    def _run_key(self, run_id: str | None) -> str:
        return (run_id or f"manual-{self.today.isoformat()}")[:40]

    def _of_run(self, run_id: str | None, day: dt.date) -> Statement:
        """A run's statement begins where the previous one ended (rule 6). Lines that were held go to a further one,
        once others have followed, so that the lines of each stay together."""
        key, known = self._run_key(run_id), self._known()
        last = known[-1] if known else None
        if last is not None and not last.confirmed_at and (last.key == key or last.key.startswith(f"{key}+")):
            return last
        floor = max(map(self._end, known), default=day)
        return self._make(self._new_key(key), max(day, floor))

    def _of_period(self, day: dt.date) -> tuple[Statement, bool]:
        """The statement of a day and whether the line is late there.

        After a change of the grouping, a day may lie within a statement of another cut: that one gets the line.
        """
        start, key = grouping_start(self.grouping, day), grouping_key(self.grouping, day, "")
        # Of several that begin on one day, the last.
        begun = [each for each in self._known() if each.first_day <= day]
        within = max(reversed(begun), key=attrgetter("first_day"), default=None)
        if start > self.confirmed_begun and start >= self.confirmed_ended:
            if within is None or (within.first_day < start and self._end(within) <= start):
                within = self._make(self._new_key(key), start)
            return within, False
        if within is not None and self._may_grow(within):
            return within, True
        later = [each for each in self.statements if self._may_grow(each) and each.first_day > start]
        return (min(later, key=lambda each: each.first_day) if later else self._of_today()), True

    def _may_grow(self, statement: Statement) -> bool:
        """Whether it is open and no confirmed one follows it."""
        follows = statement.first_day >= max(self.confirmed_begun, self.confirmed_ended)
        return not statement.confirmed_at and follows

    def _of_today(self) -> Statement:
        """The statement of the fetch day, or of the first period after the last confirmed one."""
        start, key = grouping_start(self.grouping, self.today), grouping_key(self.grouping, self.today, "")
        first_day = max(start, self.confirmed_begun, self.confirmed_ended)
        return self._make(self._new_key(key), first_day)

    def _new_key(self, key: str) -> str:
        """The key, or one for a further statement of its period or run."""
        if key not in self.by_key:
            return key
        statements = Statement.objects.filter(journal=self.journal, key__startswith=f"{key}+")
        taken = {*statements.values_list("key", flat=True), *self.by_key}
        return next(each for number in count(2) if (each := f"{key[:36]}+{number}") not in taken)

    def _make(self, key: str, first_day: dt.date) -> Statement:
        statement = Statement(
            company_id=self.journal.company_id,
            journal=self.journal,
            grouping=self.grouping,
            key=key[:40],
            first_day=first_day,
            date=first_day,
            start=Decimal(0),
            computed_end=Decimal(0),
        )
        self.made.append(statement)
        self.statements.append(statement)
        self.by_key[statement.key] = statement
        self._places.clear()
        self._shared.clear()
        return statement


def leaves_out_a_period(previous: Statement, statement: Statement) -> bool:
    """Whether a whole period lies between two statements that follow one another (books.md 13.2).

    A fetch has no period, so statements per synchronization never leave one out.
    """
    if statement.grouping == "per_synchronization" or statement.grouping != previous.grouping:
        return False
    grouping = cast(Grouping, statement.grouping)
    day = last = grouping_start(grouping, previous.first_day)
    while grouping_start(grouping, day) == last:
        day += dt.timedelta(days=1)
    return day < grouping_start(grouping, statement.first_day)


def carry_on_without(statement: Statement | None, amount: Decimal) -> None:
    """A line of ``amount`` has left a statement: carry the balances on from there; the statement goes if it is empty.

    Only statements from that one on are read, and no lines but its own.
    """
    if statement is None:
        return
    journal = Journal.objects.select_for_update(no_key=True).get(pk=statement.journal_id)
    ordered = Statement.objects.filter(journal=journal).order_by("first_day", "created_at", "id")
    before = ordered.filter(first_day__lt=statement.first_day).last()
    statements = list(ordered.filter(first_day__gte=statement.first_day))
    totals = {each.id: each.computed_end - each.start for each in statements}
    last_day = Line.objects.filter(statement=statement).aggregate(last=Max("order_date"))["last"]
    if last_day is None and statement.confirmed_at is None:
        statements = [each for each in statements if each.id != statement.id]
        Statement.objects.filter(pk=statement.pk).delete()
    totals[statement.id] -= amount
    _carry_on(journal, before, statements, totals, {statement.id: last_day} if last_day else {})


def refresh_statements(journal: Journal) -> None:
    """Carry balances from statement to statement, oldest first; confirmed ones stay as they are, empty ones go."""
    Statement.objects.filter(journal=journal, confirmed_at=None, lines=None).delete()
    statements = list(Statement.objects.filter(journal=journal).order_by("first_day", "created_at", "id"))
    sums = dict(
        Line.objects.filter(journal=journal, status__in=EFFECTIVE, statement__isnull=False)
        .values_list("statement")
        .annotate(total=Sum("amount"))
    )
    _carry_on(journal, None, statements, sums, _last_days(journal))


def _statements_from(journal: Journal, day: dt.date, keys: Collection[str]) -> tuple[Statement | None, list[Statement]]:
    """The statements that a line of ``day`` or later can touch or that have one of ``keys``, with all that follow
    them, oldest first; and the one before them, whose end they carry on."""
    statements = Statement.objects.filter(journal=journal).order_by("first_day", "created_at", "id")
    start = grouping_start(cast(Grouping, journal.grouping), day)
    reaching = statements.filter(Q(date__gte=start) | Q(key__in=keys)).aggregate(first=Min("first_day"))["first"]
    start = min(start, reaching or start)
    return statements.filter(first_day__lt=start).last(), list(statements.filter(first_day__gte=start))


def _carry_on(
    journal: Journal,
    before: Statement | None,
    statements: Sequence[Statement],
    totals: Mapping[UUID, Decimal],
    last_days: Mapping[UUID, dt.date],
) -> None:
    """Give each statement, oldest first, the start, end and date that follow from the sums of its lines."""
    changed: list[Statement] = []
    moved: set[UUID] = set()
    opening = Journal.objects.values_list("opening_amount", flat=True).get(pk=journal.pk)
    balance = before.computed_end if before else opening
    for statement in statements:
        if statement.confirmed_at is None:
            end = balance + totals.get(statement.id, Decimal(0))
            date = last_days.get(statement.id, statement.date)
            if (statement.start, statement.computed_end, statement.date) != (balance, end, date):
                if date != statement.date or statement.stated_end is None:
                    moved.add(statement.id)
                statement.start, statement.computed_end, statement.date = balance, end, date
                changed.append(statement)
        balance = statement.computed_end
    _find_stated_ends(journal, statements, moved)
    Statement.objects.bulk_update(changed, ["start", "computed_end", "date", "stated_end"], batch_size=500)


def _find_stated_ends(journal: Journal, statements: Sequence[Statement], moved: Collection[UUID]) -> None:
    """Give those that end on another day now the bank's balance of that day, if it stated one and no later statement
    ends on it too (books.md 13.2)."""
    last_of_day = {statement.date: statement.id for statement in statements}
    days = [statement.date for statement in statements if statement.id in moved]
    if not days:
        return
    stated = Balance.objects.filter(journal=journal, kind="current", origin="bank", reference_date__in=days)
    amounts = dict(stated.order_by("id").values_list("reference_date", "amount"))
    for statement in statements:
        if statement.id in moved:
            is_last = last_of_day[statement.date] == statement.id
            statement.stated_end = amounts.get(statement.date) if is_last else None


def _last_days(journal: Journal) -> dict[UUID, dt.date]:
    rows = Line.objects.filter(journal=journal, statement__isnull=False).values_list("statement")
    return dict(rows.annotate(last=Max("order_date")))
