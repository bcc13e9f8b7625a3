"""A journal with its lines and statements, one line in every detail, a journal made by hand."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from nostro.books.companies.models import Company, Role
from nostro.books.companies.queries import role_of
from nostro.books.files.another import take_as_another
from nostro.books.journals.changes import accept_change, ignore_change
from nostro.books.journals.grouping import EFFECTIVE
from nostro.books.journals.held import enter_rate, entries_to_link, link_to_entry, post_on_first_open_day, retry_held
from nostro.books.journals.line_parts import batch_of
from nostro.books.journals.models import Journal, Line, LineStatus, Statement
from nostro.books.journals.queries import (
    Filter,
    access_journal,
    access_line,
    access_statement,
    journals_of,
    lines_of,
    pending_of,
    previous_of,
    running_balances,
)
from nostro.books.journals.services import (
    add_manual_line,
    confirm_statement,
    create_journal,
    keep_both,
    merge_duplicate,
    remove_line,
    restore_line,
)
from nostro.books.links.failures import clear_decided
from nostro.books.links.models import JournalLink
from nostro.books.links.queries import failures_of
from nostro.books.pages.dashboard import card_of
from nostro.books.pages.forms import LineFilterForm, ManualJournalForm, ManualLineForm, RateForm, ReasonForm
from nostro.books.pages.ledger import sided
from nostro.books.pages.refusals import FailureRow, failure_row, tell
from nostro.books.pages.shell import CompanyRequest, back_or, company_page, now, person, remember, show
from nostro.books.pages.states import State, journal_title, line_state, statement_states, statement_title
from nostro.books.reconcile.queries import match_groups_of
from nostro.core.masking import is_iban
from nostro.formats.parts import shown_parts
from nostro.web.errors import Problem
from nostro.web.forms import add_problem
from nostro.web.once import new_form_key, once
from nostro.web.templatetags.nostro import iban as iban_tag

FILTERS: tuple[Filter, ...] = ("all", "not_matched", "to_check", "held")


@dataclass(frozen=True)
class LineRow:
    """A line with the balance after it, in the journal's currency."""

    line: Line
    balance: Decimal | None
    state: State


@dataclass(frozen=True)
class StatementBlock:
    """Consecutive lines of one statement, or of none, with what the divider says."""

    statement: Statement | None
    title: str = ""
    states: list[State] = field(default_factory=list)
    rows: list[LineRow] = field(default_factory=list)


@login_required
def journal(request: HttpRequest, journal_id: uuid.UUID) -> HttpResponse:
    """What happened on the account? Lines newest first, statements as dividers."""
    found = access(request, journal_id)
    chosen, form = chosen_filter(request), LineFilterForm(request.GET)
    page = lines_of(
        found.company, journal=found, filter=chosen, text=search_text(form), cursor=request.GET.get("cursor", "")
    )
    query = request.GET.copy()
    query["cursor"] = page.next_cursor
    card = card_of(found, now())
    return show(
        request,
        "journal.html",
        journal=found,
        title=journal_title(found),
        card=card,
        failures=_failures(request, card.card.link),
        pending=pending_of(found),
        blocks=_blocks(found, page.items),
        tabs=filter_tabs(request),
        chosen=chosen,
        form=form,
        older=f"?{query.urlencode()}" if page.next_cursor else "",
        newer="?" + _without_cursor(request) if request.GET.get("cursor") else "",
        room="dashboard",
    )


def _failures(request: HttpRequest, link: JournalLink | None) -> list[FailureRow]:
    """What is wrong with the account that feeds the journal, or with its whole connection."""
    if link is None:
        return []
    role = role_of(person(request), link.company)
    found = failures_of(link.online_account.connection)
    return [failure_row(each, link, role) for each in found if each.online_account_id in {None, link.online_account_id}]


def _blocks(journal: Journal, lines: Sequence[Line]) -> list[StatementBlock]:
    """The lines cut where the statement changes. Held and removed ones stay among the lines of their days."""
    balances = running_balances(journal, lines)
    blocks: list[StatementBlock] = []
    for line in lines:
        aside = line.statement_id is None and line.status not in EFFECTIVE
        if not blocks or not (aside or (blocks[-1].statement and blocks[-1].statement.id) == line.statement_id):
            statement = line.statement
            if statement is not None:
                statement.journal = journal
            states = statement_states(statement, previous_of(statement)) if statement else []
            blocks.append(StatementBlock(statement, statement_title(statement) if statement else "", states))
        blocks[-1].rows.append(LineRow(line, balances.get(line.id), line_state(line)))
    return blocks


