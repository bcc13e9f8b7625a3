"""How fast an account is synchronized, and what waiting costs.

Figures: ``first_10k_s``, seconds from the request to the end of the first synchronization of ``user_10k_tx`` (10,000
rows in pages of 100) at the sandbox bank over HTTP, everything included; ``second_10k_s``, the same once more with
nothing new; ``idle_syncs_per_s``, synchronizations of accounts with nothing new by one worker; of each of these in
milliseconds ``idle_sync_cpu_ms`` of this process and the rest, mostly PostgreSQL, ``idle_sync_wait_ms``, of which
``idle_sync_server_cpu_ms`` is PostgreSQL's work and the rest waiting for messages and for the disk at
``idle_sync_statements`` statements and ``idle_sync_commits`` commits, while one message there and back takes
``round_trip_ms``;
``idle_cpu_percent``, the share of one core that a worker takes with ``scheduled_accounts`` accounts of which none is
due, its tasks of every minute included.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.ingest import _Account, server_cpu_seconds
from bench.scratch import scratch_database

_BANK_NOW = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)
_IDLE_ROWS = 30
_SCHEDULED = 10_000


def run(*, quick: bool) -> dict[str, float | int]:
    """Measure; see the module's text for the figures."""
    with scratch_database():
        _Account(number=0, rows=500).synchronize()
        figures = _first_synchronization()
        figures |= _idle_synchronizations(60 if quick else 1_000)
        figures |= _idle_worker(6 if quick else 60)
    return figures


# --- the first synchronization, over HTTP


def _first_synchronization() -> dict[str, float | int]:
    with tempfile.TemporaryDirectory() as directory:
        consent_id, resource = _linked(Path(directory))
        with _bank_server(Path(directory)) as url:
            account = _account_at(resource)
            first, created = _timed_run(account, url, consent_id)
            second, again = _timed_run(account, url, consent_id)
    assert created == 10_000 and again == 0, (created, again)
    return {"first_10k_s": round(first, 2), "second_10k_s": round(second, 2)}


def _linked(directory: Path) -> tuple[str, dict[str, Any]]:
    """A consent of ``user_10k_tx``, given on the bank's own pages before the measuring begins."""
    from tests.sandbox.customer import Customer

    from nostro.sandbox.server import create_application

    application = create_application(directory, 42, "virtual")
    customer = Customer(application)
    consent_id = customer.link("user_10k_tx")
    [resource] = customer.accounts(consent_id)
    application.close()
    return consent_id, resource


@contextlib.contextmanager
def _bank_server(directory: Path) -> Iterator[str]:
    """The bank as a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "nostro.sandbox", "--port", str(port), "--data-dir", str(directory)]
    with subprocess.Popen(
        [*command, "--clock", "virtual"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as server:
        try:
            _wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def _wait_for(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise RuntimeError("the sandbox bank did not start")


def _account_at(resource: dict[str, Any]) -> Any:
    from nostro.core.transactions import Account as BankAccount
    from nostro.hub.accounts.services import upsert_accounts
    from nostro.hub.directory.models import Institution
    from nostro.hub.organizations.models import Organization

    shown = BankAccount(resource["resourceId"], resource["currency"], iban=resource["iban"])
    organization = Organization.objects.create(name="Company")
    institution = Institution.objects.create(name="Nostro Test Bank", folded_name="nostrotestbank")
    [account] = upsert_accounts(organization, uuid.uuid4(), [shown], institution, is_sandbox=True, now=_BANK_NOW)
    account.is_selected = True
    account.save()
    return account


def _timed_run(account: Any, url: str, consent_id: str) -> tuple[float, int]:
    from nostro.connectors.berlin_group import BerlinGroupConnector
    from nostro.connectors.contract import Configuration, ConnectionHandle, Consent
    from nostro.http import Door
    from nostro.http.door import DoorSettings
    from nostro.hub.sync import engine
    from nostro.hub.sync.bank import Bank
    from nostro.hub.sync.services import request_synchronization

    door = Door(DoorSettings(allow_loopback_http=True))
    connector = BerlinGroupConnector(door, lambda: _BANK_NOW, lambda: str(uuid.uuid4()))
    handle = ConnectionHandle(Configuration(url, "Nostro Test Bank"), Consent(consent_id, "valid"))
    begin = time.perf_counter()
    asked = request_synchronization(account, trigger="schedule", now=_BANK_NOW)
    done = engine.run(
        asked.pk,
        clock=lambda: _BANK_NOW,
        bank_opener=lambda account, clock: Bank(connector, handle, connector.identity, "berlin_group", 4, 1200),
    )
    seconds = time.perf_counter() - begin
    door.close()
    assert done is not None and done.status == "success", done and done.errors
    return seconds, done.created_count


# --- synchronizations with nothing new


def _idle_synchronizations(number: int) -> dict[str, float | int]:
    accounts = [_Account(number=100 + position, rows=_IDLE_ROWS) for position in range(20)]
    for account in accounts:
        account.synchronize()
    server = server_cpu_seconds()
    cpu, begin = time.process_time(), time.perf_counter()
    for position in range(number):
        accounts[position % len(accounts)].synchronize()
    wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
    server = server_cpu_seconds() - server
    return {
        "idle_syncs_per_s": round(number / wall, 1),
        "idle_sync_cpu_ms": round(cpu / number * 1000, 2),
        "idle_sync_wait_ms": round((wall - cpu) / number * 1000, 2),
        "idle_sync_server_cpu_ms": round(server / number * 1000, 2),
        **_messages_of_idle_sync(accounts[0]),
    }


def _messages_of_idle_sync(account: _Account) -> dict[str, float | int]:
    """What one such run says to PostgreSQL, and how long the shortest message there and back takes just now."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as sent:
        account.synchronize()
    begin = time.perf_counter()
    with connection.cursor() as cursor:
        for _ in range(200):
            cursor.execute("SELECT 1")
    return {
        "idle_sync_statements": len(sent),
        "idle_sync_commits": sum(query["sql"] == "COMMIT" for query in sent.captured_queries),
        "round_trip_ms": round((time.perf_counter() - begin) / 200 * 1000, 3),
    }


