"""Proof that nothing is missing: what the bank states against what the rows add up to.

Two proofs. The Hub compares two readings of a balance with the rows that came between them (connectors.md 1.11).
Books compares a dated balance with the opening balance and all lines up to that day (books.md 13.3). Neither ever
invents a row: a red proof is a finding with an amount, for a person or a wider read to explain.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple
from uuid import UUID

from nostro.core.transactions import Balance, Window

Verdict = Literal["green", "red", "unknown"]

_CURRENT = ("interimBooked", "closingBooked", "expected")
_AVAILABLE = ("interimAvailable", "forwardAvailable", "expected")


# --- which balance is which (connectors.md 1.8) ----------------------------------------------------------------


def current_balance(balances: Iterable[Balance]) -> Balance | None:
    """interimBooked, else closingBooked, else expected; the newest where a type comes more than once."""
    return _first_of_types(balances, _CURRENT)


def available_balance(balances: Iterable[Balance]) -> Balance | None:
    """interimAvailable, else forwardAvailable, else expected. Never used in a proof."""
    return _first_of_types(balances, _AVAILABLE)


def provable_balance(balances: Iterable[Balance]) -> Balance | None:
    """The current balance for checks: one that includes a credit limit is never used (connectors.md 1.8)."""
    return current_balance(balance for balance in balances if not balance.credit_limit_included)


def _first_of_types(balances: Iterable[Balance], types: tuple[str, ...]) -> Balance | None:
    newest: dict[str, Balance] = {}
    for balance in balances:
        known = newest.get(balance.balance_type)
        if known is None or _age_key(balance) > _age_key(known):
            newest[balance.balance_type] = balance
    return next((newest[name] for name in types if name in newest), None)


def _age_key(balance: Balance) -> tuple[dt.date, dt.datetime]:
    changed_at = balance.last_change_at or dt.datetime.min.replace(tzinfo=dt.UTC)
    if changed_at.tzinfo is None:
        changed_at = changed_at.replace(tzinfo=dt.UTC)
    return balance.reference_date or dt.date.min, changed_at


# --- the Hub: two readings (connectors.md 1.11.3) --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BalanceReading:
    """A stated balance and the sum of all booked rows stored right after the same run, removed rows left out.

    ``day`` is the bank's day of the reading.
    """

    balance: Balance
    booked_total: Decimal
    day: dt.date


@dataclass(frozen=True, slots=True)
class BalanceCheck:
    """``difference`` is what the bank's balance moved beyond the rows; 0 when green, ``None`` when unknown."""

    verdict: Verdict
    difference: Decimal | None = None
    interval: Window | None = None
    reason: Literal["", "no_balance", "first_reading", "not_comparable", "late_rows", "signs_inverted"] = ""

    @property
    def is_anchor(self) -> bool:
        """True if the next check should start from this reading; after red it starts from the last anchor, and after
        a difference that late rows explain as well: one of them may be a double that goes again."""
        is_plain = self.verdict == "green" and self.reason == ""
        return is_plain or self.reason in {"first_reading", "not_comparable"}


def check_balance(anchor: BalanceReading | None, current: BalanceReading | None) -> BalanceCheck:
    """Current balance - previous balance = sum of the booked rows between them (connectors.md 1.11.3).

    The rows between are the change of the stored total, so a row that the bank dated back counts when it came.
    ``anchor`` is the last reading whose check :attr:`BalanceCheck.is_anchor`. Build readings from
    :func:`provable_balance` only; one that includes a credit limit is unknown.
    """
    if current is None or current.balance.credit_limit_included:
        return BalanceCheck("unknown", reason="no_balance")
    if anchor is None:
        return BalanceCheck("unknown", reason="first_reading")
    interval = Window(min(anchor.day, current.day), current.day)
    if not _comparable(anchor.balance, current.balance):
        return BalanceCheck("unknown", interval=interval, reason="not_comparable")
    difference = _moved(anchor, current) - (current.booked_total - anchor.booked_total)
    return BalanceCheck("red" if difference else "green", difference, interval)


class LateRow(NamedTuple):
    """A row that was stored after the anchor although it is not dated after it. ``withdrawn``: the bank has taken it
    back since."""

    booking_date: dt.date
    amount: Decimal
    withdrawn: bool = False


