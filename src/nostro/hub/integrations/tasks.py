"""Housekeeping of tokens and of the request log."""

from __future__ import annotations

from django.utils import timezone
from procrastinate.contrib.django import app

from nostro.hub.integrations import request_log
from nostro.hub.integrations.tokens import delete_expired_tokens


@app.periodic(cron="23 * * * *")
@app.task(queueing_lock="delete_expired_tokens", pass_context=False)
def delete_expired_tokens_hourly(timestamp: int) -> None:
    """Tokens live half an hour, and every pull of a client makes one."""
    delete_expired_tokens(timezone.now())


@app.periodic(cron="43 * * * *")
@app.task(queueing_lock="forget_logged_requests", pass_context=False)
def forget_logged_requests(timestamp: int) -> None:
    """Keep the request log within its bounds."""
    request_log.forget_old(timezone.now())
