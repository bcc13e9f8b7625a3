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
    open_ = FileImport.objects.filter(
        organization=organization, status__in=["received", "reading", "asking", "waiting"]
    )
    if open_.count() + len(uploads) > MAX_WAITING:
        raise problems.too_many_waiting()
    from nostro.hub.files.tasks import defer_reading

    taken = []
    with transaction.atomic():
        for upload in uploads:
            if (upload.size or 0) > MAX_UPLOAD_BYTES:
                raise problems.too_large(_label(upload.name or ""))
            file = FileImport(organization=organization, is_sandbox=is_sandbox, account=account, handed_in_by=user)
            store_bytes(file, upload.name or "", upload.chunks(), now)
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


def store_bytes(file: FileImport, name: str, chunks: Iterable[bytes], now: dt.datetime) -> None:
    """Save a new import with its bytes, sealed in parts. Raises Problem for a file that is too large."""
    file.name, file.size, file.sha256, file.created_at, file.updated_at = _label(name), 0, "", now, now
    file.save(force_insert=True)
    digest, size = hashlib.sha256(), 0
    for number, piece in enumerate(_pieces(chunks), start=1):
        digest.update(piece)
        size += len(piece)
        if size > MAX_UPLOAD_BYTES:
            raise problems.too_large(file.name)
        part_id = new_id()
        FilePart.objects.create(
            id=part_id, file=file, number=number, size=len(piece), sealed_bytes=seal(piece, context=_context(part_id))
        )
    file.size, file.sha256 = size, digest.hexdigest()
    file.save(update_fields=["size", "sha256"])


def _label(name: str) -> str:
    """A name for people: never a path."""
    return clean(name.replace("\\", "/").rsplit("/", 1)[-1], 200) or "file"


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