def allow_late_rows(anchor: BalanceReading, check: BalanceCheck, rows: Sequence[LateRow]) -> BalanceCheck:
    """A red check is green where the anchor's balance knew rows already that the bank showed later.

    Banks count a row in the balance before they list it, and a row may be older than the days that were read before.
    Then the sum of the rows moves and the balance does not, by exactly those rows: all of them, all of an earlier day
    than the anchor's, or a single one. Where the bank takes such a row back, its balance moves and the sum, compared
    with the anchor's, does not; again all of them or a single one. Nothing is made up, and anything else stays red.
    """
    if check.verdict != "red" or check.difference is None:
        return check
    listed = [row for row in rows if not row.withdrawn]
    earlier = [row for row in listed if row.booking_date < anchor.day]
    known = {Decimal(0), _total(listed), _total(earlier), *(row.amount for row in listed)}
    back = [row for row in rows if row.withdrawn]
    taken_back = {Decimal(0), _total(back), *(row.amount for row in back)}
    if not any(-check.difference - amount in known for amount in taken_back):
        return check
    return BalanceCheck("green", Decimal(0), check.interval, "late_rows")


def _total(rows: Iterable[LateRow]) -> Decimal:
    return sum((row.amount for row in rows), Decimal(0))


class DatedBalance(NamedTuple):
    """A balance at the end of ``day``. ``stated`` tells one of the bank's balances from one after a row."""

    day: dt.date
    amount: Decimal
    stated: bool = True


def dated_balances(balances: Iterable[Balance]) -> tuple[DatedBalance, ...]:
    """The balances of one answer that hold for the end of a day: closingBooked of that day, openingBooked of the next.

    The newest first; those that include a credit limit are left out (connectors.md 1.8).
    """
    one_day = dt.timedelta(days=1)
    found = {
        DatedBalance(
            balance.reference_date - (one_day if balance.balance_type == "openingBooked" else dt.timedelta()),
            balance.amount,
        )
        for balance in balances
        if balance.balance_type in {"closingBooked", "openingBooked"}
        and balance.reference_date is not None
        and not balance.credit_limit_included
    }
    return tuple(sorted(found, reverse=True))


def first_anchor(
    current: BalanceReading, earlier: Iterable[DatedBalance], total_until: Callable[[dt.date], Decimal]
) -> BalanceReading | None:
    """What a first reading can be compared with: an earlier balance out of the same answers, so that the first proof
    need not wait for a second reading.

    ``total_until`` gives the sum of the stored rows up to a day. The oldest balance that proves the reading is taken,
    because it proves most. Where none does, the newest one that the bank itself stated fails it; a balance after a
    row is too weak for that, as banks do not restate it when they date a row back.
    """
    candidates = [each for each in sorted(earlier) if each.day < current.day]
    anchors = [(each, _as_anchor(current, each, total_until(each.day))) for each in candidates]
    for _, anchor in anchors:
        if check_balance(anchor, current).verdict == "green":
            return anchor
    return next((anchor for each, anchor in reversed(anchors) if each.stated), None)


def _as_anchor(current: BalanceReading, earlier: DatedBalance, total: Decimal) -> BalanceReading:
    """The earlier balance as a reading of the same kind: booked balances differ only in their instant."""
    balance = Balance(current.balance.balance_type, earlier.amount, current.balance.currency)
    return BalanceReading(balance, total, earlier.day)


def closes_only_inverted(anchor: BalanceReading, current: BalanceReading) -> bool:
    """True if the check fails as it stands and holds with all signs flipped: a sign error of the connector (1.9)."""
    rows = current.booked_total - anchor.booked_total
    moved = _moved(anchor, current)
    return _comparable(anchor.balance, current.balance) and moved != rows and moved == -rows


def _comparable(one: Balance, other: Balance) -> bool:
    return (one.currency, one.balance_type) == (other.currency, other.balance_type)


def _moved(anchor: BalanceReading, current: BalanceReading) -> Decimal:
    return current.balance.amount - anchor.balance.amount


# --- Books: a dated balance against all lines (books.md 13.3) --------------------------------------------------

LineStatus = Literal[
    "posted", "held_locked", "held_duplicate", "held_currency", "informational", "removed", "withdrawn"
]


class ProofLine(NamedTuple):
    """One line. ``removed_as_duplicate`` only for removed ones: the bank never had those twice."""

    id: UUID
    booking_date: dt.date
    amount: Decimal
    status: LineStatus = "posted"
    removed_as_duplicate: bool = False


class StatedBalance(NamedTuple):
    """A current balance the bank stated for the end of a day. Without a date it proves nothing."""

    amount: Decimal
    reference_date: dt.date | None


class LedgerEffect(NamedTuple):
    """Why the ledger differs from the bank by ``amount``: one withdrawn, held or removed line."""

    line_id: UUID
    status: LineStatus
    amount: Decimal


