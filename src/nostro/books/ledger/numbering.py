"""Numbers of documents and entries, given when they are posted: one series for each kind and year, without gaps.

The row of a series is locked until the transaction ends, so two who post at once wait for each other and a number that
is given is used (migration 0010).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from django.db import connection

from nostro.books.companies.models import Company
from nostro.books.ledger.models import Document, NumberSeries, SeriesKind
from nostro.web.errors import Problem

_PREFIXES: dict[str, str] = {
    SeriesKind.INVOICE: "INV",
    SeriesKind.CREDIT_NOTE: "CN",
    SeriesKind.BILL: "BILL",
    SeriesKind.REFUND: "RBILL",
    SeriesKind.MISC: "MISC",
}


class Number(NamedTuple):
    """``text`` as it is printed, such as INV/2026/0007, and its place in the series of its year."""

    text: str
    year: int
    place: int


def next_number(company: Company, kind: str, year: int) -> Number:
    """The next number of a series, in the caller's transaction, which must store what has it.

    The first one follows the highest number of that form that was typed or imported, so a series goes on where another
    program ended.
    """
    series = _held(company, kind, year)
    last = series.last or _highest_typed(company, kind, year)
    series.last = last + 1
    series.save(update_fields=["last"])
    return Number(f"{_PREFIXES[kind]}/{year}/{series.last:04}", year, series.last)


def check_typed_number(company: Company, kind: str, number: str) -> None:
    """Raises :class:`Problem` for a typed number of a series that gives its numbers by itself already."""
    found = re.fullmatch(rf"{_PREFIXES[kind]}/(\d{{4}})/\d+", number)
    if found is None:
        return
    series = _held(company, kind, int(found.group(1)))
    if series.last:
        raise Problem(
            f"Numbers like {number} are given by the series when a document is posted.",
            why=f"Its last one is {_PREFIXES[kind]}/{series.year}/{series.last:04}; a typed one would leave a gap or "
            "come twice.",
            what_to_do="Leave the number empty, or use another form.",
            code="numberOfSeries",
            field="number",
        )


def _held(company: Company, kind: str, year: int) -> NumberSeries:
    NumberSeries.objects.bulk_create([NumberSeries(company=company, kind=kind, year=year)], ignore_conflicts=True)
    return NumberSeries.objects.select_for_update().get(company=company, kind=kind, year=year)


def _highest_typed(company: Company, kind: str, year: int) -> int:
    if kind == SeriesKind.MISC:
        return 0  # they are never typed
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT max(substring(number FROM %s)::integer) FROM {Document._meta.db_table}
                WHERE company_id = %s AND kind = %s AND number LIKE %s""",  # noqa: S608 - only a name of a table
            [rf"^{_PREFIXES[kind]}/{year}/(\d{{1,9}})$", company.id, kind, f"{_PREFIXES[kind]}/{year}/%"],
        )
        return int(cursor.fetchone()[0] or 0)
