"""Several workers as one: threads that take turns, so that the seed decides every interleaving.

Only one of them runs at any moment. A worker offers its turn at the places where real workers can overtake each other:
at a call to the bank, and between two statements that belong to no transaction. All of them share the connection of
the thread that plays them, which a turn never leaves within a transaction.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence

from django.db import connections


class Killed(BaseException):
    """What kill -9 is to the code: nothing below runs, and only what was committed stays."""


class _Worker(threading.Thread):
    """One part, run in steps: from one offered turn to the next."""

    def __init__(self, part: Callable[[], object], turns: Turns) -> None:
        super().__init__(daemon=True)
        self._part, self._turns = part, turns
        self._connection = connections["default"]
        self._go, self._back = threading.Semaphore(0), threading.Semaphore(0)
        self.error: BaseException | None = None
        self.has_ended = False

    def run(self) -> None:
        self._go.acquire()
        connections["default"] = self._connection
        self._turns.here.worker = self
        try:
            self._part()
        except BaseException as error:  # handed on to the thread that plays
            self.error = error
        self.has_ended = True
        self._back.release()

    def step(self) -> None:
        """Let it run to the next place where it offers its turn."""
        self._go.release()
        self._back.acquire()

    def rest(self) -> None:
        """Called within the worker: others may go on."""
        self._back.release()
        self._go.acquire()


class Turns:
    """Plays workers; :meth:`offer` is called wherever one of them may be overtaken."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.here = threading.local()

    def play(self, parts: Sequence[Callable[[], object]]) -> None:
        """Run all parts to their ends. The first error of a part is raised once all have ended."""
        if len(parts) == 1:
            parts[0]()
            return
        shared = connections["default"]
        shared.inc_thread_sharing()
        workers = [_Worker(part, self) for part in parts]
        for worker in workers:
            worker.start()
        alive = list(workers)
        while alive:
            worker = self._rng.choice(alive)
            worker.step()
            if worker.has_ended:
                worker.join()
                alive.remove(worker)
        shared.dec_thread_sharing()
        for worker in workers:
            if worker.error is not None:
                raise worker.error

    def offer(self) -> None:
        """Perhaps somebody else's turn."""
        worker: _Worker | None = getattr(self.here, "worker", None)
        if worker is not None and self._rng.random() < 0.4:
            worker.rest()
