"""Proposals for many lines: batches of lines, oldest first, each against what its evidence leads to.

What one line would take is taken from the book before the next line is looked at, so that a reference paid twice is
applied once. Whoever applies does so batch by batch; a proposal that an earlier batch made stale is refused then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from nostro.books.companies.models import Company
from nostro.books.reconcile.engine import LineEvidence, LineFacts, PartnerBook, Proposal, Rules, propose
from nostro.books.reconcile.loading import BATCH_LINES, Batch, load_batch, load_more, load_partners
from nostro.books.reconcile.models import Automation
from nostro.books.reconcile.rules.loading import load_rules


def propose_lines(company: Company, line_ids: Sequence[UUID]) -> Iterator[Proposal]:
    """A proposal for each line that is not explained yet, in the order of the lines within each batch."""
    rules = load_rules(company)
    partners = load_partners(company, line_ids, rules)
    settings = Automation.objects.filter(company=company).first() or Automation(company=company)
    for begin in range(0, len(line_ids), BATCH_LINES):
        yield from _propose_batch(company, line_ids[begin : begin + BATCH_LINES], partners, rules, settings)


def _propose_batch(
    company: Company, line_ids: Sequence[UUID], partners: PartnerBook, rules: Rules, settings: Automation
) -> list[Proposal]:  # fmt: skip
    """Most lines are decided by what they name; only for the others it is worth reading all that a partner owes. Rules
    come with that, because what a partner owes goes before what a rule books."""
    batch = load_batch(company, line_ids, partners)
    lines = list(zip(batch.lines, batch.evidence, strict=True))
    decided = {
        line.id: proposal
        for line, said in lines
        if (proposal := _take(batch, line, said, Rules(), settings)).decision == "apply"
    }
    undecided = [(line, said) for line, said in lines if line.id not in decided]
    load_more(company, [line for line, _ in undecided], [said for _, said in undecided], batch.book)
    decided.update((line.id, _take(batch, line, said, rules, settings)) for line, said in undecided)
    return [decided[line.id] for line in batch.lines]


def _take(batch: Batch, line: LineFacts, evidence: LineEvidence, rules: Rules, settings: Automation) -> Proposal:
    proposal = propose(
        line, batch.book, evidence=evidence, rules=rules,
        grace_days=settings.grace_days, look_back_months=settings.look_back_months,
    )  # fmt: skip
    if proposal.decision == "apply":
        batch.book.take(proposal.options[0])
    return proposal
