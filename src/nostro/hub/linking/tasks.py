"""Housekeeping of authorisations."""

from __future__ import annotations

from django.utils import timezone
from procrastinate.contrib.django import app

from nostro.hub.linking.services import expire_authorisations


@app.periodic(cron="*/10 * * * *")
@app.task(queueing_lock="expire_authorisations", pass_context=False)
def expire_authorisations_often(timestamp: int) -> None:
    """People close the page in the middle; what the bank granted meanwhile is given back."""
    expire_authorisations(timezone.now())
