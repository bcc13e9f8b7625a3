"""The payments of a batch that is one line (formats.md 2.7): kept below it, and counted in no balance."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from nostro.books.journals.models import Journal, Line, LineParts


def keep_parts(journal: Journal, parts: Mapping[UUID, list[dict[str, Any]]]) -> None:
    """An import told the parts of these lines. What is told of a line already stays."""
    LineParts.objects.bulk_create(
        (
            LineParts(line_id=line_id, company_id=journal.company_id, details=details)
            for line_id, details in parts.items()
        ),
        batch_size=500,
        ignore_conflicts=True,
    )


def forget_parts(line_ids: Collection[UUID]) -> None:
    """No file shows these lines any more."""
    LineParts.objects.filter(line__in=line_ids).delete()


def batch_of(line: Line) -> LineParts | None:
    """The parts of a line, if it is a batch whose payments are known."""
    return LineParts.objects.select_related("line").filter(line=line).first()