@dataclass(frozen=True, slots=True)
class BalanceProof:
    """``expected`` is P of books.md 13.3; ``difference`` is the bank's figure - P, ``None`` when unknown.

    ``ledger`` is the ledger's balance on that day, and ``effects`` explain ``ledger`` - P line by line.
    ``hint`` says what the proof makes of held duplicates. ``inversions`` are the sign settings that alone would
    prove the balance of a card account; a person decides.
    """

    verdict: Verdict
    reference_date: dt.date | None = None
    expected: Decimal | None = None
    stated: Decimal | None = None
    difference: Decimal | None = None
    ledger: Decimal | None = None
    effects: tuple[LedgerEffect, ...] = ()
    hint: Literal["keep_both", "merge"] | None = None
    inversions: tuple[Literal["transactions", "balance"], ...] = ()


def prove(opening: Decimal, lines: Iterable[ProofLine], stated: StatedBalance | None) -> BalanceProof:
    """The balance proof of books.md 13.3 for one stated balance; all figures in the journal's currency."""
    if stated is None or stated.reference_date is None:
        return BalanceProof("unknown", stated=stated.amount if stated else None)
    day = stated.reference_date
    counted = [line for line in lines if line.booking_date <= day]
    movements = _sum(line for line in counted if _bank_has(line))
    effects = tuple(effect for line in counted if (effect := _ledger_effect(line)) is not None)
    expected = opening + movements
    ledger = expected + sum((effect.amount for effect in effects), Decimal(0))
    if any(line.status == "held_currency" for line in counted):
        return BalanceProof("unknown", day, expected, stated.amount, None, ledger, effects)
    difference = stated.amount - expected
    return BalanceProof(
        "red" if difference else "green",
        day,
        expected,
        stated.amount,
        difference,
        ledger,
        effects,
        _duplicate_hint(counted, difference),
        _inversions(opening, movements, stated.amount) if difference else (),
    )


def _sum(lines: Iterable[ProofLine]) -> Decimal:
    return sum((line.amount for line in lines), Decimal(0))


def _bank_has(line: ProofLine) -> bool:
    if line.status == "removed":
        return not line.removed_as_duplicate
    return line.status in {"posted", "held_locked", "informational"}


def _ledger_effect(line: ProofLine) -> LedgerEffect | None:
    """Withdrawn lines stay posted although the bank took them back; held and removed ones are not posted."""
    if line.status == "withdrawn":
        return LedgerEffect(line.id, line.status, line.amount)
    if line.status in {"held_locked", "removed"} and _bank_has(line):
        return LedgerEffect(line.id, line.status, -line.amount)
    return None


def _duplicate_hint(lines: list[ProofLine], difference: Decimal) -> Literal["keep_both", "merge"] | None:
    duplicates = [line for line in lines if line.status == "held_duplicate"]
    if not duplicates:
        return None
    if not difference:
        return "merge"
    return "keep_both" if difference == _sum(duplicates) else None


def _inversions(
    opening: Decimal, movements: Decimal, stated: Decimal
) -> tuple[Literal["transactions", "balance"], ...]:
    found: list[Literal["transactions", "balance"]] = []
    if opening - movements == stated:
        found.append("transactions")
    if opening + movements == -stated:
        found.append("balance")
    return tuple(found)


class Gap(NamedTuple):
    """The proof holds on ``after`` (``None``: the opening) and fails on ``until`` by ``difference``."""

    after: dt.date | None
    until: dt.date
    difference: Decimal


def find_gap(stated: Sequence[StatedBalance], prove_one: Callable[[StatedBalance], BalanceProof]) -> Gap | None:
    """Bisect dated balances, oldest first, to where proofs begin to fail (books.md 13.3).

    ``None`` if the newest proof that can be made is not red. Proves about log2(n) balances, more only where some
    are unknown. Of several gaps one is found; once it is explained, the next search finds the next.
    """
    last_red = _next_known(stated, prove_one, range(len(stated) - 1, -1, -1))
    if last_red is None or last_red[1].verdict != "red":
        return None
    after, (until, proof) = -1, last_red
    while until - after > 1:
        middle = (after + until) // 2
        known = _next_known(stated, prove_one, [*range(middle, until), *range(middle - 1, after, -1)])
        if known is None:
            break
        if known[1].verdict == "green":
            after = known[0]
        else:
            until, proof = known
    return _gap(stated[after] if after >= 0 else None, proof)


def _next_known(
    stated: Sequence[StatedBalance],
    prove_one: Callable[[StatedBalance], BalanceProof],
    indexes: Iterable[int],
) -> tuple[int, BalanceProof] | None:
    for index in indexes:
        proof = prove_one(stated[index])
        if proof.verdict != "unknown":
            return index, proof
    return None


def _gap(after: StatedBalance | None, proof: BalanceProof) -> Gap | None:
    if proof.reference_date is None or proof.difference is None:
        return None
    return Gap(after.reference_date if after else None, proof.reference_date, proof.difference)
