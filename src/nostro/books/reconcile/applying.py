"""Carry out applications: lock, plan, write, for one line as for thousands, in one transaction and few statements.

Lines are locked before items, and both in the order of their ids, so that two who want the same cannot block each
other: one wins, the other gets a :class:`Problem` that says so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from nostro.books.companies.models import Company
from nostro.books.journals.models import Journal, Line
from nostro.books.ledger.models import EntryItem, LedgerAccount, Payment, Purpose
from nostro.books.ledger.posting import hold_locks
from nostro.books.ledger.rates import Rates
from nostro.books.reconcile.applications import Application, BookTo
from nostro.books.reconcile.engine.slices import LineAmounts
from nostro.books.reconcile.models import MatchGroup, MatchPart
from nostro.books.reconcile.planning import Plan, State, make_plan
from nostro.books.reconcile.writing import write_plans
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

#: Applications carried out in one transaction.
MAX_APPLICATIONS = 1_000

Outcome = MatchGroup | Problem | NotFound


@transaction.atomic
def apply(
    company: Company, applications: Sequence[Application], *, actor: User | None, now: dt.datetime
) -> list[Outcome]:
    """A match for each application, in their order, or the problem that refused it; refused ones change nothing.

    ``actor`` is ``None`` for what Nostro does by itself; the caller has checked that the lines, items, accounts and
    partners are the company's to change, except that lines and items of other companies are not found.
    """
    if len(applications) > MAX_APPLICATIONS:
        raise ValueError(f"at most {MAX_APPLICATIONS} applications at once")
    state = _lock(company, applications)
    planned = _plan_all(state, applications)
    plans = [plan for plan in planned if isinstance(plan, Plan)]
    groups = dict(zip(map(id, plans), write_plans(state, plans, actor=actor, now=now), strict=True))
    return [groups[id(plan)] if isinstance(plan, Plan) else plan for plan in planned]


def apply_one(company: Company, application: Application, *, actor: User | None, now: dt.datetime) -> MatchGroup:
    """One application; raises what refused it."""
    (outcome,) = apply(company, [application], actor=actor, now=now)
    if isinstance(outcome, MatchGroup):
        return outcome
    raise outcome


def _plan_all(state: State, applications: Sequence[Application]) -> list[Plan | Problem | NotFound]:
    """The two halves of a transfer stand beside each other, and one that fails takes the other along."""
    planned: list[Plan | Problem | NotFound] = []
    for application in applications:
        first = planned[-1] if planned and application.mirror_of is not None else None
        if isinstance(first, Problem | NotFound):
            planned.append(first)
            continue
        try:
            planned.append(make_plan(state, application))
        except (Problem, NotFound) as problem:
            if isinstance(first, Plan):
                _forget(state, first)
                planned[-1] = problem
            planned.append(problem)
    return planned


def _forget(state: State, plan: Plan) -> None:
    """A half of a transfer pays no item, so only the line's amounts go back."""
    state.amounts[plan.line.id] = amounts_of(state.company, plan.line, taken_of([plan.line.id]).get(plan.line.id))


# --- locking ------------------------------------------------------------------------------------------------------

#: What planning and writing read of a row; the others would only be made and thrown away.
_LINE_COLUMNS = (
    *("company_id", "journal_id", "partner_id", "status", "label", "order_date", "amount", "currency"),
    "counterparty_account",
    *("foreign_amount", "foreign_currency", "company_amount", "suspense_residual", "reconciled"),
    *("entry__company_id", "entry__date", "entry__label"),
)
_ITEM_COLUMNS = ("company_id", "account_id", "partner_id", "label", "currency", "residual", "residual_currency")

Taken = tuple[Decimal, Decimal | None, Decimal]


def _lock(company: Company, applications: Sequence[Application]) -> State:
    """Lines before items before payments, each in the order of their ids. Their keys never change, so rows that only
    point to them, such as proposals that the automatic run stores, are not held up and close no ring."""
    hold_locks(company)
    line_ids = {application.line_id for application in applications}
    locked = Line.objects.select_for_update(no_key=True, of=("self",)).select_related("entry").only(*_LINE_COLUMNS)
    lines = {line.id: line for line in locked.filter(company=company, pk__in=line_ids).order_by("id")}
    journals = Journal.objects.in_bulk({line.journal_id for line in lines.values()})
    for line in lines.values():
        line.company, line.journal = company, journals[line.journal_id]
    moves = [move for one in applications for move in one.moves if not isinstance(move, BookTo)]
    item_ids = {move.item_id for move in moves}
    # The document, whose number a refusal names, is read only then.
    open_items = EntryItem.objects.select_for_update(no_key=True).only(*_ITEM_COLUMNS)
    open_items = open_items.filter(company=company, pk__in=item_ids, residual__isnull=False)
    items = {item.id: item for item in open_items.order_by("id")}
    payment_ids = {move.payment_id for move in moves if move.payment_id is not None}
    payments = Payment.objects.select_for_update(no_key=True).filter(company=company, pk__in=payment_ids).order_by("id")
    taken = taken_of(list(lines))
    exchange = LedgerAccount.objects.filter(
        company=company, purpose__in=(Purpose.EXCHANGE_GAIN, Purpose.EXCHANGE_LOSS)
    ).values_list("purpose", "id")
    by_purpose: dict[str, UUID] = dict(exchange)
    return State(
        company=company,
        rates=Rates(company),
        lines=lines,
        amounts={line.id: amounts_of(company, line, taken.get(line.id)) for line in lines.values()},
        items=items,
        residuals={item.id: _residuals(item) for item in items.values()},
        payments={payment.id: payment for payment in payments} if payment_ids else {},
        exchange_gain_id=by_purpose.get(Purpose.EXCHANGE_GAIN),
        exchange_loss_id=by_purpose.get(Purpose.EXCHANGE_LOSS),
    )


def _residuals(item: EntryItem) -> tuple[Decimal, Decimal]:
    assert item.residual_currency is not None and item.residual is not None
    return item.residual_currency, item.residual


def taken_of(line_ids: Sequence[UUID]) -> dict[UUID, Taken]:
    """What live matches took of lines: in the journal's, the foreign and the company's currency."""
    parts = MatchPart.objects.filter(group__line_id__in=line_ids, group__undone_at=None).values("group__line_id")
    sums = parts.annotate(own=Sum("amount"), journal=Sum("amount_currency"), foreign=Sum("foreign_amount"))
    return {row["group__line_id"]: (row["journal"], row["foreign"], row["own"]) for row in sums}


def amounts_of(company: Company, line: Line, taken: Taken | None) -> LineAmounts:
    """The line's three amounts and what is left of them."""
    amounts = LineAmounts(
        currency=line.currency,
        amount=line.amount,
        company_currency=company.currency,
        company_amount=line.company_amount if line.company_amount is not None else Decimal(0),
        foreign_currency=line.foreign_currency,
        foreign_amount=line.foreign_amount,
    )
    if taken is not None:
        amounts.use_up(*taken)
    return amounts
