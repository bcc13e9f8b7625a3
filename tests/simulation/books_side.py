"""The Books of a life: they read the Hub through its public API and nothing else, and must come to what the bank has.

Between the two is a network that fails; the worker of the Books dies between any two statements; an accountant links,
asks for fetches and accepts what the bank altered. After each fetch that ends well the judge compares the Books with
the Hub by the ids of the API, and at the end of a life with the bank.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from functools import partial
from typing import Any
from unittest import mock
from uuid import UUID

from django.db import connection
from django.db.models import Sum
from tests.books.invariants import checks as ledger_checks
from tests.simulation.adversary import BankAccount
from tests.simulation.hub import Hub
from tests.simulation.judge import Judge, Outcome
from tests.simulation.reaper import Reaper
from tests.simulation.turns import Killed
from werkzeug.test import Client

from nostro.books.companies.models import Company
from nostro.books.companies.services import create_company
from nostro.books.journals.changes import accept_change
from nostro.books.journals.models import (
    Alias,
    BankChange,
    ChangeKind,
    Decision,
    GroupingChoice,
    Journal,
    Line,
    LineStatus,
    Proof,
)
from nostro.books.ledger.models import EntryItem
from nostro.books.links import hub as links_hub
from nostro.books.links import tasks
from nostro.books.links.credentials import connect
from nostro.books.links.fetching import request_fetch, run_fetch
from nostro.books.links.models import FetchSchedule, JournalLink, OnlineAccount, Run, RunStatus
from nostro.books.links.wizard import LinkRow, confirm_links
from nostro.http import Answer, TimedOut, Unreachable
from nostro.hub.accounts.models import Transaction
from nostro.hub.api.dispatcher import Dispatcher
from nostro.hub.integrations.services import create_integration
from nostro.people.models import User

URL = "https://hub.example.test"
#: What one unit of a currency is worth in euro; it does not matter.
RATE = Decimal("0.5")
HOUR_S = 3600
#: The adversary makes no row older than 40 days.
OLDEST_ROWS = dt.timedelta(days=60)
SCHEDULES = (
    FetchSchedule.HOURLY,
    FetchSchedule.EVERY_6_HOURS,
    FetchSchedule.EVERY_12_HOURS,
    FetchSchedule.EVERY_24_HOURS,
)
_EFFECTIVE = (LineStatus.POSTED, LineStatus.WITHDRAWN, LineStatus.INFORMATIONAL)
_TAKE_JOB = """
UPDATE procrastinate_jobs SET status = 'doing' WHERE id IN (
    SELECT id FROM procrastinate_jobs WHERE status = 'todo' AND task_name = 'books.fetch_account' ORDER BY id LIMIT 1)
RETURNING id, args ->> 'run_id'
"""


class ApiWires:
    """A door (``nostro.http.Door``) to the Hub's API in process. ``trouble`` is how often a request goes wrong."""

    def __init__(self, hub: Hub, rng: random.Random, passing: Callable[[], None]) -> None:
        self._rng, self._passing, self._hub = rng, passing, hub
        self._client = Client(Dispatcher(_no_pages, now=hub.now, monotonic=self._seconds))
        self._latest = 0.0
        self.trouble = 0.0

    def _seconds(self) -> float:
        """Time that never goes back, whatever becomes of the clocks."""
        self._latest = max(self._latest, self._hub.now().timestamp())
        return self._latest

    def request(
        self, method: str, url: str, *, request_id: str, headers: Any = None, content: bytes | None = None, **_: Any
    ) -> Answer:
        self._passing()
        trouble = self._rng.random() < self.trouble and self._rng.choice(["unreachable", "lost", "500", "no_json"])
        if trouble == "unreachable":
            raise Unreachable("the hub cannot be reached", request_sent=False)
        reply = self._client.open(url.removeprefix(URL), method=method, headers=headers, data=content)
        if trouble == "lost":
            raise TimedOut("the hub did not answer in time", request_sent=True)
        status, body = (500, b"{}") if trouble == "500" else (reply.status_code, reply.get_data())
        body = b"<html>" if trouble == "no_json" else body
        return Answer(status, {k.lower(): v for k, v in reply.headers.items()}, body, url, request_id)


