"""The scenario table of connectors.md 5.3, second part: banks that are full, down, slow, closed, or show little."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any
from unittest import mock
from urllib.parse import parse_qsl, urlsplit

from django.urls import reverse
from tests.hub.linking.life import HOUR, Life

from nostro.hub.accounts.models import PendingTransaction, TransactionChange
from nostro.hub.pages import accounts as pages
from nostro.hub.sync.models import Schedule, Synchronization
from nostro.hub.sync.services import request_synchronization
from nostro.sandbox.scenarios import HISTORY_DAYS

Live = Callable[[str], Life]


def _page(life: Life, name: str, **arguments: Any) -> str:
    """What the Hub shows at this moment of the life."""
    with mock.patch.object(pages, "now", life.now):
        return str(life.browser().get(reverse(name, kwargs=arguments)).content.decode())


def test_user_quota_exhausted(live: Live) -> None:
    life = live("user_quota_exhausted")
    life.settle()
    assert all(life.rows(account) for account in life.accounts()), "the first read is attended"
    first, second = life.accounts()
    before = second.synchronized_at
    life.forget()
    life.wait(17 * HOUR)
    life.minute()
    first, second = life.accounts()
    for endpoint in ("balances", "transactions"):
        assert len(life.asked(f"/accounts/{first.resource_id}/{endpoint}", 429)) == 1
    assert first.health == "rateLimited"
    assert first.health_until is not None
    assert second.health == "active"
    assert before is not None and second.synchronized_at is not None and second.synchronized_at > before
    life.forget()
    while life.now() + dt.timedelta(minutes=30) < first.health_until:
        life.wait(HOUR / 2)
        life.minute()
        assert life.of_bank().health == "active"
    assert life.asked(f"/accounts/{first.resource_id}") == [], "silence until the bank's Retry-After"
    assert life.account().health == "rateLimited"
    life.ask(attended=True)
    assert Synchronization.objects.filter(account=first, customer_online=True).latest("created_at").status == "success"
    assert life.account().health == "active"
    life.days(1)
    assert life.asked("/v1/", 429) == []
    life.equals_truth(of=2)


def test_user_bank_down(live: Live) -> None:
    life = live("user_bank_down")
    life.settle()
    account = life.account()
    assert account.health == "aspspUnavailable" or life.of_bank().health == "aspspUnavailable"
    assert life.consent().status == "valid"
    page = _page(life, "hub:accounts", organization_id=life.organization.pk, mode="sandbox")
    assert "Bank does not answer" in page and "What needs you" not in page, "nobody is asked for anything"
    for _ in range(8):
        life.wait(HOUR / 2)
        life.minute()
    runs = list(Synchronization.objects.filter(account=account).order_by("created_at"))
    failed = [run for run in runs if run.status == "error"]
    assert len(failed) >= 3 and runs[-1].status == "success"
    assert any(run.pages for run in failed), "one broke off in the middle of the list"
    apart = [later.created_at - earlier.created_at for earlier, later in pairwise(runs[: len(failed) + 1])]
    # 1, 5, 30 minutes, 2 hours with full jitter; the worker of this life looks every half an hour.
    assert all(gap <= dt.timedelta(minutes=most + 31) for gap, most in zip(apart, (1, 5, 30, 120), strict=False))
    life.days(2)
    life.equals_truth(of=1)
    assert TransactionChange.objects.filter(transaction__account=account, kind="removed").count() == 0
    assert life.of_bank().health == "active"


def test_user_slow_15s(live: Live) -> None:
    life = live("user_slow_15s")
    life.settle(runs=False)
    browser, slept = life.browser(), life.wait
    clicks = []

    def asleep(seconds: float) -> None:
        """While the bank takes its time, somebody looks at the Hub's pages and presses the button twice."""
        if len(clicks) < 3:
            account = life.account()
            page = browser.get(reverse("hub:account", kwargs={"account_id": account.pk}))
            assert page.status_code == 200
            clicks.append(request_synchronization(account, trigger="person", now=life.now(), user=life.user).pk)
        slept(seconds)

    with mock.patch.object(life.customer.application.bank, "sleep", asleep):
        life.work()
    runs = Synchronization.objects.filter(organization=life.organization)
    assert [(run.status, run.errors) for run in runs] == [("success", [])] * 2, "one run of each account"
    assert len(clicks) == 3
    assert set(clicks) == {runs.get(account=life.account()).pk}, "a click joins the run that is under way"
    life.equals_truth(of=2)
    assert life.of_bank().health == "active"


def test_user_flaky_401(live: Live) -> None:
    life = live("user_flaky_401")
    life.settle()
    assert life.of_bank().health == "active"
    assert {account.health for account in life.accounts()} == {"active"}
    life.wait(2 * 60)
    life.minute()
    assert len(life.asked("/balances", 401)) == 1
    life.equals_truth(of=2)
    assert (life.of_bank().health, {account.health for account in life.accounts()}) == ("active", {"active"})
    statuses = Synchronization.objects.filter(organization=life.organization).values_list("status", flat=True)
    assert sorted(statuses) == ["error", "success", "success"], "one retry, a minute later"


