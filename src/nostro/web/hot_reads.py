"""Statements of hot paths, on Django's connection but without Django's cursor (DESIGN.md section 3).

Django writes arguments into the text of each statement, in Python, and has PostgreSQL plan it anew. Here they travel
apart from it, and PostgreSQL keeps the plan of a statement that this connection sends often. Transactions, errors and
the connection's life stay Django's. A pooler between Nostro and PostgreSQL must know prepared statements (PgBouncer
1.21 and later do).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import connections

#: A statement is prepared when a connection sends it for the third time.
_PREPARE_AFTER = 2


def execute(sql: str, arguments: Sequence[Any] = ()) -> int:
    """Send one statement; returns how many rows it touched. Raises Django's database errors."""
    return _sent(sql, arguments).rowcount


def fetch_one(sql: str, arguments: Sequence[Any] = ()) -> tuple[Any, ...] | None:
    """The first row, or None."""
    row: tuple[Any, ...] | None = _sent(sql, arguments).fetchone()
    return row


def fetch_all(sql: str, arguments: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows."""
    return _sent(sql, arguments).fetchall()


def _sent(sql: str, arguments: Sequence[Any]) -> psycopg.Cursor[Any]:
    """The cursor with the result. It is the connection's only one here: each result is read before the next."""
    # Looked up once: the proxy ``django.db.connection`` would do it for every attribute.
    connection: Any = connections["default"]
    if connection.connection is None:
        connection.ensure_connection()
    cursor = getattr(connection, "hot_cursor", None)
    if cursor is None or cursor.connection is not connection.connection:
        connection.connection.prepare_threshold = _PREPARE_AFTER
        cursor = connection.hot_cursor = psycopg.Cursor(connection.connection)
    with connection.wrap_database_errors:
        sent: psycopg.Cursor[Any] = cursor.execute(sql, arguments)
        return sent
