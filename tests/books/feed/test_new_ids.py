"""An account that its Hub shows under other ids: each line is found again, whatever became of it (books.md 11)."""

from __future__ import annotations

from decimal import Decimal

import pytest
from tests.books.feed.hub import FeedHub
from tests.books.feed.world import Feed, book, new_ids, open_feed, settle

from nostro.books.companies.models import Company
from nostro.books.journals.models import Line, LineStatus, Source
from nostro.books.journals.services import add_manual_line, merge_duplicate
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import Purpose
from nostro.books.reconcile.services import reconcile_with_account
from nostro.people.models import User

PAYER = "BE68 5390 0754 7034"


@pytest.fixture
def feed(owner: User, company: Company, feed_hub: FeedHub) -> Feed:
    return open_feed(owner, company, feed_hub, begin=3)


def lines(feed: Feed) -> list[Line]:
    return list(Line.objects.filter(journal=feed.link.journal_id).order_by("created_at"))


def test_a_typed_line_that_was_merged_is_found_again(feed: Feed) -> None:
    book(feed, 2, 4)
    [real] = feed.reals
    add_manual_line(feed.user, feed.link.journal_id, date=real.day, amount=real.amount, label="Typed", now=feed.now)
    settle(feed)
    [held] = feed.lines(LineStatus.HELD_DUPLICATE)
    kept = merge_duplicate(feed.user, held.id, now=feed.now)
    new_ids(feed, 0, 0)
    settle(feed)
    [line] = lines(feed)
    assert (line.id, line.source, line.label, line.aliases.count()) == (kept.id, Source.MANUAL, "Typed", 2)


@pytest.mark.parametrize("is_reconciled", [False, True])
@pytest.mark.parametrize("text", [0, 1], ids=["text", "no text"])
def test_details_that_came_later_do_not_hide_a_line(feed: Feed, text: int, is_reconciled: bool) -> None:
    book(feed, text, 4)
    settle(feed)
    [line] = lines(feed)
    if is_reconciled:
        fees = account_for(feed.company, Purpose.BANK_FEES)
        reconcile_with_account(feed.user, line.id, fees.id, now=feed.now)
    feed.reals[0].item.counterparty_account = PAYER
    settle(feed)
    new_ids(feed, 0, 0)
    settle(feed)
    [again] = lines(feed)
    assert (again.id, again.aliases.count()) == (line.id, 2)
    assert again.counterparty_account == ("" if is_reconciled else PAYER.replace(" ", ""))


def test_details_that_come_with_the_new_ids_are_filled_in(feed: Feed) -> None:
    book(feed, 0, 4)
    settle(feed)
    new_ids(feed, 0, 0)
    feed.reals[0].item.counterparty_account = PAYER
    assert settle(feed).new_count == 0
    [line] = lines(feed)
    assert (line.counterparty_account, line.amount) == (PAYER.replace(" ", ""), Decimal("-20.00"))


def test_another_text_under_a_new_id_is_held_beside_the_line(feed: Feed) -> None:
    book(feed, 0, 4)
    settle(feed)
    new_ids(feed, 0, 0)
    feed.reals[0].item.remittance = "CARD PAYMENT 10 NOV"
    settle(feed)
    [line, held] = lines(feed)
    assert (line.status, held.status, held.duplicate_of_id) == (LineStatus.POSTED, LineStatus.HELD_DUPLICATE, line.id)
    assert merge_duplicate(feed.user, held.id, now=feed.now).id == line.id
    assert settle(feed).new_count == 0 and len(lines(feed)) == 1
