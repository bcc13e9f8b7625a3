"""Find Duplicate Transactions (books.md 11.3)."""

from __future__ import annotations

import datetime as dt
import uuid

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from nostro.books.companies.models import Role
from nostro.books.journals.duplicates import (
    LINES_LIMIT,
    call_different,
    default_since,
    delete_duplicates,
    find_duplicates,
    merge_lines,
)
from nostro.books.journals.models import Journal
from nostro.books.links.failures import clear_decided
from nostro.books.pages.forms import SinceForm
from nostro.books.pages.journals import access
from nostro.books.pages.shell import now, person, show
from nostro.books.pages.states import journal_title


@login_required
def duplicates(request: HttpRequest, journal_id: uuid.UUID) -> HttpResponse:
    """Which lines may be one transaction? Groups since a date, each with Merge, Delete Selected, Not a duplicate."""
    journal = access(request, journal_id, role=Role.ACCOUNTANT if request.method == "POST" else None)
    if request.method == "POST":
        with transaction.atomic():
            _decide(request, journal)
            clear_decided(journal, now=now())
        back = SinceForm(request.POST)
        query = f"?since={back.cleaned_data['since'].isoformat()}" if back.is_valid() else ""
        return redirect(reverse("books:duplicates", args=[journal.id]) + query)
    today = now().date()
    first = default_since(journal) or today
    form = SinceForm(request.GET if request.GET.get("since") else None, initial={"since": first})
    since: dt.date = form.cleaned_data["since"] if form.is_valid() else first
    return show(
        request,
        "duplicates.html",
        journal=journal,
        title=journal_title(journal),
        form=form,
        since=since,
        groups=find_duplicates(journal, since),
        room="dashboard",
    )


def _decide(request: HttpRequest, journal: Journal) -> None:
    group, chosen = _ids(request, "group"), _ids(request, "line")
    action, user = request.POST.get("action"), person(request)
    if action == "different":
        call_different(user, group)
        messages.success(request, _("These lines are not listed together again."))
    elif not chosen or len(chosen) == len(group):
        messages.error(request, _("Select the lines that are too many; at least one stays."))
    elif action == "merge":
        kept = next(line_id for line_id in group if line_id not in chosen)
        merge_lines(user, kept, chosen, now=now())
        messages.success(request, _("The lines are one now."))
    else:
        staying = [line_id for line_id in group if line_id not in chosen]
        delete_duplicates(user, chosen, staying=staying, now=now())
        messages.success(request, _("The selected lines are removed; each can be restored on its page."))


def _ids(request: HttpRequest, name: str) -> list[uuid.UUID]:
    found: list[uuid.UUID] = []
    for text in request.POST.getlist(name)[:LINES_LIMIT]:
        try:
            found.append(uuid.UUID(text))
        except ValueError:
            continue
    return found
