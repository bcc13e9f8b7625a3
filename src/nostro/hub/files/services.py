"""The verbs of this room: hand in files, say what their accounts are, confirm, discard, undo."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from nostro.formats.csv.looking import TableHead
from nostro.hub.accounts.models import Account
from nostro.hub.accounts.queries import access_account
from nostro.hub.files import problems
from nostro.hub.files.answers import checked_answers, remember
from nostro.hub.files.identifying import add_account, find_bank, likely_bank
from nostro.hub.files.limits import MAX_WAITING
from nostro.hub.files.models import FileAccount, FileImport, FilePart, FileStatement
from nostro.hub.files.queries import access_import, accounts_in
from nostro.hub.files.receiving import hand_in
from nostro.hub.files.staging import clear
from nostro.hub.files.undoing import undo
from nostro.hub.organizations.models import Role
from nostro.people import audit
from nostro.people.models import User
from nostro.web.tables.answers import head_in

__all__ = ["Answer", "answer", "confirm", "discard", "hand_in", "undo"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person says about an account of a file that is unknown: ``create`` at a bank (name, BIC or number; empty
    for the likely one), ``same`` as an account, or ``skip``."""

    decision: str
    bank: str = ""
    account_id: uuid.UUID | None = None


def confirm(
    user: User,
    file_id: uuid.UUID,
    answers: Mapping[uuid.UUID, Answer],
    now: dt.datetime,
    *,
    add_held: bool = False,
    reason: str = "",
    proved_only: bool = False,
) -> FileImport:
    """Import a file that waits, as a job. ``answers`` are for its unknown accounts, by the id of ``FileAccount``.

    ``proved_only`` leaves out the statements that nothing proves; without it a file whose balances do not add up needs
    a ``reason``. ``add_held`` says that rows which look like stored ones, or which the bank's connection does not show,
    are real. Confirming twice is the same as once. Raises NotFound for strangers, Forbidden to plain members, Problem
    for what is missing or wrong.
    """
    file = access_import(user, file_id, role=Role.ADMIN)
    from nostro.hub.files.tasks import defer_import

    with transaction.atomic():
        locked = FileImport.objects.select_for_update(of=("self",)).select_related("organization").get(pk=file.pk)
        if locked.status in {"importing", "imported"}:
            return locked
        if locked.status != "waiting":
            raise problems.not_in_this_state()
        if locked.quarantined and not reason.strip() and not proved_only:
            raise problems.quarantined()
        if proved_only and not _leave_out_unproved(locked):
            raise problems.nothing_proved()
        taken = [_decide(user, locked, each, answers.get(each.pk), now) for each in accounts_in(locked)]
        if not any(taken):
            raise problems.nothing_to_import()
        locked.status, locked.add_held, locked.reason = "importing", add_held, reason.strip()[:500]
        locked.proved_only = proved_only
        locked.lease_until, locked.attempts, locked.updated_at = None, 0, now
        locked.save()
        defer_import(locked)
        return locked


def _leave_out_unproved(file: FileImport) -> int:
    """Mark the statements that are not proved, or of which a row is doubted; returns how many others there are."""
    doubted = [each["statement"] for each in file.problems if each["severity"] == "quarantine" and each["statement"]]
    proved = FileStatement.objects.filter(file=file, proof="proved").exclude(totals="failed").exclude(index__in=doubted)
    count = proved.count()
    FileStatement.objects.filter(file=file).exclude(pk__in=proved.values("pk")).update(left_out=True)
    return count


def _decide(user: User, file: FileImport, file_account: FileAccount, answer: Answer | None, now: dt.datetime) -> bool:
    """Whether rows of this account are imported."""
    if file_account.refusal:
        return False
    if answer is not None and answer.decision == "skip":
        file_account.decision = "skip"
        file_account.save(update_fields=["decision"])
        return False
    if file_account.account_id is not None:
        return True
    if answer is None or answer.decision not in {"create", "same"}:
        raise problems.account_undecided(file_account.number or file_account.display_name or file_account.currency)
    file_account.account = (
        _chosen(user, file, file_account, answer)
        if answer.decision == "same"
        else _added(file, file_account, answer, now)
    )
    file_account.decision = answer.decision
    file_account.save(update_fields=["account", "decision"])
    return True


