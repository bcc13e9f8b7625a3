"""Reading payments. Software reaches one through its integration, people through their organization."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import QuerySet

from nostro.connectors.payments import FACTORIES
from nostro.hub.accounts.models import Account
from nostro.hub.integrations.queries import access_granted_account
from nostro.hub.linking.models import Connection
from nostro.hub.organizations.models import Organization, Role
from nostro.hub.organizations.queries import access_organization, require_role
from nostro.hub.payments.models import ActivationRequest, Kind, Payment, Status, Transfer
from nostro.people.models import User
from nostro.web.errors import NotFound

PAGE = 50


def access_payment_of_integration(
    integration_id: uuid.UUID, account_id: uuid.UUID, payment_id: uuid.UUID, *, kind: Kind
) -> Payment:
    """A payment that this integration made for an account which it may still read. Raises NotFound for all others."""
    access_granted_account(integration_id, account_id)
    payment = _payments().filter(
        id=payment_id, integration_id=integration_id, account_id=account_id, kind=kind, deleted_at=None
    ).first()  # fmt: skip
    if payment is None:
        raise NotFound(kind.value)
    return payment


def access_payment(user: User, payment_id: uuid.UUID, *, role: Role | None = None) -> Payment:
    """A payment of an organization in which ``user`` has at least ``role``. Raises NotFound for strangers and for
    deleted ones, Forbidden for too low a role."""
    payment = _payments().filter(id=payment_id, deleted_at=None).first()
    if payment is None:
        raise NotFound("payment")
    require_role(user, payment.organization_id, role, "payment")
    return payment


def access_payment_request(organization_id: uuid.UUID, payment_id: uuid.UUID) -> Payment:
    """A payment request, for whoever was given its address: the person who pays belongs to no organization here."""
    found = _payments().filter(
        id=payment_id, organization_id=organization_id, kind=Kind.PAYMENT_REQUEST, deleted_at=None
    ).first()  # fmt: skip
    if found is None:
        raise NotFound("payment request")
    return found


def access_activation_request(user: User, organization_id: uuid.UUID, request_id: uuid.UUID) -> ActivationRequest:
    """A vendor's request to activate payments, for people of the organization. Raises NotFound."""
    organization = access_organization(user, organization_id)
    found = ActivationRequest.objects.filter(id=request_id, organization=organization).first()
    if found is None:
        raise NotFound("request")
    return found


def payments_of(
    organization: Organization, *, is_sandbox: bool, before: uuid.UUID | None = None, limit: int = PAGE
) -> Sequence[Payment]:
    """Payments and payment requests, newest first, at most ``limit`` + 1 so that the caller sees whether there are
    more; ``before`` is the id of the last one of the page before. ``organization`` has passed access_organization."""
    found = _payments().filter(organization=organization, account__is_sandbox=is_sandbox, deleted_at=None)
    if before is not None:
        found = found.filter(id__lt=before)
    return list(found.order_by("-id")[: min(limit, PAGE) + 1])


def count_unsigned(organization: Organization, *, is_sandbox: bool) -> int:
    """Payments that wait for a signature."""
    return Payment.objects.filter(
        organization=organization, account__is_sandbox=is_sandbox, deleted_at=None, status=Status.UNSIGNED,
        kind__in=[Kind.PAYMENT, Kind.BULK_PAYMENT],
    ).count()  # fmt: skip


def connection_that_pays(account: Account) -> Connection | None:
    """The connection whose bank takes payments from this account; None where there is no payment route.

    Only test banks have one: to prepare payments at real banks takes a licence that this Hub's operator has not
    (docs/decisions/0019-payments-in-the-sandbox.md).
    """
    if not account.is_sandbox:
        return None
    found: Connection | None = (
        Connection.objects.select_related("route__institution", "institution")
        .filter(id=account.connection_id, removed_at=None, route__connector__in=FACTORIES)
        .first()
    )
    return found


def is_activation_requested(organization_id: uuid.UUID, kind: Kind, *, is_sandbox: bool) -> bool:
    """Whether a vendor asked for it."""
    return ActivationRequest.objects.filter(organization_id=organization_id, kind=kind, is_sandbox=is_sandbox).exists()


def count_signed(integration_id: uuid.UUID, month: datetime) -> tuple[int, int, int, int]:
    """What was signed in the month that begins at ``month``: payments, accounts that paid, bulk payments, and the
    payments bundled in them (hub-api.md 7.10)."""
    until = (month + timedelta(days=32)).replace(day=1)
    signed = Payment.objects.filter(integration_id=integration_id, signed_at__gte=month, signed_at__lt=until)
    single, bulk = signed.filter(kind=Kind.PAYMENT), signed.filter(kind=Kind.BULK_PAYMENT)
    accounts = signed.exclude(kind=Kind.PAYMENT_REQUEST).values("account_id").distinct()
    return single.count(), accounts.count(), bulk.count(), Transfer.objects.filter(payment__in=bulk).count()


def due(now: datetime, limit: int) -> list[uuid.UUID]:
    """Payments of which the bank is to be asked again; locked until the caller's transaction ends."""
    waiting = Payment.objects.select_for_update(skip_locked=True).filter(next_look_at__lte=now, deleted_at=None)
    return list(waiting.order_by("next_look_at").values_list("id", flat=True)[:limit])


def _payments() -> QuerySet[Payment]:
    return Payment.objects.select_related("organization", "account", "account__institution").prefetch_related(
        "transfers"
    )
