"""Many simulated lives of an account, each decided by its seed; see ``tests/simulation/world.py``.

Figures: ``seeds`` that were lived through, ``lost``, ``doubled`` and ``quota_violations`` over all of them, which must
be 0, like ``ids_changed`` and ``events_wrong``; ``runs`` synchronizations, ``kills`` of a worker in the middle of one,
``simulated_days``, and ``seeds_per_s``. A seed that fails is printed. ``NOSTRO_SIMULATION_SEEDS`` sets their number and
``NOSTRO_SIMULATION_FIRST`` the first of them.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from bench.scratch import scratch_database

QUICK_S = 15
STEPS = 25


def run(*, quick: bool) -> dict[str, float | int]:
    """Live through the seeds, with ``quick`` as many as come in :data:`QUICK_S` seconds."""
    number = int(os.environ.get("NOSTRO_SIMULATION_SEEDS", "200"))
    first = int(os.environ.get("NOSTRO_SIMULATION_FIRST", "1"))
    totals: dict[str, float] = dict.fromkeys(
        ["seeds", "lost", "doubled", "quota_violations", "ids_changed", "events_wrong", "runs", "kills", "days"], 0
    )
    with scratch_database(), tempfile.TemporaryDirectory() as directory:
        from tests.simulation.world import World, open_bank

        bank = open_bank(Path(directory))
        begin = time.perf_counter()
        for seed in range(first, first + number):
            outcome = World(bank, seed).live(STEPS)
            totals["seeds"] += 1
            for name in totals.keys() - {"seeds"}:
                totals[name] += getattr(outcome, name)
            if outcome.is_wrong:
                print(f"seed {seed}: {outcome}", file=sys.stderr)
            if quick and time.perf_counter() - begin > QUICK_S:
                break
        seconds = time.perf_counter() - begin
    days = totals.pop("days")
    return {
        **{name: int(value) for name, value in totals.items()},
        "simulated_days": round(days),
        "seeds_per_s": round(totals["seeds"] / seconds, 2),
    }
