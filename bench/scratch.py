"""A database of a benchmark's own: made, migrated, and dropped at the end whatever happens."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator


@contextlib.contextmanager
def scratch_database() -> Iterator[None]:
    """Point Django at a new, migrated database for the time of the block."""
    import django
    from django.apps import apps

    if not apps.ready:
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nostro.web.settings")
        os.environ.setdefault("NOSTRO_LOG_LEVEL", "WARNING")
        django.setup()
    from django.core.management import call_command
    from django.db import connection

    from nostro.web.memory import collect_seldom

    usual = connection.settings_dict["NAME"]
    name = f"nostro_bench_{secrets.token_hex(4)}"
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    try:
        _use(name)
        call_command("migrate", verbosity=0, interactive=False, skip_checks=True)
        collect_seldom()  # as every worker does
        yield
    finally:
        _use(usual)
        with connection.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _use(name: str) -> None:
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = name
