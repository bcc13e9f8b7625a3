"""A generated history of one account: what its bank does, what its Hub shows, what people do to its lines.

An act is three numbers: which verb, and two that choose by what and to what, so every list of numbers is a history.
What the house refuses changes nothing. ``Bank`` is the truth that no code of the house has seen.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from hypothesis import strategies as st
from tests.books.feed.hub import FeedHub
from tests.books.hub_server import Booked, ScriptedAccount, transaction_id
from tests.books.steps import fetch

from nostro.books.companies.models import Company
from nostro.books.companies.services import set_lock_date
from nostro.books.journals.grouping import group_lines
from nostro.books.journals.models import GroupingChoice, Journal, Line, LineStatus, Source, Statement
from nostro.books.journals.services import (
    add_manual_line,
    confirm_statement,
    keep_both,
    merge_duplicate,
    regroup,
    remove_line,
    restore_line,
)
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import Purpose
from nostro.books.links.account_lists import look_again
from nostro.books.links.credentials import connect
from nostro.books.links.models import Connection, JournalLink, OnlineAccount, Run
from nostro.books.links.services import edit_link
from nostro.books.links.wizard import LinkRow, confirm_links
from nostro.books.reconcile.models import MatchGroup
from nostro.books.reconcile.services import reconcile_with_account, undo
from nostro.core.ids import new_id
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

ZONE = ZoneInfo("Europe/Brussels")
#: The days before the clocks change, the end of a year, and a plain day.
BEGINS = tuple(
    dt.datetime.fromisoformat(each)
    for each in ("2026-03-28T22:30:00Z", "2026-10-24T22:30:00Z", "2026-12-31T22:59:00Z", "2026-11-12T09:00:00Z")
)
#: Smallest units, small steps, and zero.
UNITS = (-350, -350, 1, 10_000, -2_000, 0, 75_000, -800)
DECIMALS = {"EUR": 2, "JPY": 0, "KWD": 3}
TEXTS = ("COFFEE CORNER", "", "Invoice 2026/0007")
BEFORE_LINK = dt.timedelta(days=10)


class Act(NamedTuple):
    verb: int
    first: int
    second: int


@dataclass
class Real:
    """A transaction that happened. ``item`` is how the Hub shows it now, ``amount`` how it was shown first."""

    number: int
    day: dt.date
    amount: Decimal
    item: Booked
    shown: bool = True


@dataclass
class Feed:
    """An account, its bank, its Hub and its journal."""

    user: User
    hub: FeedHub
    account: ScriptedAccount
    link: JournalLink
    now: dt.datetime
    reals: list[Real] = field(default_factory=list)
    #: What a run that is done has read.
    read: set[int] = field(default_factory=set)
    altered: bool = False
    removed: set[UUID] = field(default_factory=set)
    done: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def journal(self) -> Journal:
        journals = Journal.objects.select_related("company", "bank_account", "suspense_account")
        return journals.get(pk=self.link.journal_id)

    @property
    def company(self) -> Company:
        return Company.objects.get(pk=self.link.company_id)

    @property
    def today(self) -> dt.date:
        return self.now.astimezone(ZONE).date()

    def online(self) -> OnlineAccount:
        return OnlineAccount.objects.get(pk=self.link.online_account_id)

    def show(self) -> None:
        """The Hub shows what is there, newest first by creation."""
        self.account.transactions = [real.item for real in reversed(self.reals) if real.shown]

    def lines(self, *statuses: str) -> list[Line]:
        lines = Line.objects.filter(journal=self.link.journal_id).order_by("created_at", "aliases__id", "id").distinct()
        return list(lines.filter(status__in=statuses) if statuses else lines)


def open_feed(
    user: User, company: Company, hub: FeedHub, *, currency: str = "EUR", begin: int = 0, grouping: str = "daily",
    opening: str = "none", name: str = "1",
) -> Feed:  # fmt: skip
    """Connect, and link one account to a new journal; ``hub`` is reachable."""
    now = BEGINS[begin % len(BEGINS)]
    account = ScriptedAccount(currency=currency, reference=f"ACCOUNT{name}", synchronized_at=now.isoformat())
    hub.accounts.append(account)
    connection = connect(user, company.id, hub_url=hub.url, client_id=hub.client_id, secret=hub.secret, now=now)
    online = connection.online_accounts.get(hub_account_id=account.id)
    row = LinkRow(
        online.id, "create", fetch_from=now.astimezone(ZONE).date() - BEFORE_LINK, opening=opening,
        exchange_rate=None if currency == "EUR" else Decimal("0.5"), grouping=grouping,
    )  # fmt: skip
    (link,) = confirm_links(user, connection.id, [row], now=now)
    Run.objects.filter(online_account=online).delete()
    return Feed(user, hub, account, link, now)


# --- the bank -------------------------------------------------------------------------------------------------------


def book(feed: Feed, first: int, second: int) -> None:
    """A transaction of today or up to two weeks ago; in one of three ways its day is told."""
    age = (0, 0, 1, 2, 5, 9, 10, 14)[first % 8]
    _add(feed, feed.today - dt.timedelta(days=age), UNITS[second % len(UNITS)], TEXTS[first % len(TEXTS)], second)


def twin(feed: Feed, first: int, second: int) -> None:
    """The same again, as far as anybody can tell."""
    if feed.reals:
        other = feed.reals[first % len(feed.reals)]
        _add(feed, other.day, None, other.item.remittance, second, like=other)


def _add(
    feed: Feed, day: dt.date, units: int | None, text: str, writing: int, *, like: Real | None = None
) -> None:  # fmt: skip
    number, currency = len(feed.reals), feed.account.currency
    amount = like.amount if like else Decimal(units or 0).scaleb(-DECIMALS[currency])
    midnight = dt.datetime.combine(day, dt.time(), ZONE).astimezone(dt.UTC)
    told = f"{day}T00:00:00.000Z" if writing % 3 else midnight.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    item = Booked(
        f"{feed.account.reference}/{number}", told, str(amount), text, currency=currency,
        counterparty_name=like.item.counterparty_name if like else ("", "Q-Park")[writing % 2],
    )  # fmt: skip
    feed.reals.append(Real(number, day, amount, item))
    feed.show()


def drop(feed: Feed, first: int, second: int) -> None:
    """The bank takes one back."""
    del second
    shown = [real for real in feed.reals if real.shown]
    if shown and not _has_new_ids(feed):
        shown[first % len(shown)].shown = False
        feed.altered = True
        feed.show()


def alter(feed: Feed, first: int, second: int) -> None:
    """The bank gives one another amount, or only more details."""
    if not feed.reals:
        return
    real = feed.reals[first % len(feed.reals)]
    if second % 2 or _has_new_ids(feed):
        real.item.counterparty_account = "BE68 5390 0754 7034"
    elif real.number in feed.read:
        real.item.amount = str(real.amount + Decimal(1))
        feed.altered = True


def _has_new_ids(feed: Feed) -> bool:
    """Other amounts under new ids could be told by nobody."""
    return feed.online().epoch > 1


def new_ids(feed: Feed, first: int, second: int) -> None:
    """The account is bound to another Hub account: everything has other ids, and the list is read again."""
    del first, second
    if feed.altered:
        return
    feed.account.id = str(new_id())
    for real in feed.reals:
        real.item.name = f"{feed.account.id}/{real.number}"
    look_again(Connection.objects.get(pk=feed.online().connection_id), now=feed.now)


# --- time and the Hub -----------------------------------------------------------------------------------------------


def day_passes(feed: Feed, first: int, second: int) -> None:
    del second
    feed.now += dt.timedelta(hours=(24, 25, 7)[first % 3])


def bank_is_read(feed: Feed, first: int, second: int) -> None:
    """The Hub has read the bank; the balance it states is that of everything it shows."""
    del first, second
    feed.account.synchronized_at = feed.now.isoformat()
    total = sum((Decimal(real.item.amount) for real in feed.reals if real.shown), Decimal(0))
    feed.account.balance, feed.account.balance_date = str(total), feed.today.isoformat()


def fetches(feed: Feed, first: int, second: int) -> None:
    """One fetch; perhaps the network ends in its middle."""
    feed.hub.calls, feed.hub.fails_at = 0, second % 8 + 1 if first % 4 == 0 else None
    run = fetch(feed.link, feed.now, batch_limit=1 + second % 3)
    feed.hub.fails_at = None
    if run.status == "done":
        feed.read |= {real.number for real in feed.reals if real.shown}


def pages_change(feed: Feed, first: int, second: int) -> None:
    del second
    feed.hub.page_limit = (1, 2, 3, 100)[first % 4]


# --- people ---------------------------------------------------------------------------------------------------------


def types(feed: Feed, first: int, second: int) -> None:
    """Somebody types by hand what the bank will bring, or has brought."""
    real = feed.reals[first % len(feed.reals)] if feed.reals and first % 2 else None
    day = real.day if real else feed.today
    amount = real.amount if real else Decimal(UNITS[second % len(UNITS)]).scaleb(-DECIMALS[feed.account.currency])
    label = real.item.remittance if real and second % 2 else "Typed"
    add_manual_line(feed.user, feed.link.journal_id, date=day, amount=amount, label=label, now=feed.now)


def removes(feed: Feed, first: int, second: int) -> None:
    lines = feed.lines()
    if lines:
        line = remove_line(feed.user, lines[first % len(lines)].id, reason=("x", "duplicate")[second % 2], now=feed.now)
        feed.removed.add(line.id)


def restores(feed: Feed, first: int, second: int) -> None:
    del second
    lines = feed.lines(LineStatus.REMOVED)
    if lines:
        line = restore_line(feed.user, lines[first % len(lines)].id, now=feed.now)
        feed.removed.discard(line.id)


def decides(feed: Feed, first: int, second: int) -> None:
    lines = feed.lines(LineStatus.HELD_DUPLICATE)
    if lines:
        line = lines[first % len(lines)]
        # Who looks into it finds that what is held beside a line of the feed is the same.
        same = line.duplicate_of is not None and line.duplicate_of.source == Source.FEED
        (merge_duplicate if same or second % 2 else keep_both)(feed.user, line.id, now=feed.now)


def locks(feed: Feed, first: int, second: int) -> None:
    day = None if first % 3 == 0 else feed.today - dt.timedelta(days=second % 15)
    set_lock_date(feed.user, feed.company, day)


def explains(feed: Feed, first: int, second: int) -> None:
    """A third of a line, or all of it, is booked; or a match is undone."""
    lines = feed.lines(LineStatus.POSTED)
    groups = list(MatchGroup.objects.filter(line__journal=feed.link.journal_id, undone_at=None).order_by("id"))
    if groups and second % 3 == 0:
        undo(feed.user, groups[first % len(groups)].id, now=feed.now)
    elif lines:
        line = lines[first % len(lines)]
        third = (line.suspense_residual / 3).quantize(Decimal(1).scaleb(-DECIMALS[line.currency]))
        fees = account_for(feed.company, Purpose.BANK_FEES)
        reconcile_with_account(feed.user, line.id, fees.id, amount=third if second % 2 else None, now=feed.now)


def cuts(feed: Feed, first: int, second: int) -> None:
    """Another grouping, statements cut again, or one confirmed."""
    statements = list(Statement.objects.filter(journal=feed.link.journal_id, confirmed_at=None))
    if first % 3 == 0:
        grouping = GroupingChoice.values[second % len(GroupingChoice.values)]
        edit_link(feed.user, feed.link.id, grouping=grouping, fetch_schedule="12h", now=feed.now)
    elif first % 3 == 1:
        regroup(feed.user, feed.link.journal_id, now=feed.now)
    elif statements and second % 2:
        confirm_statement(feed.user, statements[0].id, now=feed.now)
    else:
        group_lines(feed.journal, today=feed.today)


Verb = Callable[[Feed, int, int], None]
VERBS: tuple[Verb, ...] = (
    book, book, book, twin, drop, alter, new_ids, day_passes, bank_is_read, fetches, fetches, fetches, pages_change,
    types, removes, restores, decides, locks, explains, explains, cuts,
)  # fmt: skip
#: What banks and Hubs do, and no person.
BANK_VERBS: tuple[Verb, ...] = (book, book, book, twin, day_passes, bank_is_read, fetches, pages_change)


def do(feed: Feed, act: Act, verbs: Sequence[Verb] = VERBS) -> None:
    """Do it; what is refused is rolled back."""
    verb = verbs[act.verb % len(verbs)]
    try:
        with transaction.atomic():
            verb(feed, act.first, act.second)
    except (Problem, NotFound) as refused:
        feed.refused[getattr(refused, "code", "notFound")] += 1
    else:
        feed.done[verb.__name__] += 1


def settle(feed: Feed) -> Run:
    """The bank is read and everything is fetched; the run must succeed."""
    feed.hub.fails_at = None
    bank_is_read(feed, 0, 0)
    run = fetch(feed.link, feed.now)
    assert run.status == "done", (run.error_code, run.result)
    feed.read |= {real.number for real in feed.reals if real.shown}
    return run


def external_ids(feed: Feed) -> dict[int, str]:
    """By number of the transaction, the id under which the Hub shows it."""
    return {real.number: transaction_id(real.item.name) for real in feed.reals}


def _history(verbs: Sequence[Verb], length: tuple[int, int]) -> Callable[[int], list[Act]]:
    def of_seed(seed: int) -> list[Act]:
        rng = random.Random(seed)
        acts = range(rng.randint(*length))
        return [Act(rng.randrange(len(verbs)), rng.randrange(1_000), rng.randrange(1_000)) for _ in acts]

    return of_seed


#: Histories of equal chances: what is drawn act by act repeats itself too much to be a history.
_seeds = st.integers(0, 2**32 - 1)
acts = _seeds.map(_history(VERBS, (8, 20)))
bank_acts = _seeds.map(_history(BANK_VERBS, (4, 10)))
currencies = st.sampled_from(sorted(DECIMALS))
groupings = st.sampled_from(["daily", "weekly", "bi_monthly", "monthly"])
begins = st.integers(0, len(BEGINS) - 1)