# --- a worker that waits


def _idle_worker(seconds: int) -> dict[str, float | int]:
    """A worker process watched for ``seconds``, and what its tasks of every minute cost, measured by themselves."""
    from django.db import connection

    _schedule_accounts(_SCHEDULED)
    address = os.environ.get("DATABASE_URL") or _address(connection.settings_dict)
    environment = {**os.environ, "DATABASE_URL": _with_name(address, connection.settings_dict["NAME"])}
    command = [sys.executable, "-c", "from nostro.cli.serve import serve_worker; serve_worker(8)"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as worker:
        try:
            _wait_until_quiet(worker)
            before, begin = _cpu_seconds(worker.pid), time.perf_counter()
            time.sleep(seconds)
            share = (_cpu_seconds(worker.pid) - before) / (time.perf_counter() - begin)
            assert worker.poll() is None, "the worker ended"
        finally:
            worker.terminate()
    return {
        "idle_cpu_percent": round((share + _cpu_of_each_minute() / 60) * 100, 2),
        "scheduled_accounts": _SCHEDULED,
    }


def _address(settings: dict[str, Any]) -> str:
    return f"postgresql://{settings['USER']}@/postgres?host={settings['HOST']}"


def _with_name(address: str, name: str) -> str:
    from urllib.parse import urlsplit, urlunsplit

    return urlunsplit(urlsplit(address)._replace(path=f"/{name}"))


def _wait_until_quiet(worker: subprocess.Popen[bytes]) -> None:
    """Until the worker has loaded its code and done what is to be done at the start."""
    time.sleep(3)
    last = _cpu_seconds(worker.pid)
    for _ in range(40):
        time.sleep(0.5)
        now = _cpu_seconds(worker.pid)
        if now - last < 0.05:
            return
        last = now


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _schedule_accounts(number: int) -> None:
    """Accounts of one company, each with a planned run that is not due."""
    from django.db import connection

    from nostro.hub.sync.schedule import schedule_of

    template = _Account(number=99, rows=1).row
    schedule_of(template)
    with connection.cursor() as cursor:
        for table, key in (("accounts_account", "id"), ("sync_schedule", "account_id")):
            cursor.execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", [table])
            names = [name for (name,) in cursor.fetchall()]
            made = {
                "id": "gen_random_uuid()",
                "account_key": "t.account_key || n",
                "next_run_at": "now() + interval '1 hour' + n * interval '1 second'",
            }
            if table == "sync_schedule":
                made["account_id"] = "a.id"
            values = ", ".join(made.get(name, f't."{name}"') for name in names)
            columns = ", ".join(f'"{name}"' for name in names)
            source = (
                f"generate_series(1, {number}) n"
                if table == "accounts_account"
                else "(SELECT id, row_number() OVER () n FROM accounts_account WHERE organization_id ="
                " (SELECT organization_id FROM sync_schedule s WHERE s.account_id = %s) AND id <> %s) a"
            )
            where = f'WHERE t."{key}" = %s'
            parameters = [template.pk] * (1 if table == "accounts_account" else 3)
            cursor.execute(
                f"INSERT INTO {table} ({columns}) SELECT {values} FROM {table} t, {source} {where}", parameters
            )
        cursor.execute(
            "UPDATE sync_schedule SET next_run_at = now() + interval '1 hour' WHERE account_id = %s", [template.pk]
        )
        cursor.execute("ANALYZE accounts_account, sync_schedule")


def _cpu_of_each_minute() -> float:
    from nostro.hub.sync.tasks import start_due, take_over_expired

    now = dt.datetime.now(dt.UTC)
    randomness = random.Random(1)
    begin = time.process_time()
    for _ in range(10):
        assert start_due(now, randomness) == 0
        take_over_expired(now)
    return (time.process_time() - begin) / 10
