"""Values a bank gives: accounts, balances, transactions (connectors.md 1.8).

All values are immutable and already normalised: amounts are signed decimals (credit +, debit -), dates are
calendar dates of the bank without time zone, text is cleaned of control characters and capped. Only an amount
and a currency are certain; everything else may be missing.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

BookingStatus = Literal["booked", "pending", "information"]
AccountStatus = Literal["enabled", "blocked", "deleted"]
Usage = Literal["PRIV", "ORGA"]

#: The Berlin Group balance types; others arrive as ``other:<code>``.
BALANCE_TYPES = (
    "closingBooked",
    "openingBooked",
    "interimBooked",
    "interimAvailable",
    "forwardAvailable",
    "expected",
)


@dataclass(frozen=True, slots=True)
class Account:
    """One bank account in one currency, as one consent shows it.

    ``resource_id`` is valid within that consent only and is never an identity; see ``core/account_keys.py``.
    """

    resource_id: str
    currency: str
    iban: str | None = None
    bban: str | None = None
    masked_pan: str | None = None
    msisdn: str | None = None
    other: str | None = None
    name: str | None = None
    display_name: str | None = None
    owner_name: str | None = None
    product: str | None = None
    cash_account_type: str | None = None  # ISO 20022: CACC, SVGS, CARD, ...
    status: AccountStatus = "enabled"
    bic: str | None = None
    usage: Usage | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Balance:
    """A balance the bank stated. ``balance_type`` is a Berlin Group word or ``other:<code>``."""

    balance_type: str
    amount: Decimal
    currency: str
    credit_limit_included: bool = False
    reference_date: dt.date | None = None
    last_change_at: dt.datetime | None = None
    last_committed_transaction: str | None = None


# Without slots, so that fields a bank left out cost nothing: they are found at the class (see ``from_values``).
@dataclass(frozen=True)
class Transaction:
    """One transaction row of a bank, booked, pending or informational.

    Field names are the Berlin Group's in snake_case. ``counterparty_*`` are derived: the creditor for money
    out, the debtor for money in.
    """

    amount: Decimal
    currency: str
    booking_status: BookingStatus = "booked"
    entry_reference: str | None = None
    transaction_id: str | None = None
    end_to_end_id: str | None = None
    mandate_id: str | None = None
    creditor_id: str | None = None
    check_id: str | None = None
    booking_date: dt.date | None = None
    value_date: dt.date | None = None
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
    bank_transaction_code: str | None = None  # ISO 20022 domain-family-subfamily, e.g. PMNT-RCDT-ESCT
    proprietary_bank_transaction_code: str | None = None
    merchant_category_code: str | None = None
    masked_pan: str | None = None
    batch_indicator: bool | None = None
    batch_number_of_transactions: int | None = None
    balance_after_transaction: Decimal | None = None
    #: The payments that the bank booked as this one row, each with ``index`` and fields named as here (formats.md 2.7).
    details: tuple[Any, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_values(cls, values: dict[str, Any]) -> Transaction:
        """The transaction with these fields, which must hold amount, currency and raw; the dictionary becomes its own.

        The same as ``Transaction(**values)``, which sets every field one by one and takes five times as long.
        """
        made = object.__new__(cls)
        made.__dict__.update(values)
        return made

    @property
    def counterparty_name(self) -> str | None:
        """The other side's name: the creditor when money leaves, the debtor when it arrives."""
        return self.creditor_name if self.amount < 0 else self.debtor_name

    @property
    def counterparty_account(self) -> str | None:
        """The other side's account number, as the bank gave it."""
        return self.creditor_account if self.amount < 0 else self.debtor_account

    @property
    def counterparty_agent(self) -> str | None:
        """The BIC of the other side's bank."""
        return self.creditor_agent if self.amount < 0 else self.debtor_agent

    @property
    def remittance_information(self) -> str:
        """All remittance parts as one text; the structured reference first when there is one."""
        parts = (*self.remittance_information_structured, *self.remittance_information_unstructured)
        return " ".join(part for part in parts if part)


class UnmappedRow:
    """A bank's row of which only what is always needed has been read; the rest is mapped when it is asked for.

    Most rows of most reads are known already, and a stored digest of ``raw`` proves it (connectors.md 1.10): those
    need not be mapped at all. Whoever asks for another field of :class:`Transaction` gets it, mapped on first use.
    A connector hands a row over like this only after checking that it can be mapped.
    """

    __slots__ = ("_mapped", "_mapping", "amount", "booking_date", "booking_status", "currency", "raw")

    def __init__(  # noqa: PLR0917 - made for every row of every read, so without names
        self,
        raw: Mapping[str, Any],
        booking_status: BookingStatus,
        booking_date: dt.date | None,
        amount: Decimal,
        currency: str,
        mapping: Callable[[UnmappedRow], Transaction],
    ) -> None:
        self.raw = raw
        self.booking_status = booking_status
        self.booking_date = booking_date
        self.amount = amount
        self.currency = currency
        self._mapping = mapping
        self._mapped: Transaction | None = None

    def mapped(self) -> Transaction:
        """The whole transaction."""
        if self._mapped is None:
            self._mapped = self._mapping(self)
        return self._mapped

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.mapped(), name)

    def __eq__(self, other: object) -> bool:
        return self.mapped() == (other.mapped() if isinstance(other, UnmappedRow) else other)

    __hash__ = None  # type: ignore[assignment]  # as Transaction, whose raw is a dictionary

    def __repr__(self) -> str:
        return repr(self.mapped())


#: A row as connectors give it.
BankRow = Transaction | UnmappedRow


def whole(row: BankRow) -> Transaction:
    """The row as a transaction with all fields."""
    return row if isinstance(row, Transaction) else row.mapped()


@dataclass(frozen=True, slots=True)
class Window:
    """A closed range of booking dates, both ends included."""

    date_from: dt.date
    date_to: dt.date

    def __contains__(self, day: object) -> bool:
        return isinstance(day, dt.date) and self.date_from <= day <= self.date_to
