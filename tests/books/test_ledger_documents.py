"""Taxes and early-payment terms of documents: the table of books.md 16.5, and what the database refuses."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st
from tests.books.steps import balance

from nostro.books.companies.models import Company
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import Document, DocumentTax, Purpose, TaxOption
from nostro.books.ledger.rates import set_rate
from nostro.books.ledger.services import create_document
from nostro.books.ledger.terms import EarlyTerms, Taxed, taken_apart, work_out
from nostro.people.models import User
from nostro.web.errors import Problem

DAY = dt.date(2026, 11, 10)
UNTIL = dt.date(2026, 11, 20)
NET = Taxed(Decimal(21), Decimal("100.00"))


#: Option, total, tax, what pays it early, correction of the tax (books.md 16.5).
TABLE = [
    (TaxOption.ALWAYS, "120.58", "20.58", "118.58", "0"),
    (TaxOption.ON_EARLY_PAYMENT, "121.00", "21.00", "118.58", "0.42"),
    (TaxOption.NEVER, "121.00", "21.00", "119.00", "0"),
]


@pytest.mark.parametrize(("option", "total", "tax", "early", "correction"), TABLE)
def test_the_three_tax_options(option: TaxOption, total: str, tax: str, early: str, correction: str) -> None:
    figures = work_out([NET], "EUR", EarlyTerms(Decimal(2), UNTIL, option))
    assert (figures.total, figures.tax, figures.early_total) == (Decimal(total), Decimal(tax), Decimal(early))
    assert (figures.discount, figures.discount_tax) == (Decimal("2.00"), Decimal(correction))
    apart = taken_apart(figures.total, Decimal(21), "EUR", EarlyTerms(Decimal(2), UNTIL, option))
    assert (apart.net, apart.tax) == (Decimal("100.00"), Decimal(tax))


@given(
    total=st.decimals("0.05", "1000000", places=2),
    percent=st.decimals("0", "50", places=2),
    discount=st.decimals("0.1", "20", places=1),
    option=st.sampled_from(TaxOption),
)
def test_a_total_taken_apart_adds_up_again(
    total: Decimal, percent: Decimal, discount: Decimal, option: TaxOption
) -> None:  # fmt: skip
    early = EarlyTerms(discount, UNTIL, option)
    figures = work_out([taken_apart(total, percent, "EUR", early)], "EUR", early)
    assert figures.total == total
    assert 0 <= figures.early_total <= total
    assert figures.discount_tax <= figures.tax


@pytest.mark.parametrize("kind", ["invoice", "bill"])
def test_the_tax_is_booked_on_its_account(owner: User, company: Company, kind: str) -> None:
    taxes = (NET, Taxed(Decimal(6), Decimal("50.00")))
    document = create_document(
        owner, company, kind=kind, partner_name="P", number="1", date=DAY, amount=Decimal("174.00"), taxes=taxes
    )
    sign = 1 if kind == "invoice" else -1
    purpose = Purpose.VAT_PAYABLE if kind == "invoice" else Purpose.VAT_RECOVERABLE
    assert balance(account_for(company, purpose)) == -sign * Decimal("24.00")
    assert document.open_item.residual == sign * Decimal("174.00")
    assert set(document.taxes.values_list("percent", "net", "tax")) == {
        (Decimal(21), Decimal("100.00"), Decimal("21.00")), (Decimal(6), Decimal("50.00"), Decimal("3.00")),
    }  # fmt: skip


def test_foreign_taxes_balance_in_both_currencies(owner: User, company: Company) -> None:
    set_rate(company, "USD", DAY, Decimal("0.9173"))
    document = create_document(
        owner, company, kind="invoice", partner_name="P", number="1", date=DAY, amount=Decimal("121.00"),
        currency="USD", taxes=(NET,),
    )  # fmt: skip
    items = document.entry.items.all()
    assert sum(item.amount for item in items) == 0
    assert sum(item.amount_currency for item in items) == 0


@pytest.mark.parametrize(
    ("taxes", "early", "code"),
    [
        ((NET,), None, ""),
        ((Taxed(Decimal(6), Decimal("100.00")),), None, "taxesDoNotAddUp"),
        ((Taxed(Decimal(-1), Decimal("100.00")),), None, "taxInvalid"),
        ((Taxed(Decimal(21), Decimal(0)),), None, "taxInvalid"),
        ((NET,) * 21, None, "taxesTooMany"),
        ((NET,), EarlyTerms(Decimal(2), DAY - dt.timedelta(1)), "discountInvalid"),
        ((NET,), EarlyTerms(Decimal(100), UNTIL), "discountInvalid"),
        ((NET,), EarlyTerms(Decimal("0.001"), UNTIL), "discountInvalid"),
    ],
)
def test_figures_that_do_not_fit_are_refused(
    owner: User, company: Company, taxes: tuple[Taxed, ...], early: EarlyTerms | None, code: str
) -> None:
    def post() -> Document:
        return create_document(
            owner, company, kind="invoice", partner_name="P", number="1", date=DAY, amount=Decimal("121.00"),
            taxes=taxes, early=early,
        )  # fmt: skip

    if not code:
        assert post().tax_amount == Decimal("21.00")
        return
    with pytest.raises(Problem) as caught:
        post()
    assert caught.value.code == code
    assert not Document.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"tax_amount": Decimal("121.00")},
        {"tax_amount": Decimal(-1)},
        {"discount": Decimal(2)},
        {"discount_percent": Decimal(2)},
        {"discount_percent": Decimal(2), "discount_until": UNTIL, "discount": Decimal(100)},
        {"discount_percent": Decimal(2), "discount_until": UNTIL, "discount": Decimal(2), "discount_tax": Decimal(22)},
    ],
)
def test_the_database_refuses_terms_that_cannot_be(owner: User, company: Company, change: dict[str, object]) -> None:
    document = create_document(
        owner, company, kind="invoice", partner_name="P", number="1", date=DAY, amount=Decimal("121.00"), taxes=(NET,)
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        Document.objects.filter(pk=document.pk).update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        DocumentTax.objects.update(net=Decimal(0))
