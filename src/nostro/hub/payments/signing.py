"""Handing a payment to the bank to be signed, and following what becomes of it (hub-api.md 7.5, 7.7).

No verb asks the bank while a transaction is open. A payment is claimed, handed to the bank, and the bank's id is
stored; killed in between, nothing is lost, because what nobody was led to nobody can sign. From then on the bank's word
alone moves the status: the browser that comes back proves nothing (connectors.md 1.3).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

import structlog
from django.conf import settings
from django.db import transaction
from django.urls import reverse

from nostro.connectors.contract import UNATTENDED, AuthorisationStep, PsuContext, Redirect
from nostro.connectors.errors import ConnectorError
from nostro.connectors.payments import CreditTransfer, PaymentOrder, PaymentState, SigningRequest
from nostro.core.quota import Refused
from nostro.hub.events.services import record_event
from nostro.hub.linking.connectors import payments_for
from nostro.hub.linking.models import Connection
from nostro.hub.linking.outcomes import bank_problem
from nostro.hub.linking.psu_id import clean_psu_id, psu_id_of
from nostro.hub.payments.attempts import end_signings, open_signing, signing_under_way
from nostro.hub.payments.models import Kind, Payment, Signing, Status
from nostro.hub.payments.queries import connection_that_pays
from nostro.hub.payments.services import PaymentsNotActivated, is_claimed
from nostro.hub.sync import quota
from nostro.hub.sync.services import limit_of, request_synchronization
from nostro.keys.envelope import value_context
from nostro.people import audit
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem
from nostro.web.secrets import open_sealed, seal

log = structlog.get_logger(__name__)

#: Longer than any bank may take to answer (nostro.http).
CLAIM_LIFETIME = dt.timedelta(minutes=2)
#: hub-api.md 7.5: then the status stays as it is.
FOLLOWED_FOR = dt.timedelta(days=3)
SOON, LATER, SELDOM = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)
#: What nobody signs in this time is taken back at the bank, so that nobody signs what the software has forgotten.
SIGNED_WITHIN = dt.timedelta(days=1)
#: A bank that cannot be asked for so long, or keeps a payment open that it does not cancel, will not execute it.
GIVEN_UP_AFTER = dt.timedelta(days=30)
_EAGER_FOR = dt.timedelta(hours=1)
#: The bank executes within seconds where it can; the first question after a signature comes then.
FIRST_LOOK_AFTER_S = 10


class NotToSign(Problem):
    """There is nothing left to sign."""

    def __init__(self) -> None:
        super().__init__(
            "This payment cannot be signed any more.",
            why="It was signed, refused or taken back.",
            what_to_do="Look at its status, or prepare a new payment.",
            code="paymentAlreadySigned",
        )


@dataclass(frozen=True, slots=True)
class AtTheBank:
    """What is known of a payment that the bank has. ``url`` is empty where it is not signed on the bank's pages;
    ``start`` is that of :class:`~nostro.connectors.payments.PreparedPayment`."""

    payment_id: str
    url: str
    start: Mapping[str, str] = field(default_factory=dict)


def start_signing(
    payment: Payment, user: User | None, psu: PsuContext, now: dt.datetime, psu_id: str = ""
) -> str | Signing:
    """The address at the bank where the payment is signed, or the first step in the bank's app or here. ``payment`` has
    passed an ``access_*`` function.

    A payment goes to the bank once: there it keeps its address, and further attempts are made at the same payment, so
    it cannot be signed a second time. ``user`` is None for the third person who pays a payment request; ``psu_id`` is
    the name of that person's login, where they tell it. Raises :class:`NotToSign`, Problem ``paymentInUse``, or with
    the bank's code where the bank refuses.
    """
    connection = connection_that_pays(payment.account)
    if connection is None:
        raise PaymentsNotActivated
    handle = secrets.token_urlsafe(32)
    known = _claim(payment, user, handle, now)
    if isinstance(known, str | Signing):
        return known
    initiation, configuration = payments_for(connection.route, lambda: now)
    # The payer of a request has a login of their own.
    psu_id = clean_psu_id(psu_id) if payment.kind == Kind.PAYMENT_REQUEST else psu_id_of(connection)
    try:
        step = None
        if known is None:
            prepared = initiation.prepare(configuration, _order(payment, handle, psu_id), psu)
            known, step = AtTheBank(prepared.payment_id, _url_of(prepared.step), prepared.start), prepared.step
            _keep(payment, handle, known, now)
        if step is None:
            request = SigningRequest(
                known.payment_id, payment.kind == Kind.BULK_PAYMENT, _way_back(handle), known.start, psu_id or None
            )
            step = initiation.start_signing(configuration, request, psu)
    except ConnectorError as error:
        _release(payment, handle)
        raise bank_problem(error, "The bank did not take the payment.") from error
    if isinstance(step, Redirect):
        _keep(payment, handle, replace(known, url=step.url), now)
        return step.url
    _release(payment, handle, keep_handle=True)
    return open_signing(payment, user, step, now)


def _url_of(step: AuthorisationStep | None) -> str:
    return step.url if isinstance(step, Redirect) else ""


def _claim(payment: Payment, user: User | None, handle: str, now: dt.datetime) -> str | Signing | AtTheBank | None:
    """Make this call the one that opens the payment: None where the bank has still to get it. Or the address where it
    waits at the bank, or this person's attempt that is under way."""
    with transaction.atomic():
        locked = Payment.objects.select_for_update(no_key=True).get(id=payment.id)
        if locked.deleted_at is not None or locked.status != Status.UNSIGNED:
            raise NotToSign
        known = at_the_bank(locked)
        if known is not None and known.url:
            return known.url
        under_way = signing_under_way(locked, now)
        if under_way is not None and user is not None and under_way.user_id == user.pk:
            return under_way
        if is_claimed(locked, now) or under_way is not None:
            raise _in_use()
        locked.claimed_until, locked.opened_by, locked.opened_at = now + CLAIM_LIFETIME, user, now
        locked.state_checksum = _checksum(handle)
        locked.save(update_fields=["claimed_until", "opened_by", "opened_at", "state_checksum"])
        if user is not None:
            audit.record(
                tenant_id=locked.organization_id, actor=user, action="payment.opened", obj=locked,
                sentence="Went to the bank to sign a payment.",
            )  # fmt: skip
    return known


