"""Connecting a bank, step by step: which provider serves it, credentials, the accounts grid, the result (books.md 4).

Leaving loses nothing and back always works: every step is an address of its own, and the connection is stored as soon
as its credentials were tested.
"""

from __future__ import annotations

import uuid
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from nostro.books.companies.models import Role
from nostro.books.companies.queries import role_of
from nostro.books.hub_client.catalogue import describe
from nostro.books.journals.models import Journal
from nostro.books.journals.queries import access_journal
from nostro.books.ledger.queries import accounts_of
from nostro.books.links.account_lists import reload_accounts
from nostro.books.links.banks import search_banks
from nostro.books.links.credentials import connect, test_credentials
from nostro.books.links.models import Connection, JournalLink
from nostro.books.links.queries import access_connection, failures_of, latest_run, online_accounts_of
from nostro.books.links.wizard import LinkErrors, confirm_links, propose_rows
from nostro.books.pages.forms import CredentialsForm, FindBankForm
from nostro.books.pages.grid import RowForm, create_for_unmatched, mended
from nostro.books.pages.refusals import Refusal, failure_row, refusal_of, tell
from nostro.books.pages.remedies import Place
from nostro.books.pages.shell import CompanyRequest, company_page, is_live, now, person, remember, show
from nostro.books.pages.states import State, is_busy, run_state
from nostro.web.errors import NotFound, Problem
from nostro.web.once import new_form_key, once

STEPS = (
    gettext_lazy("Find the bank"),
    gettext_lazy("Credentials"),
    gettext_lazy("Accounts"),
    gettext_lazy("Result"),
)
MAX_RESULTS = 20


@company_page(role=Role.OWNER)
def find_bank(request: CompanyRequest) -> HttpResponse:
    """Step 0: does the Hub serve the bank? A bank that is not listed is added by hand."""
    form = FindBankForm(request.GET or None)
    found, problem = None, None
    text = form.cleaned_data["q"] if form.is_bound and form.is_valid() else ""
    if text:
        try:
            found = search_banks(text, MAX_RESULTS)
        except Problem as refused:
            problem = refused
    return show(
        request,
        "find_bank.html",
        form=form,
        found=found,
        worked_on={bank.id for bank in found or () if bank.is_worked_on(now())},
        text=text,
        problem=problem,
        hub_host=urlsplit(settings.DEFAULT_HUB_URL).netloc,
        journal=_journal(request),
        steps=STEPS,
        room="dashboard",
    )


@company_page(role=Role.OWNER)
def credentials(request: CompanyRequest) -> HttpResponse:
    """Step 1: what to do at the Hub first, then Client ID and Secret ID. *Test* only asks; *Connect* also stores."""
    form = CredentialsForm(request.POST or None, initial={"hub_url": settings.DEFAULT_HUB_URL})
    form_key = request.POST.get("form_key") or new_form_key()
    journal, tested, refusal = _journal(request), "", None
    if request.method == "POST" and form.is_valid():
        try:
            if request.POST.get("do") == "test":
                tested = _tested(form)
            else:
                made = once(form_key, lambda: _connect(request, form).id)
                suffix = f"?journal={journal.id}" if journal else ""
                return redirect(reverse("books:link_accounts", kwargs={"connection_id": made}) + suffix)
        except Problem as problem:
            refusal = tell(form, problem)
    if is_live(request):
        return show(request, "tested.html", form=form, tested=tested, problem=refusal)
    return show(
        request, "credentials.html", form=form, tested=tested, problem=refusal, form_key=form_key, journal=journal,
        steps=STEPS, hub_url=settings.DEFAULT_HUB_URL, room="dashboard",
    )  # fmt: skip


def _tested(form: CredentialsForm) -> str:
    """Try the pair; what was typed stays, except that a browser is never sent the secret back."""
    shown = len(test_credentials(**form.cleaned_data))
    return ngettext(
        "The Hub accepts them and shows %(n)s account.", "The Hub accepts them and shows %(n)s accounts.", shown
    ) % {"n": shown}


def _connect(request: CompanyRequest, form: CredentialsForm) -> Connection:
    return connect(request.user, request.company.id, **form.cleaned_data, now=now())


