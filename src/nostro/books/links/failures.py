"""Failures are rows of their own and survive the rollback of a run (books.md 9); states follow from them (7)."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import structlog
from django.db import transaction
from django.db.models import Count, F

from nostro.books.hub_client.errors import HubError
from nostro.books.journals.balances import check_balance
from nostro.books.journals.changes import open_changes
from nostro.books.journals.models import ChangeKind, Journal, Line, LineStatus, Proof
from nostro.books.links.models import Connection, ConnectionState, Failure, Health, OnlineAccount

EXPIRING = dt.timedelta(days=30)
#: A state turns bad only on a definitive code, or after this many failed runs over this long.
FAILED_RUNS = 3
FAILED_FOR = dt.timedelta(hours=2)

_DEFINITIVE = {
    "H-CONSENT-EXPIRED": Health.EXPIRED,
    "H-NOT-AUTHORISED": Health.NOT_AUTHORISED,
    "H-ATTENDED-ONLY": Health.ATTENDED_ONLY,
    "H-REPLACED": Health.NOT_AUTHORISED,
    "H-CREDENTIALS": Health.ERROR,
}
#: What a decision on lines ends, by what waits.
_BY_STATUS = {
    LineStatus.HELD_LOCKED: "D-LOCKED",
    LineStatus.HELD_DUPLICATE: "D-DUPLICATE",
    LineStatus.HELD_CURRENCY: "D-CURRENCY",
}
_BY_CHANGE = {ChangeKind.CHANGED: "D-CHANGED", ChangeKind.WITHDRAWN: "D-WITHDRAWN"}
_DECIDED_BY_PEOPLE = {*_BY_STATUS.values(), *_BY_CHANGE.values(), "D-BALANCE"}
_LASTING = {"bank_down": Health.BANK_UNAVAILABLE, "quota": Health.RATE_LIMITED}


@transaction.atomic
def record_failure(
    connection: Connection, account: OnlineAccount | None, error: HubError, *, now: dt.datetime
) -> Failure:
    """Count a failure: one open row per connection, account and code."""
    failure, created = Failure.objects.select_for_update().get_or_create(
        connection=connection,
        online_account=account,
        code=error.kind.code,
        cleared_at=None,
        defaults={"company_id": connection.company_id, "first_at": now, "last_at": now},
    )
    failure.last_at = now
    failure.count = 1 if created else failure.count + 1
    failure.technical = error.technical
    failure.hub_request_id = error.request_id
    failure.correlation_id = str(structlog.contextvars.get_contextvars().get("correlation_id", ""))[:64]
    failure.save()
    return failure


def clear_failures(account: OnlineAccount, *, now: dt.datetime, keep: frozenset[str] = frozenset()) -> None:
    """What was wrong with an account, and with its connection's credentials, is no longer."""
    open_failures = Failure.objects.filter(connection_id=account.connection_id, cleared_at=None).exclude(code__in=keep)
    open_failures.filter(online_account=account).update(cleared_at=now)
    # That a credential is a deprecated token is not over when the token works.
    open_failures.filter(online_account=None).exclude(code="H-TOKEN-OLD").update(cleared_at=now)


def waiting_for_decision(journal: Journal) -> list[HubError]:
    """What in a journal waits for a person: held lines, changes of the bank, a proof that fails (books.md 9)."""
    held = Line.objects.filter(journal=journal, status__in=_BY_STATUS).values_list("status").annotate(Count("id"))
    found = [HubError(_BY_STATUS[LineStatus(status)], f"{number} lines") for status, number in held]
    kinds = Counter(ChangeKind(change.kind) for change in open_changes(journal) if change.is_certain)
    found += [HubError(_BY_CHANGE[kind], f"{number} transactions") for kind, number in kinds.items()]
    proof, difference = Journal.objects.values_list("proof", "proof_difference").get(pk=journal.pk)
    if proof == Proof.RED:
        found.append(HubError("D-BALANCE", f"expected minus bank-stated: {difference} {journal.currency}"))
    return found


@transaction.atomic
def clear_decided(journal: Journal, *, now: dt.datetime) -> None:
    """What waited is over when the last of its kind is decided; no fetch is needed for that. Proves the balance again,
    because a decision may have mended it. Called in the transaction of the decision, so that both are kept or neither.
    """
    check_balance(journal, now=now)
    over = _DECIDED_BY_PEOPLE - {error.code for error in waiting_for_decision(journal)}
    failures = Failure.objects.filter(online_account__links__journal=journal, code__in=over, cleared_at=None)
    Failure.objects.filter(pk__in=list(failures.values_list("pk", flat=True))).update(cleared_at=now)


def health_after_success(account: OnlineAccount, now: dt.datetime) -> Health:
    """ok, or what the consent's clock says."""
    expires = account.consent_expires_at
    if expires is not None and expires <= now:
        return Health.EXPIRED
    if expires is not None and expires - now <= EXPIRING:
        return Health.EXPIRING
    return Health.BANK_UNAVAILABLE if account.availability == "readonly" else Health.OK


def health_after_failure(account: OnlineAccount, error: HubError, now: dt.datetime) -> Health:
    """Bad at once on a definitive code, else only after three failed runs over two hours."""
    if error.code in _DEFINITIVE:
        return _DEFINITIVE[error.code]
    lasting = account.failures >= FAILED_RUNS and account.failing_since and now - account.failing_since >= FAILED_FOR
    return _LASTING.get(error.kind.klass, Health.ERROR) if lasting else Health(account.health)


def refresh_connection_state(connection: Connection) -> None:
    """The connection's state from its accounts and failures; paused and disconnected are never overwritten."""
    refused = Failure.objects.filter(connection=connection, cleared_at=None, code__in=["H-CREDENTIALS", "H-TOKEN-OLD"])
    accounts = OnlineAccount.objects.filter(connection=connection, links__unlinked_at=None, links__isnull=False)
    code = refused.values_list("code", flat=True).first() or ""
    if code:
        state = ConnectionState.ACTION_REQUIRED
    elif accounts.exclude(health__in=[Health.OK, Health.EXPIRING]).exists():
        state = ConnectionState.DEGRADED
    else:
        state = ConnectionState.CONNECTED
    Connection.objects.filter(pk=connection.pk).exclude(
        state__in=[ConnectionState.PAUSED, ConnectionState.DISCONNECTED]
    ).exclude(state=state, state_code=code).update(state=state, state_code=code)


def count_failed_run(account: OnlineAccount, now: dt.datetime) -> None:
    """One more failed run in a row."""
    OnlineAccount.objects.filter(pk=account.pk).update(failures=F("failures") + 1)
    account.failures += 1
    if account.failing_since is None:
        account.failing_since = now
