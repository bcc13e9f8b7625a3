"""Open items from a CSV or XLSX file: all errors of all rows together, and a second import changes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from nostro.books.companies.models import Company, Role
from nostro.books.companies.queries import access_company
from nostro.books.ledger.models import Document, ImportMapping
from nostro.books.ledger.services import create_document
from nostro.books.ledger.tables import read_table
from nostro.books.ledger.terms import taken_apart
from nostro.core.money import MoneyError, parse_amount
from nostro.people.models import User
from nostro.web.errors import Problem

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
    "partner_reference": "partner_reference",
    "end_to_end_id": "end_to_end_id",
    "tax_percent": "tax_percent",
    "analytic": "analytic",
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
    column ``kind`` every row is an invoice. A mapping that is given is kept for the next file. Raises
    :class:`ImportErrors`.
    """
    company = access_company(user, company_id, role=Role.CLERK)
    given = {field: name for field, name in (mapping or {}).items() if field in DEFAULT_MAPPING and name.strip()}
    rows = _read(file, {**mapping_of(company), **given})
    errors: list[RowError] = []
    before = Document.objects.filter(company=company).count()
    with transaction.atomic():
        for number, row in rows:
            try:
                with transaction.atomic():
                    create_document(user, company, **_fields(row, company.currency))
            except Problem as problem:
                errors.append(RowError(number, problem.field, problem.what))
                if len(errors) >= MAX_ERRORS:
                    break
        if errors:
            raise ImportErrors(errors)
    if given:
        ImportMapping.objects.update_or_create(company=company, defaults={"columns": given})
    created = Document.objects.filter(company=company).count() - before
    return ImportOutcome(created, len(rows) - created)


def mapping_of(company: Company) -> dict[str, str]:
    """Our field → the column that the company's last file had for it, else the default."""
    saved = ImportMapping.objects.filter(company=company).values_list("columns", flat=True).first() or {}
    return {field: str(saved.get(field) or default) for field, default in DEFAULT_MAPPING.items()}


def _read(file: bytes, mapping: Mapping[str, str]) -> list[tuple[int, dict[str, str]]]:
    table = read_table(file)
    names = {field: mapping[field].strip().casefold() for field in DEFAULT_MAPPING}
    missing = [mapping[field] for field in _REQUIRED if names[field] not in table.columns]
    if missing:
        raise Problem(
            f"The file has no column {', '.join(missing)}.",
            why=f"Its columns are: {', '.join(filter(None, table.columns))[:300]}." if any(table.columns) else "",
            what_to_do="Name the columns in the first row, or type below what they are called.",
            code="columnsMissing",
            field="file",
        )
    return [(number, {field: row.get(name, "") for field, name in names.items()}) for number, row in table.rows]


def _fields(row: Mapping[str, str], own_currency: str) -> dict[str, object]:
    kind, amount = row.get("kind", "").casefold() or "invoice", _amount(row["amount"])
    percent = _amount(row["tax_percent"].replace("%", "")) if row.get("tax_percent") else None
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
        "partner_reference": row.get("partner_reference", ""),
        "end_to_end_id": row.get("end_to_end_id", ""),
        "analytic": row.get("analytic", ""),
        "taxes": (taken_apart(abs(amount), percent, row.get("currency") or own_currency),) if percent else (),
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
