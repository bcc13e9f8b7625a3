"""Real worker processes, killed for real: the result is the same as without."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.simulation.processes import live_with_processes
from tests.simulation.sweep import sweep

KILLS = 15


@pytest.mark.parametrize("seed", [1, 2])
def test_workers_that_are_killed_lose_and_double_nothing(tmp_path: Path, seed: int) -> None:
    sweep()
    try:
        outcome = live_with_processes(tmp_path, seed, KILLS)
    finally:
        sweep()
    assert not outcome.is_wrong, f"seed {seed}: {outcome}"
    assert outcome.runs >= 5, "the workers did nothing"
