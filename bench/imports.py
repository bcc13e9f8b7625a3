"""A whole import of a bank file into PostgreSQL: read, prove, stage, compare, store; and the same file again.

A CAMT.053 as banks print it goes all the way that a person's file goes: handed in and sealed, staged with a preview,
confirmed, stored with sightings, balances, proof and events. ``import_per_s`` counts read, stage, compare and store;
the preview's comparison is part of it. Beside it, in the same run, the limit: the same staged values by COPY to a
temporary table and ``INSERT … SELECT … ON CONFLICT`` into a table like that of transactions, and bare reading.

Figures: ``import_per_s``, ``again_per_s`` (0 rows), ``undo_per_s``, ``read_per_s`` (the reader alone), ``bare_per_s``
(COPY and INSERT alone), ``import_ratio`` (ours against reading and writing one after the other), ``linear`` (processor
seconds per row of the largest file against those of one of a tenth), ``peak_rss_mb``. ``import_per_cpu_s`` and
``again_per_cpu_s`` are by processor time, this process and its PostgreSQL backend together, for machines that do other
work meanwhile. ``missed`` is how many of ``import_per_s`` and ``again_per_s`` are below 5,000 (formats.md 10). The run
fails if a row is lost or doubled.
"""

from __future__ import annotations

import datetime as dt
import resource
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from bench import bank_files
from bench.ingest import Cost, server_cpu_seconds
from bench.scratch import scratch_database

QUICK_ROWS, FULL_ROWS = 20_000, 100_000
#: formats.md 10.
LEAST_PER_S = 5_000
NOW = dt.datetime(2026, 12, 1, 9, 0, tzinfo=dt.UTC)


def run(*, quick: bool) -> dict[str, float | int]:
    """Measure; see the module's text for the figures. Raises AssertionError where a row is lost or doubled."""
    rows = QUICK_ROWS if quick else FULL_ROWS
    with scratch_database():
        user, organization = _people()
        # The first one also loads code and plans statements.
        _Import(user, organization, 1_000).all_the_way()
        small = _Import(user, organization, rows // 10)
        small_cost = small.all_the_way()
        large = _Import(user, organization, rows)
        cost = large.all_the_way()
        assert large.stored() == rows, "rows were lost or doubled"
        bare_s = _bare(large)
        again = large.all_the_way()
        assert large.stored() == rows, "the same file again changed something"
        undo_s = large.undo()
        assert large.stored() == 0
        read_s = _read(rows)
    figures = {
        "import_per_s": round(rows / cost.wall_s),
        "again_per_s": round(rows / again.wall_s),
        "import_per_cpu_s": round(rows / cost.cpu_s),
        "again_per_cpu_s": round(rows / again.cpu_s),
        "undo_per_s": round(rows / undo_s),
        "read_per_s": round(rows / read_s),
        "bare_per_s": round(rows / bare_s),
        "import_ratio": round((read_s + bare_s) / cost.wall_s, 3),
        "linear": round((cost.cpu_s / rows) / (small_cost.cpu_s / (rows // 10)), 2),
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "rows": rows,
    }
    figures["missed"] = sum(figures[name] < LEAST_PER_S for name in ("import_per_s", "again_per_s"))
    return figures


def _people() -> tuple[Any, Any]:
    from nostro.hub.organizations.models import Membership, Organization
    from nostro.people.models import User

    user = User.objects.create(email="bench@example.org")
    organization = Organization.objects.create(name="Bench")
    Membership.objects.create(organization=organization, user=user, role="owner")
    return user, organization


@dataclass
class _Upload:
    """A file as a form brings it, made while it is taken in."""

    rows: int
    name: str = "year.xml"
    size: int = 0

    def chunks(self) -> Iterable[bytes]:
        return bank_files.camt(self.rows)


class _Import:
    """One account and its file."""

    def __init__(self, user: Any, organization: Any, rows: int) -> None:
        from nostro.core.transactions import Account as BankAccount
        from nostro.hub.accounts.models import Account
        from nostro.hub.accounts.services import select_accounts, upsert_accounts
        from nostro.hub.directory.models import Institution

        bank = Institution.objects.create(name=f"Bank of {rows}", folded_name=f"bankof{rows}", country="BE")
        told = BankAccount("", "EUR", iban="BE68539007547034")
        accounts = upsert_accounts(organization, uuid.uuid4(), [told], bank, is_sandbox=False, now=NOW)
        [chosen] = select_accounts(accounts, {accounts[0].pk}, NOW)
        self.account: Account = chosen
        self.user, self.organization, self.rows = user, organization, rows
        self.file: Any = None

    def all_the_way(self) -> Cost:
        """Hand in (not measured), read and preview, confirm, store."""
        from nostro.hub.files import services, working

        [self.file] = services.hand_in(
            self.user, self.organization, [_Upload(self.rows)], is_sandbox=False, now=NOW, account=self.account
        )
        server, cpu, begun = server_cpu_seconds(), time.process_time(), time.perf_counter()
        assert working.read_file(self.file.pk) is not None
        services.confirm(self.user, self.file.pk, {}, NOW)
        assert working.store_file(self.file.pk) is not None
        wall = time.perf_counter() - begun
        return Cost(wall, time.process_time() - cpu, server_cpu_seconds() - server)

    def undo(self) -> float:
        """Seconds of undoing both imports."""
        from nostro.hub.files import services
        from nostro.hub.files.models import FileImport

        begun = time.perf_counter()
        for number, file in enumerate(FileImport.objects.filter(account=self.account, status="imported")):
            services.undo(self.user, file.pk, NOW + dt.timedelta(seconds=number))
        return time.perf_counter() - begun

    def stored(self) -> int:
        from nostro.hub.accounts.models import Transaction

        return Transaction.objects.filter(account=self.account, removed_at=None).count()


def _read(rows: int) -> float:
    """Seconds of the reader alone, survey included."""
    from nostro.formats import read, survey

    begun = time.perf_counter()
    found = survey(bank_files.camt(rows))
    for _ in read(bank_files.camt(rows), found):
        pass
    return time.perf_counter() - begun


def _bare(of: _Import) -> float:
    """Seconds of COPY to a temporary table and INSERT … SELECT … ON CONFLICT of the same rows, ready made."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bare_transaction (LIKE accounts_transaction INCLUDING ALL)")
        rows = f"SELECT * FROM accounts_transaction WHERE account_id = '{of.account.pk}'"
        with cursor.copy(f"COPY ({rows}) TO STDOUT") as out:
            blocks = [bytes(block) for block in out]
        begun = time.perf_counter()
        cursor.execute("CREATE TEMPORARY TABLE bare_copied (LIKE accounts_transaction)")
        with cursor.copy("COPY bare_copied FROM STDIN") as copy:
            for block in blocks:
                copy.write(block)
        cursor.execute("INSERT INTO bare_transaction SELECT * FROM bare_copied ON CONFLICT DO NOTHING")
        taken = time.perf_counter() - begun
        cursor.execute("DROP TABLE bare_copied")
        cursor.execute("DROP TABLE bare_transaction")
        return taken
