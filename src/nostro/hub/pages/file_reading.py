"""How a file is to be read: what the columns of a table mean, its encoding, format, account (formats.md 1.4, 6.9)."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from nostro.core.account_keys import normalise_account_number
from nostro.formats.registry import READERS
from nostro.hub.accounts.queries import accounts_of
from nostro.hub.files import answers, services
from nostro.hub.files.models import FileImport
from nostro.hub.organizations.models import Role
from nostro.hub.pages.file_words import export_choices, kind_of
from nostro.hub.pages.files import opened_file
from nostro.hub.pages.shell import now, person, show
from nostro.web.errors import Problem
from nostro.web.forms import add_problem
from nostro.web.tables import words
from nostro.web.tables.answers import head_in, is_known_table, mapping_response
from nostro.web.tables.question import Own, TableQuestion

MAX_CHOICES = 200


class ReadingForm(forms.Form):
    """How to read a file that is no table."""

    format = forms.ChoiceField(label=_("Format"), required=False)
    encoding = forms.ChoiceField(label=_("Letters"), choices=words.encodings, required=False)
    date_order = forms.ChoiceField(label=_("Dates"), choices=words.date_orders, required=False)
    account = forms.CharField(
        label=_("Account"), required=False, max_length=70, help_text=_("Only where the file does not tell its number."),
        widget=forms.TextInput(attrs={"list": "accounts", "autocomplete": "off"}),
    )  # fmt: skip
    currency = forms.CharField(
        label=_("Currency"), required=False, max_length=3, help_text=_("Only where the file does not tell it, as EUR.")
    )
    turn_reversals = forms.BooleanField(
        label=_("Turn the sign of reversals"), required=False,
        help_text=_("Only if the balances add up in this way: some banks book them the other way round."),
    )  # fmt: skip

    def __init__(self, file: FileImport, posted: Any = None) -> None:
        super().__init__(posted, initial=file.answers)
        candidates = file.looked.get("candidates") or sorted(READERS)
        self.fields["format"].choices = [("", _("As found in the file")), *export_choices(candidates)]  # type: ignore[attr-defined]
        if not file.format.startswith("camt"):
            del self.fields["turn_reversals"]
        if file.format != "qif":
            del self.fields["date_order"]
        if len(candidates) < 2:
            del self.fields["format"]
        if file.account is not None:
            del self.fields["account"], self.fields["currency"]


@never_cache
@login_required
def reading(request: HttpRequest, file_id: uuid.UUID) -> HttpResponse:
    """The form about a file. POST shows what comes of the first rows, or has the file read like that."""
    file = opened_file(request, file_id, role=Role.ADMIN)
    if file.status not in {"asking", "waiting", "failed"}:
        return redirect("hub:file", file_id=file.pk)
    head = head_in(file.looked)
    if head is None:
        return _other(request, file)
    known = file.answers.get("mapping") or getattr(
        answers.remembered(file.organization, head, file.account), "data", None
    )
    posted = request.POST if request.method == "POST" else None
    own = Own(file.account.reference, file.account.currency) if file.account else None
    question = TableQuestion(head, file.answers, own, known, posted)
    problem = None
    if posted is not None and "read" in posted:
        problem = _read(request, file, question.answers(), is_remembered="remember" in posted)
        if problem is None:
            return redirect("hub:file", file_id=file.pk)
    if posted is not None and "look" in posted:
        sheet = str(posted.get("sheet", ""))
        problem = _read(request, file, {**file.answers, "sheet": sheet, "mapping": None})
        if problem is None:
            return redirect("hub:file", file_id=file.pk)
    return show(
        request, "file_reading.html", 400 if problem else 200, question=question, preview=question.preview(),
        roles=words.roles(), is_known=is_known_table(head), problem=problem, **_context(file),
    )  # fmt: skip


def _other(request: HttpRequest, file: FileImport) -> HttpResponse:
    form = ReadingForm(file, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        given = {**file.answers, **form.cleaned_data}
        given["account"] = normalise_account_number(given.get("account") or "")
        given["currency"] = (given.get("currency") or "").upper()
        problem = _read(request, file, given)
        if problem is None:
            return redirect("hub:file", file_id=file.pk)
        add_problem(form, problem)
    return show(request, "file_reading_other.html", form=form, **_context(file))


def _read(
    request: HttpRequest, file: FileImport, given: dict[str, Any], *, is_remembered: bool = False
) -> Problem | None:
    """Have the file read again; the refusal where the answers cannot be used."""
    try:
        services.answer(person(request), file.pk, given, now(), is_remembered=is_remembered)
    except Problem as problem:
        if problem.status != 400:
            raise
        return problem
    return None


def _context(file: FileImport) -> dict[str, Any]:
    return {
        "file": file,
        "kind": kind_of(file),
        # That nobody has said yet what the columns mean is what the page asks.
        "faults": [
            each
            for each in file.problems
            if each["severity"] in {"fatal", "quarantine"}
            and (each["code"] != "F-MAPPING" or file.answers.get("mapping"))
        ],
        "accounts": [] if file.account else accounts_of(file.organization, file.is_sandbox)[:MAX_CHOICES],
        "mode": "sandbox" if file.is_sandbox else "live",
        "room": "accounts",
    }


@login_required
@require_safe
def mapping_file(request: HttpRequest, file_id: uuid.UUID) -> HttpResponse:
    """The mapping that a file was read by, for ``--mapping`` and other installations."""
    return mapping_response(opened_file(request, file_id, role=Role.ADMIN).answers.get("mapping"))
