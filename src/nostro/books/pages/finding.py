"""Find Missing Transactions, the pending list and the trail (books.md 11.4, 12; user-wants W37)."""

from __future__ import annotations

import datetime as dt
import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from nostro.books.companies.models import Role
from nostro.books.journals.changes import open_changes
from nostro.books.journals.models import PendingState
from nostro.books.journals.pending import note_pending, pending_and_lapsed
from nostro.books.links.missing import find_missing, import_missing
from nostro.books.pages.forms import PeriodForm
from nostro.books.pages.journals import access
from nostro.books.pages.shell import CompanyRequest, company_page, now, person, show
from nostro.books.pages.states import journal_title
from nostro.people.audit import PAGE, trail
from nostro.people.audit_chain import verify_chain
from nostro.web.errors import Problem

#: Items that one import takes from the page.
SELECTED_LIMIT = 5_000
#: Records that a page verifies; ``nostro doctor`` verifies all.
VERIFIED_ON_PAGE = 50_000


@login_required
def missing(request: HttpRequest, journal_id: uuid.UUID) -> HttpResponse:
    """What has the bank that the books do not have? Nothing is asked before a person chose the period."""
    posting = request.method == "POST"
    journal = access(request, journal_id, role=Role.CLERK if posting else None)
    last = now().date().replace(day=1) - dt.timedelta(days=1)
    data = request.POST if posting else request.GET if request.GET.get("first") else None
    form = PeriodForm(data, initial={"first": last.replace(day=1), "last": last})
    search, problem = None, None
    if form.is_bound and form.is_valid():
        first, until = form.cleaned_data["first"], form.cleaned_data["last"]
        try:
            if posting:
                ids = frozenset(request.POST.getlist("item")[:SELECTED_LIMIT])
                _told(request, import_missing(person(request), journal.id, ids, first, until, now=now()))
                query = f"?first={first.isoformat()}&last={until.isoformat()}"
                return redirect(reverse("books:missing", args=[journal.id]) + query)
            search = find_missing(person(request), journal.id, first, until)
        except Problem as found:
            problem = found
    return show(
        request, "missing.html", journal=journal, title=journal_title(journal), form=form, search=search,
        problem=problem, room="dashboard",
    )  # fmt: skip


def _told(request: HttpRequest, number: int) -> None:
    if not number:
        messages.error(request, _("Select the transactions to import."))
        return
    told = ngettext("%(n)s transaction was imported.", "%(n)s transactions were imported.", number) % {"n": number}
    messages.success(request, told)


@login_required
def pending(request: HttpRequest, journal_id: uuid.UUID) -> HttpResponse:
    """What has the bank announced and not booked? For information, with notes that move to the line."""
    journal = access(request, journal_id)
    found = pending_and_lapsed(journal)
    waiting = [each for each in found if each.state == PendingState.PENDING]
    return show(
        request,
        "pending.html",
        journal=journal,
        title=journal_title(journal),
        waiting=waiting,
        lapsed=[each for each in found if each.state == PendingState.LAPSED],
        total=sum(each.amount for each in waiting if each.currency == journal.currency),
        room="dashboard",
    )


@login_required
@require_POST
def note(request: HttpRequest, pending_id: uuid.UUID) -> HttpResponse:
    """Write a note on a pending transaction."""
    item = note_pending(person(request), pending_id, request.POST.get("note", ""))
    messages.success(request, _("The note is kept."))
    return redirect("books:pending", journal_id=item.journal_id)


@login_required
def changes(request: HttpRequest, journal_id: uuid.UUID) -> HttpResponse:
    """What did the bank change afterwards? Each with both figures; nothing changes before a person decides."""
    journal = access(request, journal_id)
    found = [change for change in open_changes(journal) if change.is_certain]
    return show(request, "changes.html", journal=journal, title=journal_title(journal), changes=found, room="dashboard")


@company_page()
def audit(request: CompanyRequest) -> HttpResponse:
    """Who did what? One sentence each, newest first."""
    try:
        before = int(request.GET["before"]) if request.GET.get("before") else None
    except ValueError:
        before = None
    records = trail(tenant_id=request.company.id, before=before)
    older = f"?before={records[-1].id}" if len(records) == PAGE else ""
    verdict = verify_chain(newest=VERIFIED_ON_PAGE) if request.GET.get("verify") else None
    return show(
        request, "audit.html", records=records, older=older, newer="?" if before is not None else "", verdict=verdict,
        room="audit",
    )  # fmt: skip
