"""The three amounts of a line (books.md 14.2): the database keeps them together, and a person states F once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from tests.books.conftest import NOW
from tests.books.reconcile.steps import invoice_of, line_of

from nostro.books.companies.models import Company
from nostro.books.journals.foreign import state_foreign_amount
from nostro.books.journals.models import Journal, Line
from nostro.books.journals.services import create_journal
from nostro.books.reconcile.services import reconcile_with_items, undo
from nostro.people.models import AuditRecord, User
from nostro.web.errors import NotFound, Problem


@pytest.fixture
def journal(owner: User, company: Company) -> Journal:
    return create_journal(owner, company, name="Bank", currency="EUR")


CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("amount", {"amount": Decimal(2)}),
    ("company_amount", {"company_amount": Decimal(2)}),
    ("no_company_amount", {"company_amount": None}),
    ("currency", {"currency": "USD"}),
    ("half_foreign", {"foreign_amount": Decimal(2)}),
    ("other_half", {"foreign_currency": "USD"}),
    ("own_currency", {"foreign_amount": Decimal(2), "foreign_currency": "EUR"}),
]


@pytest.mark.parametrize("change", [change for _, change in CHANGES], ids=[name for name, _ in CHANGES])
def test_the_database_refuses_to_change_the_amounts_of_a_posted_line(
    company: Company, journal: Journal, change: dict[str, Any]
) -> None:
    line = line_of(journal, "100.00")
    with pytest.raises(IntegrityError), transaction.atomic():
        Line.objects.filter(pk=line.pk).update(**change)


@pytest.mark.parametrize(
    ("currency", "values"),
    [
        ("EUR", {"company_amount": Decimal(99)}),
        ("USD", {"company_amount": Decimal(99), "foreign_amount": Decimal(98), "foreign_currency": "EUR"}),
    ],
    ids=["own_currency", "foreign_is_own"],
)
def test_the_database_refuses_a_line_whose_amounts_do_not_agree(
    owner: User, company: Company, currency: str, values: dict[str, Any]
) -> None:
    journal = create_journal(owner, company, name="Other", currency=currency)
    line = line_of(create_journal(owner, company, name="Bank", currency="EUR"), "100.00")
    line.pk, line.entry, line.journal, line.currency = None, None, journal, currency
    for name, value in values.items():
        setattr(line, name, value)
    with pytest.raises(IntegrityError, match="do not agree"), transaction.atomic():
        Line.objects.bulk_create([line])


@pytest.mark.parametrize(
    "foreign",
    [
        {"foreign_amount": Decimal(5), "foreign_currency": "EUR"},
        {"foreign_amount": Decimal(5), "foreign_currency": ""},
        {"foreign_amount": None, "foreign_currency": "USD"},
    ],
    ids=["own", "no_currency", "no_amount"],
)
def test_half_of_a_foreign_amount_is_none(journal: Journal, foreign: dict[str, Any]) -> None:
    line = line_of(journal, "100.00", **foreign)
    assert (line.foreign_amount, line.foreign_currency) == (None, "")


def test_a_person_states_the_foreign_amount_once_and_it_gives_the_rate(
    owner: User, stranger: User, company: Company, journal: Journal
) -> None:
    line = line_of(journal, "-91.50")
    with pytest.raises(NotFound):
        state_foreign_amount(stranger, line.id, Decimal(100), "USD")
    for amount, currency, code in (
        ("100", "EUR", "currencyOwn"),
        ("100", "dollar", "currencyUnknown"),
        ("0", "USD", "amountInvalid"),
        ("1.001", "USD", "amountInvalid"),
    ):
        with pytest.raises(Problem) as refused:
            state_foreign_amount(owner, line.id, Decimal(amount), currency)
        assert refused.value.code == code
    stated = state_foreign_amount(owner, line.id, Decimal("100.00"), "usd")
    assert (stated.foreign_amount, stated.foreign_currency) == (Decimal("-100.00"), "USD")
    assert AuditRecord.objects.filter(action="line.foreign_amount", object_id=str(line.id)).count() == 1
    with pytest.raises(Problem) as refused:
        state_foreign_amount(owner, line.id, Decimal(90), "USD")
    assert refused.value.code == "foreignAmountKnown"
    with pytest.raises(IntegrityError), transaction.atomic():
        Line.objects.filter(pk=line.pk).update(foreign_amount=Decimal(90))


def test_a_matched_line_takes_none(owner: User, company: Company, journal: Journal) -> None:
    line, invoice = line_of(journal, "121.00"), invoice_of(owner, company)
    group = reconcile_with_items(owner, line.id, [invoice.open_item_id], now=NOW)
    with pytest.raises(Problem) as refused:
        state_foreign_amount(owner, line.id, Decimal(100), "USD")
    assert refused.value.code == "lineReconciled"
    with pytest.raises(IntegrityError), transaction.atomic():
        Line.objects.filter(pk=line.pk).update(foreign_amount=Decimal(90), foreign_currency="USD")
    undo(owner, group.id, now=NOW)
    assert state_foreign_amount(owner, line.id, Decimal(130), "USD").foreign_currency == "USD"
