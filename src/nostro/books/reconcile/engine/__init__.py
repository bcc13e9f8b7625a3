"""What a bank line pays, found by evidence alone (books.md 16.1 to 16.5).

Pure: values in, a :class:`Proposal` out, no database and no clock, so the same input gives the same proposal
(books.md I-18). ``reading`` takes the evidence out of a line's texts, ``book`` holds what it may lead to, ``partners``
finds who it is, ``steps`` are the steps of books.md 16.2 in their order, and ``propose`` walks them.
"""

from nostro.books.reconcile.engine.book import Book
from nostro.books.reconcile.engine.partners import PartnerBook, PartnerFinding
from nostro.books.reconcile.engine.propose import ENGINE_VERSION, propose
from nostro.books.reconcile.engine.reading import LineEvidence, read_line
from nostro.books.reconcile.engine.rules import Definition, LiveRule, Rules
from nostro.books.reconcile.engine.values import (
    Allocation,
    Booking,
    EarlyPayment,
    Evidence,
    ItemKind,
    LineFacts,
    OpenItem,
    Option,
    Proposal,
    Refusal,
    Step,
)

__all__ = [
    "ENGINE_VERSION",
    "Allocation",
    "Book",
    "Booking",
    "Definition",
    "EarlyPayment",
    "Evidence",
    "ItemKind",
    "LineEvidence",
    "LineFacts",
    "LiveRule",
    "OpenItem",
    "Option",
    "PartnerBook",
    "PartnerFinding",
    "Proposal",
    "Refusal",
    "Rules",
    "Step",
    "propose",
    "read_line",
]
