"""Why books and bank differ: the proof line by line, and the day after which it fails (books.md 13.3)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from nostro.books.journals.balances import prove_journal
from nostro.books.journals.models import Balance, Journal, Line, LineStatus
from nostro.core.balance_proof import BalanceProof, Gap, StatedBalance, find_gap

#: Dated balances that a search looks at, the newest ones.
BALANCES_LIMIT = 4_000
#: Lines that an explanation names; the sum counts all of them.
NAMED_LIMIT = 200
CLUES_LIMIT = 10


@dataclass(frozen=True, slots=True)
class Effect:
    """A line by which the ledger differs from the bank, and by how much."""

    line: Line
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Clue:
    """A line that alone would explain the difference: the bank does not have it (``extra``), has two (``twin``), or has
    it with the other sign (``sign``). What would fit need not be what happened, so nothing follows from it."""

    kind: Literal["extra", "twin", "sign"]
    line: Line


@dataclass(frozen=True, slots=True)
class Explanation:
    """``gap`` is where proofs begin to fail, ``None`` unless the newest is red; ``suspects`` are the lines of its days,
    ``clues`` those of them whose amount fits the difference.

    ``effects`` explain ledger − bank line by line, ``effects_total`` is the sum of all of them.
    """

    proof: BalanceProof
    gap: Gap | None
    suspects: list[Line]
    clues: list[Clue]
    effects: list[Effect]
    effects_total: Decimal


def explain(journal: Journal) -> Explanation:
    """Prove the newest dated balance and find where the proofs begin to fail. Nothing is written."""
    stated = dated_balances(journal)
    proof = prove_journal(journal, stated[-1] if stated else None)
    gap = find_gap(stated, lambda balance: prove_journal(journal, balance))
    amounts = {effect.line_id: effect.amount for effect in proof.effects}
    lines = Line.objects.filter(pk__in=list(amounts)[:NAMED_LIMIT]).order_by("-booking_date", "-id")
    suspects = _lines_of(journal, gap) if gap else []
    return Explanation(
        proof,
        gap,
        suspects,
        _clues(gap, suspects) if gap else [],
        [Effect(line, amounts[line.id]) for line in lines],
        sum(amounts.values(), Decimal(0)),
    )


def dated_balances(journal: Journal) -> list[StatedBalance]:
    """The bank's current balances with a date, oldest first; the newest statement of each day counts."""
    rows = Balance.objects.filter(journal=journal, kind="current", origin="bank", reference_date__isnull=False)
    newest = rows.order_by("-reference_date", "-id").values_list("reference_date", "amount")[:BALANCES_LIMIT]
    by_day: dict[object, StatedBalance] = {}
    for day, amount in newest:
        by_day.setdefault(day, StatedBalance(amount, day))
    return list(reversed(by_day.values()))


def _lines_of(journal: Journal, gap: Gap) -> list[Line]:
    lines = Line.objects.filter(journal=journal, booking_date__lte=gap.until)
    if gap.after is not None:
        lines = lines.filter(booking_date__gt=gap.after)
    return list(lines.order_by("-booking_date", "-day_seq", "-id")[:NAMED_LIMIT])


def _clues(gap: Gap, suspects: list[Line]) -> list[Clue]:
    """Posted lines of the days in question whose amount, left out, doubled or turned around, is the difference."""
    fits: dict[Decimal, Literal["extra", "twin", "sign"]] = {
        -gap.difference: "extra", gap.difference: "twin", -gap.difference / 2: "sign",
    }  # fmt: skip
    posted = (line for line in suspects if line.status == LineStatus.POSTED)
    return [Clue(fits[line.amount], line) for line in posted if line.amount in fits][:CLUES_LIMIT]
