"""Death between any two statements, within the test's own transaction: what a block that is open did is rolled back,
what was committed before stays, as when a process is killed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from tests.books.feed.world import Feed
from tests.books.steps import fetch

from nostro.books.links.fetching import run_fetch
from nostro.books.links.models import OnlineAccount, Run, RunStatus
from nostro.books.links.tasks import take_over


class Killed(BaseException):
    """The process ends here."""


class Statements:
    """Counts statements and commits of a block, and ends it at one of them.

    A commit is the end of an outermost block, or a statement outside of any.
    """

    def __init__(self, *, before_statement: int | None = None, after_commit: int | None = None) -> None:
        self.statements = self.commits = 0
        self._before, self._after = before_statement, after_commit
        self._usual = len(connection.savepoint_ids)

    def __call__(self, execute: Callable[..., Any], sql: str, *details: Any) -> Any:
        if not isinstance(sql, str) or sql.startswith("ROLLBACK"):
            return execute(sql, *details)
        self.statements += 1
        if self.statements == self._before:
            raise Killed
        result = execute(sql, *details)
        # A block's own savepoint is taken off the list before it is released.
        outside = len(connection.savepoint_ids) == self._usual
        if outside and (sql.startswith("RELEASE") or not sql.startswith(("SAVEPOINT", "SELECT"))):
            self.commits += 1
            if self.commits == self._after:
                raise Killed
        return result


@contextmanager
def dying(statements: Statements) -> Iterator[Statements]:
    """In the block, statements are counted, and one of them may be the last."""
    with connection.execute_wrapper(statements):
        yield statements


def fetch_or_die(feed: Feed, statements: Statements, **options: Any) -> bool:
    """One fetch from request to end; false if its process was killed."""
    try:
        with dying(statements):
            fetch(feed.link, feed.now, **options)
    except Killed:
        return False
    return True


def recover(feed: Feed, **options: Any) -> Run:
    """What the minute's work does when a lease has run out, and the worker after it."""
    account = OnlineAccount.objects.filter(pk=feed.link.online_account_id)
    account.filter(lease_until__isnull=False).update(lease_until=feed.now - dt.timedelta(seconds=1))
    take_over(feed.now)
    waiting = Run.objects.filter(online_account=feed.link.online_account_id, status=RunStatus.QUEUED).first()
    if waiting is None:
        return fetch(feed.link, feed.now, **options)
    return run_fetch(waiting.id, clock=lambda: feed.now, sleep=lambda seconds: None, **options)
