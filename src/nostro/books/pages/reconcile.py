"""Reconciling: the list on the left, the line and its proposals on the right (books.md 16.10).

This page only reads; ``matching`` acts on one line and ``bulk`` on many.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from nostro.books.companies.models import Company
from nostro.books.journals.models import Journal, Line
from nostro.books.journals.queries import access_line, journals_of, lines_of, running_balances
from nostro.books.journals.totals import counts_of
from nostro.books.ledger.drafts import drafts_like, summary_of
from nostro.books.ledger.queries import accounts_of, partners_of
from nostro.books.pages.forms import AccountMatchForm, LineFilterForm, PartnerForm, ReasonForm
from nostro.books.pages.journals import chosen_filter, filter_tabs, search_text
from nostro.books.pages.rest_form import RestForm
from nostro.books.pages.shell import CompanyRequest, company_page, person, show
from nostro.books.pages.states import State, journal_title, line_state
from nostro.books.pages.suggestions import Suggestions, is_open, suggestions_for
from nostro.books.reconcile.candidates import Candidate, candidates
from nostro.books.reconcile.models import MatchGroup, Rule, RuleKind
from nostro.books.reconcile.queries import access_match_group, activities_of, match_groups_of
from nostro.books.reconcile.rules.services import rules_of
from nostro.web.errors import NotFound, Problem
from nostro.web.once import new_form_key

LIST_LENGTH = 50
MAX_CANDIDATES = 20
#: Buttons of rules on a line.
MAX_BUTTONS = 20
#: What an address says about one line, and not about the list.
_OF_A_LINE = ("line", "done", "find", "items", "undone")
#: Open items that are marked at once.
MAX_CHOSEN = 100


@dataclass(frozen=True)
class Row:
    """A line of the list. ``address`` is the query that chooses it; ``notes`` counts what people wrote on it, and
    ``activity`` is what a rule wants them to do."""

    line: Line
    state: State
    balance: Decimal | None
    suggestions: Suggestions
    address: str
    notes: int
    activity: str
    is_open: bool


@dataclass(frozen=True)
class Beside:
    """What a match booked beside the line itself; signed like the line."""

    what: str
    amount: Decimal
    currency: str
    account: str


@company_page()
def reconcile(request: CompanyRequest) -> HttpResponse:
    """What is not explained yet? The first line is chosen unless the address names one."""
    return page(request, request.company)


def page(
    request: HttpRequest,
    company: Company,
    *,
    line: Line | None = None,
    problem: Problem | None = None,
    forms: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """The whole page; ``forms`` and ``problem`` say what was refused for ``line``."""
    journals = journals_of(company)
    journal = next((each for each in journals if str(each.id) == request.GET.get("journal", "")), None)
    filter_form = LineFilterForm(request.GET)
    chosen = chosen_filter(request, "not_matched")
    found = lines_of(
        company, journal=journal, filter=chosen, text=search_text(filter_form),
        cursor=request.GET.get("cursor", ""), limit=LIST_LENGTH,
    )  # fmt: skip
    line = line or _chosen(request, company, found.items)
    prefetch_related_objects(found.items, "pending_lines")
    seen = {each.id: each for each in (*found.items, *([line] if line else []))}
    suggestions = suggestions_for(company, list(seen.values()))
    of_line = suggestions.get(line.id, Suggestions()) if line else Suggestions()
    panel = _panel(request, line, found.items, of_line, forms or {}) if line else {"line": None}
    here = reverse("books:reconcile", kwargs={"company_id": company.id})
    older = list_query(request, cursor=found.next_cursor)
    return show(
        request,
        "reconcile.html",
        rows=_rows(request, found.items, suggestions),
        here=here,
        tabs=_with_counts(filter_tabs(request, "not_matched", here), journals, journal),
        filter_form=filter_form,
        chosen_filter=chosen,
        journals=journals,
        journal=journal,
        older=f"{here}?{older}" if found.next_cursor else "",
        newer=f"{here}?{list_query(request, cursor='')}" if request.GET.get("cursor") else "",
        problem=problem,
        done=_done(request, company),
        query=list_query(request, **({"line": line.id} if line else {})),
        form_key=new_form_key(),
        room="reconcile",
        **panel,
    )


def _panel(
    request: HttpRequest, line: Line, lines: Sequence[Line], suggestions: Suggestions, forms: Mapping[str, Any]
) -> dict[str, Any]:
    """The line that is looked at, and everything that can be done with it."""
    company = line.company
    partner, accounts = line.partner, accounts_of(company)
    return {
        "line": line,
        "state": line_state(line),
        "is_open": is_open(line),
        "line_journal": journal_title(line.journal),
        "suggestions": suggestions,
        "drafts": [
            (each, summary_of(each)) for each in drafts_like(line.company, line.suspense_residual, line.currency)
        ],
        "candidates": _candidates(request, line, suggestions.proposal.partner_id if suggestions.proposal else None),
        "chosen": {str(item_id) for item_id in chosen_items(request)},
        "groups": _matches(line),
        "buttons": _buttons(request, line),
        "next_line": _next_of(line, lines),
        "find": _searched_for(request),
        "notes": [each.note for each in line.pending_lines.all() if each.note],
        "activity": activities_of([line.id]).get(line.id, ""),
        "partners": partners_of(company),
        "account_form": forms.get("account") or AccountMatchForm(accounts=accounts),
        "partner_form": forms.get("partner") or PartnerForm(initial={"partner": partner.name if partner else ""}),
        "rest_form": forms.get("rest") or RestForm(accounts=accounts),
        "accounts": accounts,
        "reason_form": ReasonForm(),
        "here_again": f"{reverse('books:reconcile', kwargs={'company_id': company.id})}?{list_query(request)}",
        "opened": set(forms),
    }


def _matches(line: Line) -> list[tuple[MatchGroup, list[Beside]]]:
    """What the line was explained with, each with what was written off and the exchange difference."""
    return [(group, _beside(line, group)) for group in match_groups_of(line)]


def _beside(line: Line, group: MatchGroup) -> list[Beside]:
    own = {part.account_id for part in group.parts.all()}
    entries = ((_("Written off"), group.write_off_entry), (_("Exchange difference"), group.exchange_entry))
    return [
        Beside(what, -item.amount, line.company.currency, str(item.account))
        for what, entry in entries
        if entry is not None
        for item in entry.items.all()
        if item.account_id not in own
    ]


def _rows(
    request: HttpRequest, lines: Sequence[Line], suggestions: Mapping[uuid.UUID, Suggestions]
) -> list[Row]:  # fmt: skip
    balances: dict[uuid.UUID, Decimal] = {}
    for _journal_id, of_journal in groupby(
        sorted(lines, key=lambda line: line.journal_id), key=lambda line: line.journal_id
    ):
        group = list(of_journal)
        balances |= running_balances(group[0].journal, group)
    activities = activities_of([line.id for line in lines])
    return [
        Row(
            line=line,
            state=line_state(line),
            balance=balances.get(line.id),
            suggestions=suggestions.get(line.id, Suggestions()),
            address=list_query(request, line=line.id),
            notes=sum(1 for each in line.pending_lines.all() if each.note),
            activity=activities.get(line.id, ""),
            is_open=is_open(line),
        )
        for line in lines
    ]


def _with_counts(
    tabs: list[dict[str, object]], journals: Sequence[Journal], journal: Journal | None
) -> list[dict[str, object]]:  # fmt: skip
    """How many lines wait behind each tab, in the order All, Not matched, To check, Held."""
    counts = counts_of([each.id for each in ([journal] if journal else journals)]).values()
    sums = [sum(each) for each in zip(*counts, strict=True)] or [0, 0, 0, 0]
    return [{**tab, "count": count} for tab, count in zip(tabs, sums, strict=True)]


def _candidates(request: HttpRequest, line: Line, partner_id: uuid.UUID | None) -> list[Candidate]:
    if not is_open(line):
        return []
    return candidates(
        line, text=_searched_for(request), limit=MAX_CANDIDATES, partner_id=partner_id, chosen=chosen_items(request)
    )


def _searched_for(request: HttpRequest) -> str:
    """What is searched in open items; a form that was refused says it again."""
    return (request.POST.get("find") or request.GET.get("find", ""))[:100]


def chosen_items(request: HttpRequest) -> list[uuid.UUID]:
    """The open items that are marked: of the form that was sent, or kept over another search."""
    sent = request.POST if request.method == "POST" else request.GET
    return [as_id(value, "item") for value in sent.getlist("items")[:MAX_CHOSEN]]


def _buttons(request: HttpRequest, line: Line) -> list[Rule]:
    """The rules that are a button on the line."""
    if not is_open(line):
        return []
    found = rules_of(person(request), line.company)
    return [rule for rule in found if rule.active and rule.kind == RuleKind.MANUAL][:MAX_BUTTONS]


def _next_of(line: Line, lines: Sequence[Line]) -> uuid.UUID | None:
    """Where to go from a line that is done: to the older one, at the end to the newer one."""
    ids = [each.id for each in lines]
    if line.id not in ids:
        return ids[0] if ids else None
    place = ids.index(line.id)
    others = ids[place + 1 : place + 2] or ids[:place][-1:]
    return others[0] if others else None


def _chosen(request: HttpRequest, company: Company, lines: Sequence[Line]) -> Line | None:
    named = request.GET.get("line", "")
    if not named:
        return lines[0] if lines else None
    found = access_line(person(request), as_id(named, "line"))
    if found.company_id != company.id:
        raise NotFound("line")
    return found


def _done(request: HttpRequest, company: Company) -> MatchGroup | None:
    """The match that was just made, so that it can be taken back at once."""
    named = request.GET.get("done", "")
    if not named:
        return None
    group = access_match_group(person(request), as_id(named, "match"))
    return group if group.company_id == company.id and group.undone_at is None else None


def as_id(text: str, resource: str) -> uuid.UUID:
    """The id in an address or form; anything else names nothing that exists."""
    try:
        return uuid.UUID(text)
    except ValueError:
        raise NotFound(resource) from None


def list_query(request: HttpRequest, **changes: object) -> str:
    """The query of the list as it is, without what concerns one line, and with ``changes``; empty ones go."""
    query = request.GET.copy()
    for gone in _OF_A_LINE:
        query.pop(gone, None)
    for name, value in changes.items():
        if value:
            query[name] = str(value)
        else:
            query.pop(name, None)
    return query.urlencode()
