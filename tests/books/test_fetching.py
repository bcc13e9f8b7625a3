"""Fetching (books.md 10), opening and proof (13.1, 13.3), identity (11.2) over a real HTTP server and PostgreSQL."""

from __future__ import annotations

import contextlib
import datetime as dt
from decimal import Decimal

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper
from tests.books.conftest import NOW
from tests.books.hub_server import Booked, ScriptedAccount, ScriptedHub, transaction_id
from tests.books.steps import amounts, balance, fetch, linked

from nostro.books.companies.models import Company
from nostro.books.journals.models import Alias, Line
from nostro.books.journals.services import remove_line, restore_line
from nostro.books.ledger.models import Entry
from nostro.books.links.cards import journal_cards
from nostro.books.links.fetching import request_fetch
from nostro.books.links.models import Failure, OnlineAccount, RawTransaction
from nostro.books.links.tasks import take_over
from nostro.people.models import User

DAY_2 = NOW + dt.timedelta(days=1)
T1, T2, T3 = (
    Booked("t1", "2026-10-28", "100.00"),
    Booked("t2", "2026-11-05", "-20.00"),
    Booked("t3", "2026-11-11", "-3.50", "COFFEE CORNER"),
)
T4, T5 = Booked("t4", "2026-11-12", "40.00"), Booked("t5", "2026-11-10", "-8.00")


class Killed(BaseException):
    """The process ends here."""


@pytest.fixture
def account(hub: ScriptedHub) -> ScriptedAccount:
    hub.accounts = [ScriptedAccount(balance="5000.00", balance_date="2026-11-12", transactions=[T3, T2, T1])]
    return hub.accounts[0]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("commits", range(1, 40, 3))
def test_killed_at_any_commit_the_next_run_gives_the_same_result(
    owner: User,
    company: Company,
    hub: ScriptedHub,
    account: ScriptedAccount,
    monkeypatch: pytest.MonkeyPatch,
    commits: int,
) -> None:
    link = linked(owner, company, hub, opening="computed")
    done, commit = 0, BaseDatabaseWrapper.commit

    def commit_then_die(self: BaseDatabaseWrapper) -> None:
        nonlocal done
        commit(self)
        done += 1
        if done == commits:
            # A process that ends loses its connection too.
            self.close()
            raise Killed

    monkeypatch.setattr(BaseDatabaseWrapper, "commit", commit_then_die)
    with contextlib.suppress(Killed):
        fetch(link, batch_limit=1)
    assert done >= min(commits, 10)
    monkeypatch.undo()
    later = NOW + dt.timedelta(minutes=10)
    take_over(later)
    fetch(link, later)
    link.journal.refresh_from_db()
    assert amounts(link.journal) == [Decimal("100.00"), Decimal("-20.00"), Decimal("-3.50")]
    assert balance(link.journal.bank_account) == Decimal("5000.00")
    assert balance(link.journal.suspense_account) == Decimal("-76.50")
    assert link.journal.proof == "green"
    assert Line.objects.filter(statement=None).count() == 0
    assert Alias.objects.count() == 3


def test_a_removed_line_never_comes_back_by_itself(
    owner: User, company: Company, hub: ScriptedHub, account: ScriptedAccount
) -> None:
    link = linked(owner, company, hub)
    fetch(link)
    coffee = Line.objects.get(amount=Decimal("-3.50"))
    remove_line(owner, coffee.id, reason="private", now=NOW)
    fetch(link, DAY_2)
    assert Line.objects.filter(status="posted").count() == 2
    assert balance(link.journal.bank_account) == Decimal("80.00")
    restore_line(owner, coffee.id, now=NOW)
    restore_line(owner, coffee.id, now=NOW)
    assert balance(link.journal.bank_account) == Decimal("76.50")


@pytest.mark.parametrize(("currency", "amount"), [("EUR", "1234.56"), ("JPY", "12345"), ("KWD", "12.345")])
def test_amounts_keep_every_digit_of_their_currency(
    owner: User, company: Company, hub: ScriptedHub, currency: str, amount: str
) -> None:
    hub.accounts = [
        ScriptedAccount(
            currency=currency,
            balance=amount,
            balance_date="2026-11-12",
            transactions=[Booked("x", "2026-11-10", amount, currency=currency)],
        )
    ]
    link = linked(owner, company, hub, opening="computed", exchange_rate=Decimal("0.5"))
    fetch(link)
    line = Line.objects.get()
    assert str(line.amount) == amount
    (card,) = journal_cards(company, now=NOW)
    assert (card.ledger_balance, card.proof) == (Decimal(amount), "green")
    expected = (
        Decimal(amount) if currency == "EUR" else (Decimal(amount) / 2).quantize(Decimal("0.01"), "ROUND_HALF_UP")
    )
    assert line.company_amount == expected


