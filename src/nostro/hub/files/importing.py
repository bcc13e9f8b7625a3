"""Stores a confirmed file: rows, balances, proof, events and a run in each account's history, in one transaction."""

from __future__ import annotations

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction

from nostro.core.ids import new_id
from nostro.core.transactions import Balance, Window
from nostro.hub.accounts.announced import (
    fill_from_notices,
    first_announced_day,
    keep_announced,
    note_final_days,
    settle_announced,
)
from nostro.hub.accounts.filling import fill_from_staged
from nostro.hub.accounts.from_files import (
    FileSpan,
    add_staged,
    after_rows_changed,
    bring_back_rows,
    prove_from_files,
    record_file_balances,
)
from nostro.hub.accounts.models import Account
from nostro.hub.accounts.pending import PendingCounts
from nostro.hub.accounts.rows import copy_rows
from nostro.hub.events.services import record_event
from nostro.hub.files import leases
from nostro.hub.files.comparing import Found, Stretch, compare
from nostro.hub.files.models import FileAccount, FileImport, FileStatement, Sighting, StagedRow
from nostro.hub.sync.models import Synchronization
from nostro.people import audit


def import_rows(file: FileImport, now: dt.datetime, reached: Callable[[str], None]) -> None:
    """Store the file and note that it is imported; all of it or nothing. Raises ``LeaseLost``."""
    with transaction.atomic():
        locked = leases.lock(file, "importing")
        accounts = FileAccount.objects.filter(file=file, account__isnull=False, refusal="").exclude(decision="skip")
        StagedRow.objects.filter(file=file).exclude(held="").update(held="", like=None)  # what the preview found
        # Always in the same order, so that two files of the same accounts wait for each other instead of locking up.
        for file_account in accounts.order_by("account_id"):
            assert file_account.account_id is not None
            account = Account.objects.select_for_update(no_key=True).get(pk=file_account.account_id)
            _AccountImport(locked, file_account, account, now).run()
            reached("account imported")
        StagedRow.objects.filter(file=file, held="")._raw_delete("default")
        locked.status, locked.imported_at, locked.updated_at, locked.lease_until = "imported", now, now, None
        locked.save(update_fields=["status", "imported_at", "updated_at", "lease_until"])
        which = "the proved statements of the bank file" if locked.proved_only else "the bank file"
        audit.record(
            tenant_id=locked.organization_id,
            actor=locked.handed_in_by,
            action="file.imported",
            obj=locked,
            sentence=f"Imported {which} {locked.name}.",
            after={"reason": locked.reason} if locked.reason else None,
        )
        reached("import written")
    reached("imported")


@dataclass(slots=True)
class _AccountImport:
    """The rows of one account of a file."""

    file: FileImport
    file_account: FileAccount
    account: Account
    now: dt.datetime
    #: Stored rows whose empty texts the file filled.
    filled: int = 0

    def run(self) -> None:
        run_id = new_id()
        sums: defaultdict[dt.date, Decimal] = defaultdict(Decimal)

        def write(stretch: Stretch, found: Found) -> None:
            self.filled += self._write(stretch, found, run_id)
            for day, amount in stretch.days:
                sums[day] += amount

        found = compare(self.file_account, self.account, add_held=self.file.add_held, write=write)
        FileStatement.objects.filter(file_account=self.file_account, left_out=False).update(account=self.account)
        after_rows_changed(self.account, sums.items())
        changed = record_file_balances(
            self.account, stated_balances([self.file_account]), synchronization_id=run_id, now=self.now
        )
        prove_from_files(self.account, span_of(self.account))
        pending = self._announce(run_id)
        self._note(found, pending, run_id)
        self._tell(found, pending, run_id, balance_changed=changed)

    def _announce(self, run_id: uuid.UUID) -> PendingCounts:
        """Rows that the file only announces are pending until they are booked, by this file or another."""
        statements = FileStatement.objects.filter(file_account=self.file_account, left_out=False)
        keep_announced(
            self.account,
            StagedRow._meta.db_table,
            self.file.pk,
            list(statements.values_list("id", flat=True)),
            self.now,
        )
        self.filled += fill_from_notices(self.account, run_id, self.now)
        return settle(self.account, run_id, self.now)

    def _write(self, stretch: Stretch, found: Found, run_id: uuid.UUID) -> int:
        """Store one stretch; returns how many stored rows gained a text."""
        add_staged(self.account, StagedRow._meta.db_table, stretch.placed, run_id, self.now)
        bring_back_rows(self.account, stretch.restored, run_id, self.now)
        filled = fill_from_staged(self.account, StagedRow._meta.db_table, stretch.shown, run_id, self.now)
        copy_rows(
            Sighting._meta.db_table,
            ("organization_id", "statement_id", "transaction_id", "number", "fingerprint"),
            (
                (self.account.organization_id, seen.statement_id, seen.transaction_id, seen.number,
                 bytes.fromhex(seen.fingerprint))
                for seen in stretch.seen
            ),
        )  # fmt: skip
        held = {each.row.number: each for each in found.held_rows}
        rows = list(StagedRow.objects.filter(file=self.file, number__in=held).only("id", "number"))
        for row in rows:
            row.held, row.like = held[row.number].reason, held[row.number].like
        StagedRow.objects.bulk_update(rows, ["held", "like"], batch_size=500)
        return filled

    def _note(self, found: Found, pending: PendingCounts, run_id: uuid.UUID) -> None:
        note_found(self.file_account, found)
        self.file_account.synchronization_id = run_id
        self.file_account.save()
        days = FileStatement.objects.filter(file_account=self.file_account, first_day__isnull=False, left_out=False)
        Synchronization.objects.create(
            id=run_id,
            organization_id=self.account.organization_id,
            account=self.account,
            subtype="accountTransactions",
            status="success",
            trigger="file",
            requested_by=self.file.handed_in_by,
            customer_online=True,
            window_from=min((each.first_day for each in days if each.first_day), default=None),
            window_to=max((each.last_day for each in days if each.last_day), default=None),
            pages=1,
            rows_read=self.file_account.rows + self.file_account.announced + self.file_account.left_out,
            created_count=found.new,
            updated_count=found.restored + self.filled,
            known_count=found.known,
            pending_created_count=pending.created,
            pending_updated_count=pending.removed + pending.linked,
            warnings=_warnings(self.file_account),
            created_at=self.now,
            updated_at=self.now,
            started_at=self.now,
            finished_at=self.now,
        )

    def _tell(self, found: Found, pending: PendingCounts, run_id: uuid.UUID, *, balance_changed: bool) -> None:
        tell(self.account, run_id, pending, created=found.new, updated=found.restored + self.filled, now=self.now)
        if not (found.new or found.restored or balance_changed or pending != PendingCounts()):
            record_event(
                self.account.organization_id,
                "synchronization.succeededWithoutChange",
                account_id=self.account.pk,
                synchronization_id=run_id,
                attributes={"synchronizationSubtype": "accountTransactions"},
                now=self.now,
            )