def _in_use() -> Problem:
    return Problem(
        "Somebody is signing this payment at this moment.",
        why="A payment is signed by one person at a time.",
        what_to_do="Wait a few minutes, then look at it again.",
        code="paymentInUse",
    )


def _release(payment: Payment, handle: str, *, keep_handle: bool = False) -> None:
    """Let the next one open it; the handle is kept where the bank may send the browser back with it."""
    gone = {} if keep_handle else {"state_checksum": None}
    Payment.objects.filter(id=payment.id, state_checksum=_checksum(handle)).update(claimed_until=None, **gone)


def _keep(payment: Payment, handle: str, known: AtTheBank, now: dt.datetime) -> None:
    """Note what the bank has; where it has pages to sign on, nothing is left to be done here."""
    sealed = seal(json.dumps([known.payment_id, known.url, dict(known.start)]), context=_context(payment))
    done = {"claimed_until": None} if known.url else {}
    Payment.objects.filter(id=payment.id, state_checksum=_checksum(handle)).update(
        sealed_bank_payment=sealed, next_look_at=now + SOON, **done
    )


def at_the_bank(payment: Payment) -> AtTheBank | None:
    """What the bank has of it; None for a payment that nobody has opened."""
    if payment.sealed_bank_payment is None:
        return None
    return AtTheBank(*json.loads(open_sealed(payment.sealed_bank_payment, context=_context(payment))))


