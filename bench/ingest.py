"""From a bank's page to stored rows: new and known transactions a second of one worker, against bare COPY + upsert.

Pages are the JSON text that a Berlin Group bank sends, 100 rows each. A run goes through all of the engine: lease,
quota, sealed raw answers, mapping, identity, storing, balance proof, events. The limit beside it writes the same
values of the same rows, ready made, by COPY to a temporary table and INSERT … SELECT … ON CONFLICT into a table with
the same columns, constraints and indexes.

Figures: ``new_per_s``, ``known_per_s``, ``bare_per_s``, ``copy_ratio`` (ours new divided by bare). The same by
processor time, this process and its PostgreSQL backend together, for machines that do other work meanwhile:
``new_per_cpu_s``, ``known_per_cpu_s``. ``small_rss_mb`` and ``peak_rss_mb`` are the most memory of this process after
an account of ``small_rows`` and after the largest one, of ``rows``, which was read twice: new, then known.
"""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import resource
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from operator import attrgetter
from pathlib import Path
from typing import Any

from bench.scratch import scratch_database

PAGE_ROWS = 100
QUICK_ROWS = 20_000
#: Beyond this the pages of a chain are more than a bank may send (connectors.md 1.1.4), so pages grow.
FULL_ROWS = 100_000
LARGEST_ROWS = 500_000
NOW = dt.datetime(2026, 11, 2, 9, 0, tzinfo=dt.UTC)
_NAMES = ("Bakkerij Peeters", "Atelier Nord", "Müller & Söhne GmbH", "Café Élysée", "Vandenberghe NV", "Aqua Services")


def run(*, quick: bool) -> dict[str, float | int]:
    """Measure; see the module's text for the figures."""
    with scratch_database():
        rows = QUICK_ROWS if quick else FULL_ROWS
        # The first run also loads code and plans statements, so it is not measured.
        _Account(number=0, rows=1_000).synchronize()
        account = _Account(number=1, rows=rows)
        new = account.synchronize()
        known = min((account.synchronize() for _ in range(2)), key=attrgetter("wall_s"))
        bare = _bare(account, QUICK_ROWS) * rows / QUICK_ROWS
        small = _peak_rss_mb()
        largest = rows if quick else LARGEST_ROWS
        if not quick:
            many = _Account(number=2, rows=largest, page_rows=1_000)
            many.synchronize()
            many.synchronize()
        return {
            "new_per_s": round(rows / new.wall_s),
            "known_per_s": round(rows / known.wall_s),
            "new_per_cpu_s": round(rows / new.cpu_s),
            "known_per_cpu_s": round(rows / known.cpu_s),
            "bare_per_s": round(rows / bare),
            "copy_ratio": round(bare / new.wall_s, 3),
            "small_rss_mb": small,
            "small_rows": rows,
            "peak_rss_mb": _peak_rss_mb(),
            "rows": largest,
        }


def _peak_rss_mb() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run took without the bank's share: seconds by the clock, and of processors (ours and PostgreSQL's)."""

    wall_s: float
    client_cpu_s: float
    server_cpu_s: float

    @property
    def cpu_s(self) -> float:
        """Both processes together."""
        return self.client_cpu_s + self.server_cpu_s


def server_cpu_seconds() -> float:
    """Processor seconds that this connection's PostgreSQL backend has taken; 0 where it runs elsewhere."""
    from django.db import connection

    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def page_text(first: int, rows: int, following: str | None) -> bytes:
    """One page as a Berlin Group bank sends it; ``first`` numbers its rows, older ones have higher numbers."""
    links = {"next": {"href": following}} if following else {}
    report = {"booked": [_row(number) for number in range(first, first + rows)], "_links": links}
    return json.dumps({"account": {"iban": "BE68539007547034"}, "transactions": report}).encode()


