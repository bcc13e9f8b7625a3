"""The simulation can fail: each planted bug is found, and found as what it is."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.sandbox.customer import Customer
from tests.simulation.judge import Outcome
from tests.simulation.sweep import sweep
from tests.simulation.world import World, live, open_bank

from nostro.core.identity import matching
from nostro.core.quota import Allowed
from nostro.hub.accounts import booked
from nostro.hub.accounts.models import Transaction, TransactionChange
from nostro.hub.sync import finishing, quota, reading

SEEDS = range(1, 13)


@pytest.fixture
def bank(tmp_path: Path) -> Customer:
    """A bank of the test's own: the seeds that are lived here are lived elsewhere too."""
    return open_bank(tmp_path)


def drop_twins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Identity takes equal rows for one."""
    monkeypatch.setattr(
        matching, "_without_repeats", lambda rows, policy: (list({row.fingerprint: row for row in rows}.values()), [])
    )


def forget_events(monkeypatch: pytest.MonkeyPatch) -> None:
    """New transactions are not told."""
    record = finishing._record

    def silent(run: Any, event_type: str, attributes: Any) -> None:
        if event_type != "account.transactionsCreated":
            record(run, event_type, attributes)

    monkeypatch.setattr(finishing, "_record", silent)


def give_new_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that is known gets another id."""

    def renamed(account: Any, rows: Any, *_: Any) -> int:
        for known in rows[:1]:
            # Where a change refers to the row, the database itself refuses another id.
            changed = TransactionChange.objects.filter(transaction_id=known.stored.id)
            if not changed.exists():
                Transaction.objects.filter(pk=known.stored.id).update(id=uuid.uuid4())
        return 0

    monkeypatch.setattr(booked, "refresh_known", renamed)


def log_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The consent is written to the log with each call."""
    asked = reading._asked

    def talkative(read: Any, *details: Any, **more: Any) -> Any:
        logging.getLogger("nostro").warning("asking with %s", read.bank.handle.consent.consent_id)
        return asked(read, *details, **more)

    monkeypatch.setattr(reading, "_asked", talkative)


FOUND: dict[Callable[[pytest.MonkeyPatch], None], Callable[[Outcome], object]] = {
    drop_twins: lambda outcome: outcome.lost,
    forget_events: lambda outcome: outcome.events_wrong,
    give_new_ids: lambda outcome: outcome.ids_changed,
    log_secrets: lambda outcome: outcome.secrets_logged,
}


@pytest.mark.parametrize("plant", FOUND, ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plant: Callable[[pytest.MonkeyPatch], None]
) -> None:
    plant(monkeypatch)
    outcomes = (live(tmp_path / str(seed), seed, 8) for seed in SEEDS)
    assert any(FOUND[plant](outcome) for outcome in outcomes), "no seed noticed"


def test_a_ledger_that_counts_nothing_is_found(bank: Customer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "_decide", lambda *_: Allowed(0, 4, None))
    world = World(bank, 2)
    world.hub.kill_share = 0.0
    with world.hub.running():
        world.hub.link()
        for _ in range(6):
            world.hub.wait(1_800)
            world.hub.ask(attended=False)
        found = world.judge.judge().quota_violations
    sweep()
    assert found


def test_a_planted_crash_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise KeyError("planted")

    monkeypatch.setattr(reading, "record_balances", broken)
    with pytest.raises(KeyError, match="planted"):
        live(tmp_path, 1, 2)


def test_a_life_can_be_lived_again(tmp_path: Path) -> None:
    first, second = live(tmp_path / "one", 7, 10), live(tmp_path / "other", 7, 10)
    assert (first.runs, first.kills, first.days) == (second.runs, second.kills, second.days)


def test_the_judge_sees_what_is_lost_and_doubled(bank: Customer) -> None:
    world = World(bank, 99)
    with world.hub.running():
        world.hub.kill_share = 0.0
        world.hub.link()
        world.settle()
        assert not world.judge.judge().is_wrong
        account = world.bank.accounts[0]
        made = world.bank.control("POST", f"/accounts/{account.id}/twins", {"count": 2})["truthIds"]
        assert (world.judge.judge().lost, world.judge.outcome.doubled) == (2, 0)
        world.hub.ask(attended=True)
        world.bank.control("DELETE", f"/transactions/{made[0]}")
        assert (world.judge.judge().lost, world.judge.outcome.doubled) == (0, 1)
    sweep()


def test_workers_overtake_each_other_and_die(bank: Customer) -> None:
    """Nearly every worker of this life dies, each somewhere else, and nothing comes of it."""
    world = World(bank, 3)
    world.hub.workers, world.hub.kill_share = 3, 0.9
    outcome = world.live(20)
    sweep()
    assert not outcome.is_wrong, outcome
    assert outcome.kills >= 5
