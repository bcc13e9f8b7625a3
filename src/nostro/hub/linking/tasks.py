"""Housekeeping of authorisations."""

from __future__ import annotations

from django.utils import timezone
from procrastinate.contrib.django import app

from nostro.hub.linking.notices import send_consent_notices
from nostro.hub.linking.services import expire_authorisations


@app.periodic(cron="*/10 * * * *")
@app.task(queueing_lock="expire_authorisations", pass_context=False)
def expire_authorisations_often(timestamp: int) -> None:
    """People close the page in the middle; what the bank granted meanwhile is given back."""
    expire_authorisations(timezone.now())


@app.periodic(cron="17 * * * *")
@app.task(queueing_lock="linking.send_consent_notices", pass_context=False)
def send_consent_notices_hourly(timestamp: int) -> None:
    """Warn before consents end; often, so that a mail server that was down costs an hour and no warning."""
    send_consent_notices(timezone.now())
