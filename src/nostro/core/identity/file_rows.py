"""Which row of a bank's file is which stored transaction (formats.md section 8).

A file adds or is known; it never removes and never changes what is stored. Equal rows are counted: of a day that is
listed completely by two sources the greater count holds, not the sum and not one (8.3). So files may overlap, be split,
merged and imported in any order, and a feed may have been there before.

Two statements of one day may each list a part of it. Their balances tell: the rows of a day are a walk of the balance,
and two walks that do not touch have no row in common (:func:`in_common`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple
from uuid import UUID

from nostro.core.identity.pairing import Pairing

#: Days between two rows that look alike (books.md 11.2).
ALIKE_DAYS = 3

StoredState = Literal["live", "undone", "withdrawn", "set_aside"]
HeldReason = Literal["alike", "withdrawn", "not_in_feed"]
_STATES: tuple[StoredState, ...] = ("live", "undone", "set_aside", "withdrawn")


class RowOfFile(NamedTuple):
    """One booked row of a file. ``number`` is its place in the file, from 1; ``reference`` the bank's own, or empty.

    ``own_id`` is the id of a transaction of ours, where the file is one that we wrote.
    """

    number: int
    booking_date: dt.date
    amount: Decimal
    currency: str
    fingerprint: str
    reference: str = ""
    own_id: UUID | None = None


class StoredTransaction(NamedTuple):
    """One stored row. ``aliases`` are fingerprints under which files showed it before.

    ``state``: ``undone`` rows went with an import that a person undid and come back with the file; ``withdrawn`` rows
    were taken back by the bank's own connection and ``set_aside`` ones by a person, and neither comes back by a file.
    """

    id: UUID
    booking_date: dt.date
    amount: Decimal
    currency: str
    fingerprint: str
    ordinal: int
    reference: str = ""
    aliases: tuple[str, ...] = ()
    state: StoredState = "live"


class HeldRow(NamedTuple):
    """A row that is not stored by itself: a person decides. ``like`` is what it resembles, if anything."""

    row: RowOfFile
    reason: HeldReason
    like: UUID | None = None


@dataclass(frozen=True, slots=True)
class FileMatch:
    """Every row of the file is in one of ``known``, ``new``, ``restored`` and ``held``.

    ``not_shown`` are stored live rows of days that the file lists completely and that it does not show: told, and left
    as they are.
    """

    known: tuple[tuple[RowOfFile, StoredTransaction], ...] = ()
    restored: tuple[tuple[RowOfFile, StoredTransaction], ...] = ()
    new: tuple[RowOfFile, ...] = ()
    held: tuple[HeldRow, ...] = ()
    not_shown: tuple[StoredTransaction, ...] = ()


def match_file(
    rows: Sequence[RowOfFile],
    stored: Sequence[StoredTransaction],
    *,
    listed: Callable[[dt.date], bool],
    read_by_feed: Callable[[dt.date], bool],
    add_held: bool = False,
) -> FileMatch:
    """Compare one statement's rows with the stored rows of their days; the result does not depend on their order.

    ``stored`` must hold every stored row of the days of ``rows``, except those known to be of another part of the day.
    ``listed`` says whether the statement lists a day completely for sure; of its first and its last day that is seldom
    known, because statements may end within a day. ``read_by_feed`` says whether the bank's own connection read a day:
    what it does not show then is held. With ``add_held`` a person has decided that rows which would be held for
    resemblance or for the feed are real; withdrawn ones stay held.
    """
    pairing = Pairing(rows, stored, incoming_order=lambda row: row.number, stored_order=_stored_order)
    pairing.pair(
        lambda row: (row.own_id, row.amount, row.currency) if row.own_id else None,
        lambda row: (row.id, row.amount, row.currency),
    )
    pairing.pair(_reference_key, _reference_key)
    for state in _STATES:
        pairing.pair(_fingerprint, lambda row, state=state: row.fingerprint if row.state == state else None)  # type: ignore[misc]
    _pair_aliases(pairing)
    known, restored, held = [], [], []
    for row, partner in zip(pairing.incoming, pairing.partners, strict=True):
        if partner is None:
            continue
        found = pairing.stored[partner]
        if found.state == "undone":
            restored.append((row, found))
        elif found.state == "withdrawn":
            held.append(HeldRow(row, "withdrawn", found.id))
        else:
            known.append((row, found))
    left = [row for row in pairing.unpaired_stored if row.state == "live"]
    new, alike, not_shown = _unexplained(pairing.unpaired_incoming, left, listed, read_by_feed, add_held=add_held)
    return FileMatch(tuple(known), tuple(restored), tuple(new), (*held, *alike), tuple(not_shown))


def _stored_order(row: StoredTransaction) -> tuple[int, int, UUID]:
    return _STATES.index(row.state), row.ordinal, row.id


def _reference_key(row: RowOfFile | StoredTransaction) -> object | None:
    """A bank's reference is strong together with date and amount only (formats.md 8.5)."""
    return (row.reference, row.booking_date, row.amount, row.currency) if row.reference else None


