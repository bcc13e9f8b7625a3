"""Accounts: the overview of one tab, and one account with balance, chart, coverage, runs and consent."""

from __future__ import annotations

import itertools
import random
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
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from nostro.hub.accounts.by_hand import withdrawn_count
from nostro.hub.accounts.duplicates import candidates_of
from nostro.hub.accounts.models import Account
from nostro.hub.accounts.queries import access_account, accounts_of, balance_series, pending_of, unread_history
from nostro.hub.accounts.services import rename_account
from nostro.hub.directory.maintenance import maintenance_of
from nostro.hub.directory.models import Institution
from nostro.hub.files.queries import file_days
from nostro.hub.linking.models import Connection
from nostro.hub.linking.queries import connections_of
from nostro.hub.organizations.models import Role
from nostro.hub.pages.coverage import coverage_bar
from nostro.hub.pages.forms import AccountNameForm, ReadingsForm
from nostro.hub.pages.once import new_form_key
from nostro.hub.pages.progress import AccountProgress, progress_of
from nostro.hub.pages.runs import Plan, activity_of, came_late, errors_of, late_sentence, plan_of
from nostro.hub.pages.shell import OrganizationRequest, chosen_mode, now, organization_page, psu_context, remember, show
from nostro.hub.pages.states import State, account_state, announced_sentence, consent_days_left, proof_state
from nostro.hub.sync import services as sync
from nostro.hub.sync.models import Synchronization
from nostro.hub.sync.plans import AccountPlan, plans_of
from nostro.hub.sync.queries import history
from nostro.hub.sync.schedule import bank_today
from nostro.people.models import User

CHART_DAYS = 90
HISTORY_LENGTH = 10
MAX_PENDING = 100


@dataclass(frozen=True)
class AccountLine:
    """One account on one line of the overview."""

    account: Account
    progress: AccountProgress
    state: State
    proof: State
    consent_days: int | None
    plan: Plan


@dataclass(frozen=True)
class Bank:
    """The accounts at one bank, also of several connections."""

    institution: Institution
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
    progress, plans = {each.account.id: each for each in progress_of(found)}, plans_of(found, now())
    ordered = sorted(found, key=lambda each: (each.institution.name, str(each.institution_id), each.linked_at))
    banks = []
    for _institution, group in itertools.groupby(ordered, key=lambda each: each.institution_id):
        members = list(group)
        lines = [
            account_line(each, progress[each.id], connections.get(each.connection_id), plans[each.id])
            for each in members
        ]
        banks.append(Bank(members[0].institution, lines))
    return banks


def account_line(
    account: Account, progress: AccountProgress, connection: Connection | None, plan: AccountPlan | None = None
) -> AccountLine:
    """An account with its newest run and what comes next, as it stands now."""
    return AccountLine(
        account,
        progress,
        account_state(account, connection, progress, now()),
        proof_state(account),
        consent_days_left(account, now()),
        plan_of(plan or plans_of([account], now())[account.id], now()),
    )


@login_required
def account(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """One account: is it complete, what happened, until when does the consent hold?"""
    found = _access(request, account_id)
    return _account_page(request, found, AccountNameForm(initial={"name": found.name}))


def _account_page(request: HttpRequest, found: Account, form: AccountNameForm) -> HttpResponse:
    connection = _connection(found)
    line = account_line(found, progress_of([found])[0], connection)
    recent = history(found, HISTORY_LENGTH)
    return show(
        request,
        "account.html",
        account=found,
        connection=connection,
        line=line,
        errors=errors_of(line.progress.synchronization),
        series=balance_series(found, CHART_DAYS, bank_today(found, now())),
        coverage=coverage_bar(found.covered_from, found.covered_to, bank_today(found, now()), file_days(found)),
        pending=pending_of(found)[:MAX_PENDING],
        plan=line.plan,
        work=_work(found),
        readings=ReadingsForm(initial={"runs_per_day": line.plan.runs_per_day}),
        own_page=True,
        doubles=len(candidates_of(found, now())),
        withdrawn=withdrawn_count(found),
        unread=unread_history(found),
        late=late_sentence() if _is_proved_with_late_rows(found, recent) else "",
        runs=[activity_of(run) for run in recent],
        form=form,
        mode=_mode(found),
        form_key=new_form_key(),
        room="accounts",
    )


def _work(account: Account) -> dict[str, object]:
    """Maintenance of the account's bank: whether it lasts now, else the sentence that announces it."""
    found = maintenance_of(account.institution, now())
    if found is None or found.lasts_at(now()):
        return {"lasts": found is not None, "announced": ""}
    return {"lasts": False, "announced": announced_sentence(found, now())}


def _is_proved_with_late_rows(account: Account, recent: list[Synchronization]) -> bool:
    """Whether the proof that counts now is one that accepted late rows."""
    last = next((run for run in recent if run.status == "success"), None)
    return account.proof == "green" and last is not None and came_late(last)


@login_required
@require_POST
def rename(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """What the person calls the account. An empty name shows the bank's again."""
    found = _access(request, account_id)
    form = AccountNameForm(request.POST)
    if not form.is_valid():
        return _account_page(request, found, form)
    assert isinstance(request.user, User)
    rename_account(request.user, found.id, form.cleaned_data["name"])
    messages.success(request, _("The name is saved."))
    return redirect("hub:account", account_id=found.id)


@login_required
@require_POST
def plan_readings(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """How often the account is read by itself; administrators choose."""
    found = _access(request, account_id, role=Role.ADMIN)
    form = ReadingsForm(request.POST)
    if form.is_valid():
        runs = form.cleaned_data["runs_per_day"]
        assert isinstance(request.user, User)
        sync.plan_readings(request.user, found.id, runs, now=now(), randomness=random.SystemRandom())
        messages.success(request, _("The plan is saved."))
    else:
        messages.error(request, _("Choose how often the account is read."))
    return redirect("hub:account", account_id=found.id)


@login_required
@require_POST
def synchronize(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """Synchronize now. A click while a run is under way joins it."""
    found = _access(request, account_id)
    assert isinstance(request.user, User)
    sync.request_synchronization(found, trigger="person", now=now(), user=request.user, psu=psu_context(request))
    if request.headers.get("HX-Request"):
        return progress(request, account_id=found.id)
    return redirect("hub:account", account_id=found.id)


@never_cache
@login_required
def progress(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """The live part of the account's page: asks again by itself while a run is under way."""
    found = _access(request, account_id)
    line = account_line(found, progress_of([found])[0], _connection(found))
    errors = errors_of(line.progress.synchronization)
    return show(request, "account_state.html", account=found, line=line, errors=errors, live=True, own_page=True)


def _connection(account: Account) -> Connection | None:
    """The connection that reads the account; None when it was ended."""
    return next((each for each in connections_of(account.organization) if each.id == account.connection_id), None)


def _access(request: HttpRequest, account_id: uuid.UUID, *, role: Role | None = None) -> Account:
    assert isinstance(request.user, User)
    found = access_account(request.user, account_id, role=role)
    remember(request, found.organization)
    return found


def _mode(account: Account) -> str:
    return "sandbox" if account.is_sandbox else "live"