def note_found(file_account: FileAccount, found: Found) -> None:
    """Put the counts of a comparison at the account of the file; the caller saves it."""
    file_account.new, file_account.known, file_account.restored = found.new, found.known, found.restored
    file_account.held, file_account.not_shown, file_account.held_sum = found.held, found.not_shown, found.held_sum


def settle(account: Account, run_id: uuid.UUID, now: dt.datetime) -> PendingCounts:
    """Make the pending rows of files those that still stand, after statements were imported or taken back."""
    first = first_announced_day(account)
    if first is not None:
        live = FileStatement.objects.filter(account=account, file__undone_at=None, complete_to__gte=first)
        days = live.filter(left_out=False).values_list("complete_from", "complete_to")
        note_final_days(account, [Window(begin, end) for begin, end in days if begin and end])
    return settle_announced(account, run_id, now)


def tell(
    account: Account, run_id: uuid.UUID, pending: PendingCounts, *, created: int, updated: int, now: dt.datetime
) -> None:
    """The events of changed rows (hub-api.md section 10)."""
    told = {
        "account.transactionsCreated": created,
        "account.transactionsUpdated": updated,
        "account.pendingTransactionsCreated": pending.created,
        "account.pendingTransactionsUpdated": pending.removed + pending.linked,
    }
    for event_type, count in told.items():
        if count:
            record_event(
                account.organization_id,
                event_type,
                account_id=account.pk,
                synchronization_id=run_id,
                attributes={"count": count},
                now=now,
            )


def _warnings(file_account: FileAccount) -> list[str]:
    told = {
        "rows were held: they look like stored ones, were withdrawn, or the bank's connection does not show them": (
            file_account.held
        ),
        "rows were left out: they are for information": file_account.left_out,
        "stored transactions of these days are not in the file; they stay": file_account.not_shown,
    }
    return [f"{count} {words}" for words, count in told.items() if count]


def stated_balances(accounts: Iterable[FileAccount]) -> list[Balance]:
    """The balances that the statements of these accounts of files state, in the order of the files. Those of intraday
    reports and notifications are none of a closed day (formats.md 6.1)."""
    found = []
    statements = FileStatement.objects.filter(file_account__in=list(accounts), left_out=False)
    for statement in statements.exclude(kind__in=["report", "notification"]).order_by("file_id", "index"):
        found += [_balance(values) for values in statement.balances]
    return found


def _balance(values: dict[str, Any]) -> Balance:
    day = values["day"]
    return Balance(
        values["type"],
        Decimal(values["amount"]),
        values["currency"],
        values["credit_limit_included"],
        reference_date=dt.date.fromisoformat(day) if day else None,
    )


def span_of(account: Account) -> FileSpan | None:
    """From the oldest opening to the newest closing balance that the imported statements of an account state."""
    live = FileStatement.objects.filter(
        account=account, file__undone_at=None, opening__isnull=False, closing__isnull=False, closing_day__isnull=False
    ).exclude(kind__in=["report", "notification"])
    dated = live.exclude(complete_from=None, first_day=None)
    first = _end(list(dated.order_by("complete_from", "first_day", "index")[:50]), _begin, "opening", "closing")
    last = _end(list(dated.order_by("-closing_day", "-last_day", "-index")[:50]), _closing, "closing", "opening")
    if first is None or last is None or first.opening is None or last.closing is None:
        return None
    begin, end = _begin(first), _closing(last)
    return FileSpan(begin, first.opening, end, last.closing) if begin and end and begin <= end else None


def _begin(statement: FileStatement) -> dt.date | None:
    return statement.complete_from or statement.first_day


def _closing(statement: FileStatement) -> dt.date | None:
    return statement.closing_day


def _end(
    statements: Sequence[FileStatement], day: Callable[[FileStatement], dt.date | None], mine: str, other: str
) -> FileStatement | None:
    """Of the statements of the outermost day, the one that no other of that day goes before (or behind)."""
    same = [each for each in statements if day(each) == day(statements[0])]
    neighbours = {getattr(each, other) for each in same if getattr(each, mine) != getattr(each, other)}
    return next((each for each in same if getattr(each, mine) not in neighbours), same[0] if same else None)
