"""Payments that services prepare and customers sign: the only reader and writer of their table.

Transaction status in the words of ISO 20022: ``RCVD`` until it is signed, ``ACTC`` while the bank is about to execute
it, then ``ACSC`` (booked) or ``RJCT``; ``CANC`` when the customer says no or lets the time pass. A payment is executed
as a movement of the customer's account, and of the creditor's where that is an account of this bank.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from nostro.sandbox.bank import Bank
from nostro.sandbox.clock import moment_text, parse_moment
from nostro.sandbox.consents import AUTHORISATION_LIFE, FINAL, MAX_ATTEMPTS
from nostro.sandbox.histories.company import codes
from nostro.sandbox.histories.rows import Row, batch
from nostro.sandbox.ledger import Account
from nostro.sandbox.scenarios import CODE

CURRENCY = "EUR"
#: The bank takes this long after the signature, so that a service sees a payment on its way.
EXECUTED_AFTER = dt.timedelta(seconds=5)
_OUT, _IN = codes("PMNT-ICDT-ESCT", "DEBIT"), codes("PMNT-RCDT-ESCT", "CREDIT")


@dataclass(frozen=True, slots=True)
class Transfer:
    """One credit transfer of a payment. ``body`` has the standard's fields besides the amount."""

    minor: int
    body: dict[str, Any]

    @property
    def creditor_iban(self) -> str:
        return str(self.body["creditorAccount"]["iban"])


@dataclass(frozen=True, slots=True)
class Payment:
    """``debtor`` is the account's own id, None until the customer has chosen one; ``sca`` names the authorisation."""

    id: str
    service: str
    status: str
    debtor: str | None
    transfers: tuple[Transfer, ...]
    is_batch: bool
    ok_uri: str
    nok_uri: str
    sca: str
    sca_status: str
    psu: str | None
    session: str | None
    attempts: int

    @property
    def total(self) -> int:
        """Minor units of all transfers."""
        return sum(transfer.minor for transfer in self.transfers)


class Payments:
    """All payments of a bank. ``new_id`` makes unguessable ids."""

    def __init__(self, bank: Bank, new_id: Callable[[], str] = lambda: secrets.token_urlsafe(24)) -> None:
        self._bank, self._storage, self._clock, self._new_id = bank, bank.storage, bank.clock, new_id

    def create(
        self, service: str, debtor: str | None, transfers: Sequence[Transfer], *, is_batch: bool, ways: tuple[str, str]
    ) -> Payment:
        """A payment that waits for its signature; ``ways`` lead the browser back after a yes and after a no."""
        identity, now = self._new_id(), self._clock.now()
        written = json.dumps([[transfer.minor, transfer.body] for transfer in transfers], ensure_ascii=False)
        with self._storage.transaction() as db:
            db.execute(
                "INSERT INTO payments (id, service, status, debtor, transfers, is_batch, ok_uri, nok_uri, sca, "
                "sca_status, created_at, ends_at) VALUES (?, ?, 'RCVD', ?, ?, ?, ?, ?, ?, 'received', ?, ?)",
                (
                    *(identity, service, debtor, written, int(is_batch), *ways, self._new_id()),
                    *(moment_text(now), moment_text(now + AUTHORISATION_LIFE)),
                ),
            )
        return self._known("id", identity)

    def find(self, identity: str) -> Payment | None:
        """By the id that the service was told."""
        return self._find("id", identity)

    def by_authorisation(self, sca: str) -> Payment | None:
        """By the name of its authorisation."""
        return self._find("sca", sca)

    def _find(self, column: str, value: str) -> Payment | None:
        """The payment as of now: one that nobody signed in time is cancelled."""
        assert column in {"id", "sca"}
        query = f"SELECT * FROM payments WHERE {column} = ?"  # noqa: S608 - one of two names
        with self._storage.transaction() as db:
            row = db.execute(query, (value,)).fetchone()
            if row is not None and row["sca_status"] not in FINAL and self._clock.now() >= parse_moment(row["ends_at"]):
                _cancel(db, row["id"])
                row = db.execute(query, (value,)).fetchone()
        return None if row is None else _payment(row)

    def _known(self, column: str, value: str) -> Payment:
        found = self._find(column, value)
        assert found is not None
        return found

    def log_in(self, payment: Payment, psu: str, password: str) -> str | None:
        """The new secret of the browser, or None; three wrong tries cancel the payment."""
        with self._storage.transaction() as db:
            if self._bank.consents.is_password(psu, password):
                session = self._new_id()
                db.execute(
                    "UPDATE payments SET sca_status = 'psuAuthenticated', psu = ?, session = ?, attempts = 0 "
                    "WHERE id = ?",
                    (psu, session, payment.id),
                )
                return session
            _count_attempt(db, payment)
        return None

    def check_code(self, payment: Payment, code: str) -> bool:
        """The code of the second factor; three wrong ones cancel the payment."""
        if secrets.compare_digest(code.strip().encode(errors="replace"), CODE.encode()):
            return True
        with self._storage.transaction() as db:
            _count_attempt(db, payment)
        return False

    def sign(self, payment: Payment, debtor: str) -> None:
        """The customer's yes. It counts once: a payment that is signed or cancelled stays as it is."""
        due = moment_text(self._clock.now() + EXECUTED_AFTER)
        with self._storage.transaction() as db:
            db.execute(
                "UPDATE payments SET status = 'ACTC', sca_status = 'finalised', debtor = ?, executes_at = ? "
                "WHERE id = ? AND status = 'RCVD'",
                (debtor, due, payment.id),
            )

    def cancel(self, payment: Payment) -> None:
        """The customer's no, or the service's while nobody has signed."""
        with self._storage.transaction() as db:
            _cancel(db, payment.id)

    def settle(self) -> None:
        """Execute what is due, in order. Each is booked with its status in one transaction."""
        query = "SELECT * FROM payments WHERE status = 'ACTC' AND executes_at <= ? ORDER BY executes_at, rowid"
        with self._storage.transaction() as db:
            for row in db.execute(query, (moment_text(self._clock.now()),)).fetchall():
                day = parse_moment(row["executes_at"]).date()
                status = "ACSC" if self._execute(_payment(row), day) else "RJCT"
                db.execute("UPDATE payments SET status = ? WHERE id = ?", (status, row["id"]))

    def _execute(self, payment: Payment, day: dt.date) -> bool:
        debtor = self._bank.ledger.account(payment.debtor or "")
        if debtor is None or debtor.status != "enabled":
            return False
        today = self._clock.today()
        if payment.total > self._bank.ledger.booked_sum(debtor, today, today):
            return False
        self._bank.changes.add(debtor.id, _debits(payment, day))
        accounts = {each.iban: each for each in self._bank.ledger.listed() if each.currency == CURRENCY}
        for transfer in payment.transfers:
            creditor = accounts.get(transfer.creditor_iban)
            if creditor is not None and creditor.status == "enabled":
                self._bank.changes.add(creditor.id, [_credit(transfer, debtor, day)])
        return True


