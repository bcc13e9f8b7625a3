"""From an application to the rows it will write, all in memory: slices, counterparts, write-offs, exchange differences.

A plan that cannot be made raises a :class:`Problem` and leaves the state as it was, so one refused application does not
touch the others of its batch.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from nostro.books.companies.models import Company
from nostro.books.journals.models import Line, LineStatus
from nostro.books.ledger.models import EntryItem, Payment, PaymentState
from nostro.books.ledger.posting import Side
from nostro.books.ledger.rates import Rates
from nostro.books.reconcile.applications import Application, BookTo, Pay, Reopen
from nostro.books.reconcile.engine.slices import LineAmounts, Slice, share
from nostro.core.money import decimals
from nostro.core.text import clean
from nostro.web.errors import NotFound, Problem


@dataclass(slots=True)
class State:
    """Locked lines and items, and how they stand after the plans made so far. Exchange accounts may be missing until
    they are needed."""

    company: Company
    rates: Rates
    lines: Mapping[UUID, Line]
    amounts: dict[UUID, LineAmounts]
    items: Mapping[UUID, EntryItem]
    residuals: dict[UUID, tuple[Decimal, Decimal]]  # by item: in its currency, in the company's
    payments: Mapping[UUID, Payment] = field(default_factory=dict)
    exchange_gain_id: UUID | None = None
    exchange_loss_id: UUID | None = None


@dataclass(slots=True)
class PlannedPart:
    """One counterpart of the line and, where it pays an item, what the item loses."""

    account_id: UUID
    partner_id: UUID | None
    label: str
    piece: Slice
    currency: str  # of ``piece.paid``
    item: EntryItem | None = None
    item_amount: Decimal | None = None
    item_amount_currency: Decimal | None = None
    payment: Payment | None = None
    analytic: str = ""


@dataclass(slots=True)
class Plan:
    """Everything an application writes."""

    application: Application
    line: Line
    parts: list[PlannedPart] = field(default_factory=list)
    write_off_sides: list[Side] = field(default_factory=list)
    exchange_sides: list[Side] = field(default_factory=list)


def make_plan(state: State, application: Application) -> Plan:
    """Plan an application and move ``state`` on. Raises :class:`Problem` or :class:`NotFound` and changes nothing."""
    line = _usable_line(state, application)
    amounts = copy.copy(state.amounts[line.id])
    residuals = dict(state.residuals)
    plan = Plan(application, line)
    before = abs(amounts.rest)
    for move in application.moves:
        if isinstance(move, Pay):
            _pay(state, plan, amounts, residuals, move)
        elif isinstance(move, Reopen):
            _reopen(state, plan, amounts, residuals, move)
        else:
            _book(plan, amounts, move)
    if not plan.parts:
        raise Problem("Nothing is chosen.", what_to_do="Choose an open item or an account.", code="itemsMissing")
    if abs(amounts.rest) > before:
        raise Problem(
            "What goes the other way is more than what it is taken from.",
            what_to_do="Choose more of what the line pays, or fewer credit notes.",
            code="nettingTooMuch",
        )
    state.amounts[line.id] = amounts
    state.residuals.update(residuals)
    for part in plan.parts:
        if part.payment is not None:
            settled = part.payment.state == PaymentState.OUTSTANDING
            part.payment.state = PaymentState.SETTLED if settled else PaymentState.RETURNED
    return plan


def _usable_line(state: State, application: Application) -> Line:
    line = state.lines.get(application.line_id)
    if line is None:
        raise NotFound("line")
    if line.status not in {LineStatus.POSTED, LineStatus.WITHDRAWN} or line.entry is None:
        raise Problem("This line is not posted.", what_to_do="Decide about it first.", code="lineNotPosted")
    rest = state.amounts[line.id].rest
    if not rest:
        raise Problem(
            "This line is reconciled already.",
            why="Somebody else may have been faster.",
            what_to_do="Reload the page; undo the match to choose again.",
            code="lineReconciled",
        )
    if application.expected_rest is not None and application.expected_rest != rest:
        raise _stale("the line")
    return line


def _stale(what: str) -> Problem:
    return Problem(
        f"Meanwhile {what} has changed.",
        why="Somebody else was faster.",
        what_to_do="Reload the page and choose again.",
        code="proposalStale",
    )


# --- an open item -------------------------------------------------------------------------------------------------


def _pay(
    state: State, plan: Plan, amounts: LineAmounts, residuals: dict[UUID, tuple[Decimal, Decimal]], move: Pay
) -> None:
    item = state.items.get(move.item_id)
    if item is None:
        raise NotFound("open item")
    residual, residual_company = residuals[item.id]
    if not residual:
        raise Problem(
            f"{name_of(item)} is paid already.", what_to_do="Reload the page and choose again.", code="itemNotOpen"
        )
    if move.expected is not None and move.expected != residual:
        raise _stale(name_of(item))
    written_off = sum((one.amount for one in move.write_offs), Decimal(0))
    wanted = residual - written_off if move.part is None else move.part
    against = (residual > 0) == (wanted > 0) != (plan.line.amount > 0)
    if against:
        _check_netting(state, plan, item)
    piece = _slice(state, plan.line, amounts, item, wanted, against=against)
    lost = piece.paid + written_off
    if (lost > 0) != (residual > 0) or abs(lost) > abs(residual):
        raise Problem(
            f"Of {name_of(item)} only {residual} {item.currency} are open.",
            what_to_do="Take a smaller amount.",
            code="amountInvalid",
        )
    payment = _payment(state, move.payment_id, PaymentState.OUTSTANDING)
    lost_company = share(residual_company, lost, residual, state.company.currency)
    paid_company = share(residual_company, piece.paid, residual, state.company.currency)
    residuals[item.id] = (residual - lost, residual_company - lost_company)
    plan.parts.append(
        PlannedPart(
            item.account_id, item.partner_id, item.label, piece, item.currency, item, lost_company, lost, payment
        )
    )  # fmt: skip
    _write_off(plan, item, move, lost_company - paid_company)
    _exchange(state, plan, item, piece.company_amount - paid_company)


def _check_netting(state: State, plan: Plan, item: EntryItem) -> None:
    """What goes against the line is allowed beside something of the same partner that goes with it (books.md 16.4)."""
    paid = [state.items.get(move.item_id) for move in plan.application.moves if isinstance(move, Pay)]
    others = [other for other in paid if other is not None and other.id != item.id]
    if not any((other.residual or 0) * plan.line.amount > 0 for other in others):
        raise _goes_the_other_way(item)
    if item.partner_id is None or any(other.partner_id != item.partner_id for other in others):
        raise Problem(
            f"{name_of(item)} goes the other way, and the items are not of one partner.",
            what_to_do="Choose items of one customer or supplier.",
            code="nettingPartners",
        )


def _goes_the_other_way(item: EntryItem) -> Problem:
    return Problem(
        f"{name_of(item)} goes the other way.",
        what_to_do="Choose items of the line's direction, or with it something of the same partner that is larger.",
        code="signMismatch",
    )


def _payment(state: State, payment_id: UUID | None, wanted: PaymentState) -> Payment | None:
    if payment_id is None:
        return None
    payment = state.payments.get(payment_id)
    if payment is None:
        raise NotFound("payment")
    if payment.state != wanted:
        raise _stale("the payment")
    return payment


def _reopen(
    state: State, plan: Plan, amounts: LineAmounts, residuals: dict[UUID, tuple[Decimal, Decimal]], move: Reopen
) -> None:
    """What comes back is owed again, at the value that the bank's amounts give it."""
    item = state.items.get(move.item_id)
    payment = _payment(state, move.payment_id, PaymentState.SETTLED)
    if item is None or payment is None:
        raise NotFound("payment")
    if abs(move.amount) > abs(payment.amount):
        raise _stale("the payment")
    piece = _slice(state, plan.line, amounts, item, move.amount)
    own, company = residuals[item.id]
    lost, lost_company = piece.paid, piece.company_amount
    residuals[item.id] = (own - lost, company - lost_company)
    plan.parts.append(
        PlannedPart(
            item.account_id, item.partner_id, item.label, piece, item.currency, item, lost_company, lost, payment
        )
    )


