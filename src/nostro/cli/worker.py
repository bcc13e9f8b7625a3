"""The worker: several lanes of jobs in one process.

A lane has threads of its own, so that no kind of work can keep another from running. A fetch of the Books waits for a
synchronization of the Hub; with shared threads a handful of fetches would wait for runs that never get a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import close_old_connections
from procrastinate import App
from procrastinate.contrib.django import app as django_app
from procrastinate.contrib.django import connector_params
from procrastinate.psycopg_connector import PsycopgConnector

from nostro.web.memory import collect_seldom

#: Lane: its queues, and its share of the threads asked for. Every queue of every task is in one lane (tested).
LANES: dict[str, tuple[tuple[str, ...], float]] = {
    "hub": (("sync",), 1.0),
    "books": (("books",), 1.0),
    "files": (("files",), 0.25),
    "webhooks": (("webhooks",), 0.5),
    "housekeeping": (("default", "builtin"), 0.25),
}
POLLING_INTERVAL_S = 2.0
STOP_TIMEOUT_S = 10.0


def run_worker(threads: int) -> None:
    """Run jobs until SIGINT or SIGTERM. ``threads`` is how many jobs the lanes of Hub and Books do at the same time.

    What a killed worker leaves behind is found by the periodic tasks and done by another (DESIGN.md section 2).
    """
    for task in django_app.tasks.values():
        if not inspect.iscoroutinefunction(task.func):
            task.func = _with_usable_connections(task.func)
    collect_seldom()
    asyncio.run(_run_lanes({lane: _concurrency(lane, threads) for lane in LANES}))


def _concurrency(lane: str, threads: int) -> int:
    return max(1, round(LANES[lane][1] * threads))


async def _run_lanes(concurrency: dict[str, int]) -> None:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(sum(concurrency.values()) + 2, thread_name_prefix="job"))
    app = _worker_app(len(concurrency))
    async with app.open_async():
        lanes = [
            asyncio.create_task(
                app.run_worker_async(
                    queues=list(LANES[lane][0]),
                    name=lane,
                    concurrency=number,
                    fetch_job_polling_interval=POLLING_INTERVAL_S,
                    shutdown_graceful_timeout=STOP_TIMEOUT_S,
                    delete_jobs="successful",
                    install_signal_handlers=False,
                )
            )
            for lane, number in concurrency.items()
        ]
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, lambda: [lane.cancel() for lane in lanes])
        # A lane that fails stops the others too: whoever tends this process then starts all of it again.
        _done, rest = await asyncio.wait(lanes, return_when=asyncio.FIRST_COMPLETED)
        for lane in rest:
            lane.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*lanes)


def _worker_app(lanes: int) -> App:
    """An app that takes jobs through connections of its own. The tasks stay with Django's app, so that a job that
    defers another one does it inside its own transaction."""
    # Each lane listens on one connection and needs others to take and to end jobs.
    connector = PsycopgConnector(kwargs=connector_params(), min_size=lanes + 1, max_size=2 * lanes + 4)
    app = App(connector=connector)
    app.tasks = django_app.tasks
    app.periodic_registry = django_app.periodic_registry
    return app


def _with_usable_connections(function: Callable[..., Any]) -> Callable[..., Any]:
    """The thread's database connection may have died since its last job; then the job gets a new one."""

    @functools.wraps(function)
    def run(*arguments: Any, **named: Any) -> Any:
        close_old_connections()
        try:
            return function(*arguments, **named)
        finally:
            close_old_connections()

    return run
