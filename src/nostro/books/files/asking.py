"""What only people can say about a file: what the columns of a table mean, whose account it is (formats.md 1.4, 6.9).

A worker looks at a table and keeps its first rows at the file; pages show them and never read a file themselves.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import Max

from nostro.books.companies.models import Company
from nostro.books.files.models import JournalFile, TableMapping
from nostro.formats import FormatError, Hints, Survey
from nostro.formats.csv.looking import TableHead, table_head
from nostro.people.models import User
from nostro.web.tables.answers import TABLES
from nostro.web.tables.heads import head_as_json, signature_of


class NotOurs(FormatError):
    """A file of accounts that are not taken here; no answer changes that."""


def look(file: JournalFile, chunks: Iterable[bytes], found: Survey) -> None:
    """Note at the file, unsaved, the head of the table that it is."""
    file.looked = {}
    if found.format in TABLES:
        file.format = found.format
        try:
            head = table_head(chunks, found, _hints(file, None))
        except FormatError:
            return  # reading will say what is wrong
        file.looked = {"table": head_as_json(head)}


def hints_of(file: JournalFile, head: TableHead | None) -> Hints:
    """What is known about reading a file: its journal's account, answers of people, and what they said before."""
    if head is not None and not file.answers.get("mapping"):
        kept = remembered(file.company, head)
        # The same rows may not be read in two ways only because the page was opened later.
        if kept is not None:
            file.answers = {"encoding": kept.encoding, **file.answers, "mapping": kept.data}
    return _hints(file, file.answers.get("mapping"))


def hints_of_member(file: JournalFile, chunks: Iterable[bytes], found: Survey) -> Hints:
    """The same of one file of an archive, about which nobody can be asked."""
    try:
        kept = remembered(file.company, table_head(chunks, found, _hints(file, None)))
    except FormatError:
        kept = None
    return _hints(file, kept.data if kept else None)


def _hints(file: JournalFile, mapping: Mapping[str, Any] | None) -> Hints:
    page, given = file.journal, file.answers
    return Hints(
        account=(page.account_number if page else given.get("account")) or None,
        currency=(page.currency if page else given.get("currency")) or None,
        mapping=mapping,
        encoding=given.get("encoding") or None,
        profile={"sheet": str(given["sheet"])} if given.get("sheet") else {},
    )


# --- memory


def remembered(company: Company, head: TableHead) -> TableMapping | None:
    """The newest mapping that people of the company gave a table like this."""
    return TableMapping.objects.filter(company=company, signature=signature_of(head)).order_by("-version").first()


def remember(file: JournalFile, head: TableHead, user: User, now: dt.datetime) -> None:
    """Keep the file's mapping for tables like it as the next version; the same one again is kept once."""
    data, encoding = file.answers["mapping"], file.answers.get("encoding", "")
    kept = remembered(file.company, head)
    if kept is not None and (kept.data, kept.encoding) == (data, encoding):
        return
    signature = signature_of(head)
    versions = TableMapping.objects.filter(company=file.company, signature=signature)
    last = versions.aggregate(last=Max("version"))["last"] or 0
    TableMapping.objects.create(
        company=file.company, signature=signature, version=last + 1, data=data, encoding=encoding, created_by=user,
        created_at=now,
    )  # fmt: skip
