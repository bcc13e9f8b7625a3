"""Takes an import back as a whole: rows become tombstones, balances and proof are as if it had not been."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import transaction

from nostro.core.ids import new_id
from nostro.hub.accounts.announced import forget_announced
from nostro.hub.accounts.filling import take_back_filled
from nostro.hub.accounts.from_files import (
    after_rows_changed,
    forget_file_balances,
    prove_from_files,
    record_file_balances,
    rows_of_runs_not_fed,
    sums_per_day,
    take_out_rows,
)
from nostro.hub.accounts.models import Account
from nostro.hub.files import problems
from nostro.hub.files.importing import settle, span_of, stated_balances, tell
from nostro.hub.files.models import FileAccount, FileImport, Sighting, StagedRow
from nostro.hub.files.queries import access_import
from nostro.hub.organizations.models import Role
from nostro.hub.sync.models import Synchronization
from nostro.people import audit
from nostro.people.models import User


def undo(user: User, file_id: uuid.UUID, now: dt.datetime) -> FileImport:
    """Undo an import. Rows that another import or a connection shows too stay; all others go, and come back should
    the file be imported again. Raises NotFound for strangers, Forbidden to plain members, Problem for others than
    imported ones.
    """
    file = access_import(user, file_id, role=Role.ADMIN)
    with transaction.atomic():
        locked = FileImport.objects.select_for_update().get(pk=file.pk)
        if locked.status == "undone":
            return locked
        if locked.status != "imported":
            raise problems.not_in_this_state()
        locked.status, locked.undone_at, locked.updated_at = "undone", now, now
        locked.save(update_fields=["status", "undone_at", "updated_at"])
        imported = FileAccount.objects.filter(file=file, synchronization_id__isnull=False)
        removed = sum(_undo_account(each, user, now) for each in imported.order_by("account_id"))
        StagedRow.objects.filter(file=file).delete()
        _take_away_accounts(locked, now)
        audit.record(
            tenant_id=locked.organization_id,
            actor=user,
            action="file.undone",
            obj=locked,
            sentence=f"Undid the import of the bank file {locked.name}: {removed} transactions were taken out.",
        )
        return locked


def _take_away_accounts(file: FileImport, now: dt.datetime) -> None:
    """An account that this import added goes with it, unless something else stands on it by now: another import, a
    connection, software that reads it. Its tombstones stay, so that importing again brings the same ids back."""
    for each in FileAccount.objects.filter(file=file, decision="create", synchronization_id__isnull=False):
        account = Account.objects.get(pk=each.account_id)
        others = FileAccount.objects.filter(account=account, file__status__in=["importing", "imported"])
        is_used = (
            account.transaction_count or account.synchronized_at or account.grants.filter(removed_at=None).exists()
        )
        if not is_used and not others.exists():
            account.removed_at = now
            account.save(update_fields=["removed_at"])


def _undo_account(file_account: FileAccount, user: User, now: dt.datetime) -> int:
    account = Account.objects.select_for_update(no_key=True).get(pk=file_account.account_id)
    run_id = new_id()
    others = FileAccount.objects.filter(account=account, synchronization_id__isnull=False)
    runs = {each.synchronization_id for each in others if each.synchronization_id}
    mine = set(
        Sighting.objects.filter(statement__file_account=file_account).values_list("transaction_id", flat=True)
    ) & rows_of_runs_not_fed(account, runs)
    mine -= set(
        Sighting.objects.filter(statement__account=account, statement__file__undone_at=None).values_list(
            "transaction_id", flat=True
        )
    )
    days = [(day, -total) for day, total in sums_per_day(account, mine).items()]
    removed = take_out_rows(account, mine, run_id, now)
    assert file_account.synchronization_id is not None
    emptied = take_back_filled(account, file_account.synchronization_id, run_id, now)
    after_rows_changed(account, days)
    forget_file_balances(account, runs)
    for each in others.filter(file__undone_at=None).order_by("file__imported_at"):
        assert each.synchronization_id is not None
        record_file_balances(account, stated_balances([each]), synchronization_id=each.synchronization_id, now=now)
    prove_from_files(account, span_of(account))
    forget_announced(account, file_account.file_id)
    pending = settle(account, run_id, now)
    _note_run(account, run_id, removed, user, now)
    file_account.undone_by = run_id
    file_account.save(update_fields=["undone_by"])
    tell(account, run_id, pending, created=0, updated=removed + emptied, now=now)
    return removed


def _note_run(account: Account, run_id: uuid.UUID, removed: int, user: User, now: dt.datetime) -> None:
    Synchronization.objects.create(
        id=run_id,
        organization_id=account.organization_id,
        account=account,
        subtype="accountTransactions",
        status="success",
        trigger="undo",
        requested_by=user,
        customer_online=True,
        removed_count=removed,
        created_at=now,
        updated_at=now,
        started_at=now,
        finished_at=now,
    )