def _way_back(handle: str) -> str:
    return f"{settings.PUBLIC_URL}{reverse('payment_return')}?{urlencode({'state': handle})}"


def _order(payment: Payment, handle: str, psu_id: str) -> PaymentOrder:
    transfers = tuple(
        CreditTransfer(
            amount=each.amount,
            currency=each.currency,
            creditor_name=each.creditor_name,
            creditor_account=each.creditor_account_reference,
            creditor_agent=each.creditor_agent or None,
            remittance_information=each.remittance_information or None,
            remittance_is_structured=each.remittance_information_type == "structured",
            end_to_end_id=each.end_to_end_id or None,
        )
        for each in payment.transfers.order_by("position")
    )
    # Of a payment request the payer chooses the account at the bank.
    debtor = None if payment.kind == Kind.PAYMENT_REQUEST else payment.account.reference
    return PaymentOrder(
        transfers, _way_back(handle), debtor, is_bulk=payment.kind == Kind.BULK_PAYMENT,
        batch_booking_preferred=payment.batch_booking_preferred,
        requested_execution_date=payment.requested_execution_date, psu_id=psu_id or None,
    )  # fmt: skip


def come_back(handle: str, psu: PsuContext, now: dt.datetime) -> Payment:
    """The browser returns from the bank: ask the bank what happened. Raises NotFound for an unknown handle.

    A bank that cannot be asked now is asked again by the worker.
    """
    payment = Payment.objects.filter(state_checksum=_checksum(handle), deleted_at=None).first()
    if payment is None:
        raise NotFound("payment")
    return look_or_log(payment, now, psu)


def look_or_log(payment: Payment, now: dt.datetime, psu: PsuContext) -> Payment:
    """Take over what the bank says now; where it cannot be asked, the worker asks later."""
    payment.refresh_from_db()
    try:
        return look(payment, now, psu)
    except ConnectorError as error:
        log.warning("payment_not_looked_at", error=type(error).__name__, code=error.code)
        return payment


def look(payment: Payment, now: dt.datetime, psu: PsuContext = UNATTENDED) -> Payment:
    """Ask the bank and take over what it says. Raises any connector error; then nothing has changed."""
    connection, known = connection_of(payment), at_the_bank(payment)
    if known is None or connection is None:
        return payment
    initiation, configuration = payments_for(connection.route, lambda: now)
    bank_id = known.payment_id
    is_bulk = payment.kind == Kind.BULK_PAYMENT
    state = initiation.get_state(configuration, bank_id, is_bulk=is_bulk)
    if state.status == "unsigned" and _is_forgotten(payment, now):
        try:
            initiation.cancel(configuration, bank_id, is_bulk=is_bulk)
            state = initiation.get_state(configuration, bank_id, is_bulk=is_bulk)
        except ConnectorError as error:
            log.warning("payment_not_cancelled", error=type(error).__name__, code=error.code)
    with transaction.atomic():
        locked = Payment.objects.select_for_update(no_key=True, of=("self",)).select_related("account").get(
            id=payment.id
        )  # fmt: skip
        if locked.state_checksum == payment.state_checksum and locked.status in {Status.UNSIGNED, Status.PENDING}:
            _take_over(locked, state, psu, now)
    return locked


def _is_forgotten(payment: Payment, now: dt.datetime) -> bool:
    return payment.signed_at is None and payment.opened_at is not None and now - payment.opened_at >= SIGNED_WITHIN


@transaction.atomic
def give_up(payment_id: uuid.UUID, now: dt.datetime) -> None:
    """End an attempt of which the bank has told nothing for GIVEN_UP_AFTER. Whatever the bank has said stays."""
    payment = Payment.objects.select_for_update(no_key=True, of=("self",)).select_related("account").get(id=payment_id)
    if payment.status != Status.UNSIGNED or payment.deleted_at is not None or next_look(payment, now) is not None:
        return
    payment.status = Status.CANCELED
    _close(payment, UNATTENDED, now)
    payment.save()


