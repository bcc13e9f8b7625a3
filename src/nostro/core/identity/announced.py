"""Which rows that a bank announced in files still stand as pending (formats.md 8.4).

Intraday reports announce rows before the day's statement books them, and statements name payments that are only
expected. What stands is decided anew from all that was announced and all that is booked, so it does not depend on the
order in which files came, and an import that is undone leaves nothing behind.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from nostro.core.identity.pending import LINK_DAYS, LinkRow, link_pending

#: A bank that has not booked a row after this time never will; by then its file may be undone without a trace.
KEPT = dt.timedelta(days=90)

#: What says that two rows are one.
Key = tuple[Hashable, ...]


class BookedRow(NamedTuple):
    """A stored row, booked or pending at the bank, that an announced one may have become."""

    id: UUID
    fingerprint: str
    row: LinkRow

    @property
    def reference(self) -> Key | None:
        return _reference(self.row)


class AnnouncedRow(NamedTuple):
    """A row of a report. ``is_provisional`` says that the bank booked it and may change it until the day's statement;
    other ones are expected only. ``is_final``: the statement that decides about it is here. ``booked_as`` is the
    booked row, still there, that an earlier decision found."""

    id: UUID
    report: UUID
    fingerprint: str
    day: dt.date
    is_provisional: bool
    is_final: bool
    booked_as: UUID | None
    row: LinkRow

    @property
    def reference(self) -> Key | None:
        return _reference(self.row)


@dataclass(slots=True)
class Standing:
    """What became of announced rows: ``pending`` ones stand, ``booked`` names for each of the others that were booked
    the row it became; the rest lapsed or is told by another row."""

    pending: list[AnnouncedRow] = field(default_factory=list)
    booked: dict[UUID, UUID] = field(default_factory=dict)


class Change(NamedTuple):
    """How the list that was shown becomes the one that stands. ``kept`` names for announced rows that stand the shown
    row that stays for them, ``added`` are those without one, ``ended`` the shown rows that go, and ``became`` names for
    those of them that were booked the row they became."""

    kept: dict[UUID, UUID]
    added: list[UUID]
    ended: list[UUID]
    became: dict[UUID, UUID]


def stand(announced: Sequence[AnnouncedRow], booked: Sequence[BookedRow], fed: Sequence[BookedRow] = ()) -> Standing:
    """Decide about all announced rows of an account; ``fed`` are the pending ones that a connection shows.

    Of equal rows the greatest count of one report stands, not the sum over reports. Each booked row ends one announced
    row: by reference or equal content at once; by end-to-end id or a unique amount and counterparty within
    :data:`~nostro.core.identity.pending.LINK_DAYS` when the day is final, and for expected rows at any time.
    """
    result = Standing()
    waiting, claimed = _greatest_counts(announced, result)
    waiting = _pair_equal(waiting, [each for each in booked if each.id not in claimed], result)
    claimed |= set(result.booked.values())
    _pair_alike([each for each in waiting if each.is_final or not each.is_provisional], booked, claimed, result)
    waiting = [each for each in waiting if each.id not in result.booked and not each.is_final]
    shown = Standing()
    waiting = _pair_equal(waiting, fed, shown)
    _pair_alike(waiting, fed, set(shown.booked.values()), shown)
    result.pending = [each for each in waiting if each.id not in shown.booked]
    return result


def change_of(announced: Sequence[AnnouncedRow], standing: Standing, shown: Sequence[BookedRow]) -> Change:
    """What is equal keeps its row; the others go, linked to what they became, and those that are missing come."""
    kept = _same_rows(standing.pending, shown)
    stay = set(kept.values())
    ended = [row for row in shown if row.id not in stay]
    became = _same_rows([row for row in announced if row.id in standing.booked], ended)
    return Change(
        kept,
        [row.id for row in standing.pending if row.id not in kept],
        [row.id for row in ended],
        {shown_id: standing.booked[row_id] for row_id, shown_id in became.items()},
    )


def _same_rows(announced: Sequence[AnnouncedRow], others: Sequence[BookedRow]) -> dict[UUID, UUID]:
    """Which of ``others`` each announced row is: by reference or equal content, each used once."""
    result = Standing()
    _pair_equal(announced, others, result)
    return result.booked


def _reference(row: LinkRow) -> Key | None:
    """The bank's reference counts together with day and amount: entries of a batch and returns may share one."""
    reference = row.references[0] if row.references else ""
    return (reference, row.day, row.amount, row.currency) if reference and row.day else None


