"""Accounts: the overview of one tab, and one account with balance, chart, coverage, runs and consent."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from nostro.hub.accounts.models import Account
from nostro.hub.accounts.queries import access_account, accounts_of, balance_series
from nostro.hub.accounts.services import rename_account
from nostro.hub.directory.models import Institution
from nostro.hub.linking.models import Connection
from nostro.hub.linking.queries import connections_of
from nostro.hub.pages.forms import AccountNameForm
from nostro.hub.pages.once import new_form_key
from nostro.hub.pages.progress import AccountProgress, outcome_sentence, progress_of
from nostro.hub.pages.shell import OrganizationRequest, chosen_mode, now, organization_page, psu_context, remember, show
from nostro.hub.pages.states import State, account_state, consent_days_left, proof_state
from nostro.hub.sync.queries import history
from nostro.hub.sync.services import request_synchronization
from nostro.people.models import User

CHART_DAYS = 90
HISTORY_LENGTH = 20


@dataclass(frozen=True)
class AccountLine:
    """One account on one line of the overview."""

    account: Account
    progress: AccountProgress
    state: State
    proof: State
    consent_days: int | None


@dataclass(frozen=True)
class Bank:
    """The accounts of one connection."""

    institution: Institution
    connection: Connection | None
    lines: list[AccountLine]


@organization_page()
def accounts(request: OrganizationRequest, mode: str) -> HttpResponse:
    """How much do we have? Totals per currency, then every account by bank."""
    mode = chosen_mode(request, mode)
    found = accounts_of(request.organization, mode == "sandbox")
    connections = {each.id: each for each in connections_of(request.organization)}
    banks = _by_bank(found, connections)
    lines = [line for bank in banks for line in bank.lines]
    return show(
        request,
        "accounts.html",
        banks=banks,
        totals=totals(found),
        needs=[line for line in lines if line.state.needs_person],
        running=any(line.progress.is_running for line in lines),
        mode=mode,
        form_key=new_form_key(),
        room="accounts",
    )


def totals(found: Iterable[Account]) -> list[tuple[Decimal, str]]:
    """The sum of the current balances per currency, never across currencies; the largest group first."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    counts: dict[str, int] = defaultdict(int)
    for account in found:
        if account.current_balance is not None:
            sums[account.currency] += account.current_balance
            counts[account.currency] += 1
    return [(sums[currency], currency) for currency in sorted(sums, key=lambda code: (-counts[code], code))]


def _by_bank(found: list[Account], connections: dict[uuid.UUID, Connection]) -> list[Bank]:
    progress = {each.account.id: each for each in progress_of(found)}
    ordered = sorted(found, key=lambda each: (each.institution.name, str(each.connection_id), each.linked_at))
    banks = []
    for (institution_id, connection_id), group in itertools.groupby(
        ordered, key=lambda each: (each.institution_id, each.connection_id)
    ):
        members = list(group)
        assert institution_id == members[0].institution_id
        connection = connections.get(connection_id)
        banks.append(
            Bank(
                members[0].institution,
                connection,
                [_line(account, progress[account.id], connection) for account in members],
            )
        )
    return banks


def _line(account: Account, progress: AccountProgress, connection: Connection | None) -> AccountLine:
    return AccountLine(
        account,
        progress,
        account_state(account, connection, progress, now()),
        proof_state(account),
        consent_days_left(account, now()),
    )


@login_required
def account(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """One account: is it complete, what happened, until when does the consent hold?"""
    found = _access(request, account_id)
    connection = next((each for each in connections_of(found.organization) if each.id == found.connection_id), None)
    line = _line(found, progress_of([found])[0], connection)
    return show(
        request,
        "account.html",
        account=found,
        connection=connection,
        line=line,
        series=balance_series(found, CHART_DAYS, now().date()),
        runs=[_activity(run) for run in history(found, HISTORY_LENGTH)],
        form=AccountNameForm(initial={"name": found.name}),
        mode=_mode(found),
        form_key=new_form_key(),
        room="accounts",
    )


@login_required
@require_POST
def rename(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """What the person calls the account. An empty name shows the bank's again."""
    found = _access(request, account_id)
    form = AccountNameForm(request.POST)
    if form.is_valid():
        assert isinstance(request.user, User)
        rename_account(request.user, found.id, form.cleaned_data["name"])
        messages.success(request, _("The name is saved."))
    return redirect("hub:account", account_id=found.id)


@login_required
@require_POST
def synchronize(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """Synchronize now. A click while a run is under way joins it."""
    found = _access(request, account_id)
    assert isinstance(request.user, User)
    request_synchronization(found, trigger="person", now=now(), user=request.user, psu=psu_context(request))
    if request.headers.get("HX-Request"):
        return progress(request, account_id=found.id)
    return redirect("hub:account", account_id=found.id)


@login_required
def progress(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """The live part of the account's page: asks again by itself while a run is under way."""
    found = _access(request, account_id)
    connection = next((each for each in connections_of(found.organization) if each.id == found.connection_id), None)
    return show(request, "account_state.html", account=found, line=_line(found, progress_of([found])[0], connection))


def _activity(run: object) -> dict[str, object]:
    """A run as an item of the activity list."""
    from nostro.hub.sync.models import Synchronization

    assert isinstance(run, Synchronization)
    triggers = {
        "link": _("First import"),
        "renewal": _("After renewal"),
        "person": _("Asked for here"),
        "integration": _("Asked for by an integration"),
        "schedule": _("By schedule"),
    }
    if run.status == "error":
        told = " ".join(str(error.get("detail", "")) for error in run.errors[:2]) or _("It did not succeed.")
    elif run.status == "success":
        told = outcome_sentence(run)
    else:
        told = _("Under way.")
    when: dt.datetime = run.finished_at or run.created_at
    tone = {"success": "good", "error": "bad"}.get(run.status, "act")
    return {"when": when, "sentence": f"{triggers.get(run.trigger, run.trigger)}: {told}", "tone": tone}


def _access(request: HttpRequest, account_id: uuid.UUID) -> Account:
    assert isinstance(request.user, User)
    found = access_account(request.user, account_id)
    remember(request, found.organization)
    return found


def _mode(account: Account) -> str:
    return "sandbox" if account.is_sandbox else "live"
