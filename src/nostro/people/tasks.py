"""Jobs on the trail."""

from __future__ import annotations

from procrastinate.contrib.django import app

from nostro.people.audit_chain import seal_records


@app.periodic(cron="* * * * *")
@app.task(name="people.seal_audit_records", queueing_lock="people.seal_audit_records", pass_context=False)
def seal_audit_records(timestamp: int) -> None:
    """Every minute: give what was committed its place in the chain."""
    del timestamp
    seal_records()
