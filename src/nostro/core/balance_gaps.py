"""Where a balance stopped adding up (connectors.md 1.11.3, "find the gap"), and what may explain it.

The Hub's proof says by how much the bank's balance moved beyond the rows between two readings. These functions
narrow that down to days. The thread is the *offset*: what an account must have held before its first row for a stated
balance to be right. Balances that agree with all rows have one offset; a row that is missing, doubled or of another
amount moves the offset of every later balance. Nothing here invents a row.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple
from uuid import UUID


class DayBalance(NamedTuple):
    """A balance of the bank at the end of ``day``, and the sum of all stored rows up to that day."""

    day: dt.date
    amount: Decimal
    rows_total: Decimal

    @property
    def offset(self) -> Decimal:
        return self.amount - self.rows_total


@dataclass(frozen=True, slots=True)
class BalanceGap:
    """The balance adds up at the end of ``after`` and no longer at the end of ``until``.

    ``moved`` is the change of the bank's balance, ``rows`` the sum of the stored rows of the days between;
    ``difference`` is moved - rows.
    """

    after: DayBalance
    until: DayBalance

    @property
    def moved(self) -> Decimal:
        return self.until.amount - self.after.amount

    @property
    def rows(self) -> Decimal:
        return self.until.rows_total - self.after.rows_total

    @property
    def difference(self) -> Decimal:
        return self.moved - self.rows


def narrow_gap(points: Sequence[DayBalance], expected_offset: Decimal) -> tuple[BalanceGap, ...]:
    """The shortest intervals between ``points`` that explain why the last one has another offset than expected.

    ``points`` are oldest first; the last one is the balance that was not proved. Empty if that one is right, or if no
    earlier point has the expected offset. A point that disagrees for a while and then agrees again was stated before
    the bank dated a row back: it explains nothing and is passed over.
    """
    if not points or points[-1].offset == expected_offset:
        return ()
    right = [place for place, point in enumerate(points) if point.offset == expected_offset]
    if not right:
        return ()
    gaps: list[BalanceGap] = []
    at, last = right[-1], len(points) - 1
    while points[at].offset != points[last].offset:
        following = at + 1
        # Where this balance's offset is seen for the last time, the next step begins.
        end = max(place for place in range(following, last + 1) if points[place].offset == points[following].offset)
        gaps.append(BalanceGap(points[at], points[following]))
        at = end
    return tuple(gaps)


class RunningRow(NamedTuple):
    """One row with the balance that the bank states after it (``balanceAfterTransaction``)."""

    amount: Decimal
    balance_after: Decimal | None


def end_of_day(rows: Iterable[RunningRow]) -> Decimal | None:
    """The balance after the last of one day's rows, whatever their order; ``None`` where it is not certain.

    Each row's balance is the beginning of the next one, so the end is the only balance at which none begins. More
    than one end means that a row between is missing or was added later.
    """
    ends: Counter[Decimal] = Counter()
    for row in rows:
        if row.balance_after is None:
            return None
        ends[row.balance_after] += 1
        ends[row.balance_after - row.amount] -= 1
    left = [balance for balance, count in ends.items() if count > 0]
    return left[0] if len(left) == 1 and ends[left[0]] == 1 else None


# --- what may explain a difference


class GapRow(NamedTuple):
    """A row that may have to do with a difference. ``state`` says where it stands now."""

    id: UUID
    amount: Decimal
    state: Literal["booked", "withdrawn", "pending"]


class Suspect(NamedTuple):
    """A row that alone would explain the difference, and how."""

    id: UUID
    reason: Literal["withdrawn", "pending", "doubled"]


def suspects(difference: Decimal, rows: Iterable[GapRow], limit: int = 20) -> tuple[Suspect, ...]:
    """Rows whose amount is the difference: withdrawn ones the bank still counts, pending ones it counts already, and
    booked ones of the opposite amount, which it may not have (a double). A hint for a person, never a correction.
    """
    found: list[Suspect] = []
    for row in rows:
        if row.state in {"withdrawn", "pending"} and row.amount == difference:
            found.append(Suspect(row.id, "withdrawn" if row.state == "withdrawn" else "pending"))
        elif row.state == "booked" and row.amount == -difference:
            found.append(Suspect(row.id, "doubled"))
        if len(found) == limit:
            break
    return tuple(found)
