"""Reads of runs. A person reaches them only through :func:`access_synchronization`."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence

from nostro.hub.accounts.models import Account
from nostro.hub.organizations.queries import require_role
from nostro.hub.sync.models import Synchronization
from nostro.people.models import User
from nostro.web.errors import NotFound

MAX_HISTORY = 200


def access_synchronization(user: User, synchronization_id: uuid.UUID) -> Synchronization:
    """One run with its account. Raises NotFound for unknown and foreign ones."""
    run = Synchronization.objects.select_related("account__institution").filter(id=synchronization_id).first()
    if run is None:
        raise NotFound("synchronization")
    require_role(user, run.organization_id, None, "synchronization")
    return run


def latest_synchronizations(accounts: Sequence[Account]) -> Mapping[uuid.UUID, Synchronization]:
    """The newest run of each account, by the account's id."""
    newest = (
        Synchronization.objects.filter(account__in=[account.pk for account in accounts])
        .order_by("account_id", "-created_at", "-id")
        .distinct("account_id")
    )
    return {run.account_id: run for run in newest}


def history(account: Account, limit: int = 20) -> list[Synchronization]:
    """The runs of an account, newest first."""
    runs = Synchronization.objects.filter(account=account).order_by("-created_at", "-id")
    return list(runs[: min(limit, MAX_HISTORY)])
