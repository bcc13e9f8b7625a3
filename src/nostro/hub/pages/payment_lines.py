"""A payment as pages show it: its transfers, their sum, and its status in a word."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from nostro.hub.payments.models import Kind, Payment, Status, Transfer

#: Tone and word of each status.
STATES: dict[str, tuple[str, Promise | str]] = {
    Status.UNSIGNED: ("warn", _("Not signed")),
    Status.PENDING: ("act", _("At the bank")),
    Status.ACCEPTED: ("good", _("Accepted")),
    Status.REJECTED: ("bad", _("Rejected")),
    Status.CANCELED: ("quiet", _("Canceled")),
}
_OPEN_REQUEST, _PAID_REQUEST = ("quiet", _("Not paid")), ("good", _("Paid"))
MAX_TRANSFERS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Line:
    """A payment as pages show it."""

    payment: Payment
    transfers: list[Transfer]
    total: Decimal
    tone: str
    word: Promise | str
    can_be_signed: bool

    @property
    def first(self) -> Transfer:
        return self.transfers[0]

    @property
    def others(self) -> int:
        return len(self.transfers) - 1

    @property
    def shown(self) -> list[Transfer]:
        return self.transfers[:MAX_TRANSFERS_SHOWN]

    @property
    def is_request(self) -> bool:
        return self.payment.kind == Kind.PAYMENT_REQUEST


def line_of(payment: Payment) -> Line:
    """The payment with what a page says about it."""
    transfers = sorted(payment.transfers.all(), key=lambda each: each.position)
    total = sum((each.amount for each in transfers), Decimal(0))
    tone, word = STATES[payment.status]
    is_request = payment.kind == Kind.PAYMENT_REQUEST
    if is_request and payment.status in {Status.UNSIGNED, Status.ACCEPTED}:
        tone, word = _OPEN_REQUEST if payment.status == Status.UNSIGNED else _PAID_REQUEST
    can_be_signed = not is_request and payment.status == Status.UNSIGNED
    return Line(payment, transfers, total, tone, word, can_be_signed)


def mode_of(payment: Payment) -> str:
    """The tab to which it belongs."""
    return "sandbox" if payment.account.is_sandbox else "live"
