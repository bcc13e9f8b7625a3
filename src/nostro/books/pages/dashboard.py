"""The dashboard: one card per journal with both balances, whether they agree, what waits, and the fetch button."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass
from decimal import Decimal

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from nostro.books.companies.models import Role
from nostro.books.hub_client.catalogue import FailureKind, describe
from nostro.books.journals.models import Journal
from nostro.books.journals.queries import access_journal, journals_of
from nostro.books.journals.series import balance_series
from nostro.books.links.cards import JournalCard, journal_cards
from nostro.books.links.fetching import request_fetch
from nostro.books.links.models import FetchSchedule, Run
from nostro.books.links.queries import latest_run
from nostro.books.pages.coverage_bar import CoverageBar, coverage_bar
from nostro.books.pages.shell import (
    CompanyRequest,
    back_or,
    company_page,
    is_live,
    now,
    person,
    remember,
    show,
    visitor,
)
from nostro.books.pages.states import State, consent_state, health_state, hub_page, is_busy, journal_title, proof_state
from nostro.web.errors import Problem

GRAPH_DAYS = 90
#: Cards of one page.
CARDS = 48


@dataclass(frozen=True)
class CardView:
    """A journal's card as a person reads it. ``run`` is the fetch under way, or the last one."""

    card: JournalCard
    proof: State
    consent: State | None
    health: State | None
    run: Run | None
    busy: bool
    series: list[tuple[dt.date, Decimal]]
    coverage: CoverageBar | None

    @property
    def journal(self) -> Journal:
        return self.card.journal

    @property
    def title(self) -> str:
        return journal_title(self.journal)

    @property
    def needs_hub(self) -> bool:
        """Whether the remedy is at the Hub: renewing the consent."""
        account = self.card.online_account
        return account is not None and account.health in {"expired", "expiring"}

    @property
    def hub_page(self) -> str:
        return hub_page(self.card.online_account.connection) if self.card.online_account else ""

    @property
    def schedule(self) -> str:
        return str(FetchSchedule(self.card.link.fetch_schedule).label) if self.card.link else ""

    @property
    def failure(self) -> FailureKind | None:
        """What is wrong with the account, else with its whole connection."""
        account = self.card.online_account
        if self.card.failure or account is None or not account.connection.state_code:
            return self.card.failure
        return describe(account.connection.state_code)


@company_page()
def dashboard(request: CompanyRequest) -> HttpResponse:
    """Do bank and books agree, and what waits? A company with many journals sees :data:`CARDS` of them at a time."""
    pages = Paginator(journals_of(request.company), CARDS)
    page = pages.get_page(request.GET.get("page"))
    moment, journals = now(), list(page.object_list)
    cards = [_view(card, moment) for card in journal_cards(request.company, now=moment, journals=journals)]
    return show(
        request, "dashboard.html", cards=cards, room="dashboard",
        older=f"?page={page.next_page_number()}" if page.has_next() else "",
        newer=f"?page={page.previous_page_number()}" if page.has_previous() else "",
        place=_("%(first)s to %(last)s of %(count)s journals")
        % {"first": page.start_index(), "last": page.end_index(), "count": pages.count},
    )  # fmt: skip


def card_of(journal: Journal, moment: dt.datetime) -> CardView:
    """The card of one journal."""
    (card,) = journal_cards(journal.company, now=moment, journals=[journal])
    return _view(card, moment)


def _view(card: JournalCard, moment: dt.datetime) -> CardView:
    account = card.online_account
    health = health_state(account) if account else None
    return CardView(
        card=card,
        proof=proof_state(card.proof, card.difference, card.journal.currency),
        consent=consent_state(card.consent_days_left),
        health=health if health and health.tone != "good" else None,
        run=latest_run(account) if account else None,
        busy=is_busy(account),
        series=balance_series(card.journal, until=moment.date(), days=GRAPH_DAYS),
        coverage=coverage_bar(card.journal, card.link, moment),
    )


@login_required
def card(request: HttpRequest, journal_id: uuid.UUID) -> HttpResponse:
    """The live part: one card, which asks again by itself while a fetch is under way."""
    found = access_journal(person(request), journal_id)
    remember(request, found.company)
    if not is_live(request):
        return redirect("books:journal", journal_id=found.id)
    return show(request, "card.html", view=card_of(found, now()))


@login_required
@require_POST
def fetch(request: HttpRequest, journal_id: uuid.UUID) -> HttpResponse:
    """Fetch Transactions. A click while a fetch is under way joins it."""
    found = access_journal(person(request), journal_id, role=Role.CLERK)
    remember(request, found.company)
    account = card_of(found, now()).card.online_account
    if account is None:
        raise Problem(
            _("This journal is not linked to an online account."), what_to_do=_("Connect its bank first."),
            code="journalNotLinked",
        )  # fmt: skip
    request_fetch(person(request), account, trigger="person", now=now(), customer_ip=visitor(request))
    if is_live(request):
        return show(request, "card.html", view=card_of(found, now()))
    return back_or(request, "company", company_id=found.company_id)