def _chosen(user: User, file: FileImport, file_account: FileAccount, answer: Answer) -> Account:
    if answer.account_id is None:
        raise problems.account_undecided(file_account.number)
    account = access_account(user, answer.account_id)
    if account.organization_id != file.organization_id or account.is_sandbox != file.is_sandbox:
        raise problems.account_undecided(file_account.number)
    if account.currency != file_account.currency:
        raise problems.currency_differs(file_account.number)
    return account


def _added(file: FileImport, file_account: FileAccount, answer: Answer, now: dt.datetime) -> Account:
    bank = (
        find_bank(answer.bank, is_sandbox=file.is_sandbox, country=_country(file_account))
        if answer.bank.strip()
        else likely_bank(file_account, is_sandbox=file.is_sandbox)
    )
    if bank is None:
        raise problems.unknown_bank()
    return add_account(file, file_account, bank, now)


def _country(file_account: FileAccount) -> str:
    return file_account.number[:2] if file_account.number_kind == "iban" else ""


def answer(
    user: User,
    file_id: uuid.UUID,
    answers: Mapping[str, Any],
    now: dt.datetime,
    *,
    is_remembered: bool = False,
) -> FileImport:
    """Read a file again with what a person said (the words of ``FileImport.answers``), as a job.

    ``is_remembered`` keeps the mapping for tables like this one; those that wait for the same answer, as others of its
    archive, are read by it too. Raises NotFound for strangers, Forbidden to plain members, Problem for a file that is
    imported or worked on, and for answers that cannot be used.
    """
    file = access_import(user, file_id, role=Role.ADMIN)

    with transaction.atomic():
        locked = FileImport.objects.select_for_update(of=("self",)).select_related("organization", "account").get(
            pk=file.pk
        )  # fmt: skip
        if locked.status not in {"waiting", "asking", "failed"} or not locked.parts.exists():
            raise problems.not_in_this_state()
        locked.answers = checked_answers(answers)
        head = head_in(locked.looked)
        if is_remembered and head is not None and locked.answers.get("mapping"):
            remember(locked, head, locked.answers["mapping"], user, now)
            for each in _waiting_alike(locked, head):
                _read_again(each, now)
        _read_again(locked, now)
        return locked


def _waiting_alike(file: FileImport, head: TableHead) -> list[FileImport]:
    """Other tables like this one about which nobody has said anything; those that somebody answers now are left out."""
    asking = FileImport.objects.filter(
        organization=file.organization, is_sandbox=file.is_sandbox, account=file.account, status="asking"
    )
    found = asking.exclude(pk=file.pk).select_for_update(of=("self",), skip_locked=True).order_by("pk")[:MAX_WAITING]
    heads = ((each, head_in(each.looked)) for each in found if not each.answers.get("mapping"))
    return [each for each, its in heads if its is not None and its.signature == head.signature]


def _read_again(file: FileImport, now: dt.datetime) -> None:
    from nostro.hub.files.tasks import defer_reading

    file.status, file.lease_until, file.attempts, file.updated_at = "received", None, 0, now
    file.save(update_fields=["answers", "status", "lease_until", "attempts", "updated_at"])
    defer_reading(file)


def discard(user: User, file_id: uuid.UUID, now: dt.datetime) -> FileImport:
    """Forget a file that was not imported; its bytes and rows are deleted, the remark that it was here stays.

    Raises NotFound for strangers, Forbidden to plain members, Problem for one that is imported or worked on.
    """
    file = access_import(user, file_id, role=Role.ADMIN)
    with transaction.atomic():
        locked = FileImport.objects.select_for_update().get(pk=file.pk)
        if locked.status == "discarded":
            return locked
        if locked.status not in {"waiting", "asking", "failed", "received"}:
            raise problems.not_in_this_state()
        clear(locked)
        FilePart.objects.filter(file=locked).delete()
        locked.status, locked.updated_at, locked.lease_until = "discarded", now, None
        locked.save(update_fields=["status", "updated_at", "lease_until"])
        audit.record(
            tenant_id=locked.organization_id,
            actor=user,
            action="file.discarded",
            obj=locked,
            sentence=f"Discarded the bank file {locked.name}.",
        )
        return locked