def _slice(
    state: State, line: Line, amounts: LineAmounts, item: EntryItem, wanted: Decimal, *, against: bool = False
) -> Slice:  # fmt: skip
    rate = None
    if item.currency not in {amounts.currency, amounts.foreign_currency, amounts.company_currency}:
        rate = state.rates.rate(item.currency, line.order_date)
    rest = amounts.rest_in(item.currency, rate)
    if rest is None:
        raise Problem(
            f"{name_of(item)} is in {item.currency}, the line in {line.currency}, and no exchange rate is known.",
            what_to_do=f"Enter a rate of {item.currency} for {line.order_date:%d %b %Y}, or the foreign amount of the "
            "line.",
            code="rateMissing",
        )
    if against:
        return amounts.give(item.currency, wanted, rate)
    if not rest:
        raise Problem("The line does not reach for all chosen items.", what_to_do="Choose fewer.", code="amountUsedUp")
    if not wanted or (wanted > 0) != (rest > 0):
        raise _goes_the_other_way(item)
    return amounts.take(item.currency, wanted, rate)


def _write_off(plan: Plan, item: EntryItem, move: Pay, value: Decimal) -> None:
    """``value`` in the company's currency is shared by the write-offs; the last takes the remainder."""
    rest, total = value, sum((one.amount for one in move.write_offs), Decimal(0))
    for index, one in enumerate(move.write_offs, 1):
        own = rest if index == len(move.write_offs) else share(value, one.amount, total, plan.line.company.currency)
        rest -= own
        label = one.label or item.label
        plan.write_off_sides += [
            Side(item.account_id, -own, item.currency, -one.amount, item.partner_id, label=label),
            Side(one.account_id, own, item.currency, one.amount, item.partner_id, label=label, analytic=one.analytic),
        ]


