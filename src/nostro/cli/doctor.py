"""``nostro doctor``: looks at everything an installation needs and explains what is wrong, in words."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from nostro.cli.installation import BANK_PORT, WEB_PORT, console, set_up_django, uses_embedded_database
from nostro.web import database

OLDEST_POSTGRESQL = 150_000
CLOCK_TOLERANCE_S = 5
LEAST_FREE_DISK = 1 << 30
WORKER_SILENCE_S = 60
CERTIFICATE_NOTICE = dt.timedelta(days=30)


@dataclass(frozen=True)
class Finding:
    """What was looked at and what it means. ``advice`` says what to do, where something is to be done."""

    subject: str
    state: Literal["good", "warning", "bad"]
    sentence: str
    advice: str = ""


def run() -> int:
    """Print every finding; exit status 1 if one of them is bad."""
    marks = {"good": "[green]✓ good   [/]", "warning": "[yellow]! warning[/]", "bad": "[red]✗ bad    [/]"}
    worst = 0
    for finding in examine():
        console.print(f"{marks[finding.state]} {finding.subject}: {finding.sentence}")
        if finding.advice:
            console.print(f"            → {finding.advice}")
        worst = max(worst, finding.state == "bad")
    return worst


def examine() -> Iterator[Finding]:
    """All findings in the order in which faults cause each other."""
    yield _guarded("data directory", _data_directory)
    found = _guarded("database", _database)
    yield found
    if found.state != "bad":
        set_up_django()
        for subject, look in (
            ("migrations", _migrations),
            ("clock", _clock),
            ("keys", _keys),
            ("certificates", _certificates),
            ("worker", _worker),
            ("jobs", _jobs),
            ("audit log", _audit_log),
        ):
            yield _guarded(subject, look)
    yield _guarded("web pages", lambda: _port("web pages", "NOSTRO_PORT", WEB_PORT))
    yield _guarded("sandbox bank", lambda: _port("sandbox bank", "NOSTRO_SANDBOX_PORT", BANK_PORT))


def _guarded(subject: str, look: Callable[[], Finding]) -> Finding:
    """A look that fails is itself a finding."""
    try:
        return look()
    except Exception as error:
        return Finding(subject, "bad", f"could not be examined: {error}", "Read the log, or ask with this sentence.")


def _data_directory() -> Finding:
    directory = database.data_directory()
    if not directory.exists():
        return Finding(
            "data directory", "warning", f"{directory} does not exist yet.", "./nostro up makes it on the first start."
        )
    if not os.access(directory, os.W_OK):
        return Finding(
            "data directory", "bad", f"{directory} cannot be written.", f"Give it to this user: chown {directory}"
        )
    free = shutil.disk_usage(directory).free
    if free < LEAST_FREE_DISK:
        return Finding("data directory", "warning", f"only {free >> 20} MiB are free.", "Make room on this disk.")
    return Finding("data directory", "good", f"{directory}, {free >> 30} GiB free.")


def _database() -> Finding:
    import psycopg

    kind = "embedded" if uses_embedded_database() else "server"
    try:
        with psycopg.connect(database.database_url(), connect_timeout=5) as connection:
            version = connection.info.server_version
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        advice = (
            "It runs while ./nostro up runs: start that."
            if kind == "embedded"
            else "Check DATABASE_URL, the server, and the network between."
        )
        return Finding("database", "bad", f"the {kind} PostgreSQL does not answer ({reason}).", advice)
    if version < OLDEST_POSTGRESQL:
        return Finding("database", "bad", f"PostgreSQL {version // 10000} is too old.", "Use PostgreSQL 15 or later.")
    return Finding("database", "good", f"PostgreSQL {version // 10000} ({kind}) answers.")


def _migrations() -> Finding:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    waiting = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    if waiting:
        return Finding("migrations", "bad", f"{waiting} have not been applied.", "Run ./nostro migrate.")
    return Finding("migrations", "good", "the database is up to date.")


def _clock() -> Finding:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (there,) = cursor.fetchone()
    difference = abs((dt.datetime.now(dt.UTC) - there).total_seconds())
    if difference > CLOCK_TOLERANCE_S:
        return Finding(
            "clock",
            "warning",
            f"this machine and the database differ by {difference:.0f} s.",
            "Let both follow the same time server: schedules and quotas depend on it.",
        )
    return Finding("clock", "good", f"agrees with the database, {dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC.")


def _keys() -> Finding:
    from nostro.web.secrets import open_sealed, seal

    if open_sealed(seal(b"doctor", context="doctor"), context="doctor") != b"doctor":
        return Finding("keys", "bad", "what was sealed could not be opened.", "Restore the master key from the backup.")
    return Finding("keys", "good", "secrets can be sealed and opened.")


def _certificates() -> Finding:
    """Those by which banks know the operator; an installation needs none until it reaches a real bank itself."""
    from nostro.hub.linking.certificates import operator_certificates

    found, now = operator_certificates(), dt.datetime.now(dt.UTC)
    if found.identity.problem:
        return Finding("certificates", "bad", found.identity.problem, "Correct the NOSTRO_TPP settings.")
    if not found.expiries:
        return Finding("certificates", "good", "none are set; only banks that want none can be reached.")
    use, last = min(found.expiries.items(), key=lambda item: item[1])
    if last <= now:
        return Finding("certificates", "bad", f"the one for {use} expired on {last:%Y-%m-%d}.", "Renew it now.")
    if last - now < CERTIFICATE_NOTICE:
        return Finding("certificates", "warning", f"the one for {use} ends on {last:%Y-%m-%d}.", "Renew it.")
    return Finding("certificates", "good", f"good until {last:%Y-%m-%d}.")


def _worker() -> Finding:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), EXTRACT(epoch FROM now() - max(last_heartbeat)) FROM procrastinate_workers")
        count, silence = cursor.fetchone()
    if not count or silence > WORKER_SILENCE_S:
        return Finding(
            "worker", "bad", "none is alive: nothing is synchronized.", "Start one: ./nostro up, or ./nostro worker."
        )
    return Finding("worker", "good", f"{count} known, last heard {silence:.0f} s ago.")


def _jobs() -> Finding:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE status = 'todo' AND coalesce(scheduled_at, now()) < now() - "
            "interval '10 minutes'), count(*) FILTER (WHERE status = 'failed') FROM procrastinate_jobs"
        )
        late, failed = cursor.fetchone()
    if late:
        return Finding(
            "jobs", "warning", f"{late} wait for more than ten minutes.", "Start more workers, or look at their log."
        )
    if failed:
        return Finding("jobs", "warning", f"none waits; {failed} failed earlier.", "The worker's log says why.")
    return Finding("jobs", "good", "none waits too long.")


def _audit_log() -> Finding:
    from nostro.people.audit_chain import verify_chain

    verdict = verify_chain()
    if not verdict.holds:
        return Finding(
            "audit log",
            "bad",
            f"the chain is broken at record {verdict.broken_at}: {verdict.reason}.",
            "Somebody changed the database past Nostro: compare with a backup, and find out who had access.",
        )
    sentence = f"{verdict.checked} records verify, {verdict.unsealed} wait to be sealed; head {verdict.head[:16]}."
    return Finding("audit log", "good", sentence)


def _port(purpose: str, variable: str, default: int) -> Finding:
    port = int(os.environ.get(variable, default))
    with socket.socket() as probe:
        probe.settimeout(2)
        answers = probe.connect_ex(("127.0.0.1", port)) == 0
    if answers:
        return Finding(purpose, "good", f"something listens on port {port}.")
    return Finding(purpose, "warning", f"nothing listens on port {port}.", "./nostro up starts it.")
