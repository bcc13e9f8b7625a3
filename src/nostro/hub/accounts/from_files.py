"""Rows, balances and proofs that come from files (formats.md 8 and 9): the verbs by which ``hub.files`` writes them.

Each works inside the transaction of its caller, who holds the account's lock (``booked.lock_account``).
"""

# ruff: noqa: S608 - names of tables and columns are our own, values are parameters

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Sum

from nostro.core.identity import ABSENCES_UNTIL_GONE
from nostro.core.transactions import Balance as BankBalance
from nostro.hub.accounts.balances import append_changed, set_current
from nostro.hub.accounts.booked import count_rows
from nostro.hub.accounts.models import Account, Balance, Transaction
from nostro.hub.accounts.proving import total_until
from nostro.hub.accounts.rows import BANK_COLUMNS, copy_rows, next_in_creation_order, save_changed

_BALANCES_AT_ONCE = 100


class StoredForFiles(NamedTuple):
    """A stored booked row as files are compared with it; ``is_fed`` says that a connection has shown it."""

    id: uuid.UUID
    booking_date: dt.date
    amount: Decimal
    currency: str
    fingerprint: str
    occurrence: int
    entry_reference: str | None
    removed_at: dt.datetime | None
    same_as: uuid.UUID | None
    is_fed: bool


class Placed(NamedTuple):
    """A staged row that becomes a transaction: its id in the staging table, its new id, its ordinal."""

    staged_id: uuid.UUID
    transaction_id: uuid.UUID
    ordinal: int


def stored_for_files(account: Account, first: dt.date, last: dt.date) -> list[StoredForFiles]:
    """All booked rows of these days, tombstones too, in the order of creation."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, booking_date, amount, currency, encode(fingerprint, 'hex'), occurrence, entry_reference,"
            " removed_at, same_as, cardinality(identity_references) > 0 FROM accounts_transaction"
            " WHERE account_id = %s AND booking_date BETWEEN %s AND %s ORDER BY sequence",
            [account.pk, first, last],
        )
        return [StoredForFiles(*values) for values in cursor.fetchall()]


def rows_per_day(account: Account, first: dt.date, last: dt.date) -> dict[dt.date, int]:
    """How many booked rows each of these days has, tombstones too."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT booking_date, count(*) FROM accounts_transaction"
            " WHERE account_id = %s AND booking_date BETWEEN %s AND %s GROUP BY 1",
            [account.pk, first, last],
        )
        return dict(cursor.fetchall())


