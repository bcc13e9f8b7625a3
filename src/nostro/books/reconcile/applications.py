"""What is to be done with a line, as a value: decided by a person, a proposal or a model, and carried out by
``applying``."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Q

from nostro.books.companies.models import Company
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import Payment, PaymentState, Purpose
from nostro.books.reconcile.engine import Allocation, ItemKind, OpenItem, Option, Proposal


@dataclass(frozen=True, slots=True)
class WriteOff:
    """Close ``amount`` of an item beside its payment: in the item's currency and signed like it (books.md 16.4)."""

    account_id: UUID
    amount: Decimal
    label: str = ""
    analytic: str = ""


@dataclass(frozen=True, slots=True)
class Pay:
    """Pay an open item with the line: ``part`` in the item's currency, signed like it, or as far as both reach.

    ``expected`` is the open amount that was seen when this was decided; with another one the decision is stale.
    """

    item_id: UUID
    part: Decimal | None = None
    write_offs: tuple[WriteOff, ...] = ()
    expected: Decimal | None = None
    payment_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Reopen:
    """The line brings a payment back: its item is open again by ``amount``, which is signed like the line."""

    item_id: UUID
    payment_id: UUID
    amount: Decimal


@dataclass(frozen=True, slots=True)
class BookTo:
    """Book to an account: ``amount`` in the journal's currency and signed like the line, or all that is left of it."""

    account_id: UUID
    amount: Decimal | None = None
    partner_id: UUID | None = None
    label: str = ""
    analytic: str = ""


Move = Pay | Reopen | BookTo


@dataclass(frozen=True, slots=True)
class Application:
    """Explain a line by moves, in their order. ``expected_rest`` is what was unexplained when this was decided.

    ``mirror_of`` is the line whose transfer this line is the other half of: the two are applied together or not at all.
    """

    line_id: UUID
    moves: tuple[Move, ...]
    step: str
    explanation: str
    automatic: bool = False
    evidence: dict[str, Any] = field(default_factory=dict)
    expected_rest: Decimal | None = None
    mirror_of: UUID | None = None
    rule_version_id: UUID | None = None
    to_check: bool = False


def of_proposal(company: Company, proposal: Proposal, rest: Decimal) -> list[Application]:
    """The best option of a proposal, to be applied without a person. ``rest`` is what is unexplained of the line.

    Raises ``ValueError`` for a proposal that may not be applied automatically.
    """
    if proposal.decision != "apply":
        raise ValueError("only a proposal with one automatic option is applied")
    return of_option(company, proposal, proposal.options[0], rest, automatic=True)


def of_option(
    company: Company, proposal: Proposal, option: Option, rest: Decimal, *, automatic: bool = False
) -> list[Application]:
    """One option of a proposal, chosen by a person unless ``automatic``.

    An own transfer is two applications, one for each line.
    """
    common: dict[str, Any] = {
        "step": str(option.step),
        "explanation": option.sentence,
        "automatic": automatic,
        "evidence": evidence_of(proposal, option),
        "rule_version_id": option.rule_version_id,
        "to_check": option.to_check,
    }
    if option.allocations and option.allocations[0].item.kind == ItemKind.MIRROR:
        transfer = account_for(company, Purpose.TRANSFER)
        other = option.allocations[0].item
        move = (BookTo(transfer.id),)
        return [
            Application(proposal.line_id, move, expected_rest=rest, **common),
            Application(other.id, move, expected_rest=-other.residual, mirror_of=proposal.line_id, **common),
        ]
    moves: tuple[Move, ...] = (
        *(move for allocation in option.allocations for move in _moves(company, allocation)),
        *(BookTo(one.account_id, one.amount, one.partner_id, one.label, one.analytic) for one in option.bookings),
    )
    return [Application(proposal.line_id, moves, expected_rest=rest, **common)]


def _moves(company: Company, allocation: Allocation) -> list[Move]:
    """One move for an item, and one for each payment of a batch, as far as the line reaches (books.md 16.7)."""
    kind = allocation.item.kind
    if kind not in {ItemKind.PAYMENT, ItemKind.BATCH, ItemKind.RETURN}:
        return [_pay(company, allocation)]
    batch = Q(batch=allocation.item.id, state=PaymentState.OUTSTANDING)
    wanted = batch if kind == ItemKind.BATCH else Q(pk=allocation.item.id)
    moves: list[Move] = []
    rest = allocation.part
    for payment in Payment.objects.filter(wanted, company=company).order_by("id"):
        if kind == ItemKind.RETURN:
            return [Reopen(payment.open_item_id, payment.id, rest)]
        part = min(payment.amount, rest, key=abs)
        if part:
            moves.append(Pay(payment.open_item_id, part, payment_id=payment.id))
        rest -= part
    return moves


def _pay(company: Company, allocation: Allocation) -> Pay:
    """What closes the item beside its payment is a discount, given to a customer or received from a supplier."""
    item, rest = allocation.item, allocation.write_off
    write_offs: tuple[WriteOff, ...] = ()
    if rest and allocation.write_off_account_id is not None:
        write_offs = (WriteOff(allocation.write_off_account_id, rest),)
    elif rest:
        write_offs = _discount(company, item, rest)
    return Pay(item.id, allocation.part, write_offs, expected=item.residual)


def _discount(company: Company, item: OpenItem, amount: Decimal) -> tuple[WriteOff, ...]:
    """An early-payment discount, and beside it the correction of the tax where the tax shrinks too (books.md 16.5)."""
    given = item.residual > 0
    tax = item.early_payment.tax if item.early_payment is not None else Decimal(0)
    discount = account_for(company, Purpose.DISCOUNT_GIVEN if given else Purpose.DISCOUNT_RECEIVED)
    if not tax:
        return (WriteOff(discount.id, amount),)
    vat = account_for(company, Purpose.VAT_PAYABLE if given else Purpose.VAT_RECOVERABLE)
    return WriteOff(discount.id, amount - tax), WriteOff(vat.id, tax)


def evidence_of(proposal: Proposal, option: Option) -> dict[str, Any]:
    """What is stored with a match (books.md 16.9): evidence, the other candidates, and why each was refused."""
    return {
        "evidence": [{"kind": one.kind, "text": one.text[:200], "place": one.place} for one in option.evidence[:20]],
        "others": [other.sentence[:300] for other in proposal.options if other is not option][:10],
        "refused": [{"item": str(one.item_id), "name": one.name[:100], "why": one.why} for one in proposal.refused],
        "partner": proposal.partner_why,
    }
