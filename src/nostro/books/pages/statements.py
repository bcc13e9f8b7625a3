"""The statements of a journal, each complete or not, valid or not, and as a PDF (books.md 13.2)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse

from nostro.books.journals.models import Line, Statement
from nostro.books.journals.queries import access_statement, previous_of, running_balances, statements_of
from nostro.books.pages.journals import access
from nostro.books.pages.shell import person, remember, show
from nostro.books.pages.statement_file import LINES_LIMIT, statement_pdf
from nostro.books.pages.states import State, journal_title, statement_states, statement_title
from nostro.web.errors import Problem


@dataclass(frozen=True)
class StatementRow:
    """A statement with what is said of it."""

    statement: Statement
    title: str
    states: list[State]


@login_required
def statements(request: HttpRequest, journal_id: uuid.UUID) -> HttpResponse:
    """Do the statements follow one another, and do they end where the bank says?"""
    journal = access(request, journal_id)
    found = statements_of(journal)
    before = [*found[1:], previous_of(found[-1]) if found else None]
    rows = [
        StatementRow(each, statement_title(each), statement_states(each, previous))
        for each, previous in zip(found, before, strict=False)
    ]
    return show(request, "statements.html", journal=journal, title=journal_title(journal), rows=rows, room="dashboard")


@login_required
def pdf(request: HttpRequest, statement_id: uuid.UUID) -> HttpResponse:
    """A statement to print or to file."""
    found = access_statement(person(request), statement_id)
    remember(request, found.company)
    lines = list(Line.objects.filter(statement=found).order_by("order_date", "day_seq", "id")[: LINES_LIMIT + 1])
    if len(lines) > LINES_LIMIT:
        raise Problem(
            "This statement has too many lines for a PDF.",
            what_to_do="Download the lines of the journal as CSV or workbook.",
            code="statementTooLong",
        )
    balances = running_balances(found.journal, lines)
    states = statement_states(found, previous_of(found))
    content = statement_pdf(found, [(line, balances.get(line.id)) for line in lines], states)
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{found.journal.code}-{found.key[:40]}.pdf"'
    return response
