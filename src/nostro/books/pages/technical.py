"""Developer mode: where the reading of a connection stands, its ids, and what the Hub sent (books.md 6)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import msgspec
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from nostro.books.links.control import invert_signs
from nostro.books.links.models import OnlineAccount, RawTransaction, Run
from nostro.books.links.queries import access_online_account, latest_runs, online_accounts_of, raw_of
from nostro.books.pages.connect import access
from nostro.books.pages.shell import person, remember, show

RUNS, RAW_PAGE = 5, 20


@dataclass(frozen=True)
class TechnicalRow:
    """One online account with its latest fetches."""

    account: OnlineAccount
    linked: bool
    runs: list[Run]


@dataclass(frozen=True)
class RawRow:
    """A payload as the Hub sent it, indented to be read; its digits are those that were sent."""

    raw: RawTransaction

    @property
    def text(self) -> str:
        try:
            return msgspec.json.format(self.raw.payload, indent=2)
        except msgspec.DecodeError:
            return self.raw.payload


@login_required
def technical(request: HttpRequest, connection_id: uuid.UUID) -> HttpResponse:
    """Where does reading stand? Cursor, watermark, epoch and the ids that support asks for."""
    found = access(request, connection_id)
    rows = [
        TechnicalRow(account, any(link.unlinked_at is None for link in account.links.all()), latest_runs(account, RUNS))
        for account in online_accounts_of(found)
    ]
    return show(request, "technical.html", connection=found, rows=rows, room="synchronization")


@login_required
@require_POST
def signs(request: HttpRequest, online_account_id: uuid.UUID) -> HttpResponse:
    """Turn the signs of what is read from now on."""
    account = invert_signs(
        person(request), online_account_id, transactions=request.POST.get("transactions") == "on",
        balances=request.POST.get("balances") == "on",
    )  # fmt: skip
    messages.success(request, _("Saved. It counts for what is read from now on; lines that arrived stay as they are."))
    return redirect("books:technical", connection_id=account.connection_id)


@login_required
def raw(request: HttpRequest, online_account_id: uuid.UUID) -> HttpResponse:
    """What did the Hub send? Payloads of one account, newest first."""
    account = access_online_account(person(request), online_account_id)
    remember(request, account.company)
    try:
        before = int(request.GET["before"]) if request.GET.get("before") else None
    except ValueError:
        before = None
    found = raw_of(account, before=before, limit=RAW_PAGE)
    older = f"?before={found[-1].id}" if len(found) == RAW_PAGE else ""
    return show(
        request, "raw.html", account=account, rows=[RawRow(each) for each in found], older=older,
        newer="?" if before is not None else "", room="synchronization",
    )  # fmt: skip
