"""Weeks of a bank's life in a second each: nothing lost, nothing doubled, no place of the quota too many."""

from __future__ import annotations

import pytest
from tests.simulation.world import World, open_bank

pytestmark = pytest.mark.django_db
SEEDS = range(1, 6)


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    return open_bank(tmp_path_factory.mktemp("simulated-bank"))


@pytest.mark.parametrize("seed", SEEDS)
def test_what_the_bank_holds_is_what_the_hub_holds(bank, seed, capfd, caplog):
    world = World(bank, seed)
    outcome = world.live(25)
    assert not outcome.is_wrong, f"seed {seed}: {outcome}"
    assert outcome.runs >= 5
    logged = "".join(capfd.readouterr()) + caplog.text
    assert not [secret for secret in outcome.secrets if secret in logged]


def test_the_judge_sees_what_is_lost_and_doubled(bank):
    world = World(bank, 99)
    world._settle()
    world._judge()
    assert not world.outcome.is_wrong
    body = {"count": 2, "amount": world._amount()}
    made = world._control("POST", f"/accounts/{world.account_id}/twins", body)["truthIds"]
    world._judge()
    assert (world.outcome.lost, world.outcome.doubled) == (2, 0)
    world.synchronize(attended=True, deadly=False)
    world._judge()
    assert not world.outcome.is_wrong
    world._control("DELETE", f"/transactions/{made[0]}")
    world._judge()
    assert (world.outcome.lost, world.outcome.doubled) == (0, 1)
