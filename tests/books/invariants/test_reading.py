"""I-6, I-10, I-20, I-22 and I-25 of books.md 18: what reading the Hub must never do, over generated histories."""

from __future__ import annotations

import datetime as dt
import json
import logging
import random
from collections import Counter
from typing import Any

import pytest
from django.core import serializers
from django.db import IntegrityError, transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.books.feed import checks
from tests.books.feed.hub import FeedHub, reachable
from tests.books.feed.test_histories import PHASES
from tests.books.feed.world import Feed, bank_is_read, book, open_feed, settle, twin
from tests.books.invariants.world import apart
from tests.books.steps import fetch

from nostro.books.companies.models import Company
from nostro.books.journals.models import Alias, Line
from nostro.books.journals.services import create_journal
from nostro.books.ledger.models import EntryItem
from nostro.books.links.account_lists import look_again
from nostro.books.links.fetching import request_fetch
from nostro.books.links.missing import find_missing
from nostro.books.links.models import Connection, Failure, JournalLink, OnlineAccount, Run, RunStatus
from nostro.books.links.tasks import start_due
from nostro.people.models import AuditRecord, User

seeds = st.integers(0, 2**32 - 1)
quick = settings(
    derandomize=True, max_examples=5, deadline=None, phases=PHASES,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


def booked(feed: Feed, rng: random.Random, number: int) -> None:
    """So many transactions of the last weeks, some of them twins, and a balance."""
    for _ in range(number):
        rng.choice([book, book, twin])(feed, rng.randrange(1_000), rng.randrange(1_000))
    bank_is_read(feed, 0, 0)


# --- I-6 ------------------------------------------------------------------------------------------------------------


def test_no_id_names_two_lines_and_no_account_has_two_journals(owner: User, company: Company) -> None:
    """I-6: it is the database that refuses, whoever writes."""
    with reachable(FeedHub()) as hub:
        feed = open_feed(owner, company, hub, begin=3)
        book(feed, 0, 1)
        book(feed, 1, 3)
        settle(feed)
    named, other = Alias.objects.order_by("id")
    second = create_journal(owner, company, name="Second", currency="EUR")
    free = OnlineAccount.objects.create(
        connection=feed.online().connection, company=company, identity="another", hub_account_id=company.id
    )
    again: list[Any] = [
        Alias(company=company, identity=named.identity, source=named.source, external_id=named.external_id,
              epoch=named.epoch + 1, line=other.line),
        JournalLink(company=company, online_account=feed.link.online_account, journal=second,
                    fetch_from=feed.today, linked_at=feed.now),
        JournalLink(company=company, online_account=free, journal=feed.journal, fetch_from=feed.today,
                    linked_at=feed.now),
    ]  # fmt: skip
    for row in again:
        with pytest.raises(IntegrityError), transaction.atomic():
            row.save(force_insert=True)


# --- I-10 -----------------------------------------------------------------------------------------------------------


@quick
@given(seed=seeds)
def test_the_order_of_the_list_and_its_pages_decide_nothing(owner: User, company: Company, seed: int) -> None:
    """I-10: the same items, mixed and cut anew for each life, are the same lines and the same balance."""
    rng, found = random.Random(seed), []
    history = rng.randrange(2**32)
    for life in range(3):
        with apart(), reachable(FeedHub()) as hub:
            feed = open_feed(owner, company, hub, begin=3)
            booked(feed, random.Random(history), 12)
            for real in feed.reals[::2]:
                # Long before the link: one old item is no stop signal, wherever it stands.
                real.item.date = (feed.today - dt.timedelta(days=40)).isoformat()
            if life:
                rng.shuffle(feed.account.transactions)
                hub.page_limit = life  # one, then two to a page
            assert fetch(feed.link, feed.now).status == RunStatus.DONE
            lines = Line.objects.filter(journal=feed.link.journal_id)
            items = EntryItem.objects.filter(account=feed.journal.bank_account)
            figures = lines.values_list("booking_date", "amount", "label", "status", "aliases__external_id")
            found.append((Counter(figures), items.aggregate(total=Sum("amount"))))
    assert found[0] == found[1] == found[2], "I-10"


# --- I-20 -----------------------------------------------------------------------------------------------------------


def _fetch_all_due(feed: Feed) -> None:
    """What the worker does when the time of all accounts has come."""
    OnlineAccount.objects.update(next_fetch_at=feed.now)
    start_due(feed.now)
    for run in Run.objects.filter(status=RunStatus.QUEUED).order_by("created_at"):
        account = run.online_account
        if JournalLink.objects.filter(online_account=account, unlinked_at=None).exists():
            link = JournalLink.objects.get(online_account=account, unlinked_at=None)
            fetch(link, feed.now)


@pytest.mark.parametrize("trouble", ["500", "malformed", "not started"])
@quick
@given(seed=seeds)
def test_an_account_that_fails_leaves_the_others_as_if_it_were_not_there(
    owner: User, company: Company, trouble: str, seed: int
) -> None:
    """I-20: it comes first in the list, and its answers are errors or rubbish, or its fetch cannot begin."""
    found = []
    for with_failing in (False, True):
        with apart(), reachable(FeedHub()) as hub, pytest.MonkeyPatch.context() as patch:
            if with_failing:
                failing = open_feed(owner, company, hub, begin=3, name="0")
                booked(failing, random.Random(seed + 1), 3)
                _harm(failing, trouble, patch)
            feed = open_feed(owner, company, hub, begin=3, opening="computed")
            booked(feed, random.Random(seed), 5)
            _fetch_all_due(feed)
            found.append(checks.outcome(feed))
            if with_failing:
                assert not Line.objects.filter(journal=failing.link.journal_id).exists()
    assert found[0] == found[1], "I-20"


def _harm(feed: Feed, trouble: str, patch: pytest.MonkeyPatch) -> None:
    if trouble == "500":
        feed.hub.broken.add(feed.account.id)
    elif trouble == "malformed":
        feed.account.transactions[0].amount = '"rubbish"'
    else:

        def broken(user: Any, account: OnlineAccount, **options: Any) -> Run:
            if account.pk == feed.link.online_account_id:
                raise KeyError("planted")
            return request_fetch(user, account, **options)

        patch.setattr("nostro.books.links.tasks.request_fetch", broken)


# --- I-22 -----------------------------------------------------------------------------------------------------------

CARD = "4111111111111111"


@quick
@given(status=st.sampled_from([400, 401, 403, 404, 429, 500, 503]), path=st.sampled_from(["/accounts", "/oauth2"]))
def test_what_a_hub_echoes_is_told_nowhere(
    owner: User, company: Company, caplog: pytest.LogCaptureFixture, status: int, path: str
) -> None:
    """I-22: a Hub that repeats the secret, the token and a card number in its errors finds them in no row and log."""
    caplog.set_level(logging.DEBUG)
    with apart(), reachable(FeedHub()) as hub:
        hub.secret = "a-secret-that-nobody-may-see-8f3c"
        feed = open_feed(owner, company, hub, begin=3)
        token = f"token-{hub.token_number + 1}-7d1e9a"
        detail = f"Basic client-1:{hub.secret} Bearer {token} client_secret={hub.secret} card {CARD}"
        hub.failures = [(path, status, {"errors": [{"code": "x", "detail": detail}]})] * 4
        assert fetch(feed.link, feed.now).status == RunStatus.FAILED
        models = (Failure, Run, OnlineAccount, AuditRecord, Connection)
        told = "".join(serializers.serialize("json", model.objects.all()) for model in models)
        told += json.dumps([str(record.__dict__) for record in caplog.records]) + caplog.text
        assert Failure.objects.exists()
        for secret in (hub.secret, token, CARD):
            assert secret not in told, "I-22"


# --- I-25 -----------------------------------------------------------------------------------------------------------


@quick
@given(seed=seeds)
def test_reading_asks_no_bank(owner: User, company: Company, seed: int) -> None:
    """I-25: lists of accounts, searches, the first fetch and planned fetches of fresh data cause no refresh."""
    rng = random.Random(seed)
    with apart(), reachable(FeedHub()) as hub:
        feed = open_feed(owner, company, hub, begin=3)
        booked(feed, rng, 5)
        run = request_fetch(None, feed.online(), trigger="link", now=feed.now)
        assert fetch(feed.link, feed.now).id == run.id
        for _ in range(8):
            feed.now += dt.timedelta(hours=rng.randint(1, 11))
            bank_is_read(feed, 0, 0)
            rng.choice([_look, _search, _plan])(feed)
        assert hub.refreshes == [], "I-25"


def _look(feed: Feed) -> None:
    look_again(Connection.objects.get(pk=feed.online().connection_id), now=feed.now)


def _search(feed: Feed) -> None:
    day = feed.today
    find_missing(feed.user, feed.link.journal_id, day - dt.timedelta(days=30), day)


def _plan(feed: Feed) -> None:
    fetch(feed.link, feed.now)


@quick
@given(seed=seeds)
def test_nobody_asks_before_the_hub_allows_it_but_a_person(owner: User, company: Company, seed: int) -> None:
    """I-25: what the Hub states when it refuses is kept, by every planned fetch until then."""
    rng = random.Random(seed)
    with apart(), reachable(FeedHub()) as hub:
        feed = open_feed(owner, company, hub, begin=3)
        bank_is_read(feed, 0, 0)
        allowed = feed.now
        for _ in range(12):
            feed.now += dt.timedelta(hours=rng.randint(4, 20))
            hub.refreshes.clear()
            hub.retry_after_s = rng.choice([None, 3_600, 80_000])
            fetch(feed.link, feed.now)
            assert not hub.refreshes or feed.now >= allowed, "I-25"
            if hub.refreshes and hub.retry_after_s:
                allowed = feed.now + dt.timedelta(seconds=hub.retry_after_s)
        hub.retry_after_s, hub.refreshes = 80_000, []
        for _ in range(2):
            request_fetch(feed.user, feed.online(), trigger="person", now=feed.now, customer_ip="192.0.2.1")
            fetch(feed.link, feed.now)
        assert len(hub.refreshes) == 2 and all(attended for _, attended in hub.refreshes)
