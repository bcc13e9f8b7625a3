"""The question of Books: which item of the Hub or of a file is which bank statement line (books.md 11.1, 11.2).

An external id that was seen before decides (L1). Otherwise equal fingerprints are counted (L2): lines of an older
epoch, of a file or of another source are the same transactions and get an alias; a line typed by hand is a possible
duplicate for a person to decide; a line of the same source and epoch has a trusted id of its own, so both are real.
Where a bank tells more of a transaction under its new id than under the old one, fingerprints differ; an item that says
all that such a line says is that line. Weaker resemblance never merges by itself.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Literal, NamedTuple, get_args
from uuid import UUID

from nostro.core.identity.fingerprints import fingerprint_texts
from nostro.core.identity.pairing import Pairing

LineSource = Literal["feed", "file", "manual"]
_LINE_SOURCES = get_args(LineSource)
OutcomeKind = Literal["new", "known", "changed", "alias", "possible_duplicate"]

#: Days between two lines of one amount that may still be the same payment (books.md 11.2).
RESEMBLANCE_DAYS = 3

#: A source, and the epoch in which its ids are trusted as stable.
Scope = tuple[str, int]

#: Counterparty's account, remittance text and end-to-end id: what a fingerprint is made of besides day and amount.
Texts = tuple[str, str, str]
NO_TEXTS: Texts = ("", "", "")


class Alias(NamedTuple):
    """An external id by which a source knows a line, and the epoch in which it was given."""

    source: str
    external_id: str
    epoch: int = 1


class IncomingItem(NamedTuple):
    """One booked item of the Hub or of a file. ``alias`` is ``None`` where a file gives no bank id.

    ``order`` is the item's place within its day as the source gives it, oldest first. ``texts`` are as the source
    gives them.
    """

    kind: LineSource
    alias: Alias | None
    fingerprint: str
    booking_date: dt.date
    amount: Decimal
    currency: str
    order: int = 0
    texts: Texts = NO_TEXTS


class StoredLine(NamedTuple):
    """One line of the journal, also held, removed and withdrawn ones. Typed lines have no alias until merged."""

    id: UUID
    kind: LineSource
    aliases: tuple[Alias, ...]
    fingerprint: str
    occurrence: int
    booking_date: dt.date
    amount: Decimal
    currency: str
    removed: bool = False
    texts: Texts = NO_TEXTS


class Outcome(NamedTuple):
    """What an item is. ``line`` is the stored line it belongs to or resembles; ``None`` only for ``new``.

    ``occurrence`` is the number the item gets (new, possible duplicate) or its line has. ``fields`` names what
    the bank changed: ``amount``, ``currency``, ``booking_date``.
    """

    kind: OutcomeKind
    item: IncomingItem
    line: StoredLine | None
    occurrence: int
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Classification:
    """One outcome for each distinct item, and the lines whose ids the incoming source should have shown.

    ``unseen`` holds lines with an alias of an incoming source and epoch that no item carried; the caller knows
    which of them the walk should have reached (books.md 10, D-WITHDRAWN).
    """

    outcomes: tuple[Outcome, ...]
    unseen: tuple[StoredLine, ...]

    def of(self, kind: OutcomeKind) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.kind == kind)


def classify(
    incoming: Iterable[IncomingItem],
    stored: Sequence[StoredLine],
    *,
    incomplete_days: Collection[dt.date] = (),
    read: Scope | None = None,
) -> Classification:
    """Decide for each incoming item what it is (books.md 11.2); the result does not depend on their order.

    ``stored`` must hold all lines that carry an alias of the items, share a booking date with them, or lie within
    :data:`RESEMBLANCE_DAYS` of one. Items without any id on ``incomplete_days`` cannot be counted, so one that
    equals a line is only a possible duplicate. An id given twice in one walk is one item. ``read`` is the source and
    epoch that was read, so that lines are unseen also where it has no item any more.
    """
    items = _distinct(incoming)
    pairing = Pairing(items, stored, incoming_order=_incoming_order, stored_order=_stored_order)
    _pair_by_alias(pairing)
    by_alias = [partner is not None for partner in pairing.partners]
    _pair_by_fingerprint(pairing)
    _pair_by_texts(pairing)
    outcomes: list[Outcome | None] = [None] * len(items)
    held: dict[int, StoredLine] = {}
    for index, partner in enumerate(pairing.partners):
        if partner is None:
            continue
        item, line = items[index], stored[partner]
        if not by_alias[index] and _needs_a_person(item, line, incomplete_days):
            held[index] = line
        else:
            outcomes[index] = _outcome_of_pair(item, line)
    held |= _resembling(items, outcomes, held, pairing.unpaired_stored)
    return Classification(_complete(outcomes, items, held, stored), _unseen(items, stored, read))


def _complete(
    outcomes: Sequence[Outcome | None],
    items: Sequence[IncomingItem],
    held: dict[int, StoredLine],
    stored: Sequence[StoredLine],
) -> tuple[Outcome, ...]:
    """Items without an outcome become lines: held ones beside the line they resemble, the others as new."""
    added = [item for item, outcome in zip(items, outcomes, strict=True) if outcome is None]
    occurrences = _next_occurrences(added, stored)
    return tuple(
        outcome
        or Outcome("possible_duplicate" if index in held else "new", item, held.get(index), occurrences[id(item)])
        for index, (item, outcome) in enumerate(zip(items, outcomes, strict=True))
    )


def _incoming_order(item: IncomingItem) -> tuple[int, str]:
    return item.order, item.alias.external_id if item.alias else ""


def _stored_order(line: StoredLine) -> tuple[bool, bool, int, UUID]:
    """Lines that a pair can be certain of before typed ones, live ones before removed ones, then day order."""
    return _is_typed(line), line.removed, line.occurrence, line.id


def _distinct(incoming: Iterable[IncomingItem]) -> list[IncomingItem]:
    """A list that moved while it was walked shows an item twice; its id tells."""
    items: dict[object, IncomingItem] = {}
    for position, item in enumerate(incoming):
        key: object = position if item.alias is None else item.alias[:2]
        items[key] = min(items.get(key, item), item)
    return list(items.values())


def _pair_by_alias(pairing: Pairing[IncomingItem, StoredLine]) -> None:
    """L1. A line may have several aliases, so it is looked up by the ones that the items carry."""
    wanted = {item.alias[:2] for item in pairing.incoming if item.alias}

    def known_as(line: StoredLine) -> Hashable | None:
        return next((alias[:2] for alias in line.aliases if alias[:2] in wanted), None)

    pairing.pair(lambda item: item.alias and item.alias[:2], known_as)


def _pair_by_fingerprint(pairing: Pairing[IncomingItem, StoredLine]) -> None:
    """L2, k-th with k-th, each source and epoch by itself.

    A line that this very source and epoch already named is another transaction, because the ids are trusted.
    """
    scopes = {_scope(item) for item in pairing.unpaired_incoming}
    for scope in sorted(scopes, key=lambda scope: scope or ("", 0)):
        _pair_scope(pairing, scope)


def _pair_scope(pairing: Pairing[IncomingItem, StoredLine], scope: Scope | None) -> None:
    pairing.pair(
        lambda item: item.fingerprint if _scope(item) == scope else None,
        lambda line: None if _is_named_in(line, scope) or _was_typed_in_error(line) else line.fingerprint,
    )


def _pair_by_texts(pairing: Pairing[IncomingItem, StoredLine]) -> None:
    """Lines that an older epoch named, of which the bank tells more now: day, amount and all that the line says agree.

    Where lines say nothing, their number decides: as many items as lines are the same transactions.
    """
    scopes = {_scope(item) for item in pairing.unpaired_incoming}
    for scope in sorted(scope for scope in scopes if scope is not None):
        older = [line for line in pairing.unpaired_stored if line.aliases and not _is_named_in(line, scope)]
        texts = {line.id: fingerprint_texts(*line.texts) for line in older}
        for places in sorted(set(map(_filled, texts.values())), key=lambda places: (-len(places), places)):
            _pair_saying(pairing, scope, texts, places)


def _filled(texts: Texts) -> tuple[int, ...]:
    return tuple(place for place, text in enumerate(texts) if text)


def _pair_saying(
    pairing: Pairing[IncomingItem, StoredLine],
    scope: Scope,
    texts: dict[UUID, Texts],
    places: tuple[int, ...],
) -> None:
    """Pair lines that say exactly the texts in these places with items that say the same there, and perhaps more."""

    def said(row: IncomingItem | StoredLine, texts: Texts) -> Hashable:
        return row.booking_date, row.amount, row.currency, *(texts[place] for place in places)

    def of_item(item: IncomingItem) -> Hashable | None:
        return said(item, fingerprint_texts(*item.texts)) if _scope(item) == scope else None

    def of_line(line: StoredLine) -> Hashable | None:
        own = texts.get(line.id)
        return said(line, own) if own is not None and _filled(own) == places else None

    pairing.pair(of_item, of_line, only_if=None if places else _equally_many)


def _equally_many(items: Sequence[IncomingItem], lines: Sequence[StoredLine]) -> bool:
    return len(items) == len(lines)


def _scope(item: IncomingItem) -> Scope | None:
    return None if item.alias is None else (item.alias.source, item.alias.epoch)


def _is_named_in(line: StoredLine, scope: Scope | None) -> bool:
    return scope is not None and any((alias.source, alias.epoch) == scope for alias in line.aliases)


def _is_typed(line: StoredLine) -> bool:
    """Typed by hand and not yet merged with a bank's item."""
    return line.kind == "manual" and not line.aliases


