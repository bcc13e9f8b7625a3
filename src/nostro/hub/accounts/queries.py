"""Reads of accounts and their transactions. A person reaches an account only through :func:`access_account`."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal

from django.db import connection, models

from nostro.core.transactions import Window
from nostro.hub.accounts.models import Account, PendingTransaction, RawAnswer, Transaction, TransactionChange
from nostro.hub.accounts.search import (
    PAGE_SIZE,
    Cursor,
    Filters,
    Sort,
    TransactionPage,
    csv_rows,
    search_transactions,
)
from nostro.hub.accounts.search_text import parse_search
from nostro.hub.organizations.models import Organization, Role
from nostro.hub.organizations.queries import require_role
from nostro.people.models import User
from nostro.web.errors import NotFound

__all__ = [
    "PAGE_SIZE",
    "Cursor",
    "Filters",
    "Sort",
    "TransactionPage",
    "access_account",
    "access_transaction",
    "accounts_of",
    "accounts_of_connection",
    "balance_series",
    "changes_of",
    "csv_rows",
    "day_sums",
    "parse_search",
    "pending_of",
    "raw_answer_of",
    "search_transactions",
    "unread_history",
]


def access_account(user: User, account_id: uuid.UUID, *, role: Role | None = None) -> Account:
    """The account, if ``user`` belongs to its organization with at least ``role``.

    Raises NotFound for unknown and foreign ones, Forbidden when the role is too low.
    """
    account = Account.objects.select_related("organization", "institution").filter(id=account_id).first()
    if account is None:
        raise NotFound("account")
    require_role(user, account.organization_id, role, "account")
    return account


def access_transaction(user: User, transaction_id: uuid.UUID) -> Transaction:
    """One booked transaction with its account. Raises NotFound for unknown and foreign ones."""
    found = Transaction.objects.select_related("account__institution").filter(id=transaction_id).first()
    if found is None:
        raise NotFound("transaction")
    require_role(user, found.organization_id, None, "transaction")
    return found


def accounts_of(organization: Organization, is_sandbox: bool, *, with_removed: bool = False) -> list[Account]:
    """The accounts that the organization chose, by the name of the bank and their own."""
    accounts = Account.objects.select_related("institution", "organization").filter(
        organization=organization, is_sandbox=is_sandbox, is_selected=True
    )
    if not with_removed:
        accounts = accounts.filter(removed_at=None)
    return list(accounts.order_by("institution__name", "linked_at", "id"))


def has_accounts(organization: Organization, is_sandbox: bool) -> bool:
    """Whether :func:`accounts_of` would give any."""
    chosen = Account.objects.filter(organization=organization, is_sandbox=is_sandbox, is_selected=True, removed_at=None)
    return chosen.exists()


def accounts_of_connection(connection: models.Model | uuid.UUID) -> list[Account]:
    """All accounts read through a connection (the row or its id), chosen or not, in the order they came."""
    connection_id = connection.pk if isinstance(connection, models.Model) else connection
    return list(
        Account.objects.select_related("institution", "organization")
        .filter(connection_id=connection_id)
        .order_by("linked_at", "id")
    )


def changes_of(transaction: Transaction) -> list[TransactionChange]:
    """What the bank changed in a transaction afterwards, newest first."""
    return list(TransactionChange.objects.filter(transaction=transaction).order_by("-id")[:100])


def pending_of(account: Account) -> list[PendingTransaction]:
    """The pending rows of an account that stand now, newest first; at most 1,000."""
    rows = PendingTransaction.objects.filter(account=account, removed_at=None)
    return list(rows.order_by("-sequence")[:1_000])


def unread_history(account: Account) -> Window | None:
    """The oldest days of the account's history that the bank offers and that no complete read covers, None where there
    are none. ``date_to`` is the last of them; before the first complete read, it is the first day itself."""
    begin, covered = account.history_from, account.covered_from
    if begin is None or (covered is not None and covered <= begin):
        return None
    return Window(begin, covered - timedelta(days=1) if covered is not None else begin)


def oldest_absent_day(account: Account) -> date | None:
    """The booking date of the oldest transaction that the last complete read of its day lacked, not yet removed."""
    rows = Transaction.objects.filter(account=account, removed_at=None, absences__gt=0)
    return rows.order_by("booking_date").values_list("booking_date", flat=True).first()


def raw_answer_of(transaction: Transaction) -> RawAnswer | None:
    """The bank's answer that a transaction was read from, if it is still kept."""
    if transaction.raw_answer_id is None:
        return None
    return RawAnswer.objects.filter(id=transaction.raw_answer_id, organization=transaction.organization_id).first()


def balance_series(account: Account, days: int, today: date) -> list[tuple[date, Decimal]]:
    """The balance at the end of each of the last ``days`` days, oldest first, for the chart.

    Counted back from the current balance with the booked rows, so it ends at what the bank says. It begins no earlier
    than the account's rows are known, and is empty without a balance.
    """
    if account.current_balance is None or days < 1:
        return []
    first = today - timedelta(days=days - 1)
    if account.covered_from is not None:
        first = max(first, account.covered_from)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT greatest(booking_date, %s), sum(amount) FROM accounts_transaction"
            " WHERE account_id = %s AND removed_at IS NULL AND booking_date > %s GROUP BY 1",
            [first, account.pk, first],
        )
        movements: dict[date, Decimal] = dict(cursor.fetchall())
    # The bank's balance already counts rows that it dated into the future, so those end on today.
    later = sum((amount for day, amount in movements.items() if day > today), Decimal(0))
    balance = account.current_balance - later
    series = []
    for back in range((today - first).days + 1):
        day = today - timedelta(days=back)
        series.append((day, balance))
        balance -= movements.get(day, Decimal(0))
    return series[::-1]


def day_sums(organization: Organization, filters: Filters, days: Iterable[date]) -> Mapping[tuple[date, str], Decimal]:
    """The sum of all rows under ``filters`` for each of ``days`` and each currency, for the day headings of a list.

    Whole days are added up, also where the page shows a part of one.
    """
    wanted = sorted(set(days))
    if not wanted:
        return {}
    where, parameters = filters.conditions(organization)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT t.booking_date, t.currency, sum(t.amount) FROM accounts_transaction t WHERE {where}"  # noqa: S608
            " AND t.booking_date = ANY(%s) GROUP BY 1, 2",
            [*parameters, wanted],
        )
        return {(day, currency): total for day, currency, total in cursor.fetchall()}
