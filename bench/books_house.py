"""What the benchmarks of the Books read from: a Hub that answers as the door would, and journals that it feeds."""

from __future__ import annotations

import datetime as dt
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

PAGE_ROWS = 100
NOW = dt.datetime(2026, 11, 2, 9, 0, tzinfo=dt.UTC)
_NAMES = ("Bakkerij Peeters", "Atelier Nord", "Müller & Söhne GmbH", "Café Élysée", "Vandenberghe NV", "Aqua Services")


@dataclass
class Hub:
    """Answers as the door would, with pages made of numbers; ``spent_s`` is the time it took to make them.

    Transactions are numbered from the oldest, ``per_day`` of them a day. Of all ``rows`` the Hub shows the ``shown``
    oldest, so that it can show more later.
    """

    rows: int
    per_day: int = 20
    shown: int = 0
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
        end = uuid.UUID(after).int & ((1 << 62) - 1) if after else self.shown or self.rows
        first = max(0, end - PAGE_ROWS)
        links = {"next": f"https://hub.example{path}?after=x"} if first else {}
        return {"data": [self._transaction(number) for number in range(end - 1, first - 1, -1)], "links": links}

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
        age = dt.timedelta(days=(self.rows - 1 - number) // self.per_day)
        day = f"{NOW.date() - age:%Y-%m-%d}T00:00:00.000Z"
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
class Journal:
    """A journal that a Hub with ``rows`` transactions feeds. Without ``owner`` (user, company) it has its own."""

    number: int
    rows: int
    per_day: int = 20
    now: dt.datetime = NOW
    owner: tuple[Any, Any] | None = None

    def __post_init__(self) -> None:
        from nostro.books.companies.services import create_company
        from nostro.books.journals.services import create_journal
        from nostro.books.links.models import Connection, JournalLink, OnlineAccount
        from nostro.people.models import User

        if self.owner is None:
            user = User.objects.create_user(f"bench{self.number}@example.test")
            self.owner = user, create_company(user, name=f"Company {self.number}", country="BE")
        user, company = self.owner
        number = f"BE{self.number:014}" if self.number > 9 else "BE68539007547034"
        self.hub = Hub(self.rows, self.per_day)
        connection = Connection.objects.create(
            company=company, hub_url="https://hub.example", client_id=str(self.number), sealed_secret=b"",
            secret_set_at=NOW,
        )  # fmt: skip
        self.journal = create_journal(user, company, name="Bank", currency="EUR", account_number=number)
        self.journal.grouping, self.journal.opening_origin = "monthly", "computed"
        self.journal.save()
        self.account = OnlineAccount.objects.create(
            company=company, connection=connection, identity=f"IBAN:{number}|EUR",
            hub_account_id=self.hub.account_id, reference=number, currency="EUR",
        )  # fmt: skip
        JournalLink.objects.create(
            company=company, online_account=self.account, journal=self.journal, fetch_from=dt.date(1990, 1, 1),
            linked_at=NOW,
        )  # fmt: skip

    def fetch(self) -> tuple[float, float]:
        """One fetch; its seconds without the Hub's share, and those of import, statements and proof alone."""
        timed = TimedImport()
        self.hub.spent_s = 0.0
        begin = time.perf_counter()
        with timed:
            done = self.run()
        whole = time.perf_counter() - begin - self.hub.spent_s
        self.journal.refresh_from_db()
        assert (done.status, done.new_count) == ("done", self.rows), (done.status, done.new_count, done.error_code)
        assert self.journal.proof == "green", self.journal.proof
        return whole, timed.seconds

    def fetch_idle(self) -> float:
        """One fetch that finds nothing new; its milliseconds of CPU without the Hub's share."""
        self.hub.spent_cpu_s = 0.0
        begin = time.process_time()
        done = self.run()
        spent = time.process_time() - begin - self.hub.spent_cpu_s
        assert (done.status, done.new_count) == ("done", 0)
        return spent * 1_000

    def fetch_more(self, shown: int) -> float:
        """One fetch after the Hub shows so many; its seconds without the Hub's share."""
        self.hub.spent_s, before, self.hub.shown = 0.0, self.hub.shown, shown
        begin = time.perf_counter()
        done = self.run()
        spent = time.perf_counter() - begin - self.hub.spent_s
        assert (done.status, done.new_count) == ("done", shown - before), (done.status, done.new_count, done.error_code)
        return spent

    def run(self) -> Any:
        """One fetch, whatever it brings."""
        from nostro.books.hub_client.client import Client
        from nostro.books.links.fetching import run_fetch
        from nostro.books.links.models import Run

        run = Run.objects.create(company_id=self.account.company_id, online_account=self.account, trigger="link")
        # An hour passes between two fetches, as on a schedule.
        self.now += dt.timedelta(hours=1)
        client = Client(self.hub, "https://hub.example", "id", "secret", monotonic=time.monotonic)  # type: ignore[arg-type]
        return run_fetch(run.id, clock=lambda: self.now, client_for=lambda connection: client)


class TimedImport:
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
