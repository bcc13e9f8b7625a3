"""Two at once, on database connections of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from nostro.web.errors import Problem

PATIENCE_S = 20


@dataclass
class Other:
    """What the second one got."""

    result: Any = None
    code: str = ""
    what: str = ""
    broke: str = ""
    _thread: threading.Thread | None = field(default=None, repr=False)

    def start(self, act: Callable[[], Any]) -> None:
        def run() -> None:
            try:
                self.result = act()
            except Problem as problem:
                self.code, self.what = problem.code, problem.what
            except Exception as error:
                self.broke = repr(error)
            finally:
                connection.close()

        self._thread = threading.Thread(target=run)
        self._thread.start()

    def join(self) -> None:
        assert self._thread is not None
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), "they wait for each other"
        assert not self.broke, self.broke

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()


def somebody_waits() -> bool:
    """Whether a connection to this database waits for a lock of another."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # inside a transaction the answer would stay what it was
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND wait_event_type = 'Lock')"
        )
        return bool(cursor.fetchone()[0])


def start_and_wait(other: Other, second: Callable[[], Any]) -> None:
    """Start ``second`` on another connection; returns when it waits for what this one holds, or has ended."""
    patience = threading.Event()
    other.start(second)
    for _ in range(PATIENCE_S * 100):
        if somebody_waits() or not other.is_running:
            break
        patience.wait(0.01)


@contextmanager
def while_held(second: Callable[[], Any]) -> Iterator[Other]:
    """What is done inside is not committed before ``second``, on another connection, has come to wait for it."""
    other = Other()
    with transaction.atomic():
        yield other
        start_and_wait(other, second)
        assert other.is_running, f"the second did not wait: {other}"
    other.join()
