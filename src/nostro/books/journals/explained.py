"""How much of a line is explained: written by the journals' room, decided by the reconciliation (books.md 14.1)."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from nostro.books.journals.models import Line


def set_unexplained(lines: Iterable[Line]) -> None:
    """Store ``suspense_residual`` and ``reconciled`` of locked lines in one statement."""
    rows = [(line.id, line.suspense_residual, line.reconciled) for line in lines]
    if not rows:
        return
    ids, residuals, reconciled = map(list, zip(*rows, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE journals_line SET suspense_residual = new.residual, reconciled = new.reconciled
               FROM unnest(%s::uuid[], %s::numeric[], %s::boolean[]) AS new(id, residual, reconciled)
               WHERE journals_line.id = new.id""",
            [ids, residuals, reconciled],
        )
