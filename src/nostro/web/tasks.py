"""Housekeeping of the queue itself."""

from __future__ import annotations

from django.db import connection
from procrastinate.contrib.django import app

#: Jobs of a worker that was not heard of for so long are of a dead one; the rooms have taken their work over by then.
STALLED_MINUTES = 30
#: How long a failed job stays for the operator to look at.
FAILED_DAYS = 7


@app.periodic(cron="*/10 * * * *")
@app.task(name="web.tidy_jobs", queueing_lock="web.tidy_jobs")
def tidy_jobs_every_ten_minutes(timestamp: int) -> None:
    """Keep the queue small, so that it stays fast."""
    tidy_jobs()


def tidy_jobs() -> int:
    """Delete jobs that a dead worker left behind and old failures; returns how many. The truth about what they did is
    in the rooms' own rows, so nothing is lost with them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            DELETE FROM procrastinate_jobs j
            WHERE (j.status = 'doing'
                   AND NOT EXISTS (SELECT FROM procrastinate_workers w WHERE w.id = j.worker_id
                                   AND w.last_heartbeat > now() - make_interval(mins => %s))
                   AND NOT EXISTS (SELECT FROM procrastinate_events e WHERE e.job_id = j.id
                                   AND e.at > now() - make_interval(mins => %s)))
               OR (j.status IN ('failed', 'cancelled', 'aborted', 'succeeded')
                   AND NOT EXISTS (SELECT FROM procrastinate_events e WHERE e.job_id = j.id
                                   AND e.at > now() - make_interval(days => %s)))
            """,
            [STALLED_MINUTES, STALLED_MINUTES, FAILED_DAYS],
        )
        return int(cursor.rowcount)