def _was_typed_in_error(line: StoredLine) -> bool:
    """A tombstone keeps a bank's item away, but a typed line that was removed says nothing about the bank."""
    return line.removed and _is_typed(line)


def _needs_a_person(item: IncomingItem, line: StoredLine, incomplete_days: Collection[dt.date]) -> bool:
    if _is_typed(line):
        return True
    return item.alias is None and item.booking_date in incomplete_days


def _outcome_of_pair(item: IncomingItem, line: StoredLine) -> Outcome:
    if item.alias is not None and item.alias[:2] not in {alias[:2] for alias in line.aliases}:
        return Outcome("alias", item, line, line.occurrence)
    names = ("amount", "currency", "booking_date")
    changed = tuple(name for name in names if getattr(item, name) != getattr(line, name))
    return Outcome("changed" if changed else "known", item, line, line.occurrence, changed)


def _resembling(
    items: Sequence[IncomingItem],
    outcomes: Sequence[Outcome | None],
    held: dict[int, StoredLine],
    free_lines: Sequence[StoredLine],
) -> dict[int, StoredLine]:
    """Same amount and currency within three days, one side typed or from a file and the other not; or on one day, a
    line that an older epoch named, because its text may have changed with its id."""
    lines = _lines_that_may_resemble(items, free_lines)
    open_items = [index for index, outcome in enumerate(outcomes) if outcome is None and index not in held]
    open_items.sort(key=lambda index: (items[index].booking_date, _incoming_order(items[index])))
    distances = sorted(range(-RESEMBLANCE_DAYS, RESEMBLANCE_DAYS + 1), key=abs)
    found: dict[int, StoredLine] = {}
    for index in open_items:
        item = items[index]
        for distance, kind in product(distances, _LINE_SOURCES):
            day = item.booking_date + dt.timedelta(days=distance)
            alike = lines.get((kind, item.amount, item.currency, day))
            if alike and (kind != item.kind or (distance == 0 and alike[-1].aliases)):
                found[index] = alike.pop()
                break
    return found


