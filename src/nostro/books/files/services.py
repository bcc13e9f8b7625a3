"""The verbs of this room: hand in files for a journal, confirm, discard, undo (formats.md 9)."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

from django.db import transaction

from nostro.books.companies.models import Company, Role
from nostro.books.companies.queries import access_company, require_role
from nostro.books.files.asking import WHOLE, remember, table_of, with_answers, without_recalled
from nostro.books.files.models import (
    JournalFile,
    JournalFileAccount,
    JournalFilePart,
    JournalFileStatement,
    StagedLine,
)
from nostro.books.files.undoing import undo_import
from nostro.books.journals.models import Journal
from nostro.books.journals.queries import access_journal
from nostro.core.ids import new_id
from nostro.core.text import clean
from nostro.keys.envelope import value_context
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem
from nostro.web.secrets import open_sealed, seal
from nostro.web.tables.answers import checked

MIB = 1 << 20
MAX_UPLOAD_BYTES = 128 * MIB
MAX_FILES = 50
#: Files of one company that may wait for a person.
MAX_WAITING = 200
PART_BYTES = 4 * MIB


class Upload(Protocol):
    """A file as Django hands it over."""

    @property
    def name(self) -> str | None: ...

    def chunks(self) -> Iterable[bytes]: ...


def access_file(user: User, file_id: UUID, *, role: Role | None = None) -> JournalFile:
    """A file of one of the person's companies. Raises NotFound for unknown and foreign ones, Forbidden."""
    found = JournalFile.objects.select_related("company", "journal", "handed_in_by").filter(pk=file_id).first()
    if found is None:
        raise NotFound("file")
    require_role(user, found.company_id, role, "file")
    return found


@transaction.atomic
def hand_in(
    user: User, company_id: UUID, uploads: Sequence[Upload], now: dt.datetime, *, journal_id: UUID | None = None
) -> list[JournalFile]:
    """Keep files, sealed, and have a worker read each. All or none are taken.

    With ``journal_id`` they are for that journal; without, each of their accounts goes to the journal of its number.
    Raises NotFound for strangers, Forbidden to readers, Problem for none, too many and too large ones.
    """
    company = access_company(user, company_id, role=Role.CLERK)
    journal = access_journal(user, journal_id, role=Role.CLERK) if journal_id else None
    if journal is not None and journal.company_id != company.pk:
        raise NotFound("journal")
    if not uploads:
        raise Problem("No file was chosen.", what_to_do="Choose a statement file.", code="noFile", field="uploads")
    if len(uploads) > MAX_FILES:
        raise Problem(
            f"At most {MAX_FILES} files are taken at once.", what_to_do="Hand in a part of them first.",
            code="tooManyFiles", field="uploads",
        )  # fmt: skip
    open_ = JournalFile.objects.filter(company=company, status__in=["received", "reading", "asking", "waiting"])
    if open_.count() + len(uploads) > MAX_WAITING:
        raise Problem(
            "Too many files wait for you.", why="Each waits until it is imported or discarded.",
            what_to_do="Confirm or discard some of them first.", code="tooManyFilesWaiting", field="uploads",
        )  # fmt: skip
    return [_store(user, company, journal, upload, now) for upload in uploads]


def _store(user: User, company: Company, journal: Journal | None, upload: Upload, now: dt.datetime) -> JournalFile:
    from nostro.books.files.tasks import defer

    name = clean((upload.name or "").replace("\\", "/").rsplit("/", 1)[-1], 200) or "file"
    file = JournalFile.objects.create(
        company=company, journal=journal, name=name, handed_in_by=user, created_at=now, updated_at=now
    )
    digest, waiting = hashlib.sha256(), bytearray()
    for chunk in upload.chunks():
        digest.update(chunk)
        file.size += len(chunk)
        waiting += chunk
        if file.size > MAX_UPLOAD_BYTES:
            raise Problem(
                f"The file {name} is too large.", why=f"At most {MAX_UPLOAD_BYTES // MIB} MiB are taken.",
                what_to_do="Ask the bank for a shorter period.", code="F-TOO-LARGE", field="uploads",
            )  # fmt: skip
        if len(waiting) >= PART_BYTES:
            _seal_part(file, bytes(waiting))
            waiting.clear()
    _seal_part(file, bytes(waiting))
    file.sha256 = digest.hexdigest()
    file.save()
    record(
        tenant_id=file.company_id, actor=user, action="file.handed_in", obj=file,
        sentence=f"Handed in the bank file {name}{f' for {journal.code}' if journal else ''}.",
    )  # fmt: skip
    defer(file)
    return file


def _seal_part(file: JournalFile, piece: bytes) -> None:
    part_id, number = new_id(), file.parts.count() + 1
    JournalFilePart.objects.create(
        id=part_id, file=file, number=number, sealed_bytes=seal(piece, context=_context(part_id))
    )


def bytes_of(file: JournalFile) -> list[bytes]:
    """The file as it came, in parts."""
    parts = JournalFilePart.objects.filter(file=file).order_by("number")
    return [open_sealed(part.sealed_bytes, context=_context(part.pk)) for part in parts]


def _context(part_id: UUID) -> str:
    return value_context("books_files_journalfilepart", "sealed_bytes", part_id)