def add_staged(account: Account, table: str, rows: Sequence[Placed], run: uuid.UUID, now: dt.datetime) -> None:
    """Make transactions of staged rows, in this order; ``table`` has the columns of a bank's row and a fingerprint.

    The constraint ``no_transaction_twice`` is the last defence, as for rows of a connection.
    """
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS placed_rows"
            " (staged_id uuid, transaction_id uuid, ordinal integer, sequence bigint)"
        )
        cursor.execute("TRUNCATE placed_rows")
    places = next_in_creation_order(len(rows))
    copy_rows(
        "placed_rows",
        ("staged_id", "transaction_id", "ordinal", "sequence"),
        ((*row, place) for row, place in zip(rows, places, strict=True)),
    )
    columns = ", ".join(BANK_COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_transaction (id, organization_id, account_id, sequence, fingerprint, occurrence,"
            f" absences, created_by_synchronization, created_at, updated_at, {columns})"
            " SELECT p.transaction_id, %s, %s, p.sequence, s.fingerprint, p.ordinal, 0, %s, %s, %s,"
            f" {', '.join(f's.{name}' for name in BANK_COLUMNS)}"
            f' FROM placed_rows p JOIN "{table}" s ON s.id = p.staged_id ORDER BY p.sequence',
            [account.organization_id, account.pk, run, now, now],
        )


def bring_back_rows(account: Account, ids: Collection[uuid.UUID], run: uuid.UUID, now: dt.datetime) -> int:
    """End the tombstones of an import that was undone; returns how many there were."""
    return _turn(account, ids, run, now, kind="restored")


def take_out_rows(account: Account, ids: Collection[uuid.UUID], run: uuid.UUID, now: dt.datetime) -> int:
    """Make tombstones of rows whose import is undone; returns how many. A connection that shows one brings it back."""
    return _turn(account, ids, run, now, kind="removed")


def _turn(account: Account, ids: Collection[uuid.UUID], run: uuid.UUID, now: dt.datetime, *, kind: str) -> int:
    if not ids:
        return 0
    removed_at, absences = (now, ABSENCES_UNTIL_GONE) if kind == "removed" else (None, 0)
    standing = "removed_at IS NULL" if kind == "removed" else "removed_at IS NOT NULL"
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH turned AS (UPDATE accounts_transaction SET removed_at = %s, absences = %s, updated_at = %s,"
            f" updated_by_synchronization = %s WHERE account_id = %s AND id = ANY(%s) AND {standing} RETURNING id)"
            " INSERT INTO accounts_transactionchange"
            " (organization_id, transaction_id, synchronization_id, kind, before, after, created_at)"
            " SELECT %s, id, %s, %s, '{}', '{}', %s FROM turned",
            [
                removed_at, absences, now, run, account.pk, list(ids), account.organization_id, run, kind, now,
            ],
        )  # fmt: skip
        return int(cursor.rowcount)


def rows_of_runs_not_fed(account: Account, runs: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """The live rows that these runs added and that no connection has shown since."""
    found = Transaction.objects.filter(
        account=account, created_by_synchronization__in=runs, removed_at=None, identity_references=[]
    )
    return set(found.values_list("id", flat=True))


def sums_per_day(account: Account, ids: Collection[uuid.UUID]) -> dict[dt.date, Decimal]:
    """What these rows add up to on each booking date."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT booking_date, sum(amount) FROM accounts_transaction"
            " WHERE account_id = %s AND id = ANY(%s) AND booking_date IS NOT NULL GROUP BY 1",
            [account.pk, list(ids)],
        )
        return dict(cursor.fetchall())


def record_file_balances(
    account: Account, balances: Sequence[BankBalance], *, synchronization_id: uuid.UUID, now: dt.datetime
) -> bool:
    """Keep the balances that statements state. Of an account that no connection reads, the newest closing balance
    becomes the current one; returns whether that changed what a person sees."""
    own = [balance for balance in balances if balance.currency == account.currency and balance.reference_date]
    for start in range(0, len(own), _BALANCES_AT_ONCE):
        append_changed(account, own[start : start + _BALANCES_AT_ONCE], synchronization_id, now)
    closings = [balance for balance in own if balance.balance_type == "closingBooked"]
    if account.synchronized_at is not None or not closings:
        return False
    # Of several statements of one day the last one counts.
    newest = max(enumerate(closings), key=lambda each: (each[1].reference_date, each[0]))[1]
    current = account.current_balance_reference_date
    if current is not None and newest.reference_date is not None and newest.reference_date < current:
        return False
    changed = set_current(account, [newest], now)
    account.save()
    return changed


def forget_file_balances(account: Account, runs: Collection[uuid.UUID]) -> None:
    """Drop the balances that file imports stated; the caller records those of the imports that stay again."""
    Balance.objects.filter(account=account, synchronization_id__in=runs).delete()
    if account.synchronized_at is None:
        save_changed(
            account,
            {
                "current_balance": None,
                "current_balance_type": "",
                "current_balance_reference_date": None,
                "current_balance_changed_at": None,
                "current_balance_observed_at": None,
            },
        )


def after_rows_changed(account: Account, days: Iterable[tuple[dt.date, Decimal]]) -> None:
    """Count the rows anew and keep the proof of a connection's balance right; ``days`` are the changes of the sums.

    Rows from before the days that a connection reads were in its balances from the beginning. On days that it read,
    they change what its balance is compared with. Later ones are part of its next reading.
    """
    count_rows(account)
    begin, end, anchor = account.covered_from, account.covered_to, account.proof_anchor_day
    earlier = within = Decimal(0)
    for day, amount in days:
        if (begin is not None and day < begin) or (begin is None and anchor is not None and day <= anchor):
            earlier += amount
        elif begin is not None and end is not None and begin <= day < end:
            within += amount
    values: dict[str, Any] = {}
    if account.proof_anchor_total is not None and earlier:
        values["proof_anchor_total"] = account.proof_anchor_total + earlier
    if account.proof in {"green", "red"} and within and account.synchronized_at is not None:
        difference = (account.proof_difference or Decimal(0)) - within
        values |= {"proof": "red" if difference else "green", "proof_difference": difference}
    save_changed(account, values)


@dataclass(frozen=True, slots=True)
class FileSpan:
    """What the statements of an account reach over: from the ``opening`` before ``first_day`` to ``closing``."""

    first_day: dt.date
    opening: Decimal
    last_day: dt.date
    closing: Decimal


def prove_from_files(account: Account, span: FileSpan | None) -> None:
    """Prove an account that no connection reads: oldest opening balance + stored rows = newest closing balance."""
    if account.synchronized_at is not None:
        return
    if span is None:
        nothing = dict.fromkeys(
            (
                "proof_difference", "proof_from", "proof_to", "proof_anchor_balance", "proof_anchor_total",
                "proof_anchor_day", "proof_anchor_sequence",
            )
        )  # fmt: skip
        save_changed(account, {"proof": "unknown", "proof_anchor_type": "", **nothing})
        return
    before = total_until(account, span.first_day - dt.timedelta(days=1))
    live = Transaction.objects.filter(account=account, removed_at=None)
    rows = live.filter(booking_date__range=(span.first_day, span.last_day)).aggregate(total=Sum("amount"))["total"]
    difference = span.closing - span.opening - (rows or Decimal(0))
    save_changed(
        account,
        {
            "proof": "red" if difference else "green",
            "proof_difference": difference,
            "proof_from": span.first_day,
            "proof_to": span.last_day,
            "proof_anchor_balance": span.opening,
            "proof_anchor_type": "openingBooked",
            "proof_anchor_total": before,
            "proof_anchor_day": span.first_day - dt.timedelta(days=1),
        },
    )
