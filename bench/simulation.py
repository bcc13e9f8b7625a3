"""Many simulated lives of a hub and its bank, each decided by its seed; see ``tests/simulation/world.py``.

Figures: ``seeds`` that were lived through, ``lost``, ``doubled`` and ``quota_violations`` over all of them, which must
be 0, like ``ids_changed``, ``events_wrong``, ``secrets_logged`` and ``failed`` (seeds with any fault, a crash
included) and ``proofs_red`` (a balance proof that still fails when the bank is well); ``runs`` synchronizations,
``kills`` of a worker in the middle of one, ``simulated_days``, and ``seeds_per_s``.

With ``--books`` the Books read the hub in every life, and ``books_lost``, ``books_doubled`` (0, too), ``books_runs``,
``books_kills`` and ``books_lines`` are told as well.

Every core has a process with a database and a bank of its own. A seed that fails is printed with what was wrong and
lives the same life again with ``--seeds 1 --first SEED``.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from bench.scratch import scratch_database

SEEDS = 200
QUICK_S = 15
#: Steps of a life, about half a day each, and of a hundred lives how many have so many: what goes wrong in a short one
#: is found fastest there, what needs months only in a long one. The quick form takes the shortest.
STEPS = {8: 50, 20: 30, 40: 15, 120: 5}
FIGURES = (
    "lost", "doubled", "quota_violations", "ids_changed", "events_wrong", "secrets_logged", "runs", "kills",
    "proofs_red",
)  # fmt: skip
BOOKS_FIGURES = ("books_lost", "books_doubled", "books_runs", "books_kills", "books_lines")

#: Seed, its figures by name, and what was wrong.
Result = tuple[int, dict[str, float], str]


def run(*, quick: bool, seeds: int = SEEDS, first: int = 1, books: bool = False) -> dict[str, float | int]:
    """Live through ``seeds`` seeds from ``first`` on, with ``quick`` as many as come in :data:`QUICK_S` seconds."""
    names = (*FIGURES, *(BOOKS_FIGURES if books else ()))
    totals = dict.fromkeys([*names, "days"], 0.0)
    lived, failed = 0, 0
    begin = time.perf_counter()
    with _progress(seeds) as tell:
        for seed, figures, wrong in _lives(seeds, first, quick=quick, books=books):
            lived += 1
            failed += bool(wrong)
            for name, value in figures.items():
                totals[name] += value
            tell(lived, f"seed {seed}: {wrong}" if wrong else "")
    seconds = time.perf_counter() - begin
    return {
        "seeds": lived,
        **{name: int(totals[name]) for name in names},
        "failed": failed,
        "simulated_days": round(totals["days"]),
        "seeds_per_s": round(lived / seconds, 2),
    }


# --- the processes


def _lives(seeds: int, first: int, *, quick: bool, books: bool) -> Iterator[Result]:
    """What became of each seed, in the order in which they ended."""
    context = multiprocessing.get_context("spawn")
    next_seed, results = context.Value("q", first), context.SimpleQueue()
    settings = (next_seed, first + seeds, results, quick, books)
    workers = [context.Process(target=_work, args=settings) for _ in range(len(os.sched_getaffinity(0)))]
    for worker in workers:
        worker.start()
    alive = len(workers)
    while alive:
        while results.empty():
            _require_alive(workers)
            time.sleep(0.05)
        result = results.get()
        if result is None:
            alive -= 1
        else:
            yield result
    for worker in workers:
        worker.join()


def _require_alive(workers: Sequence[BaseProcess]) -> None:
    if any(worker.exitcode not in {None, 0} for worker in workers):
        raise RuntimeError("a process of the simulation ended before its work was done")


def _work(next_seed: Any, end: int, results: Any, quick: bool, books: bool) -> None:
    """One process: takes a seed after the other."""
    with scratch_database():
        from django.db import connection

        # A life ends with its database, so that no commit need wait for the disk.
        connection.settings_dict["OPTIONS"] = {
            **connection.settings_dict.get("OPTIONS", {}), "options": "-c synchronous_commit=off",
        }  # fmt: skip
        connection.close()
        begin = time.perf_counter()
        while not (quick and time.perf_counter() - begin > QUICK_S):
            with next_seed.get_lock():
                seed = next_seed.value
                next_seed.value += 1
            if seed >= end:
                break
            results.put(_live(seed, min(STEPS) if quick else _steps(seed), with_books=books))
    results.put(None)


def _steps(seed: int) -> int:
    return random.Random(seed).choices([*STEPS], [*STEPS.values()])[0]


def _live(seed: int, steps: int, *, with_books: bool) -> Result:
    from tests.simulation.world import live

    try:
        with tempfile.TemporaryDirectory() as directory:
            outcome = live(Path(directory), seed, steps, with_books=with_books)
    except Exception:  # a life that crashes the hub is a finding, and the other lives go on
        return seed, {}, traceback.format_exc()
    names = [*FIGURES, *(BOOKS_FIGURES if with_books else ()), "days"]
    figures = {name: float(getattr(outcome, name)) for name in names}
    return seed, figures, str(outcome) if outcome.is_wrong else ""


# --- what a person sees


@contextlib.contextmanager
def _progress(seeds: int) -> Iterator[Any]:
    """A bar on a terminal, a line a minute elsewhere; what went wrong is printed at once."""
    console = Console(file=sys.stderr)
    with Progress(console=console, disable=not console.is_terminal) as progress:
        task, told = progress.add_task("lives", total=seeds), time.monotonic()

        def tell(lived: int, wrong: str) -> None:
            nonlocal told
            progress.update(task, completed=lived)
            if wrong:
                console.print(wrong, markup=False, highlight=False)
            if not console.is_terminal and time.monotonic() - told > 60:
                told = time.monotonic()
                console.print(f"{lived} of {seeds} lives", highlight=False)

        yield tell
