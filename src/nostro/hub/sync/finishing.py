"""Ends a run: rows, coverage, proof, events, health, next run and the run's own row, in one database transaction."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence

from django.db import transaction

from nostro.connectors.errors import (
    AccessExceeded,
    AccountUnavailable,
    AspspError,
    ConnectorError,
    PartialData,
    ProtocolError,
    PsuActionRequired,
)
from nostro.core.retries import retry_delay
from nostro.hub.accounts.announced import settle_announced
from nostro.hub.accounts.models import Account
from nostro.hub.accounts.services import (
    Counts,
    PendingCounts,
    apply_booked,
    extend_coverage,
    mark_closed,
    mark_synchronized,
    prove_balance,
    replace_pending,
    set_account_health,
)
from nostro.hub.directory.maintenance import maintenance_now
from nostro.hub.events.services import has_told, record_event
from nostro.hub.linking.consents import note_end_of_consent
from nostro.hub.linking.health import set_connection_health
from nostro.hub.linking.models import Connection, Health
from nostro.hub.sync import lease
from nostro.hub.sync.errors import as_run_error
from nostro.hub.sync.models import LATE_ROWS, Schedule, Synchronization
from nostro.hub.sync.reading import MAX_WARNINGS, Reading
from nostro.hub.sync.schedule import FAILURES_UNTIL_PAUSED, lock_schedule, next_planned_run, next_run_after
from nostro.hub.sync.windows import missed_from

#: A run that was begun so often without reaching its end is ended: something of it kills workers.
MAX_ATTEMPTS = 5


def finish(reading: Reading, errors: Sequence[ConnectorError], randomness: random.Random) -> Synchronization:
    """Write everything that this run read, end it and return its row. Raises ``LeaseLost`` when another worker took
    over, and ``ProtocolError`` for a first import with all signs flipped; nothing of it is written then."""
    now = reading.clock()
    with transaction.atomic():
        run = lock_run(reading.run, reading.holder)
        counts, pending = _apply(reading, now)
        _prove(reading, now)
        _fill(run, reading, counts, pending)
        _record_events(run, counts, pending, reading.balance_changed, failed=bool(errors))
        schedule = lock_schedule(reading.account)
        if not errors:
            schedule.wide_read_wanted = reading.schedule.wide_read_wanted
            if reading.complete and reading.run.wide:
                _note_wide_read(schedule, reading, now)
        end_run(run, reading.account, schedule, errors, randomness, now)
        reading.reached("finish written")
    reading.reached("finished")
    return run


def lock_run(run: Synchronization, holder: str) -> Synchronization:
    """The run's row, behind its connection, as ``schedule.lock_schedule`` says. Raises ``LeaseLost``."""
    Connection.objects.select_for_update(no_key=True, of=("self",)).filter(id=run.account.connection_id).first()
    return lease.lock(run.pk, holder)


def _note_wide_read(schedule: Schedule, reading: Reading, now: dt.datetime) -> None:
    """A complete wide read. Days before it that earlier ones should have read, and did not, stay noted."""
    missed, covered = missed_from(schedule, now), reading.covered()
    reaches = missed is None or (covered is not None and covered.date_from <= missed)
    schedule.missed_from = None if reaches else missed
    schedule.last_wide_read_at = now


def _apply(reading: Reading, now: dt.datetime) -> tuple[Counts, PendingCounts]:
    covered = reading.covered()
    if covered is None:
        return Counts(), PendingCounts()
    counts = apply_booked(
        reading.account,
        reading.pages,
        policy=reading.bank.policy,
        source=reading.bank.source,
        window=covered,
        complete=reading.complete,
        synchronization_id=reading.run.pk,
        now=now,
    )
    pending = PendingCounts()
    if reading.with_pending:
        pending = replace_pending(
            reading.account,
            reading.pending,
            policy=reading.bank.policy,
            source=reading.bank.source,
            complete=reading.complete,
            synchronization_id=reading.run.pk,
            raw_answer_id=reading.pending_raw,
            now=now,
        )
    if reading.complete:
        extend_coverage(reading.account, covered)
    # What files announced may be booked now, or shown as pending by the bank itself.
    return counts, pending + settle_announced(reading.account, reading.run.pk, now)


def _prove(reading: Reading, now: dt.datetime) -> None:
    """Prove the balance after a complete read of both; red widens the next read to 90 days once."""
    if not (reading.complete and reading.balances):
        return
    was_red = reading.account.proof == "red"
    check = prove_balance(reading.account, reading.balances, now=now)
    if check.reason == "signs_inverted":
        raise ProtocolError(
            "The bank's balances and transactions only agree if money in and money out are exchanged.",
            next_action="Nothing was stored. Tell your operator: the connector has the signs wrong.",
        )
    reading.schedule.wide_read_wanted = check.verdict == "red" and not was_red
    if check.reason == "late_rows":
        reading.warnings.append(LATE_ROWS)