@login_required
def link_accounts(request: HttpRequest, connection_id: uuid.UUID) -> HttpResponse:
    """Steps 2 and 3: every account with its settings. All errors are shown together, and what was typed is kept."""
    connection = access(request, connection_id, Role.OWNER)
    form_key = request.POST.get("form_key") or new_form_key()
    problem, do = None, request.POST.get("do", "")
    if do == "reload":
        try:
            found = reload_accounts(person(request), connection.id, now=now())
            shown = ngettext("The Hub shows %(n)s account.", "The Hub shows %(n)s accounts.", len(found))
            messages.info(request, shown % {"n": len(found)})
        except Problem as refused:
            problem = refused
    rows = row_forms(request, connection, request.POST or None)
    if do.startswith("mend:"):
        rows = row_forms(request, connection, mended(request.POST, do, rows))
    elif do == "create_unmatched":
        rows = row_forms(request, connection, create_for_unmatched(request.POST, rows))
    elif do == "confirm" and all(row.is_valid() for row in rows):
        try:
            once(form_key, lambda: _confirm(request, connection, rows).id)
            return redirect("books:link_result", connection_id=connection.id)
        except LinkErrors as refused_rows:
            by_account = {row.account.id: row for row in rows}
            for error in refused_rows.errors:
                if error.account_id in by_account:
                    by_account[error.account_id].add_row_error(error, connection, now())
        except Problem as refused:
            problem = refused
    return show(
        request,
        "link_accounts.html",
        connection=connection,
        rows=rows,
        errors=sum(1 for row in rows if do == "confirm" and row.errors),
        unmatched=any(_is_unmatched(row) for row in rows),
        linked=results_of(connection, Role.OWNER),
        accounts=accounts_of(connection.company),
        none_shown=None if rows else _nothing_shown(connection),
        problem=problem,
        form_key=form_key,
        steps=STEPS,
        room="dashboard",
    )


def _nothing_shown(connection: Connection) -> Refusal | None:
    """H-NO-ACCOUNTS, where the integration may read no account."""
    if any(account.visible for account in online_accounts_of(connection)):
        return None
    kind = describe("H-NO-ACCOUNTS")
    problem = Problem(kind.sentence, what_to_do=kind.remedy, code=kind.code)
    return refusal_of(problem, Place(connection.company, Role.OWNER, connection=connection), now())


def row_forms(request: HttpRequest, connection: Connection, data: QueryDict | None) -> list[RowForm]:
    """One form per account that can be linked, filled with the proposal or with what was typed."""
    rows = propose_rows(connection, journal=_journal(request), now=now())
    accounts = accounts_of(connection.company)
    return [
        RowForm(
            # An account that appeared meanwhile was not on the page that was sent.
            data if data is not None and f"{row.account.id}-action" in data else None,
            row=row,
            company_currency=connection.company.currency,
            accounts=accounts,
            now=now(),
        )
        for row in rows
        # One that was linked meanwhile stays where it was asked for, so that its row says so.
        if row.linked_to is None or (data is not None and data.get(f"{row.account.id}-action", "skip") != "skip")
    ]


def _is_unmatched(row: RowForm) -> bool:
    return str(row["action"].value()) == "link" and not row["journal"].value()


def _confirm(request: HttpRequest, connection: Connection, rows: list[RowForm]) -> Connection:
    confirm_links(person(request), connection.id, [row.link_row() for row in rows], now=now())
    return connection


@login_required
def link_result(request: HttpRequest, connection_id: uuid.UUID) -> HttpResponse:
    """Step 4: how many transactions have arrived in each journal, live. Fetching goes on when the page is left."""
    connection = access(request, connection_id)
    results = results_of(connection, role_of(person(request), connection.company))
    return show(
        request,
        "link_result_progress.html" if is_live(request) else "link_result.html",
        connection=connection,
        results=results,
        running=any(each["busy"] for each in results),
        steps=STEPS,
        room="dashboard",
    )


def results_of(connection: Connection, role: Role) -> list[dict[str, object]]:
    """Each live link with its newest fetch and what that brought."""
    results: list[dict[str, object]] = []
    failures = failures_of(connection)
    for account in online_accounts_of(connection):
        link: JournalLink | None = next((each for each in account.links.all() if each.unlinked_at is None), None)
        if link is None:
            continue
        run = latest_run(account)
        busy = is_busy(account) or (run is not None and run.status in {"queued", "running"})
        code = run.error_code if run and not busy else ""
        stored = (each for each in failures if each.code == code and each.online_account_id in {account.id, None})
        failure = next((failure_row(each, link, role) for each in stored), None)
        results.append(
            {
                "account": account, "link": link, "journal": link.journal, "run": run, "busy": busy,
                "state": run_state(run) if run else State("quiet", _("Not fetched yet")), "failure": failure,
            }
        )  # fmt: skip
    return results


def _journal(request: HttpRequest) -> Journal | None:
    """The journal that the wizard was opened from."""
    try:
        return access_journal(person(request), uuid.UUID(request.GET.get("journal", "")))
    except (ValueError, NotFound):
        return None


def access(request: HttpRequest, connection_id: uuid.UUID, role: Role | None = None) -> Connection:
    """The connection that the address names, made the subject of the request."""
    found = access_connection(person(request), connection_id, role=role)
    remember(request, found.company)
    return found
