"""Walk the steps of books.md 16.2 for one line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from nostro.books.reconcile.engine import steps
from nostro.books.reconcile.engine.book import Book
from nostro.books.reconcile.engine.reading import LineEvidence, read_line
from nostro.books.reconcile.engine.rules import Rules
from nostro.books.reconcile.engine.steps import LOOK_BACK_MONTHS, MAX_OPTIONS, Case, Found
from nostro.books.reconcile.engine.values import LineFacts, Option, Proposal, Refusal

#: Another one makes stored proposals stale.
ENGINE_VERSION = 5

_STEPS: tuple[Callable[[Case], Found], ...] = (
    steps.own_transfer,
    steps.end_to_end,
    steps.reference,
    steps.payment,
    steps.number,
    steps.partner_and_amount,
    steps.models,
    steps.rest,
)


def propose(
    line: LineFacts,
    book: Book,
    *,
    evidence: LineEvidence | None = None,
    rules: Rules | None = None,
    grace_days: int = 0,
    look_back_months: int = LOOK_BACK_MONTHS,
) -> Proposal:
    """What a line pays, with the evidence for it and why other items were refused.

    The first step with exactly one option wins, and is to be applied if the option may be automatic. A step with
    several options decides nothing, and neither may the steps behind it: their options are suggestions beside it.
    """
    evidence = evidence or read_line(line)
    partner = book.partners.find(line, evidence)
    rules = rules or Rules()
    case = Case(line, evidence, book, partner, grace_days, rules, look_back_months)
    options: list[Option] = []
    refused: list[Refusal] = []
    decision: Literal["apply", "suggest", "nothing"] = "nothing"
    for step in _STEPS:
        found = step(case)
        refused.extend(found.refused)
        if decision == "nothing" and len(found.options) == 1:
            found.options = [rules.allow(case, found.options[0])]
            decision = "apply" if found.options[0].auto else "suggest"
        elif decision == "nothing" and found.options:
            decision = "suggest"
        options.extend(found.options)
        if decision == "apply" or len(options) >= MAX_OPTIONS:
            break
    return Proposal(
        line_id=line.id,
        decision=decision,
        options=_distinct(options),
        refused=tuple({(refusal.item_id, refusal.why): refusal for refusal in refused}.values())[:MAX_OPTIONS],
        partner_id=partner.partner_id if partner else None,
        partner_why=partner.why if partner else "",
        step=options[0].step if options else None,
    )


def _distinct(options: Sequence[Option]) -> tuple[Option, ...]:
    """The same items with the same parts are one option, under the strongest evidence."""
    seen: dict[object, Option] = {}
    for option in options:
        seen.setdefault((option.allocations, option.bookings), option)
    return tuple(seen.values())[:MAX_OPTIONS]
