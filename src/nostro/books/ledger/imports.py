"""Open items from a CSV file: all errors of all rows together, and a second import changes nothing."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from nostro.books.companies.models import Role
from nostro.books.companies.queries import access_company
from nostro.books.ledger.models import Document
from nostro.books.ledger.services import create_document
from nostro.core.money import MoneyError, parse_amount
from nostro.people.models import User
from nostro.web.errors import Problem

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 10_000
MAX_ERRORS = 200

#: Our field → the column's name in the file, where the person gives no other.
DEFAULT_MAPPING: Mapping[str, str] = {
    "kind": "kind",
    "partner": "partner",
    "number": "number",
    "date": "date",
    "due_date": "due_date",
    "amount": "amount",
    "currency": "currency",
    "reference": "reference",
}
_REQUIRED = ("partner", "number", "date", "amount")


@dataclass(frozen=True, slots=True)
class RowError:
    """``row`` is the line of the file, the heading being 1; ``column`` is our field's name."""

    row: int
    column: str
    sentence: str


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """How many documents were made, and how many were there already with the same figures."""

    created: int
    known: int


class ImportErrors(Problem):
    """All errors of a file; nothing of it was imported."""

    def __init__(self, errors: list[RowError]) -> None:
        first = errors[0]
        super().__init__(
            f"{len(errors)} errors in the file. Row {first.row}: {first.sentence}",
            what_to_do="Correct the rows and import the file again. Nothing was imported yet.",
            code="rowsInvalid",
            field="file",
        )
        self.errors = errors


def import_open_items(
    user: User, company_id: UUID, file: bytes, mapping: Mapping[str, str] | None = None
) -> ImportOutcome:
    """Post every row as an invoice or bill, or none. Dates are ISO (2026-11-20) or day/month/year; amounts plain.

    A row whose number exists with the same figures counts as known. A negative amount is a credit note. Without the
    column ``kind`` every row is an invoice. Raises :class:`ImportErrors`.
    """
    company = access_company(user, company_id, role=Role.CLERK)
    rows = _read(file, {**DEFAULT_MAPPING, **(mapping or {})})
    errors: list[RowError] = []
    before = Document.objects.filter(company=company).count()
    with transaction.atomic():
        for number, row in rows:
            try:
                with transaction.atomic():
                    create_document(user, company, **_fields(row))
            except Problem as problem:
                errors.append(RowError(number, problem.field, problem.what))
                if len(errors) >= MAX_ERRORS:
                    break
        if errors:
            raise ImportErrors(errors)
    created = Document.objects.filter(company=company).count() - before
    return ImportOutcome(created, len(rows) - created)


def _read(file: bytes, mapping: Mapping[str, str]) -> list[tuple[int, dict[str, str]]]:
    if len(file) > MAX_BYTES:
        raise Problem("The file is too large.", what_to_do="Split it; 5 MB at most.", code="fileTooLarge", field="file")
    text = _decoded(file)
    first_line = text.partition("\n")[0]
    delimiter = max(";,\t", key=first_line.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    names = {(name or "").strip().casefold(): name for name in reader.fieldnames or []}
    missing = [mapping[field] for field in _REQUIRED if mapping[field].casefold() not in names]
    if missing:
        raise Problem(
            f"The file has no column {', '.join(missing)}.",
            what_to_do="Name the columns in the first row, or choose them.",
            code="columnsMissing",
            field="file",
        )
    columns = {field: names[column.casefold()] for field, column in mapping.items() if column.casefold() in names}
    rows: list[tuple[int, dict[str, str]]] = []
    for row in reader:
        values = {field: str(row.get(column) or "").strip() for field, column in columns.items()}
        if any(values.values()):
            rows.append((reader.line_num, values))
        if len(rows) > MAX_ROWS:
            raise Problem(
                "The file has too many rows.",
                what_to_do=f"Split it; {MAX_ROWS} at most.",
                code="fileTooLarge",
                field="file",
            )
    return rows


def _decoded(file: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return file.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Problem("The file is no text.", what_to_do="Save it as CSV (UTF-8).", code="fileUnreadable", field="file")


def _fields(row: Mapping[str, str]) -> dict[str, object]:
    kind, amount = row.get("kind", "").casefold() or "invoice", _amount(row["amount"])
    if amount < 0:
        kind = {"invoice": "credit_note", "bill": "refund"}.get(kind, kind)
    return {
        "kind": kind,
        "partner_name": row["partner"],
        "number": row["number"],
        "date": _date(row["date"], "date"),
        "due_date": _date(row["due_date"], "due_date") if row.get("due_date") else None,
        "amount": abs(amount),
        "currency": row.get("currency", ""),
        "structured_reference": row.get("reference", ""),
    }


def _amount(text: str) -> Decimal:
    """``1234.50`` or ``1234,50``; a text with both signs is refused, because either could be the decimal sign."""
    try:
        return parse_amount(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)
    except MoneyError as error:
        raise Problem(
            f"“{text[:40]}” is no amount: {error}.",
            what_to_do="Use a form like 1234.50.",
            code="amountInvalid",
            field="amount",
        ) from None


def _date(text: str, field: str) -> dt.date:
    for form in ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y"):
        try:
            return dt.datetime.strptime(text, form).date()  # noqa: DTZ007 - a date has no time zone
        except ValueError:
            continue
    raise Problem(
        f"“{text[:40]}” is no date.", what_to_do="Use a form like 2026-11-20.", code="dateInvalid", field=field
    )
