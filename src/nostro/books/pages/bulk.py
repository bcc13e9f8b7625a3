"""Many lines at once: what would happen is shown first, and only what was shown is done (books.md 16.10)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from nostro.books.companies.models import Company, Role
from nostro.books.journals.models import Line
from nostro.books.ledger.models import LedgerAccount
from nostro.books.ledger.queries import accounts_of
from nostro.books.pages.fields import find_account
from nostro.books.pages.reconcile import as_id, list_query
from nostro.books.pages.shell import CompanyRequest, company_page, now, person, show
from nostro.books.pages.suggestions import Suggestions, is_open, suggestions_for
from nostro.books.reconcile.applying import Outcome
from nostro.books.reconcile.choosing import MAX_LINES, Choice, book_many, choose_many, undo_many
from nostro.books.reconcile.models import MatchGroup
from nostro.books.reconcile.services import set_to_check
from nostro.web.errors import Problem


@dataclass(frozen=True)
class Planned:
    """What would happen to a line; ``refused`` says why nothing can."""

    line: Line
    value: str = ""
    sentence: str = ""
    ticked: bool = True
    refused: str = ""


@company_page(role=Role.CLERK)
@require_POST
def preview(request: CompanyRequest) -> HttpResponse:
    """What will happen to the marked lines? Nothing is changed yet."""
    company, action = request.company, request.POST.get("action", "")
    lines = _marked(request, company)
    account: LedgerAccount | None = None
    if action == "account":
        account = _account(request, company)
        planned = [_book(line, account) for line in lines]
    elif action == "check":
        planned = [Planned(line, str(line.id), _("Is marked to check; no amount changes.")) for line in lines]
    else:
        action = "best"
        found = suggestions_for(company, lines)
        planned = [_best(line, found.get(line.id, Suggestions())) for line in lines]
    doable = [each for each in planned if not each.refused]
    return show(
        request,
        "reconcile_preview.html",
        action=action,
        account=account,
        doable=doable,
        refused=[each for each in planned if each.refused],
        sums=_sums(each.line for each in doable if each.ticked),
        query=list_query(request),
        room="reconcile",
    )


@company_page(role=Role.CLERK)
@require_POST
def apply_marked(request: CompanyRequest) -> HttpResponse:
    """Do what was shown, and tell of each line that was refused why."""
    company, user, action = request.company, person(request), request.POST.get("action", "")
    chosen = request.POST.getlist("chosen")[:MAX_LINES]
    if action == "check":
        for line_id in chosen:
            set_to_check(user, as_id(line_id, "line"), True)
        told = ngettext("%(n)s line is marked to check.", "%(n)s lines are marked to check.", len(chosen))
        messages.success(request, told % {"n": len(chosen)})
        return redirect(_list(request, company))
    if action == "account":
        ids = [as_id(value, "line") for value in chosen]
        outcomes = book_many(user, company, ids, as_id(request.POST.get("account", ""), "account"), now=now())
    else:
        outcomes = choose_many(user, company, [_choice(value) for value in chosen], now=now())
    return _told(request, outcomes)


def _told(request: CompanyRequest, outcomes: Sequence[tuple[Line, Outcome]]) -> HttpResponse:
    groups = [(line, outcome) for line, outcome in outcomes if isinstance(outcome, MatchGroup)]
    return show(
        request,
        "reconcile_done.html",
        groups=groups,
        sums=_sums(line for line, _group in groups),
        refused=[(line, outcome) for line, outcome in outcomes if isinstance(outcome, Problem)],
        back=_list(request, request.company),
        query=list_query(request),
        room="reconcile",
    )


@company_page(role=Role.CLERK)
@require_POST
def undo_marked(request: CompanyRequest) -> HttpResponse:
    """Take back everything that was applied together."""
    groups = [as_id(value, "match") for value in request.POST.getlist("groups")[:MAX_LINES]]
    undone = undo_many(person(request), groups, now=now())
    told = ngettext("%(n)s match is taken back.", "%(n)s matches are taken back.", undone) % {"n": undone}
    messages.success(request, told)
    return redirect(_list(request, request.company))


def _marked(request: HttpRequest, company: Company) -> list[Line]:
    ids = [as_id(value, "line") for value in request.POST.getlist("lines")[:MAX_LINES]]
    found = Line.objects.select_related("journal", "partner").filter(company=company, pk__in=ids)
    if not found:
        raise Problem(_("No line is marked."), what_to_do=_("Go back and mark at least one."), code="nothingMarked")
    return list(found.order_by("-order_date", "-day_seq", "-id"))


def _account(request: HttpRequest, company: Company) -> LedgerAccount:
    try:
        return find_account(accounts_of(company), request.POST.get("account", "")[:220])
    except ValidationError as error:
        told = " ".join(error.messages)
        raise Problem(told, what_to_do=_("Go back and type its code."), code="accountUnknown") from None


def _best(line: Line, suggestions: Suggestions) -> Planned:
    if not is_open(line):
        return Planned(line, refused=_not_open(line))
    if suggestions.best is None:
        return Planned(line, refused=_("Nothing is proposed for it."))
    best = suggestions.best
    return Planned(line, f"{line.id} {best.key}", best.sentence, ticked=best.sure)


def _book(line: Line, account: LedgerAccount) -> Planned:
    if not is_open(line):
        return Planned(line, refused=_not_open(line))
    return Planned(line, str(line.id), _("All that is not explained goes to %(account)s.") % {"account": account})


def _not_open(line: Line) -> str:
    return _("It is matched already.") if line.reconciled else _("It is not posted. Decide about it first.")


def _choice(value: str) -> Choice:
    line_id, _blank, key = value.partition(" ")
    return Choice(as_id(line_id, "line"), key[:40])


def _sums(lines: Iterable[Line]) -> list[tuple[Decimal, str]]:
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        sums[line.currency] += line.amount
    return [(amount, currency) for currency, amount in sorted(sums.items())]


def _list(request: HttpRequest, company: Company) -> str:
    address = reverse("books:reconcile", kwargs={"company_id": company.id})
    return f"{address}?{list_query(request)}"
