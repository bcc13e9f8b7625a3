"""Lives of a hub and its bank: nothing lost, nothing doubled, no id changed, no access too many, no secret in a log.

A seed that fails is repeated alone with ``pytest tests/simulation -k "life[17]"``, or in the long form with
``./nostro bench simulation --seeds 1 --first 17``.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.simulation.world import SHORT, live

SEEDS = range(1, 201)


@pytest.mark.parametrize("seed", SEEDS)
def test_life(tmp_path: Path, seed: int) -> None:
    outcome = live(tmp_path, seed, SHORT)
    assert not outcome.is_wrong, f"seed {seed}: {outcome}"
    assert outcome.runs >= 3
