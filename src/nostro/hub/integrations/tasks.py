"""Housekeeping of tokens."""

from __future__ import annotations

from django.utils import timezone
from procrastinate.contrib.django import app

from nostro.hub.integrations.tokens import delete_expired_tokens


@app.periodic(cron="23 * * * *")
@app.task(queueing_lock="delete_expired_tokens", pass_context=False)
def delete_expired_tokens_hourly(timestamp: int) -> None:
    """Tokens live half an hour, and every pull of a client makes one."""
    delete_expired_tokens(timezone.now())
