"""Lives in which the Books read the hub: bank = Hub = Books, and planted bugs are found.

A seed that fails is lived again with ``./nostro bench simulation --books --seeds 1 --first 17``, or alone with
``pytest tests/simulation/test_books_side.py -k "life[17]"``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.simulation.judge import Outcome
from tests.simulation.world import SHORT, live

from nostro.books.links import fetching
from nostro.core.identity import lines

SEEDS = (4, 9, 10)


@pytest.mark.parametrize("seed", SEEDS)
def test_life(tmp_path: Path, seed: int) -> None:
    outcome = live(tmp_path, seed, SHORT, with_books=True)
    assert not outcome.is_wrong, f"seed {seed}: {outcome}"
    assert outcome.books_runs >= 5


def drop_twins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Books take equal transactions for one."""
    monkeypatch.setattr(lines, "_distinct", lambda items: list({item.fingerprint: item for item in items}.values()))


def believe_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the bank took back is never doubted."""
    monkeypatch.setattr(fetching, "suspect_withdrawals", lambda *_: [])


FOUND: dict[Callable[[pytest.MonkeyPatch], None], Callable[[Outcome], Any]] = {
    drop_twins: lambda outcome: outcome.books_lost,
    believe_everything: lambda outcome: outcome.books_doubled,
}


@pytest.mark.parametrize("plant", FOUND, ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    plant(monkeypatch)
    outcomes = (live(tmp_path / str(seed), seed, SHORT, with_books=True) for seed in (4, 5, 103))
    assert any(FOUND[plant](outcome) for outcome in outcomes), "no seed noticed"
