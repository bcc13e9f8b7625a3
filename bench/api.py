"""The public API's hot page and its token endpoint, against a bare WSGI program.

The page is 100 transactions of an account with 1,000,000, token and grant looked up in the database each time. The
limit beside it is a WSGI function with psycopg and msgspec that sends the same statements over a connection of its
own and writes the same bytes, without routing, limits, errors, request ids or Django. Both run in this process, turn
by turn, so that neither has a warmer cache; CPU is this process's, and PostgreSQL's work is in the wall time.

Figures: ``page_cpu_ratio`` and ``page_wall_ratio`` (ours divided by bare), ``page_cpu_ms``, ``bare_cpu_ms``,
``page_p50_ms`` and ``page_p99_ms`` through granian over HTTP at 100 requests a second, ``last_page_ratio`` (CPU of the
last page divided by the first), ``token_per_s`` on one core, ``drf_ratio`` (CPU of the same page through Django REST
framework with its JSON:API package divided by ours), ``rows``.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import http.client
import io
import os
import queue
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from bench.scratch import scratch_database

ROWS = 1_000_000
QUICK_ROWS = 50_000
HOST = "127.0.0.1:8080"
RATE_PER_S = 100
_TOKEN_CALLS = 250
_TOKEN_CALLERS = 4


def run(*, quick: bool) -> dict[str, float | int]:
    """Measure; see the module's text for the figures."""
    with scratch_database():
        case = _prepare(QUICK_ROWS if quick else ROWS)
        figures = _compare(case, rounds=40 if quick else 120)
        figures |= _drf(case, figures["page_cpu_ms"])
        figures |= _over_http(case, seconds=4 if quick else 18)
        figures["token_per_s"] = _tokens(case)
        figures["rows"] = case.rows
        return figures


@dataclass
class _Case:
    """One integration with one large account. ``token`` is valid for the whole benchmark."""

    rows: int
    account_id: UUID
    client_id: str
    secret: str
    token: str = ""
    oldest_cursor: str = ""

    @property
    def target(self) -> str:
        return f"/accounts/{self.account_id}/transactions"


# --- the data -------------------------------------------------------------------------------------------------


def _prepare(rows: int) -> _Case:
    from django.db import connection

    from nostro.hub.integrations.services import create_integration
    from nostro.hub.integrations.tokens import issue_access_token
    from nostro.hub.organizations.models import Membership, Role
    from nostro.people.models import User

    account = _account()
    user = User.objects.create(email="bench@example.org")
    Membership.objects.create(organization=account.organization, user=user, role=Role.OWNER)
    now = dt.datetime.now(dt.UTC)
    integration, secret = create_integration(
        user, account.organization, name="Bench", account_ids=[account.id], is_sandbox=True, now=now
    )
    case = _Case(rows, account.id, integration.client_id, secret)
    with connection.cursor() as cursor:
        cursor.execute(_FILL, [account.organization_id, account.id, rows])
        cursor.execute("ANALYZE")
        cursor.execute("SELECT id::text FROM accounts_transaction WHERE sequence = 101")
        case.oldest_cursor = cursor.fetchone()[0]
    issued = issue_access_token(case.client_id, secret, "", now)
    assert issued is not None
    case.token = issued.token
    return case


def _account() -> Any:
    from nostro.core.transactions import Account as BankAccount
    from nostro.hub.accounts.services import upsert_accounts
    from nostro.hub.directory.models import Institution
    from nostro.hub.organizations.models import Organization
    from nostro.hub.sync.models import Synchronization

    now = dt.datetime.now(dt.UTC)
    bank = Institution.objects.create(name="Bank", folded_name="bank", time_zone="Europe/Brussels")
    [account] = upsert_accounts(
        Organization.objects.create(name="Company"),
        UUID(int=1),
        [BankAccount("resource", "EUR", iban="BE68539007547034")],
        bank,
        is_sandbox=True,
        now=now,
    )
    account.is_selected = True
    account.save()
    Synchronization.objects.create(
        organization_id=account.organization_id, account=account, status="success", trigger="schedule",
        created_at=now, updated_at=now, started_at=now, finished_at=now,
    )  # fmt: skip
    return account