def _row(number: int) -> dict[str, Any]:
    # Newest first, as banks list them; the largest account has 385 days.
    day = (NOW.date() - dt.timedelta(days=number // 1_300)).isoformat()
    name = _NAMES[number % len(_NAMES)]
    credit = number % 3 == 0
    side = "debtor" if credit else "creditor"
    return {
        "transactionId": f"T{number:010}",
        "entryReference": f"REF-2026-{number:010}",
        "endToEndId": f"E2E-{number:08}",
        "bookingDate": day,
        "valueDate": day,
        "transactionAmount": {"currency": "EUR", "amount": f"{'' if credit else '-'}{number % 9973}.{number % 100:02}"},
        f"{side}Name": f"{name} {number % 500}",
        f"{side}Account": {"iban": f"BE{number % 97:02}{number % 10**12:012}"},
        "remittanceInformationUnstructured": f"Invoice {number} of {day}, thank you for your order at {name}",
        "bankTransactionCode": "PMNT-RCDT-ESCT" if credit else "PMNT-ICDT-ESCT",
    }


class _Connector:
    """The Berlin Group connector with its mapping, fed with ready pages instead of answers from a network."""

    def __init__(self, rows: int, page_rows: int) -> None:
        from nostro.connectors.berlin_group.connector import BerlinGroupConnector

        self.info = BerlinGroupConnector.info
        self.identity = BerlinGroupConnector.identity
        self.rows, self.page_rows = rows, page_rows
        self.waiting_s = self.cpu_s = 0.0

    def identity_for(self, configuration: Any) -> Any:
        return self.identity

    def get_balances(self, connection: Any, account: Any, psu: Any) -> Any:
        from nostro.connectors.contract import RawAnswer
        from nostro.core.transactions import Balance

        raw = RawAnswer("https://bank.example/balances", 200, "application/json", b"{}", "request")
        return (Balance("interimBooked", Decimal("1000.00"), "EUR", reference_date=NOW.date()),), raw

    def list_transactions(  # noqa: PLR0917 - the names of connectors.md 1.2
        self, connection: Any, account: Any, window: Any, booking_status: str, psu: Any, next_page: str | None = None
    ) -> Any:
        from nostro.connectors.contract import RawAnswer

        begin, cpu = time.perf_counter(), time.process_time()
        first = int(next_page or 0)
        following = first + self.page_rows
        more = following < self.rows
        body = page_text(first, min(self.page_rows, self.rows - first), f"/page/{following}" if more else None)
        # Making the bank's text is the bank's work.
        self.waiting_s += time.perf_counter() - begin
        self.cpu_s += time.process_time() - cpu
        raw = RawAnswer("https://bank.example/transactions", 200, "application/json", body, "request")
        page = self.map_transactions(raw, window)
        return replace(page, next=str(following) if more else None, complete=not more)

    def map_transactions(self, raw: Any, window: Any) -> Any:
        from nostro.connectors.berlin_group.transactions import map_transactions

        return map_transactions(raw, window)


@dataclass
class _Account:
    """An account of an organization of its own, at a bank that shows ``rows`` transactions."""

    number: int
    rows: int
    page_rows: int = PAGE_ROWS

    def __post_init__(self) -> None:
        from nostro.core.transactions import Account as BankAccount
        from nostro.hub.accounts.services import upsert_accounts
        from nostro.hub.directory.models import Institution
        from nostro.hub.organizations.models import Organization

        self.connector = _Connector(self.rows, self.page_rows)
        [self.row] = upsert_accounts(
            Organization.objects.create(name=f"Company {self.number}"),
            uuid.uuid4(),
            [BankAccount("resource", "EUR", iban="BE68539007547034")],
            Institution.objects.create(name="Bank", folded_name="bank"),
            is_sandbox=True,
            now=NOW,
        )
        self.row.is_selected = True
        self.row.save()

    def synchronize(self) -> Cost:
        """One run that reads the whole history; returns what it cost without the bank's share."""
        from nostro.hub.sync import engine
        from nostro.hub.sync.services import request_synchronization

        # Nothing covered yet, so that the run asks for everything.
        self.row.covered_from = self.row.covered_to = None
        self.row.save(update_fields=["covered_from", "covered_to"])
        asked = request_synchronization(self.row, trigger="schedule", subtype="accountTransactions", now=NOW)
        self.connector.waiting_s = self.connector.cpu_s = 0.0
        server = server_cpu_seconds()
        begin, cpu = time.perf_counter(), time.process_time()
        done = engine.run(asked.id, clock=lambda: NOW, bank_opener=self._open)
        cost = Cost(
            time.perf_counter() - begin - self.connector.waiting_s,
            time.process_time() - cpu - self.connector.cpu_s,
            server_cpu_seconds() - server,
        )
        assert done is not None and done.status == "success", done and done.errors
        assert done.created_count + done.known_count == self.rows, (done.created_count, done.known_count)
        return cost

    def _open(self, account: Any, clock: Any) -> Any:
        from nostro.connectors.contract import Configuration, ConnectionHandle, Consent
        from nostro.hub.sync.bank import Bank

        handle = ConnectionHandle(Configuration("https://bank.example", "Bank"), Consent("consent", "valid"))
        return Bank(self.connector, handle, self.connector.identity, "berlin_group", None, 400)  # type: ignore[arg-type]


def _bare(account: _Account, number: int) -> float:
    """Seconds for ``number`` of the same rows by COPY to a temporary table and one upsert.

    Not more of them, because they are held ready in memory, which is measured too.
    """
    from django.db import connection, transaction

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bare_transaction (LIKE accounts_transaction INCLUDING ALL)")
        cursor.execute("SELECT * FROM accounts_transaction WHERE account_id = %s LIMIT %s", [account.row.pk, number])
        names = [column.name for column in cursor.description]
        rows = cursor.fetchall()
    columns = ", ".join(f'"{name}"' for name in names)
    changes = ", ".join(f'"{name}" = excluded."{name}"' for name in names if name != "id")
    begin = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE incoming (LIKE accounts_transaction) ON COMMIT DROP")
        with cursor.copy(f"COPY incoming ({columns}) FROM STDIN") as copy:
            for row in _copyable(rows, names):
                copy.write_row(row)
        cursor.execute(
            f"INSERT INTO bare_transaction AS t ({columns}) SELECT {columns} FROM incoming ON CONFLICT (id) DO UPDATE"
            f" SET {changes} WHERE t IS DISTINCT FROM excluded"
        )
    return time.perf_counter() - begin


def _copyable(rows: Sequence[Sequence[Any]], names: Sequence[str]) -> Iterator[Sequence[Any]]:
    exchange = names.index("currency_exchange")
    assert all(row[exchange] is None for row in itertools.islice(rows, 1))
    return iter(rows)
