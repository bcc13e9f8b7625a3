"""The customers of the bank: the test users of the table, and those that control made."""

from __future__ import annotations

from dataclasses import replace

from nostro.sandbox.scenarios import SCENARIOS, Scenario
from nostro.sandbox.storage import Storage

MAX_CUSTOMERS = 10_000
MAX_SHOWN = 200


class Customers:
    """Who banks here, and how the bank behaves towards them."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def find(self, psu: str | None) -> Scenario | None:
        """How the bank behaves towards this customer; None for somebody it does not know."""
        if psu is None or psu in SCENARIOS:
            return SCENARIOS.get(psu or "")
        with self._storage.transaction() as db:
            row = db.execute("SELECT scenario FROM customers WHERE psu = ?", (psu,)).fetchone()
        return None if row is None else _like(psu, row["scenario"])

    def require(self, psu: str | None) -> Scenario:
        """The same for a customer of whom the bank has something, who is therefore known."""
        found = self.find(psu)
        assert found is not None, psu
        return found

    def shown(self) -> list[Scenario]:
        """Those that pages list: the table first, then some of the others by name."""
        with self._storage.transaction() as db:
            rows = db.execute("SELECT psu, scenario FROM customers ORDER BY psu LIMIT ?", (MAX_SHOWN,)).fetchall()
        return [*SCENARIOS.values(), *(_like(row["psu"], row["scenario"]) for row in rows)]

    def add(self, psu: str, scenario: str | None) -> bool:
        """A customer towards whom the bank behaves as towards ``scenario``. False when there are too many."""
        with self._storage.transaction() as db:
            if db.execute("SELECT count(*) FROM customers").fetchone()[0] >= MAX_CUSTOMERS:
                return False
            db.execute("INSERT INTO customers VALUES (?, ?)", (psu, scenario))
        return True


def _like(psu: str, scenario: str | None) -> Scenario:
    """Behaviour without the accounts: those of an ad-hoc customer are opened one by one."""
    if scenario is None:
        return Scenario(psu, "Made by control.", ())
    return replace(SCENARIOS[scenario], psu=psu, story=f"Made by control, behaves like {scenario}.", accounts=())