def _fingerprint(row: RowOfFile) -> str:
    return row.fingerprint


def _pair_aliases(pairing: Pairing[RowOfFile, StoredTransaction]) -> None:
    most = max((len(row.aliases) for row in pairing.stored), default=0)
    for place in range(most):
        pairing.pair(_fingerprint, lambda row, place=place: row.aliases[place] if place < len(row.aliases) else None)  # type: ignore[misc]


def _unexplained(
    rows: Sequence[RowOfFile],
    stored: Sequence[StoredTransaction],
    listed: Callable[[dt.date], bool],
    read_by_feed: Callable[[dt.date], bool],
    *,
    add_held: bool,
) -> tuple[list[RowOfFile], list[HeldRow], list[StoredTransaction]]:
    """Rows without an equal one: new, unless a stored row that the file does not explain looks like them."""
    free: dict[tuple[Decimal, str], list[StoredTransaction]] = {}
    for candidate in sorted(stored, key=lambda each: (each.booking_date, each.ordinal, each.id)):
        free.setdefault((candidate.amount, candidate.currency), []).append(candidate)
    new: list[RowOfFile] = []
    held: list[HeldRow] = []
    explained: set[UUID] = set()
    for row in sorted(rows, key=lambda each: (each.booking_date, each.number)):
        alike = _take_alike(row, free.get((row.amount, row.currency), []), listed)
        if alike is not None:
            explained.add(alike.id)
            if add_held:
                new.append(row)
            else:
                held.append(HeldRow(row, "alike", alike.id))
        elif read_by_feed(row.booking_date) and not add_held:
            held.append(HeldRow(row, "not_in_feed"))
        else:
            new.append(row)
    not_shown = [row for row in stored if row.id not in explained and listed(row.booking_date)]
    return new, held, not_shown


def _take_alike(
    row: RowOfFile, candidates: list[StoredTransaction], listed: Callable[[dt.date], bool]
) -> StoredTransaction | None:
    """The nearest stored row of the same amount that this statement should have shown, which it then explains.

    A row of a day that the statement does not list completely need not be in it, so there only the same day counts.
    """
    near = [
        each
        for each in candidates
        if each.booking_date == row.booking_date
        or (listed(each.booking_date) and abs((each.booking_date - row.booking_date).days) <= ALIKE_DAYS)
    ]
    if not near:
        return None
    nearest = min(near, key=lambda each: (abs((each.booking_date - row.booking_date).days), each.ordinal, each.id))
    candidates.remove(nearest)
    return nearest


class DayWalk(NamedTuple):
    """The balance before the rows that a proved statement lists of one day, and their amounts in its order."""

    opening: Decimal
    amounts: tuple[Decimal, ...]

    @property
    def stations(self) -> frozenset[Decimal]:
        """The balance before each of the rows."""
        found, balance = [], self.opening
        for amount in self.amounts:
            found.append(balance)
            balance += amount
        return frozenset(found)


def in_common(one: DayWalk, other: DayWalk) -> bool:
    """Whether two statements may list the same rows of a day: the balance of one begins on the way of the other.

    Each is proved by its balances. Where a balance happens to come twice on a day the answer is yes, so that
    nothing is doubled.
    """
    return one.opening in other.stations or other.opening in one.stations


def complete_days(
    kind: str,
    *,
    complete: bool,
    stated: tuple[dt.date | None, dt.date | None],
    booked: tuple[dt.date | None, dt.date | None],
    opening_day: dt.date | None,
    closing_day: dt.date | None,
) -> tuple[dt.date, dt.date] | None:
    """The days that a statement lists completely, both included; None where it does so for none (formats.md 8.3).

    ``stated`` and ``booked`` are pairs (first, last). Files without statements (OFX, tables) list the days strictly
    between their first and last row, and those at the ends where they state the period.
    """
    if not complete or kind in {"report", "notification"}:
        return None
    first_booked, last_booked = booked
    if kind == "list":
        first = stated[0] or (first_booked and first_booked + dt.timedelta(days=1))
        last = stated[1] or (last_booked and last_booked - dt.timedelta(days=1))
    else:
        after_opening = opening_day + dt.timedelta(days=1) if opening_day else None
        first = stated[0] or min((day for day in (first_booked, after_opening) if day), default=None)
        last = stated[1] or closing_day or last_booked
    return (first, last) if first and last and first <= last else None
