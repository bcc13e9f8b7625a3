"""The hub of a life: its own code throughout, with a clock, a network and workers that the seed decides.

Jobs are taken from the queue's table and done by the real task; a worker that is killed loses its job, as a killed
process does, and the housekeeping of every minute finds what it left.
"""

from __future__ import annotations

import datetime as dt
import io
import logging
import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from unittest import mock
from urllib.parse import parse_qsl, urlsplit

from django.db import connection
from tests.sandbox.customer import Customer
from tests.simulation.reaper import Reaper
from tests.simulation.turns import Killed, Turns
from tests.simulation.wires import URL, Wires

from nostro.connectors.contract import UNATTENDED, Finished, PsuContext, PsuInput, Redirect
from nostro.hub.accounts.models import Account
from nostro.hub.accounts.queries import accounts_of_connection
from nostro.hub.directory.models import Institution, Route
from nostro.hub.linking import connectors
from nostro.hub.linking.models import Connection
from nostro.hub.linking.services import choose_accounts, continue_authorisation, start_link, start_renewal
from nostro.hub.organizations.models import Membership, Organization, Role
from nostro.hub.sync import engine, tasks
from nostro.hub.sync.services import request_synchronization, set_runs_per_day
from nostro.people.models import User
from nostro.web.errors import Problem

MAX_ROUNDS = 60
_TAKE_JOBS = """
UPDATE procrastinate_jobs SET status = 'doing' WHERE id IN (
    SELECT id FROM procrastinate_jobs WHERE status = 'todo' AND task_name = 'sync.run_synchronization'
    ORDER BY id LIMIT %s)
RETURNING id, args ->> 'synchronization_id'
"""


