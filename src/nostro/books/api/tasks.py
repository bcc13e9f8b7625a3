"""Jobs of the API."""

from __future__ import annotations

import datetime as dt

from django.utils import timezone
from procrastinate.contrib.django import app

from nostro.books.api.models import IdempotentAnswer

#: Answers deleted by one statement; one run deletes all that are old, batch by batch.
BATCH = 5_000


@app.periodic(cron="17 * * * *")
@app.task(name="books.forget_answers", queueing_lock="books.forget_answers", pass_context=False)
def forget_answers(timestamp: int) -> None:
    """Every hour: delete answers that are kept no longer."""
    del timestamp
    purge_answers(timezone.now())


def purge_answers(now: dt.datetime) -> int:
    """Delete the answers older than 24 hours; returns how many there were."""
    old = IdempotentAnswer.objects.filter(created_at__lte=now - IdempotentAnswer.KEPT)
    deleted = 0
    while ids := list(old.values_list("id", flat=True)[:BATCH]):
        deleted += IdempotentAnswer.objects.filter(id__in=ids).delete()[0]
    return deleted