# What a bank's rows look like, written by the server itself: a million through Python would be most of the run.
_FILL = """
    INSERT INTO accounts_transaction (id, organization_id, account_id, sequence, fingerprint, occurrence, absences,
        amount, currency, booking_date, value_date, entry_reference, end_to_end_id, counterpart_name,
        counterpart_reference, remittance_unstructured, remittance_structured, remittance_information,
        bank_transaction_code, digest, identity_references, content, mapping_version, created_at, updated_at)
    SELECT gen_random_uuid(), %s, %s, n, sha256(n::text::bytea), 1, 0, (n %% 9973) + 0.25, 'EUR',
        DATE '2024-01-01' + (n / 1300), DATE '2024-01-01' + (n / 1300), 'REF-' || n, 'E2E-' || n,
        'Café Élysée ' || n %% 500, 'BE' || lpad(n::text, 14, '0'), ARRAY['Invoice ' || n], '{}', 'Invoice ' || n,
        'PMNT-RCDT-ESCT', sha256(n::text::bytea), '{}', substr(sha256(n::text::bytea), 1, 16), 1, now(), now()
    FROM generate_series(1, %s) AS n
"""


# --- ours and the bare program, in this process ---------------------------------------------------------------


def _environ(case: _Case, query: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET", "PATH_INFO": case.target, "QUERY_STRING": query, "wsgi.url_scheme": "http",
        "HTTP_HOST": HOST, "REMOTE_ADDR": "127.0.0.1", "wsgi.input": io.BytesIO(), "CONTENT_LENGTH": "",
        "HTTP_AUTHORIZATION": f"Bearer {case.token}", "HTTP_ACCEPT": "application/json",
    }  # fmt: skip


def _call(application: Any, environ: dict[str, Any]) -> bytes:
    seen: list[str] = []
    body = b"".join(application(environ, lambda status, headers: seen.append(status)))
    assert seen == ["200 OK"], (seen, body[:300])
    return body


def _ours() -> Any:
    from nostro.hub.api.dispatcher import Dispatcher
    from nostro.hub.api.rate_limits import Limit
    from nostro.hub.api.request_log import Recorder

    # With the request log, whose thread counts as well. The buckets are only deep enough for a benchmark.
    deep = Limit(1e9, 1e9)
    return Dispatcher(lambda environ, start: [], requests=deep, token_calls=deep, record=Recorder().add)


def _compare(case: _Case, *, rounds: int) -> dict[str, float | int]:
    ours, bare = _ours(), Bare()
    first, last = "limit=100", f"after={case.oldest_cursor}&limit=100"
    for query in (first, last):
        assert _call(ours, _environ(case, query)) == _call(bare, _environ(case, query)), "the answers differ"
    cpu: dict[str, list[float]] = {"ours": [], "bare": [], "last": []}
    wall: dict[str, list[float]] = {"ours": [], "bare": [], "last": []}
    for turn in range(rounds + 3):
        for name, application, query in (("ours", ours, first), ("bare", bare, first), ("last", ours, last)):
            used, passed = _timed(lambda a=application, q=query: _call(a, _environ(case, q)), 15)
            if turn >= 3:  # what is loaded and planned on first use is not measured
                cpu[name].append(used)
                wall[name].append(passed)
    # The least of many turns: whatever else the machine does only ever adds to a turn.
    least = {name: min(values) for name, values in cpu.items()}
    return {
        "page_cpu_ratio": round(least["ours"] / least["bare"], 3),
        "page_wall_ratio": round(min(wall["ours"]) / min(wall["bare"]), 3),
        "page_cpu_ms": round(least["ours"] * 1000, 3),
        "bare_cpu_ms": round(least["bare"] * 1000, 3),
        "last_page_ratio": round(least["last"] / least["ours"], 3),
    }


def _timed(action: Callable[[], object], times: int) -> tuple[float, float]:
    """CPU and wall seconds of one ``action``."""
    used, passed = time.process_time(), time.perf_counter()
    for _ in range(times):
        action()
    return (time.process_time() - used) / times, (time.perf_counter() - passed) / times


