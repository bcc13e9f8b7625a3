"""Reads on journals, lines and statements; a person reaches them through ``access_*`` only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal
from uuid import UUID

from django.db import connection
from django.db.models import Max, Q, QuerySet

from nostro.books.companies.models import Company, Role
from nostro.books.companies.queries import require_role
from nostro.books.journals.models import Journal, Line, LineStatus, PendingLine, PendingState, Statement
from nostro.books.journals.totals import DayBalances
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

PAGE_LIMIT = 200
HELD = (LineStatus.HELD_LOCKED, LineStatus.HELD_DUPLICATE, LineStatus.HELD_CURRENCY)

Filter = Literal["all", "not_matched", "to_check", "held"]


def journals_of(company: Company) -> list[Journal]:
    return list(Journal.objects.filter(company=company, active=True).order_by("code"))


def access_journal(user: User, journal_id: UUID, *, role: Role | None = None) -> Journal:
    """A journal of one of the person's companies, else :class:`NotFound`."""
    journal = (
        Journal.objects.select_related("company", "bank_account", "suspense_account").filter(pk=journal_id).first()
    )
    if journal is None:
        raise NotFound("journal")
    require_role(user, journal.company_id, role, "journal")
    return journal


def journal_of_number(company: Company, account_number: str, currency: str) -> Journal | None:
    """The active journal of an account number and currency."""
    if not account_number:
        return None
    found = Journal.objects.filter(company=company, account_number=account_number, currency=currency, active=True)
    return found.first()


def access_line(user: User, line_id: UUID, *, role: Role | None = None) -> Line:
    """A line of one of the person's companies, else :class:`NotFound`."""
    line = Line.objects.select_related("journal", "company", "partner", "statement").filter(pk=line_id).first()
    if line is None:
        raise NotFound("line")
    require_role(user, line.company_id, role, "line")
    return line


def access_statement(user: User, statement_id: UUID, *, role: Role | None = None) -> Statement:
    """A statement of one of the person's companies, else :class:`NotFound`."""
    statement = Statement.objects.select_related("journal").filter(pk=statement_id).first()
    if statement is None:
        raise NotFound("statement")
    require_role(user, statement.company_id, role, "statement")
    return statement


@dataclass(frozen=True, slots=True)
class Page:
    """Lines, newest first; ``next_cursor`` is ``""`` on the last page."""

    items: list[Line]
    next_cursor: str


def lines_of(
    company: Company,
    *,
    journal: Journal | None = None,
    filter: Filter = "all",
    text: str = "",
    cursor: str = "",
    limit: int = 50,
) -> Page:
    """Lines of a company, newest first, by keyset: ``cursor`` is the id of the last line of the previous page."""
    lines = _filtered(Line.objects.filter(company=company), filter)
    if journal is not None:
        lines = lines.filter(journal=journal)
    if text.strip():
        lines = lines.filter(_matching(text.strip()[:100]))
    if cursor:
        lines = lines.filter(_older_than(company, cursor))
    limit = max(1, min(limit, PAGE_LIMIT))
    if journal is None and filter != "not_matched":
        lines = _newest_of_journals(company, lines, limit + 1)
    lines = lines.select_related("journal", "partner", "statement").order_by(*_NEWEST_FIRST)
    found = list(lines[: limit + 1])
    more = len(found) > limit
    return Page(found[:limit], str(found[limit - 1].id) if more else "")


_NEWEST_FIRST = ("-order_date", "-day_seq", "-id")


def _newest_of_journals(company: Company, lines: QuerySet[Line], limit: int) -> QuerySet[Line]:
    """The newest lines of a company among ``lines``. Only journals have an index in this order, so each gives its
    newest ones and the newest of those are taken; nothing reads all lines of the company."""
    newest: list[tuple[dt.date, int, UUID]] = []
    for journal_id in Journal.objects.filter(company=company).values_list("id", flat=True):
        of_journal = lines.filter(journal_id=journal_id).order_by(*_NEWEST_FIRST)
        newest.extend(of_journal.values_list("order_date", "day_seq", "id")[:limit])
    newest.sort(reverse=True)
    return Line.objects.filter(pk__in=[line_id for _day, _seq, line_id in newest[:limit]])


def _filtered(lines: QuerySet[Line], filter: Filter) -> QuerySet[Line]:
    if filter == "not_matched":
        return lines.filter(status=LineStatus.POSTED, reconciled=False)
    if filter == "to_check":
        return lines.filter(to_check=True)
    return lines.filter(status__in=HELD) if filter == "held" else lines


def _matching(text: str) -> Q:
    return Q(label__icontains=text) | Q(counterparty_name__icontains=text) | Q(counterparty_account__icontains=text)


def _older_than(company: Company, cursor: str) -> Q:
    try:
        last = Line.objects.filter(company=company, pk=UUID(cursor)).first()
    except ValueError:
        last = None
    if last is None:
        raise Problem("This page is gone.", what_to_do="Start from the first page.", code="invalidCursor")
    # The first condition says nothing new, but it is a range that the index can begin at.
    return Q(order_date__lte=last.order_date) & (
        Q(order_date__lt=last.order_date) | Q(day_seq__lt=last.day_seq) | Q(day_seq=last.day_seq, id__lt=last.id)
    )


def running_balances(journal: Journal, lines: Sequence[Line], days: DayBalances | None = None) -> dict[UUID, Decimal]:
    """Balance after each of the lines, in the order (order date, place in the day, id) from the opening on.

    Held, informational and removed lines are shown with the balance of the line before (books.md 13.2). Whoever asks
    for many pages gives ``days`` once for all of them.
    """
    if not lines:
        return {}
    wanted = sorted({line.order_date for line in lines})
    days = days or DayBalances(journal, until=wanted[-1])
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id, order_date, sum(CASE WHEN status IN ('posted', 'withdrawn') THEN amount ELSE 0 END)
                OVER (PARTITION BY order_date ORDER BY day_seq, id)
            FROM journals_line WHERE journal_id = %s AND order_date = ANY(%s)
            """,
            [journal.id, wanted],
        )
        shown = {line.id for line in lines}
        return {line_id: days.before(day) + moved for line_id, day, moved in cursor if line_id in shown}


def statements_of(journal: Journal, limit: int = PAGE_LIMIT) -> list[Statement]:
    """Statements, newest first."""
    statements = Statement.objects.filter(journal=journal).select_related("journal")
    return list(statements.order_by("-first_day", "-created_at", "-id")[:limit])


def previous_of(statement: Statement) -> Statement | None:
    """The statement before one of the same journal."""
    before = Statement.objects.filter(journal=statement.journal_id).filter(
        Q(first_day__lt=statement.first_day)
        | Q(first_day=statement.first_day, created_at__lt=statement.created_at)
        | Q(first_day=statement.first_day, created_at=statement.created_at, id__lt=statement.id),
        first_day__lte=statement.first_day,
    )
    return before.order_by("-first_day", "-created_at", "-id").first()


def pending_of(journal: Journal, limit: int = PAGE_LIMIT) -> list[PendingLine]:
    """What the bank announced and has not booked, newest first; information only (books.md 12)."""
    pending = PendingLine.objects.filter(journal=journal, state=PendingState.PENDING)
    return list(pending.order_by("-date", "-id")[:limit])


def newest_dates(journal_ids: Collection[UUID]) -> dict[UUID, dt.date]:
    """The booking date of the newest line of each journal that has one."""
    lines = Line.objects.filter(journal__in=journal_ids).values("journal_id")
    return {row["journal_id"]: row["newest"] for row in lines.annotate(newest=Max("booking_date"))}
