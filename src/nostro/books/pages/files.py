"""Bank files of a journal: hand them in, see what they would bring, import, undo."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import cast

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from nostro.books.companies.models import Company
from nostro.books.files import services
from nostro.books.files.asking import WHOLE, Table, faults_of, tables_of
from nostro.books.files.models import JournalFile
from nostro.books.files.queries import (
    accounts_in,
    changes_said,
    earlier_file,
    files_of,
    files_of_company,
    first_rows,
    statements_in,
    told_rows,
)
from nostro.books.journals.models import Journal
from nostro.books.journals.queries import access_journal
from nostro.books.pages.shell import CompanyRequest, company_page, now, person, remember, show
from nostro.web.errors import Problem
from nostro.web.forms import ManyFilesInput, add_problem


class FilesForm(forms.Form):
    """Statement files of banks."""

    uploads = forms.FileField(
        label=gettext_lazy("Statement files"),
        allow_empty_file=True,
        help_text=gettext_lazy("As the bank gives them, several at once if you like. You see first what they bring."),
        widget=ManyFilesInput(attrs={"multiple": True, "class": "dropzone"}),
    )


@dataclass(frozen=True)
class FileLine:
    """A file with its state: tone, word and sentence."""

    file: JournalFile
    tone: str
    word: str
    sentence: str

    @property
    def is_running(self) -> bool:
        return self.file.status in {"received", "reading", "importing"}

    @classmethod
    def of(cls, file: JournalFile) -> FileLine:
        if file.status == "waiting" and file.quarantined:
            return cls(file, "bad", _("Does not add up"), _("Nothing is imported unless you say so and why."))
        states = {
            "received": ("act", _("Reading"), _("You may leave this page; nothing is imported before you confirm.")),
            "reading": ("act", _("Reading"), _("You may leave this page; nothing is imported before you confirm.")),
            "waiting": ("warn", _("Waits for you"), _("Nothing is imported yet.")),
            "asking": (
                "warn",
                _("Needs an answer"),
                _("Only you can say how it is to be read. Nothing is imported yet."),
            ),
            "importing": ("act", _("Importing"), _("All of it is stored at once, or nothing.")),
            "imported": ("good", _("Imported"), ""),
            "failed": ("bad", _("Cannot be used"), _("Nothing was imported.")),
            "discarded": ("quiet", _("Discarded"), _("Nothing was imported.")),
            "undone": ("quiet", _("Undone"), _("What only this file showed counts no more.")),
        }
        return cls(file, *states[file.status])


@company_page()
def company_files(request: CompanyRequest) -> HttpResponse:
    """All bank files of a company, and the form that takes new ones for any of its accounts."""
    return _files(request, request.company, None, files_of_company(request.company))


@login_required
def journal_files(request: HttpRequest, journal_id: uuid.UUID) -> HttpResponse:
    """The files of a journal, and the form that takes new ones for it."""
    journal = access_journal(person(request), journal_id)
    remember(request, journal.company)
    return _files(request, journal.company, journal, files_of(journal))


def _files(
    request: HttpRequest, company: Company, journal: Journal | None, found: list[JournalFile]
) -> HttpResponse:  # fmt: skip
    form = FilesForm()
    if request.method == "POST":
        form = FilesForm(request.POST, request.FILES)
        uploads = cast(list[services.Upload], request.FILES.getlist("uploads"))
        try:
            taken = services.hand_in(
                person(request), company.id, uploads, now(), journal_id=journal.id if journal else None
            )
            if len(taken) == 1:
                return redirect("books:journal_file", file_id=taken[0].pk)
            return redirect(request.path)
        except Problem as problem:
            if problem.status != 400:
                raise
            if form.is_valid():
                add_problem(form, problem)
    lines = [FileLine.of(each) for each in found]
    return show(
        request, "journal_files.html", journal=journal, form=form, lines=lines, room="dashboard",
        running=any(line.is_running for line in lines),
    )  # fmt: skip


@never_cache
@login_required
def journal_file(request: HttpRequest, file_id: uuid.UUID) -> HttpResponse:
    """One file: what it would bring or brought. POST imports it."""
    found = services.access_file(person(request), file_id)
    remember(request, found.company)
    accounts = accounts_in(found)
    problem = None
    if request.method == "POST":
        try:
            answers = {each.account.pk: request.POST.get(f"account_{each.account.pk}", "") for each in accounts}
            services.confirm(
                person(request), found.pk, now(), answers={key: answer for key, answer in answers.items() if answer},
                reason=request.POST.get("reason", ""),
            )  # fmt: skip
            return redirect("books:journal_file", file_id=found.pk)
        except Problem as refused:
            if refused.status != 400:
                raise
            problem = refused
            for each in accounts:
                each.account.decision = answers[each.account.pk] or each.account.decision
    waits = found.status == "waiting"
    return show(
        request, "journal_file.html", 400 if problem else 200, file=found, journal=found.journal,
        line=FileLine.of(found), problem=problem, accounts=accounts, statements=statements_in(found),
        told=told_rows(found) if found.status in {"waiting", "imported"} else [], changes=changes_said(found),
        rows=first_rows(found) if waits else [], new=found.new_count + found.restored_count,
        earlier=earlier_file(found) if waits else None, members=_tables_inside(found),
        fault_tone="warn" if found.status == "asking" else "bad",
        faults=faults_of(found),
        notes=[each for each in found.problems if each["severity"] in {"warning", "info"}], room="dashboard",
    )  # fmt: skip


def _tables_inside(file: JournalFile) -> list[Table]:
    """The tables of an archive about which a person may say something now."""
    if file.status not in {"asking", "waiting", "failed"}:
        return []
    return [each for each in tables_of(file) if each.number != WHOLE]


@login_required
@require_POST
def discard_file(request: HttpRequest, file_id: uuid.UUID) -> HttpResponse:
    """Forget a file that was not imported."""
    found = services.discard(person(request), file_id, now())
    messages.success(request, _("The file is discarded; nothing of it was imported."))
    if found.journal_id is not None:
        return redirect("books:journal_files", journal_id=found.journal_id)
    return redirect("books:company_files", company_id=found.company_id)


@login_required
@require_POST
def undo_file(request: HttpRequest, file_id: uuid.UUID) -> HttpResponse:
    """Take an import back."""
    found = services.undo(person(request), file_id, now())
    messages.success(request, _("The import is undone."))
    return redirect("books:journal_file", file_id=found.pk)