def chosen_filter(request: HttpRequest, default: Filter = "all") -> Filter:
    """The filter that the address names."""
    return next((each for each in FILTERS if each == request.GET.get("filter")), default)


def search_text(form: LineFilterForm) -> str:
    return form.cleaned_data["q"] if form.is_valid() else ""


def filter_tabs(request: HttpRequest, default: Filter = "all", url: str = "") -> list[dict[str, object]]:
    """The filters as tabs; the text searched for stays."""
    names = {
        "all": _("All"),
        "not_matched": _("Not matched"),
        "to_check": _("To check"),
        "held": _("Held"),
    }
    chosen = chosen_filter(request, default)
    tabs = []
    for name in FILTERS:
        query = request.GET.copy()
        for gone in ("cursor", "line", "done"):
            query.pop(gone, None)
        query["filter"] = name
        tabs.append({"url": f"{url}?{query.urlencode()}", "label": names[name], "current": name == chosen})
    return tabs


def _without_cursor(request: HttpRequest) -> str:
    query = request.GET.copy()
    query.pop("cursor", None)
    return query.urlencode()


@login_required
def line(request: HttpRequest, line_id: uuid.UUID) -> HttpResponse:
    """Everything that is known of a line: every field in words, the entry, why it was matched, undo."""
    found = access_line(person(request), line_id)
    remember(request, found.company)
    entry, batch = found.entry, batch_of(found)
    return show(
        request,
        "line.html",
        line=found,
        batch=shown_parts(batch, _account_number) if batch else None,
        state=line_state(found),
        journal_title=journal_title(found.journal),
        statement=statement_title(found.statement) if found.statement else "",
        balance=running_balances(found.journal, [found]).get(found.id),
        items=sided(entry.items.select_related("account", "partner").order_by("-amount", "id")) if entry else [],
        groups=match_groups_of(found, live_only=False),
        reason_form=ReasonForm(),
        change=found.bank_changes.filter(decision="", is_certain=True).first(),
        entries=entries_to_link(found) if found.status == LineStatus.HELD_LOCKED else [],
        rate_form=RateForm() if found.status == LineStatus.HELD_CURRENCY else None,
        notes=[each.note for each in found.pending_lines.all() if each.note],
        room="dashboard",
    )


def _account_number(reference: str | None) -> str:
    return iban_tag(reference) if reference and is_iban(reference) else reference or ""


#: What a click on a line does, and what is said then.
_CHANGES: dict[str, tuple[Callable[..., Line], Promise | str]] = {
    "accept": (accept_change, gettext_lazy("The line is as the bank has it now.")),
    "ignore": (ignore_change, gettext_lazy("The line stays as it is.")),
    "another": (
        take_as_another,
        gettext_lazy("The line stays as it is, and the other transaction has a line of its own."),
    ),
    "retry": (retry_held, gettext_lazy("The line is posted.")),
    "post_open": (post_on_first_open_day, gettext_lazy("The line is posted on the first open day.")),
}


@login_required
@require_POST
def link_entry(request: HttpRequest, line_id: uuid.UUID) -> HttpResponse:
    """A locked line was booked by hand: link it to that entry."""
    found = access_line(person(request), line_id, role=Role.ACCOUNTANT)
    remember(request, found.company)
    chosen = next((each for each in entries_to_link(found) if str(each.id) == request.POST.get("entry")), None)
    if chosen is None:
        messages.error(request, _("Choose one of the entries shown."))
    else:
        with transaction.atomic():
            link_to_entry(person(request), found.id, chosen.id, now=now())
            clear_decided(found.journal, now=now())
        messages.success(request, _("The line is linked to its entry."))
    return redirect("books:line", line_id=found.id)


