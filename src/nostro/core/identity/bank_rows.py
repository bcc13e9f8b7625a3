"""Rows of a bank's answer, stored rows, and what comparing them can say (connectors.md 1.10).

The comparison itself is in ``matching.py``.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple, Protocol
from uuid import UUID

from nostro.core.identity.fingerprints import content_digest, hub_fingerprint
from nostro.core.transactions import BankRow, Transaction, whole

#: Complete reads without the row after which a stored row counts as removed.
ABSENCES_UNTIL_GONE = 2


class ReferencePolicy(Protocol):
    """The part of a connector's identity policy that matching needs.

    ``reference_fields`` are attributes of :class:`Transaction`, the most trusted first. ``verify`` means that
    the source has been seen to repeat or to change its references.
    """

    @property
    def reference_fields(self) -> tuple[str, ...]: ...

    @property
    def verify(self) -> bool: ...


class ReadRow(NamedTuple):
    """One booked row of a read, reduced to what identity needs. Made by :func:`read_row`.

    ``references`` has one entry for each field of the policy, ``""`` where the bank gave none. ``transaction_id``
    and ``balance_after`` are those of the transaction, which itself need not have been mapped.
    """

    references: tuple[str, ...]
    fingerprint: str
    booking_date: dt.date | None
    amount: Decimal
    currency: str
    content: str
    transaction: BankRow
    transaction_id: str | None
    balance_after: Decimal | None


class StoredRow(NamedTuple):
    """One stored booked row. ``absences`` counts the complete reads in a row that did not show it.

    Rows removed by the bank or deleted by a user belong here too, or they would come back as new.
    """

    id: UUID
    references: tuple[str, ...]
    fingerprint: str
    ordinal: int
    booking_date: dt.date | None
    amount: Decimal
    currency: str
    content: str
    absences: int = 0


class Known(NamedTuple):
    """A row read again, unchanged. Its absences go back to 0 and new references are worth storing."""

    row: ReadRow
    stored: StoredRow

    @property
    def references_changed(self) -> bool:
        return self.row.references != self.stored.references


class Modified(NamedTuple):
    """The same transaction with other content; the id stays. ``ordinal`` goes with the row's fingerprint."""

    row: ReadRow
    stored: StoredRow
    ordinal: int

    @property
    def fields(self) -> tuple[str, ...]:
        """What changed: ``booking_date``, ``amount``, ``currency``, or ``details`` for everything else.

        :func:`~nostro.core.identity.fingerprints.changed_fields` names details by comparing whole
        transactions.
        """
        names = ("booking_date", "amount", "currency")
        changed = tuple(name for name in names if getattr(self.row, name) != getattr(self.stored, name))
        return changed or ("details",)


class New(NamedTuple):
    """A transaction not seen before. ``ordinal`` counts equal fingerprints of its day, from 1."""

    row: ReadRow
    ordinal: int


class ReadWarning(NamedTuple):
    """Something a person may want to know about the source; never a reason to stop."""

    code: Literal["reference_repeated", "row_repeated"]
    subject: str
    rows: int


@dataclass(frozen=True, slots=True)
class MatchResult:
    """What a read means for the store. Every read row is in exactly one of the first four, repeats apart.

    ``deferred`` are rows of an incomplete read that look like a modification; the next complete read decides.
    ``absent_once`` and ``gone`` are the stored rows of the window that a complete read did not show.
    """

    new: tuple[New, ...] = ()
    known: tuple[Known, ...] = ()
    modified: tuple[Modified, ...] = ()
    deferred: tuple[ReadRow, ...] = ()
    absent_once: tuple[StoredRow, ...] = ()
    gone: tuple[StoredRow, ...] = ()
    warnings: tuple[ReadWarning, ...] = ()


def read_row(row: BankRow, policy: ReferencePolicy, source: str) -> ReadRow:
    """Reduce a bank's row to its identity.

    ``source`` names the connector or dialect whose policy this is: references of one source say nothing about
    those of another, so an account that moves to another connector is matched by fingerprint.
    """
    transaction = whole(row)
    return ReadRow(
        tuple(_reference(transaction, field, source) for field in policy.reference_fields),
        hub_fingerprint(transaction),
        transaction.booking_date,
        transaction.amount,
        transaction.currency,
        content_digest(transaction),
        transaction,
        transaction.transaction_id,
        transaction.balance_after_transaction,
    )


def known_row(row: BankRow, stored: StoredRow, *, transaction_id: str | None, balance_after: Decimal | None) -> ReadRow:
    """What :func:`read_row` gives for ``row``, without mapping it: the identity of a stored row with equal payload.

    Mapping and identity are pure functions of the bank's payload, of the versions of the mapping and of the policy.
    So the caller must know that ``stored`` came from an equal payload by the same versions, and that its references
    are those of the present policy.
    """
    return ReadRow(
        stored.references,
        stored.fingerprint,
        stored.booking_date,
        stored.amount,
        stored.currency,
        stored.content,
        row,
        transaction_id,
        balance_after,
    )


def reference_prefix(source: str, field: str) -> str:
    """What references of this source and field begin with."""
    return f"{source}:{field}:"


def _reference(transaction: Transaction, field: str, source: str) -> str:
    value = getattr(transaction, field)
    text = str(value).strip() if value is not None else ""
    return reference_prefix(source, field) + text if text else ""
