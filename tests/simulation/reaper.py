"""Kills workers between any two statements, so that every commit point of the code is one of the places.

It watches the statements of Django's connection. One that is doomed dies before a statement: what was committed until
then stays, the open transaction is lost, and nothing else of the code runs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from tests.simulation.turns import Killed


class Reaper:
    """``between`` is called before each statement that belongs to no transaction."""

    def __init__(self, between: Callable[[], None]) -> None:
        self._between = between
        self._here = threading.local()
        self._usual_depth = self._depth()

    @staticmethod
    def _depth() -> tuple[bool, int]:
        # A test may be a transaction of its own; then one of the code is a savepoint.
        return connection.in_atomic_block, len(connection.savepoint_ids)

    def is_in_transaction(self) -> bool:
        """Whether the code has a transaction open."""
        return self._depth() != self._usual_depth

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the statements of the block."""
        connection.execute_wrappers.append(self._before_statement)
        try:
            yield
        finally:
            connection.execute_wrappers.remove(self._before_statement)

    @contextmanager
    def dooming(self, statements: int | None) -> Iterator[None]:
        """Who runs the block dies before so many more statements, if it comes so far; None lets it live."""
        self._here.left = statements
        try:
            yield
        finally:
            self._here.left = None

    def _before_statement(self, execute: Callable[..., Any], *details: Any) -> Any:
        left: int | None = getattr(self._here, "left", None)
        if left is not None:
            self._here.left = left - 1 if left > 0 else None
            if left == 0:
                raise Killed
        if not self.is_in_transaction():
            self._between()
        return execute(*details)
