"""The foreign amount of a line that a person states, because the Hub's transactions have none (books.md 14.2)."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from django.db import transaction

from nostro.books.companies.models import Role
from nostro.books.journals.models import Line, LineStatus
from nostro.books.journals.services import locked_line
from nostro.core.money import MoneyError, decimals, parse_currency
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import Problem


@transaction.atomic
def state_foreign_amount(user: User, line_id: UUID, amount: Decimal, currency: str) -> Line:
    """Say what a line is in the currency it was paid in, once and before it is matched; it gives the rate from then on.

    ``amount`` without a sign takes the line's. Raises :class:`Problem` for a line that is matched or has one, for the
    journal's own currency, and for the company's: a posted line has its amount in that already.
    """
    line = locked_line(user, line_id, Role.CLERK)
    currency = _checked(line, currency)
    exponent = amount.as_tuple().exponent
    if not amount.is_finite() or not amount or (isinstance(exponent, int) and -exponent > decimals(currency)):
        raise Problem(
            f"{amount} is no amount in {currency}.",
            what_to_do=f"Use a number with at most {decimals(currency)} decimals.",
            code="amountInvalid",
            field="foreign_amount",
        )
    line.foreign_amount, line.foreign_currency = abs(amount).copy_sign(line.amount), currency
    line.save(update_fields=["foreign_amount", "foreign_currency"])
    record(
        tenant_id=line.company_id, actor=user, action="line.foreign_amount", obj=line,
        sentence=f"{line.amount} {line.currency} of {line.booking_date:%d %b %Y} are {line.foreign_amount} {currency}.",
        before={"foreign_amount": None, "foreign_currency": ""},
        after={"foreign_amount": str(line.foreign_amount), "foreign_currency": currency},
    )  # fmt: skip
    return line


def _checked(line: Line, currency: str) -> str:
    if line.status not in {LineStatus.POSTED, LineStatus.WITHDRAWN} or line.suspense_residual != line.amount:
        raise Problem(
            "This line is matched already, or not posted.",
            what_to_do="Undo its matches first.",
            code="lineReconciled",
        )
    if line.foreign_amount is not None:
        raise Problem(
            f"The line has a foreign amount already: {line.foreign_amount} {line.foreign_currency}.",
            why="The amounts of a line never change.",
            what_to_do="Leave it, or remove the line and add it again.",
            code="foreignAmountKnown",
        )
    try:
        currency = parse_currency(currency)
    except MoneyError:
        raise Problem(
            "This is no currency.", what_to_do="Use three letters, such as USD.", code="currencyUnknown",
            field="foreign_currency",
        ) from None  # fmt: skip
    if currency in {line.currency, line.company.currency}:
        raise Problem(
            f"The line's amount in {currency} is known already.",
            what_to_do="Choose the currency that was paid in.",
            code="currencyOwn",
            field="foreign_currency",
        )
    return currency
