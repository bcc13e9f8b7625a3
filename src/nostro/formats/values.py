"""Values that bank files are read into and written from (formats.md 1.3). All are immutable.

A file is a :class:`FileHead`, then per statement a :class:`StatementHead`, its :class:`Entry` rows and a
:class:`StatementTail`, with :class:`Problem` where something is to be said. An entry is the ``Transaction`` of
connectors.md 1.8 with what a file adds to it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from nostro.core.transactions import Balance, Transaction, Window

if TYPE_CHECKING:
    from nostro.formats.proof import Proof

Severity = Literal["fatal", "quarantine", "warning", "info"]
StatementKind = Literal["statement", "report", "notification", "list"]
Copy = Literal["none", "copy", "duplicate"]


class Position(NamedTuple):
    """Where in the file, as far as it fits the format. All numbers count from 1, ``byte`` in the file as it came."""

    byte: int | None = None
    line: int | None = None
    columns: tuple[int, int] | None = None
    tag: str | None = None
    path: str | None = None
    record: str | None = None
    field: str | None = None
    sheet: str | None = None
    cell: str | None = None

    def __str__(self) -> str:
        """In words: ``line 17, columns 33–47, record 21``."""
        parts = [f"line {self.line}"] if self.line else []
        if self.columns:
            first, last = self.columns
            parts.append(f"columns {first}–{last}" if last > first else f"column {first}")
        named = {"tag": self.tag, "record": self.record, "field": self.field, "sheet": self.sheet, "cell": self.cell}
        parts += [f"{name} {value}" for name, value in named.items() if value]
        parts += [self.path] if self.path else []
        return ", ".join(parts) or (f"byte {self.byte}" if self.byte else "")


NOWHERE = Position()


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to say about a file: see ``problems.CODES`` for the codes and their remedies."""

    severity: Severity
    code: str
    message: str
    position: Position = NOWHERE
    statement_index: int | None = None


@dataclass(frozen=True, slots=True)
class FileHead:
    """What the file says about itself. ``created`` is the text as written; ``version`` e.g. ``camt.053.001.08``."""

    format: str
    version: str = ""
    dialect: str = ""
    encoding: str = ""
    message_id: str | None = None
    created: str | None = None
    sender: str | None = None


@dataclass(frozen=True, slots=True)
class FileAccount:
    """The account of a statement: one of the four numbers, normalised, and its currency (ISO 4217)."""

    currency: str
    iban: str | None = None
    bban: str | None = None
    masked_pan: str | None = None
    other: str | None = None
    bic: str | None = None
    owner_name: str | None = None
    display_name: str | None = None

    @property
    def number(self) -> str:
        """The number the account is known by; empty where the file names none."""
        return self.iban or self.bban or self.masked_pan or self.other or ""


@dataclass(frozen=True, slots=True)
class StatementHead:
    """What is known of a statement before its first entry.

    ``opening`` is the opening balance where the file gives it there (openingBooked or other:PRCD); it joins pages.
    ``complete`` says whether the statement lists every booked entry of its days (formats.md 8.3); the tail has the
    last word on it, because a missing page is only seen at the end.
    """

    index: int
    account: FileAccount
    position: Position = NOWHERE
    kind: StatementKind = "statement"
    statement_id: str | None = None
    sequence: str | None = None
    legal_sequence: str | None = None
    page: int | None = None
    last_page: bool | None = None
    from_date: dt.date | None = None
    to_date: dt.date | None = None
    copy: Copy = "none"
    complete: bool = True
    opening: Balance | None = None


@dataclass(frozen=True)
class Detail:
    """One payment of a batch, addressed as (row, ``index``); ``amount`` is its own, signed, or none (2.7)."""

    index: int
    amount: Decimal | None = None
    currency: str | None = None
    reversal: bool = False
    entry_reference: str | None = None
    transaction_id: str | None = None
    end_to_end_id: str | None = None
    mandate_id: str | None = None
    creditor_id: str | None = None
    check_id: str | None = None
    transaction_date: dt.date | None = None
    fee: Decimal | None = None
    currency_exchange: tuple[Mapping[str, Any], ...] = ()
    creditor_name: str | None = None
    creditor_account: str | None = None
    creditor_agent: str | None = None
    ultimate_creditor: str | None = None
    debtor_name: str | None = None
    debtor_account: str | None = None
    debtor_agent: str | None = None
    ultimate_debtor: str | None = None
    remittance_information_unstructured: tuple[str, ...] = ()
    remittance_information_structured: tuple[str, ...] = ()
    additional_information: str | None = None
    purpose_code: str | None = None
    bank_transaction_code: str | None = None
    proprietary_bank_transaction_code: str | None = None
    merchant_category_code: str | None = None
    masked_pan: str | None = None
    references: tuple[tuple[str, str], ...] = ()
    raw: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> Detail:
        """The detail with these fields, which must hold index and raw; fields left out cost nothing."""
        made = object.__new__(cls)
        made.__dict__.update(values)
        return made


