"""Rows of a table as statements: one for each run of rows of one account, proved by the running balance (6.9)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from nostro.core.transactions import Balance
from nostro.formats.problems import problem
from nostro.formats.values import Entry, Event, FileAccount, Position, Problem, StatementHead, StatementTail


class StatementKey(NamedTuple):
    """What rows of one statement have in common."""

    account: FileAccount
    statement: str = ""
    number: str = ""
    part: str = ""


@dataclass(slots=True)
class _Chain:
    """The running balance of one account over the whole file, followed in both orders at once."""

    oldest: bool = True
    newest: bool = True
    balance: Decimal | None = None
    #: Booked rows since the last one with a balance, and that row's amount with them.
    since: Decimal = Decimal(0)
    amount: Decimal = Decimal(0)
    reported: bool = False

    def add(self, entry: Entry, balance: Decimal | None, place: Position) -> Problem | None:
        """One booked row; gives the problem of the first row that fits its neighbour in neither order."""
        amount = entry.amount
        if balance is None:
            self.since += amount
            return None
        before, self.balance = self.balance, balance
        forward, backward = self.since + amount, self.amount + self.since
        self.since, self.amount = Decimal(0), amount
        if before is None or self.reported:
            return None
        was = self.oldest, self.newest
        self.oldest = self.oldest and before + forward == balance
        self.newest = self.newest and before - backward == balance
        if self.oldest or self.newest:
            return None
        self.reported = True
        expected = before - backward if was == (False, True) else before + forward
        message = (
            f"after this row of {amount} the balance is {balance}, but from its neighbour's {before} it would be "
            f"{expected} {entry.currency}"
        )
        return problem("F-BALANCE", message, place)


@dataclass(slots=True)
class _Run:
    """The statement being read. ``first`` and ``last`` are (balance, amount) of its rows with a balance."""

    key: StatementKey
    seen: int = 0
    emitted: int = 0
    skipped: int = 0
    rows_before: Decimal = Decimal(0)
    rows_after: Decimal = Decimal(0)
    first: tuple[Decimal, Decimal] | None = None
    last: tuple[Decimal, Decimal] | None = None
    stated: Decimal | None = None
    from_day: dt.date | None = None
    to_day: dt.date | None = None
    position: Position = field(default_factory=Position)


class Statements:
    """Takes rows and gives the events of their statements. ``order`` is ``oldest``, ``newest`` or not known."""

    def __init__(self, order: str = "") -> None:
        self._order = order
        self._run: _Run | None = None
        self._waiting = 0
        self._chains: dict[tuple[str, str, str], _Chain] = {}
        self._chain = _Chain()

    def skip(self) -> None:
        """Count a row that was left out with a problem; it belongs to the statement that is open or comes next."""
        if self._run is None:
            self._waiting += 1
        else:
            self._run.seen += 1
            self._run.skipped += 1

    def add(self, key: StatementKey, entry: Entry, balance: Decimal | None, place: Position) -> Sequence[Event]:
        """The events of a row and the balance after it."""
        run = self._run
        events: tuple[Event, ...] = ()
        if run is None or (run.key is not key and run.key != key):
            events = tuple(self.begin(key, place))
            run = self._run
            assert run is not None
        run.seen += 1
        run.emitted += 1
        if entry.booking_status == "booked" and entry.currency == key.account.currency:
            found = self._chain.add(entry, balance, place)
            if found is not None:
                events = (*events, found)
            day = entry.booking_date
            if day is not None and day != run.to_day:
                run.from_day = min(run.from_day or day, day)
                run.to_day = max(run.to_day or day, day)
            if balance is not None:
                run.last = balance, entry.amount
                run.first = run.first or run.last
                run.rows_after = Decimal(0)
            elif run.first is None:
                run.rows_before += entry.amount
            else:
                run.rows_after += entry.amount
        run.position = place
        return (*events, entry)

    def state(self, balance: Decimal) -> None:
        """The balance of a statement that turns out to have no booked rows."""
        if self._run is not None:
            self._run.stated = balance

    def begin(self, key: StatementKey, place: Position) -> Iterator[Event]:
        """End the statement that is open and begin another."""
        yield from self.end()
        account = key.account
        self._run = _Run(key, position=place, seen=self._waiting, skipped=self._waiting)
        self._waiting = 0
        self._chain = self._chains.setdefault((account.number, account.currency, key.statement + key.part), _Chain())
        yield StatementHead(0, account, place, "list", statement_id=key.statement or None, sequence=key.number or None)

    def end(self) -> Iterator[Event]:
        """The tail of the open statement."""
        run, self._run = self._run, None
        if run is None:
            return
        balances = _balances(run, self._newest_first())
        yield StatementTail(balances, None, run.seen, run.emitted, run.skipped, position=run.position)

    def _newest_first(self) -> bool:
        if self._order:
            return self._order == "newest"
        return self._chain.newest and not self._chain.oldest


def _balances(run: _Run, newest: bool) -> tuple[Balance, ...]:
    """Opening, of the day before the first row, and closing as the running balances have them (formats.md 5.4)."""
    currency = run.key.account.currency
    if run.stated is not None and run.first is None:
        opening = closing = run.stated
    elif run.first is None or run.last is None:
        return ()
    elif newest:
        opening = run.last[0] - run.last[1] - run.rows_after
        closing = run.first[0] + run.rows_before
    else:
        opening = run.first[0] - run.first[1] - run.rows_before
        closing = run.last[0] + run.rows_after
    before = run.from_day - dt.timedelta(days=1) if run.from_day and run.from_day > dt.date.min else None
    return (
        Balance("openingBooked", opening, currency, reference_date=before),
        Balance("closingBooked", closing, currency, reference_date=run.to_day),
    )
