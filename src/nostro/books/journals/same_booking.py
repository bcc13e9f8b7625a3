"""Which known line a bank's row says otherwise of: D-CHANGED across sources (books.md 10, formats.md 8.1 and 8.5).

A bank corrects a booking and shows it again with another amount or on another day. Taken for a new one it would double
the old. What proves that it is the same booking is the bank's own reference, or the same statement, and in both cases
all else being equal; and neither side may have two that fit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar
from uuid import UUID

from nostro.books.journals.importing import LineValues
from nostro.books.journals.models import Line, LineStatus, Source

Row = TypeVar("Row")

#: Days between two dates that a bank may give one booking.
MOVED_DAYS = 10
_KNOWN = frozenset({LineStatus.POSTED, LineStatus.HELD_LOCKED, LineStatus.INFORMATIONAL})


def may_change(line: Line) -> bool:
    """Whether a bank can say otherwise of this line: it has it, and nobody typed it."""
    return line.status in _KNOWN and line.source != Source.MANUAL


def booking_keys(said: LineValues | Line, statements: Iterable[Hashable] = ()) -> list[Hashable]:
    """What only the same booking shares: a proof that it is the same, and all but the amount, or all but the day.

    ``statements`` are keys of the statements that show it; the bank's reference is a proof by itself.
    """
    proofs: list[Hashable] = [("reference", said.bank_reference)] if said.bank_reference else []
    proofs += statements
    rest = (said.currency, said.counterparty_account, said.counterparty_name, said.remittance_text, said.end_to_end_id)
    return [key for proof in proofs for key in ((proof, said.booking_date, rest), (proof, said.amount, rest))]


def same_bookings(
    rows: Mapping[Row, tuple[LineValues, Sequence[Hashable]]], lines: Iterable[tuple[Line, Sequence[Hashable]]]
) -> dict[Row, Line]:
    """Row → line, where one row and one line have a key and nothing else has it. The keys are :func:`booking_keys`."""
    rows_by_key: defaultdict[Hashable, list[Row]] = defaultdict(list)
    lines_by_key: defaultdict[Hashable, list[Line]] = defaultdict(list)
    for row, (_, keys) in rows.items():
        for key in keys:
            rows_by_key[key].append(row)
    for line, keys in lines:
        for key in keys:
            lines_by_key[key].append(line)
    found: dict[Row, Line] = {}
    taken: set[UUID] = set()
    for key, named in rows_by_key.items():
        known = lines_by_key.get(key, [])
        if len(named) != 1 or len(known) != 1:
            continue
        [row], [line] = named, known
        is_near = abs((rows[row][0].booking_date - line.booking_date).days) <= MOVED_DAYS
        if is_near and row not in found and line.pk not in taken:
            found[row] = line
            taken.add(line.pk)
    return found
