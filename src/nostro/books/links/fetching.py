"""One fetch of one account: lease, refresh, walk, stage, classify, import, commit point (books.md 10).

A crash at any instant is repaired by the next run: batches are idempotent by their external ids, and cursor and
watermark move only in the commit point.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from uuid import UUID

from django.db import IntegrityError, transaction
from msgspec.structs import replace

from nostro.books.destinations.builtin import destination_of
from nostro.books.hub_client.client import Client, TransactionPage
from nostro.books.hub_client.errors import HubError
from nostro.books.hub_client.values import HubAccount, HubTransaction
from nostro.books.journals.balances import record_balance
from nostro.books.journals.changes import (
    Changed,
    fill_details,
    note_changes,
    note_withdrawal,
    suspect_withdrawals,
)
from nostro.books.journals.importing import BATCH_LIMIT
from nostro.books.journals.models import Alias
from nostro.books.ledger.posting import hold_locks
from nostro.books.links.classifying import Sorted, line_values, sort_items
from nostro.books.links.coverage import old_gaps
from nostro.books.links.credentials import forget_old_token
from nostro.books.links.failures import (
    clear_failures,
    count_failed_run,
    health_after_failure,
    health_after_success,
    record_failure,
    refresh_connection_state,
    waiting_for_decision,
)
from nostro.books.links.hub import ClientOf, client_of, source_of, update_account
from nostro.books.links.models import ConnectionState, FetchState, JournalLink, OnlineAccount, Run, RunStatus
from nostro.books.links.pending import link_booked, replace_pending, settle_pending
from nostro.books.links.queries import live_link, locked_account, locked_connection
from nostro.books.links.refreshing import refresh
from nostro.books.links.schedule import next_fetch, retry_at
from nostro.books.links.staging import stage
from nostro.books.links.walking import Walked
from nostro.core.calendar import booking_day
from nostro.people.models import User
from nostro.web.errors import Problem

#: Lines that one run asks for by id at most; the next run asks for the rest.
ASKED_BY_ID = 50
#: Lines that one run doubts at most, because the Hub does not show them any more.
SUSPECTED = 500
OVERLAP = dt.timedelta(days=10)
#: The longest step without a sign of life is one request; 30 s more as books.md 7 says.
LEASE = dt.timedelta(seconds=90)

#: Transactions that are staged together, and the longest time without a sign of life while pages are read.
STAGE_LIMIT = 500
BEAT_EVERY = dt.timedelta(seconds=10)

Clock = Callable[[], dt.datetime]
Sleep = Callable[[float], None]


class LeaseLost(Exception):
    """Another run took this account over; this one must not write any more."""


@transaction.atomic
def request_fetch(
    user: User | None, account: OnlineAccount, *, trigger: str, now: dt.datetime, customer_ip: str | None = None
) -> Run:
    """Start a fetch, or join the one under way. The job is deferred in the same transaction (books.md 7, 10).

    ``trigger`` is link, person, schedule, retry or takeover. Raises :class:`Problem` for an account without a journal.
    """
    account = locked_account(account.pk)
    if live_link(account) is None:
        raise Problem(
            "This account feeds no journal.", what_to_do="Link it to a journal first.", code="accountNotLinked"
        )
    running = Run.objects.filter(online_account=account, status__in=[RunStatus.QUEUED, RunStatus.RUNNING]).first()
    if running is not None:
        return running
    run = Run.objects.create(
        company_id=account.company_id,
        online_account=account,
        trigger=trigger,
        requested_by=user,
        customer_ip=customer_ip,
        states=[{"state": FetchState.QUEUED, "at": now.isoformat()}],
    )
    account.fetch_state = FetchState.QUEUED
    account.save(update_fields=["fetch_state"])
    defer_fetch(run)
    return run


def defer_fetch(run: Run) -> None:
    """Queue the job of a run; one per account waits at most."""
    from procrastinate.exceptions import AlreadyEnqueued

    from nostro.books.links.tasks import fetch_account

    try:
        with transaction.atomic():
            fetch_account.configure(queueing_lock=f"fetch:{run.online_account_id}").defer(run_id=str(run.id))
    except AlreadyEnqueued:
        # The job that waits will find this run, because jobs look for the open run of their account.
        return


def run_fetch(
    run_id: UUID,
    *,
    clock: Clock,
    client_for: ClientOf = client_of,
    sleep: Sleep = time.sleep,
    batch_limit: int = BATCH_LIMIT,
) -> Run:
    """Do one run. Failures of the Hub end in its row and never raise; anything unexpected is recorded and raised."""
    run = _take_lease(run_id, clock())
    if run is None:
        return Run.objects.get(pk=run_id)
    fetch = Fetch(run, client_for(run.online_account.connection), clock, sleep, batch_limit)
    try:
        fetch.go()
    except LeaseLost:
        pass
    except HubError as error:
        fetch.fail(error)
    except Exception as error:
        fetch.fail(HubError("B-UNEXPECTED", f"{type(error).__name__}: {error}"))
        raise
    return Run.objects.get(pk=run_id)


@transaction.atomic
def _take_lease(run_id: UUID, now: dt.datetime) -> Run | None:
    """Make the run the holder of its account; ``None`` if it is over or another one holds the account."""
    account = locked_account(Run.objects.only("online_account_id").get(pk=run_id).online_account_id)
    run = Run.objects.select_for_update(of=("self",)).select_related("online_account__connection").get(pk=run_id)
    if run.status != RunStatus.QUEUED or (account.lease_until is not None and account.lease_until > now):
        return None
    run.status, run.started_at = RunStatus.RUNNING, now
    run.save(update_fields=["status", "started_at"])
    OnlineAccount.objects.filter(pk=account.pk).update(lease_holder=str(run.id), lease_until=now + LEASE)
    run.online_account.refresh_from_db()
    return run


def _columns(account: OnlineAccount) -> dict[str, object]:
    return {each.attname: getattr(account, each.attname) for each in account._meta.concrete_fields}


class Fetch:
    """One run under its lease."""

    def __init__(self, run: Run, client: Client, clock: Clock, sleep: Sleep, batch_limit: int) -> None:
        self.run, self.client, self.clock, self.sleep = run, client, clock, sleep
        self.account = run.online_account
        #: The account as it is stored, as far as this run knows.
        self.stored = _columns(self.account)
        self.connection = self.account.connection
        self.secret = bytes(self.connection.sealed_secret)
        #: Whether the connection has been given other credentials since: what the old ones met says nothing any more.
        self.outdated = False
        self.batch_limit = batch_limit
        self.warnings: list[HubError] = []
        self.beaten_at = clock()

    def go(self) -> None:
        link = live_link(self.account)
        if link is None:
            raise HubError("L-JOURNAL-MISSING", "the account was unlinked")
        self._refresh(link)
        shown = self._read_account()
        walked = self._walk(link)
        since = walked.complete_since(link.fetch_from)
        sorted_items = sort_items(self.account, link, walked.items, source_of(self.connection), since=since)
        self._import(link, sorted_items)
        self._compare(link, walked, sorted_items)
        self._balances_and_pending(link, shown)
        # Opening, statements and proof before the commit point: whoever sees that the run is done sees them too, and
        # a crash in between is repaired by the next run.
        self.beat()
        destination_of(link.journal).close_run(link.journal, now=self.clock())
        self._commit(link, shown, walked, sorted_items)

    # --- lease -------------------------------------------------------------------------------------------------

    def beat(self, state: FetchState | None = None) -> None:
        """Extend the lease and note the state. Raises :class:`LeaseLost` where another run took over."""
        now = self.clock()
        changes: dict[str, object] = {"lease_until": now + LEASE}
        if state is not None:
            changes["fetch_state"] = state
            self.run.states.append({"state": state, "at": now.isoformat()})
        held = OnlineAccount.objects.filter(pk=self.account.pk, lease_holder=str(self.run.id))
        with transaction.atomic():
            if not held.update(**changes):
                raise LeaseLost
            self.beaten_at = now
            if state is not None:
                self.run.save(update_fields=["states", "pages", "items_read", "new_count"])

    # --- steps -------------------------------------------------------------------------------------------------

    def _refresh(self, link: JournalLink) -> None:
        """Ask the bank if the schedule says so; what goes wrong is noted and reading goes on (step 2)."""
        self.beat(FetchState.REFRESHING)
        try:
            self.run.synchronization_id = refresh(self, link)
        except HubError as error:
            if error.code == "H-CREDENTIALS":
                raise
            self.warnings.append(error)

    def _read_account(self) -> HubAccount:
        self.beat(FetchState.READING)
        shown = self.client.account(str(self.account.hub_account_id))
        if shown.deprecated:
            self.warnings.append(HubError("H-REPLACED", "the account is deprecated at the Hub"))
        return shown

    def _walk(self, link: JournalLink) -> Walked:
        walked, staged = Walked(), list[HubTransaction]()
        walked.horizon = self._horizon(link)
        for page in self._pages_kept(walked, staged):
            if self.run.pages == 0 and page.transactions:
                walked.next_cursor = page.transactions[0].id
            self.run.pages += 1
            self.run.items_read += len(page.transactions)
            staged.extend(page.transactions)
            if len(staged) >= STAGE_LIMIT or self.clock() - self.beaten_at >= BEAT_EVERY:
                self._stage(walked, staged)
            walked.cursor_met |= any(item.id == self.account.cursor for item in page.transactions)
            if walked.passes(page) and (walked.cursor_met or not self.account.cursor):
                break
        else:
            walked.reached_end = True
        self._stage(walked, staged)
        if self.account.cursor and not walked.cursor_met:
            self.warnings.append(HubError("H-CURSOR-LOST", "the list ended before the cursor"))
        return walked

    def _pages_kept(self, walked: Walked, staged: list[HubTransaction]) -> Iterator[TransactionPage]:
        """The Hub's pages; where it fails in the middle, what it sent until then goes to the raw store first."""
        try:
            yield from self.client.walk(str(self.account.hub_account_id))
        except HubError:
            self._stage(walked, staged)
            raise

    def _horizon(self, link: JournalLink) -> dt.date:
        """A page that is wholly older than this ends the walk (step 4)."""
        if self.account.cursor and self.account.watermark_date:
            return self.account.watermark_date - OVERLAP
        return link.fetch_from - OVERLAP

    def _stage(self, walked: Walked, items: list[HubTransaction]) -> None:
        """Append every payload before anything is decided about it (step 5), and empty the list.

        Several pages at once, because a commit waits for the disk; what a crash loses is read again by the next run.
        """
        source, done = source_of(self.connection), self.account.last_fetch_at
        with transaction.atomic():  # one commit for the lease and the payloads
            self.beat()
            seen = stage(self.account, source, items, run_id=self.run.id, now=self.clock())
        walked.fresh |= {key for key, first_seen in seen.items() if done is None or first_seen >= done}
        # The payloads are in the raw store now; a long walk would fill the memory with them.
        walked.items.extend(replace(item, payload="") for item in items)
        items.clear()

    def _import(self, link: JournalLink, items: Sorted) -> None:
        """Aliases of known lines first, then new lines in batches, each a transaction of its own (step 7)."""
        self.beat(FetchState.IMPORTING)
        items.store_aliases(self.account)
        destination = destination_of(link.journal)
        for start in range(0, len(items.new), self.batch_limit):
            batch = items.new[start : start + self.batch_limit]
            with transaction.atomic():
                hold_locks(link.journal.company)
                self.beat()
                self._require_link(link)
                try:
                    destination.import_batch(
                        link.journal, batch, identity=self.account.identity, run_id=self.run.id, now=self.clock()
                    )
                except IntegrityError as error:
                    raise LeaseLost from error
            self.run.new_count += len(batch)

    @staticmethod
    def _require_link(link: JournalLink) -> None:
        """Somebody may unlink or disconnect the account while it is read: what was not posted yet is left out then."""
        if JournalLink.objects.select_for_update(no_key=True).filter(pk=link.pk, unlinked_at=None).first() is None:
            raise HubError("L-JOURNAL-MISSING", "the account was unlinked while it was read")

    def _compare(self, link: JournalLink, walked: Walked, items: Sorted) -> None:
        """What the bank did to transactions that are booked already: details, changes, withdrawals (books.md 10)."""
        self.beat()
        known, journal = items.known_lines, link.journal
        fresh = {key: line_values(self.account, item) for key, item in known.items() if item.id in walked.fresh}
        fill_details(journal, fresh)
        changed = [
            Changed(
                outcome.line.id,
                outcome.item.amount,
                outcome.item.currency,
                outcome.item.booking_date,
                outcome.item.fingerprint,
            )
            for outcome in items.changed
            if outcome.line is not None
        ]
        note_changes(journal, changed, known.keys())
        since = walked.complete_since(link.fetch_from)
        absent = sorted(line.id for line in items.unseen if line.booking_date >= since)[:SUSPECTED]
        for line_id in suspect_withdrawals(journal, absent)[:ASKED_BY_ID]:
            self._ask_for(line_id)

    def _ask_for(self, line_id: UUID) -> None:
        """Ask the Hub for a line that it did not list, by every id of this Hub."""
        source, account = source_of(self.connection), self.account
        ids = Alias.objects.filter(line_id=line_id, source=source, epoch=account.epoch)
        found = any(
            self.client.has_transaction(str(account.hub_account_id), external_id)
            for external_id in ids.values_list("external_id", flat=True)
        )
        self.beat()
        note_withdrawal(line_id, was_found=found)

    def _balances_and_pending(self, link: JournalLink, shown: HubAccount) -> None:
        """Failing balances or pending items never block transactions (step 8)."""
        self.beat()
        update_account(self.account, shown)
        if self.account.current_balance is not None:
            record_balance(
                link.journal,
                kind="current",
                amount=self.account.current_balance,
                reference_date=self.account.current_balance_date,
                observed_at=self.clock(),
                run_id=self.run.id,
            )
        try:
            link_booked(link.journal)
            replace_pending(link.journal, self.client.walk(shown.id, pending=True), now=self.clock())
        except HubError as error:
            if error.code != "H-NOT-AUTHORISED":  # a Hub without pending items has nothing at this path
                self.warnings.append(error)

    # --- ends --------------------------------------------------------------------------------------------------

    @transaction.atomic
    def _commit(self, link: JournalLink, shown: HubAccount, walked: Walked, items: Sorted) -> None:
        """The commit point: cursor, watermark, run and health in one transaction (step 9)."""
        self._hold_connection()
        self.beat()
        now, account = self.clock(), self.account
        was_reset = self._was_reset()
        if not was_reset:
            account.cursor = walked.next_cursor or account.cursor
        if shown.synchronized_at is not None:
            stated = min(booking_day(shown.synchronized_at, link.company.time_zone), link.journal.today(now))
            account.watermark_date = max(account.watermark_date or stated, stated)
            self.run.synchronized_at = shown.synchronized_at
            self.run.covered_from = max(walked.horizon, link.fetch_from)
        account.failures, account.failing_since = 0, None
        account.last_fetch_at = now
        if not self.outdated:
            account.health = self._health(now)
        account.last_result = self._result(items)
        account.next_fetch_at = now if was_reset else self._planned(link, now)
        self._release(FetchState.IDLE)
        settle_pending(link.journal, now=now)
        self._finish(RunStatus.DONE, now, items)
        forget_old_token(self.run)
        if not self.outdated:
            self._tell(link, now)

    def _tell(self, link: JournalLink, now: dt.datetime) -> None:
        """What was wrong and no longer is, and what is wrong now."""
        account = self.account
        if gaps := old_gaps(link, now=now):
            self.warnings.append(HubError("D-GAP", f"{gaps[0].date_from} to {gaps[0].date_to}, {len(gaps)} in all"))
        self.warnings += waiting_for_decision(link.journal)
        codes = frozenset(error.kind.code for error in self.warnings)
        clear_failures(account, now=now, keep=codes)
        for error in self.warnings:
            if error.kind.klass != "info":
                record_failure(self.connection, account, error, now=now)
        refresh_connection_state(self.connection)

    def _hold_connection(self) -> None:
        """Before the account, as everybody does who holds both; and see whether its credentials are still ours."""
        self.connection = locked_connection(self.connection.pk)
        self.outdated = bytes(self.connection.sealed_secret) != self.secret

    def _health(self, now: dt.datetime) -> str:
        bad = (error for error in self.warnings if error.kind.klass == "action_required")
        error = next(bad, None)
        return health_after_failure(self.account, error, now) if error else health_after_success(self.account, now)

    def _result(self, items: Sorted) -> str:
        """The sentence of the journal card (books.md 7)."""
        if items.new:
            return f"{len(items.new)} new"
        waiting = next((error for error in self.warnings if error.code in {"H-QUOTA", "H-RECENT"}), None)
        if waiting is not None and waiting.retry_after is not None:
            return f"not allowed before {self.clock() + waiting.retry_after:%H:%M} UTC"
        if waiting is not None or any(error.kind.klass == "bank_down" for error in self.warnings):
            seen = self.account.synchronized_at
            return f"nothing new: bank data as of {seen:%d %b %H:%M} UTC" if seen else "nothing new"
        return "0 new"

    def _planned(self, link: JournalLink, now: dt.datetime) -> dt.datetime | None:
        stopped = self.connection.state in {ConnectionState.PAUSED, ConnectionState.DISCONNECTED}
        current = JournalLink.objects.get(pk=link.pk)
        if stopped or current.unlinked_at is not None:
            return None
        if self.outdated:
            return now  # the new credentials are tried at once
        if not self.connection.automatic_sync:
            return None
        return next_fetch(
            current.fetch_schedule, current.fetch_times, self.account.id, after=now, zone=link.company.time_zone
        )

    def _was_reset(self) -> bool:
        """Whether the cursor was reset since the run began, by a person or a new epoch: it stays so, and the next fetch
        reads it all again."""
        stored = OnlineAccount.objects.values("cursor", "epoch").get(pk=self.account.pk)
        return stored != {name: self.stored[name] for name in stored}

    def _release(self, state: FetchState) -> None:
        """End the lease. Only what this run changed is written: people may have changed the rest meanwhile."""
        account = self.account
        account.fetch_state, account.lease_holder, account.lease_until = state, "", None
        changed = [name for name, value in _columns(account).items() if value != self.stored[name]]
        account.save(update_fields=[*{*changed, "fetch_state", "lease_holder", "lease_until"}])

    def _finish(self, status: RunStatus, now: dt.datetime, items: Sorted | None = None, code: str = "") -> None:
        run = self.run
        run.status, run.finished_at, run.customer_ip = status, now, None
        run.request_ids = self.client.request_ids[-50:]
        run.error_code, run.result = code, self.account.last_result
        run.states.append({"state": "done" if status == RunStatus.DONE else "failed", "at": now.isoformat()})
        if items is not None:
            run.new_count, run.known_count = len(items.new), items.known
            run.held_count, run.changed_count, run.early_count = items.held, len(items.changed), items.early
        run.save()

    def fail(self, error: HubError) -> None:
        """End the run with a failure, in a transaction of its own; cursor and watermark stay as they were."""
        now = self.clock()
        with transaction.atomic():
            self._hold_connection()
            account = locked_account(self.account.pk)
            if account.lease_holder != str(self.run.id):
                return
            self.stored, self.account = _columns(account), account
            link = live_link(account)
            planned = self._planned(link, now) if link else None
            if self.outdated:
                account.next_fetch_at = planned
                self._release(FetchState.IDLE)
                self._finish(RunStatus.FAILED, now, code=error.kind.code)
                return
            count_failed_run(account, now)
            retried = error.kind.klass in {"wait", "bank_down", "quota"} and planned is not None
            account.next_fetch_at = retry_at(account.failures, now=now, planned=planned) if retried else planned
            if error.retry_after is not None and account.next_fetch_at is not None:
                account.next_fetch_at = max(account.next_fetch_at, now + error.retry_after)
            account.health = health_after_failure(account, error, now)
            account.last_result = error.kind.sentence
            self._release(FetchState.WAITING if retried else FetchState.FAILED)
            if link is not None:  # who unlinked the account meanwhile need not be told that it cannot be read
                record_failure(self.connection, account, error, now=now)
            self._finish(RunStatus.FAILED, now, code=error.kind.code)
            refresh_connection_state(self.connection)
