"""What only people can say about a file: what the columns of a table mean, whose account it is (formats.md 1.4, 6.9).

A worker looks at tables and keeps their first rows at the file; pages show them and never read a file themselves. A
file is one table, or an archive in which each table is asked about by itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Max

from nostro.books.companies.models import Company
from nostro.books.files.models import JournalFile, TableMapping
from nostro.formats import FormatError, Hints, Survey
from nostro.formats.csv.looking import TableHead, table_head
from nostro.people.models import User
from nostro.web.errors import NotFound
from nostro.web.tables.answers import ASKED, TABLES, head_in
from nostro.web.tables.heads import head_as_json, signature_of

#: The number of the table that the file itself is. Those in archives have their place in it, from 1.
WHOLE = 0
#: Tables of an archive that are asked about at once, and those whose first rows are kept.
MAX_ASKED = 20
MAX_TABLES = 50


class Asked(FormatError):
    """An answer of a person may make the file readable."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that a file is or holds: its number, its name in the archive, what was answered about it."""

    number: int
    name: str
    head: TableHead
    answers: Mapping[str, Any]
    is_asked: bool

    @property
    def id(self) -> int:
        """What names it within its file."""
        return self.number


def tables_of(file: JournalFile) -> list[Table]:
    """The tables about which people may say something, in the order of the file."""
    whole = head_in(file.looked)
    if whole is not None:
        return [Table(WHOLE, "", whole, file.answers, file.status == "asking")]
    kept = sorted((int(number), each) for number, each in file.looked.get("tables", {}).items())
    found = ((number, each, head_in(each)) for number, each in kept)
    return [
        Table(number, each["name"], head, _answers_about(file, number), each["asked"] and file.status == "asking")
        for number, each, head in found
        if head is not None
    ]


def table_of(file: JournalFile, number: int) -> Table:
    """One of them. Raises NotFound."""
    found = next((each for each in tables_of(file) if each.number == number), None)
    if found is None:
        raise NotFound("table")
    return found


def faults_of(file: JournalFile, about: Table | None = None) -> list[dict[str, str]]:
    """What was wrong when a file, or one of its tables, was read. That nobody said yet what columns mean is none."""
    tables = [about] if about is not None else tables_of(file)
    silent = [each for each in tables if not each.answers.get("mapping")]
    return [
        each
        for each in file.problems
        if each["severity"] in {"fatal", "quarantine"}
        and (about is None or _is_of(about, each))
        and not (each["code"] == "F-MAPPING" and any(_is_of(table, each) for table in silent))
    ]


def _is_of(table: Table, problem: Mapping[str, str]) -> bool:
    # Sentences begin with the place in the file, if there is one, and then name the file of the archive.
    return table.number == WHOLE or f" {table.name}: " in f" {problem['sentence']}"


def with_answers(file: JournalFile, number: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """All answers about a file, with those about one of its tables replaced."""
    if number == WHOLE:
        return dict(given)
    return {**file.answers, "members": {**file.answers.get("members", {}), str(number): dict(given)}}


def without_recalled(file: JournalFile, about: Table) -> dict[str, Any]:
    """All answers about a file, without the mappings of its other tables like ``about``: what is said now counts."""
    answers = dict(file.answers)
    for each in tables_of(file):
        if each.number != about.number and each.head.signature == about.head.signature:
            kept = {key: value for key, value in each.answers.items() if key not in {"mapping", "encoding"}}
            answers["members"] = {**answers.get("members", {}), str(each.number): kept}
    return answers


def _answers_about(file: JournalFile, number: int) -> dict[str, Any]:
    found: dict[str, Any] = file.answers.get("members", {}).get(str(number), {})
    return found


# --- looking, in the worker


def look(file: JournalFile, chunks: Iterable[bytes], found: Survey) -> None:
    """Note at the file, unsaved, the head of the table that it is."""
    file.looked = {}
    if found.container is None and found.format in TABLES:
        file.format = found.format
        head = _head(file, file.answers, chunks, found)
        file.looked = {"table": head_as_json(head)} if head else {}


def hints_of(file: JournalFile) -> Hints:
    """What is known about reading a file: its journal's account, answers of people, and what they said before."""
    head = head_in(file.looked)
    if head is not None:
        file.answers = _with_memory(file, file.answers, head)
    return _hints(file, file.answers)


def hints_of_member(file: JournalFile, number: int, name: str, chunks: Iterable[bytes], found: Survey) -> Hints:
    """The same of one file of an archive; of a table its head is noted at the file, unsaved."""
    given: Mapping[str, Any] = _answers_about(file, number)
    head = _head(file, given, chunks, found) if found.format in TABLES else None
    if head is None:
        return _hints(file, {})
    given = _with_memory(file, given, head)
    if given:
        file.answers = with_answers(file, number, given)
    kept = file.looked.setdefault("tables", {})
    kept[str(number)] = {"name": name, "table": head_as_json(head), "asked": False}
    return _hints(file, given)


def is_asked(file: JournalFile, number: int, error: FormatError) -> bool:
    """Whether an answer about this table could mend it; noted at the file, unsaved."""
    known = file.looked.get("tables", {}).get(str(number)) if number else file.looked
    if not known or error.problem.code not in ASKED:
        return False
    known["asked"] = True
    return True


def keep_few(file: JournalFile) -> None:
    """Forget heads of tables that nobody is asked about where an archive holds very many."""
    kept = file.looked.get("tables", {})
    for number in [number for number, each in kept.items() if not each["asked"]][MAX_TABLES:]:
        del kept[number]


def _head(file: JournalFile, given: Mapping[str, Any], chunks: Iterable[bytes], found: Survey) -> TableHead | None:
    try:
        return table_head(chunks, found, _hints(file, {**given, "mapping": None}))
    except FormatError:
        return None  # reading will say what is wrong


def _with_memory(file: JournalFile, given: Mapping[str, Any], head: TableHead) -> dict[str, Any]:
    """The answers about a table, with what people said before of tables like it."""
    kept = None if given.get("mapping") else remembered(file.company, head)
    # The same rows may not be read in two ways only because the page was opened later.
    return {"encoding": kept.encoding, **given, "mapping": kept.data} if kept else dict(given)


def _hints(file: JournalFile, given: Mapping[str, Any]) -> Hints:
    page = file.journal
    return Hints(
        account=(page.account_number if page else given.get("account")) or None,
        currency=(page.currency if page else given.get("currency")) or None,
        mapping=given.get("mapping"),
        encoding=given.get("encoding") or None,
        profile={"sheet": str(given["sheet"])} if given.get("sheet") else {},
    )


# --- memory


def remembered(company: Company, head: TableHead) -> TableMapping | None:
    """The newest mapping that people of the company gave a table like this."""
    return TableMapping.objects.filter(company=company, signature=signature_of(head)).order_by("-version").first()


def remember(company: Company, table: Table, given: Mapping[str, Any], user: User, now: dt.datetime) -> None:
    """Keep what was answered for tables like this one as the next version; the same again is kept once."""
    data, encoding = given["mapping"], given.get("encoding", "")
    kept = remembered(company, table.head)
    if kept is not None and (kept.data, kept.encoding) == (data, encoding):
        return
    signature = signature_of(table.head)
    versions = TableMapping.objects.filter(company=company, signature=signature)
    last = versions.aggregate(last=Max("version"))["last"] or 0
    TableMapping.objects.create(
        company=company, signature=signature, version=last + 1, data=data, encoding=encoding, created_by=user,
        created_at=now,
    )  # fmt: skip