@transaction.atomic
def confirm(
    user: User, file_id: UUID, now: dt.datetime, *, answers: Mapping[UUID, str] | None = None, reason: str = ""
) -> JournalFile:
    """Import a file that waits, as a job. One whose balances do not add up needs an accountant and a reason.

    ``answers`` says for an account of the file: import, create (a journal for it, which an owner may) or skip; what is
    not named stays as proposed. Confirming twice is the same as once. Raises NotFound, Forbidden, Problem.
    """
    from nostro.books.files.tasks import defer

    file = access_file(user, file_id, role=Role.CLERK)
    locked = JournalFile.objects.select_for_update().get(pk=file.pk)
    if locked.status in {"importing", "imported"}:
        return locked
    if locked.status != "waiting":
        raise not_in_this_state()
    _answer(user, locked, answers or {})
    if locked.quarantined:
        access_file(user, file_id, role=Role.ACCOUNTANT)
        if not reason.strip():
            raise Problem(
                "The balances of this file do not add up.", why="A row may be missing, doubled or wrong.",
                what_to_do="Compare it with the bank's statement. To import it as it is, give the reason.",
                code="F-BALANCE", field="reason",
            )  # fmt: skip
    locked.status, locked.reason, locked.lease_until, locked.attempts = "importing", reason.strip()[:500], None, 0
    locked.updated_at, locked.confirmed_by = now, user
    locked.save()
    defer(locked)
    return locked


def _answer(user: User, file: JournalFile, answers: Mapping[UUID, str]) -> None:
    """Keep what a person says about the accounts of a file. Raises Problem for what is not said or not possible."""
    accounts = list(JournalFileAccount.objects.select_for_update(of=("self",)).filter(file=file, refusal=""))
    for account in accounts:
        answer = answers.get(account.pk, account.decision)
        if not answer:
            raise Problem(
                f"It is not said what becomes of the account {account}.", what_to_do="Choose for each account.",
                code="accountUndecided", field=str(account.pk),
            )  # fmt: skip
        possible = {"skip", "import"} if account.journal_id else {"skip", "create"}
        if answer not in possible:
            raise Problem(
                f"This cannot be done with the account {account}.", what_to_do="Choose one of the offered answers.",
                code="invalid", field=str(account.pk),
            )  # fmt: skip
        if answer == "create":
            require_role(user, file.company_id, Role.OWNER, "file")
        if answer != account.decision:
            account.decision = answer
            account.save(update_fields=["decision"])
    if not any(account.takes_part for account in accounts):
        raise Problem(
            "All accounts of this file are left out.", what_to_do="Choose one to import, or discard the file.",
            code="nothingToImport",
        )  # fmt: skip


@transaction.atomic
def answer(
    user: User, file_id: UUID, answers: Mapping[str, Any], now: dt.datetime, *, table: int = WHOLE,
    is_remembered: bool = False,
) -> JournalFile:  # fmt: skip
    """Read a file again with what a person said about one of its tables (mapping, sheet, encoding, account, currency).

    ``is_remembered`` keeps the mapping for tables like it. Raises NotFound for strangers and unknown tables, Forbidden
    to readers, Problem for a file that is imported or worked on, and for answers that cannot be used.
    """
    from nostro.books.files.tasks import defer

    file = access_file(user, file_id, role=Role.CLERK)
    locked = JournalFile.objects.select_for_update(of=("self",)).select_related("company", "journal").get(pk=file.pk)
    if locked.status not in {"waiting", "asking", "failed"} or not locked.parts.exists():
        raise not_in_this_state()
    about, given = table_of(locked, table), checked(answers)
    if is_remembered and given.get("mapping"):
        remember(locked.company, about, given, user, now)
        locked.answers = without_recalled(locked, about)
    locked.answers = with_answers(locked, table, given)
    locked.status, locked.lease_until, locked.attempts, locked.updated_at = "received", None, 0, now
    locked.save()
    defer(locked)
    return locked


@transaction.atomic
def discard(user: User, file_id: UUID, now: dt.datetime) -> JournalFile:
    """Forget a file that was not imported."""
    file = access_file(user, file_id, role=Role.CLERK)
    locked = JournalFile.objects.select_for_update().get(pk=file.pk)
    if locked.status not in {"received", "asking", "waiting", "failed", "discarded"}:
        raise not_in_this_state()
    clear(locked)
    JournalFilePart.objects.filter(file=locked).delete()
    locked.status, locked.updated_at = "discarded", now
    locked.save()
    return locked


def clear(file: JournalFile) -> None:
    """Forget what was staged of a file."""
    StagedLine.objects.filter(file=file).delete()
    JournalFileStatement.objects.filter(file=file).delete()
    JournalFileAccount.objects.filter(file=file).delete()


@transaction.atomic
def undo(user: User, file_id: UUID, now: dt.datetime) -> JournalFile:
    """Take an import back as a whole: lines that neither the feed nor another file shows become tombstones.

    Raises Problem ``lineReconciled`` or ``statementConfirmed`` where one is decided, and then nothing is undone.
    """
    file = access_file(user, file_id, role=Role.ACCOUNTANT)
    locked = JournalFile.objects.select_for_update().get(pk=file.pk)
    if locked.status == "undone":
        return locked
    if locked.status != "imported":
        raise not_in_this_state()
    locked.status, locked.undone_at, locked.updated_at = "undone", now, now
    locked.save()
    removed = undo_import(user, locked, now)
    record(
        tenant_id=file.company_id, actor=user, action="file.undone", obj=file,
        sentence=f"Undid the import of {file.name}: {removed} lines were taken out.",
    )  # fmt: skip
    return locked


def not_in_this_state() -> Problem:
    """Another click or another person was faster."""
    return Problem(
        "This cannot be done with the file now.", why="Somebody else was faster, or it is being worked on.",
        what_to_do="Look at the file; the page shows how it stands.", code="fileNotInThisState",
    )  # fmt: skip
