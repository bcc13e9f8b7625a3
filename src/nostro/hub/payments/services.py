"""What software does with payments: prepare them and take them back while nobody has signed (hub-api.md 7.5 to 7.8)."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction

from nostro.hub.accounts.models import Account
from nostro.hub.organizations.models import Role
from nostro.hub.payments.models import ActivationRequest, Kind, Payment, Status, Transfer
from nostro.hub.payments.queries import access_payment, access_payment_of_integration, connection_that_pays
from nostro.people import audit
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem


@dataclass(frozen=True, slots=True)
class Draft:
    """One credit transfer as software asks for it, already checked. ``amount`` is positive."""

    amount: Decimal
    currency: str
    creditor_name: str
    creditor_account_reference: str
    creditor_agent: str = ""
    remittance_information: str = ""
    remittance_information_type: str = "unstructured"
    end_to_end_id: str = ""
    requested_execution_date: dt.date | None = None


class PaymentsNotActivated(Problem):
    """No bank behind this account takes payments from here (hub-api.md 6)."""

    status = 403

    def __init__(self) -> None:
        super().__init__(
            "Payments are not activated for this organization.",
            why="This Hub has no payment route to the bank of this account.",
            what_to_do="Pay at the bank itself, or try payments with an account of the sandbox.",
            code="paymentsNotActivated",
        )


class AlreadySigned(Problem):
    """It cannot be taken back any more (hub-api.md 7.5)."""

    def __init__(self, *, is_at_the_bank: bool) -> None:
        super().__init__(
            "This payment is being signed at the bank." if is_at_the_bank else "This payment was signed or refused.",
            why="Only a payment that nobody has opened at the bank can be taken back.",
            code="paymentAlreadySigned",
        )


@transaction.atomic
def create_payment(
    account: Account,
    integration_id: uuid.UUID,
    kind: Kind,
    drafts: Sequence[Draft],
    *,
    now: dt.datetime,
    redirect_uri: str = "",
    reference: str = "",
    batch_booking_preferred: bool = False,
    requested_execution_date: dt.date | None = None,
) -> Payment:
    """Store what software prepared; the bank hears of it when a person opens it to sign.

    ``account`` is one that the integration may read. Raises :class:`PaymentsNotActivated` where no route can pay.
    """
    if connection_that_pays(account) is None:
        raise PaymentsNotActivated
    payment = Payment.objects.create(
        organization_id=account.organization_id,
        account=account,
        integration_id=integration_id,
        kind=kind,
        reference=reference,
        batch_booking_preferred=batch_booking_preferred,
        requested_execution_date=requested_execution_date,
        redirect_uri=redirect_uri,
        created_at=now,
    )
    Transfer.objects.bulk_create(
        Transfer(
            organization_id=account.organization_id,
            payment=payment,
            position=position,
            **{name: getattr(draft, name) for name in draft.__slots__},
        )
        for position, draft in enumerate(drafts)
    )
    return payment


@transaction.atomic
def delete_payment(
    integration_id: uuid.UUID, account_id: uuid.UUID, payment_id: uuid.UUID, *, kind: Kind, now: dt.datetime
) -> None:
    """Take a payment back. Raises NotFound, and :class:`AlreadySigned` once it is at the bank or has ended."""
    payment = access_payment_of_integration(integration_id, account_id, payment_id, kind=kind)
    locked = _lock_unopened(payment, now)
    locked.deleted_at = now
    locked.save(update_fields=["deleted_at"])


@transaction.atomic
def decline_payment(user: User, payment_id: uuid.UUID, now: dt.datetime) -> Payment:
    """A person with the right to sign refuses. Raises NotFound, Forbidden, :class:`AlreadySigned`."""
    payment = access_payment(user, payment_id, role=Role.ADMIN)
    locked = _lock_unopened(payment, now)
    locked.status, locked.closed_at = Status.CANCELED, now
    locked.save(update_fields=["status", "closed_at"])
    record_refusal(payment, user)
    return locked


def record_refusal(payment: Payment, user: User) -> None:
    """The trail says who refused to sign, here or at the bank."""
    audit.record(
        tenant_id=payment.organization_id, actor=user, action="payment.declined", obj=payment,
        sentence="Refused to sign a payment.",
    )  # fmt: skip


def _lock_unopened(payment: Payment, now: dt.datetime) -> Payment:
    locked = Payment.objects.select_for_update(no_key=True).get(id=payment.id)
    if locked.deleted_at is not None:
        raise NotFound(payment.kind)
    is_at_the_bank = locked.sealed_bank_payment is not None or is_claimed(locked, now)
    if locked.status != Status.UNSIGNED or is_at_the_bank:
        raise AlreadySigned(is_at_the_bank=locked.status == Status.UNSIGNED)
    return locked


def is_claimed(payment: Payment, now: dt.datetime) -> bool:
    """Whether somebody is handing it to the bank at this moment."""
    return payment.claimed_until is not None and payment.claimed_until > now


@transaction.atomic
def request_activation(
    organization_id: uuid.UUID, integration_id: uuid.UUID, kind: Kind, *, is_sandbox: bool, redirect_uri: str,
    now: dt.datetime,
) -> ActivationRequest:  # fmt: skip
    """A vendor asks for payments or payment requests (hub-api.md 7.8). In the sandbox they are active anyway."""
    return ActivationRequest.objects.create(
        organization_id=organization_id, integration_id=integration_id, kind=kind, is_sandbox=is_sandbox,
        redirect_uri=redirect_uri, created_at=now,
    )  # fmt: skip
