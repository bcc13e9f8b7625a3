"""Lines, invoices and what a ledger adds up to, for the tests of reconciliation."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from tests.books.conftest import NOW

from nostro.books.companies.models import Company
from nostro.books.journals.importing import LineValues, NewLine, import_lines
from nostro.books.journals.models import Journal, Line, Source
from nostro.books.ledger.models import Document, EntryItem
from nostro.books.ledger.services import create_document
from nostro.core.ids import new_id
from nostro.people.models import User

DAY = dt.date(2026, 11, 10)
REFERENCE = "+++020/3430/57642+++"


def line_of(journal: Journal, amount: str, text: str = "", day: dt.date = DAY, **values: Any) -> Line:
    """A posted line, imported as any other."""
    new = NewLine(
        LineValues(day, day, Decimal(amount), journal.currency, label=text, remittance_text=text, **values),
        Source.FEED,
        new_id().hex,
        1,
    )
    (made,) = import_lines(journal, [new], identity="x", run_id=None, today=NOW.date())
    return Line.objects.select_related("company", "journal").get(pk=made.id)


def invoice_of(
    user: User, company: Company, number: str = "INV/2026/0007", amount: str = "121.00", *, reference: str = "",
    customer: str = "Customer NV", day: dt.date = DAY,
) -> Document:  # fmt: skip
    """A posted customer invoice."""
    return create_document(
        user, company, kind="invoice", partner_name=customer, number=number, date=day, amount=Decimal(amount),
        currency="EUR", structured_reference=reference,
    )  # fmt: skip


def standing(company: Company) -> tuple[list[Any], ...]:
    """Balances by account, partner and currency, open items, and how far lines are explained (books.md I-11)."""
    items = EntryItem.objects.filter(company=company)
    by_account = items.values("account_id", "partner_id", "currency").annotate(
        own=Sum("amount"), foreign=Sum("amount_currency")
    )
    balances = [row for row in by_account.order_by("account_id", "partner_id", "currency") if row["own"]]
    opened = items.exclude(residual=None).order_by("id").values_list("id", "residual", "residual_currency")
    lines = Line.objects.filter(company=company).order_by("id")
    return balances, list(opened), list(lines.values_list("id", "suspense_residual", "reconciled"))
