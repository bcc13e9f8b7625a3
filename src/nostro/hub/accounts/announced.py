"""Rows that files announce before they are booked, and the pending transactions they are until then (formats.md 8.4).

Each verb works inside the transaction of its caller, who holds the account's lock (``booked.lock_account``).
"""

# ruff: noqa: S608 - names of tables and columns are our own, values are parameters

from __future__ import annotations

import datetime as dt
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from django.db import connection

from nostro.core.identity import LINK_DAYS, LinkRow, link_row
from nostro.core.identity import announced as core
from nostro.core.ids import new_id
from nostro.core.transactions import Transaction as BankTransaction
from nostro.core.transactions import Window
from nostro.hub.accounts.filling import Shown, fill_from_staged
from nostro.hub.accounts.models import Account, AnnouncedRow, PendingTransaction, Transaction
from nostro.hub.accounts.pending import MAX_PENDING, TOMBSTONES_KEPT, PendingCounts
from nostro.hub.accounts.rows import BANK_COLUMNS, next_in_creation_order

#: What links a row, of all that is stored of it.
_LINKED_BY = (
    "id", "fingerprint", "amount", "currency", "booking_date", "transaction_date", "value_date", "end_to_end_id",
    "entry_reference", "counterpart_name", "counterpart_reference",
)  # fmt: skip


