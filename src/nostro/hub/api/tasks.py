"""Housekeeping of the API."""

from __future__ import annotations

from django.utils import timezone
from procrastinate.contrib.django import app

from nostro.hub.api.models import IdempotentRequest


@app.periodic(cron="37 * * * *")
@app.task(queueing_lock="delete_expired_idempotency_keys", pass_context=False)
def delete_expired_idempotency_keys(timestamp: int) -> None:
    """Answers are given again for 24 h (hub-api.md 2.6)."""
    IdempotentRequest.objects.filter(created_at__lt=timezone.now() - IdempotentRequest.KEPT).delete()
