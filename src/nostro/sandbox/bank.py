"""The whole bank in one value: what every endpoint works with."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nostro.sandbox.changes import Changes
from nostro.sandbox.clock import Clock, Kind
from nostro.sandbox.consents import Consents
from nostro.sandbox.customers import Customers
from nostro.sandbox.faults import Faults
from nostro.sandbox.ledger import Ledger
from nostro.sandbox.protocol import Protocol
from nostro.sandbox.quota import Quota
from nostro.sandbox.sca.tokens import Tokens
from nostro.sandbox.storage import Storage


class SeedMismatch(ValueError):
    """The directory holds a bank of another seed."""


@dataclass(slots=True)
class Bank:
    """``sleep`` is what slow answers wait with: real time (connectors.md 5.1), replaceable in tests.

    ``is_strict`` wants certificates and signatures (:mod:`nostro.sandbox.strict`).
    """

    storage: Storage
    seed: int
    clock: Clock
    customers: Customers
    ledger: Ledger
    changes: Changes
    consents: Consents
    quota: Quota
    faults: Faults
    protocol: Protocol
    tokens: Tokens
    control_token: str
    sleep: Callable[[float], None] = time.sleep
    is_strict: bool = False

    def reset(self, seed: int, at: dt.datetime | None) -> None:
        """A fresh bank in place of this one: every customer, consent and record is forgotten."""
        with self.storage.transaction():
            self.storage.clear()
            fresh = furnish(self.storage, seed, self.clock.kind, at, self.control_token)
        self.seed, self.clock, self.ledger, self.changes = seed, fresh.clock, fresh.ledger, fresh.changes
        self.customers, self.consents, self.tokens = fresh.customers, fresh.consents, fresh.tokens


def open_bank(
    data_directory: Path, seed: int, kind: Kind, at: dt.datetime | None = None, control_token: str = ""
) -> Bank:
    """The bank of ``data_directory``, opened anew when the directory holds none. Raises :class:`SeedMismatch`."""
    storage = Storage(data_directory)
    with storage.transaction() as db:
        known = db.execute("SELECT value FROM settings WHERE name = 'seed'").fetchone()
        if known is not None and int(known["value"]) != seed:
            raise SeedMismatch(f"{data_directory} holds the bank of seed {known['value']}, not {seed}.")
        return furnish(storage, seed, kind, at, control_token)


def furnish(storage: Storage, seed: int, kind: Kind, at: dt.datetime | None, control_token: str) -> Bank:
    """A bank on ``storage``, with the accounts of all test users."""
    with storage.transaction() as db:
        db.execute("INSERT OR REPLACE INTO settings VALUES ('seed', ?)", (str(seed),))
        clock, customers = Clock(storage, kind, at), Customers(storage)
        ledger = Ledger(storage, seed, clock)
        ledger.open_accounts()
    return Bank(
        *(storage, seed, clock, customers, ledger, Changes(storage, seed, clock, ledger)),
        *(Consents(storage, clock, customers), Quota(storage), Faults(storage), Protocol(storage)),
        *(Tokens(storage, clock), control_token),
    )
