"""How lines become statements (books.md 5.2). Idempotent; a confirmed statement never changes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import cast

from django.db import transaction
from django.db.models import Max, Sum

from nostro.books.journals.importing import accounting_date
from nostro.books.journals.models import Journal, Line, LineStatus, Statement
from nostro.core.calendar import Grouping, grouping_key, grouping_start

#: Lines that move the balance; the others are shown without effect (books.md 13.2).
EFFECTIVE = (LineStatus.POSTED, LineStatus.WITHDRAWN)


@transaction.atomic
def group_lines(journal: Journal, *, today: dt.date) -> int:
    """Put every line without a statement into one, make those that are missing, and carry the balances on.

    Returns the number of lines grouped; nothing to group changes nothing.
    """
    Journal.objects.select_for_update(no_key=True).get(pk=journal.pk)
    loose = list(
        Line.objects.filter(journal=journal, statement=None, status__in=EFFECTIVE).only(
            "id", "booking_date", "value_date", "order_date", "day_seq", "run_id"
        )
    )
    if loose:
        grouper = _Grouper(journal, today)
        loose.sort(key=lambda line: (_day(journal, line), line.day_seq, line.id))
        for line in loose:
            grouper.place(line)
        Line.objects.bulk_update(loose, ["statement", "order_date", "late"], batch_size=500)
    refresh_statements(journal)
    return len(loose)


def _day(journal: Journal, line: Line) -> dt.date:
    return accounting_date(journal, line.booking_date, line.value_date)


class _Grouper:
    """The statements of a journal while lines are placed."""

    def __init__(self, journal: Journal, today: dt.date) -> None:
        self.journal, self.today = journal, today
        self.grouping: Grouping = cast(Grouping, journal.grouping)
        self.statements = list(Statement.objects.filter(journal=journal))
        confirmed = [statement.first_day for statement in self.statements if statement.confirmed_at]
        self.confirmed_until = max(confirmed, default=dt.date.min)

    def place(self, line: Line) -> None:
        day = _day(self.journal, line)
        if self.grouping == "per_synchronization":
            statement, first_day = self._of_run(line, day)
        else:
            statement, first_day = self._of_period(line, day)
        line.statement = statement
        line.order_date = max(day, first_day)

    def _of_run(self, line: Line, day: dt.date) -> tuple[Statement, dt.date]:
        """A run's statement begins where the previous one ended (rule 6)."""
        key = grouping_key(self.grouping, day, str(line.run_id or f"manual-{self.today.isoformat()}"))
        statement = self._by_key(key)
        if statement is None or statement.confirmed_at:
            floor = max((known.date for known in self.statements), default=day)
            key = key if statement is None else f"{key}-{len(self.statements)}"
            statement = self._make(key, max(day, floor))
        return statement, statement.first_day

    def _of_period(self, line: Line, day: dt.date) -> tuple[Statement, dt.date]:
        start, key = grouping_start(self.grouping, day), grouping_key(self.grouping, day, "")
        statement = self._by_key(key)
        if start > self.confirmed_until and (statement is None or not statement.confirmed_at):
            return statement or self._make(key, start), start
        line.late = True
        later = [known for known in self.statements if not known.confirmed_at and known.first_day > start]
        statement = min(later, key=lambda known: known.first_day) if later else self._of_today()
        return statement, statement.first_day

    def _of_today(self) -> Statement:
        """The statement of the fetch day, or of the first period after the last confirmed one."""
        start, key = grouping_start(self.grouping, self.today), grouping_key(self.grouping, self.today, "")
        statement = self._by_key(key)
        if statement is None:
            return self._make(key, start)
        if statement.confirmed_at is None:
            return statement
        return self._make(f"{key}-{len(self.statements)}", max(statement.date, self.confirmed_until))

    def _by_key(self, key: str) -> Statement | None:
        return next((statement for statement in self.statements if statement.key == key[:40]), None)

    def _make(self, key: str, first_day: dt.date) -> Statement:
        statement = Statement.objects.create(
            company_id=self.journal.company_id,
            journal=self.journal,
            grouping=self.grouping,
            key=key[:40],
            first_day=first_day,
            date=first_day,
            start=Decimal(0),
            computed_end=Decimal(0),
        )
        self.statements.append(statement)
        return statement


def refresh_statements(journal: Journal) -> None:
    """Carry balances from statement to statement, oldest first; confirmed ones stay as they are, empty ones go."""
    Statement.objects.filter(journal=journal, confirmed_at=None, lines=None).delete()
    statements = list(Statement.objects.filter(journal=journal).order_by("first_day", "created_at", "id"))
    sums = dict(
        Line.objects.filter(journal=journal, status__in=EFFECTIVE, statement__isnull=False)
        .values_list("statement")
        .annotate(total=Sum("amount"))
    )
    last_days = _last_days(journal)
    changed: list[Statement] = []
    balance = Journal.objects.values_list("opening_amount", flat=True).get(pk=journal.pk)
    for statement in statements:
        if statement.confirmed_at is None:
            end = balance + sums.get(statement.id, Decimal(0))
            date = last_days.get(statement.id, statement.date)
            if (statement.start, statement.computed_end, statement.date) != (balance, end, date):
                statement.start, statement.computed_end, statement.date = balance, end, date
                changed.append(statement)
        balance = statement.computed_end
    Statement.objects.bulk_update(changed, ["start", "computed_end", "date"], batch_size=500)


def _last_days(journal: Journal) -> dict[object, dt.date]:
    rows = Line.objects.filter(journal=journal, statement__isnull=False).values_list("statement")
    return dict(rows.annotate(last=Max("order_date")))
