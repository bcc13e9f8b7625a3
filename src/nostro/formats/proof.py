"""The proof of a statement: opening balance and rows against the closing balance (formats.md 5.4).

Only booked rows in the account's currency count; pending, informational and expected rows never do, nor details, nor
available balances. Control totals of the file are a second proof.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from nostro.core.transactions import Balance, Window
from nostro.formats.values import Entry, StatementHead, StatementTail, Totals

State = Literal["proved", "unproved", "failed"]
Hint = Literal[
    "row_doubled", "row_turned", "row_missing", "reversals_turned", "pending_counted", "fees_left_out",
    "other_currency", "page_missing", "statements_exchanged",
]  # fmt: skip

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Proof:
    """The arithmetic of one statement; sums are of booked rows, ``debit_sum`` is negative.

    ``computed`` = opening + credits + debits, ``difference`` = closing − computed. ``totals`` compares with the figures
    the file states, ``totals_differences`` says in words what differs. ``hints`` each remove the difference exactly.
    """

    state: State
    currency: str
    opening: Balance | None = None
    closing: Balance | None = None
    credits: int = 0
    credit_sum: Decimal = _ZERO
    debits: int = 0
    debit_sum: Decimal = _ZERO
    computed: Decimal | None = None
    difference: Decimal | None = None
    totals: State = "unproved"
    totals_differences: tuple[str, ...] = ()
    hints: tuple[Hint, ...] = ()

    @property
    def booked_sum(self) -> Decimal:
        """The signed sum of the booked rows."""
        return self.credit_sum + self.debit_sum

    @property
    def holds(self) -> bool:
        """False if balance or proving control totals contradict the rows: the file belongs in quarantine."""
        return self.state != "failed" and self.totals != "failed"


class RunningProof:
    """Accumulates a proof row by row, in constant memory: ``add`` each entry, then ``close`` with the tail."""

    def __init__(self, head: StatementHead) -> None:
        self.head = head
        self.currency = head.account.currency
        self.rows = self.credits = self.debits = self.foreign = 0
        self.credit_sum = self.debit_sum = self.reversal_sum = self.pending_sum = self.fee_sum = _ZERO
        self.foreign_sum = _ZERO
        self.first_day: dt.date | None = None
        self.last_day: dt.date | None = None

    def add(self, entry: Entry) -> None:
        """Count one row."""
        self.rows += 1
        amount = entry.amount
        if entry.booking_status != "booked":
            self.pending_sum += amount
            return
        if entry.currency != self.currency:
            self.foreign += 1
            self.foreign_sum += amount
        elif amount < 0:
            self.debits += 1
            self.debit_sum += amount
        else:
            self.credits += 1
            self.credit_sum += amount
        if entry.reversal:
            self.reversal_sum += amount
        if entry.fee is not None:
            self.fee_sum += entry.fee
        day = entry.booking_date
        if day != self.last_day and day is not None:
            self._note_day(day)

    def _note_day(self, day: dt.date) -> None:
        if self.first_day is None or day < self.first_day:
            self.first_day = day
        if self.last_day is None or day > self.last_day:
            self.last_day = day

    @property
    def booked_days(self) -> Window | None:
        """From the first to the last booking date."""
        return Window(self.first_day, self.last_day) if self.first_day and self.last_day else None

    def close(self, tail: StatementTail) -> Proof:
        """The proof of all rows added."""
        opening = _balance(tail.balances, self.currency, "openingBooked", "other:PRCD") or self.head.opening
        closing = _balance(tail.balances, self.currency, "closingBooked")
        totals, differences = self._compare(tail.totals)
        proof = Proof(
            "unproved", self.currency, opening, closing, self.credits, self.credit_sum, self.debits, self.debit_sum,
            totals=totals, totals_differences=differences,
        )  # fmt: skip
        if opening is None:
            return proof
        computed = opening.amount + self.credit_sum + self.debit_sum
        if closing is None:
            return replace(proof, computed=computed)
        difference = closing.amount - computed
        state: State = "unproved" if self.foreign else "failed" if difference else "proved"
        hints = self._hints(difference, tail.totals) if difference else ()
        return replace(proof, state=state, computed=computed, difference=difference, hints=hints)

    def _hints(self, difference: Decimal, totals: Totals | None) -> tuple[Hint, ...]:
        missing_page = (self.head.page or 1) > 1 or self.head.last_page is False
        possible: list[tuple[Hint, bool]] = [
            ("reversals_turned", bool(self.reversal_sum) and difference == -2 * self.reversal_sum),
            ("pending_counted", bool(self.pending_sum) and difference == self.pending_sum),
            ("fees_left_out", bool(self.fee_sum) and difference == -self.fee_sum),
            ("other_currency", bool(self.foreign_sum) and difference == self.foreign_sum),
            ("row_missing", totals is not None and totals.entries == self.rows + 1),
            ("page_missing", missing_page),
        ]
        return tuple(hint for hint, fits in possible if fits)

    def _compare(self, totals: Totals | None) -> tuple[State, tuple[str, ...]]:
        if totals is None:
            return "unproved", ()
        net = self.credit_sum + self.debit_sum
        figures = (
            ("entries", totals.entries, self.rows),
            ("credit entries", totals.credits, self.credits),
            ("credit sum", totals.credit_sum, self.credit_sum),
            ("debit entries", totals.debits, self.debits),
            ("debit sum", totals.debit_sum, -self.debit_sum),
            ("net sum", totals.net, net),
        )
        compared = [(name, stated, counted) for name, stated, counted in figures if stated is not None]
        differences = tuple(
            f"{name}: the file states {stated}, its rows are {counted}"
            for name, stated, counted in compared
            if stated != counted
        )
        return ("failed" if differences else "proved" if compared else "unproved"), differences


def _balance(balances: Iterable[Balance], currency: str, *types: str) -> Balance | None:
    usable = [b for b in balances if b.currency == currency and not b.credit_limit_included]
    return next((b for wanted in types for b in usable if b.balance_type == wanted), None)


def prove(head: StatementHead, entries: Iterable[Entry], tail: StatementTail) -> Proof:
    """The proof of a whole statement, with the hints that look at single rows (a row doubled, a sign turned)."""
    running = RunningProof(head)
    rows = list(entries)
    for entry in rows:
        running.add(entry)
    proof = running.close(tail)
    if proof.state != "failed" or proof.difference is None:
        return proof
    return replace(proof, hints=(*row_hints(proof.difference, rows), *proof.hints))


def row_hints(difference: Decimal, entries: Iterable[Entry]) -> tuple[Hint, ...]:
    """Which single rows would remove the difference: one that comes twice, or one with the sign turned."""
    hints: dict[Hint, None] = {}
    candidates = 0
    for entry in entries:
        if entry.booking_status != "booked":
            continue
        if entry.amount * 2 == -difference:
            hints["row_turned"] = None
        if entry.amount == -difference:
            candidates += 1
            if candidates > 1:
                hints["row_doubled"] = None
    return tuple(hints)
