"""How a table of a bank is to be read: what its columns mean (formats.md 6.9)."""

from __future__ import annotations

import uuid

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
from nostro.web.tables.answers import head_in, is_known_table, mapping_response
from nostro.web.tables.question import Own, TableQuestion


@never_cache
@login_required
def reading(request: HttpRequest, file_id: uuid.UUID) -> HttpResponse:
    """The form about a table. POST shows what comes of its first rows, or has the file read like that."""
    file = services.access_file(person(request), file_id, role=Role.CLERK)
    remember(request, file.company)
    head = head_in(file.looked)
    if head is None or file.status not in {"asking", "waiting", "failed"}:
        return redirect("books:journal_file", file_id=file.pk)
    known = asking.remembered(file.company, head)
    posted = request.POST if request.method == "POST" else None
    page = file.journal
    own = Own(page.account_number, page.currency) if page and page.account_number else None
    kept = file.answers.get("mapping") or (known.data if known else None)
    question = TableQuestion(head, file.answers, own, kept, posted)
    problem = None
    try:
        if posted is not None and "look" in posted:
            given = {**file.answers, "sheet": str(posted.get("sheet", "")), "mapping": None}
            services.answer(person(request), file.pk, given, now())
            return redirect("books:journal_file", file_id=file.pk)
        if posted is not None and "read" in posted:
            services.answer(
                person(request), file.pk, question.answers(), now(), is_remembered="remember" in posted
            )  # fmt: skip
            return redirect("books:journal_file", file_id=file.pk)
    except Problem as refused:
        if refused.status != 400:
            raise
        problem = refused
    faults = [each for each in file.problems if each["severity"] in {"fatal", "quarantine"}]
    return show(
        request, "file_reading.html", 400 if problem else 200, file=file, question=question,
        preview=question.preview(), roles=words.roles(), is_known=is_known_table(head), problem=problem, own=own,
        accounts=_accounts(file), faults=faults, room="dashboard",
    )  # fmt: skip


def _accounts(file: JournalFile) -> list[dict[str, str]]:
    """The journals' accounts, to choose from where the table does not tell its own."""
    journals = [each for each in journals_of(file.company) if each.account_number]
    return [{"reference": each.account_number, "name": str(each), "currency": each.currency} for each in journals]


@login_required
@require_safe
def mapping_file(request: HttpRequest, file_id: uuid.UUID) -> HttpResponse:
    """The mapping that a file was read by, for other installations and the command line."""
    file = services.access_file(person(request), file_id)
    return mapping_response(file.answers.get("mapping"))