@dataclass(frozen=True)
class Entry(Transaction):
    """One row of a statement: the Transaction of connectors.md 1.8 and what only a file knows.

    ``references`` are pairs (scheme, value) that passed the gate of formats.md 2.6. ``counterparty_side`` is set where
    the account numbers tell which side is the other one; otherwise the sign tells, turned for a reversal (2.4).
    ``raw`` holds unmapped fields, path → text. Made by ``Entry.from_values`` where speed counts.
    """

    position: Position = NOWHERE
    reversal: bool = False
    provisional: bool = False
    references: tuple[tuple[str, str], ...] = ()
    details: tuple[Detail, ...] = ()
    details_difference: Decimal | None = None
    corrects: str | None = None
    counterparty_side: Literal["creditor", "debtor"] | None = None

    def standing(self, kind: str) -> Literal["booked", "provisional", "pending", "notice"] | None:
        """What the row is in a statement of that kind (formats.md 6.1, 8.4): booked, provisionally booked, expected, or
        a notice that tells more of an entry of a statement; None for one that is for information only."""
        if self.booking_status == "information":
            return None
        if self.booking_status == "pending":
            return "pending"
        if self.provisional:
            return "provisional"
        return "notice" if kind == "notification" else "booked"

    @property
    def _other_is_creditor(self) -> bool:
        if self.counterparty_side is not None:
            return self.counterparty_side == "creditor"
        return (self.amount < 0) != self.reversal

    @property
    def counterparty_name(self) -> str | None:
        """The other side's name (formats.md 2.4)."""
        return self.creditor_name if self._other_is_creditor else self.debtor_name

    @property
    def counterparty_account(self) -> str | None:
        """The other side's account number."""
        return self.creditor_account if self._other_is_creditor else self.debtor_account

    @property
    def counterparty_agent(self) -> str | None:
        """The BIC of the other side's bank."""
        return self.creditor_agent if self._other_is_creditor else self.debtor_agent


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts and sums that the file itself states; sums are positive, ``net`` is signed."""

    entries: int | None = None
    credits: int | None = None
    credit_sum: Decimal | None = None
    debits: int | None = None
    debit_sum: Decimal | None = None
    net: Decimal | None = None
    #: Control totals of a format (CODA 9, AEB43 33, BAI2 49, MT942 90D) prove; CAMT's summary only warns.
    proving: bool = True
    position: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class StatementTail:
    """What is known of a statement after its last entry.

    ``entries_seen`` counts the elements or records of the file, ``entries_emitted`` the rows given; what lies between
    was ``skipped`` with a problem each (completeness check, formats.md 1.2). ``proof``, ``booked_days`` and the final
    ``complete`` are filled in by :func:`nostro.formats.read`, readers leave them alone.
    """

    balances: tuple[Balance, ...] = ()
    totals: Totals | None = None
    entries_seen: int = 0
    entries_emitted: int = 0
    skipped: int = 0
    last_page: bool | None = None
    position: Position = NOWHERE
    complete: bool = True
    booked_days: Window | None = None
    proof: Proof | None = None


@dataclass(frozen=True, slots=True)
class Hints:
    """Answers of a person or of the account's profile (formats.md 1.4).

    ``profile`` holds answers given earlier by name: ``turn_reversals`` ("yes") for CAMT 6.1; each reader names its own.
    ``mapping`` is the table mapping of 6.9, ``date_order`` one of ``dmy``, ``mdy``, ``ymd``.
    """

    format: str | None = None
    account: str | None = None
    currency: str | None = None
    mapping: Mapping[str, Any] | None = None
    date_order: str | None = None
    encoding: str | None = None
    profile: Mapping[str, str] = field(default_factory=dict)


#: What a reader yields, in the order of the file.
Event = FileHead | StatementHead | Entry | StatementTail | Problem
