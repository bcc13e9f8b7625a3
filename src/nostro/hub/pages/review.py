"""Is it complete and right? Runs row by row, the gap of a balance, withdrawn rows, doubles, the bank's raw answers."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from nostro.core.balance_gaps import BalanceGap
from nostro.hub.accounts.by_hand import keep_both, keep_withdrawn, mark_same, undo_decision, withdrawn_of
from nostro.hub.accounts.duplicates import Candidate, candidates_of, decisions_of
from nostro.hub.accounts.masked_answers import masked, masked_address
from nostro.hub.accounts.models import Account, Transaction
from nostro.hub.accounts.proving import accept_difference, find_gap, rows_of_gap
from nostro.hub.accounts.run_rows import access_raw_answer, answers_of, changes_by, created_by, pending_created_by
from nostro.hub.accounts.services import open_raw_answer
from nostro.hub.files.queries import undone_at
from nostro.hub.pages.changes import described
from nostro.hub.pages.runs import came_late, errors_of, late_sentence, left_out, plan_of, told_of, tone_of, trigger_of
from nostro.hub.pages.shell import now, opened_account, person, remember, show
from nostro.hub.sync.models import Synchronization
from nostro.hub.sync.plans import plans_of
from nostro.hub.sync.queries import access_synchronization
from nostro.hub.sync.run_history import run_page
from nostro.people import audit
from nostro.web.errors import NotFound

#: Rows of a gap's days that are listed.
MAX_GAP_ROWS = 100


@dataclass(frozen=True)
class Run:
    """A run in words."""

    run: Synchronization
    trigger: str
    word: str
    told: str
    tone: str
    left_out: int

    @classmethod
    def of(cls, run: Synchronization) -> Run:
        words = {"success": _("Complete"), "error": _("Not complete")}
        word = words.get(run.status, _("Reading"))
        return cls(run, trigger_of(run), word, told_of(run), tone_of(run), len(left_out(run)))


# --- runs


@login_required
def runs(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """Every reading of an account: why it was made, what it brought, how it ended."""
    account = opened_account(request, account_id)
    page = run_page(account, _uuid(request.GET.get("behind", "")))
    older = f"?behind={page.older}" if page.older else ""
    return _show(request, account, "runs.html", runs=[Run.of(each) for each in page.runs], older=older)


@login_required
def run(request: HttpRequest, run_id: uuid.UUID) -> HttpResponse:
    """One reading: each row that was new, changed, withdrawn or brought back, and what was left out and why."""
    found = access_synchronization(person(request), run_id)
    changes = [described(each) for each in changes_by(found.id)]
    return _show(
        request,
        opened_account(request, found.account_id),
        "run.html",
        run=found,
        words=Run.of(found),
        errors=errors_of(found),
        left_out=left_out(found),
        late=late_sentence() if came_late(found) else "",
        created=created_by(found.id),
        pending=pending_created_by(found.account_id, found.id),
        changed=[each for each in changes if each.kind != "removed"],
        gone=[each for each in changes if each.kind == "removed"],
        answers=answers_of(found.id),
    )


# --- the gap


@dataclass(frozen=True)
class GapPart:
    """An interval that does not add up, with the rows of its days."""

    gap: BalanceGap
    rows: list[Transaction]
    more: bool


@login_required
def gap(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """Find the gap: between which days and balances the difference arises, what may explain it, what to do."""
    account = opened_account(request, account_id)
    report = find_gap(account)
    parts = [_gap_part(account, each) for each in report.parts] if report else []
    plan = plan_of(plans_of([account], now())[account.id], now())
    return _show(request, account, "gap.html", report=report, parts=parts, plan=plan)


def _gap_part(account: Account, found: BalanceGap) -> GapPart:
    rows = rows_of_gap(account, found, MAX_GAP_ROWS + 1)
    return GapPart(found, rows[:MAX_GAP_ROWS], len(rows) > MAX_GAP_ROWS)


@login_required
@require_POST
def accept(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """Prove from the present balance on."""
    account = opened_account(request, account_id)
    accept_difference(person(request), account.id, now())
    messages.success(request, _("The difference is accepted; the next reading is proved from here on."))
    return redirect("hub:account", account_id=account.id)


# --- withdrawn rows


@login_required
def withdrawn(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """Rows that count no more: withdrawn by the bank, or set aside as doubles. Each can be brought back."""
    account = opened_account(request, account_id)
    return _show(request, account, "withdrawn.html", rows=withdrawn_of(account), undone=undone_at(account))


@login_required
@require_POST
def bring_back(request: HttpRequest, transaction_id: uuid.UUID) -> HttpResponse:
    """Let a withdrawn row count again."""
    row = keep_withdrawn(person(request), transaction_id, now())
    messages.success(request, _("The transaction counts again."))
    return redirect("hub:withdrawn", account_id=row.account_id)


# --- doubles


@login_required
def doubles(request: HttpRequest, account_id: uuid.UUID) -> HttpResponse:
    """Rows that may be one, side by side; and what was decided so far."""
    account = opened_account(request, account_id)
    candidates = [_pair(each) for each in candidates_of(account, now())]
    return _show(request, account, "doubles.html", candidates=candidates, decisions=decisions_of(account))


@dataclass(frozen=True)
class Pair:
    """Two rows side by side, with what they have in common in words."""

    first: Transaction
    second: Transaction
    alike: str


def _pair(candidate: Candidate) -> Pair:
    words = {
        "end_to_end_id": _("end-to-end id"),
        "remittance": _("message"),
        "counterpart": _("other party"),
        "day": _("day"),
    }
    alike = ", ".join([_("amount"), *(words[each] for each in candidate.likeness)])
    return Pair(candidate.first, candidate.second, alike)


@login_required
@require_POST
def decide_double(request: HttpRequest, first_id: uuid.UUID, second_id: uuid.UUID) -> HttpResponse:
    """``decision`` is ``both``, or ``same``: then the second one is set aside."""
    user = person(request)
    if request.POST.get("decision") == "same":
        account = mark_same(user, first_id, second_id, now())
        messages.success(request, _("One of the two is set aside. It can be brought back below."))
    else:
        account = keep_both(user, first_id, second_id, now())
        messages.success(request, _("Both are kept, and you are not asked about them again."))
    return redirect("hub:doubles", account_id=account.id)


@login_required
@require_POST
def undo_double(request: HttpRequest, decision_id: int) -> HttpResponse:
    """Forget a decision."""
    account = undo_decision(person(request), decision_id, now())
    messages.success(request, _("The decision is undone."))
    return redirect("hub:doubles", account_id=account.id)


# --- raw answers


@login_required
def raw_answer(request: HttpRequest, answer_id: uuid.UUID) -> HttpResponse:
    """What the bank answered, masked, to be looked at or sent to support. Looking leaves a line in the trail."""
    user = person(request)
    found = access_raw_answer(user, answer_id)
    if found.account is None:
        raise NotFound("answer")
    remember(request, found.organization)
    answer = open_raw_answer(found)
    told, address = masked(answer.body, answer.content_type), masked_address(answer.url)
    audit.record(
        tenant_id=found.organization_id,
        actor=user,
        action="raw_answer.shown",
        obj=found,
        sentence=f"Looked at a masked answer of the bank for {found.account}.",
    )
    if request.GET.get("download"):
        response = HttpResponse(
            f"GET {address}\n{answer.status} {answer.content_type}\n{answer.request_id}\n\n{told}\n"
        )
        response["Content-Type"] = "text/plain; charset=utf-8"
        response["Content-Disposition"] = f'attachment; filename="answer-{found.id}.txt"'
        return response
    return _show(
        request, found.account, "raw_answer.html", answer=found, address=address, told=told, size=len(answer.body)
    )


# --- shared


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _show(request: HttpRequest, account: Account, template: str, **context: Any) -> HttpResponse:
    mode = "sandbox" if account.is_sandbox else "live"
    return show(request, template, account=account, mode=mode, room="accounts", **context)
