"""Databases for tests, quickly: migrations run once for a server, and every test database is a copy of the result."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import psycopg
from django.apps import apps
from django.conf import settings
from django.db import connection
from psycopg import sql

#: Templates of other states of the migrations that a server keeps, so that two branches do not push each other out.
KEPT_TEMPLATES = 8
_PREFIX = "nostro_template_"
#: What Django writes itself after migrating, and what no test changes.
_OF_MIGRATIONS = {"django_migrations", "django_content_type", "auth_permission"}


def template(server_url: str) -> str:
    """The name of a database in which all migrations of this checkout have run; it is made if it is not there.

    Whoever asks meanwhile waits. Only the tables and what migrations write are in it. A test database that is copied
    from it is migrated once more, so that a migration it misses would be made up for.
    """
    name = f"{_PREFIX}{_fingerprint()}"
    with psycopg.connect(server_url, autocommit=True) as server:
        if not _exists(server, name):
            server.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
            if not _exists(server, name):
                _drop_old_ones(server)
                _migrate(making := f"{name}_making")
                server.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*map(sql.Identifier, (making, name))))
    return name


def _exists(server: psycopg.Connection[Any], name: str) -> bool:
    return server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def _fingerprint() -> str:
    """Of every migration there is, those of libraries included."""
    digest = hashlib.sha256()
    for each in sorted(apps.get_app_configs(), key=lambda app: app.label):
        for path in sorted((Path(each.path) / "migrations").glob("*.py")):
            digest.update(f"{each.label}/{path.name}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _drop_old_ones(server: psycopg.Connection[Any]) -> None:
    found = server.execute(
        "SELECT datname FROM pg_database WHERE datname LIKE %s ORDER BY oid DESC", [f"{_PREFIX}%"]
    ).fetchall()
    for (old,) in found[KEPT_TEMPLATES:]:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(old)))


def _migrate(name: str) -> None:
    """Make the database and run all migrations in it, as Django does for a test database."""
    of_tests, usual = connection.settings_dict["TEST"], connection.settings_dict["NAME"]
    before = dict(of_tests)
    of_tests.update(NAME=name, TEMPLATE=None)
    try:
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        connection.close()
    finally:
        of_tests.update(before)
        connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = usual


def written_tables(tables: list[str] | None = None) -> list[str]:
    """Those of the tables (of all there are, unless they are named) in which there is something.

    Tables that migrating fills are no part of it.
    """
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        if tables is None:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
            tables = [name for (name,) in cursor.fetchall()]
        asked = sorted(set(tables) - _OF_MIGRATIONS)
        cursor.execute(" UNION ALL ".join(f"SELECT '{t}' WHERE EXISTS (SELECT FROM {quote(t)})" for t in asked))
        return [name for (name,) in cursor.fetchall()]


def empty_written_tables(*_: object) -> None:
    """After a test that committed: empty the tables of models in which there is something.

    Django's own way empties all of them, some hundred and forty, and writes anew what it wrote after migrating.
    """
    written = written_tables(connection.introspection.django_table_names(only_existing=True))
    if written:
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {', '.join(map(connection.ops.quote_name, written))} CASCADE")
