"""Making an installation ready: the database runs, its tables are current, files and directory are in place."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from nostro.web import database

ROOT = Path(__file__).resolve().parents[3]
WEB_PORT = 8080
BANK_PORT = 8091
console = Console(stderr=True)


def set_up_django() -> None:
    """Load Django's settings and apps. Call after the environment variables are final."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nostro.web.settings")
    import django

    django.setup()


def open_database() -> str:
    """Start or join the embedded PostgreSQL unless ``DATABASE_URL`` names a server; returns the address.

    The address is put into the environment, so that child processes use the same database.
    """
    if not os.environ.get("DATABASE_URL"):
        try:
            os.environ["DATABASE_URL"] = database.start_embedded_server(recovering=_tell_of_recovery)
        except Exception as error:
            sys.exit(
                f"The embedded PostgreSQL did not start: {error}\n"
                f"Its log is {database.data_directory() / 'postgres' / 'log'}. "
                "Nothing was lost. To use a server of your own, set DATABASE_URL."
            )
    return os.environ["DATABASE_URL"]


def _tell_of_recovery() -> None:
    console.print("PostgreSQL recovers after it was ended suddenly. A large database needs minutes; nothing is lost.")


def uses_embedded_database() -> bool:
    """Whether the database in force is the one in the data directory."""
    return str(database.data_directory()) in os.environ.get("DATABASE_URL", str(database.data_directory()))


def take_over_after_restart() -> None:
    """Go on with what a killed worker left open, without waiting for its leases to run out."""
    import datetime as dt

    from nostro.books.links import tasks as books_tasks
    from nostro.hub.sync import tasks as hub_tasks

    now = dt.datetime.now(dt.UTC)
    hub_tasks.take_over_after_restart(now)
    books_tasks.take_over_after_restart(now)


def prepare_installation(*, quiet: bool = False) -> None:
    """Migrate, make the cache table, collect static files, load the directory. Repeating it changes nothing."""
    set_up_django()
    from django.core.management import call_command

    from nostro.hub.directory.services import load_directory

    steps: list[tuple[str, Callable[[], object]]] = [
        ("Bringing the database up to date", lambda: call_command("migrate", interactive=False, verbosity=0)),
        ("Making room for sessions and limits", lambda: call_command("createcachetable", verbosity=0)),
        (
            "Collecting styles and scripts",
            lambda: call_command("collectstatic", interactive=False, verbosity=0),
        ),
        ("Loading the directory of institutions", load_directory),
    ]
    for title, step in steps:
        if quiet:
            step()
        else:
            with console.status(f"{title} …"):
                step()
            console.print(f"  [green]✓[/] {title}")