class Bare:
    """The same look-ups and output, and nothing else: what any Python program behind WSGI must at least spend."""

    def __init__(self) -> None:
        import msgspec
        from django.db import connection

        from nostro.hub.api import reads
        from nostro.hub.integrations import queries

        self.connection = _own_connection(connection.settings_dict["NAME"])
        self.encoder = msgspec.json.Encoder(decimal_format="number")
        self.reads = reads
        self.grantee_sql = queries._GRANTEE
        self.state_sql = reads._ACCOUNT_STATE
        self.base = f"http://{HOST}"

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        from nostro.hub.integrations.credentials import token_checksum

        now = dt.datetime.now(dt.UTC)
        account_id = UUID(environ["PATH_INFO"].split("/")[2])
        query = parse_qs(environ["QUERY_STRING"])
        limit = int(query["limit"][0])
        with self.connection.cursor() as cursor:
            checksum = token_checksum(environ["HTTP_AUTHORIZATION"][7:])
            [integration_id, *_] = cursor.execute(self.grantee_sql, [now, checksum, now, False]).fetchone()
            state = cursor.execute(self.state_sql, [now, integration_id, account_id]).fetchone()
            rows, newer = self._rows(cursor, account_id, state[1], query, limit)
        body = self.encoder.encode(self._document(account_id, state, rows, limit, newer))
        start_response(
            "200 OK", [("Content-Type", "application/json; charset=utf-8"), ("Content-Length", str(len(body)))]
        )
        return [body]

    def _rows(
        self, cursor: Any, account_id: UUID, zone: str, query: dict[str, list[str]], limit: int
    ) -> tuple[list[Any], bool]:
        listing = self.reads.transactions("transaction", account_id, zone)
        head, _, tail = listing.select.partition("\nFROM ")
        where, arguments = listing.where, [*listing.select_arguments, *listing.arguments]
        after = query.get("after")
        if after:
            head += f", (SELECT {listing.cursor_listed} {listing.cursor})"
            where += f" AND (t.sequence) < ({listing.key_of_cursor()})"
            arguments = [*listing.select_arguments, account_id, after[0], *listing.arguments, account_id, after[0]]
        rows = cursor.execute(
            f"{head}, t.sequence\nFROM {tail} WHERE {where} AND {listing.visible} ORDER BY t.sequence DESC LIMIT %s",
            [*arguments, limit + 1],
        ).fetchall()
        return rows, bool(after and rows[0][-2])

    def _document(self, account_id: UUID, state: Any, rows: list[Any], limit: int, newer: bool) -> Any:
        from nostro.hub.api import documents as d

        address = f"{self.base}/accounts/{account_id}"
        build = self.reads.transaction_builder("transaction", str(account_id), self.base)
        data = [build(row) for row in rows[:limit]]
        links = {}
        if newer:
            links["prev"] = f"{address}/transactions?before={rows[0][0]}&limit={limit}"
        older = rows[limit - 1][0] if len(rows) > limit else None
        if older:
            links["next"] = f"{address}/transactions?after={older}&limit={limit}"
        meta = d.PageMeta(
            d.Paging(limit, rows[0][0] if newer else None, older), state[2], self.reads.synchronization(state[6:14])
        )
        return d.Page(data, meta, d.PageLinks(f"{address}/transactions?limit={limit}", **links))


def _own_connection(name: str) -> Any:
    import psycopg
    from django.db import connection

    values = connection.get_connection_params()
    parts = {key: values[key] for key in ("host", "port", "user", "password") if values.get(key)}
    return psycopg.connect(**parts, dbname=name, autocommit=True, prepare_threshold=2)


# --- tokens ---------------------------------------------------------------------------------------------------


