"""Jobs: look at a company's lines, and find the companies where a look is due."""

from __future__ import annotations

from uuid import UUID

from django.utils import timezone
from procrastinate.contrib.django import app

from nostro.books.companies.models import Company
from nostro.books.journals.models import Line
from nostro.books.reconcile.automation import automation_of, is_due, look, request_look
from nostro.books.reconcile.rules.learning import learn_rules
from nostro.books.reconcile.rules.shipped import lay_down_rules

#: Companies started by one tick at most; the next takes the rest.
DUE_LIMIT = 200


@app.task(name="books.reconcile_company", queue="books", pass_context=False)
def reconcile_company(company_id: str) -> None:
    """Propose and apply for one company, and propose rules from what its people did."""
    company = Company.objects.filter(pk=UUID(company_id)).first()
    if company is not None:
        lay_down_rules(company)  # for companies older than a rule
        look(company)
        learn_rules(company, today=timezone.localdate(), now=timezone.now())


@app.periodic(cron="* * * * *")
@app.task(name="books.start_due_looks", queueing_lock="books.start_due_looks", queue="books", pass_context=False)
def start_due_looks(timestamp: int) -> None:
    """Every minute: lines that nobody looked at, open items that changed, looks whose worker died."""
    del timestamp
    start_due()


def start_due() -> int:
    """Ask for a look in every company where one is due; how many."""
    now, started = timezone.now(), 0
    with_lines = Line.objects.filter(reconciled=False, status="posted").order_by().values("company_id").distinct()
    for company in Company.objects.filter(pk__in=with_lines).order_by("id").iterator():
        if is_due(company, automation_of(company), now):
            request_look(company, now=now)
            started += 1
            if started >= DUE_LIMIT:
                break
    return started