def _lines_that_may_resemble(
    items: Sequence[IncomingItem], free_lines: Sequence[StoredLine]
) -> dict[tuple[LineSource, Decimal, str, dt.date], list[StoredLine]]:
    """Lines by what must be equal, the likeliest last. Lines that an id of these sources and epochs already names are
    left out."""
    scopes = {_scope(item) for item in items}
    lines: defaultdict[tuple[LineSource, Decimal, str, dt.date], list[StoredLine]] = defaultdict(list)
    for line in sorted(free_lines, key=_stored_order, reverse=True):
        if not (line.removed or any(_is_named_in(line, scope) for scope in scopes)):
            lines[line.kind, line.amount, line.currency, line.booking_date].append(line)
    return lines


def _next_occurrences(items: Sequence[IncomingItem], stored: Sequence[StoredLine]) -> dict[int, int]:
    """Occurrence numbers for items that become lines, keyed by ``id(item)``."""
    last = dict.fromkeys((item.fingerprint for item in items), 0)
    for line in stored:
        if line.fingerprint in last:
            last[line.fingerprint] = max(last[line.fingerprint], line.occurrence)
    occurrences: dict[int, int] = {}
    for item in sorted(items, key=_incoming_order):
        last[item.fingerprint] += 1
        occurrences[id(item)] = last[item.fingerprint]
    return occurrences


def _unseen(
    items: Sequence[IncomingItem], stored: Sequence[StoredLine], read: Scope | None
) -> tuple[StoredLine, ...]:  # fmt: skip
    scopes = {read, *map(_scope, items)}
    seen = {item.alias[:2] for item in items if item.alias}
    return tuple(
        line
        for line in stored
        if any((alias.source, alias.epoch) in scopes for alias in line.aliases)
        and not any(alias[:2] in seen for alias in line.aliases)
    )
