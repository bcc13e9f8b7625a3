"""Reads of a journal's files."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from nostro.books.files.models import JournalFile, JournalFileStatement, StagedLine
from nostro.books.files.reading import staged_values
from nostro.books.journals.importing import LineValues
from nostro.books.journals.models import Journal, Line

MAX_FILES = 100
MAX_SHOWN = 100


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A row that is held: its values, its place in the file, and the line that it resembles."""

    values: LineValues
    position: str
    reason: str
    like: Line | None


def files_of(journal: Journal) -> list[JournalFile]:
    """The files that were handed in for a journal, newest first; at most 100."""
    found = JournalFile.objects.select_related("handed_in_by").filter(journal=journal)
    return list(found.order_by("-created_at", "-id")[:MAX_FILES])


def statements_in(file: JournalFile) -> list[JournalFileStatement]:
    """The statements of a file in its order; at most 100."""
    return list(JournalFileStatement.objects.filter(file=file).order_by("index")[:MAX_SHOWN])


def earlier_file(file: JournalFile) -> JournalFile | None:
    """An import of the same bytes that counts (F-SEEN)."""
    same = JournalFile.objects.filter(journal_id=file.journal_id, sha256=file.sha256, status="imported")
    return same.exclude(pk=file.pk).order_by("imported_at").first()


def first_rows(file: JournalFile) -> list[LineValues]:
    """The first rows that wait; at most 100."""
    return [values for _, values in itertools.islice(staged_values(file), MAX_SHOWN)]


def held_rows(file: JournalFile) -> list[HeldRow]:
    """The rows that would be held, in the order of the file; at most 100."""
    numbers = set(StagedLine.objects.filter(file=file).exclude(held="").values_list("number", flat=True)[:MAX_SHOWN])
    found = [(row, values) for row, values in staged_values(file) if row.number in numbers] if numbers else []
    lines = Line.objects.in_bulk({row.like for row, _ in found if row.like})
    return [HeldRow(values, row.position, row.held, lines.get(row.like) if row.like else None) for row, values in found]