@login_required
@require_POST
def rate(request: HttpRequest, line_id: uuid.UUID) -> HttpResponse:
    """Enter what one unit of a line's currency is worth; lines that waited for it are posted."""
    found = access_line(person(request), line_id, role=Role.ACCOUNTANT)
    remember(request, found.company)
    form = RateForm(request.POST)
    if form.is_valid():
        day, value = found.booking_date, form.cleaned_data["rate"]
        with transaction.atomic():
            posted = enter_rate(person(request), found.company, found.currency, day, value, now=now())
            for journal in journals_of(found.company):
                clear_decided(journal, now=now())
        told = ngettext("%(n)s line is posted.", "%(n)s lines are posted.", posted) % {"n": posted}
        messages.success(request, told)
    else:
        messages.error(request, _("Type what one unit is worth, above zero."))
    return redirect("books:line", line_id=found.id)


@login_required
@require_POST
def change_line(request: HttpRequest, line_id: uuid.UUID, change: str) -> HttpResponse:
    """Remove, restore, merge or keep a line, as the address names it."""
    found = access_line(person(request), line_id)
    remember(request, found.company)
    journal = found.journal
    with transaction.atomic():
        found, told = _changed(request, found, change)
        clear_decided(journal, now=now())
    messages.success(request, told)
    return back_or(request, "line", line_id=found.id)


def _changed(request: HttpRequest, found: Line, change: str) -> tuple[Line, str]:
    """Do it; returns the line that stays, and the sentence that says what was done."""
    user = person(request)
    if change in _CHANGES:
        verb, told = _CHANGES[change]
        verb(user, found.id, now=now())
        return found, str(told)
    if change == "remove":
        form = ReasonForm(request.POST)
        remove_line(user, found.id, reason=form.cleaned_data["reason"] if form.is_valid() else "", now=now())
        return found, _("The line is removed. It does not come back by itself; it can be restored here.")
    if change == "restore":
        restore_line(user, found.id, now=now())
        return found, _("The line is back.")
    if change == "merge":
        return merge_duplicate(user, found.id, now=now()), _("The two are one line now.")
    keep_both(user, found.id, now=now())
    return found, _("Both lines are kept; they are not suggested as duplicates again.")


@login_required
@require_POST
def confirm(request: HttpRequest, statement_id: uuid.UUID) -> HttpResponse:
    """Freeze a statement."""
    found = access_statement(person(request), statement_id)
    confirm_statement(person(request), found.id, now=now())
    messages.success(request, _("The statement is confirmed and stays as it is."))
    return redirect("books:journal", journal_id=found.journal_id)


@company_page(role=Role.OWNER)
def add_manually(request: CompanyRequest) -> HttpResponse:
    """A journal for an account that no Hub serves."""
    initial = {"currency": request.company.currency, "bank_name": request.GET.get("bank", "")[:200]}
    form = ManualJournalForm(request.POST or None, initial=initial)
    form_key = request.POST.get("form_key") or new_form_key()
    refused: Problem | None = None
    if request.method == "POST" and form.is_valid():
        try:
            made = once(form_key, lambda: _create(request, request.company, form).id)
        except Problem as problem:
            refused = tell(form, problem)
        else:
            return redirect("books:journal", journal_id=made)
    return show(request, "add_manually.html", form=form, problem=refused, form_key=form_key, room="dashboard")


def _create(request: HttpRequest, company: Company, form: ManualJournalForm) -> Journal:
    fields = {**form.cleaned_data}
    fields["name"] = fields["name"] or fields["account_number"]
    return create_journal(person(request), company, **fields)


@login_required
def add_line(request: HttpRequest, journal_id: uuid.UUID) -> HttpResponse:
    """A transaction typed by hand."""
    found = access(request, journal_id, role=Role.CLERK)
    form = ManualLineForm(request.POST or None)
    form_key = request.POST.get("form_key") or new_form_key()
    if request.method == "POST" and form.is_valid():
        user = person(request)
        try:
            once(form_key, lambda: add_manual_line(user, found.id, **form.cleaned_data, now=now()).id)
        except Problem as problem:
            add_problem(form, problem)
        else:
            messages.success(request, _("The line is posted."))
            return redirect("books:journal", journal_id=found.id)
    return show(request, "add_line.html", form=form, journal=found, form_key=form_key, room="dashboard")


def access(request: HttpRequest, journal_id: uuid.UUID, role: Role | None = None) -> Journal:
    """The journal that the address names, made the subject of the request."""
    found = access_journal(person(request), journal_id, role=role)
    remember(request, found.company)
    return found