def keep_announced(
    account: Account, table: str, file_id: uuid.UUID, statements: Sequence[uuid.UUID], now: dt.datetime
) -> None:
    """Keep what the staged rows of these statements announce; ``table`` has the columns of a bank's row, a
    fingerprint, a standing and the statement."""
    columns = ", ".join(BANK_COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_announcedrow (id, organization_id, account_id, file_id, statement_id, standing, day,"
            f" fingerprint, is_final, created_at, {columns})"
            " SELECT id, %s, %s, file_id, statement_id, standing, coalesce(booking_date, transaction_date, value_date,"
            f' %s), fingerprint, FALSE, %s, {columns} FROM "{table}"'
            " WHERE file_id = %s AND statement_id = ANY(%s) AND standing <> 'booked'",
            [account.organization_id, account.pk, now.date(), now, file_id, list(statements)],
        )


def forget_announced(account: Account, file_id: uuid.UUID) -> None:
    """The import of a file is undone: what it announced was never said."""
    AnnouncedRow.objects.filter(account=account, file_id=file_id).delete()


def fill_from_notices(account: Account, run: uuid.UUID, now: dt.datetime) -> int:
    """Notifications complete the booked row with the bank's same reference and amount, whichever came first: its parts
    and its empty texts (formats.md 6.1). Returns how many rows gained something."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT transaction_id, notice_id FROM (SELECT t.id AS transaction_id, a.id AS notice_id,"
            " count(*) OVER (PARTITION BY a.id) AS fitting FROM accounts_announcedrow a"
            " JOIN accounts_transaction t ON t.account_id = a.account_id AND t.removed_at IS NULL"
            " AND t.booking_date BETWEEN a.day - %s AND a.day + %s AND t.entry_reference = a.entry_reference"
            " AND t.amount = a.amount AND t.currency = a.currency"
            " WHERE a.account_id = %s AND a.standing = 'notice') found WHERE fitting = 1 ORDER BY notice_id",
            [LINK_DAYS, LINK_DAYS, account.pk],
        )
        shown = [Shown(*row) for row in cursor.fetchall()]
    return fill_from_staged(account, AnnouncedRow._meta.db_table, shown, run, now)


def first_announced_day(account: Account) -> dt.date | None:
    """The oldest day of which something is announced."""
    return AnnouncedRow.objects.filter(account=account).order_by("day").values_list("day", flat=True).first()


def note_final_days(account: Account, days: Iterable[Window]) -> None:
    """``days`` are all that imported statements list completely. A provisional row is decided by the statement of its
    day, an expected one by a statement that ends :data:`LINK_DAYS` later."""
    windows = list(days)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_announcedrow a SET is_final = CASE WHEN standing = 'provisional' THEN EXISTS (SELECT 1"
            " FROM unnest(%s::date[], %s::date[]) w (first, last) WHERE a.day BETWEEN w.first AND w.last)"
            " ELSE coalesce(a.day + %s <= %s::date, FALSE) END WHERE account_id = %s",
            [
                [each.date_from for each in windows], [each.date_to for each in windows], LINK_DAYS,
                max((each.date_to for each in windows), default=None), account.pk,
            ],
        )  # fmt: skip


def settle_announced(account: Account, run: uuid.UUID, now: dt.datetime) -> PendingCounts:
    """Make the pending rows that come from files those that still stand, now that rows were booked, announced or taken
    back. What is equal keeps its id; what was booked is linked to the transaction it became."""
    AnnouncedRow.objects.filter(account=account, created_at__lt=now - core.KEPT).delete()
    announced = _announced(account)
    pending = PendingTransaction.objects.filter(account=account, removed_at=None)
    shown = list(pending.filter(is_from_file=True).only(*_LINKED_BY).order_by("sequence"))
    if not announced and not shown:
        return PendingCounts()
    fed = pending.filter(is_from_file=False).only(*_LINKED_BY).order_by("sequence")[:MAX_PENDING]
    standing = core.stand(announced, _booked(account, announced), [_as_row(row) for row in fed])
    _remember(announced, standing.booked)
    change = core.change_of(announced, standing, [_as_row(row) for row in shown])
    gone = set(change.ended)
    linked = _end([row for row in shown if row.pk in gone], change.became, now)
    _show(account, change.added, run, now)
    PendingTransaction.objects.filter(account=account, removed_at__lt=now - TOMBSTONES_KEPT).delete()
    return PendingCounts(len(change.added), len(change.ended) - linked, linked)


def _announced(account: Account) -> list[core.AnnouncedRow]:
    """What was announced, with what is final: by statements, or because the connection read the whole day."""
    stored = AnnouncedRow.objects.filter(account=account).exclude(standing="notice").order_by("-day", "id")
    rows = list(stored.only(*_LINKED_BY, "standing", "day", "is_final", "booked_as", "statement_id")[:MAX_PENDING])
    there = set(
        Transaction.objects.filter(
            account=account, removed_at=None, id__in=[row.booked_as for row in rows if row.booked_as]
        ).values_list("id", flat=True)
    )
    return [
        core.AnnouncedRow(
            row.pk, row.statement_id, bytes(row.fingerprint).hex(), row.day, row.standing == "provisional",
            row.is_final or _is_read(account, row), row.booked_as if row.booked_as in there else None,
            _link_row(row, row.day),
        )
        for row in rows
    ]  # fmt: skip


def _is_read(account: Account, row: AnnouncedRow) -> bool:
    if account.synchronized_at is None or account.covered_from is None or account.covered_to is None:
        return False
    waits = 0 if row.standing == "provisional" else LINK_DAYS
    return account.covered_from <= row.day and row.day + dt.timedelta(days=waits) < account.covered_to


def _booked(account: Account, announced: Sequence[core.AnnouncedRow]) -> list[core.BookedRow]:
    """The booked rows that announced ones may have become."""
    if not announced:
        return []
    days = [each.day for each in announced]
    found = Transaction.objects.filter(
        account=account, removed_at=None, booking_date__range=(min(days), max(days) + dt.timedelta(days=LINK_DAYS))
    ).extra(
        where=[
            "amount IN (SELECT a.amount FROM accounts_announcedrow a WHERE a.account_id = %s)"
            " OR end_to_end_id IN (SELECT a.end_to_end_id FROM accounts_announcedrow a WHERE a.account_id = %s)"
            " OR entry_reference IN (SELECT a.entry_reference FROM accounts_announcedrow a WHERE a.account_id = %s)"
        ],
        params=[account.pk] * 3,
    )
    return [_as_row(row) for row in found.only(*_LINKED_BY).order_by("sequence").iterator(chunk_size=2_000)]


def _as_row(row: Transaction | PendingTransaction) -> core.BookedRow:
    day = row.booking_date or row.transaction_date or row.value_date
    return core.BookedRow(row.pk, bytes(row.fingerprint).hex(), _link_row(row, day))


def _link_row(row: Transaction | PendingTransaction | AnnouncedRow, day: dt.date | None) -> LinkRow:
    side = "creditor" if row.amount < 0 else "debtor"
    told = {f"{side}_name": row.counterpart_name, f"{side}_account": row.counterpart_reference}
    transaction = BankTransaction(
        row.amount,
        row.currency,
        end_to_end_id=row.end_to_end_id,
        booking_date=day,
        **told,  # type: ignore[arg-type]
    )
    return link_row(row.pk, transaction, (row.entry_reference or "",))


def _remember(announced: Sequence[core.AnnouncedRow], booked: Mapping[uuid.UUID, uuid.UUID]) -> None:
    """An expected row that was found booked stays so, also when another booked row looks like it later."""
    changed = [
        AnnouncedRow(id=each.id, booked_as=booked.get(each.id))
        for each in announced
        if not each.is_provisional and each.booked_as != booked.get(each.id)
    ]
    AnnouncedRow.objects.bulk_update(changed, ["booked_as"], batch_size=500)


def _end(ended: Sequence[PendingTransaction], became: Mapping[uuid.UUID, uuid.UUID], now: dt.datetime) -> int:
    for row in ended:
        row.booked_as, row.removed_at, row.updated_at = became.get(row.pk), now, now
    PendingTransaction.objects.bulk_update(ended, ["booked_as", "removed_at", "updated_at"], batch_size=500)
    return len(became)


def _show(account: Account, added: Sequence[uuid.UUID], run: uuid.UUID, now: dt.datetime) -> None:
    if not added:
        return
    fingerprints = AnnouncedRow.objects.filter(id__in=added).order_by("day", "id").values_list("id", "fingerprint")
    counted: Counter[bytes] = Counter()
    places = []
    for place, (announced_id, fingerprint) in zip(next_in_creation_order(len(added)), fingerprints, strict=True):
        counted[bytes(fingerprint)] += 1
        places.append((announced_id, new_id(), place, counted[bytes(fingerprint)]))
    columns = ", ".join(BANK_COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_pendingtransaction (id, organization_id, account_id, sequence, fingerprint,"
            f" occurrence, is_from_file, created_by_synchronization, created_at, updated_at, {columns})"
            " SELECT p.pending_id, a.organization_id, a.account_id, p.place, a.fingerprint, p.occurrence, TRUE, %s, %s,"
            f" %s, {', '.join(f'a.{name}' for name in BANK_COLUMNS)} FROM accounts_announcedrow a"
            " JOIN unnest(%s::uuid[], %s::uuid[], %s::bigint[], %s::int[]) p (announced_id, pending_id, place,"
            " occurrence) ON a.id = p.announced_id ORDER BY p.place",
            [run, now, now, *map(list, zip(*places, strict=True))],
        )