def test_user_partial(live: Live) -> None:
    life = live("user_partial")
    life.settle()
    life.days(1)
    by_name = {account.bank_name: account for account in life.accounts()}
    assert len(by_name) == 3
    bad = by_name.pop("Spaarrekening")
    for account in by_name.values():
        assert life.rows(account) == life.truth(account)
        assert (account.health, account.proof) == ("active", "green")
    assert not life.rows(bad)
    assert (bad.health, bad.synchronized_at) == ("degraded", None)
    assert life.of_bank().health == "active", "the others go on"
    page = _page(life, "hub:accounts", organization_id=life.organization.pk, mode="sandbox")
    [line] = [row for row in page.split("<tr>") if "Incomplete" in row]
    assert "Spaarrekening" in line


def test_user_booked_only(live: Live) -> None:
    life = live("user_booked_only")
    life.settle()
    assert len(life.asked("/transactions", 400)) == 1, "what one account was refused, the other does not ask"
    life.days(9)
    life.equals_truth(of=2)
    assert len(life.asked("/transactions", 400)) == 1
    assert sum("bookingStatus=both" in url for url in life.urls) == 1
    assert not Schedule.objects.filter(organization=life.organization, shows_pending=True).exists()
    assert not PendingTransaction.objects.filter(organization=life.organization).exists()


def test_user_history_15min(live: Live) -> None:
    life = live("user_history_15min")
    life.settle()
    life.equals_truth(of=2)
    oldest = min(day for day, _ in life.rows(life.account()))
    assert oldest == (life.now() - dt.timedelta(days=HISTORY_DAYS - 1)).date().isoformat(), "24 months"
    before = len(life.urls)
    for _ in range(9):
        life.days(1)
        windows = [url for url in life.urls[before:] if "/transactions?" in url and "after=" not in url]
        before = len(life.urls)
        assert windows
        assert all(_days_asked(url) <= 90 for url in windows)
    life.equals_truth()
    assert life.asked("/transactions", 400) == []


def _days_asked(url: str) -> int:
    query = dict(parse_qsl(urlsplit(url).query))
    return (dt.date.fromisoformat(query["dateTo"]) - dt.date.fromisoformat(query["dateFrom"])).days


def test_user_window_limit(live: Live) -> None:
    life = live("user_window_limit")
    life.settle()
    oldest = (life.now() - dt.timedelta(days=60)).date().isoformat()
    for account in life.accounts():
        recent = Counter({key: n for key, n in life.truth(account).items() if key[0] >= oldest})
        assert life.rows(account) == recent != Counter()
        assert 1 <= len(life.asked(f"/accounts/{account.resource_id}/transactions", 400)) <= 6
        assert Schedule.objects.get(account=account).longest_window_days == 60
        assert Synchronization.objects.get(account=account).status == "success"
    life.forget()
    life.days(9)
    assert life.asked("/transactions", 400) == []
    assert all(life.truth(account) > life.rows(account) >= Counter() for account in life.accounts())


def test_user_closed_account(live: Live) -> None:
    life = live("user_closed_account")
    life.settle()
    life.days(27.7, step_hours=8)
    closes_on = (life.now() + dt.timedelta(hours=8)).date().isoformat()
    current, savings = life.accounts()
    held = Counter({key: n for key, n in life.truth(current).items() if key[0] < closes_on})
    assert life.rows(current) <= held
    life.forget()
    asked = []
    for _ in range(3 * 29):
        before = len(life.asked(f"/accounts/{current.resource_id}"))
        life.wait(8 * HOUR)
        life.minute()
        if len(life.asked(f"/accounts/{current.resource_id}")) > before:
            asked.append(life.now())
    current, savings = life.accounts()
    assert life.rows(current) == held, "the history is kept"
    assert (current.bank_status, current.health, current.health_code) == ("deleted", "degraded", "RESOURCE_EXPIRED")
    assert (savings.bank_status, savings.health) == ("enabled", "active")
    assert life.rows(savings) == life.truth(savings)
    assert 4 <= len(asked) <= 5
    assert all(dt.timedelta(days=7) <= later - earlier < dt.timedelta(days=8) for earlier, later in pairwise(asked))
    page = _page(life, "hub:account", account_id=current.pk)
    assert "The bank has closed this account; what was read stays." in page


def test_user_empty(live: Live) -> None:
    life = live("user_empty")
    life.settle()
    life.equals_truth(of=1)
    assert not life.rows(life.account())
    assert life.account().current_balance is not None
    assert Synchronization.objects.get(account=life.account()).status == "success"