def _tokens(case: _Case) -> int:
    """Tokens a second of one process, which Python keeps to one core. Several callers, because each call waits for
    PostgreSQL to write it down."""
    from django.db import connection

    application = _ours()
    pair = base64.b64encode(f"{case.client_id}:{case.secret}".encode()).decode()

    def call() -> None:
        body = b"grant_type=client_credentials"
        _call(
            application,
            {
                "REQUEST_METHOD": "POST", "PATH_INFO": "/oauth2/token", "QUERY_STRING": "",
                "wsgi.url_scheme": "http", "HTTP_HOST": HOST, "REMOTE_ADDR": "127.0.0.1",
                "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body)),
                "CONTENT_TYPE": "application/x-www-form-urlencoded", "HTTP_AUTHORIZATION": f"Basic {pair}",
            },
        )  # fmt: skip

    def caller() -> None:
        try:
            _timed(call, _TOKEN_CALLS)
        finally:
            connection.close()

    _timed(call, 50)
    threads = [threading.Thread(target=caller) for _ in range(_TOKEN_CALLERS)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return round(_TOKEN_CALLS * _TOKEN_CALLERS / (time.perf_counter() - begin))


# --- over HTTP ------------------------------------------------------------------------------------------------


def _over_http(case: _Case, *, seconds: int) -> dict[str, float | int]:
    """Requests leave at fixed times whether or not earlier ones are answered, so waiting counts as latency."""
    with _served() as port:
        _fetch(case, http.client.HTTPConnection("127.0.0.1", port, timeout=10))
        due: queue.Queue[float | None] = queue.Queue()
        latencies: list[float] = []
        threads = [threading.Thread(target=_client, args=(case, port, due, latencies)) for _ in range(8)]
        for thread in threads:
            thread.start()
        begin = time.perf_counter() + 0.1
        for number in range(RATE_PER_S * seconds):
            at = begin + number / RATE_PER_S
            time.sleep(max(at - time.perf_counter(), 0))
            due.put(at)
        for _ in threads:
            due.put(None)
        for thread in threads:
            thread.join()
    assert len(latencies) == RATE_PER_S * seconds, f"{len(latencies)} answers"
    cuts = statistics.quantiles(latencies[RATE_PER_S:], n=100)  # the first second warms the server up
    return {"page_p50_ms": round(cuts[49] * 1000, 2), "page_p99_ms": round(cuts[98] * 1000, 2)}


def _client(case: _Case, port: int, due: queue.Queue[float | None], latencies: list[float]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    while (at := due.get()) is not None:
        _fetch(case, connection)
        latencies.append(time.perf_counter() - at)


def _fetch(case: _Case, connection: http.client.HTTPConnection) -> None:
    connection.request("GET", f"{case.target}?limit=100", headers={"Authorization": f"Bearer {case.token}"})
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, body[:300]


@contextlib.contextmanager
def _served() -> Iterator[int]:
    """The web process as ``nostro web`` runs it, on this benchmark's database."""
    from django.db import connection
    from psycopg.conninfo import make_conninfo

    values = connection.get_connection_params()
    parts = {key: values[key] for key in ("host", "port", "user", "password") if values.get(key)}
    query = "&".join(f"{key}={value}" for key, value in parts.items() if key in {"host", "port"})
    assert make_conninfo(**parts)
    url = f"postgresql://{parts.get('user', '')}@/{values['dbname']}?{query}"
    if parts.get("password"):
        url = url.replace("@/", f":{parts['password']}@/", 1)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--blocking-threads", "8", "--no-ws", "--log-level", "error", "nostro.web.wsgi:application"],
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "nostro.web.settings"},
    )
    try:
        _wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        assert process.poll() is None, "the server ended"
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        time.sleep(0.1)
    raise AssertionError("the server does not listen")


# --- Django REST framework ------------------------------------------------------------------------------------


def _drf(case: _Case, ours_ms: float) -> dict[str, float]:
    """The same page through Django REST framework and its JSON:API package, where they are installed."""
    try:
        from bench.peers.drf import page_of
    except ImportError as missing:
        print(f"drf_ratio is skipped: {missing}", file=sys.stderr)
        return {}
    fetch = page_of(case.account_id, case.token)
    body = fetch()
    assert body.count(b"endToEndId") == 100, body[:300]
    used = min(_timed(fetch, 10)[0] for _ in range(4))
    return {"drf_ratio": round(used * 1000 / ours_ms, 1)}
