"""What a file is written from: the rows of one account and period between two balances."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nostro.sandbox.ledger import Account, Entry

#: The bank's own code of a refund: a payment that is taken back.
REFUND = "NTB-REFUND"


@dataclass(frozen=True, slots=True)
class Statement:
    """Booked rows of ``since`` to ``until``, oldest first, and the pending ones; balances in minor units."""

    account: Account
    since: dt.date
    until: dt.date
    opening: int
    closing: int
    booked: Sequence[Entry]
    pending: Sequence[Entry]
    written_at: dt.datetime


def is_reversal(entry: Entry) -> bool:
    """Whether the row takes an earlier one back."""
    return entry.body.get("proprietaryBankTransactionCode") == REFUND


def parties(entry: Entry) -> dict[str, Any]:
    """The row's fields. The parties of a reversal are those of the payment that is taken back."""
    if not is_reversal(entry):
        return entry.body
    turned = {"debtorName": "creditorName", "debtorAccount": "creditorAccount"}
    return {turned.get(name, name): value for name, value in entry.body.items()}


def number_of(account: Any) -> str:
    """The number in an account reference of the standard."""
    if not isinstance(account, dict):
        return ""
    other = account.get("other")
    return str(account.get("iban") or (other.get("identification") if isinstance(other, dict) else "") or "")
