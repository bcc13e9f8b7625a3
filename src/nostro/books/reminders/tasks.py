"""The hourly round: are consents renewed, which end soon, who is to be told (books.md 8)."""

from __future__ import annotations

import datetime as dt

import structlog
from django.utils import timezone
from procrastinate.contrib.django import app

from nostro.books.links.account_lists import look_again
from nostro.books.reminders.mails import send_mails
from nostro.books.reminders.notices import connections_to_look_at, end_renewed, make_notices
from nostro.web.errors import Problem

log = structlog.get_logger(__name__)


@app.periodic(cron="7 * * * *")
@app.task(name="books.consent_round", queueing_lock="books.consent_round", pass_context=False)
def consent_round(timestamp: int) -> None:
    """Every hour."""
    del timestamp
    run_round(timezone.now())


def run_round(now: dt.datetime) -> int:
    """One round; returns how many mails left. May run twice at the same time without telling anybody twice."""
    for connection in connections_to_look_at():
        try:
            look_again(connection, now=now)
        except Problem as problem:
            log.info("renewal_not_known", connection_id=str(connection.pk), code=problem.code)
    end_renewed(now)
    make_notices(now)
    return send_mails(now)
