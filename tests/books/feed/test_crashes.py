"""I-8, I-9 and I-21 of books.md 18: killed anywhere, then run again, is the result without the crash."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from django.core import mail
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.books.feed import checks
from tests.books.feed.crashes import Killed, Statements, dying, fetch_or_die, recover
from tests.books.feed.hub import FeedHub, reachable
from tests.books.feed.test_histories import PHASES, quick
from tests.books.feed.world import (
    BANK_VERBS,
    Act,
    Feed,
    bank_acts,
    bank_is_read,
    begins,
    book,
    currencies,
    do,
    groupings,
    open_feed,
    settle,
    twin,
)
from tests.books.invariants.world import apart

from nostro.books.companies.models import Company
from nostro.books.links.models import OnlineAccount, Run
from nostro.books.reminders.models import ConsentNotice
from nostro.books.reminders.tasks import run_round
from nostro.people.models import User


def marks(feed: Feed) -> tuple[str, dt.date | None, int]:
    account = feed.online()
    return account.cursor, account.watermark_date, Run.objects.filter(online_account=account, status="done").count()


def assert_marks_moved_only_with_success(before: tuple[str, dt.date | None, int], feed: Feed) -> None:
    now = marks(feed)
    assert now[:2] == before[:2] or now[2] > before[2], "I-9: a run that did not end moved cursor or watermark"


def prepared(user: User, company: Company, hub: FeedHub) -> Feed:
    """A feed with a few lines, and new ones at its Hub: a late one, twins and one before the link."""
    feed = open_feed(user, company, hub, begin=3, opening="computed")
    book(feed, 4, 3)
    bank_is_read(feed, 0, 0)
    settle(feed)
    for first, second in ((0, 0), (3, 4), (7, 6)):
        book(feed, first, second)
    twin(feed, 1, 0)
    bank_is_read(feed, 0, 0)
    return feed


def test_killed_after_any_commit_the_next_run_gives_what_no_crash_gives(owner: User, company: Company) -> None:
    with reachable(FeedHub()) as hub:
        with apart():
            feed = prepared(owner, company, hub)
            undisturbed = Statements()
            assert fetch_or_die(feed, undisturbed, batch_limit=1)
            expected = checks.outcome(feed)
        assert undisturbed.commits > 12
        for commit in range(1, undisturbed.commits + 1):
            hub.accounts.clear()
            with apart():
                feed = prepared(owner, company, hub)
                before = marks(feed)
                assert not fetch_or_die(feed, Statements(after_commit=commit), batch_limit=1)
                assert_marks_moved_only_with_success(before, feed)
                recover(feed)
                assert checks.outcome(feed) == expected, f"I-8: killed after commit {commit}"


@settings(derandomize=True, max_examples=12, deadline=None, suppress_health_check=quick, phases=PHASES)
@given(acts=bank_acts, currency=currencies, begin=begins, grouping=groupings, seed=st.integers(0, 2**32 - 1))
def test_a_life_of_crashes_is_a_life_without(
    owner: User, company: Company, acts: list[Act], currency: str, begin: int, grouping: str, seed: int
) -> None:
    """Before any statement, several times, also while recovering."""
    outcomes = []
    for kills in (False, True):
        rng = random.Random(seed)
        with apart(), reachable(FeedHub()) as hub:
            feed = open_feed(owner, company, hub, currency=currency, begin=begin, grouping=grouping, opening="computed")
            for act in acts:
                if kills and BANK_VERBS[act.verb].__name__ == "fetches":
                    _fetch_with_deaths(feed, rng)
                else:
                    do(feed, act._replace(first=act.first | 1), BANK_VERBS)
            settle(feed)
            outcomes.append(checks.outcome(feed))
    assert outcomes[0] == outcomes[1], "I-8"


def _fetch_with_deaths(feed: Feed, rng: random.Random) -> None:
    before = marks(feed)
    if not fetch_or_die(feed, Statements(before_statement=rng.randint(1, 70)), batch_limit=2):
        assert_marks_moved_only_with_success(before, feed)
        for _ in range(rng.randint(0, 1)):
            try:
                with dying(Statements(before_statement=rng.randint(1, 50))):
                    recover(feed, batch_limit=1)
            except Killed:
                assert_marks_moved_only_with_success(before, feed)
        recover(feed)
    feed.read |= {real.number for real in feed.reals if real.shown}


@settings(derandomize=True, max_examples=8, deadline=None, suppress_health_check=quick, phases=PHASES)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_hub_that_fails_at_any_request_moves_nothing(owner: User, company: Company, seed: int) -> None:
    """I-9: a failed or refused window is always read again."""
    rng = random.Random(seed)
    with apart(), reachable(FeedHub()) as hub:
        feed = prepared(owner, company, hub)
        hub.page_limit = 1
        for request in rng.sample(range(8), 3):
            before, run_count = marks(feed), Run.objects.count()
            hub.calls, hub.fails_at = 0, request
            assert not fetch_or_die(feed, Statements(before_statement=10_000)) or Run.objects.count() > run_count
            hub.fails_at = None
            assert_marks_moved_only_with_success(before, feed)
        settle(feed)
        checks.items_are_conserved(feed)


@pytest.mark.parametrize("left", [30, 0])
def test_no_notice_is_told_twice_wherever_a_round_dies(owner: User, company: Company, left: int) -> None:
    """I-21."""
    with reachable(FeedHub()) as hub:
        feed = open_feed(owner, company, hub, begin=3)
        hub.accounts[0].expires_at = "2026-12-12T10:00:00.000Z"
        OnlineAccount.objects.update(consent_expires_at=dt.datetime(2026, 12, 12, 10, tzinfo=dt.UTC))
        now = dt.datetime(2026, 12, 12, 9, tzinfo=dt.UTC) - dt.timedelta(days=left)
        with apart():
            with dying(Statements()) as counted:
                run_round(now)
            assert ConsentNotice.objects.count() == len(mail.outbox) == 1
        assert counted.statements > 10
        for statement in range(1, counted.statements + 1, 2):
            mail.outbox.clear()
            with apart():
                try:
                    with dying(Statements(before_statement=statement)):
                        run_round(now)
                except Killed:
                    pass
                for minutes in (1, 90):
                    run_round(now + dt.timedelta(minutes=minutes))
                assert ConsentNotice.objects.filter(online_account=feed.link.online_account_id).count() == 1
                assert len(mail.outbox) <= 1, f"I-21: killed before statement {statement}"
