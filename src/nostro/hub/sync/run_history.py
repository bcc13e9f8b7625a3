"""All runs of an account, a page at a time."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from django.db.models import Q

from nostro.hub.accounts.models import Account, Transaction
from nostro.hub.sync.models import Synchronization

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class RunPage:
    """Runs, newest first; ``older`` is the run that the next page begins behind, None on the last one."""

    runs: list[Synchronization]
    older: uuid.UUID | None


def run_page(account: Account, behind: uuid.UUID | None = None) -> RunPage:
    """Fifty runs, older than the run ``behind``; an unknown one counts as none."""
    runs = Synchronization.objects.filter(account=account).order_by("-created_at", "-id")
    last = runs.filter(pk=behind).first() if behind else None
    if last is not None:
        runs = runs.filter(Q(created_at__lt=last.created_at) | Q(created_at=last.created_at, id__lt=last.pk))
    found = list(runs[: PAGE_SIZE + 1])
    return RunPage(found[:PAGE_SIZE], found[PAGE_SIZE - 1].pk if len(found) > PAGE_SIZE else None)


def run_that_brought(transaction: Transaction) -> uuid.UUID | None:
    """The run that added a transaction; None where it is not kept."""
    run_id = transaction.created_by_synchronization
    return run_id if run_id and Synchronization.objects.filter(pk=run_id).exists() else None
