"""Bank files: hand them in, see what they would bring, import, undo; and write an account and period as a file."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from nostro.core.transactions import Window
from nostro.hub.accounts.models import Account
from nostro.hub.accounts.queries import accounts_of
from nostro.hub.files import queries, services
from nostro.hub.files.exporting import Export, export_statements
from nostro.hub.files.identifying import likely_bank
from nostro.hub.files.models import FileAccount, FileImport
from nostro.hub.files.receiving import Upload
from nostro.hub.files.services import Answer
from nostro.hub.organizations.models import Role
from nostro.hub.organizations.queries import access_organization
from nostro.hub.pages.file_words import FileLine, bank_of, field_names, hint_words, kind_of, refusal_of
from nostro.hub.pages.forms import ExportForm, FilesForm
from nostro.hub.pages.shell import (
    OrganizationRequest,
    chosen_mode,
    now,
    opened_account,
    organization_page,
    person,
    remember,
    show,
)
from nostro.people.models import User
from nostro.web.errors import Problem
from nostro.web.forms import add_problem

#: Accounts that an unknown one of a file may be.
MAX_CHOICES = 200


# --- handing in


@organization_page()
def files(request: OrganizationRequest, mode: str) -> HttpResponse:
    """The files of an organization, and the form that takes new ones; their accounts are found by number."""
    mode = chosen_mode(request, mode)
    form = FilesForm()
    if request.method == "POST":
        answer = _take(request, request.user, form := _uploaded(request), mode=mode)
        if answer is not None:
            return answer
    found = queries.imports_of(request.organization, mode == "sandbox")
    lines = [FileLine.of(each) for each in found]
    return show(
        request, "files.html", form=form, lines=lines, mode=mode, room="accounts",
        running=any(line.is_running for line in lines),
    )  # fmt: skip


@login_required
def account_files(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """The files of one account, and the form that takes new ones for it."""
    account = opened_account(request, account_id)
    form = FilesForm()
    if request.method == "POST":
        answer = _take(request, person(request), form := _uploaded(request), account=account)
        if answer is not None:
            return answer
    found = queries.imports_of_account(account)
    return show(
        request, "account_files.html", form=form, account=account, lines=[FileLine.of(each) for each in found],
        days=queries.file_days(account)[:50], mode=_mode(account), room="accounts",
    )  # fmt: skip


def _uploaded(request: HttpRequest) -> FilesForm:
    return FilesForm(request.POST, request.FILES)


def _take(
    request: HttpRequest, user: User, form: FilesForm, *, mode: str = "", account: Account | None = None
) -> HttpResponse | None:
    """Take the files in and show them; None where the form is to be shown again with what is wrong."""
    organization = request.organization  # type: ignore[attr-defined]
    access_organization(user, organization.id, role=Role.ADMIN)
    uploads = cast(list[Upload], request.FILES.getlist("uploads"))
    sandbox = account.is_sandbox if account else mode == "sandbox"
    try:
        taken = services.hand_in(user, organization, uploads, is_sandbox=sandbox, now=now(), account=account)
    except Problem as problem:
        if form.is_valid():
            add_problem(form, problem)
        return None
    if len(taken) == 1:
        return redirect("hub:file", file_id=taken[0].pk)
    messages.success(request, _("%(n)s files are being read.") % {"n": len(taken)})
    return redirect("hub:files", organization_id=organization.id, mode="sandbox" if sandbox else "live")


# --- one file


@dataclass(frozen=True)
class AccountPart:
    """One account of a file on its page. ``asks`` says that a person must say what it is."""

    file_account: FileAccount
    statements: int
    bank: str
    asks: bool
    refusal: str
    #: What was answered, when the form is shown again.
    answer: Answer


def opened_file(request: HttpRequest, file_id: uuid.UUID, *, role: Role | None = None) -> FileImport:
    """The file that a page is about, and its organization. Raises NotFound, Forbidden."""
    found = queries.access_import(person(request), file_id, role=role)
    remember(request, found.organization)
    return found


@never_cache
@login_required
def file(request: HttpRequest, file_id: uuid.UUID) -> HttpResponse:
    """One file: how far it is read, what it would bring, or what it brought. POST imports it."""
    user = person(request)
    found = opened_file(request, file_id)
    problem = None
    if request.method == "POST":
        answers = _answers(request.POST, queries.accounts_in(found))
        try:
            services.confirm(
                user, found.pk, answers, now(),
                add_held=bool(request.POST.get("add_held")), reason=request.POST.get("reason", ""),
                proved_only=bool(request.POST.get("proved_only")),
            )  # fmt: skip
            return redirect("hub:file", file_id=found.pk)
        except Problem as refused:
            if refused.status != 400:
                raise
            problem = refused
            found = queries.access_import(user, file_id)
    return show(request, "file.html", 400 if problem else 200, **_file_context(request, found, problem))


def _file_context(request: HttpRequest, found: FileImport, problem: Problem | None) -> dict[str, Any]:
    accounts, statements = queries.accounts_in(found), queries.statements_in(found)
    parts = [_part(request, found, each) for each in accounts]
    taken = [each for each in accounts if not each.refusal]
    return {
        "file": found,
        "line": FileLine.of(found),
        "members": [FileLine.of(each) for each in queries.members_of(found)],
        "problem": problem,
        "parts": parts,
        "statements": [(each, hint_words(each.hints)) for each in statements],
        "try_turned": any("reversals_turned" in each.hints for each in statements) and found.status == "waiting",
        "kind": kind_of(found),
        "earlier": queries.earlier_import(found) if found.status == "waiting" else None,
        "held": queries.held_rows(found) if found.status in {"waiting", "imported"} else [],
        "rows": queries.first_rows(found) if found.status == "waiting" else [],
        "new": sum(each.new + each.restored for each in taken),
        "known": sum(each.known for each in taken),
        "held_count": sum(each.held for each in taken),
        "repairs": [each for each in taken if _repairs(each)] if found.status == "waiting" else [],
        "some_proved": found.quarantined and any(each.proof == "proved" for each in statements),
        "may_import": any(not each.refusal for each in accounts),
        "choices": accounts_of(found.organization, found.is_sandbox)[:MAX_CHOICES] if _asks(accounts) else [],
        "notes": [each for each in found.problems if each["severity"] in {"warning", "info"}],
        "faults": [each for each in found.problems if each["severity"] in {"fatal", "quarantine"}],
        "mode": "sandbox" if found.is_sandbox else "live",
        "room": "accounts",
    }


def _asks(accounts: list[FileAccount]) -> bool:
    return any(each.account_id is None and not each.refusal for each in accounts)


def _repairs(each: FileAccount) -> bool:
    """Whether the held rows are exactly what the proof of the account misses (formats.md 8.5)."""
    account = each.account
    difference: Decimal | None = account.proof_difference if account and account.proof == "red" else None
    held: Decimal = each.held_sum
    return bool(each.held) and difference == held


def _part(request: HttpRequest, found: FileImport, each: FileAccount) -> AccountPart:
    asks = each.account_id is None and not each.refusal and found.status == "waiting"
    bank = likely_bank(each, is_sandbox=found.is_sandbox) if asks else None
    return AccountPart(
        each, each.statements.count(), bank_of(bank), asks, refusal_of(each), _answer(request.POST, each)
    )


def _answers(posted: Mapping[str, Any], accounts: list[FileAccount]) -> dict[uuid.UUID, Answer]:
    answers = {each.pk: _answer(posted, each) for each in accounts}
    return {key: answer for key, answer in answers.items() if answer.decision}


def _answer(posted: Mapping[str, Any], each: FileAccount) -> Answer:
    try:
        chosen = uuid.UUID(str(posted.get(f"account_{each.pk}", "")))
    except ValueError:
        chosen = None
    decision = str(posted.get(f"decision_{each.pk}", ""))
    return Answer(
        decision if decision in {"create", "same", "skip"} else "",
        str(posted.get(f"bank_{each.pk}", ""))[:100],
        chosen,
    )


@login_required
@require_POST
def discard(request: HttpRequest, file_id: uuid.UUID) -> HttpResponse:
    """Forget a file that was not imported."""
    found = services.discard(person(request), file_id, now())
    messages.success(request, _("The file is discarded; nothing of it was imported."))
    return redirect("hub:files", organization_id=found.organization_id, mode="sandbox" if found.is_sandbox else "live")


@login_required
@require_POST
def undo(request: HttpRequest, file_id: uuid.UUID) -> HttpResponse:
    """Take an import back."""
    found = services.undo(person(request), file_id, now())
    messages.success(request, _("The import is undone."))
    return redirect("hub:file", file_id=found.pk)


# --- writing a file


@login_required
def export(request: HttpRequest, account_id: uuid.UUID) -> HttpResponseBase:
    """An account and period as a bank file: first what the format leaves out, then the download."""
    account = opened_account(request, account_id)
    today = now().date()
    first = today.replace(day=1) - dt.timedelta(days=1)
    initial = {"format": "camt.053", "date_from": first.replace(day=1), "date_to": first}
    form = ExportForm(request.GET if request.GET else None, initial=initial)
    made: Export | None = None
    if form.is_bound and form.is_valid():
        wanted = form.cleaned_data
        try:
            window = Window(wanted["date_from"], wanted["date_to"])
            made = export_statements(account, wanted["format"], window, now())
        except Problem as problem:
            add_problem(form, problem)
    if made is not None and request.GET.get("download"):
        response = StreamingHttpResponse(made.chunks, content_type=made.content_type)
        response["Content-Disposition"] = f'attachment; filename="{made.name}"'
        return response
    return show(
        request, "export.html", account=account, form=form, made=made, query=request.GET.urlencode(),
        lossy=field_names(made.lossy) if made else [], mode=_mode(account), room="accounts",
    )  # fmt: skip


def _mode(account: Account) -> str:
    return "sandbox" if account.is_sandbox else "live"
