"""An installation of the first release is upgraded with its data, and can be put back."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from nostro.cli.upgrading import UPGRADE_LOCK

#: Rooms of the first release; their first migrations are what it made.
FIRST_RELEASE = textwrap.dedent(
    """
    import datetime as dt
    from decimal import Decimal as D
    import django
    django.setup()
    from django.db import connection, transaction
    from django.db.migrations.executor import MigrationExecutor
    apps = ("people", "organizations", "directory", "linking", "accounts", "sync", "companies", "ledger", "journals",
            "links", "reconcile")
    targets = [(app, "0001_initial") for app in apps]
    executor = MigrationExecutor(connection)
    executor.migrate(targets)
    old = MigrationExecutor(connection).loader.project_state(targets).apps.get_model
    day, now = dt.date(2026, 10, 1), dt.datetime(2026, 10, 1, tzinfo=dt.UTC)
    user = old("people", "User").objects.create(email="old@example.test")
    company = old("companies", "Company").objects.create(name="Old NV")
    old("companies", "CompanyMember").objects.create(company=company, user=user, role="owner")
    account = lambda code: old("ledger", "LedgerAccount").objects.create(company=company, code=code, name=code)
    bank, suspense = account("550000"), account("499000")
    journal = old("journals", "Journal").objects.create(
        company=company, name="Bank", code="BNK1", currency="EUR", bank_account=bank, suspense_account=suspense)
    for number in (1, 2, 3):
        old("journals", "Line").objects.create(
            company=company, journal=journal, booking_date=day, order_date=day, amount=number, currency="EUR",
            status="informational", source="feed", fingerprint=str(number))
    for amount in ("1100.00", "-100.00", "121.00", "-50.05"):
        with transaction.atomic():
            entry = old("ledger", "Entry").objects.create(company=company, kind="bank", date=day, journal_id=journal.id)
            for ledger, sign in ((bank, 1), (suspense, -1)):
                old("ledger", "EntryItem").objects.create(
                    company=company, entry=entry, account=ledger, date=day, currency="EUR",
                    amount=sign * D(amount), amount_currency=sign * D(amount))
        old("journals", "Line").objects.create(
            company=company, journal=journal, booking_date=day, order_date=day, amount=D(amount), currency="EUR",
            status="posted", source="feed", fingerprint=amount, entry=entry, suspense_residual=D(amount),
            company_amount=D(amount))
    connected = old("links", "Connection").objects.create(
        company=company, hub_url="https://hub.example.test", client_id="c", sealed_secret=b"sealed", secret_set_at=now)
    seen = old("links", "OnlineAccount").objects.create(
        company=company, connection=connected, identity="I", hub_account_id=company.id, currency="EUR")
    old("links", "JournalLink").objects.create(
        company=company, online_account=seen, journal=journal, fetch_from=day, linked_at=now)
    old("people", "AuditRecord").objects.create(
        tenant_id=company.id, actor=user, actor_name="old", action="x", object_type="", object_id="", sentence="Did.")
    """
)
COUNTS = {
    "people_user": 1, "companies_companymember": 1, "journals_line": 7, "ledger_entry": 4,
    "links_connection": 1, "links_journallink": 1,
    "people_auditrecord": 1,
}  # fmt: skip


@pytest.fixture
def address() -> Iterator[str]:
    """A database of its own on the server of the tests."""
    server, name = os.environ["DATABASE_URL"], f"upgrade_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        host = connection.info
        yield make_conninfo(host=host.host, port=host.port, user=host.user, password=host.password or None, dbname=name)
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def python(address: str, data: Path, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    with psycopg.connect(address) as connection:
        info = connection.info
        url = f"postgresql://{info.user}@/{info.dbname}?host={info.host}&port={info.port}"
    environment = {
        **os.environ, "DATABASE_URL": url, "NOSTRO_DATA": str(data), "DJANGO_SETTINGS_MODULE": "nostro.web.settings",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done


def counts(address: str) -> dict[str, int]:
    with psycopg.connect(address) as connection:
        return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in COUNTS}  # type: ignore[index]


#: Lines word for word, what each account holds, and what each journal's posted lines add up to.
LINES = "SELECT id, amount, currency, booking_date, status, entry_id, suspense_residual FROM journals_line ORDER BY id"
HELD = "SELECT account_id, sum(amount), sum(amount_currency) FROM ledger_entryitem GROUP BY 1 ORDER BY 1"
#: The same from the totals that later releases keep.
TOTALS = "SELECT account_id, sum(debit - credit), sum(amount_currency) FROM ledger_accounttotal GROUP BY 1 ORDER BY 1"
COUNTED = "SELECT sum(lines), sum(to_reconcile) FROM journals_total WHERE basis = 'count'"
POSTED = "SELECT sum(amount) FROM journals_total WHERE basis = 'booking'"


def rows(address: str, question: str) -> list[tuple[object, ...]]:
    with psycopg.connect(address) as connection:
        return connection.execute(question.encode()).fetchall()


def has_table(address: str, table: str) -> bool:
    with psycopg.connect(address) as connection:
        return connection.execute("SELECT to_regclass(%s)", [table]).fetchone() != (None,)


def test_the_first_release_is_upgraded_with_its_data_and_put_back(address: str, tmp_path: Path) -> None:
    python(address, tmp_path, "-c", FIRST_RELEASE)
    assert counts(address) == COUNTS
    assert not has_table(address, "reminders_consentnotice")
    before = rows(address, LINES), rows(address, HELD)

    told = python(address, tmp_path, "-m", "nostro.cli", "upgrade").stderr
    assert "reminders.0001_initial" in told
    assert "people.0002_audit_chain" in told
    (backup,) = (tmp_path / "backups").glob("*-before-upgrade.dump")
    assert backup.stat().st_mode & 0o077 == 0
    assert counts(address) == COUNTS
    assert (rows(address, LINES), rows(address, HELD)) == before
    assert rows(address, TOTALS) == rows(address, HELD)
    assert {row[1] for row in rows(address, TOTALS)} == {Decimal("-1070.95"), Decimal("1070.95")}
    assert rows(address, COUNTED) == [(7, 4)]
    assert rows(address, POSTED) == [(Decimal("1070.95"),)]
    with psycopg.connect(address) as connection:
        assert connection.execute("SELECT credential_kind FROM links_connection").fetchone() == ("client",)
    assert "up to date" in python(address, tmp_path, "-m", "nostro.cli", "upgrade").stderr

    python(address, tmp_path, "-m", "nostro.cli", "restore", str(backup))
    assert counts(address) == COUNTS
    assert not has_table(address, "reminders_consentnotice")
    python(address, tmp_path, "-m", "nostro.cli", "upgrade")
    assert counts(address) == COUNTS
    assert has_table(address, "reminders_consentnotice")


@pytest.mark.parametrize("command", [("upgrade",), ("restore", "{file}")], ids=["upgrade", "restore"])
def test_a_second_one_is_refused_while_the_first_works(command: tuple[str, ...], address: str, tmp_path: Path) -> None:
    """Whatever machine the first one runs on; when it has ended, or was killed, the next one goes on."""
    file = tmp_path / "any.dump"
    file.write_text("x")
    arguments = [part.format(file=file) for part in command]
    with psycopg.connect(address, autocommit=True) as first:
        first.execute("SELECT pg_advisory_lock(%s)", [UPGRADE_LOCK])
        refused = python(address, tmp_path, "-m", "nostro.cli", *arguments, status=1).stderr
    assert "is under way" in " ".join(refused.split())
    assert not (tmp_path / "backups").exists()
    assert not has_table(address, "django_migrations")
