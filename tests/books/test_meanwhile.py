"""What people do while an account is read is not overwritten; what one account does stops no other (books.md 10)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from tests.books.conftest import NOW
from tests.books.hub_server import Booked, ScriptedAccount, ScriptedHub, transaction_id
from tests.books.steps import connected, fetch, linked

from nostro.books.companies.models import Company
from nostro.books.journals.models import Line
from nostro.books.links import tasks
from nostro.books.links.control import invert_signs, reset_cursor
from nostro.books.links.credentials import update_credentials
from nostro.books.links.fetching import Fetch, request_fetch
from nostro.books.links.models import Failure, FetchState, JournalLink, OnlineAccount
from nostro.books.links.services import disconnect, unlink
from nostro.books.links.wizard import LinkRow, confirm_links
from nostro.people.models import User

LATER = NOW + dt.timedelta(hours=1)


@pytest.fixture
def link(owner: User, company: Company, hub: ScriptedHub) -> JournalLink:
    rows = [Booked("t2", "2026-11-11", "-3.50"), Booked("t1", "2026-11-05", "-20.00")]
    hub.accounts = [ScriptedAccount(balance="5000.00", balance_date="2026-11-12", transactions=rows)]
    link = linked(owner, company, hub, opening="computed")
    fetch(link)
    hub.accounts[0].transactions.insert(0, Booked("t3", "2026-11-12", "40.00"))
    return link


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object], state: FetchState) -> None:
    """Somebody acts when the run has come so far."""
    beat = Fetch.beat

    def beat_and_act(self: Fetch, now: FetchState | None = None) -> None:
        beat(self, now)
        if now == state:
            monkeypatch.undo()
            act()

    monkeypatch.setattr(Fetch, "beat", beat_and_act)


def test_turned_signs_stay_turned(owner: User, link: JournalLink, monkeypatch: pytest.MonkeyPatch) -> None:
    account = link.online_account_id
    turn = lambda: invert_signs(owner, account, transactions=True, balances=False)  # noqa: E731
    meanwhile(monkeypatch, turn, FetchState.IMPORTING)
    assert fetch(link, LATER).status == "done"
    assert OnlineAccount.objects.get().invert_transaction_sign


def test_a_reset_cursor_stays_reset_and_all_is_read_again(
    owner: User, link: JournalLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, lambda: reset_cursor(owner, link.online_account_id, now=LATER), FetchState.IMPORTING)
    assert fetch(link, LATER).status == "done"
    account = OnlineAccount.objects.get()
    assert (account.cursor, account.next_fetch_at) == ("", LATER)
    assert tasks.start_due(LATER) == 1
    assert fetch(link, LATER).items_read == 3
    assert OnlineAccount.objects.get().cursor == transaction_id("t3")
    assert Line.objects.count() == 3


@pytest.mark.parametrize("end", ["unlink", "disconnect"])
def test_an_account_that_is_unlinked_while_it_is_read_gets_no_more_lines(
    owner: User, link: JournalLink, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    connection = link.online_account.connection_id
    acts = {
        "unlink": lambda: unlink(owner, link.id, now=LATER),
        "disconnect": lambda: disconnect(owner, connection, now=LATER),
    }
    meanwhile(monkeypatch, acts[end], FetchState.IMPORTING)
    run = fetch(link, LATER)
    account = OnlineAccount.objects.get()
    assert (run.status, run.error_code) == ("failed", "L-JOURNAL-MISSING")
    assert (account.cursor, account.lease_until, account.next_fetch_at) == (transaction_id("t2"), None, None)
    assert Line.objects.count() == 2
    assert not Failure.objects.exists()


def test_an_account_whose_fetch_cannot_be_started_stops_no_other(
    owner: User, company: Company, hub: ScriptedHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.accounts = [ScriptedAccount(reference=number) for number in ("BE68539007547034", "BE71096123456769")]
    connection = connected(owner, company, hub)
    accounts = list(connection.online_accounts.order_by("reference"))
    rows = [LinkRow(each.id, "create", fetch_from=dt.date(2026, 11, 5)) for each in accounts]
    for made in confirm_links(owner, connection.id, rows, now=NOW):
        fetch(made)
    OnlineAccount.objects.update(next_fetch_at=NOW)
    request = request_fetch

    def fails_for_one(user: Any, account: OnlineAccount, **more: Any) -> Any:
        if account.pk == accounts[0].pk:
            raise RuntimeError("broken")
        return request(user, account, **more)

    monkeypatch.setattr(tasks, "request_fetch", fails_for_one)
    assert tasks.start_due(LATER) == 1
    assert OnlineAccount.objects.get(pk=accounts[0].pk).next_fetch_at == NOW


@pytest.mark.parametrize(("answer", "state"), [("accepted", FetchState.IMPORTING), ("refused", FetchState.READING)])
def test_what_the_old_credentials_met_says_nothing_about_the_new_ones(
    owner: User, hub: ScriptedHub, link: JournalLink, monkeypatch: pytest.MonkeyPatch, answer: str, state: FetchState
) -> None:
    connection = link.online_account.connection

    def replace() -> None:
        hub.client_id = "client-2"
        update_credentials(owner, connection.id, client_id="client-2", secret=hub.secret, now=LATER)

    meanwhile(monkeypatch, replace, state)
    run = fetch(link, LATER)
    account = OnlineAccount.objects.select_related("connection").get()
    assert run.status == {"accepted": "done", "refused": "failed"}[answer]
    assert (account.connection.state, account.health, account.failures) == ("connected", "ok", 0)
    assert account.next_fetch_at == LATER, "the new ones are tried at once"
    assert not Failure.objects.exists()
    assert tasks.start_due(LATER) == 1
    assert fetch(link, LATER).status == "done"
    assert Line.objects.count() == 3
