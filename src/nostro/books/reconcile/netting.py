"""Items that go against a line beside items it pays: invoices less credit notes of one partner (books.md 16.4)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from nostro.books.ledger.models import EntryItem
from nostro.books.reconcile.applications import Pay
from nostro.books.reconcile.engine.slices import LineAmounts
from nostro.books.reconcile.planning import name_of
from nostro.web.errors import Problem


def credits_for(amounts: LineAmounts, items: Sequence[EntryItem]) -> list[Pay]:
    """What the items against the line give, each as far as it is needed for what the line does not reach.

    Empty where all go with the line. Raises :class:`Problem` for several currencies, and where nothing is needed.
    """
    against = [item for item in items if not _goes_with(amounts, item)]
    if not against or len(against) == len(items):
        return [Pay(item.id, expected=item.residual_currency) for item in against]  # planning says what is wrong
    if len({item.currency for item in items}) > 1:
        raise Problem(
            "What goes the other way and what is paid are in several currencies.",
            what_to_do="Choose items of one currency.",
            code="nettingCurrencies",
        )
    currency = items[0].currency
    rest = amounts.rest_in(currency) or Decimal(0)
    wanted = sum((abs(_residual(item)) for item in items if _goes_with(amounts, item)), Decimal(0))
    needed = wanted - abs(rest)
    moves: list[Pay] = []
    for item in against:
        part = min(needed, abs(_residual(item)))
        if part <= 0:
            raise Problem(
                f"The line pays what is chosen without {name_of(item)}.",
                what_to_do="Leave it out, or choose more of what the line pays.",
                code="nettingNotNeeded",
            )
        needed -= part
        moves.append(Pay(item.id, part.copy_sign(_residual(item)), expected=_residual(item)))
    return moves


def _goes_with(amounts: LineAmounts, item: EntryItem) -> bool:
    return (_residual(item) > 0) == (amounts.amount > 0)


def _residual(item: EntryItem) -> Decimal:
    return item.residual_currency or Decimal(0)
