"""Takes files in: sealed in parts, before anything of them is interpreted."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from collections.abc import Iterable, Iterator
from typing import Protocol

from django.db import transaction

from nostro.core.ids import new_id
from nostro.core.text import clean
from nostro.hub.accounts.models import Account
from nostro.hub.files import problems
from nostro.hub.files.limits import MAX_FILES, MAX_UPLOAD_BYTES, MAX_WAITING, PART_BYTES
from nostro.hub.files.models import FileImport, FilePart
from nostro.hub.organizations.models import Organization
from nostro.keys.envelope import value_context
from nostro.people import audit
from nostro.people.models import User
from nostro.web.secrets import open_sealed, seal


class Upload(Protocol):
    """A file as Django hands it over, in memory or on disk."""

    @property
    def name(self) -> str | None: ...

    @property
    def size(self) -> int | None: ...

    def chunks(self) -> Iterable[bytes]: ...


def hand_in(
    user: User,
    organization: Organization,
    uploads: list[Upload],
    *,
    is_sandbox: bool,
    now: dt.datetime,
    account: Account | None = None,
) -> list[FileImport]:
    """Keep the files and have each one read by a worker; with ``account``, only that account's rows are taken.

    All or none are taken. Raises Problem for none, too many and too large ones.
    """
    if not uploads:
        raise problems.no_file()
    if len(uploads) > MAX_FILES:
        raise problems.too_many_files()
    open_ = FileImport.objects.filter(organization=organization, status__in=["received", "reading", "waiting"])
    if open_.count() + len(uploads) > MAX_WAITING:
        raise problems.too_many_waiting()
    from nostro.hub.files.tasks import defer_reading

    taken = []
    with transaction.atomic():
        for upload in uploads:
            file = _store(organization, upload, account, user, is_sandbox=is_sandbox, now=now)
            audit.record(
                tenant_id=organization.pk,
                actor=user,
                action="file.handed_in",
                obj=file,
                sentence=f"Handed in the bank file {file.name}.",
            )
            defer_reading(file)
            taken.append(file)
    return taken


def _store(
    organization: Organization,
    upload: Upload,
    account: Account | None,
    user: User,
    *,
    is_sandbox: bool,
    now: dt.datetime,
) -> FileImport:
    name = clean((upload.name or "").replace("\\", "/").rsplit("/", 1)[-1], 200) or "file"
    if (upload.size or 0) > MAX_UPLOAD_BYTES:
        raise problems.too_large(name)
    file = FileImport.objects.create(
        organization=organization, is_sandbox=is_sandbox, account=account, name=name, size=0, sha256="",
        handed_in_by=user, created_at=now, updated_at=now,
    )  # fmt: skip
    digest, size = hashlib.sha256(), 0
    for number, piece in enumerate(_pieces(upload.chunks()), start=1):
        digest.update(piece)
        size += len(piece)
        if size > MAX_UPLOAD_BYTES:
            raise problems.too_large(name)
        part_id = new_id()
        FilePart.objects.create(
            id=part_id, file=file, number=number, size=len(piece), sealed_bytes=seal(piece, context=_context(part_id))
        )
    file.size, file.sha256 = size, digest.hexdigest()
    file.save(update_fields=["size", "sha256"])
    return file


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    waiting = bytearray()
    for chunk in chunks:
        waiting += chunk
        while len(waiting) >= PART_BYTES:
            yield bytes(waiting[:PART_BYTES])
            del waiting[:PART_BYTES]
    if waiting:
        yield bytes(waiting)


def bytes_of(file: FileImport) -> Iterator[bytes]:
    """The file as it came, part by part."""
    number = 1
    while part := FilePart.objects.filter(file=file, number=number).first():
        yield open_sealed(part.sealed_bytes, context=_context(part.pk))
        number += 1


def _context(part_id: uuid.UUID) -> str:
    return value_context("files_filepart", "sealed_bytes", part_id)