def test_zero_other_currency_and_early_items_are_not_posted(
    owner: User, company: Company, hub: ScriptedHub, account: ScriptedAccount
) -> None:
    account.transactions = [
        Booked("zero", "2026-11-10", "0"),
        Booked("usd", "2026-11-10", "5.00", currency="USD"),
        Booked("early", "2026-10-27", "7.00"),
    ]
    link = linked(owner, company, hub)
    run = fetch(link)
    assert sorted(Line.objects.values_list("status", flat=True)) == ["held_currency", "informational"]
    assert (run.early_count, RawTransaction.objects.count(), Entry.objects.count()) == (1, 3, 0)


def test_order_and_page_split_make_no_difference(
    owner: User, company: Company, hub: ScriptedHub, account: ScriptedAccount
) -> None:
    account.transactions = [T1, T4, T3, T5, T2]
    hub.page_limit = 2
    link = linked(owner, company, hub)
    fetch(link)
    assert sorted(amounts(link.journal)) == sorted(map(Decimal, ("100.00", "-20.00", "-3.50", "40.00", "-8.00")))
    assert balance(link.journal.bank_account) == Decimal("108.50")


def test_a_failing_hub_is_a_row_and_moves_nothing(
    owner: User, company: Company, hub: ScriptedHub, account: ScriptedAccount
) -> None:
    link = linked(owner, company, hub, opening="computed")
    fetch(link)
    account.transactions.insert(0, T4)
    account.balance = "5040.00"
    hub.failures = [("/transactions", 503, {"errors": [{"code": "serviceUnavailable"}]})]
    run = fetch(link, DAY_2)
    online = OnlineAccount.objects.get()
    assert (run.status, run.error_code) == ("failed", "H-BANK-DOWN")
    assert (online.cursor, online.health) == (transaction_id("t3"), "ok")
    assert online.next_fetch_at == DAY_2 + dt.timedelta(minutes=1)
    assert Failure.objects.get().code == "H-BANK-DOWN"
    fetch(link, DAY_2 + dt.timedelta(minutes=1))
    assert Line.objects.count() == 4
    assert not Failure.objects.filter(cleared_at=None).exists()


def test_what_a_hub_sent_before_it_failed_stays_in_the_raw_store(
    owner: User, company: Company, hub: ScriptedHub, account: ScriptedAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.page_limit = 1
    link = linked(owner, company, hub)
    answer = hub.answer

    def fail_after_two_pages(method: str, target: str, authorization: str) -> tuple[int, str]:
        if f"after={transaction_id('t2')}" in target:
            return 503, '{"errors": [{"code": "serviceUnavailable"}]}'
        return answer(method, target, authorization)

    monkeypatch.setattr(hub, "answer", fail_after_two_pages)
    assert fetch(link).error_code == "H-BANK-DOWN"
    kept = set(RawTransaction.objects.values_list("external_id", flat=True))
    assert kept == {transaction_id("t3"), transaction_id("t2")}
    assert not Line.objects.exists()

    monkeypatch.undo()
    fetch(link, NOW + dt.timedelta(minutes=1))
    assert (Line.objects.count(), RawTransaction.objects.count()) == (3, 3)


def test_refused_credentials_need_a_person(
    owner: User, company: Company, hub: ScriptedHub, account: ScriptedAccount
) -> None:
    link = linked(owner, company, hub)
    hub.secret = "regenerated"
    hub.valid_tokens.clear()
    run = fetch(link)
    assert (run.status, run.error_code) == ("failed", "H-CREDENTIALS")
    link.online_account.connection.refresh_from_db()
    assert link.online_account.connection.state == "action_required"


def test_a_looping_list_ends_with_a_protocol_error(
    owner: User, company: Company, hub: ScriptedHub, account: ScriptedAccount
) -> None:
    link = linked(owner, company, hub)
    hub.loop_pages = True
    assert fetch(link).error_code == "H-PROTOCOL"


def test_a_second_request_joins_the_running_fetch(
    owner: User, company: Company, hub: ScriptedHub, account: ScriptedAccount
) -> None:
    link = linked(owner, company, hub)
    first = request_fetch(owner, link.online_account, trigger="person", now=NOW)
    assert request_fetch(owner, link.online_account, trigger="person", now=NOW).id == first.id


def test_hostile_text_is_stored_clean(
    owner: User, company: Company, hub: ScriptedHub, account: ScriptedAccount
) -> None:
    account.transactions = [Booked("x", "2026-11-10", "1.00", "<script>\x00\u202e" + "A" * 10_000)]
    link = linked(owner, company, hub)
    fetch(link)
    label = Line.objects.get().label
    assert label.startswith("<script>A")
    assert len(label) <= 4000


def test_a_changed_amount_alters_nothing_and_is_told(
    owner: User, company: Company, hub: ScriptedHub, account: ScriptedAccount
) -> None:
    link = linked(owner, company, hub, opening="computed")
    fetch(link)
    account.transactions = [Booked("t3", "2026-11-11", "-4.50", "COFFEE CORNER"), T2, T1]
    run = fetch(link, DAY_2)
    assert run.changed_count == 1
    assert amounts(link.journal)[-1] == Decimal("-3.50")
    assert [failure.code for failure in Failure.objects.filter(cleared_at=None)] == ["D-CHANGED"]
    assert RawTransaction.objects.count() == 4
