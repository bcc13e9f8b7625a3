"""Reconcile and undo: the worked examples of books.md 16.2 that the first form covers, I-1, I-3 and I-11."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import Sum
from tests.books.conftest import NOW
from tests.books.steps import balance

from nostro.books.companies.models import Company, ReconcileMode
from nostro.books.journals.importing import LineValues, NewLine, import_lines
from nostro.books.journals.models import Journal, Line, Source
from nostro.books.journals.services import create_journal
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import Document, EntryItem, LedgerAccount, Purpose
from nostro.books.ledger.services import create_document
from nostro.books.reconcile.candidates import candidates
from nostro.books.reconcile.models import MatchGroup
from nostro.books.reconcile.services import reconcile_with_account, reconcile_with_items, undo
from nostro.core.ids import new_id
from nostro.people.models import User
from nostro.web.errors import Problem

DAY = dt.date(2026, 11, 10)


@pytest.fixture
def journal(owner: User, company: Company) -> Journal:
    return create_journal(owner, company, name="Bank", currency="EUR")


def line_of(journal: Journal, amount: str, text: str = "", **values: str) -> Line:
    new = NewLine(
        LineValues(DAY, DAY, Decimal(amount), journal.currency, label=text, remittance_text=text, **values),
        Source.FEED,
        new_id().hex,
        1,
    )
    (made,) = import_lines(journal, [new], identity="x", run_id=None, today=NOW.date())
    return Line.objects.get(pk=made.id)


def invoice_of(user: User, company: Company, number: str = "INV/2026/0007", amount: str = "121.00") -> Document:
    return create_document(
        user,
        company,
        kind="invoice",
        partner_name="Customer NV",
        number=number,
        date=DAY,
        amount=Decimal(amount),
        currency=company.currency,
        structured_reference="+++020/3430/57642+++",
    )


def state(company: Company) -> list[object]:
    """Balances by account, partner and currency, and all residuals."""
    items = EntryItem.objects.filter(company=company)
    totals = items.values_list("account", "partner", "currency").annotate(Sum("amount"), Sum("amount_currency"))
    open_items = items.filter(residual__isnull=False).values_list("id", "residual", "residual_currency")
    lines = Line.objects.filter(company=company).values_list("id", "reconciled", "suspense_residual")
    # A counterpart that came and went leaves no row, and an account without items has the balance zero.
    return [sorted(map(str, (row for row in totals if row[3]))), sorted(map(str, open_items)), sorted(map(str, lines))]


@pytest.mark.parametrize("mode", ReconcileMode.values)
@pytest.mark.parametrize(
    ("paid", "open_left", "unexplained"),
    [("121.00", "0.00", "0.00"), ("100.00", "21.00", "0.00"), ("150.00", "0.00", "29.00")],
)
def test_pay_an_invoice_exactly_too_little_and_too_much_then_undo(
    owner: User, company: Company, journal: Journal, mode: str, paid: str, open_left: str, unexplained: str
) -> None:
    Company.objects.filter(pk=company.pk).update(reconcile_mode=mode)
    invoice = invoice_of(owner, company)
    line = line_of(journal, paid, "payment 020343057642")
    before = state(company)
    (candidate,) = candidates(line)
    assert (candidate.item.id, candidate.step, candidate.strength) == (invoice.open_item_id, "reference", "exact")
    assert "+++020/3430/57642+++" in candidate.explanation
    group = reconcile_with_items(owner, line.id, [invoice.open_item_id], now=NOW)
    invoice.open_item.refresh_from_db()
    line.refresh_from_db()
    assert (invoice.open_item.residual, line.suspense_residual) == (Decimal(open_left), Decimal(unexplained))
    assert line.reconciled == (line.suspense_residual == 0)
    assert balance(journal.suspense_account) == -line.suspense_residual
    assert balance(account_for(company, Purpose.RECEIVABLE)) == Decimal(open_left)
    assert balance(journal.bank_account) == Decimal(paid)
    undo(owner, group.id, now=NOW)
    undo(owner, group.id, now=NOW)
    assert state(company) == before


def test_two_invoices_with_one_reference_are_suggestions_only(owner: User, company: Company, journal: Journal) -> None:
    invoice_of(owner, company)
    invoice_of(owner, company, "INV/2026/0008")
    found = candidates(line_of(journal, "121.00", "020343057642"))
    assert [candidate.strength for candidate in found] == ["likely", "likely"]


def test_a_wrong_checksum_is_no_reference_and_amount_alone_is_weak(
    owner: User, company: Company, journal: Journal
) -> None:
    invoice_of(owner, company)
    (found,) = candidates(line_of(journal, "121.00", "020343057643"))
    assert (found.step, found.strength) == ("amount", "weak")


def test_document_number_and_known_payer_are_found(owner: User, company: Company, journal: Journal) -> None:
    invoice = invoice_of(owner, company)
    (found,) = candidates(line_of(journal, "121.00", "Your invoice INV/2026/0007."))
    assert (found.step, found.strength) == ("number", "exact")
    paid = line_of(journal, "21.00", "x", counterparty_account="BE71096123456769")
    group = reconcile_with_items(owner, paid.id, [invoice.open_item_id], now=NOW)
    undo(owner, group.id, now=NOW)
    (found,) = candidates(line_of(journal, "121.00", "thanks", counterparty_account="BE71096123456769"))
    assert found.step == "partner"


@pytest.mark.parametrize(
    ("currency", "amounts"),
    [("EUR", ("100.01", "33.34", "66.67")), ("JPY", ("1001", "334", "667")), ("KWD", ("1.001", "0.334", "0.667"))],
)
def test_split_over_accounts_sums_to_the_line(owner: User, currency: str, amounts: tuple[str, str, str]) -> None:
    from nostro.books.companies.services import create_company

    company = create_company(owner, name=currency, country="BE", currency=currency)
    journal = create_journal(owner, company, name="Bank", currency=currency)
    line = line_of(journal, f"-{amounts[0]}")
    rent = LedgerAccount.objects.get(company=company, code="610000")
    before = state(company)
    first = reconcile_with_account(owner, line.id, rent.id, amount=-Decimal(amounts[1]), now=NOW)
    second = reconcile_with_account(owner, line.id, rent.id, now=NOW)
    assert balance(rent) == Decimal(amounts[0])
    assert balance(journal.suspense_account) == 0
    undo(owner, first.id, now=NOW)
    assert balance(rent) == Decimal(amounts[2])
    undo(owner, second.id, now=NOW)
    assert state(company) == before


def test_a_foreign_line_is_booked_by_its_own_rate_to_the_last_cent(owner: User, company: Company) -> None:
    from nostro.books.ledger.rates import set_rate

    set_rate(company, "USD", DAY, Decimal("0.9"))
    journal = create_journal(owner, company, name="USD", currency="USD")
    line = line_of(journal, "111.11")
    assert line.company_amount == Decimal("100.00")
    sales = account_for(company, Purpose.SALES)
    for part in ("37.04", "37.04", None):
        amount = Decimal(part) if part else None
        reconcile_with_account(owner, line.id, sales.id, amount=amount, now=NOW)
    booked = EntryItem.objects.filter(account=sales).order_by("amount_currency").values_list("amount", flat=True)
    assert sorted(booked) == [Decimal("-33.34"), Decimal("-33.34"), Decimal("-33.32")]


def test_bad_choices_are_problems_and_change_nothing(owner: User, company: Company, journal: Journal) -> None:
    invoice = invoice_of(owner, company)
    line = line_of(journal, "-10.00")
    before = state(company)
    sales = account_for(company, Purpose.SALES)
    with pytest.raises(Problem, match="other way"):
        reconcile_with_items(owner, line.id, [invoice.open_item_id], now=NOW)
    for amount in ("10.00", "-10.01", "0", "-1.001"):
        with pytest.raises(Problem):
            reconcile_with_account(owner, line.id, sales.id, amount=Decimal(amount), now=NOW)
    with pytest.raises(Problem):
        reconcile_with_account(owner, line.id, journal.suspense_account_id, now=NOW)
    assert state(company) == before


@pytest.mark.django_db(transaction=True)
def test_of_two_people_one_wins_and_the_other_is_told(owner: User, company: Company, journal: Journal) -> None:
    invoice = invoice_of(owner, company)
    line = line_of(journal, "121.00")
    barrier, results = threading.Barrier(2), []

    def act() -> None:
        barrier.wait(10)
        try:
            results.append(reconcile_with_items(owner, line.id, [invoice.open_item_id], now=NOW).step)
        except Problem as problem:
            results.append(problem.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=act) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(results) == ["lineReconciled", "manual"]
    assert MatchGroup.objects.count() == 1
