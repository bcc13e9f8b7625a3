"""From a Hub's page to posted, grouped and proven lines: lines a second of one worker, against bare SQL.

Pages are the JSON text that a Hub sends, 100 transactions each. A fetch goes through all of the Books: lease, client
with token and reading of JSON, the raw store, identity, lines with their entries and aliases, statements, the
balance proof and the commit point. The limit beside it writes the same rows of line, entry, items and alias, ready made
and with other ids, by COPY into the same tables with their constraints, and commits every 500 lines as the import does.

Figures: ``lines_per_s`` of a whole first fetch without the Hub's share, ``import_lines_per_s`` of its import alone
(lines, entries, aliases, statements, proof), ``bare_per_s``, ``sql_ratio`` (bare seconds divided by those of the whole
fetch), ``idle_fetch_cpu_ms`` of this process for a fetch that reads the overlap of ten days and finds nothing new, and
``rows``, the lines of the largest journal.
"""

from __future__ import annotations

import datetime as dt
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from bench.scratch import scratch_database

PAGE_ROWS = 100
QUICK_ROWS = 10_000
FULL_ROWS = 50_000
BATCH = 500
ROWS_PER_DAY = 20
IDLE_FETCHES = 10
NOW = dt.datetime(2026, 11, 2, 9, 0, tzinfo=dt.UTC)
_NAMES = ("Bakkerij Peeters", "Atelier Nord", "Müller & Söhne GmbH", "Café Élysée", "Vandenberghe NV", "Aqua Services")


def run(*, quick: bool) -> dict[str, float | int]:
    """Measure; see the module's text for the figures."""
    from nostro.web.memory import collect_seldom

    with scratch_database():
        rows = QUICK_ROWS if quick else FULL_ROWS
        # The first fetch also loads code and plans statements, so it is not measured.
        _Journal(number=0, rows=1_000).fetch()
        collect_seldom()  # as every worker does
        journal = _Journal(number=1, rows=rows)
        whole, importing = journal.fetch()
        idle_ms = min(journal.fetch_idle() for _ in range(IDLE_FETCHES))
        bare = _bare(journal)
        return {
            "lines_per_s": round(rows / whole),
            "import_lines_per_s": round(rows / importing),
            "bare_per_s": round(rows / bare),
            "sql_ratio": round(bare / whole, 3),
            "idle_fetch_cpu_ms": round(idle_ms, 1),
            "rows": rows,
        }


@dataclass
class _Hub:
    """Answers as the door would, with pages made of numbers; ``spent_s`` is the time it took to make them."""

    rows: int
    account_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    spent_s: float = 0.0
    spent_cpu_s: float = 0.0

    def request(self, method: str, url: str, **options: Any) -> Any:
        from nostro.http.door import Answer

        begin, begin_cpu = time.perf_counter(), time.process_time()
        body = json.dumps(self._answer(url)).encode()
        self.spent_s += time.perf_counter() - begin
        self.spent_cpu_s += time.process_time() - begin_cpu
        return Answer(200, {"content-type": "application/json"}, body, url, options.get("request_id", ""))

    def _answer(self, url: str) -> dict[str, Any]:
        path, _, query = url.removeprefix("https://hub.example").partition("?")
        if path == "/oauth2/token":
            return {"access_token": "token", "expires_in": 1799}
        if path.endswith("/pending-transactions"):
            return {"data": [], "links": {}}
        if not path.endswith("/transactions"):
            return {"data": self._account()}
        after = next((part[6:] for part in query.split("&") if part.startswith("after=")), "")
        first = (uuid.UUID(after).int & ((1 << 62) - 1)) + 1 if after else 0
        last = min(first + PAGE_ROWS, self.rows)
        links = {"next": f"https://hub.example{path}?after=x"} if last < self.rows else {}
        return {"data": [self._transaction(number) for number in range(first, last)], "links": links}

    def _account(self) -> dict[str, Any]:
        return {
            "id": self.account_id,
            "type": "account",
            "attributes": {
                "reference": "BE68539007547034", "referenceType": "IBAN", "currency": "EUR", "subtype": "checking",
                "currentBalance": 1000, "currentBalanceReferenceDate": f"{NOW:%Y-%m-%d}T00:00:00Z",
                "availableBalance": 1000,
            },
            "meta": {"synchronizedAt": NOW.isoformat(), "availability": "available"},
        }  # fmt: skip

    def _transaction(self, number: int) -> dict[str, Any]:
        # Newest first: number 0 is the newest.
        day = f"{NOW.date() - dt.timedelta(days=number // ROWS_PER_DAY):%Y-%m-%d}T00:00:00.000Z"
        name = _NAMES[number % len(_NAMES)]
        sign = 1 if number % 3 == 0 else -1
        return {
            "id": str(uuid.UUID(int=(7 << 76) | (2 << 62) | number)),
            "type": "transaction",
            "attributes": {
                "executionDate": day,
                "valueDate": day,
                "currency": "EUR",
                "amount": sign * (number % 9973 + 1),
                "counterpartName": f"{name} {number % 500}",
                "counterpartReference": f"BE{number % 97:02}{number % 10**12:012}",
                "remittanceInformation": f"Invoice {number}, thank you for your order at {name}",
                "remittanceInformationType": "unstructured",
                "endToEndId": f"E2E-{number:08}",
                "bankTransactionCode": "PMNT-RCDT-ESCT",
                "internalReference": f"REF-2026-{number:010}",
            },
        }


