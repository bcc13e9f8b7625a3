"""The rows of attempts to sign in the bank's app or by code: one at a time for each payment, ended where time is up."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from nostro.connectors.contract import AuthorisationStep, Failed, Finished
from nostro.hub.linking.states import put_step
from nostro.hub.payments.models import WALKING, Payment, Signing
from nostro.people.models import User


def signing_under_way(payment: Payment, now: dt.datetime) -> Signing | None:
    """The attempt whose time is not up yet. ``payment`` need not be locked."""
    return Signing.objects.filter(payment=payment, status__in=WALKING, expires_at__gt=now).first()


def last_signing(payment: Payment) -> Signing | None:
    """The latest attempt, however it went."""
    return Signing.objects.filter(payment=payment).select_related("user").order_by("-created_at", "-id").first()


@transaction.atomic
def open_signing(payment: Payment, user: User | None, step: AuthorisationStep, now: dt.datetime) -> Signing:
    """Note the first step of a new attempt, in the place of one that was left lying."""
    assert not isinstance(step, Finished | Failed)
    Payment.objects.select_for_update(no_key=True).get(id=payment.id)
    end_signings(payment, "expired", now)
    signing = Signing(
        organization_id=payment.organization_id, payment=payment, user=user, created_at=now, expires_at=now
    )
    put_step(signing, step, now)
    signing.save(force_insert=True)
    return signing


def end_signings(payment: Payment, status: str, now: dt.datetime) -> None:
    """End what is open of a payment."""
    Signing.objects.filter(payment=payment, status__in=WALKING).update(**_ended(status, now))


def end_signing(signing: Signing, status: str, now: dt.datetime, *, code: str = "", reason: str = "") -> None:
    """End one attempt, unless it has ended meanwhile."""
    words = {"error_code": code[:60], "error_reason": reason[:2000]}
    Signing.objects.filter(pk=signing.pk, status__in=WALKING).update(**words, **_ended(status, now))
    signing.refresh_from_db()


def expire_signings(now: dt.datetime) -> int:
    """End attempts whose time is up, so that what they remember is gone. Returns how many."""
    return Signing.objects.filter(status__in=WALKING, expires_at__lte=now).update(**_ended("expired", now))


def _ended(status: str, now: dt.datetime) -> dict[str, object]:
    return {"status": status, "ended_at": now, "sealed_state": None, "sealed_shown": None}