class Hub:
    """One organization with one owner and one connection."""

    def __init__(self, customer: Customer, psu: str, rng: random.Random) -> None:
        self._customer, self._psu, self._rng = customer, psu, rng
        self._bank = customer.application.bank
        self._skew = dt.timedelta(seconds=rng.randint(-300, 300))
        self._turns = Turns(rng)
        self._reaper = Reaper(self._turns.offer)
        self.wires = Wires(customer.application, rng, self._bank.clock.now, self.wait, self._at_the_bank)
        self.log = io.StringIO()
        self.secrets: set[str] = set()
        self.consents: list[str] = []
        self.kills = 0
        self.workers = 1
        self.kill_share = 0.0
        self.connection: Connection | None = None
        self.organization = Organization.objects.create(name=psu)
        self.user = User.objects.create(email=f"{psu}@example.org")
        Membership.objects.create(organization=self.organization, user=self.user, role=Role.OWNER)
        self.institution = Institution.objects.create(name="Nostro Test Bank", folded_name=psu, is_sandbox=True)
        places = rng.choice([None, None, 3, 2])
        profile = {} if places is None else {"frequency_per_day": places}
        Route.objects.create(institution=self.institution, connector="berlin_group", base_url=URL, profile=profile)

    def enter_process(self, customer: Customer) -> None:
        """Go on in a process of its own, with a ``customer`` whose bank that process has opened itself."""
        self._customer, self._bank = customer, customer.application.bank
        self.wires = Wires(customer.application, self._rng, self._bank.clock.now, self.wait, self._at_the_bank)

    # --- time

    def now(self) -> dt.datetime:
        """The hub's clock, which is never quite the bank's."""
        return self._bank.clock.now() + self._skew

    def wait(self, seconds: float) -> None:
        """Time goes by, or, with a negative number, the clocks are set back."""
        self._bank.clock.set(self._bank.clock.now() + dt.timedelta(seconds=seconds))

    def _at_the_bank(self) -> None:
        assert not self._reaper.is_in_transaction(), "a bank was called within a transaction"
        if self._rng.random() < 0.01:
            # The process is stopped for so long that its lease ends.
            self.wait(self._rng.randint(1, 300))
        self._turns.offer()

    @contextmanager
    def running(self) -> Iterator[None]:
        """In the block, the code of the hub has this clock, this network and this log."""
        run = partial(engine.run, clock=self.now, randomness=self._rng)
        with ExitStack() as stack:
            for module, name, replacement in (
                (engine, "run", run),
                (connectors, "_process_door", lambda: self.wires),
                (connectors, "utc_now", self.now),
                (self._bank, "sleep", self.wait),
            ):
                stack.enter_context(mock.patch.object(module, name, replacement))
            stack.enter_context(self._logging())
            stack.enter_context(self._reaper.watching())
            yield

    @contextmanager
    def _logging(self) -> Iterator[None]:
        """Keep every line of the log, written as the installation writes it."""
        root = logging.getLogger()
        kept, level = root.handlers[:], root.level
        handler = logging.StreamHandler(self.log)
        handler.setFormatter(next((each.formatter for each in kept if each.formatter), None))
        root.handlers[:] = [handler]
        root.setLevel(logging.INFO)
        try:
            yield
        finally:
            root.handlers[:] = kept
            root.setLevel(level)

    # --- death

    def _mortal(self, act: Callable[[], None], statements: int) -> bool:
        """Do it; perhaps the process dies before one of so many statements. False if it died."""
        doom = self._rng.randrange(statements) if self._rng.random() < self.kill_share else None
        heard = self.wires.heard()
        try:
            with self._reaper.dooming(doom):
                act()
        except Killed:
            self.kills += 1
            self.wires.forget(heard)
            return False
        return True

    # --- people

    def _psu_context(self) -> PsuContext:
        return PsuContext(True, ip="192.0.2.1", user_agent="Mozilla/5.0", observed_at=self.now())

    def link(self) -> None:
        """Link, or renew where there is a connection; a person whose hub died on the way begins again."""
        for _ in range(10):
            if self._mortal(self._walk, 120):
                break
            self.wait(120)
        else:
            share, self.kill_share = self.kill_share, 0.0
            self._walk()
            self.kill_share = share
        self.work()

    def _walk(self) -> None:
        psu, now = self._psu_context(), self.now()
        if self.connection is None:
            authorisation, step = start_link(
                self.user, self.organization, self.institution, is_sandbox=True, psu=psu, now=now
            )
        else:
            authorisation, step = start_renewal(self.user, self.connection.pk, psu=psu, now=now)
        assert isinstance(step, Redirect), step
        values = self._approve(step.url)
        self.secrets.add(values["state"])
        _, finished = continue_authorisation(
            self.user, state_token=values["state"], answer=PsuInput("callback", values), psu=psu, now=self.now()
        )
        assert isinstance(finished, Finished), finished
        if finished.consent.consent_id not in self.secrets:
            self.consents.append(finished.consent.consent_id)
            self.secrets.add(finished.consent.consent_id)
        if self.connection is None:
            offered = accounts_of_connection(authorisation.connection)
            choose_accounts(self.user, authorisation.pk, [each.pk for each in offered], self.now(), psu=psu)
            self.connection = authorisation.connection

    def _approve(self, url: str) -> dict[str, str]:
        """The person at the bank's pages; returns what the browser brings back."""
        page = "/" + url.removeprefix(URL).lstrip("/")
        assert self._customer.log_in(page, self._psu).status_code == 303
        back = self._customer.approve(page, self._customer.choices(page)).headers["Location"]
        return dict(parse_qsl(urlsplit(back).query))

    def accounts(self) -> list[Account]:
        """The accounts of the organization, oldest first."""
        return list(Account.objects.filter(organization=self.organization).order_by("id"))

    def ask(self, *, attended: bool) -> None:
        """A person, or an integration without its customer, asks for a run of each account."""
        for account in self.accounts():
            self._mortal(partial(self._request, account, attended), 20)
        self.work()

    def _request(self, account: Account, attended: bool) -> None:
        psu = self._psu_context() if attended else UNATTENDED
        try:
            request_synchronization(
                account, trigger="person" if attended else "integration", psu=psu, now=self.now(), user=self.user
            )
        except Problem as refused:
            assert refused.code == "accountRecentlySynchronized", refused

    def plan(self, runs_per_day: int) -> None:
        """The person plans so many runs a day."""
        for account in self.accounts():
            set_runs_per_day(account, runs_per_day, now=self.now(), randomness=self._rng)

    # --- workers

    def minute(self) -> None:
        """What the worker does every minute, and all that follows from it."""
        self._mortal(lambda: void(tasks.take_over_expired(self.now())), 10)
        self._mortal(lambda: void(tasks.start_due(self.now(), self._rng)), 40)
        self.work()

    def work(self) -> None:
        """Do the jobs of the queue, several workers at a time, until none is left."""
        for _ in range(MAX_ROUNDS):
            with connection.cursor() as cursor:
                cursor.execute(_TAKE_JOBS, [self.workers])
                jobs: list[tuple[int, str]] = cursor.fetchall()
            if not jobs:
                return
            self._turns.play([partial(self._mortal, partial(self._do, *job), 150) for job in jobs])
        raise AssertionError("the queue never gets empty")

    @staticmethod
    def _do(job: int, synchronization_id: str) -> None:
        tasks.run_synchronization(synchronization_id)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs WHERE id = %s", [job])


def void(result: Any) -> None:
    """A result that nobody needs."""
    del result
