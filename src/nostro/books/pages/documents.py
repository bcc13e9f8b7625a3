"""Invoices and bills: the list of open items, a simple form, and a CSV file with all its row errors at once."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from nostro.books.companies.models import Role
from nostro.books.ledger.drafts import make_draft
from nostro.books.ledger.imports import ImportErrors, import_open_items, mapping_of
from nostro.books.ledger.models import Document
from nostro.books.ledger.queries import access_document, documents_of, partners_of
from nostro.books.ledger.services import post_document
from nostro.books.ledger.ubl import MAX_BYTES, import_invoice
from nostro.books.pages.document_form import DocumentForm
from nostro.books.pages.drafts import document_tabs
from nostro.books.pages.forms import FileForm, InvoiceFileForm
from nostro.books.pages.ledger import sided
from nostro.books.pages.shell import CompanyRequest, company_page, now, person, remember, show
from nostro.web.errors import Problem
from nostro.web.forms import add_problem
from nostro.web.once import new_form_key, once

LIST_LIMIT = 200


@company_page()
def documents(request: CompanyRequest) -> HttpResponse:
    """Who owes what? Open ones first of all; ``?show=all`` also lists what is paid."""
    show_all = request.GET.get("show") == "all"
    found = documents_of(request.company, open_only=not show_all, limit=LIST_LIMIT)
    tabs = document_tabs("all" if show_all else "open", request.company.id)
    return show(
        request, "documents.html", documents=found, tabs=tabs, show_all=show_all, today=now().date(),
        limit=LIST_LIMIT, room="documents",
    )  # fmt: skip


@login_required
def document(request: HttpRequest, document_id: uuid.UUID) -> HttpResponse:
    """One invoice or bill with its entry."""
    found = access_document(person(request), document_id)
    remember(request, found.company)
    items = found.entry.items.select_related("account", "partner").order_by("-amount", "id")
    early = None if found.discount_until is None else found.amount - found.discount - found.discount_tax
    return show(
        request, "document.html", document=found, items=sided(items), taxes=found.taxes.order_by("-percent"),
        early=early, reversed_by=Document.objects.filter(reverses=found).first(), room="documents",
    )  # fmt: skip


@company_page(role=Role.CLERK)
def add_document(request: CompanyRequest) -> HttpResponse:
    """Post an invoice or bill, or keep it as a draft. A double click does it once."""
    initial = {"kind": "invoice", "date": now().date(), "currency": request.company.currency}
    form = DocumentForm(request.POST or None, initial=initial, company=request.company)
    form_key = request.POST.get("form_key") or new_form_key()
    if request.method == "POST" and form.is_valid() and form.facts is not None:
        facts, is_draft = form.facts, request.POST.get("action") == "draft"
        keep = make_draft if is_draft else post_document
        try:
            once(form_key, lambda: keep(person(request), request.company, facts).id)
        except Problem as problem:
            add_problem(form, problem)
        else:
            if is_draft:
                messages.success(request, _("The draft is kept. Nothing of it is in the books yet."))
                return redirect("books:drafts", company_id=request.company.id)
            messages.success(request, _("It is posted and open until a payment is matched with it."))
            return redirect("books:documents", company_id=request.company.id)
    return show(
        request, "add_document.html", form=form, form_key=form_key, partners=partners_of(request.company),
        room="documents",
    )  # fmt: skip


@company_page(role=Role.CLERK)
def import_documents(request: CompanyRequest) -> HttpResponse:
    """Read a CSV or XLSX file of open items: all rows or none. The same file again adds nothing."""
    form = FileForm(request.POST or None, request.FILES or None, columns=mapping_of(request.company))
    errors = []
    if request.method == "POST" and form.is_valid():
        try:
            file = form.cleaned_data["file"].read()
            outcome = import_open_items(request.user, request.company.id, file, form.mapping)
        except ImportErrors as refused:
            errors = refused.errors
        except Problem as problem:
            add_problem(form, problem)
        else:
            told = _("%(created)s new, %(known)s known already.") % {
                "created": outcome.created,
                "known": outcome.known,
            }
            messages.success(request, told)
            return redirect("books:documents", company_id=request.company.id)
    return show(request, "import_documents.html", form=form, errors=errors, room="documents")


@company_page(role=Role.CLERK)
def upload_document(request: CompanyRequest) -> HttpResponse:
    """Post an electronic invoice (UBL, Peppol). The same file again leads to the same document."""
    form = InvoiceFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = import_invoice(person(request), request.company.id, form.cleaned_data["file"].read(MAX_BYTES + 1))
        except Problem as problem:
            add_problem(form, problem)
        else:
            messages.success(request, _("It is posted and open until a payment is matched with it."))
            return redirect("books:document", document_id=made.id)
    return show(request, "upload_document.html", form=form, room="documents")
