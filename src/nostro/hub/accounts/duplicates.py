"""Booked rows that may be one transaction: candidates for a person, never decided by Nostro (user-wants W01, W04)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from django.db import connection

from nostro.hub.accounts.models import Account, DuplicateDecision, Transaction

#: Rows that came lately are compared with rows of the days around them.
LOOK_BACK = dt.timedelta(days=90)
DAYS_APART = 4
MAX_PAIRS = 50

#: What two rows have in common, besides account, amount and currency.
Likeness = Literal["end_to_end_id", "remittance", "counterpart", "day"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """Two rows that look alike, the older one in the Hub first."""

    first: Transaction
    second: Transaction
    likeness: tuple[Likeness, ...]


# Rows of one read are never candidates: a bank that shows two equal rows at once has two (connectors.md 1.10). Neither
# are the rows of the first import, which came all at once.
_PAIRS = """
WITH late AS (
  SELECT * FROM accounts_transaction t
  WHERE t.account_id = %(account)s AND t.removed_at IS NULL AND t.created_at > %(since)s
    AND t.booking_date > %(since)s::date - 30
    AND t.created_by_synchronization IS DISTINCT FROM (
      SELECT f.created_by_synchronization FROM accounts_transaction f
      WHERE f.account_id = %(account)s ORDER BY f.sequence LIMIT 1)
  ORDER BY t.sequence DESC LIMIT 2000
)
SELECT o.id, l.id FROM late l JOIN accounts_transaction o
  ON o.account_id = l.account_id AND o.booking_date BETWEEN l.booking_date - %(apart)s AND l.booking_date + %(apart)s
WHERE o.sequence < l.sequence AND o.removed_at IS NULL AND o.amount = l.amount AND o.currency = l.currency
  AND o.created_by_synchronization IS DISTINCT FROM l.created_by_synchronization
  AND coalesce(lower(o.counterpart_name) = lower(l.counterpart_name), true)
  AND coalesce(o.counterpart_reference = l.counterpart_reference, true)
  AND coalesce(o.end_to_end_id = l.end_to_end_id, true)
  AND (o.booking_date = l.booking_date OR o.end_to_end_id = l.end_to_end_id
       OR lower(o.remittance_information) = lower(l.remittance_information))
  AND NOT EXISTS (SELECT 1 FROM accounts_duplicatedecision d WHERE d.first_id = o.id AND d.second_id = l.id)
ORDER BY l.sequence DESC, o.sequence DESC LIMIT %(limit)s
"""


def candidates_of(account: Account, now: dt.datetime) -> list[Candidate]:
    """Pairs of one account that came in different runs, have the same amount within a few days, and do not contradict
    each other in counterparty or end-to-end id; newest first, at most 50, without those that were decided."""
    with connection.cursor() as cursor:
        cursor.execute(
            _PAIRS, {"account": account.pk, "since": now - LOOK_BACK, "apart": DAYS_APART, "limit": MAX_PAIRS}
        )
        pairs = cursor.fetchall()
    rows = Transaction.objects.in_bulk({row_id for pair in pairs for row_id in pair})
    return [Candidate(rows[first], rows[second], _likeness(rows[first], rows[second])) for first, second in pairs]


def _likeness(one: Transaction, other: Transaction) -> tuple[Likeness, ...]:
    found: list[Likeness] = []
    if one.end_to_end_id and one.end_to_end_id == other.end_to_end_id:
        found.append("end_to_end_id")
    if one.remittance_information and one.remittance_information.lower() == other.remittance_information.lower():
        found.append("remittance")
    if one.counterpart_name and one.counterpart_name.lower() == (other.counterpart_name or "").lower():
        found.append("counterpart")
    if one.booking_date == other.booking_date:
        found.append("day")
    return tuple(found)


def decisions_of(account: Account) -> list[DuplicateDecision]:
    """What was decided about rows of an account, newest first; at most 50."""
    found = DuplicateDecision.objects.select_related("first", "second").filter(first__account=account)
    return list(found.order_by("-decided_at")[:MAX_PAIRS])
