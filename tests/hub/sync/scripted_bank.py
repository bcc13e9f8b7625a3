"""A bank of the tests' own: a real connector class that serves pages from a script and can fail on demand."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field, replace
from decimal import Decimal

from nostro.connectors.berlin_group.connector import BerlinGroupConnector
from nostro.connectors.contract import (
    Configuration,
    ConnectionHandle,
    Consent,
    IdentityPolicy,
    Page,
    RawAnswer,
    TokenSource,
)
from nostro.core.transactions import Balance, Transaction, Window
from nostro.hub.sync.bank import Bank


class ScriptedConnector:
    """Implements the reading part of the contract. Pages travel as JSON, as they do at a bank."""

    info = BerlinGroupConnector.info
    identity = IdentityPolicy(("iban", "currency"), ("entry_reference",))

    def __init__(self, bank: ScriptedBank) -> None:
        self.bank = bank

    def identity_for(self, configuration):
        return self.identity

    def get_balances(self, connection, account, psu):
        self.bank.asked("balances", psu, None)
        stated = [["interimBooked", str(self.bank.balance), account.currency, self.bank.today.isoformat()]]
        if self.bank.closing is not None:
            amount, day = self.bank.closing
            stated.append(["closingBooked", str(amount), account.currency, day.isoformat()])
        body = json.dumps(stated).encode()
        raw = RawAnswer("https://bank.example/balances", 200, "application/json", body, "request-1")
        return self.map_balances(raw), raw

    def map_balances(self, raw):
        return tuple(
            Balance(kind, Decimal(amount), currency, reference_date=dt.date.fromisoformat(day))
            for kind, amount, currency, day in json.loads(raw.body)
        )

    def list_transactions(self, connection, account, window, booking_status, psu, next_page=None):
        self.bank.asked("transactions", psu, (window, booking_status, next_page))
        number = int(next_page or 0)
        rows = [row for row in self.bank.rows if row.booking_date is None or row.booking_date in window]
        if booking_status == "booked":
            rows = [row for row in rows if row.booking_status == "booked"]
        size = self.bank.page_size
        shown = rows[number * size : (number + 1) * size]
        last = (number + 1) * size >= len(rows)
        body = json.dumps([_as_json(row) for row in shown]).encode()
        raw = RawAnswer(f"https://bank.example/transactions?page={number}", 200, "application/json", body, "request-2")
        page = self.map_transactions(raw, window)
        return replace(page, next=None if last else str(number + 1), complete=last)

    def map_transactions(self, raw, window):
        return Page(tuple(map(_from_json, json.loads(raw.body))), window, raw, complete=True)


def _as_json(row: Transaction) -> dict[str, object]:
    return {
        "amount": str(row.amount),
        "currency": row.currency,
        "status": row.booking_status,
        "reference": row.entry_reference,
        "date": row.booking_date.isoformat() if row.booking_date else None,
        "creditor": row.creditor_name,
        "endToEndId": row.end_to_end_id,
    }


def _from_json(item: dict[str, str]) -> Transaction:
    return Transaction(
        Decimal(item["amount"]),
        item["currency"],
        booking_status=item["status"],
        entry_reference=item["reference"],
        booking_date=dt.date.fromisoformat(item["date"]) if item["date"] else None,
        creditor_name=item["creditor"],
        end_to_end_id=item["endToEndId"],
        raw=item,
    )


@dataclass
class ScriptedBank:
    """What the bank holds, how it answers, and what it was asked. ``failures`` are raised one after the other;
    ``None`` in their place lets a call through."""

    rows: list[Transaction] = field(default_factory=list)
    balance: Decimal = Decimal(0)
    closing: tuple[Decimal, dt.date] | None = None
    today: dt.date = dt.date(2026, 11, 2)
    page_size: int = 3
    limit: int | None = 4
    history_days: int = 400
    failures: dict[str, list[Exception | None]] = field(default_factory=dict)
    calls: list[tuple[str, bool, tuple[Window, str, str | None] | None]] = field(default_factory=list)
    before_call: object = None
    tokens: TokenSource | None = None

    def open(self, account, clock) -> Bank:
        connector = ScriptedConnector(self)
        handle = ConnectionHandle(
            Configuration("https://bank.example", "Test Bank"), Consent("secret", "valid"), self.tokens
        )
        return Bank(connector, handle, connector.identity, "scripted", self.limit, self.history_days)

    def asked(self, endpoint, psu, details) -> None:
        from django.db import connection

        # Tests run in a transaction of their own where they may; a call within one of ours would be deeper.
        assert len(connection.savepoint_ids) == 0 or not connection.in_atomic_block, (
            "a bank was called in a transaction"
        )
        self.calls.append((endpoint, psu.present, details))
        if callable(self.before_call):
            self.before_call(endpoint)
        script = self.failures.get(endpoint)
        failure = script.pop(0) if script else None
        if failure is not None:
            raise failure

    def add(self, amount: str, day: dt.date | int, currency: str = "EUR", status: str = "booked", **fields) -> None:
        booking_date = dt.date(2026, 10, day) if isinstance(day, int) else day
        self.rows.append(
            Transaction(Decimal(amount), currency, booking_date=booking_date, booking_status=status, **fields)
        )
        if status == "booked":
            self.balance += Decimal(amount)
