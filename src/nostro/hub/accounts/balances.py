"""Balances as the bank states them, and the proof that no booked row is missing (connectors.md 1.8, 1.11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from nostro.core.balance_proof import (
    BalanceCheck,
    BalanceReading,
    allow_late_rows,
    available_balance,
    check_balance,
    closes_only_inverted,
    current_balance,
    provable_balance,
)
from nostro.core.transactions import Balance as BankBalance
from nostro.hub.accounts.models import Account, Balance
from nostro.hub.accounts.proving import (
    absent_rows,
    first_reading_anchor,
    late_rows,
    newest_sequence,
    total_until,
)
from nostro.hub.accounts.rows import save_changed

#: More balances than this in one answer are not kept: there are six types, and banks repeat them for a few days.
MAX_BALANCES = 100


def record_balances(
    account: Account, balances: Sequence[BankBalance], *, synchronization_id: UUID | None, now: datetime
) -> bool:
    """Store what the bank states about ``account`` and say whether anything a person sees changed.

    Balances of another currency than the account's are not its own and are left out. A balance equal to the newest
    of its type and day is not stored again.
    """
    own = [balance for balance in balances[:MAX_BALANCES] if balance.currency == account.currency]
    if not own:
        return False
    with transaction.atomic(savepoint=False):
        append_changed(account, own, synchronization_id, now)
        changed = set_current(account, own, now)
        account.save(update_fields=_BALANCE_FIELDS)
    return changed


_BALANCE_FIELDS = [
    "current_balance",
    "current_balance_type",
    "current_balance_reference_date",
    "current_balance_changed_at",
    "current_balance_observed_at",
    "current_balance_variation_observed_at",
    "available_balance",
    "available_balance_reference_date",
    "available_balance_changed_at",
    "available_balance_variation_observed_at",
]


def append_changed(
    account: Account, balances: Sequence[BankBalance], synchronization_id: UUID | None, now: datetime
) -> None:
    """Store the balances that differ from the newest of their type and day."""
    newest = {
        (row.balance_type, row.reference_date): row
        for row in Balance.objects.filter(account=account)
        .order_by("balance_type", "reference_date", "-observed_at", "-id")
        .distinct("balance_type", "reference_date")
    }
    rows = []
    for balance in balances:
        known = newest.get((balance.balance_type, balance.reference_date))
        if known is not None and (known.amount, known.credit_limit_included) == (
            balance.amount,
            balance.credit_limit_included,
        ):
            continue
        rows.append(
            Balance(
                organization_id=account.organization_id,
                account=account,
                balance_type=balance.balance_type[:40],
                amount=balance.amount,
                currency=balance.currency,
                credit_limit_included=balance.credit_limit_included,
                reference_date=balance.reference_date,
                last_change_at=balance.last_change_at,
                synchronization_id=synchronization_id,
                observed_at=now,
            )
        )
    Balance.objects.bulk_create(rows)


def set_current(account: Account, balances: Sequence[BankBalance], now: datetime) -> bool:
    """Put the current and available ones at the account, which the caller saves; says whether an amount changed."""
    current, available = current_balance(balances), available_balance(balances)
    changed = False
    if current is not None:
        if account.current_balance != current.amount:
            account.current_balance_variation_observed_at = now
            changed = True
        account.current_balance = current.amount
        account.current_balance_type = current.balance_type[:40]
        account.current_balance_reference_date = current.reference_date
        account.current_balance_changed_at = current.last_change_at
        account.current_balance_observed_at = now
    if available is not None:
        if account.available_balance != available.amount:
            account.available_balance_variation_observed_at = now
            changed = True
        account.available_balance = available.amount
        account.available_balance_reference_date = available.reference_date
        account.available_balance_changed_at = available.last_change_at
    return changed


def prove_balance(account: Account, balances: Sequence[BankBalance], *, now: datetime) -> BalanceCheck:
    """Compare the stated balance with the stored rows after a complete read of both (connectors.md 1.11.3).

    Call after ``apply_booked`` in the same transaction, with the balances of the same run. A first check that only
    closes with all signs flipped says so in its ``reason``; the caller stores nothing of such a run (1.9).
    """
    own = provable_balance(balance for balance in balances if balance.currency == account.currency)
    reading = BalanceReading(own, account.booked_total, own.reference_date or now.date()) if own else None
    stored, absent = _anchor(account), absent_rows(account)
    anchor = stored
    if stored is None and reading is not None:
        anchor = first_reading_anchor(account, balances, reading)
    check = _checked(account, anchor, reading, absent)
    if stored is None and anchor and reading and check.verdict == "red" and closes_only_inverted(anchor, reading):
        check = replace(check, reason="signs_inverted")
    proof: dict[str, Any] = {
        "proof": check.verdict,
        "proof_difference": check.difference,
        "proof_from": check.interval.date_from if check.interval else None,
        "proof_to": check.interval.date_to if check.interval else None,
    }
    kept = reading if check.is_anchor else anchor
    if kept is not stored and not absent:
        proof["proof_anchor_is_open"] = kept is not reading and check.verdict == "red"
    if kept is not None and kept is not stored and not absent:
        proof |= {
            "proof_anchor_balance": kept.balance.amount,
            "proof_anchor_type": kept.balance.balance_type[:40],
            "proof_anchor_total": kept.booked_total,
            "proof_anchor_day": kept.day,
            "proof_anchor_sequence": newest_sequence(account),
        }
    save_changed(account, proof)
    return check


def _checked(
    account: Account, anchor: BalanceReading | None, reading: BalanceReading | None, absent: Sequence[Decimal]
) -> BalanceCheck:
    """The check, which may leave out rows that the reading lacked: they are gone, or come back with the next reading.
    Until that is known, no reading becomes an anchor.

    The rows up to the day of an anchor that was never proved may have held doubles when it was taken, so they are
    summed up again. Those of a proved anchor stand.
    """
    check = check_balance(anchor, reading)
    if check.verdict != "red" or anchor is None or reading is None:
        return check
    check = allow_late_rows(anchor, check, late_rows(account, anchor.day))
    if check.verdict != "red":
        return check
    if absent:
        without = replace(reading, booked_total=reading.booked_total - sum(absent, Decimal(0)))
        late = late_rows(account, anchor.day, without_absent=True)
        other = allow_late_rows(anchor, check_balance(anchor, without), late)
    elif account.proof_anchor_is_open:
        other = check_balance(replace(anchor, booked_total=total_until(account, anchor.day)), reading)
    else:
        return check
    return other if other.verdict == "green" else check


def _anchor(account: Account) -> BalanceReading | None:
    balance, total, day = account.proof_anchor_balance, account.proof_anchor_total, account.proof_anchor_day
    if balance is None or total is None or day is None:
        return None
    return BalanceReading(BankBalance(account.proof_anchor_type, balance, account.currency), total, day)
