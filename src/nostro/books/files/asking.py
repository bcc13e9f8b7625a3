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
from nostro.core.account_keys import normalise_account_number
from nostro.core.money import MoneyError, parse_currency
from nostro.formats import FormatError, Hints, Survey
from nostro.formats.csv.layout import is_known
from nostro.formats.csv.looking import TableHead, table_head
from nostro.formats.csv.mapping import mapping_of
from nostro.people.models import User
from nostro.web.errors import Problem
from nostro.web.tables.heads import head_as_json, head_from_json, signature_of

TABLES = frozenset({"csv", "xlsx"})
#: What an answer about a table may mend; everything else that is fatal is a fault of the file.
ASKED = frozenset({"F-MAPPING", "F-ACCOUNT", "F-ENCODING"})
ENCODINGS = frozenset({"utf-8", "cp1252", "iso-8859-15", "cp850", "cp437", "utf-16"})


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


def head_of(file: JournalFile) -> TableHead | None:
    """The first rows of the table that the file is, None if it is none."""
    kept = file.looked.get("table")
    return head_from_json(kept) if kept else None


def is_known_table(head: TableHead) -> bool:
    """Whether the table is one of ours or of a bank known here, which needs no mapping."""
    return is_known(head.names, head.delimiter)


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


def checked_answers(given: Mapping[str, Any]) -> dict[str, Any]:
    """The answers that say something. Raises Problem for those that cannot be used, naming the field."""
    kept = {key: value for key, value in given.items() if value}
    if kept.get("encoding", "utf-8") not in ENCODINGS:
        raise _unusable("encoding", "Choose one of the list.")
    if "currency" in kept:
        try:
            kept["currency"] = parse_currency(str(kept["currency"]))
        except MoneyError:
            raise _unusable("currency", "Write it as EUR.") from None
    if "account" in kept:
        kept["account"] = normalise_account_number(str(kept["account"]))[:70]
    if "mapping" in kept:
        try:
            mapping_of(kept["mapping"])
        except FormatError as error:
            message = error.problem.message
            raise _unusable("mapping", f"{message[:1].upper()}{message[1:]}.") from error
    return kept


def _unusable(field: str, what_to_do: str) -> Problem:
    return Problem(
        "The file cannot be read like that.", what_to_do=what_to_do, code="answerUnusable", field=field
    )  # fmt: skip


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