def _exchange(state: State, plan: Plan, item: EntryItem, difference: Decimal) -> None:
    """Bring the item's account to zero in the company's currency too (books.md 16.6)."""
    if not difference:
        return
    other = state.exchange_gain_id if difference > 0 else state.exchange_loss_id
    if other is None:
        raise Problem(
            "The company has no account for exchange differences.",
            what_to_do="Choose one in the chart of accounts.",
            code="accountMissing",
        )
    own = state.company.currency
    plan.exchange_sides += [
        Side(item.account_id, difference, item.currency, Decimal(0), item.partner_id, label=item.label),
        Side(other, -difference, own, -difference, label=item.label),
    ]


# --- an account ---------------------------------------------------------------------------------------------------


def _book(plan: Plan, amounts: LineAmounts, move: BookTo) -> None:
    line = plan.line
    if move.account_id in {line.journal.bank_account_id, line.journal.suspense_account_id}:
        raise Problem(
            "This is the journal's own account.",
            what_to_do="Choose another account.",
            code="accountInvalid",
            field="account",
        )
    part = amounts.rest if move.amount is None else move.amount
    _check_part(line, amounts.rest, part)
    piece = amounts.take(line.currency, part)
    partner_id = move.partner_id or line.partner_id
    label = clean(move.label, 200) or line.label
    plan.parts.append(PlannedPart(move.account_id, partner_id, label, piece, line.currency, analytic=move.analytic))


def _check_part(line: Line, rest: Decimal, part: Decimal) -> None:
    exponent = part.as_tuple().exponent
    too_fine = isinstance(exponent, int) and -exponent > max(decimals(line.currency), 0) and part != rest
    wrong_way = part == 0 or (part > 0) != (rest > 0)
    if too_fine or wrong_way or abs(part) > abs(rest):
        raise Problem(
            f"{part} is not a part of the {rest} {line.currency} that are unexplained.",
            what_to_do="Type an amount of the same sign that is not larger.",
            code="amountInvalid",
            field="amount",
        )


def name_of(item: EntryItem) -> str:
    """The number of the document, else the item's label."""
    document = getattr(item, "document", None)
    return str(document.number) if document else item.label