def _no_pages(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Stands behind the dispatcher where Django would."""
    start_response("404 Not Found", [])
    return []


class Books:
    """One company with one owner, who links every account that the Hub shows."""

    def __init__(self, hub: Hub, judge: Judge, seed: int) -> None:
        self._hub, self._judge = hub, judge
        # Chances of their own: hub and bank live as they would without.
        self._rng = random.Random(f"books {seed}")
        self._reaper = Reaper(lambda: None)
        self.wires = ApiWires(hub, self._rng, self._at_the_hub)
        self.trouble = self._rng.choice([0.0, 0.02, 0.1])
        self.kill_share = self._rng.choice([0.0, 0.15, 0.4])
        self.kills = 0
        self.user = User.objects.create(email=f"books_{seed}@example.org")
        self.company: Company | None = None
        self.connection_id: UUID | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """In the block, the code of the Books has this clock and this network."""
        fetch = partial(run_fetch, sleep=self._sleep, batch_limit=self._rng.choice([1, 2, 500]))
        with ExitStack() as stack:
            stack.enter_context(mock.patch.object(links_hub, "_door", lambda: self.wires))
            stack.enter_context(
                mock.patch.object(tasks, "run_fetch", lambda run_id, clock: fetch(run_id, clock=self._hub.now))
            )
            stack.enter_context(self._reaper.watching())
            yield

    def _at_the_hub(self) -> None:
        assert not self._reaper.is_in_transaction(), "the hub was called within a transaction"

    def _sleep(self, seconds: float) -> None:
        """While the Books wait for the bank, the Hub works; where its worker died, another one takes over in time."""
        self._hub.wait(seconds)
        self._hub.work()
        if self._rng.random() < 0.1:
            self._hub.minute()

    def _mortal(self, act: Callable[[], object], statements: int) -> bool:
        """Do it; perhaps the process dies before one of so many statements. False if it died."""
        doom = self._rng.randrange(statements) if self._rng.random() < self.kill_share else None
        try:
            with self._reaper.dooming(doom):
                act()
        except Killed:
            self.kills += 1
            return False
        return True

    # --- what happens

    def link(self) -> None:
        """Make a company, an integration at the Hub and a link to a new journal for each of its accounts."""
        now, accounts = self._hub.now(), self._hub.accounts()
        made, secret = create_integration(
            self._hub.user, self._hub.organization, name="Books", account_ids=[each.pk for each in accounts],
            is_sandbox=True, now=now,
        )  # fmt: skip
        self._hub.secrets.add(secret)
        self.company = create_company(self.user, name="Nostro NV", country="BE", currency="EUR")
        connected = connect(
            self.user, self.company.id, hub_url=URL, client_id=str(made.client_id), secret=secret, now=now
        )
        self.connection_id = connected.id
        openings = {stored.reference: self._opening(account) for account, stored in self._judge.pairs()}
        rows = [self._row(account, openings[account.reference]) for account in connected.online_accounts.all()]
        confirm_links(self.user, connected.id, rows, now=now)
        self.wires.trouble = self.trouble
        self.work()

    def _row(self, account: OnlineAccount, opening: Decimal) -> LinkRow:
        return LinkRow(
            account.id, "create", fetch_from=(self._hub.now() - OLDEST_ROWS).date(), opening="typed",
            opening_amount=opening, exchange_rate=None if account.currency == "EUR" else RATE,
            grouping=self._rng.choice(GroupingChoice.values), fetch_schedule=self._rng.choice(SCHEDULES),
        )  # fmt: skip

    def _opening(self, account: BankAccount) -> Decimal:
        """What the account held before its first row, as a person reads it on paper."""
        truth = self._judge.truth(account)
        booked = sum((Decimal(row["amount"]) for row in truth["rows"]), Decimal(0))
        return Decimal(truth["balances"][0]["booked"]) - booked

    def step(self) -> None:
        """The minute's work; perhaps a person asks for a fetch, or accepts what the bank altered."""
        chance = self._rng.random()
        if chance < 0.2:
            self._ask()
        elif chance < 0.3:
            self._accept(ChangeKind.CHANGED)
        self.minute()

    def minute(self) -> None:
        """What the worker does every minute, and all that follows from it."""
        now = self._hub.now()
        # The database writes the real time; what it made lies in the life's own.
        Run.objects.filter(status=RunStatus.QUEUED, created_at__gt=now).update(created_at=now)
        self._mortal(lambda: tasks.take_over(now), 20)
        self._mortal(lambda: tasks.start_due(now), 30)
        self.work()

    def work(self) -> None:
        """Do the jobs of the queue until none is left; a worker that dies loses its job."""
        while True:
            with connection.cursor() as cursor:
                cursor.execute(_TAKE_JOB)
                job = cursor.fetchone()
            if job is None:
                return
            if self._mortal(partial(tasks.fetch_account, job[1]), 250):
                with connection.cursor() as cursor:
                    cursor.execute("DELETE FROM procrastinate_jobs WHERE id = %s", [job[0]])
            run = Run.objects.get(pk=job[1])
            if run.status == RunStatus.DONE:
                self._compare_with_hub(run.online_account)

    def _ask(self) -> None:
        for link in self.links():
            self._mortal(partial(self._request, link.online_account), 15)

    def _request(self, account: OnlineAccount) -> None:
        request_fetch(self.user, account, trigger="person", now=self._hub.now(), customer_ip="192.0.2.1")

    def _accept(self, *kinds: ChangeKind) -> None:
        """The accountant does what the bank did."""
        open_ = BankChange.objects.filter(company=self.company, decision=Decision.OPEN, is_certain=True, kind__in=kinds)
        for line_id in list(open_.values_list("line_id", flat=True)):
            self._mortal(partial(accept_change, self.user, line_id, now=self._hub.now()), 60)

    def links(self) -> list[JournalLink]:
        """The links, oldest first."""
        links = JournalLink.objects.filter(company=self.company).order_by("id")
        return list(links.select_related("online_account", "journal"))

    def calm(self) -> None:
        """From now on the network is well and nobody dies; what was left undone is done."""
        self.wires.trouble = self.kill_share = 0.0
        self._hub.wait(HOUR_S)
        self.minute()

    def settle(self) -> None:
        """What the bank removed is absent from two reads before it is believed; then the accountant accepts it all."""
        for _ in range(3):
            self._hub.wait(HOUR_S)
            self._ask()
            self.work()
            self._accept(ChangeKind.CHANGED, ChangeKind.WITHDRAWN)

    # --- the judge

    def _compare_with_hub(self, account: OnlineAccount) -> None:
        """Hub = Books after a fetch: each row of the Hub is one line with its figures, or with a change that says them;
        what the Hub has no more is doubted at least."""
        hub = Transaction.objects.filter(account=account.hub_account_id, removed_at=None)
        rows = {str(key): figures for key, *figures in hub.values_list("id", "booking_date", "amount")}
        open_ = BankChange.objects.filter(company=self.company, decision=Decision.OPEN)
        changes = {each.line_id: each for each in open_}
        named = Alias.objects.filter(identity=account.identity, company=self.company).select_related("line")
        lines = {alias.external_id: alias.line for alias in named}
        outcome = self._judge.outcome
        outcome.books_lost += len(rows.keys() - lines.keys())
        for external_id, line in lines.items():
            change = changes.get(line.id)
            if external_id not in rows:
                if line.status != LineStatus.REMOVED and (change is None or change.kind != ChangeKind.WITHDRAWN):
                    outcome.books_doubled += 1
                continue
            said = [line.booking_date, line.amount]
            if change is not None and change.kind == ChangeKind.CHANGED:
                said = [change.booking_date, change.amount]
            if said != rows[external_id] or line.status == LineStatus.REMOVED:
                outcome.complaints.append(f"books: {line.status} {said}, the hub says {rows[external_id]}")

    def judge(self) -> None:
        """Bank = Hub = Books at the end of a life."""
        outcome: Outcome = self._judge.outcome
        outcome.books_runs, outcome.books_kills = Run.objects.filter(company=self.company).count(), self.kills
        journals = {link.online_account.reference: link for link in self.links()}
        for account, stored in self._judge.pairs():
            link = journals.get(stored.reference)
            if link is None:
                outcome.complaints.append(f"books: {account.id} is not linked")
            else:
                self._compare_with_bank(account, link)
        assert self.company is not None
        try:
            for check in ledger_checks.ALL:
                check(self.company)
        except AssertionError as broken:
            outcome.complaints.append(f"books: {broken}")

    def _compare_with_bank(self, account: BankAccount, link: JournalLink) -> None:
        outcome, truth = self._judge.outcome, self._judge.truth(account)
        journal = Journal.objects.get(pk=link.journal_id)
        lines = Line.objects.filter(journal=journal, status__in=_EFFECTIVE)
        at_bank = Counter((row["bookingDate"], Decimal(row["amount"])) for row in truth["rows"])
        in_books = Counter((day.isoformat(), amount) for day, amount in lines.values_list("booking_date", "amount"))
        outcome.books_lines += lines.count()
        outcome.books_lost += (at_bank - in_books).total()
        outcome.books_doubled += (in_books - at_bank).total()
        if at_bank != in_books:
            outcome.complaints.append(f"books: {at_bank - in_books} lost, {in_books - at_bank} doubled")
        held = list(Line.objects.filter(journal=journal, status__startswith="held").values_list("status", "amount"))
        last = link.online_account.runs.order_by("-created_at", "-id").first()
        items = EntryItem.objects.filter(account=journal.bank_account)
        figures = {
            "balance": (items.aggregate(total=Sum("amount_currency"))["total"] or Decimal(0),
                        Decimal(truth["balances"][0]["booked"])),
            "red": (journal.proof == Proof.RED, False),
            "held": (held, []),
            "last run": (last and last.status, RunStatus.DONE),
        }  # fmt: skip
        wrong = {name: pair for name, pair in figures.items() if pair[0] != pair[1]}
        if wrong:
            outcome.complaints.append(f"books: {account.id}: {wrong}")