def _greatest_counts(announced: Iterable[AnnouncedRow], result: Standing) -> tuple[list[AnnouncedRow], set[UUID]]:
    """The rows that count, those left out that are known to be booked, and which booked ones that takes."""
    by_reference: dict[Key, dict[UUID, list[AnnouncedRow]]] = defaultdict(lambda: defaultdict(list))
    by_content: dict[Key, dict[UUID, list[AnnouncedRow]]] = defaultdict(lambda: defaultdict(list))
    totals: Counter[tuple[UUID, str]] = Counter()
    for each in announced:
        totals[each.report, each.fingerprint] += 1
        groups = by_content if each.reference is None else by_reference
        groups[each.reference or (each.fingerprint,)][each.report].append(each)
    waiting: list[AnnouncedRow] = []
    claimed: set[UUID] = set()
    for reports in by_reference.values():
        waiting += _largest(reports, None, claimed, result)
    counted = Counter(each.fingerprint for each in waiting)
    for (fingerprint,), reports in by_content.items():
        # A report may name references that another one leaves out.
        most = max(totals[report, str(fingerprint)] for report in reports)
        waiting += _largest(reports, max(0, most - counted[str(fingerprint)]), claimed, result)
    return waiting, claimed


def _largest(
    reports: Mapping[UUID, list[AnnouncedRow]], most: int | None, claimed: set[UUID], result: Standing
) -> list[AnnouncedRow]:
    """The rows of the report that shows the most of one key, without those that are known to be booked."""
    rows = max(reports.values(), key=lambda each: (len(each), each[0].id))[:most]
    known = {row.booked_as for each in reports.values() for row in each if row.booked_as} - claimed
    result.booked |= {row.id: booked_id for row, booked_id in zip(rows, sorted(known), strict=False)}
    claimed |= known
    return rows[len(known) :]


def _pair_equal(waiting: Sequence[AnnouncedRow], others: Sequence[BookedRow], result: Standing) -> list[AnnouncedRow]:
    """Pair rows by count, first those of one reference, then those of one content whose references do not contradict;
    returns those without a partner."""
    rest, others = sorted(waiting, key=_order), sorted(others, key=_order, reverse=True)
    used: set[UUID] = set()
    for mine, theirs in ((True, True), (False, False), (False, True), (True, False)):
        free: dict[Key, list[UUID]] = defaultdict(list)
        for other in others:
            if other.id not in used and (other.reference is not None) == theirs:
                free[_key(other, by_reference=mine and theirs)].append(other.id)
        unpaired = []
        for each in rest:
            takes_part = (each.reference is not None) == mine
            if takes_part and (partners := free.get(_key(each, by_reference=mine and theirs))):
                result.booked[each.id] = partners.pop()
                used.add(result.booked[each.id])
            else:
                unpaired.append(each)
        rest = unpaired
    return rest


def _order(row: AnnouncedRow | BookedRow) -> tuple[str, tuple[str, ...], UUID]:
    """Who pairs with whom among equal rows: by what they say, so that the order of files says nothing."""
    return row.fingerprint, row.row.references, row.id


def _key(row: AnnouncedRow | BookedRow, *, by_reference: bool) -> Key:
    return (row.reference or ()) if by_reference else (row.fingerprint,)


def _pair_alike(
    waiting: Sequence[AnnouncedRow], others: Sequence[BookedRow], claimed: set[UUID], result: Standing
) -> None:
    """Pair what is certain without being equal. A bank books on the announced day or later, never before."""
    if not waiting or not others:
        return
    days = {each.day for each in waiting}
    first, last = min(days), max(days) + dt.timedelta(days=LINK_DAYS)
    amounts: set[tuple[Decimal, str]] = {(each.row.amount, each.row.currency) for each in waiting}
    named = {each.row.end_to_end_id for each in waiting} | {name for each in waiting for name in each.row.references}
    candidates = [
        other.row
        for other in others
        if other.id not in claimed
        and (other.row.day is None or first <= other.row.day <= last)
        and (
            (other.row.amount, other.row.currency) in amounts
            or not named.isdisjoint({other.row.end_to_end_id, *other.row.references} - {""})
        )
    ]
    by_id = {each.id: each for each in waiting}
    for link in link_pending([each.row for each in waiting], candidates):
        day = link.booked.day
        if day is None or by_id[link.pending.id].day <= day:
            result.booked[link.pending.id] = link.booked.id
