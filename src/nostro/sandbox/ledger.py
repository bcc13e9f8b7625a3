"""Accounts, rows and balances as they stand on a day. :mod:`nostro.sandbox.changes` is the other writer of these
tables: what control and scenarios do to them.

Status is a matter of dates: a row is seen from ``seen_on``, booked from ``booked_on``, gone from ``gone_on``, and its
amendment holds from ``amended_on``. So the answer of a given day never depends on when the bank was asked before.

Histories are written when an account is first asked for, so that a bank with many customers starts at once.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nostro.sandbox.clock import Clock
from nostro.sandbox.habits import Habits
from nostro.sandbox.histories.company import owner
from nostro.sandbox.histories.parties import own_card, own_iban
from nostro.sandbox.histories.rows import Place, Row, derived_id
from nostro.sandbox.scenarios import HISTORIES, HISTORY_DAYS, SCENARIOS, AccountPlan
from nostro.sandbox.storage import Storage

#: The cash account type of card accounts (ISO 20022).
CARD = "CARD"
#: Values: account, last booking date, and today three times.
BOOKED = "account = ? AND booked_on <= ? AND seen_on <= ? AND gone_on > ?"
#: Values: account, and today three times.
PENDING = "account = ? AND seen_on <= ? AND booked_on > ? AND gone_on > ?"
#: The member of a row's body that is a note of whoever made it, and never shown to a service.
NOTE = "_note"
#: Values: today.
MINOR = "CASE WHEN amended_on <= ? THEN amended_minor ELSE minor END"


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the bank keeps it. ``id`` never changes; ``resource_id`` is what the interface shows.

    A card account has its masked number for an ``iban``.
    """

    id: str
    psu: str
    resource_id: str
    iban: str
    currency: str
    name: str
    product: str
    type: str
    owner: str
    status: str
    reads: int
    habits: Habits

    @property
    def is_card(self) -> bool:
        """Whether it is among the card accounts."""
        return self.type == CARD

    @property
    def is_aggregate(self) -> bool:
        """A multi-currency account that only sums up others."""
        return self.currency == "XXX"


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored row as of a day. ``minor`` is what the interface shows: the pending amount while it is pending."""

    id: int
    truth_id: str
    account: str
    booked_on: str
    value_on: str
    minor: int
    transaction_id: str | None
    entry_reference: str | None
    is_booked: bool
    body: dict[str, Any]


class Ledger:
    """All accounts of all customers."""

    def __init__(self, storage: Storage, seed: int, clock: Clock) -> None:
        self._storage, self._seed, self._clock = storage, seed, clock

    def open_accounts(self) -> None:
        """Give every test user the accounts of the table; accounts that exist stay as they are."""
        for scenario in SCENARIOS.values():
            for position, plan in enumerate(scenario.accounts):
                self.open_account(
                    scenario.psu, position, plan, Habits(scenario.paging, new_ids=scenario.new_ids, format=plan.format)
                )

    def open_account(self, psu: str, position: int, plan: AccountPlan, habits: Habits) -> str:
        """One account with a history of 24 months; returns its id. One that exists stays as it is."""
        identity = f"{psu}-{plan.key}"
        starts_on = self._clock.today() - dt.timedelta(days=HISTORY_DAYS - 1)
        number = (own_card if plan.type == CARD else own_iban)(self._seed, psu, plan.iban_number)
        with self._storage.transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO accounts (id, psu, position, resource_id, iban, currency, name, product, type, "
                "owner, history, status, starts_on, habits) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'enabled', ?, ?)",
                (
                    *(identity, psu, position, derived_id(self._seed, "account", identity)),
                    *(number, plan.currency, plan.name, plan.product, plan.type),
                    *(owner(psu), plan.history, starts_on.isoformat(), habits.to_text()),
                ),
            )
        return identity

    def _catch_up(self, db: sqlite3.Connection, account: sqlite3.Row) -> None:
        """Write the rows of all days up to today that are not yet written. Cheap when there is nothing to do."""
        today, written = self._clock.today(), account["written_until"]
        if written is not None and written >= today.isoformat():
            return
        starts_on = dt.date.fromisoformat(account["starts_on"])
        key = account["id"].removeprefix(f"{account['psu']}-")
        place = Place(self._seed, account["psu"], key, account["currency"], starts_on)
        day = starts_on if written is None else dt.date.fromisoformat(written) + dt.timedelta(days=1)
        history = HISTORIES[account["history"]]
        while day <= today:
            for number, row in enumerate(history(place, day), 1):
                truth_id = f"{account['id']}:{day:%Y%m%d}:{number:03d}"
                reference = f"{day:%Y%m%d}{derived_id(account['id'])[:4].upper()}{number:05d}"
                self.insert(db, account["id"], truth_id, reference, row)
            day += dt.timedelta(days=1)
        db.execute("UPDATE accounts SET written_until = ? WHERE id = ?", (today.isoformat(), account["id"]))

    def insert(self, db: sqlite3.Connection, account: str, truth_id: str, reference: str, row: Row) -> None:
        """Write one row. Its own ``entryReference`` is ``reference`` unless it brings another."""
        seen_on = row.seen_on or row.booked_on
        db.execute(
            "INSERT INTO rows (truth_id, account, seen_on, booked_on, gone_on, value_on, minor, pending_minor, "
            "transaction_id, entry_reference, body, listed_on) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(truth_id, account, seen_on.isoformat(), row.booked_on.isoformat()),
                *(row.gone_on.isoformat(), (row.value_on or row.booked_on).isoformat(), row.minor),
                row.minor if row.pending_minor is None else row.pending_minor,
                derived_id(self._seed, "transaction", truth_id) if row.has_ids else None,
                (row.reference or reference) if row.has_ids else None,
                *(json.dumps(row.body, ensure_ascii=False), (row.listed_on or seen_on).isoformat()),
            ),
        )

    def currency_of(self, truth_id: str) -> str | None:
        """The currency of a row; None when there is no such row."""
        query = "SELECT currency FROM rows JOIN accounts ON accounts.id = rows.account WHERE truth_id = ?"
        with self._storage.transaction() as db:
            found = db.execute(query, (truth_id,)).fetchone()
        return None if found is None else str(found["currency"])

    def accounts(self, psu: str | None = None) -> list[Account]:
        """All accounts, or those of one customer, in the order of the table."""
        condition, values = ("WHERE psu = ?", (psu,)) if psu is not None else ("", ())
        with self._storage.transaction() as db:
            found = db.execute(f"SELECT * FROM accounts {condition} ORDER BY psu, position", values).fetchall()  # noqa: S608
            for row in found:
                self._catch_up(db, row)
        return [self._account(row) for row in found]

    def account(self, name: str) -> Account | None:
        """By the bank's own id or the interface's ``resourceId``."""
        with self._storage.transaction() as db:
            found = db.execute("SELECT * FROM accounts WHERE resource_id = ? OR id = ?", (name, name)).fetchone()
            if found is None:
                return None
            self._catch_up(db, found)
        return self._account(found)

    def id_of(self, resource_id: str) -> str:
        """The bank's own id of an account; empty when there is none."""
        with self._storage.transaction() as db:
            found = db.execute("SELECT id FROM accounts WHERE resource_id = ?", (resource_id,)).fetchone()
        return "" if found is None else str(found["id"])

    def asked_for(self) -> set[str]:
        """Ids of the accounts whose history is written: somebody asked for them."""
        with self._storage.transaction() as db:
            return {row["id"] for row in db.execute("SELECT id FROM accounts WHERE written_until IS NOT NULL")}

    def listed(self) -> list[Account]:
        """All accounts, without writing any history: for lists of names."""
        with self._storage.transaction() as db:
            return [self._account(row) for row in db.execute("SELECT * FROM accounts ORDER BY psu, position")]

    def parts(self, account: Account) -> list[Account]:
        """The sub-accounts of an aggregate; of any other account the account itself."""
        if not account.is_aggregate:
            return [account]
        return [a for a in self.accounts(account.psu) if a.iban == account.iban and not a.is_aggregate]

    def booked_sum(self, account: Account, day: dt.date, today: dt.date) -> int:
        """Minor units of all rows booked by the end of ``day`` as the bank knows them ``today``, and the gap that
        control may have torn."""
        at = today.isoformat()
        query = f"SELECT coalesce(sum({MINOR}), 0) FROM rows WHERE {BOOKED}"  # noqa: S608
        with self._storage.transaction() as db:
            booked = db.execute(query, (at, account.id, day.isoformat(), at, at)).fetchone()[0]
        return int(booked) + account.habits.gap_minor

    def pending_sum(self, account: Account, today: dt.date) -> int:
        """Minor units of all rows pending today."""
        query = f"SELECT coalesce(sum(pending_minor), 0) FROM rows WHERE {PENDING}"  # noqa: S608
        with self._storage.transaction() as db:
            return int(db.execute(query, (account.id, *[today.isoformat()] * 3)).fetchone()[0])

    def booked(
        self,
        accounts: Sequence[str],
        today: dt.date,
        since: str = "0001-01-01",
        until: str = "9999-12-31",
        *,
        before: tuple[str, str] | None = None,
        limit: int = -1,
    ) -> list[Entry]:
        """Booked and listed rows of ``since`` to ``until`` (inclusive), newest first, at most ``limit``, after the
        place ``before`` (booking date and truth id) of the page before."""
        place, at = before or ("9999-12-31", "~"), today.isoformat()
        marks = ",".join("?" * len(accounts))
        query = (
            f"SELECT * FROM rows WHERE account IN ({marks}) AND booked_on BETWEEN ? AND ? AND gone_on > ? "  # noqa: S608
            "AND seen_on <= ? AND listed_on <= ? AND (booked_on, truth_id) < (?, ?) "
            "ORDER BY booked_on DESC, truth_id DESC LIMIT ?"
        )
        with self._storage.transaction() as db:
            values = (*accounts, since, min(until, at), at, at, at, *place, limit)
            found = db.execute(query, values).fetchall()
        return [_booked(row, at) for row in found]

    def unlisted(self, accounts: Sequence[str], today: dt.date) -> list[Entry]:
        """Booked rows that balances count and no list shows yet."""
        marks, at = ",".join("?" * len(accounts)), today.isoformat()
        query = (
            f"SELECT * FROM rows WHERE account IN ({marks}) AND booked_on <= ? AND gone_on > ? AND seen_on <= ? "  # noqa: S608
            "AND listed_on > ? ORDER BY booked_on DESC, truth_id DESC"
        )
        with self._storage.transaction() as db:
            return [_booked(row, at) for row in db.execute(query, (*accounts, at, at, at, at))]

    def pending(self, account: str, today: dt.date) -> list[Entry]:
        """Rows that are seen and not yet booked, newest first."""
        query = f"SELECT * FROM rows WHERE {PENDING} ORDER BY seen_on DESC, truth_id DESC"  # noqa: S608
        with self._storage.transaction() as db:
            found = db.execute(query, (account, *[today.isoformat()] * 3)).fetchall()
        return [_entry(row, is_booked=False) for row in found]

    def by_transaction_id(self, accounts: Sequence[str], transaction_id: str, today: dt.date) -> Entry | None:
        """The booked row with this ``transactionId``."""
        marks, at = ",".join("?" * len(accounts)), today.isoformat()
        query = (
            f"SELECT * FROM rows WHERE account IN ({marks}) AND transaction_id = ? AND booked_on <= ? "  # noqa: S608
            "AND gone_on > ? AND seen_on <= ? AND listed_on <= ?"
        )
        with self._storage.transaction() as db:
            found = db.execute(query, (*accounts, transaction_id, at, at, at, at)).fetchone()
        return None if found is None else _booked(found, at)

    def last_reference(self, account: str, day: dt.date, today: dt.date) -> str | None:
        """``entryReference`` of the newest row booked by the end of ``day``."""
        newest = self.booked([account], today, until=day.isoformat(), limit=1)
        return newest[0].entry_reference if newest else None

    def _account(self, row: sqlite3.Row) -> Account:
        is_closed = row["closes_on"] is not None and row["closes_on"] <= self._clock.today().isoformat()
        return Account(
            *(row["id"], row["psu"], row["resource_id"], row["iban"], row["currency"], row["name"], row["product"]),
            *(row["type"], row["owner"], "deleted" if is_closed else row["status"], row["reads"]),
            Habits.of_text(row["habits"]),
        )


def _booked(row: sqlite3.Row, today: str) -> Entry:
    """A booked row with its amendment, if that holds already."""
    entry = _entry(row, is_booked=True)
    if row["amended_on"] is None or row["amended_on"] > today:
        return entry
    amendment = json.loads(row["amendment"])
    return Entry(
        *(entry.id, entry.truth_id, entry.account, entry.booked_on, amendment.get("valueDate", entry.value_on)),
        *(row["amended_minor"], entry.transaction_id, entry.entry_reference, True),
        {**entry.body, **amendment["texts"]},
    )


def _entry(row: sqlite3.Row, *, is_booked: bool) -> Entry:
    body = json.loads(row["body"])
    body.pop(NOTE, None)
    return Entry(
        *(row["id"], row["truth_id"], row["account"], row["booked_on"], row["value_on"]),
        row["minor"] if is_booked else row["pending_minor"],
        *(row["transaction_id"], row["entry_reference"], is_booked, body),
    )
