"""Accounts, rows and balances: the only writer of these tables.

Status is a matter of dates: a row is seen from ``seen_on``, booked from ``booked_on``, gone from ``gone_on``.
So the answer of a given day never depends on when the bank was asked before.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from nostro.sandbox.histories.company import owner
from nostro.sandbox.histories.parties import own_iban
from nostro.sandbox.histories.rows import Place, Row, derived_id
from nostro.sandbox.scenarios import HISTORIES, HISTORY_DAYS, SCENARIOS, AccountPlan
from nostro.sandbox.storage import Storage

BOOKED = "account = ? AND booked_on <= ? AND gone_on > ?"
PENDING = "account = ? AND seen_on <= ? AND booked_on > ? AND gone_on > ?"


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the bank keeps it. ``id`` never changes; ``resource_id`` is what the interface shows."""

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
    body: dict[str, Any]
    is_booked: bool


class Ledger:
    """All accounts of all customers."""

    def __init__(self, storage: Storage, seed: int) -> None:
        self._storage, self._seed = storage, seed

    def open_accounts(self, today: dt.date) -> None:
        """Give every test user the accounts of the table; accounts that exist stay as they are."""
        with self._storage.transaction() as db:
            for scenario in SCENARIOS.values():
                for position, plan in enumerate(scenario.accounts):
                    self._open(db, scenario.psu, position, plan, today - dt.timedelta(days=HISTORY_DAYS - 1))
            self.write_until(today)

    def _open(self, db: sqlite3.Connection, psu: str, position: int, plan: AccountPlan, starts_on: dt.date) -> None:
        identity = f"{psu}-{plan.key}"
        db.execute(
            "INSERT OR IGNORE INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'enabled', ?, NULL)",
            (
                *(identity, psu, position, derived_id(self._seed, "account", identity)),
                *(own_iban(self._seed, psu, plan.iban_number), plan.currency, plan.name, plan.product, plan.type),
                *(owner(psu), plan.history, starts_on.isoformat()),
            ),
        )

    def write_until(self, today: dt.date) -> None:
        """Write the rows of all days up to ``today`` that are not yet written. Cheap when there is nothing to do."""
        with self._storage.transaction() as db:
            due = db.execute(
                "SELECT id, psu, history, currency, starts_on, written_until FROM accounts "
                "WHERE written_until IS NULL OR written_until < ? ORDER BY psu, position",
                (today.isoformat(),),
            ).fetchall()
            for account in due:
                self._write(db, account, today)

    def _write(self, db: sqlite3.Connection, account: sqlite3.Row, today: dt.date) -> None:
        starts_on = dt.date.fromisoformat(account["starts_on"])
        place = Place(self._seed, account["psu"], account["id"].split("-", 1)[1], account["currency"], starts_on)
        day = starts_on
        if account["written_until"] is not None:
            day = dt.date.fromisoformat(account["written_until"]) + dt.timedelta(days=1)
        history = HISTORIES[account["history"]]
        while day <= today:
            for number, row in enumerate(history(place, day), 1):
                truth_id = f"{account['id']}:{day:%Y%m%d}:{number:03d}"
                reference = f"{day:%Y%m%d}{derived_id(account['id'])[:4].upper()}{number:05d}"
                self._insert(db, account["id"], truth_id, reference if row.has_ids else None, row)
            day += dt.timedelta(days=1)
        db.execute("UPDATE accounts SET written_until = ? WHERE id = ?", (today.isoformat(), account["id"]))

    def _insert(self, db: sqlite3.Connection, account: str, truth_id: str, reference: str | None, row: Row) -> None:
        db.execute(
            "INSERT INTO rows (truth_id, account, seen_on, booked_on, gone_on, value_on, minor, pending_minor, "
            "transaction_id, entry_reference, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(truth_id, account, (row.seen_on or row.booked_on).isoformat(), row.booked_on.isoformat()),
                *(row.gone_on.isoformat(), (row.value_on or row.booked_on).isoformat(), row.minor),
                row.minor if row.pending_minor is None else row.pending_minor,
                derived_id(self._seed, "transaction", truth_id) if row.has_ids else None,
                *(reference, json.dumps(row.body, ensure_ascii=False)),
            ),
        )

    def add(self, account: str, rows: Iterable[Row]) -> list[str]:
        """Rows from outside the histories (control); returns their truth ids, which count on from 1."""
        made = []
        with self._storage.transaction() as db:
            count = db.execute("SELECT count(*) FROM rows WHERE truth_id LIKE ?", (f"{account}:added:%",)).fetchone()[0]
            for number, row in enumerate(rows, count + 1):
                truth_id = f"{account}:added:{number:05d}"
                self._insert(db, account, truth_id, f"ADDED{derived_id(account)[:4].upper()}{number:05d}", row)
                made.append(truth_id)
        return made

    def currency_of(self, truth_id: str) -> str | None:
        """The currency of a row's account; None when there is no such row."""
        query = "SELECT currency FROM rows JOIN accounts ON accounts.id = rows.account WHERE truth_id = ?"
        with self._storage.transaction() as db:
            found = db.execute(query, (truth_id,)).fetchone()
        return None if found is None else str(found["currency"])

    def alter(
        self,
        truth_id: str,
        *,
        minor: int | None = None,
        booked_on: dt.date | None = None,
        value_on: dt.date | None = None,
        texts: dict[str, str],
    ) -> None:
        """Change what is given of a row and leave the rest."""
        with self._storage.transaction() as db:
            found = db.execute("SELECT body FROM rows WHERE truth_id = ?", (truth_id,)).fetchone()
            body = json.dumps({**json.loads(found["body"]), **texts}, ensure_ascii=False)
            db.execute(
                "UPDATE rows SET body = ?, minor = coalesce(?, minor), pending_minor = coalesce(?, pending_minor), "
                "booked_on = coalesce(?, booked_on), value_on = coalesce(?, value_on) WHERE truth_id = ?",
                (body, minor, minor, booked_on and booked_on.isoformat(), value_on and value_on.isoformat(), truth_id),
            )

    def remove(self, truth_id: str) -> None:
        """Take a row away as if it had never been."""
        with self._storage.transaction() as db:
            db.execute("DELETE FROM rows WHERE truth_id = ?", (truth_id,))

    def book(self, truth_id: str, today: dt.date, minor: int | None) -> bool:
        """Book a pending row today. False when it is not pending."""
        with self._storage.transaction() as db:
            changed = db.execute(
                "UPDATE rows SET booked_on = ?, minor = coalesce(?, minor) "
                "WHERE truth_id = ? AND seen_on <= ? AND booked_on > ? AND gone_on > ?",
                (today.isoformat(), minor, truth_id, *[today.isoformat()] * 3),
            )
            return changed.rowcount == 1

    def accounts(self, psu: str | None = None) -> list[Account]:
        """All accounts, or those of one customer, in the order of the table."""
        condition, values = ("WHERE psu = ?", (psu,)) if psu is not None else ("", ())
        with self._storage.transaction() as db:
            found = db.execute(f"SELECT * FROM accounts {condition} ORDER BY psu, position", values).fetchall()  # noqa: S608
        return [_account(row) for row in found]

    def account(self, name: str) -> Account | None:
        """By the bank's own id or the interface's ``resourceId``."""
        with self._storage.transaction() as db:
            found = db.execute("SELECT * FROM accounts WHERE resource_id = ? OR id = ?", (name, name)).fetchone()
        return None if found is None else _account(found)

    def parts(self, account: Account) -> list[Account]:
        """The sub-accounts of an aggregate; of any other account the account itself."""
        if not account.is_aggregate:
            return [account]
        return [a for a in self.accounts(account.psu) if a.iban == account.iban and not a.is_aggregate]

    def booked_sum(self, account: str, day: dt.date) -> int:
        """Minor units of all rows booked by the end of ``day``."""
        with self._storage.transaction() as db:
            at = day.isoformat()
            query = f"SELECT coalesce(sum(minor), 0) FROM rows WHERE {BOOKED}"  # noqa: S608
            return int(db.execute(query, (account, at, at)).fetchone()[0])

    def pending_sum(self, account: str, day: dt.date) -> int:
        """Minor units of all rows pending on ``day``."""
        with self._storage.transaction() as db:
            query = f"SELECT coalesce(sum(pending_minor), 0) FROM rows WHERE {PENDING}"  # noqa: S608
            return int(db.execute(query, (account, *[day.isoformat()] * 3)).fetchone()[0])

    def booked(
        self,
        accounts: Sequence[str],
        today: dt.date,
        since: str,
        until: str,
        *,
        before: tuple[str, str] | None = None,
        limit: int = -1,
    ) -> list[Entry]:
        """Booked rows of ``since`` to ``until`` (inclusive), newest first, at most ``limit``, after the place
        ``before`` (booking date and truth id) of the page before."""
        place = before or ("9999-12-31", "~")
        marks = ",".join("?" * len(accounts))
        query = (
            f"SELECT * FROM rows WHERE account IN ({marks}) AND booked_on BETWEEN ? AND ? AND gone_on > ? "  # noqa: S608
            "AND (booked_on, truth_id) < (?, ?) ORDER BY booked_on DESC, truth_id DESC LIMIT ?"
        )
        until = min(until, today.isoformat())
        with self._storage.transaction() as db:
            found = db.execute(query, (*accounts, since, until, today.isoformat(), *place, limit)).fetchall()
        return [_entry(row, is_booked=True) for row in found]

    def pending(self, account: str, today: dt.date) -> list[Entry]:
        """Rows that are seen and not yet booked, newest first."""
        query = f"SELECT * FROM rows WHERE {PENDING} ORDER BY seen_on DESC, truth_id DESC"  # noqa: S608
        with self._storage.transaction() as db:
            found = db.execute(query, (account, *[today.isoformat()] * 3)).fetchall()
        return [_entry(row, is_booked=False) for row in found]

    def by_transaction_id(self, accounts: Sequence[str], transaction_id: str, today: dt.date) -> Entry | None:
        """The booked row with this ``transactionId``."""
        marks = ",".join("?" * len(accounts))
        query = (
            f"SELECT * FROM rows WHERE account IN ({marks}) AND transaction_id = ? AND booked_on <= ? AND gone_on > ?"  # noqa: S608
        )
        with self._storage.transaction() as db:
            found = db.execute(query, (*accounts, transaction_id, *[today.isoformat()] * 2)).fetchone()
        return None if found is None else _entry(found, is_booked=True)

    def last_reference(self, account: str, today: dt.date) -> str | None:
        """``entryReference`` of the newest booked row."""
        newest = self.booked([account], today, "0001-01-01", today.isoformat(), limit=1)
        return newest[0].entry_reference if newest else None


def _account(row: sqlite3.Row) -> Account:
    return Account(
        *(row["id"], row["psu"], row["resource_id"], row["iban"], row["currency"], row["name"], row["product"]),
        *(row["type"], row["owner"], row["status"]),
    )


def _entry(row: sqlite3.Row, *, is_booked: bool) -> Entry:
    return Entry(
        *(row["id"], row["truth_id"], row["account"], row["booked_on"], row["value_on"]),
        row["minor"] if is_booked else row["pending_minor"],
        *(row["transaction_id"], row["entry_reference"], json.loads(row["body"]), is_booked),
    )
