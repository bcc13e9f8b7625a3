"""Housekeeping of what vendors leave behind."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone
from procrastinate.contrib.django import app

from nostro.hub.vendors.models import AuthorizationCode, ClientToken, OnboardingDetails, ReauthorizationRequest

#: Used codes are remembered this long, so that their second use is recognized.
CODES_KEPT = dt.timedelta(days=1)
#: Onboarding details are about a person: the id is valid for five minutes, and nothing needs them after an hour.
DETAILS_KEPT = dt.timedelta(hours=1)
REQUESTS_KEPT = dt.timedelta(days=30)


@app.periodic(cron="17 * * * *")
@app.task(name="vendors.forget_old", queueing_lock="vendors.forget_old")
def forget_hourly(timestamp: int) -> None:
    """Forget what has expired."""
    forget_old(timezone.now())


def forget_old(now: dt.datetime) -> int:
    """Delete expired codes, client tokens, onboarding details and requests. Returns how many rows."""
    expired = (
        AuthorizationCode.objects.filter(expires_at__lt=now - CODES_KEPT),
        ClientToken.objects.filter(expires_at__lt=now),
        OnboardingDetails.objects.filter(created_at__lt=now - DETAILS_KEPT),
        ReauthorizationRequest.objects.filter(created_at__lt=now - REQUESTS_KEPT),
    )
    return sum(rows.delete()[0] for rows in expired)