def _fill(run: Synchronization, reading: Reading, counts: Counts, pending: PendingCounts) -> None:
    run.created_count, run.updated_count = counts.created, counts.updated + counts.restored
    run.removed_count, run.known_count = counts.removed, counts.known
    run.pending_created_count = pending.created
    run.pending_updated_count = pending.removed + pending.linked
    found = [f"{warning.rows} rows of one read have {warning.code.replace('_', ' ')}" for warning in counts.warnings]
    run.warnings = [*reading.warnings, *dict.fromkeys(found)][:MAX_WARNINGS]
    run.to_be_continued = reading.to_be_continued
    run.pages, run.rows_read = len(reading.pages), reading.rows_read


def _record_events(
    run: Synchronization, counts: Counts, pending: PendingCounts, balance_changed: bool, *, failed: bool
) -> None:
    """hub-api.md section 10: changes are told by account events, a run only when it failed or changed nothing.

    The balances were told when they were stored, perhaps by an earlier worker of this run.
    """
    told = {
        "account.transactionsCreated": counts.created,
        "account.transactionsUpdated": counts.updated + counts.restored + counts.removed,
        "account.pendingTransactionsCreated": pending.created,
        "account.pendingTransactionsUpdated": pending.removed + pending.linked,
    }
    for event_type, count in told.items():
        if count:
            _record(run, event_type, {"count": count})
    if failed:
        _record(run, "synchronization.failed", {"synchronizationSubtype": run.subtype})
    elif not any(told.values()) and not balance_changed and not _told_before(run):
        _record(run, "synchronization.succeededWithoutChange", {"synchronizationSubtype": run.subtype})


def _told_before(run: Synchronization) -> bool:
    return run.attempts > 1 and has_told(run.organization_id, run.pk, run.created_at)


def _record(run: Synchronization, event_type: str, attributes: dict[str, object]) -> None:
    record_event(
        run.organization_id,
        event_type,
        account_id=run.account_id,
        synchronization_id=run.pk,
        attributes=attributes,
        now=run.updated_at,
    )


# --- the end of a run, with or without data
# ----------------------------------------------------------------------------------------------------------


def end_run(  # noqa: PLR0917 - a run's own parts, then what is passed in
    run: Synchronization,
    account: Account,
    schedule: Schedule,
    errors: Sequence[ConnectorError],
    randomness: random.Random,
    now: dt.datetime,
) -> None:
    """Set the outcome, the health and the next run, and save ``run``, which the caller's transaction has locked, and
    ``schedule``."""
    errors = [_clear_at_last(error, schedule, now) for error in errors]
    run.status = "error" if errors else "success"
    run.errors = [as_run_error(error, now) for error in errors]
    run.finished_at = run.updated_at = now
    run.sealed_psu_context = None
    run.lease_until, run.lease_holder = None, ""
    run.save()
    connection = Connection.objects.filter(id=account.connection_id).first()
    work = maintenance_now(account.institution, now)
    if errors and work is not None and worst_of(errors).category in EXPECTED_OF_WORK:
        schedule.next_run_at = next_run_after(work, schedule.runs_per_day, now, randomness)
    elif errors:
        _after_failure(schedule, account, connection, worst_of(errors), now)
        if connection is not None:
            note_end_of_consent(connection, worst_of(errors), run.started_at or run.created_at, now)
        schedule.next_run_at = _next_try(worst_of(errors), schedule, randomness, now)
    else:
        mark_synchronized(account, now)
        _set_health(account, connection, None, schedule, now)
        schedule.consecutive_failures = 0
        schedule.paused = False
        schedule.unclear_refusals, schedule.unclear_refusal_at = 0, None
        is_due = schedule.next_run_at is not None and schedule.next_run_at <= now
        if schedule.next_run_at is None or (is_due and run.subtype != "accountDetails"):
            schedule.next_run_at = next_planned_run(schedule.runs_per_day, now, randomness)
    schedule.save()


#: A bank that is being worked on may fail so without being ill: that was announced, and is not counted.
EXPECTED_OF_WORK = frozenset(["bank_down", "retryable", "bug"])
#: connectors.md 1.6
UNCLEAR_STATUSES = frozenset([401, 403, 404])
UNCLEAR_UNTIL_CLEAR = 3
UNCLEAR_APART = dt.timedelta(hours=1)


