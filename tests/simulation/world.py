"""A bank, a hub and an adversary, all decided by one seed, in virtual time (DESIGN.md section 6).

The bank is the sandbox bank's own application, reached through the real connector; only the network between them is
replaced (``wires.py``). The adversary (``adversary.py``) adds, alters, back-dates, books and removes rows, makes twins,
changes ids and references, pages strangely, tears balances and fails in every way it knows. The hub (``hub.py``) is
the hub's own code: people link and renew, workers overtake each other and die between any two statements
(``turns.py``, ``reaper.py``), clocks are set back and forth. ``judge.py`` says what was wrong.
"""

from __future__ import annotations

import random
from contextlib import nullcontext
from pathlib import Path

from tests.sandbox.customer import Customer
from tests.simulation.adversary import Adversary
from tests.simulation.books_side import Books
from tests.simulation.hub import Hub
from tests.simulation.judge import Judge, Outcome
from tests.simulation.sweep import sweep

from nostro.hub.linking.models import Connection
from nostro.hub.sync.models import Schedule
from nostro.sandbox.server import create_application

#: Steps of a short life, a few weeks with the quiet ones at its end, and of a long one, which is months.
SHORT, LONG = 5, 90
#: Every life begins here.
BEGIN = "2026-01-05T09:00:00Z"
HOUR_S = 3600
DAY_S = 24 * HOUR_S


def open_bank(directory: Path) -> Customer:
    """The bank of a life, whose clock is virtual."""
    return Customer(create_application(directory, 42, "virtual", control_token="control"))


class World:
    """One life. ``live`` is all there is to do."""

    def __init__(self, customer: Customer, seed: int, *, with_books: bool = False) -> None:
        self.rng = random.Random(seed)
        customer.control("POST", "/clock", {"set": BEGIN})
        customer.control("DELETE", "/faults")
        psu = f"sim_{seed}"
        self.bank = Adversary(customer, psu, self.rng)
        self.hub = Hub(customer, psu, self.rng)
        self.bank.consents = self.hub.consents
        self.judge = Judge(self.bank, self.hub)
        self.books = Books(self.hub, self.judge, seed) if with_books else None
        self._begin = self.bank.now()
        # What is hard differs from life to life; some have one hardship only, so that none hides another.
        self.hub.workers = self.rng.choice([1, 2, 3])
        self.hub.kill_share = self.rng.choice([0.0, 0.15, 0.4])
        self._trouble = self.rng.choice([0.0, 0.05, 0.2])
        self._clock_trouble = self.rng.choice([0.0, 0.1])

    def live(self, steps: int) -> Outcome:
        """So many steps of half a day or so, then two quiet weeks, then the judge."""
        with self.hub.running(), self.books.running() if self.books else nullcontext():
            self.hub.link()
            if self.books:
                self.books.link()
            if self.rng.random() < 0.5:
                self.hub.plan(self.rng.randint(1, 4))
            self.hub.wires.trouble = self._trouble
            for _ in range(steps):
                self._step()
                self.judge.look()
            if self.books:
                self.books.calm()
            self.settle()
            if self.books:
                self.books.settle()
            outcome = self.judge.judge()
            if self.books:
                self.books.judge()
        runs = [run for account in self.hub.accounts() for run in account.synchronizations.all()]
        outcome.runs, outcome.kills = len(runs), self.hub.kills
        outcome.days = (self.bank.now() - self._begin).total_seconds() / DAY_S
        return outcome

    def _step(self) -> None:
        anchored = [account.proof_anchor_balance is not None for account in self.hub.accounts()]
        self.bank.may_tear = bool(anchored) and all(anchored)
        for _ in range(self.rng.randint(0, 3)):
            self.bank.act()
        self.hub.wait(self._pause())
        chance = self.rng.random()
        if chance < 0.04:
            self.bank.end_consent()
        if chance > 0.9 or self._asks_for_the_person():
            self.hub.link()
        elif chance > 0.75:
            self.hub.ask(attended=self.rng.random() < 0.6)
        else:
            self.hub.minute()
        if self.books:
            self.books.step()

    def _pause(self) -> float:
        """Minutes, hours, sometimes days in which the hub is off, sometimes a clock that is set back."""
        chance = self.rng.random()
        if chance < self._clock_trouble:
            return -self.rng.randint(1, 2 * HOUR_S)
        if chance < 0.25:
            return self.rng.randint(30, HOUR_S)
        if chance > 0.93:
            return self.rng.randint(DAY_S, 7 * DAY_S)
        return self.rng.randint(HOUR_S, 14 * HOUR_S)

    def _asks_for_the_person(self) -> bool:
        """Whether the hub waits for its user, who comes sooner or later."""
        waits = Schedule.objects.filter(organization=self.hub.organization, paused=True).exists()
        health = Connection.objects.filter(organization=self.hub.organization).values_list("health", flat=True)
        return (waits or "psuActionRequired" in health) and self.rng.random() < 0.5

    def settle(self) -> None:
        """The bank is well and nobody dies; removed rows need two complete reads to be believed, and those that are
        too old after a long outage need the person, who comes at its beginning and its end."""
        self.bank.heal()
        self.hub.wires.trouble = self.hub.kill_share = 0.0
        self.hub.wait(HOUR_S)
        self.hub.minute()
        self.hub.link()
        for _ in range(2):
            self.hub.wait(8 * DAY_S)
            self.hub.minute()
            self.judge.look()
        self.hub.link()
        self.hub.minute()
        for account in self.hub.accounts():
            last = account.synchronizations.order_by("-created_at", "-id").first()
            if last is None or last.status != "success":
                self.judge.outcome.complaints.append(f"the last run of {account.pk} is {last and vars(last)}")


def live(directory: Path, seed: int, steps: int, *, with_books: bool = False) -> Outcome:
    """The life of ``seed``, with a bank in ``directory``. Steps are part of it: one of another length is another life.
    So are the Books (``books_side.py``), which read the hub where they take part.

    Everything is committed as in production, and forgotten at the end: hub and bank know nothing of earlier lives.
    """
    sweep()
    customer = open_bank(directory)
    try:
        return World(customer, seed, with_books=with_books).live(steps)
    finally:
        customer.application.close()
        sweep()