@dataclass
class _Journal:
    """A journal of a company of its own, fed by a Hub that shows ``rows`` transactions."""

    number: int
    rows: int
    now: dt.datetime = NOW

    def __post_init__(self) -> None:
        from nostro.books.companies.services import create_company
        from nostro.books.journals.services import create_journal
        from nostro.books.links.models import Connection, JournalLink, OnlineAccount
        from nostro.people.models import User

        user = User.objects.create_user(f"bench{self.number}@example.test")
        company = create_company(user, name=f"Company {self.number}", country="BE")
        self.hub = _Hub(self.rows)
        connection = Connection.objects.create(
            company=company, hub_url="https://hub.example", client_id=str(self.number), sealed_secret=b"",
            secret_set_at=NOW,
        )  # fmt: skip
        self.journal = create_journal(user, company, name="Bank", currency="EUR", account_number="BE68539007547034")
        self.journal.grouping, self.journal.opening_origin = "monthly", "computed"
        self.journal.save()
        self.account = OnlineAccount.objects.create(
            company=company, connection=connection, identity="IBAN:BE68539007547034|EUR",
            hub_account_id=self.hub.account_id, reference="BE68539007547034", currency="EUR",
        )  # fmt: skip
        JournalLink.objects.create(
            company=company, online_account=self.account, journal=self.journal, fetch_from=dt.date(1990, 1, 1),
            linked_at=NOW,
        )  # fmt: skip

    def fetch(self) -> tuple[float, float]:
        """One fetch; its seconds without the Hub's share, and those of import, statements and proof alone."""
        timed = _TimedImport()
        self.hub.spent_s = 0.0
        begin = time.perf_counter()
        with timed:
            done = self._run()
        whole = time.perf_counter() - begin - self.hub.spent_s
        self.journal.refresh_from_db()
        assert (done.status, done.new_count) == ("done", self.rows), (done.status, done.new_count, done.error_code)
        assert self.journal.proof == "green", self.journal.proof
        return whole, timed.seconds

    def fetch_idle(self) -> float:
        """One fetch that finds nothing new; its milliseconds of CPU without the Hub's share."""
        self.hub.spent_cpu_s = 0.0
        begin = time.process_time()
        done = self._run()
        spent = time.process_time() - begin - self.hub.spent_cpu_s
        assert (done.status, done.new_count) == ("done", 0)
        return spent * 1_000

    def _run(self) -> Any:
        from nostro.books.hub_client.client import Client
        from nostro.books.links.fetching import run_fetch
        from nostro.books.links.models import Run

        run = Run.objects.create(company_id=self.account.company_id, online_account=self.account, trigger="link")
        # An hour passes between two fetches, as on a schedule.
        self.now += dt.timedelta(hours=1)
        client = Client(self.hub, "https://hub.example", "id", "secret", monotonic=time.monotonic)  # type: ignore[arg-type]
        return run_fetch(run.id, clock=lambda: self.now, client_for=lambda connection: client)


class _TimedImport:
    """Sums the seconds that the destination takes, for the time of the block."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __enter__(self) -> None:
        from nostro.books.destinations.builtin import BuiltinLedger

        self.real = (BuiltinLedger.import_batch, BuiltinLedger.close_run)
        BuiltinLedger.import_batch, BuiltinLedger.close_run = map(self._timed, self.real)  # type: ignore[method-assign]

    def __exit__(self, *error: object) -> None:
        from nostro.books.destinations.builtin import BuiltinLedger

        BuiltinLedger.import_batch, BuiltinLedger.close_run = self.real  # type: ignore[method-assign]

    def _timed(self, verb: Any) -> Any:
        def timed(*args: Any, **kwargs: Any) -> Any:
            begin = time.perf_counter()
            try:
                return verb(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - begin

        return timed


#: Flips one random bit of an id, so that a copied row is another row with as good a place in the index.
_OTHER = 1 << 61
#: (table, what orders and selects its rows by line, the columns that hold ids of copied rows)
_TABLES = (
    ("ledger_entry", "JOIN journals_line l ON l.entry_id = t.id", ("id",)),
    ("ledger_entryitem", "JOIN journals_line l ON l.entry_id = t.entry_id", ("id", "entry_id")),
    ("journals_line", "JOIN journals_line l ON l.id = t.id", ("id", "entry_id")),
    ("journals_alias", "JOIN journals_line l ON l.id = t.line_id", ("line_id",)),
)


def _bare(journal: _Journal) -> float:
    """Seconds to write the same balanced rows again under other ids, by COPY, 500 lines a transaction."""
    from django.db import connection, transaction

    ready = [_ready_rows(journal, *table) for table in _TABLES]
    begin = time.perf_counter()
    for first in range(0, journal.rows, BATCH):
        with transaction.atomic(), connection.cursor() as cursor:
            for statement, rows in ready:
                share = len(rows) // journal.rows * BATCH
                start = first // BATCH * share
                with cursor.copy(statement) as copy:
                    for row in rows[start : start + share]:
                        copy.write_row(row)
    return time.perf_counter() - begin


def _ready_rows(journal: _Journal, table: str, join: str, ids: tuple[str, ...]) -> tuple[str, list[list[Any]]]:
    """A COPY statement and its rows, in the order of the lines."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT t.* FROM {table} t {join} WHERE l.journal_id = %s ORDER BY l.order_date, l.day_seq, l.id",
            [journal.journal.pk],
        )
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    assert len(rows) % journal.rows == 0
    if table == "journals_alias":
        names.remove("id")
    for row in rows:
        row |= {name: uuid.UUID(int=row[name].int ^ _OTHER) for name in ids}
        if table == "journals_alias":
            row["external_id"] = f"copy-{row['external_id']}"
    columns = ", ".join(f'"{name}"' for name in names)
    return f"COPY {table} ({columns}) FROM STDIN", [[row[name] for name in names] for row in rows]
