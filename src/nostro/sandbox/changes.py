"""What control and the scenarios do to accounts and rows, now or from a day on."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from nostro.sandbox.clock import Clock
from nostro.sandbox.habits import Habits, NewIds
from nostro.sandbox.histories.rows import Row, derived_id, derived_number
from nostro.sandbox.ledger import Account, Ledger
from nostro.sandbox.storage import Storage


class Changes:
    """Verbs on accounts and rows that exist (:class:`Ledger` reads them and writes the histories)."""

    def __init__(self, storage: Storage, seed: int, clock: Clock, ledger: Ledger) -> None:
        self._storage, self._seed, self._clock, self._ledger = storage, seed, clock, ledger

    def add(self, account: str, rows: Iterable[Row]) -> list[str]:
        """Rows from outside the histories; returns their truth ids, which count on from 1 and are never given again."""
        made = []
        with self._storage.transaction() as db:
            for row in rows:
                db.execute("UPDATE accounts SET added = added + 1 WHERE id = ?", (account,))
                number = db.execute("SELECT added FROM accounts WHERE id = ?", (account,)).fetchone()[0]
                truth_id = f"{account}:added:{number:05d}"
                reference = f"ADDED{derived_id(account)[:4].upper()}{number:05d}"
                self._ledger.insert(db, account, truth_id, reference, row)
                made.append(truth_id)
        return made

    def alter(
        self,
        truth_id: str,
        *,
        minor: int | None = None,
        booked_on: dt.date | None = None,
        value_on: dt.date | None = None,
        texts: dict[str, str],
    ) -> None:
        """Change what is given of a row and leave the rest. An amendment that was planned is dropped if it is still
        to come, and kept as part of the row if it holds already."""
        with self._storage.transaction() as db:
            self._settle_amendment(db, truth_id)
            found = db.execute("SELECT body FROM rows WHERE truth_id = ?", (truth_id,)).fetchone()
            body = json.dumps({**json.loads(found["body"]), **texts}, ensure_ascii=False)
            db.execute(
                "UPDATE rows SET body = ?, minor = coalesce(?, minor), pending_minor = coalesce(?, pending_minor), "
                "booked_on = coalesce(?, booked_on), value_on = coalesce(?, value_on) WHERE truth_id = ?",
                (body, minor, minor, booked_on and booked_on.isoformat(), value_on and value_on.isoformat(), truth_id),
            )

    def _settle_amendment(self, db: sqlite3.Connection, truth_id: str) -> None:
        row = db.execute("SELECT * FROM rows WHERE truth_id = ?", (truth_id,)).fetchone()
        if row["amended_on"] is not None and row["amended_on"] <= self._clock.today().isoformat():
            amendment = json.loads(row["amendment"])
            body = json.dumps({**json.loads(row["body"]), **amendment["texts"]}, ensure_ascii=False)
            db.execute(
                "UPDATE rows SET minor = amended_minor, value_on = ?, body = ? WHERE truth_id = ?",
                (amendment.get("valueDate", row["value_on"]), body, truth_id),
            )
        db.execute("UPDATE rows SET amended_on = NULL WHERE truth_id = ?", (truth_id,))

    def replace(self, account: str, number: int, row: Row) -> bool:
        """Make another row of the one with this number; its ids and what was planned for it stay, an amendment goes.
        False when the account has no such row."""
        with self._storage.transaction() as db:
            changed = db.execute(
                "UPDATE rows SET minor = ?, pending_minor = ?, booked_on = ?, value_on = ?, seen_on = min(seen_on, ?), "
                "body = ?, amended_on = NULL WHERE id = ? AND account = ?",
                (
                    *(row.minor, row.minor, row.booked_on.isoformat(), (row.value_on or row.booked_on).isoformat()),
                    *((row.seen_on or row.booked_on).isoformat(), json.dumps(row.body, ensure_ascii=False)),
                    *(number, account),
                ),
            )
            return changed.rowcount == 1

    def amend(
        self,
        truth_id: str,
        on: dt.date,
        *,
        minor: int | None = None,
        value_on: dt.date | None = None,
        texts: dict[str, str] | None = None,
    ) -> None:
        """Change a booked row from the day ``on``."""
        amendment: dict[str, Any] = {"texts": texts or {}}
        if value_on is not None:
            amendment["valueDate"] = value_on.isoformat()
        with self._storage.transaction() as db:
            db.execute(
                "UPDATE rows SET amended_on = ?, amended_minor = coalesce(?, minor), amendment = ? WHERE truth_id = ?",
                (on.isoformat(), minor, json.dumps(amendment, ensure_ascii=False), truth_id),
            )

    def remove(self, truth_id: str, on: dt.date | None = None) -> None:
        """Take a row away, as if it had never been or from a day on."""
        with self._storage.transaction() as db:
            if on is None:
                db.execute("DELETE FROM rows WHERE truth_id = ?", (truth_id,))
            else:
                db.execute("UPDATE rows SET gone_on = ? WHERE truth_id = ?", (on.isoformat(), truth_id))

    def book(self, truth_id: str, minor: int | None, reference: str | None) -> bool:
        """Book a pending row today, perhaps with another amount or ``entryReference``. False when it is not pending."""
        today = self._clock.today().isoformat()
        with self._storage.transaction() as db:
            changed = db.execute(
                "UPDATE rows SET booked_on = ?, minor = coalesce(?, minor), "
                "entry_reference = coalesce(?, entry_reference) "
                "WHERE truth_id = ? AND seen_on <= ? AND booked_on > ? AND gone_on > ?",
                (today, minor, reference, truth_id, *[today] * 3),
            )
            return changed.rowcount == 1

    def set_status(self, account: Account, status: str) -> None:
        """``enabled``, ``blocked`` or ``deleted``, from now on."""
        with self._storage.transaction() as db:
            db.execute("UPDATE accounts SET status = ?, closes_on = NULL WHERE id = ?", (status, account.id))

    def close(self, account: Account, on: dt.date) -> None:
        """The account is ``deleted`` from the day ``on``."""
        with self._storage.transaction() as db:
            db.execute("UPDATE accounts SET closes_on = ? WHERE id = ?", (on.isoformat(), account.id))

    def set_habits(self, account: Account, **habits: Any) -> Habits:
        """Change some of the account's :class:`Habits`."""
        changed = replace(account.habits, **habits)
        with self._storage.transaction() as db:
            db.execute("UPDATE accounts SET habits = ? WHERE id = ?", (changed.to_text(), account.id))
        return changed

    def count_read(self, account: Account) -> None:
        """One more transaction list was begun."""
        with self._storage.transaction() as db:
            db.execute("UPDATE accounts SET reads = reads + 1 WHERE id = ?", (account.id,))

    def renew_ids(self, account: Account, new: NewIds) -> None:
        """New ids for the account and its rows of now, in the shares that ``new`` names; the same for the same seed."""
        with self._storage.transaction() as db:
            db.execute("UPDATE accounts SET generation = generation + 1 WHERE id = ?", (account.id,))
            generation = db.execute("SELECT generation FROM accounts WHERE id = ?", (account.id,)).fetchone()[0]
            if new.resource_id:
                fresh = derived_id(self._seed, "account", account.id, generation)
                db.execute("UPDATE accounts SET resource_id = ? WHERE id = ?", (fresh, account.id))
            self._renew(db, account, "transaction_id", new.transaction_id, generation)
            self._renew(db, account, "entry_reference", new.entry_reference, generation)

    def _renew(self, db: sqlite3.Connection, account: Account, column: str, percent: int, generation: int) -> None:
        if percent == 0:
            return
        query = f"SELECT truth_id FROM rows WHERE account = ? AND {column} IS NOT NULL ORDER BY truth_id"  # noqa: S608
        truth_ids = [row["truth_id"] for row in db.execute(query, (account.id,))]
        values = []
        for truth_id in truth_ids:
            if derived_number(self._seed, column, truth_id, generation) % 100 < percent:
                fresh = derived_id(self._seed, column, truth_id, generation)
                values.append((fresh if column == "transaction_id" else "N" + fresh[:22].upper(), truth_id))
        db.executemany(f"UPDATE rows SET {column} = ? WHERE truth_id = ?", values)  # noqa: S608