def connection_of(payment: Payment) -> Connection | None:
    """The connection of the account, also when it was disconnected meanwhile: the payment goes on at the bank."""
    return Connection.objects.select_related("route__institution").filter(id=payment.account.connection_id).first()


def _take_over(payment: Payment, state: PaymentState, psu: PsuContext, now: dt.datetime) -> None:
    was = payment.status
    payment.bank_status = state.bank_status
    if state.status != "unsigned":
        # Whoever still sees a step sees what became of it instead.
        end_signings(payment, "cancelled" if state.status == "canceled" else "signed", now)
    if state.status in {"pending", "accepted", "rejected"} and payment.signed_at is None:
        payment.signed_at = now
        payment.debtor_account_reference = (state.debtor_account or "")[:34]
    if state.status == "canceled" and was == Status.PENDING:
        payment.status = Status.REJECTED  # signed, and then not executed
    else:
        payment.status = Status(state.status) if state.status != "unsigned" else Status(was)
    if payment.status in {Status.ACCEPTED, Status.REJECTED, Status.CANCELED}:
        _close(payment, psu, now)
    else:
        payment.next_look_at = next_look(payment, now)
        if was != payment.status:
            _follow_soon(payment)
    payment.save()


def _close(payment: Payment, psu: PsuContext, now: dt.datetime) -> None:
    payment.next_look_at = None
    if payment.kind == Kind.PAYMENT_REQUEST and payment.status != Status.ACCEPTED:
        _open_again(payment)
        return
    payment.closed_at = now
    audit.record(
        tenant_id=payment.organization_id, actor=None, action=f"payment.{payment.status}", obj=payment,
        sentence=f"The bank says of a payment: {payment.status} ({payment.bank_status}).",
    )  # fmt: skip
    if payment.status != Status.ACCEPTED:
        return
    if payment.kind == Kind.PAYMENT_REQUEST:
        record_event(
            payment.organization_id, "paymentRequest.closed", account_id=payment.account_id,
            payment_request_id=payment.id, now=now,
        )  # fmt: skip
    _fetch(payment, psu, now)


def _open_again(payment: Payment) -> None:
    """The payer turned back, or their bank refused: the request waits for another attempt."""
    payment.status, payment.signed_at, payment.debtor_account_reference = Status.UNSIGNED, None, ""
    payment.sealed_bank_payment = payment.opened_at = None


def _fetch(payment: Payment, psu: PsuContext, now: dt.datetime) -> None:
    """Bring the movement to the account, unless the bank allows no more reading for now: then the schedule does."""
    account = payment.account
    place = quota.look(quota.account_key(account, "transactions"), limit=limit_of(account), now=now)
    is_read = account.removed_at is None and not account.deprecated and account.is_selected
    if is_read and (psu.present or not isinstance(place, Refused)):
        request_synchronization(account, trigger="schedule", now=now, psu=psu)


def next_look(payment: Payment, now: dt.datetime) -> dt.datetime | None:
    """When the bank is asked again: each minute in the first hour, then each hour, for three days after the signature;
    of what nobody has signed, each day after that. None: no more."""
    passed = now - (payment.signed_at or payment.opened_at or now)
    if passed < FOLLOWED_FOR:
        return now + (SOON if passed < _EAGER_FOR else LATER)
    return now + SELDOM if payment.signed_at is None and passed < GIVEN_UP_AFTER else None


def _follow_soon(payment: Payment) -> None:
    from nostro.hub.payments.tasks import follow_later

    follow_later(payment, FIRST_LOOK_AFTER_S)


def _checksum(handle: str) -> bytes:
    return hashlib.sha256(handle.encode("utf-8", "replace")).digest()


def _context(payment: Payment) -> str:
    return value_context("payments_payment", "sealed_bank_payment", payment.id)
