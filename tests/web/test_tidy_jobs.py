"""The queue does not keep the jobs of dead workers."""

from __future__ import annotations

import pytest
from django.db import connection

from nostro.web.tasks import tidy_jobs

STEPS = {"todo": [], "doing": ["doing"], "failed": ["doing", "failed"]}


def job(status: str, *, age: str) -> int:
    """A job that came to ``status`` the usual way, with events as old as ``age``."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_jobs (task_name, queue_name) VALUES ('t', 'q') RETURNING id")
        (made,) = cursor.fetchone()
        for step in STEPS[status]:
            cursor.execute("UPDATE procrastinate_jobs SET status = %s WHERE id = %s", [step, made])
        cursor.execute("UPDATE procrastinate_events SET at = now() - %s::interval WHERE job_id = %s", [age, made])
    return int(made)


@pytest.mark.django_db
def test_jobs_of_dead_workers_and_old_failures_go_and_others_stay() -> None:
    gone = {job("doing", age="1 hour"), job("failed", age="8 days")}
    kept = {job("doing", age="1 minute"), job("todo", age="9 days"), job("failed", age="1 day")}
    assert tidy_jobs() == len(gone)
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM procrastinate_jobs")
        assert {row[0] for row in cursor.fetchall()} == kept
