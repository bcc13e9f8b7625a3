"""Which pending row became which booked one (connectors.md 1.10, books.md 12).

A pending row has no identity of its own; notes and categories made on it move to the booked row when the link is
certain. Each row is linked at most once.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Sequence
from decimal import Decimal
from typing import Literal, NamedTuple
from uuid import UUID

from nostro.core.account_keys import normalise_account_number
from nostro.core.identity.pairing import Pairing
from nostro.core.text import fold
from nostro.core.transactions import Transaction

LINK_DAYS = 10

# ISO 20022 tells banks to write this where the debtor gave no end-to-end id.
_NO_END_TO_END_ID = frozenset(["", "notprovided", "notavailable", "none", "nonref"])


class LinkRow(NamedTuple):
    """A pending or a booked row, reduced to what links them. Made by :func:`link_row`.

    ``source_link`` is the id of the pending row: its own on the pending side, the one the source names on the
    booked side.
    """

    id: UUID
    source_link: str
    references: tuple[str, ...]
    end_to_end_id: str
    amount: Decimal
    currency: str
    counterparty: str
    day: dt.date | None


class PendingLink(NamedTuple):
    pending: LinkRow
    booked: LinkRow
    evidence: Literal["source", "end_to_end_id", "reference", "amount"]


def link_row(
    row_id: UUID, transaction: Transaction, references: tuple[str, ...] = (), source_link: str = ""
) -> LinkRow:
    """Reduce a transaction. The counterparty is its account, else its name; ``""`` links nothing by amount."""
    end_to_end_id = fold(transaction.end_to_end_id)
    account = normalise_account_number(transaction.counterparty_account or "")
    return LinkRow(
        row_id,
        source_link,
        references,
        "" if end_to_end_id in _NO_END_TO_END_ID else end_to_end_id,
        transaction.amount,
        transaction.currency,
        account or fold(transaction.counterparty_name),
        transaction.booking_date or transaction.transaction_date or transaction.value_date,
    )


def link_pending(pending: Sequence[LinkRow], booked: Sequence[LinkRow]) -> tuple[PendingLink, ...]:
    """Link each booked row to the pending one it was, where exactly one of each fits.

    In order: the source's own link; the end-to-end id, then a bank reference, whatever the amount became, as long
    as currency and direction agree; equal amount, currency and counterparty within :data:`LINK_DAYS`.
    """
    pairing = Pairing(pending, booked, incoming_order=lambda row: row.id, stored_order=lambda row: row.id)
    evidence: dict[int, Literal["source", "end_to_end_id", "reference", "amount"]] = {}

    def step(
        name: Literal["source", "end_to_end_id", "reference", "amount"],
        key: Callable[[LinkRow], Hashable | None],
    ) -> None:
        pairing.pair(key, key, only_if=_one_of_each_in_time if name == "amount" else _one_of_each)
        for index, partner in enumerate(pairing.partners):
            if partner is not None:
                evidence.setdefault(index, name)

    step("source", lambda row: row.source_link or None)
    step("end_to_end_id", lambda row: (row.end_to_end_id, *_direction(row)) if row.end_to_end_id else None)
    for position in range(max((len(row.references) for row in pending), default=0)):
        step("reference", _reference_key(position))
    step("amount", lambda row: (row.amount, row.currency, row.counterparty) if row.counterparty else None)
    return tuple(
        PendingLink(pending[index], booked[partner], evidence[index])
        for index, partner in enumerate(pairing.partners)
        if partner is not None
    )


def _direction(row: LinkRow) -> tuple[str, bool]:
    return row.currency, row.amount < 0


def _reference_key(position: int) -> Callable[[LinkRow], Hashable | None]:
    def key(row: LinkRow) -> Hashable | None:
        reference = row.references[position] if position < len(row.references) else ""
        return (reference, *_direction(row)) if reference else None

    return key


def _one_of_each(pending: list[LinkRow], booked: list[LinkRow]) -> bool:
    return len(pending) == len(booked) == 1


def _one_of_each_in_time(pending: list[LinkRow], booked: list[LinkRow]) -> bool:
    if not _one_of_each(pending, booked):
        return False
    first, second = pending[0].day, booked[0].day
    return first is not None and second is not None and abs((second - first).days) <= LINK_DAYS
