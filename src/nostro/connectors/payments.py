"""Payment initiation: the part of a connector that prepares payments at a bank, where it has one.

Like every connector it translates and does nothing else (connectors.md 1.1): it does not retry, store or decide. The
money moves only when a person signs; what this sends is a wish. Signing takes the steps of an authorisation
(connectors.md 1.3): on the bank's pages, in its app, or with what the person types here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Protocol

from nostro.connectors.contract import AuthorisationStep, Clock, Configuration, NewRequestId, PsuContext, PsuInput
from nostro.http import Door

#: What became of a payment. ``unsigned``: nobody has signed yet; ``canceled``: nobody will.
PaymentStatus = Literal["unsigned", "pending", "accepted", "rejected", "canceled"]


@dataclass(frozen=True, slots=True)
class CreditTransfer:
    """One SEPA credit transfer. ``amount`` is positive, in ``currency``; numbers of accounts are IBANs."""

    amount: Decimal
    currency: str
    creditor_name: str
    creditor_account: str
    creditor_agent: str | None = None
    remittance_information: str | None = None
    remittance_is_structured: bool = False
    end_to_end_id: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """What is prepared: one transfer, or many that are signed together (``is_bulk``).

    Without ``debtor_account`` the person who signs chooses the account that pays. The browser comes back to
    ``redirect_uri``, which carries the hub's own handle. ``psu_id`` is the name of that person's login, where known.
    """

    transfers: tuple[CreditTransfer, ...]
    redirect_uri: str
    debtor_account: str | None = None
    is_bulk: bool = False
    batch_booking_preferred: bool = False
    requested_execution_date: dt.date | None = None
    psu_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PreparedPayment:
    """The bank waits for the signature. ``step`` is what the person does; None where signing is still to be started.

    ``start`` is how it can be started, by the names of the bank's links: empty where the standard's own address serves.
    """

    payment_id: str = field(repr=False)
    step: AuthorisationStep | None = field(default=None, repr=False)
    start: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """A (further) attempt to sign a payment that is at the bank. ``start`` is that of :class:`PreparedPayment`."""

    payment_id: str = field(repr=False)
    is_bulk: bool
    redirect_uri: str
    start: Mapping[str, str] = field(default_factory=dict, repr=False)
    psu_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class PaymentState:
    """What the bank says now. ``bank_status`` is its own word; ``debtor_account`` the IBAN that pays, once known."""

    status: PaymentStatus
    bank_status: str
    debtor_account: str | None = None


class PaymentInitiation(Protocol):
    """Preparing payments at banks. Every method may raise any ``ConnectorError``."""

    def prepare(self, configuration: Configuration, order: PaymentOrder, psu: PsuContext) -> PreparedPayment:
        """Hand the payment to the bank. It is executed only after a person signed it. Where ``order`` names the person,
        the bank is asked to wait with its app for :meth:`start_signing`, so that the hub knows the payment before."""
        ...

    def start_signing(
        self, configuration: Configuration, request: SigningRequest, psu: PsuContext
    ) -> AuthorisationStep:
        """What the person does first. A later attempt replaces one that failed; there is one payment all the time."""
        ...

    def continue_signing(
        self, configuration: Configuration, state: Mapping[str, Any], answer: PsuInput, psu: PsuContext
    ) -> AuthorisationStep | None:
        """Go on with what the person typed, or look again (``poll``). None: this person is done, and the status of the
        payment tells the rest."""
        ...

    def get_state(self, configuration: Configuration, payment_id: str, *, is_bulk: bool) -> PaymentState:
        """Ask the bank what became of it. The redirect proves nothing (connectors.md 1.3)."""
        ...

    def cancel(self, configuration: Configuration, payment_id: str, *, is_bulk: bool) -> None:
        """Take a payment back that nobody has signed. What came of it, ``get_state`` tells."""
        ...


def _berlin_group(door: Door, clock: Clock, new_request_id: NewRequestId) -> PaymentInitiation:
    from nostro.connectors.berlin_group.payments import BerlinGroupPayments

    return BerlinGroupPayments(door, clock, new_request_id)


#: Connectors that can prepare payments, by the name of the connector.
FACTORIES: dict[str, Callable[[Door, Clock, NewRequestId], PaymentInitiation]] = {"berlin_group": _berlin_group}
