"""Jobs of payments. The truth is the payment's row; a job is only the wish that somebody asks the bank."""

from __future__ import annotations

import datetime as dt
import uuid

import structlog
from django.db import transaction
from procrastinate import exceptions
from procrastinate.contrib.django import app

from nostro.connectors.errors import ConnectorError
from nostro.hub.payments.attempts import expire_signings
from nostro.hub.payments.models import Payment, Status
from nostro.hub.payments.queries import due
from nostro.hub.payments.signing import SELDOM, give_up, look, next_look

AT_ONCE = 500
log = structlog.get_logger(__name__)


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@app.task(name="payments.follow", queue="sync")
def follow(payment_id: str) -> None:
    """Ask the bank about one payment."""
    follow_payment(uuid.UUID(payment_id), _utc_now())


def follow_payment(payment_id: uuid.UUID, now: dt.datetime) -> None:
    """Ask the bank about one payment; one that has ended or was deleted is left alone."""
    payment = Payment.objects.select_related("account").filter(id=payment_id, deleted_at=None).first()
    if payment is None or payment.next_look_at is None:
        return
    try:
        look(payment, now)
    except ConnectorError as error:
        # The row says when to ask again.
        log.warning("payment_not_looked_at", error=type(error).__name__, code=error.code)
    if payment.status == Status.UNSIGNED and next_look(payment, now) is None:
        give_up(payment.id, now)


def follow_later(payment: Payment, after_s: int = 0) -> None:
    """Queue a question in the caller's transaction. A job that waits already is enough."""
    try:
        with transaction.atomic():
            follow.configure(
                queueing_lock=f"payment:{payment.pk}", schedule_in={"seconds": after_s} if after_s else None
            ).defer(payment_id=str(payment.pk))
    except exceptions.AlreadyEnqueued:
        pass


def _last_look(payment: Payment, now: dt.datetime) -> dt.datetime | None:
    """Unsigned, it is asked about until an answer ends it; the job of the last question gives up (follow_payment)."""
    return now + SELDOM if payment.status == Status.UNSIGNED else None


@app.periodic(cron="* * * * *")
@app.task(name="payments.follow_due", queueing_lock="payments.follow_due")
def follow_due_every_minute(timestamp: int) -> None:
    """Ask about the payments whose time has come, and end attempts to sign whose time is up."""
    follow_due(_utc_now())
    expire_signings(_utc_now())


@transaction.atomic
def follow_due(now: dt.datetime) -> int:
    """Queue a question for each payment that is due, and note when the next one is. Returns how many."""
    payments = Payment.objects.filter(id__in=due(now, AT_ONCE))
    for payment in payments:
        follow_later(payment)
        payment.next_look_at = next_look(payment, now) or _last_look(payment, now)
        payment.save(update_fields=["next_look_at"])
    return len(payments)