def _clear_at_last(error: ConnectorError, schedule: Schedule, now: dt.datetime) -> ConnectorError:
    """A bare 401, 403 or 404 counts as a failure of the bank until three runs, an hour apart, have seen it."""
    if not isinstance(error, AspspError) or error.status not in UNCLEAR_STATUSES or error.code:
        return error
    last = schedule.unclear_refusal_at
    if last is None or now - last >= UNCLEAR_APART:
        schedule.unclear_refusals += 1
        schedule.unclear_refusal_at = now
    if schedule.unclear_refusals < UNCLEAR_UNTIL_CLEAR:
        return error
    return PsuActionRequired(
        f"The bank has refused this account {schedule.unclear_refusals} times without saying why.",
        next_action="Renew the connection to this bank.",
        status=error.status,
        request_id=error.request_id,
    )


def _after_failure(
    schedule: Schedule, account: Account, connection: Connection | None, worst: ConnectorError, now: dt.datetime
) -> None:
    # A full quota is no failure: the bank works, and it is asked again when a place is free.
    schedule.consecutive_failures += worst.category != "quota"
    # Where rows come although some cannot be read, going on is better than a silent stop.
    if schedule.consecutive_failures >= FAILURES_UNTIL_PAUSED and worst.category != "data":
        schedule.paused = True
    if isinstance(worst, AccountUnavailable) and worst.code in CLOSED:
        mark_closed(account)
    if _is_the_accounts_own(worst, account, schedule):
        worst = PartialData(
            "The bank has failed several times for this account, and not for the others of the connection.",
            code=worst.code or type(worst).__name__,
            status=worst.status,
            request_id=worst.request_id,
        )
    _set_health(account, connection, worst, schedule, now)


#: Codes by which banks say that an account is closed for good.
CLOSED = frozenset(["RESOURCE_EXPIRED"])


def _is_the_accounts_own(error: ConnectorError, account: Account, schedule: Schedule) -> bool:
    """One account of many failing again and again is no failure of the bank, but data that are missing."""
    if not isinstance(error, AspspError) or schedule.consecutive_failures < 2:
        return False
    siblings = Account.objects.filter(connection_id=account.connection_id, is_selected=True).exclude(pk=account.pk)
    since = account.synchronized_at or account.authorised_at or account.linked_at
    return siblings.filter(health=Health.ACTIVE, synchronized_at__gte=since).exists()


#: Worst first, as the health they lead to is ordered (connectors.md 1.6).
_ORDER = ("disabled", "psuActionRequired", "rateLimited", "aspspUnavailable", "degraded", "unchanged")


def worst_of(errors: Sequence[ConnectorError]) -> ConnectorError:
    """The error whose effect on health is the worst."""
    return min(errors, key=lambda error: _ORDER.index(error.health))


def _next_try(
    error: ConnectorError, schedule: Schedule, randomness: random.Random, now: dt.datetime
) -> dt.datetime | None:
    """The one table of connectors.md 1.7; None waits for a person."""
    planned = next_planned_run(schedule.runs_per_day, now, randomness)
    if error.retry in {"after_renewal", "attended", "never", "psu_restarts", "after_operator"}:
        return None
    if error.retry == "at_until" and isinstance(error, AccessExceeded) and error.until is not None:
        return max(error.until, now)
    if error.retry == "weekly":
        return now + dt.timedelta(days=7)
    if error.retry == "daily":
        return now + dt.timedelta(days=1)
    delay = retry_delay(max(schedule.consecutive_failures, 1), randomness)
    return planned if delay is None else min(now + delay, planned)


#: Errors that say something about the whole connection; the others are the account's own.
_OF_CONNECTION = frozenset(["disabled", "psuActionRequired", "aspspUnavailable"])


def _set_health(
    account: Account, connection: Connection | None, error: ConnectorError | None, schedule: Schedule, now: dt.datetime
) -> None:
    if error is None:
        set_account_health(account, "active", now=now)
        if connection is not None and connection.removed_at is None:
            if connection.health == Health.DISABLED:
                # The operator has mended what stopped all accounts of the connection; they need not wait for a person.
                waiting = Schedule.objects.filter(account__connection_id=connection.pk, next_run_at=None, paused=False)
                waiting.exclude(account=account).update(next_run_at=now)
            set_connection_health(connection, Health.ACTIVE, consecutive_failures=0, now=now)
        return
    code, reason = error.code or type(error).__name__, f"{error.reason} {error.next_action}"
    until = error.until if isinstance(error, AccessExceeded) else None
    if schedule.paused:
        set_account_health(
            account,
            "disabled",
            code=code,
            reason=f"Paused after {schedule.consecutive_failures} failed runs. {reason}",
            now=now,
        )
    elif error.health != "unchanged":
        set_account_health(account, error.health, code=code, reason=reason, until=until, now=now)
    if connection is not None and error.health in _OF_CONNECTION:
        set_connection_health(connection, Health(error.health), code=code, reason=reason, now=now)
