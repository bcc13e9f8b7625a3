"""How a table of a bank is to be read: what its columns mean (formats.md 6.9)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from nostro.books.companies.models import Role
from nostro.books.files import asking, services
from nostro.books.files.models import JournalFile
from nostro.books.journals.queries import journals_of
from nostro.books.pages.shell import now, person, remember, show
from nostro.web.errors import Problem
from nostro.web.tables import words
from nostro.web.tables.answers import is_known_table, mapping_response
from nostro.web.tables.question import Own, TableQuestion


@never_cache
@login_required
def reading(request: HttpRequest, file_id: uuid.UUID, number: int = asking.WHOLE) -> HttpResponse:
    """The form about a table. POST shows what comes of its first rows, or has the file read like that."""
    file = services.access_file(person(request), file_id, role=Role.CLERK)
    remember(request, file.company)
    tables = asking.tables_of(file)
    about = next((each for each in tables if each.number == number), None)
    if about is None or file.status not in {"asking", "waiting", "failed"}:
        return redirect("books:journal_file", file_id=file.pk)
    posted = request.POST if request.method == "POST" else None
    page = file.journal
    own = Own(page.account_number, page.currency) if page and page.account_number else None
    known = asking.remembered(file.company, about.head)
    kept = about.answers.get("mapping") or (known.data if known else None)
    question = TableQuestion(about.head, about.answers, own, kept, posted)
    problem = None
    try:
        if posted is not None and _answer(request, file, about, question):
            return redirect("books:journal_file", file_id=file.pk)
    except Problem as refused:
        if refused.status != 400:
            raise
        problem = refused
    return show(
        request, "file_reading.html", 400 if problem else 200, file=file, table=about, question=question,
        preview=question.preview(), roles=words.roles(), is_known=is_known_table(about.head), problem=problem, own=own,
        accounts=_accounts(file), faults=asking.faults_of(file, about), room="dashboard",
    )  # fmt: skip


def _answer(request: HttpRequest, file: JournalFile, about: asking.Table, question: TableQuestion) -> bool:
    """Have the file read again, if a button that does so was pressed."""
    if "look" in request.POST:
        given = {**about.answers, "sheet": str(request.POST.get("sheet", "")), "mapping": None}
        services.answer(person(request), file.pk, given, now(), table=about.number)
        return True
    if "read" in request.POST:
        services.answer(
            person(request), file.pk, question.answers(), now(), table=about.number,
            is_remembered="remember" in request.POST,
        )  # fmt: skip
        return True
    return False


@dataclass(frozen=True)
class AccountChoice:
    """A journal's account, to choose from where the table does not tell its own."""

    reference: str
    name: str
    currency: str

    def __str__(self) -> str:
        return self.name


def _accounts(file: JournalFile) -> list[AccountChoice]:
    journals = [each for each in journals_of(file.company) if each.account_number]
    return [AccountChoice(each.account_number, str(each), each.currency) for each in journals]


@login_required
@require_safe
def mapping_file(request: HttpRequest, file_id: uuid.UUID, number: int = asking.WHOLE) -> HttpResponse:
    """The mapping that a table was read by, for other installations and the command line."""
    file = services.access_file(person(request), file_id)
    return mapping_response(asking.table_of(file, number).answers.get("mapping"))
