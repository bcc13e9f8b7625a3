"""Sums of accounts from the totals that the database keeps (decision 0022), so that no page reads all items."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Sum

from nostro.books.ledger.models import AccountTotal


class Totals(NamedTuple):
    """``debit`` and ``credit`` are positive, in the company's currency; ``amount_currency`` is signed."""

    debit: Decimal = Decimal(0)
    credit: Decimal = Decimal(0)
    amount_currency: Decimal = Decimal(0)

    @property
    def amount(self) -> Decimal:
        """Debit − credit."""
        return self.debit - self.credit


def totals_of(account_ids: Collection[UUID], until: dt.date | None = None) -> Mapping[UUID, Totals]:
    """The totals of each account that has items, up to and with a day."""
    rows = AccountTotal.objects.filter(account_id__in=account_ids)
    if until is not None:
        rows = rows.filter(day__lte=until)
    sums = rows.values_list("account_id").annotate(Sum("debit"), Sum("credit"), Sum("amount_currency"))
    return {account_id: Totals(*values) for account_id, *values in sums}


def fold_totals(account_ids: Collection[UUID]) -> None:
    """Make one row of the several rows of an account and day; what they add up to stays.

    A row that another transaction holds is left for the next time, so nobody waits.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH several AS (
                SELECT account_id, day FROM ledger_accounttotal WHERE account_id = ANY(%s::uuid[])
                GROUP BY account_id, day HAVING count(*) > 1
            ), held AS (
                SELECT t.id FROM ledger_accounttotal t JOIN several USING (account_id, day) FOR UPDATE OF t SKIP LOCKED
            ), gone AS (
                DELETE FROM ledger_accounttotal t USING held WHERE t.id = held.id
                RETURNING t.account_id, t.day, t.debit, t.credit, t.amount_currency
            )
            INSERT INTO ledger_accounttotal (account_id, day, debit, credit, amount_currency)
            SELECT account_id, day, sum(debit), sum(credit), sum(amount_currency) FROM gone GROUP BY account_id, day
            """,
            [[str(account_id) for account_id in account_ids]],
        )
