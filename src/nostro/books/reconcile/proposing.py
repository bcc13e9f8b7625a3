"""Proposals for many lines: batches of lines, oldest first, each against what its evidence leads to.

What one line would take is taken from the book before the next line is looked at, so that a reference paid twice is
applied once. Across batches the same is seen to by applying a batch before the next one is loaded; proposals that are
only computed, not applied, carry the items they took over from batch to batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from nostro.books.companies.models import Company
from nostro.books.reconcile.engine import Proposal, propose
from nostro.books.reconcile.loading import BATCH_LINES, load_batch, load_partners


def propose_lines(company: Company, line_ids: Sequence[UUID]) -> Iterator[Proposal]:
    """A proposal for each line that is not explained yet, in the order of the lines within each batch."""
    partners = load_partners(company, line_ids)
    for begin in range(0, len(line_ids), BATCH_LINES):
        batch = load_batch(company, line_ids[begin : begin + BATCH_LINES], partners)
        for line, evidence in zip(batch.lines, batch.evidence, strict=True):
            proposal = propose(line, batch.book, evidence=evidence)
            if proposal.decision == "apply":
                batch.book.take(proposal.options[0])
            yield proposal
