"""The shorter form with real processes: workers that are killed with SIGKILL wherever they happen to be.

Here it is the system that decides about turns, so a life cannot be lived again; what must hold afterwards is the same.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing.process import BaseProcess
from pathlib import Path

from django.db import connections
from tests.sandbox.customer import Customer
from tests.simulation.judge import Outcome
from tests.simulation.world import HOUR_S, World, open_bank

#: Processes are forked: each has the code loaded already, so a new one takes a few milliseconds.
_FORK = multiprocessing.get_context("fork")
WORKERS = 3


def _work(world: World, directory: Path) -> None:
    """A worker: every minute's work without end, until it is killed."""
    world.hub.enter_process(open_bank(directory))
    with world.hub.running():
        while True:
            world.hub.minute()


def _start(world: World, directory: Path) -> BaseProcess:
    # A connection must not be shared by two processes; the child opens one of its own.
    connections.close_all()
    worker = _FORK.Process(target=_work, args=(world, directory), daemon=True)
    worker.start()
    return worker


def _require_alive(worker: BaseProcess) -> None:
    assert worker.is_alive(), f"a worker ended by itself, with {worker.exitcode}"


def _kill(worker: BaseProcess) -> None:
    worker.kill()
    worker.join()


def live_with_processes(directory: Path, seed: int, kills: int) -> Outcome:
    """A life in which ``kills`` workers are killed, then the quiet weeks, then the judge.

    ``kills`` of the outcome are those that left a run behind, which another worker took over.
    """
    customer: Customer = open_bank(directory)
    world = World(customer, seed)
    world.hub.workers, world.hub.kill_share = 1, 0.0
    with world.hub.running():
        world.hub.link()
    workers = [_start(world, directory) for _ in range(WORKERS)]
    try:
        for _ in range(kills):
            for _ in range(world.rng.randint(1, 4)):
                world.bank.act()
            world.hub.wait(world.rng.randint(HOUR_S, 12 * HOUR_S))
            doomed = world.rng.choice(workers)
            doomed.join(world.rng.uniform(0.005, 0.25))
            _require_alive(doomed)
            workers.remove(doomed)
            _kill(doomed)
            workers.append(_start(world, directory))
        for worker in workers:
            _require_alive(worker)
    finally:
        # One that lived on would take the jobs of the next life.
        for worker in workers:
            _kill(worker)
    with world.hub.running():
        world.settle()
        outcome = world.judge.judge()
    attempts = [run.attempts for account in world.hub.accounts() for run in account.synchronizations.all()]
    outcome.runs, outcome.kills = len(attempts), sum(attempts) - len(attempts)
    return outcome
