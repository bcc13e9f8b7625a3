"""What many tests stand on is made once and laid down again for each test, row by row, instead of being made anew."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast

from django.db import connection, transaction
from tests.database import written_tables

T = TypeVar("T")
#: What is remembered longer is made anew, so that nothing in it runs out while a long suite goes on.
KEPT_S = 300


@dataclass(frozen=True)
class _Kept:
    made_at: float
    #: Per table the rows in PostgreSQL's own text format.
    rows: dict[str, bytes]
    value: bytes


_kept: dict[str, _Kept] = {}


def remembered(name: str, make: Callable[[], T]) -> T:
    """What ``make`` returns and writes: made at the first call, laid down from then on, with the same identifiers.

    ``name`` says what is made; the value must be able to be pickled. Every call gives objects of its own. Rows are
    laid down as they were: no trigger runs again, which only a superuser of the database may ask for.
    """
    kept = _kept.get(name)
    if kept is not None and time.monotonic() - kept.made_at < KEPT_S:
        _lay_down(kept.rows)
        return cast(T, pickle.loads(kept.value))
    # Only in an empty database is everything that is there afterwards what was made.
    is_alone = not written_tables() and _is_superuser()
    value = make()
    if is_alone:
        _kept[name] = _Kept(time.monotonic(), {table: _rows(table) for table in written_tables()}, pickle.dumps(value))
    return value


def _is_superuser() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('is_superuser') = 'on'")
        return bool(cursor.fetchone()[0])


def _rows(table: str) -> bytes:
    with connection.cursor() as cursor, cursor.copy(f"COPY {connection.ops.quote_name(table)} TO STDOUT") as copy:
        return b"".join(bytes(part) for part in copy)


def _lay_down(rows: dict[str, bytes]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table, content in rows.items():
            with cursor.copy(f"COPY {connection.ops.quote_name(table)} FROM STDIN") as copy:
                copy.write(content)
        cursor.execute("SET LOCAL session_replication_role = origin")