def settle(bank: Bank) -> None:
    """Execute the payments that are due."""
    Payments(bank).settle()


def _debits(payment: Payment, day: dt.date) -> list[Row]:
    """One row for each transfer, or one for all where the service prefers that."""
    if payment.is_batch and len(payment.transfers) > 1:
        parts, amounts = [t.body for t in payment.transfers], [-t.minor for t in payment.transfers]
        text = {"remittanceInformationUnstructured": f"Batch of {len(parts)} payments"}
        return [Row(-payment.total, day, {**text, **batch(parts, amounts, CURRENCY), **_OUT})]
    return [Row(-transfer.minor, day, {**transfer.body, **_OUT}) for transfer in payment.transfers]


def _credit(transfer: Transfer, debtor: Account, day: dt.date) -> Row:
    kept = {name: value for name, value in transfer.body.items() if not name.startswith("creditor")}
    return Row(transfer.minor, day, {**kept, "debtorName": debtor.owner, "debtorAccount": {"iban": debtor.iban}, **_IN})


def _count_attempt(db: sqlite3.Connection, payment: Payment) -> None:
    db.execute("UPDATE payments SET attempts = attempts + 1 WHERE id = ?", (payment.id,))
    if payment.attempts + 1 >= MAX_ATTEMPTS:
        _cancel(db, payment.id)


def _cancel(db: sqlite3.Connection, identity: str) -> None:
    db.execute(
        "UPDATE payments SET status = 'CANC', sca_status = 'failed' WHERE id = ? AND status = 'RCVD'", (identity,)
    )


_AS_STORED = (
    *("id", "service", "status", "debtor", "ok_uri", "nok_uri"),
    *("sca", "sca_status", "psu", "session", "attempts"),
)


def _payment(row: sqlite3.Row) -> Payment:
    known = {name: row[name] for name in _AS_STORED}
    transfers = tuple(Transfer(minor, body) for minor, body in json.loads(row["transfers"]))
    return Payment(transfers=transfers, is_batch=bool(row["is_batch"]), **known)
