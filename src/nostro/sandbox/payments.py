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
from nostro.sandbox.consents import AUTHORISATION_LIFE, Authorisation, cancel_payment
from nostro.sandbox.errors import Refusal
from nostro.sandbox.histories.company import codes
from nostro.sandbox.histories.rows import Row, batch
from nostro.sandbox.ledger import Account
from nostro.sandbox.scenarios import Approach

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
    """``debtor`` is the account's own id, None until it is known; ``psu_hint`` the customer as the service named them,
    ``approach`` the way of the attempt to sign that is under way."""

    id: str
    service: str
    status: str
    debtor: str | None
    transfers: tuple[Transfer, ...]
    is_batch: bool
    ok_uri: str
    nok_uri: str
    psu_hint: str
    approach: Approach

    @property
    def total(self) -> int:
        """Minor units of all transfers."""
        return sum(transfer.minor for transfer in self.transfers)


class Payments:
    """All payments of a bank. ``new_id`` makes unguessable ids."""

    def __init__(self, bank: Bank, new_id: Callable[[], str] = lambda: secrets.token_urlsafe(24)) -> None:
        self._bank, self._storage, self._clock, self._new_id = bank, bank.storage, bank.clock, new_id

    def create(
        self,
        service: str,
        debtor: str | None,
        transfers: Sequence[Transfer],
        *,
        is_batch: bool,
        ways: tuple[str, str],
        psu_hint: str = "",
        approach: Approach = "redirect",
    ) -> Payment:
        """A payment that waits for its signature; ``ways`` lead the browser back after a yes and after a no."""
        identity, now = self._new_id(), self._clock.now()
        written = json.dumps([[transfer.minor, transfer.body] for transfer in transfers], ensure_ascii=False)
        with self._storage.transaction() as db:
            db.execute(
                "INSERT INTO payments (id, service, status, debtor, transfers, is_batch, ok_uri, nok_uri, psu_hint, "
                "approach, created_at, ends_at) VALUES (?, ?, 'RCVD', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(identity, service, debtor, written, int(is_batch), *ways, psu_hint, approach),
                    *(moment_text(now), moment_text(now + AUTHORISATION_LIFE)),
                ),
            )
        return self.known(identity)

    def find(self, identity: str) -> Payment | None:
        """The payment as of now: one that nobody signed in time is cancelled."""
        query = "SELECT * FROM payments WHERE id = ?"
        with self._storage.transaction() as db:
            row = db.execute(query, (identity,)).fetchone()
            if row is not None and row["status"] == "RCVD" and self._clock.now() >= parse_moment(row["ends_at"]):
                cancel_payment(db, identity)
                row = db.execute(query, (identity,)).fetchone()
        return None if row is None else _payment(row)

    def known(self, identity: str) -> Payment:
        """The same where it must exist."""
        found = self.find(identity)
        assert found is not None
        return found

    def waiting(self, limit: int) -> list[Payment]:
        """Payments that wait for a signature, newest first."""
        with self._storage.transaction() as db:
            query = "SELECT id FROM payments WHERE status = 'RCVD' ORDER BY created_at DESC, rowid DESC LIMIT ?"
            found = db.execute(query, (limit,)).fetchall()
        return [payment for row in found if (payment := self.known(row["id"])).status == "RCVD"]

    def lead_back(self, payment: Payment, ways: tuple[str, str]) -> None:
        """Where the browser goes after the next attempt; nothing leaves it as it was."""
        if ways[0]:
            with self._storage.transaction() as db:
                db.execute("UPDATE payments SET ok_uri = ?, nok_uri = ? WHERE id = ?", (*ways, payment.id))

    def start(self, payment: Payment, approach: Approach, psu: str | None, status: str) -> Authorisation:
        """One more attempt of the customer to sign it, in this way."""
        with self._storage.transaction() as db:
            if self.known(payment.id).status != "RCVD":
                raise Refusal(409, "STATUS_INVALID", f"A payment that is {payment.status} cannot be signed.")
            db.execute("UPDATE payments SET approach = ? WHERE id = ?", (approach, payment.id))
            return self._bank.consents.start_signing(payment.id, approach, psu, status)

    def payers(self, payment: Payment, psu: str) -> list[Account]:
        """The customer's accounts that can pay it: the one the service named, or all in the currency."""
        return [
            account
            for account in self._bank.ledger.accounts(psu)
            if account.currency == CURRENCY and account.status == "enabled" and payment.debtor in {None, account.id}
        ]

    def sign(self, authorisation: Authorisation, debtor: str, at: dt.datetime | None = None) -> None:
        """The customer's yes at the moment ``at`` (now). It counts once: a payment that is signed or cancelled stays as
        it is."""
        due = moment_text((at or self._clock.now()) + EXECUTED_AFTER)
        with self._storage.transaction() as db:
            changed = db.execute(
                "UPDATE payments SET status = 'ACTC', debtor = ?, executes_at = ? WHERE id = ? AND status = 'RCVD'",
                (debtor, due, authorisation.payment),
            )
            self._bank.consents.set_authorisation(authorisation.id, "finalised" if changed.rowcount else "failed")

    def sign_elsewhere(self, authorisation: Authorisation, psu: str, at: dt.datetime | None = None) -> None:
        """A yes by code or app, where nobody chooses an account: the one that was named pays, else the customer's
        first. Somebody to whom it does not belong has failed, like who denies everything."""
        payers = self.payers(self.known(authorisation.payment), psu)
        if not payers or self._bank.customers.require(psu).always_denies:
            self._bank.consents.fail(authorisation)
        else:
            self.sign(authorisation, payers[0].id, at)

    def cancel(self, payment: Payment) -> None:
        """The customer's no, or the service's while nobody has signed."""
        with self._storage.transaction() as db:
            cancel_payment(db, payment.id)

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


_AS_STORED = ("id", "service", "status", "debtor", "ok_uri", "nok_uri", "psu_hint", "approach")


def _payment(row: sqlite3.Row) -> Payment:
    known = {name: row[name] for name in _AS_STORED}
    transfers = tuple(Transfer(minor, body) for minor, body in json.loads(row["transfers"]))
    return Payment(transfers=transfers, is_batch=bool(row["is_batch"]), **known)
