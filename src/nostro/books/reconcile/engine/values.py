"""The values of the engine: what is known of a line and of an open item, and what is proposed and why.

Amounts of lines are signed as the account sees them (money in +), residuals of items as the ledger does (a customer's
debt +), so that a line closes items of its own sign.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Literal
from uuid import UUID


class ItemKind(StrEnum):
    """What can explain a line (books.md 16.1)."""

    DOCUMENT = "document"
    PAYMENT = "payment"
    BATCH = "batch"
    RETURN = "return"  # a payment that was made and may come back
    MIRROR = "mirror"  # the other half of a transfer between own accounts


class Step(StrEnum):
    """The steps of books.md 16.2, in their order. What a person does without the engine is no step."""

    OWN_TRANSFER = "own_transfer"
    END_TO_END_ID = "end_to_end_id"
    REFERENCE = "reference"
    PAYMENT = "payment"
    NUMBER = "number"
    PARTNER = "partner"
    MODEL = "model"
    REST = "rest"


@dataclass(frozen=True, slots=True)
class EarlyPayment:
    """Until ``until``, ``residual`` closes the item (books.md 16.5); signed and in the currency of the item. Of what is
    left out, ``tax`` is a correction of the tax and not a discount."""

    until: dt.date
    residual: Decimal
    tax: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class OpenItem:
    """Something that is still to be paid. ``keys`` are canonical references, ``numbers`` are in upper case."""

    id: UUID
    kind: ItemKind
    name: str
    account_id: UUID
    currency: str
    residual: Decimal
    date: dt.date
    partner_id: UUID | None = None
    partner_name: str = ""
    numbers: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    end_to_end_ids: tuple[str, ...] = ()
    early_payment: EarlyPayment | None = None
    is_draft: bool = False
    journal_id: UUID | None = None  # of payments and batches, which are expected on one account
    counterparty_account: str = ""  # of a mirror line: the number of the account that holds it


@dataclass(frozen=True, slots=True)
class LineFacts:
    """A line to explain. ``rests`` says per currency how much of it is unexplained, as the bank's own amounts give it
    (journal, foreign and company currency). Currencies in ``estimated`` are there by somebody else's rate, which is
    good enough for a suggestion and for nothing more (books.md 16.6)."""

    id: UUID
    journal_id: UUID
    currency: str
    rests: Mapping[str, Decimal]
    date: dt.date  # the accounting date
    texts: tuple[str, ...]  # remittance text, description, label, in this order
    structured_reference: str = ""
    end_to_end_id: str = ""
    mandate_id: str = ""
    creditor_id: str = ""
    counterparty_name: str = ""
    counterparty_account: str = ""
    partner_id: UUID | None = None  # set by a person
    estimated: frozenset[str] = frozenset()
    amount: Decimal | None = None  # of the whole line, where a part of it is explained already
    details: tuple[str, ...] = ()  # bank codes and references that conditions of rules may look at

    @property
    def whole(self) -> Decimal:
        """The amount of the line."""
        return self.rest if self.amount is None else self.amount

    @property
    def rest(self) -> Decimal:
        """What is unexplained, in the journal's currency."""
        return self.rests[self.currency]


EvidenceKind = Literal[
    "own_account",
    "end_to_end_id",
    "reference",
    "payment",
    "number",
    "partner",
    "amount",
    "discount",
    "tolerance",
    "rule",
]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why: the kind, the words that speak for it, and where they stand in the line (books.md 16.9)."""

    kind: EvidenceKind
    text: str
    place: str


@dataclass(frozen=True, slots=True)
class Allocation:
    """``part`` of the line goes to an item: signed like the line, in the item's currency. ``write_off`` is what closes
    the item beside it (early-payment discount or tolerance), signed alike; without an account it is a discount."""

    item: OpenItem
    part: Decimal
    write_off: Decimal = Decimal(0)
    write_off_account_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Booking:
    """``amount`` of the line goes to an account: signed like the line, in its currency."""

    account_id: UUID
    amount: Decimal
    partner_id: UUID | None = None
    label: str = ""
    analytic: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """One way to explain a line. ``exact`` when nothing is left on either side."""

    step: Step
    allocations: tuple[Allocation, ...]
    evidence: tuple[Evidence, ...]
    exact: bool
    auto: bool  # may be applied without a person, if it is the only one of its step
    sentence: str
    bookings: tuple[Booking, ...] = ()
    rule_version_id: UUID | None = None  # the rule that made it, or that allowed it to be automatic
    to_check: bool = False

    @property
    def item_ids(self) -> tuple[UUID, ...]:
        """The items it pays, in order."""
        return tuple(allocation.item.id for allocation in self.allocations)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An item that was looked at and not taken, and why, in words."""

    item_id: UUID
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the engine says of a line. ``decision`` is ``apply`` only with exactly one option that may be automatic;
    the best option is the first."""

    line_id: UUID
    decision: Literal["apply", "suggest", "nothing"]
    options: tuple[Option, ...] = ()
    refused: tuple[Refusal, ...] = ()
    partner_id: UUID | None = None
    partner_why: str = ""
    step: Step | None = field(default=None)
