"""The Hub's question: which row of a bank's answer is which stored transaction (connectors.md 1.10).

A read is compared with the stored rows of its days, in three steps, each row used once: an equal trusted
reference; an equal fingerprint, by count; an equal date, amount and currency where both sides have equally
many rows left. The result is a value; nothing is written here.

Two rules keep a bad day at the bank from harming the store. A read that did not reach its end may add rows,
but never modifies or removes one. And a row is gone only when two complete reads in a row did not show it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from decimal import Decimal
from uuid import UUID

from nostro.core.identity.bank_rows import (
    ABSENCES_UNTIL_GONE,
    Known,
    MatchResult,
    Modified,
    New,
    ReadRow,
    ReadWarning,
    ReferencePolicy,
    StoredRow,
)
from nostro.core.identity.pairing import Pairing
from nostro.core.transactions import Window

_Row = ReadRow | StoredRow
_Key = Callable[[_Row], Hashable | None]
_Pairing = Pairing[ReadRow, StoredRow]


def match(
    read_rows: Iterable[ReadRow],
    stored_rows: Sequence[StoredRow],
    *,
    complete: bool,
    policy: ReferencePolicy,
    window: Window | None = None,
) -> MatchResult:
    """Compare the booked rows of one read with the stored rows; the result does not depend on their order.

    ``stored_rows`` must hold every stored row whose booking date lies in ``window`` or is the booking date of
    a read row. Rows outside ``window`` can be recognised, but are neither modified on weak evidence nor
    missed; without ``window`` all stored rows were asked for. ``complete`` says that the chain of pages
    reached its end.
    """

    def asked_for(row: StoredRow) -> bool:
        return window is None or row.booking_date in window

    rows, warnings = _without_repeats(read_rows, policy)
    warnings.extend(_repeated_references(rows))
    pairing = Pairing(rows, stored_rows, incoming_order=_read_order, stored_order=_stored_order)
    _pair_by_evidence(pairing, policy, asked_for)
    if complete:
        return _complete_result(pairing, asked_for, tuple(warnings))
    return _incomplete_result(pairing, tuple(warnings))


def _read_order(row: ReadRow) -> tuple[str, bool, Decimal, tuple[str, ...]]:
    """Order of equal rows that does not depend on pages: the balance after them tells who came first."""
    balance = row.balance_after
    chronological = Decimal(0) if balance is None else balance if row.amount >= 0 else -balance
    return row.content, balance is None, chronological, row.references


def _stored_order(row: StoredRow) -> tuple[int, int, UUID]:
    """Rows that the bank still shows before those it stopped showing."""
    return row.absences, row.ordinal, row.id


# --- what the read says about itself
# ---------------------------------------------------------------------------


def _without_repeats(read_rows: Iterable[ReadRow], policy: ReferencePolicy) -> tuple[list[ReadRow], list[ReadWarning]]:
    """Drop rows that a bank gave twice at the border of two pages.

    A trusted reference names one row. References to be verified do not, so there only a row that repeats the
    bank's transaction id and everything else is the same one. Rows without ids are never dropped: two equal
    payments look exactly like that.
    """
    kept: dict[object, ReadRow] = {}
    repeats: Counter[str] = Counter()
    for position, row in enumerate(read_rows):
        key = _repeat_key(row, policy) or position
        earlier = kept.get(key)
        if earlier is None:
            kept[key] = row
        else:
            repeats[row.transaction_id or next(filter(None, row.references))] += 1
            kept[key] = min(earlier, row, key=_read_order)
    return list(kept.values()), [
        ReadWarning("row_repeated", subject, times + 1) for subject, times in sorted(repeats.items())
    ]


def _repeat_key(row: ReadRow, policy: ReferencePolicy) -> object | None:
    if not policy.verify:
        return next(filter(None, row.references), None)
    transaction_id = row.transaction_id
    return (transaction_id, row.references, row.fingerprint, row.content) if transaction_id else None


def _repeated_references(rows: list[ReadRow]) -> list[ReadWarning]:
    counts = Counter(reference for row in rows for reference in row.references if reference)
    if len(counts) == counts.total():
        return []
    return [ReadWarning("reference_repeated", *item) for item in sorted(counts.items()) if item[1] > 1]


# --- the three steps
# -------------------------------------------------------------------------------------------


def _pair_by_evidence(pairing: _Pairing, policy: ReferencePolicy, asked_for: Callable[[StoredRow], bool]) -> None:
    """The surest evidence first; a row that was not asked for is no candidate for weak evidence."""
    fields = range(len(policy.reference_fields))

    def step(key: _Key, only_if: Callable[[list[ReadRow], list[StoredRow]], bool] | None = None) -> None:
        pairing.pair(key, lambda row: key(row) if asked_for(row) else None, only_if)

    for field in fields:
        for key in (_reference_and_row(field), _reference_and_fingerprint(field)):
            pairing.pair(key, key)
    if policy.verify:
        for field in fields:
            step(_reference_and_amount_of_day(field))
            step(_reference_and_amount(field))
        for key in (_whole_row, _fingerprint):
            pairing.pair(key, key)
        # Only now is it known that the old row is gone from this read, so that the reference kept its
        # meaning.
        for field in fields:
            step(_reference(field), lambda read, stored: len(read) == len(stored) == 1)
    else:
        for field in fields:
            pairing.pair(_reference(field), _reference(field))
        _pair_by_fingerprint_unless_contradicted(pairing)
    step(_day_and_amount, _equally_many_without_contradiction)


def _pair_by_fingerprint_unless_contradicted(pairing: _Pairing) -> None:
    """Two different trusted references prove two transactions, so one side must have none of that kind."""
    kinds = _reference_kinds(pairing.unpaired_incoming)

    def if_without_reference(key: _Key) -> _Key:
        return lambda row: key(row) if kinds.isdisjoint(_reference_kinds([row])) else None

    for key in (_whole_row, _fingerprint):
        pairing.pair(if_without_reference(key), key)
        pairing.pair(key, if_without_reference(key))


def _reference(field: int) -> _Key:
    """Key by the reference of one field of the policy; rows stored under a shorter policy may lack it."""
    return lambda row: (row.references[field] if field < len(row.references) else None) or None


def _reference_and_row(field: int) -> _Key:
    # Every row that did not change is recognised here, so this key is built for each row of each read.
    def key(row: _Row) -> Hashable | None:
        references = row.references
        if field < len(references) and (reference := references[field]):
            return reference, row.fingerprint, row.content
        return None

    return key


def _with_reference(field: int, rest: Callable[[_Row], tuple[Hashable, ...]]) -> _Key:
    reference_of = _reference(field)

    def key(row: _Row) -> Hashable | None:
        reference = reference_of(row)
        return None if reference is None else (reference, *rest(row))

    return key


def _reference_and_fingerprint(field: int) -> _Key:
    return _with_reference(field, lambda row: (row.fingerprint,))


def _reference_and_amount_of_day(field: int) -> _Key:
    return _with_reference(field, lambda row: (row.amount, row.currency, row.booking_date))


def _reference_and_amount(field: int) -> _Key:
    return _with_reference(field, lambda row: (row.amount, row.currency))


def _whole_row(row: _Row) -> Hashable:
    return row.fingerprint, row.content


def _fingerprint(row: _Row) -> Hashable:
    return row.fingerprint


def _day_and_amount(row: _Row) -> Hashable:
    return row.booking_date, row.amount, row.currency


def _equally_many_without_contradiction(read: list[ReadRow], stored: list[StoredRow]) -> bool:
    return len(read) == len(stored) and _reference_kinds(read).isdisjoint(_reference_kinds(stored))


def _reference_kinds(rows: Iterable[_Row]) -> set[str]:
    """Source and field of every reference present: unpaired rows that share a kind contradict each other."""
    references = (reference for row in rows for reference in row.references if reference)
    return {":".join(reference.split(":", 2)[:2]) for reference in references}


# --- what follows from the pairs
# -------------------------------------------------------------------------------


def _complete_result(
    pairing: _Pairing, asked_for: Callable[[StoredRow], bool], warnings: tuple[ReadWarning, ...]
) -> MatchResult:
    known, changed = _known_and_changed(pairing)
    added = pairing.unpaired_incoming
    ordinals = _next_ordinals([*(row for row, _ in changed), *added], pairing.stored)
    missed = [row for row in pairing.unpaired_stored if asked_for(row)]
    return MatchResult(
        new=tuple(New(row, ordinals[id(row)]) for row in added),
        known=known,
        modified=tuple(
            Modified(row, old, old.ordinal if row.fingerprint == old.fingerprint else ordinals[id(row)])
            for row, old in changed
        ),
        absent_once=tuple(row for row in missed if row.absences < ABSENCES_UNTIL_GONE - 1),
        gone=tuple(row for row in missed if row.absences == ABSENCES_UNTIL_GONE - 1),
        warnings=warnings,
    )


def _incomplete_result(pairing: _Pairing, warnings: tuple[ReadWarning, ...]) -> MatchResult:
    """Only additions, and only of rows that cannot be another state of a stored row not yet read."""
    known, changed = _known_and_changed(pairing)
    candidates: set[Hashable] = set()
    for stored in pairing.unpaired_stored:
        candidates.update((*filter(None, stored.references), _day_and_amount(stored)))
    deferred = [row for row, _ in changed]
    added: list[ReadRow] = []
    for row in pairing.unpaired_incoming:
        undecided = not candidates.isdisjoint((*row.references, _day_and_amount(row)))
        (deferred if undecided else added).append(row)
    ordinals = _next_ordinals(added, pairing.stored)
    return MatchResult(
        new=tuple(New(row, ordinals[id(row)]) for row in added),
        known=known,
        deferred=tuple(deferred),
        warnings=warnings,
    )


def _known_and_changed(pairing: _Pairing) -> tuple[tuple[Known, ...], list[tuple[ReadRow, StoredRow]]]:
    known: list[Known] = []
    changed: list[tuple[ReadRow, StoredRow]] = []
    for row, partner in zip(pairing.incoming, pairing.partners, strict=True):
        if partner is None:
            continue
        stored = pairing.stored[partner]
        if row.content == stored.content:
            known.append(Known(row, stored))
        else:
            changed.append((row, stored))
    return tuple(known), changed


def _next_ordinals(rows: list[ReadRow], stored_rows: Sequence[StoredRow]) -> dict[int, int]:
    """An ordinal for each row, keyed by ``id(row)``, after the highest stored one of its fingerprint.

    Ordinals of stored rows are never used again, so that they stay unique while rows come and go.
    """
    if not rows:
        return {}
    last = dict.fromkeys((row.fingerprint for row in rows), 0)
    for stored in stored_rows:
        if stored.fingerprint in last:
            last[stored.fingerprint] = max(last[stored.fingerprint], stored.ordinal)
    ordinals: dict[int, int] = {}
    for row in sorted(rows, key=_read_order):
        last[row.fingerprint] += 1
        ordinals[id(row)] = last[row.fingerprint]
    return ordinals
