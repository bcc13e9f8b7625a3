"""Signing a payment step by step: in the bank's app, or with what the person types here (connectors.md 1.3).

The steps are those of linking, with the same sealed memory. A step that fails ends the attempt, not the payment: what
became of that the bank is asked each time, and while it still waits there another attempt may be made.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Collection

import structlog

from nostro.connectors.contract import Failed, Finished, PsuContext, PsuInput
from nostro.connectors.errors import ConnectorError, ScaCancelled, ScaTimeout
from nostro.hub.linking.connectors import payments_for
from nostro.hub.linking.outcomes import bank_problem
from nostro.hub.linking.states import put_step
from nostro.hub.linking.walking import ask_bank, asked_just_now, require_open, save_step
from nostro.hub.organizations.models import Role
from nostro.hub.organizations.queries import require_role
from nostro.hub.payments.attempts import end_signing, end_signings
from nostro.hub.payments.models import WALKING, Kind, Payment, Signing, Status
from nostro.hub.payments.queries import access_payment
from nostro.hub.payments.services import AlreadySigned, decline_payment, record_refusal
from nostro.hub.payments.signing import at_the_bank, connection_of, look, look_or_log
from nostro.people.models import User
from nostro.web.errors import Forbidden, NotFound

log = structlog.get_logger(__name__)


def access_signing(user: User | None, remembered: Collection[str], signing_id: uuid.UUID) -> Signing:
    """An attempt, for the person who made it: ``user`` who still administers the organization, or, for a payment
    request, the browser whose session ``remembered`` the id. Raises NotFound for others, Forbidden for colleagues."""
    found = Signing.objects.select_related("payment__account__institution", "payment__organization", "user").filter(
        id=signing_id, payment__deleted_at=None
    ).first()  # fmt: skip
    if found is None:
        raise NotFound("payment")
    if found.payment.kind == Kind.PAYMENT_REQUEST:
        if str(found.id) not in remembered:
            raise NotFound("payment")
        return found
    if user is None:
        raise NotFound("payment")
    require_role(user, found.organization_id, Role.ADMIN, "payment")
    if found.user_id != user.pk:
        raise Forbidden("Only the person who began to sign this payment can go on with it.")
    return found


def continue_signing(signing: Signing, answer: PsuInput, psu: PsuContext, now: dt.datetime) -> Signing:
    """Go on with what the person typed, or look again. ``signing`` has passed :func:`access_signing`; afterwards its
    status tells whether it ended, and its payment what the bank says.

    Raises Problem where this answer cannot be taken: ``stateUsed``, ``stateExpired``, ``stateCancelled``,
    ``stateInUse``; or with the bank's code where the bank could not be asked: then the same answer may be given again.
    """
    if signing.status in WALKING and signing.expires_at <= now:
        error = ScaTimeout(reached_bank=False)
        end_signing(signing, "expired", now, code="ScaTimeout", reason=error.reason)
    require_open(signing, now)
    connection = connection_of(signing.payment)
    if connection is None or asked_just_now(signing, answer, now) is not None:
        return signing
    initiation, configuration = payments_for(connection.route, lambda: now)
    step = ask_bank(signing, now, lambda state: initiation.continue_signing(configuration, state, answer, psu))
    if step is None:
        end_signing(signing, "signed", now)
        look_or_log(signing.payment, now, psu)
    elif isinstance(step, Failed):
        status = "cancelled" if isinstance(step.error, ScaCancelled) else "failed"
        code = step.error.code or type(step.error).__name__
        end_signing(signing, status, now, code=code, reason=step.error.reason)
        look_or_log(signing.payment, now, psu)
    else:
        assert not isinstance(step, Finished)
        put_step(signing, step, now)
        save_step(signing)
    return signing


def leave_signing(signing: Signing, psu: PsuContext, now: dt.datetime) -> None:
    """The person goes away from a step. A payment waits at the bank for another attempt; of a payment request, whose
    next payer may be somebody else, the bank is told to drop it. A second click changes nothing."""
    if signing.status not in WALKING:
        return
    end_signing(signing, "cancelled", now)
    if signing.payment.kind == Kind.PAYMENT_REQUEST:
        _cancel(signing.payment, now)
        look_or_log(signing.payment, now, psu)


def refuse_payment(user: User, payment_id: uuid.UUID, psu: PsuContext, now: dt.datetime) -> Payment:
    """A person with the right to sign refuses. At a bank without pages for it, the bank is told to drop the payment,
    and its word decides: what is signed is not refused any more. Raises NotFound, Forbidden, :class:`AlreadySigned`, or
    Problem with the bank's code."""
    payment = access_payment(user, payment_id, role=Role.ADMIN)
    known = at_the_bank(payment)
    if payment.status != Status.UNSIGNED or known is None or known.url:
        return decline_payment(user, payment_id, now)
    end_signings(payment, "cancelled", now)
    try:
        _cancel(payment, now)
        payment = look(payment, now, psu)
    except ConnectorError as error:
        raise bank_problem(error, "The bank could not be told.") from error
    if payment.status != Status.CANCELED:
        raise AlreadySigned(is_at_the_bank=payment.status == Status.UNSIGNED)
    record_refusal(payment, user)
    return payment


def _cancel(payment: Payment, now: dt.datetime) -> None:
    connection, known = connection_of(payment), at_the_bank(payment)
    if connection is None or known is None:
        return
    initiation, configuration = payments_for(connection.route, lambda: now)
    try:
        initiation.cancel(configuration, known.payment_id, is_bulk=payment.kind == Kind.BULK_PAYMENT)
    except ConnectorError as error:
        # What the bank says of the payment afterwards decides.
        log.warning("payment_not_cancelled", error=type(error).__name__, code=error.code)
