"""What a first reading can be compared with, and where a balance stopped adding up (connectors.md 1.11.3)."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from operator import itemgetter

from django.db import connection, transaction
from django.db.models import Q, Sum

from nostro.core.balance_gaps import (
    BalanceGap,
    DayBalance,
    GapRow,
    RunningRow,
    Suspect,
    end_of_day,
    narrow_gap,
    suspects,
)
from nostro.core.balance_proof import BalanceReading, DatedBalance, LateRow, dated_balances, first_anchor
from nostro.core.money import quantize
from nostro.core.transactions import Balance as BankBalance
from nostro.core.transactions import Window
from nostro.hub.accounts.models import Account, Balance, PendingTransaction, Transaction
from nostro.hub.accounts.queries import access_account
from nostro.hub.organizations.models import Role
from nostro.people import audit
from nostro.people.models import User
from nostro.web.errors import Problem

#: Rows and days that one search for a gap looks at.
MAX_ROWS = 20_000
MAX_DAYS = 2_000
_ONE_DAY = dt.timedelta(days=1)


def first_reading_anchor(
    account: Account, balances: Sequence[BankBalance], reading: BalanceReading
) -> BalanceReading | None:
    """The earlier balance that a first reading is proved from; None where the bank gave none for days that were read.

    It is the balance after the oldest day's last row, or one that the bank stated for the end of a day. Call after the
    rows of the same run were stored and their days covered.
    """
    if account.covered_from is None or account.covered_to is None or account.covered_to < reading.day:
        return None
    earlier = [
        each
        for each in dated_balances(balance for balance in balances if balance.currency == account.currency)
        if each.day + _ONE_DAY >= account.covered_from
    ]
    return first_anchor(reading, [*earlier, *_after_oldest_day(account)], lambda day: total_until(account, day))


def _after_oldest_day(account: Account) -> list[DatedBalance]:
    live = Transaction.objects.filter(account=account, removed_at=None)
    day = live.exclude(booking_date=None).order_by("booking_date").values_list("booking_date", flat=True).first()
    if day is None:
        return []
    rows = live.filter(booking_date=day).values_list("amount", "balance_after_transaction")[:MAX_ROWS]
    balance = end_of_day(RunningRow(*row) for row in rows)
    return [] if balance is None else [DatedBalance(day, balance, stated=False)]


def total_until(account: Account, day: dt.date) -> Decimal:
    """The sum of the rows booked up to and on ``day``; rows without a date count as old."""
    rows = Transaction.objects.filter(account=account, removed_at=None)
    total = rows.filter(Q(booking_date__lte=day) | Q(booking_date=None)).aggregate(total=Sum("amount"))["total"]
    return total or Decimal(0)


def newest_sequence(account: Account) -> int:
    """The place of the newest row in the order of creation, 0 where there is none."""
    rows = Transaction.objects.filter(account=account).order_by("-sequence")
    return rows.values_list("sequence", flat=True).first() or 0


def absent_rows(account: Account) -> list[Decimal]:
    """The amounts of rows that the last complete reading of their days lacked and that count until a second one does;
    at most :data:`MAX_ROWS`."""
    rows = Transaction.objects.filter(account=account, removed_at=None, absences__gt=0)
    return list(rows.values_list("amount", flat=True)[:MAX_ROWS])


def late_rows(account: Account, anchor_day: dt.date, *, without_absent: bool = False) -> list[LateRow]:
    """Rows that came after the anchor and are not dated after it, oldest first; at most :data:`MAX_ROWS`.

    With ``without_absent`` those that the last reading lacked count as withdrawn already.
    """
    if account.proof_anchor_sequence is None:
        return []
    rows = Transaction.objects.filter(
        account=account, sequence__gt=account.proof_anchor_sequence, booking_date__lte=anchor_day
    )
    fields = ("booking_date", "amount", "removed_at", "absences")
    found = rows.order_by("booking_date", "sequence").values_list(*fields)[:MAX_ROWS]
    return [
        LateRow(day, amount, removed_at is not None or (without_absent and absences > 0))
        for day, amount, removed_at, absences in found
        if day is not None
    ]


# --- where it stopped adding up


@dataclass(frozen=True, slots=True)
class GapReport:
    """Why a red account is red. ``whole`` is what the proof compared; ``parts`` are the shortest intervals inside it
    that explain it, oldest first (``whole`` itself where nothing narrows it).

    ``suspects`` are rows that alone would explain the difference; ``unread`` are days of it that no complete read
    covered.
    """

    whole: BalanceGap
    parts: tuple[BalanceGap, ...]
    suspects: tuple[tuple[Suspect, Transaction | PendingTransaction], ...]
    unread: Window | None


def find_gap(account: Account) -> GapReport | None:
    """Between which days and balances the difference of a red proof arises; None for an account that is not red."""
    anchor_balance, anchor_total = account.proof_anchor_balance, account.proof_anchor_total
    first_day, last_day = account.proof_anchor_day, account.proof_to
    if account.proof != "red" or account.proof_difference is None:
        return None
    if anchor_balance is None or anchor_total is None or first_day is None or last_day is None:
        return None
    moved = account.booked_total - anchor_total + account.proof_difference
    first = DayBalance(first_day, anchor_balance, anchor_total)
    last = DayBalance(last_day, anchor_balance + moved, account.booked_total)
    whole = BalanceGap(first, last)
    if not whole.difference:
        return None  # rows were brought back or taken out since; the next reading proves it
    points = [first, *_points_between(account, first_day, last_day), last]
    parts = narrow_gap(points, first.offset) or (whole,)
    return GapReport(whole, parts, _suspects(account, whole, parts), _unread(account, whole))


def _points_between(account: Account, first: dt.date, last: dt.date) -> list[DayBalance]:
    """The balances at the end of the days between, as the bank stated them or as its rows carry them."""
    known = _balances_after_rows(account, first, last) | _stated_balances(account, first, last)
    if not known:
        return []
    total, points = total_until(account, first), []
    sums = _sums_of_days(account, first, last)
    for day in sorted({*known, *sums}):
        total += sums.get(day, Decimal(0))
        if day in known:
            points.append(DayBalance(day, known[day], total))
    return points


def _stated_balances(account: Account, first: dt.date, last: dt.date) -> dict[dt.date, Decimal]:
    """The newest balance that the bank stated for the end of each day."""
    rows = Balance.objects.filter(
        account=account,
        balance_type__in=["closingBooked", "openingBooked"],
        currency=account.currency,
        reference_date__range=(first, last),
    ).order_by("-observed_at", "-id")[: 2 * MAX_DAYS]
    found: dict[dt.date, Decimal] = {}
    for row in rows:
        for dated in dated_balances([_as_bank_balance(row)]):
            if first < dated.day < last:
                found.setdefault(dated.day, dated.amount)
    return found


def _as_bank_balance(row: Balance) -> BankBalance:
    return BankBalance(
        row.balance_type, row.amount, row.currency, row.credit_limit_included, reference_date=row.reference_date
    )


def _balances_after_rows(account: Account, first: dt.date, last: dt.date) -> dict[dt.date, Decimal]:
    rows = (
        Transaction.objects.filter(account=account, removed_at=None, booking_date__gt=first, booking_date__lt=last)
        .order_by("-booking_date")
        .values_list("booking_date", "amount", "balance_after_transaction")[:MAX_ROWS]
    )
    found: dict[dt.date, Decimal] = {}
    for day, group in groupby(rows, key=itemgetter(0)):
        balance = end_of_day(RunningRow(amount, after) for _, amount, after in group)
        if day is not None and balance is not None:
            found[day] = balance
    return found


def _sums_of_days(account: Account, first: dt.date, last: dt.date) -> dict[dt.date, Decimal]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT booking_date, sum(amount) FROM accounts_transaction"
            " WHERE account_id = %s AND removed_at IS NULL AND booking_date > %s AND booking_date <= %s GROUP BY 1",
            [account.pk, first, last],
        )
        return dict(cursor.fetchall())


def _suspects(
    account: Account, whole: BalanceGap, parts: Sequence[BalanceGap]
) -> tuple[tuple[Suspect, Transaction | PendingTransaction], ...]:
    found: dict[object, Transaction | PendingTransaction] = {}
    rows: list[GapRow] = []
    difference = whole.difference
    first, last = parts[0].after.day, parts[-1].until.day
    booked = Transaction.objects.select_related("account").filter(account=account)
    withdrawn = booked.filter(removed_at__isnull=False, amount=difference).order_by("-removed_at")[:20]
    pending = PendingTransaction.objects.filter(account=account, removed_at=None, amount=difference)[:20]
    doubled = booked.filter(removed_at=None, amount=-difference, booking_date__range=(first, last))[:20]
    for row in withdrawn:
        found[row.pk] = row
        rows.append(GapRow(row.pk, row.amount, "withdrawn"))
    for waiting in pending:
        found[waiting.pk] = waiting
        rows.append(GapRow(waiting.pk, waiting.amount, "pending"))
    for row in doubled:
        found[row.pk] = row
        rows.append(GapRow(row.pk, row.amount, "booked"))
    return tuple((suspect, found[suspect.id]) for suspect in suspects(difference, rows))


def rows_of_gap(account: Account, gap: BalanceGap, limit: int) -> list[Transaction]:
    """The rows that were booked in the days of a gap, oldest first; at most ``limit``."""
    first = min(gap.after.day + _ONE_DAY, gap.until.day)
    days = Q(booking_date__range=(first, gap.until.day))
    rows = Transaction.objects.filter(days, account=account, removed_at=None)
    return list(rows.order_by("booking_date", "sequence")[:limit])


def _unread(account: Account, whole: BalanceGap) -> Window | None:
    """Days of the interval that no complete read covers: the simplest reason of all."""
    begin, end = whole.after.day + _ONE_DAY, whole.until.day
    if account.covered_from is None or account.covered_to is None:
        return Window(begin, end)
    if account.covered_from > begin:
        return Window(begin, min(end, account.covered_from - _ONE_DAY))
    return Window(account.covered_to + _ONE_DAY, end) if account.covered_to < end else None


def accept_difference(user: User, account_id: uuid.UUID, now: dt.datetime) -> Account:
    """Prove from the present balance on, because a person looked at the difference and lets it be. No row is made up,
    and the trail keeps who did it and how much it was.

    Raises NotFound for strangers, Forbidden to plain members, Problem for an account that adds up.
    """
    with transaction.atomic():
        account = access_account(user, account_id, role=Role.ADMIN)
        account = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        report = find_gap(account)
        if report is None:
            raise Problem(
                "There is no difference to accept.",
                why="The account was read again, or somebody else accepted it.",
                what_to_do="Look at the account.",
                code="proofNotRed",
            )
        difference, last = quantize(report.whole.difference, account.currency), report.whole.until
        account.proof, account.proof_difference = "unknown", None
        account.proof_anchor_balance, account.proof_anchor_total = last.amount, last.rows_total
        account.proof_anchor_day, account.proof_anchor_sequence = last.day, newest_sequence(account)
        account.proof_anchor_is_open = False
        account.save(
            update_fields=[
                "proof", "proof_difference", "proof_anchor_balance", "proof_anchor_total", "proof_anchor_day",
                "proof_anchor_sequence", "proof_anchor_is_open",
            ]
        )  # fmt: skip
        audit.record(
            tenant_id=account.organization_id,
            actor=user,
            action="account.difference_accepted",
            obj=account,
            sentence=f"Accepted that balance and transactions of {account} differ by {difference} {account.currency}.",
            before={"difference": str(difference)},
            after={"proved_from": last.day.isoformat(), "at": now.isoformat()},
        )
        return account
