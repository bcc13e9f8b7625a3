"""Drafts of documents and entries, entries made by hand, and taking back what is posted."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from nostro.books.companies.models import Company, Role
from nostro.books.ledger.drafts import (
    access_draft,
    change_draft,
    delete_draft,
    drafts_of,
    facts_of,
    make_draft,
    post_draft,
    summary_of,
)
from nostro.books.ledger.misc import MiscFacts, access_misc, misc_entries_of, post_misc
from nostro.books.ledger.models import Document, DocumentDraft, MiscEntry, ReferenceStandard, SeriesKind
from nostro.books.ledger.own_references import scheme_of, set_standard, standard_of
from nostro.books.ledger.queries import accounts_of, partners_of
from nostro.books.ledger.reversing import reverse_document, reverse_misc
from nostro.books.ledger.services import DocumentFacts
from nostro.books.pages.document_form import DocumentForm, shown_of
from nostro.books.pages.ledger import sided
from nostro.books.pages.misc_form import MiscForm, said_by, side_forms
from nostro.books.pages.misc_form import shown_of as sides_of
from nostro.books.pages.shell import CompanyRequest, company_page, now, person, remember, show, tell_refusal
from nostro.web.errors import Problem
from nostro.web.forms import add_problem
from nostro.web.once import new_form_key, once
from nostro.web.said import said

LIST_LIMIT = 200


def document_tabs(current: str, company_id: uuid.UUID) -> list[dict[str, Any]]:
    """The lists beside each other: open and all documents, drafts, entries made by hand."""
    documents = reverse("books:documents", args=[company_id])
    found = (
        ("open", _("Open"), f"{documents}?show=open"), ("all", _("All"), f"{documents}?show=all"),
        ("drafts", _("Drafts"), reverse("books:drafts", args=[company_id])),
        ("entries", _("Entries"), reverse("books:entries", args=[company_id])),
    )  # fmt: skip
    return [{"url": url, "label": label, "current": name == current} for name, label, url in found]


@company_page()
def drafts(request: CompanyRequest) -> HttpResponse:
    """What waits to be posted?"""
    found = drafts_of(request.company)
    for each in found:
        each.company = request.company
    rows = [(each, summary_of(each)) for each in found[:LIST_LIMIT]]
    return show(
        request, "drafts.html", rows=rows, tabs=document_tabs("drafts", request.company.id),
        more=len(found) > LIST_LIMIT, room="documents",
    )  # fmt: skip


@login_required
def draft(request: HttpRequest, draft_id: uuid.UUID) -> HttpResponse:
    """Change a draft, or post it; a posted one leads to what became of it."""
    found = access_draft(person(request), draft_id, role=Role.CLERK)
    remember(request, found.company)
    posted = found.document or found.misc_entry
    if posted is not None:
        return _to(posted)
    return _misc_page(request, found.company, found) if found.kind == SeriesKind.MISC else _draft_page(request, found)


def _draft_page(request: HttpRequest, found: DocumentDraft) -> HttpResponse:
    old = facts_of(found)
    assert isinstance(old, DocumentFacts)
    form = DocumentForm(request.POST or None, initial=shown_of(old, found.company), company=found.company)
    if request.method == "POST" and form.is_valid() and form.facts is not None:
        try:
            return _keep(request, found, replace(form.facts, counter_account_id=old.counter_account_id))
        except Problem as problem:
            add_problem(form, problem)
    return show(
        request, "draft.html", form=form, draft=found, version=request.POST.get("version", found.version),
        partners=partners_of(found.company), room="documents",
    )  # fmt: skip


def _keep(request: HttpRequest, found: DocumentDraft, facts: DocumentFacts | MiscFacts) -> HttpResponse:
    """Save a draft as it was sent and, with that button, post it."""
    text = request.POST.get("version", "")
    version = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
    kept = change_draft(person(request), found.id, facts, version=version)
    if request.POST.get("action") != "post":
        messages.success(request, _("The draft is kept. Nothing of it is in the books yet."))
        return redirect("books:drafts", company_id=found.company_id)
    try:
        made = post_draft(person(request), found.id, version=kept.version)
    except Problem as problem:
        tell_refusal(request, problem)
        return redirect("books:draft", draft_id=found.id)
    _tell_posted(request, made)
    return _to(made)


@login_required
@require_POST
def remove_draft(request: HttpRequest, draft_id: uuid.UUID) -> HttpResponse:
    """Throw a draft away."""
    found = access_draft(person(request), draft_id, role=Role.CLERK)
    remember(request, found.company)
    try:
        delete_draft(person(request), draft_id)
    except Problem as problem:
        tell_refusal(request, problem)
    else:
        messages.success(request, _("The draft is deleted."))
    return redirect("books:drafts", company_id=found.company_id)


# --- entries made by hand ----------------------------------------------------------------------------------------


@company_page()
def entries(request: CompanyRequest) -> HttpResponse:
    """What was booked by hand?"""
    found = misc_entries_of(request.company, LIST_LIMIT)
    return show(
        request, "entries.html", entries=found, tabs=document_tabs("entries", request.company.id), limit=LIST_LIMIT,
        room="documents",
    )  # fmt: skip


@login_required
def entry(request: HttpRequest, misc_id: uuid.UUID) -> HttpResponse:
    """One entry with its sides."""
    found = access_misc(person(request), misc_id)
    remember(request, found.company)
    items = found.entry.items.select_related("account", "partner").order_by("-amount", "id")
    back = MiscEntry.objects.filter(entry__reverses=found.entry).first()
    original = MiscEntry.objects.filter(entry=found.entry.reverses_id).first() if found.entry.reverses_id else None
    return show(
        request, "entry.html", misc=found, items=sided(items), reversed_by=back, original=original,
        open_items=[item for item in items if item.residual_currency], room="documents",
    )  # fmt: skip


@company_page(role=Role.CLERK)
def add_entry(request: CompanyRequest) -> HttpResponse:
    """Post an entry, or keep it as a draft. A double click does it once."""
    return _misc_page(request, request.company, None)


def _misc_page(request: HttpRequest, company: Company, found: DocumentDraft | None) -> HttpResponse:
    accounts, action = accounts_of(company), request.POST.get("action", "")
    old = facts_of(found) if found else None
    assert old is None or isinstance(old, MiscFacts)
    head = {"date": now().date(), "currency": company.currency}
    if old is not None:
        head = {"date": old.date, "label": old.label, "currency": old.currency or company.currency}
    sent = request.POST if request.method == "POST" else None
    form = MiscForm(sent, initial=head)
    sides = side_forms(
        sent, accounts=accounts, initial=sides_of(old, accounts) if old else (), more=action == "more"
    )  # fmt: skip
    form_key = request.POST.get("form_key") or new_form_key()
    if sent is not None and action != "more" and form.is_valid() and sides.is_valid():
        try:
            return _keep_entry(request, company, found, said_by(form, sides), form_key)
        except Problem as problem:
            form.add_error(None, f"{said(problem.what)} {said(problem.what_to_do)}")
    return show(
        request, "add_entry.html", form=form, sides=sides, form_key=form_key, draft=found, accounts=accounts,
        version=request.POST.get("version", found.version if found else ""), partners=partners_of(company),
        room="documents",
    )  # fmt: skip


def _keep_entry(
    request: HttpRequest, company: Company, found: DocumentDraft | None, facts: MiscFacts, form_key: str
) -> HttpResponse:
    if found is not None:
        return _keep(request, found, facts)
    user = person(request)
    if request.POST.get("action") == "draft":
        once(form_key, lambda: make_draft(user, company, facts).id)
        messages.success(request, _("The draft is kept. Nothing of it is in the books yet."))
        return redirect("books:drafts", company_id=company.id)
    made = access_misc(user, once(form_key, lambda: post_misc(user, company, facts).id))
    _tell_posted(request, made)
    return _to(made)


# --- settings ----------------------------------------------------------------------------------------------------


class DocumentSettingsForm(forms.Form):
    """How own documents are made."""

    references = forms.ChoiceField(
        label=gettext_lazy("Structured reference of own invoices"), choices=ReferenceStandard.choices,
        help_text=gettext_lazy(
            "Invoices with a number of the series get one when they are posted; others keep theirs."
        ),
    )  # fmt: skip


@company_page(role=Role.ACCOUNTANT)
def document_settings(request: CompanyRequest) -> HttpResponse:
    """How are own documents made?"""
    form = DocumentSettingsForm(request.POST or None, initial={"references": standard_of(request.company)})
    if request.method == "POST" and form.is_valid():
        set_standard(person(request), request.company, ReferenceStandard(form.cleaned_data["references"]))
        messages.success(request, _("The settings are kept."))
        return redirect("books:documents", company_id=request.company.id)
    return show(
        request, "document_settings.html", form=form, scheme=scheme_of(request.company), room="documents"
    )  # fmt: skip


# --- taking back -------------------------------------------------------------------------------------------------


@login_required
@require_POST
def take_document_back(request: HttpRequest, document_id: uuid.UUID) -> HttpResponse:
    """Post the document that reverses one."""
    done = _("It is reversed. Both documents are closed.")
    return _take_back(request, lambda: reverse_document(person(request), document_id), done) or redirect(
        "books:document", document_id=document_id
    )


@login_required
@require_POST
def take_entry_back(request: HttpRequest, misc_id: uuid.UUID) -> HttpResponse:
    """Post the entry that reverses one."""
    done = _("It is reversed. Nothing of both entries is open.")
    return _take_back(request, lambda: reverse_misc(person(request), misc_id), done) or redirect(
        "books:entry", misc_id=misc_id
    )


def _take_back(request: HttpRequest, post: Callable[[], Document | MiscEntry], done: str) -> HttpResponse | None:
    """Lead to what reverses it; None where that is refused, which is told."""
    try:
        made = post()
    except Problem as problem:
        if problem.status in {403, 404}:
            raise
        tell_refusal(request, problem)
        return None
    messages.success(request, done)
    return _to(made)


def _tell_posted(request: HttpRequest, made: Document | MiscEntry) -> None:
    messages.success(request, _("It is posted as %(number)s.") % {"number": made.number})


def _to(made: Document | MiscEntry) -> HttpResponse:
    if isinstance(made, Document):
        return redirect("books:document", document_id=made.id)
    return redirect("books:entry", misc_id=made.id)
