"""Whether one bank that hangs on every call delays the others: 10,000 accounts at 40 institutions.

All accounts are due at the same instant, which is harder than the plan with its jitter of 15 minutes. One worker with
eight threads works; every call to one of the banks takes 45 seconds, the read timeout, and fails. Figures:
``others_on_schedule``, the share of the other banks' accounts that were read within those 15 minutes;
``others_done_s``, when the last of them was; ``others_per_s``; ``hanging_calls`` to the hanging bank meanwhile, and
``hanging_at_once``, the most of them at one time.
"""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import Any
from unittest import mock

from bench.ingest import _Account
from bench.scratch import scratch_database

INSTITUTIONS, THREADS, HANG_S = 40, 8, 45.0
ON_SCHEDULE_S = 15 * 60
_TAKE = """
UPDATE procrastinate_jobs SET status = 'doing' WHERE id = (
    SELECT id FROM procrastinate_jobs WHERE status = 'todo' AND task_name = 'sync.run_synchronization'
    AND (scheduled_at IS NULL OR scheduled_at <= now()) ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING id, args ->> 'synchronization_id'
"""


def run(*, quick: bool, accounts: int = 10_000) -> dict[str, float | int]:
    """Measure; see the module's text for the figures."""
    with scratch_database():
        return _Race(500 if quick else accounts).run()


class _Race:
    def __init__(self, accounts: int) -> None:
        from nostro.hub.directory.models import Institution

        self._accounts = accounts
        self._template = _Account(number=0, rows=10)
        self._template.synchronize()
        banks = [Institution(name=f"Bank {number}", folded_name=f"bank{number}") for number in range(INSTITUTIONS)]
        self._banks = [bank.pk for bank in Institution.objects.bulk_create(banks)]
        self._hanging = self._banks[0]
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._at_once = self.most_at_once = self.hanging_calls = 0
        self._insert()

    def _insert(self) -> None:
        """Copies of one account that was read before, spread over the banks, all due now."""
        from django.db import connection

        from nostro.hub.sync.schedule import schedule_of

        row = self._template.row
        schedule_of(row)
        with connection.cursor() as cursor:
            for table, source, own in (
                (
                    "accounts_account",
                    "generate_series(1, %s) n",
                    {
                        "id": "gen_random_uuid()",
                        "account_key": "t.account_key || n",
                        "institution_id": "(%s::uuid[])[n %% 40 + 1]",
                    },
                ),
                (
                    "sync_schedule",
                    "(SELECT id FROM accounts_account WHERE institution_id = ANY(%s::uuid[])) a",
                    {"account_id": "a.id", "next_run_at": "now()"},
                ),
            ):
                cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table])
                names = [name for (name,) in cursor.fetchall()]
                columns = ", ".join(f'"{name}"' for name in names)
                values = ", ".join(own.get(name, f't."{name}"') for name in names)
                key = "id" if table == "accounts_account" else "account_id"
                given = [self._banks, self._accounts] if table == "accounts_account" else [self._banks]
                query = f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table} t, {source} WHERE t.{key} = %s"
                cursor.execute(query, [*given, row.pk])
            cursor.execute("UPDATE sync_schedule SET next_run_at = NULL WHERE account_id = %s", [row.pk])
            cursor.execute("ANALYZE accounts_account, sync_schedule")

    def run(self) -> dict[str, float | int]:
        from nostro.hub.sync import engine

        opened = partial(engine.run, bank_opener=self._open)
        begin = time.perf_counter()
        with mock.patch.object(engine, "run", opened):
            workers = [threading.Thread(target=self._work, daemon=True) for _ in range(THREADS)]
            for worker in workers:
                worker.start()
            done, others = 0, self._accounts - self._accounts // INSTITUTIONS
            while done < others and time.perf_counter() - begin < ON_SCHEDULE_S:
                self._start_due()
                time.sleep(1)
                done = self._done()
            took = time.perf_counter() - begin
            self._over.set()
            for worker in workers:
                worker.join(2 * HANG_S + 10)
        return {
            "others_on_schedule": round(done / others, 4),
            "others_done_s": round(took, 1),
            "others_per_s": round(done / took, 1),
            "hanging_calls": self.hanging_calls,
            "hanging_at_once": self.most_at_once,
            "accounts": self._accounts,
        }

    def _start_due(self) -> None:
        """What the worker does every minute; here as soon as the former ones are under way."""
        import datetime as dt
        import random

        from django.db import connection

        from nostro.hub.sync.tasks import start_due

        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo' AND scheduled_at IS NULL")
            waiting = cursor.fetchone()[0]
        if waiting < 500:
            start_due(dt.datetime.now(dt.UTC), random.Random(1))

    def _done(self) -> int:
        from nostro.hub.sync.models import Synchronization

        others = self._banks[1:]
        return Synchronization.objects.filter(account__institution_id__in=others, status="success").count()

    def _work(self) -> None:
        from django.db import connection

        from nostro.hub.sync import tasks

        try:
            while not self._over.is_set():
                with connection.cursor() as cursor:
                    cursor.execute(_TAKE)
                    found = cursor.fetchone()
                if found is None:
                    time.sleep(0.05)
                    continue
                tasks.run_synchronization.func(found[1])
                with connection.cursor() as cursor:
                    cursor.execute("DELETE FROM procrastinate_jobs WHERE id = %s", [found[0]])
        finally:
            connection.close()

    def _open(self, account: Any, clock: Any) -> Any:
        from dataclasses import replace

        bank = self._template._open(account, clock)
        return (
            replace(bank, connector=_Hanging(bank.connector, self)) if account.institution_id == self._hanging else bank
        )

    def enter(self) -> None:
        """A call to the hanging bank begins."""
        with self._lock:
            self._at_once += 1
            self.hanging_calls += not self._over.is_set()
            self.most_at_once = max(self.most_at_once, self._at_once)

    def leave(self) -> None:
        """It has ended."""
        with self._lock:
            self._at_once -= 1

    def wait(self) -> None:
        """As long as a call to the hanging bank takes; shorter only when the race is over."""
        self._over.wait(HANG_S)


class _Hanging:
    """A connector whose every call ends in a timeout."""

    def __init__(self, well: Any, race: _Race) -> None:
        self.info, self.identity, self._race = well.info, well.identity, race

    def get_balances(self, *_: Any) -> Any:
        self._fail()

    def list_transactions(self, *_: Any) -> Any:
        self._fail()

    def _fail(self) -> None:
        from nostro.connectors.errors import AspspTimeout

        self._race.enter()
        try:
            self._race.wait()
        finally:
            self._race.leave()
        raise AspspTimeout
