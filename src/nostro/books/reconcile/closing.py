"""Paying items with a line and booking what is left on either side, with taxes (books.md 16.4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from nostro.books.companies.models import Company, Role
from nostro.books.journals.models import Line
from nostro.books.journals.queries import access_line
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import EntryItem, LedgerAccount, Purpose
from nostro.books.ledger.rates import Rates
from nostro.books.ledger.terms import taken_apart
from nostro.books.reconcile.applications import Application, BookTo, Pay, WriteOff
from nostro.books.reconcile.applying import amounts_of, apply_one, taken_of
from nostro.books.reconcile.models import MatchGroup
from nostro.books.reconcile.netting import credits_for
from nostro.books.reconcile.planning import name_of
from nostro.books.reconcile.services import MAX_ITEMS
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

#: Accounts that what is left is booked to at once.
MAX_RESTS = 10


@dataclass(frozen=True, slots=True)
class RestLine:
    """Where what is left goes: ``amount`` of it, positive and in its currency, or all that the lines before left.

    With a rate of tax the amount includes the tax, which is corrected on its own account.
    """

    account_id: UUID
    amount: Decimal | None = None
    tax_percent: Decimal = Decimal(0)
    label: str = ""
    analytic: str = ""


def pay_and_close(
    user: User, line_id: UUID, item_ids: Sequence[UUID], account_id: UUID, *, label: str = "", now: dt.datetime
) -> MatchGroup:
    """Pay open items with a line and book what is left, on whichever side, to an account."""
    return close_with(user, line_id, item_ids, [RestLine(account_id, label=label)], now=now)


@transaction.atomic
def close_with(
    user: User, line_id: UUID, item_ids: Sequence[UUID], rests: Sequence[RestLine], *, now: dt.datetime
) -> MatchGroup:
    """The same over several accounts. What is left of the items is written off, what is left of the line is booked.

    Amounts that are less leave the rest open. Raises :class:`Problem` for amounts that are more than what is left.
    """
    line = access_line(user, line_id, role=Role.CLERK)
    names = _account_names(line.company, rests)
    ids = list(dict.fromkeys(item_ids))
    if not 0 < len(ids) <= MAX_ITEMS:
        raise Problem("No open item is chosen.", what_to_do="Mark at least one.", code="itemsMissing")
    items = EntryItem.objects.select_related("document").filter(company=line.company, pk__in=ids)
    found = {item.id: item for item in items.exclude(residual_currency=None)}
    if len(found) != len(ids):
        raise NotFound("open item")
    moves = _moves(line, [found[item_id] for item_id in ids], rests)
    chosen = ", ".join(name_of(found[item_id]) for item_id in ids)
    said = f"{user} chose {chosen}; what is left is booked to {names}."
    return apply_one(line.company, Application(line.id, moves, "manual", said), actor=user, now=now)


def _account_names(company: Company, rests: Sequence[RestLine]) -> str:
    if not 0 < len(rests) <= MAX_RESTS:
        raise Problem("No account is chosen.", what_to_do=f"Choose 1 to {MAX_RESTS}.", code="accountMissing")
    ids = {rest.account_id for rest in rests}
    accounts = LedgerAccount.objects.filter(company=company, pk__in=ids, active=True).in_bulk()
    if len(accounts) != len(ids):
        raise NotFound("account")
    for rest in rests:
        if rest.amount is not None and not (rest.amount.is_finite() and rest.amount > 0):
            raise Problem(
                "An amount is not above zero.", what_to_do="Type a positive amount, or none.", code="amountInvalid",
                field="rest_amount",
            )  # fmt: skip
    return ", ".join(dict.fromkeys(str(accounts[rest.account_id]) for rest in rests))


class _Rests:
    """The accounts that what is left goes to, in their order, and how much each still takes."""

    def __init__(self, company: Company, rests: Sequence[RestLine]) -> None:
        self.company, self._rests = company, rests
        self._left = [rest.amount for rest in rests]

    def take(self, amount: Decimal, currency: str, *, of_customer: bool) -> Iterator[tuple[UUID, Decimal, str, str]]:
        """Accounts, amounts signed like ``amount``, labels and analytic labels; taxes beside what they are part of."""
        rest = abs(amount)
        for place, one in enumerate(self._rests):
            limit = self._left[place]
            part = rest if limit is None else min(limit, rest)
            if not part:
                continue
            rest -= part
            if limit is not None:
                self._left[place] = limit - part
            for account_id, piece in self._with_tax(one, part, currency, of_customer):
                analytic = one.analytic if account_id == one.account_id else ""
                yield account_id, piece.copy_sign(amount), one.label, analytic

    def _with_tax(
        self, one: RestLine, part: Decimal, currency: str, of_customer: bool
    ) -> Iterator[tuple[UUID, Decimal]]:  # fmt: skip
        apart = taken_apart(part, one.tax_percent, currency) if one.tax_percent else None
        if apart is None or not apart.tax or not apart.net:
            yield one.account_id, part
            return
        purpose = Purpose.VAT_PAYABLE if of_customer else Purpose.VAT_RECOVERABLE
        yield one.account_id, apart.net
        yield account_for(self.company, purpose).id, apart.tax

    def check_used_up(self) -> None:
        if any(self._left):
            raise Problem(
                "The amounts are more than what is left.",
                what_to_do="Correct them; the last one may be empty and takes what is left.",
                code="amountInvalid",
                field="rest_amount",
            )


def _moves(line: Line, items: Sequence[EntryItem], rests: Sequence[RestLine]) -> tuple[Pay | BookTo, ...]:
    amounts = amounts_of(line.company, line, taken_of([line.id]).get(line.id))
    rates, booked = Rates(line.company), _Rests(line.company, rests)
    against = {move.item_id: move for move in credits_for(amounts, items)}
    moves: list[Pay | BookTo] = [*against.values()]
    for item in items:
        if (given := against.get(item.id)) is not None and given.part is not None:
            amounts.give(item.currency, given.part)
    for item in (item for item in items if item.id not in against):
        residual = item.residual_currency or Decimal(0)
        known = {amounts.currency, amounts.foreign_currency, amounts.company_currency}
        rate = None if item.currency in known else rates.rate(item.currency, line.order_date)
        rest = amounts.rest_in(item.currency, rate)
        if not rest or not residual or (rest > 0) != (residual > 0):
            moves.append(Pay(item.id, expected=item.residual_currency))  # planning says what is wrong with it
            continue
        paid = min(abs(rest), abs(residual)).copy_sign(residual)
        left = booked.take(residual - paid, item.currency, of_customer=residual > 0)
        write_offs = tuple(WriteOff(*one) for one in left)
        moves.append(Pay(item.id, paid, write_offs, expected=residual))
        amounts.take(item.currency, paid, rate)
    if amounts.rest:
        left = booked.take(amounts.rest, amounts.currency, of_customer=amounts.rest > 0)
        moves += [
            BookTo(account_id, part, label=label, analytic=analytic) for account_id, part, label, analytic in left
        ]
    booked.check_used_up()
    return tuple(moves)
