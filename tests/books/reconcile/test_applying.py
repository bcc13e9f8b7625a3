"""Applications on a real ledger: currencies (books.md 16.6), write-offs (16.4), transfers, batches, I-2, I-11, I-17."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import Sum
from tests.books.conftest import NOW
from tests.books.steps import balance

from nostro.books.companies.models import Company, ReconcileMode
from nostro.books.journals.importing import LineValues, NewLine, import_lines
from nostro.books.journals.models import Journal, Line, Source
from nostro.books.journals.services import create_journal
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import Document, EntryItem, Purpose
from nostro.books.ledger.rates import set_rate
from nostro.books.ledger.services import create_document
from nostro.books.reconcile.applications import Application, BookTo, Pay, WriteOff, of_proposal
from nostro.books.reconcile.applying import apply, apply_one
from nostro.books.reconcile.models import MatchGroup
from nostro.books.reconcile.proposing import propose_lines
from nostro.books.reconcile.services import undo
from nostro.core.ids import new_id
from nostro.people.models import User
from nostro.web.errors import Problem

DAY = dt.date(2026, 11, 10)


@pytest.fixture
def journal(owner: User, company: Company) -> Journal:
    return create_journal(owner, company, name="Bank", currency="EUR")


def line_of(journal: Journal, amount: str, text: str = "", dollars: str = "", **values: Any) -> Line:
    new = NewLine(
        LineValues(DAY, DAY, Decimal(amount), journal.currency, label=text, remittance_text=text, **values),
        Source.FEED,
        new_id().hex,
        1,
    )
    (made,) = import_lines(journal, [new], identity="x", run_id=None, today=NOW.date())
    if dollars:
        Line.objects.filter(pk=made.id).update(foreign_amount=Decimal(dollars), foreign_currency="USD")
    return Line.objects.get(pk=made.id)


def invoice_of(
    user: User,
    company: Company,
    number: str,
    amount: str,
    currency: str = "EUR",
    *,
    rate: str = "",
    reference: str = "",
) -> Document:
    if rate:
        set_rate(company, currency, DAY, Decimal(rate))
    return create_document(
        user, company, kind="invoice", partner_name="Customer NV", number=number, date=DAY, amount=Decimal(amount),
        currency=currency, structured_reference=reference,
    )  # fmt: skip


def state(company: Company) -> list[object]:
    items = EntryItem.objects.filter(company=company)
    totals = items.values_list("account", "partner", "currency").annotate(Sum("amount"), Sum("amount_currency"))
    residuals = items.filter(residual__isnull=False).values_list("id", "residual", "residual_currency")
    lines = Line.objects.filter(company=company).values_list("id", "reconciled", "suspense_residual")
    return [sorted(map(str, (t for t in totals if t[3] or t[4]))), sorted(map(str, residuals)), sorted(map(str, lines))]


def done(company: Company, line: Line, *moves: Pay | BookTo) -> MatchGroup:
    return apply_one(company, Application(line.id, moves, "manual", "because"), actor=None, now=NOW)


@pytest.mark.parametrize("mode", ReconcileMode.values)
def test_an_invoice_in_dollars_paid_in_euro_leaves_its_account_at_zero(
    owner: User, company: Company, journal: Journal, mode: str
) -> None:
    Company.objects.filter(pk=company.pk).update(reconcile_mode=mode)
    company.refresh_from_db()
    invoice = invoice_of(owner, company, "A", "1000", "USD", rate="0.9")
    line = line_of(journal, "915.00", dollars="1000")
    before = state(company)
    group = done(company, line, Pay(invoice.open_item_id))
    invoice.open_item.refresh_from_db()
    assert (invoice.open_item.residual, invoice.open_item.residual_currency) == (0, 0)
    receivable = account_for(company, Purpose.RECEIVABLE)
    assert balance(receivable) == 0
    assert EntryItem.objects.filter(account=receivable).aggregate(total=Sum("amount_currency"))["total"] == 0
    assert balance(account_for(company, Purpose.EXCHANGE_GAIN)) == Decimal("-15.00")
    assert balance(journal.suspense_account) == 0
    undo(owner, group.id, now=NOW)
    assert state(company) == before


def test_two_invoices_in_dollars_share_one_line(owner: User, company: Company, journal: Journal) -> None:
    first = invoice_of(owner, company, "B1", "300", "USD", rate="0.9")
    second = invoice_of(owner, company, "B2", "700", "USD", rate="0.91")
    group = done(company, line_of(journal, "915.00", dollars="1000"), Pay(first.open_item_id), Pay(second.open_item_id))
    parts = group.parts.order_by("amount")
    assert [part.amount for part in parts] == [Decimal("274.50"), Decimal("640.50")]
    gains = EntryItem.objects.filter(account=account_for(company, Purpose.EXCHANGE_GAIN)).order_by("-amount")
    assert [item.amount for item in gains] == [Decimal("-3.50"), Decimal("-4.50")]


def test_three_items_take_the_line_to_the_last_cent(owner: User, company: Company, journal: Journal) -> None:
    items = [
        invoice_of(owner, company, f"C{n}", amount, "USD", rate="0.9")
        for n, amount in enumerate(("37.04", "37.04", "37.03"))
    ]
    group = done(
        company, line_of(journal, "100.00", dollars="111.11"), *(Pay(document.open_item_id) for document in items)
    )
    by_item = {part.open_item_id: part.amount for part in group.parts.all()}
    assert [str(by_item[document.open_item_id]) for document in items] == ["33.34", "33.34", "33.32"]


def test_a_write_off_closes_the_document_and_is_taken_back_with_it(
    owner: User, company: Company, journal: Journal
) -> None:
    invoice = invoice_of(owner, company, "D", "121.00")
    line = line_of(journal, "118.58")
    before = state(company)
    given = account_for(company, Purpose.DISCOUNT_GIVEN)
    vat = account_for(company, Purpose.VAT_PAYABLE)
    off = (WriteOff(given.id, Decimal("2.00")), WriteOff(vat.id, Decimal("0.42")))
    group = done(company, line, Pay(invoice.open_item_id, write_offs=off))
    invoice.open_item.refresh_from_db()
    assert invoice.open_item.residual == 0
    assert (balance(given), balance(vat)) == (Decimal("2.00"), Decimal("0.42"))
    assert balance(account_for(company, Purpose.RECEIVABLE)) == 0
    undo(owner, group.id, now=NOW)
    assert state(company) == before


def test_of_a_batch_the_refused_change_nothing_and_say_why(owner: User, company: Company, journal: Journal) -> None:
    invoice = invoice_of(owner, company, "E", "50.00")
    lines = [line_of(journal, "50.00", str(n)) for n in range(3)]
    sales = account_for(company, Purpose.SALES)
    applications = [
        Application(lines[0].id, (Pay(invoice.open_item_id, expected=Decimal("50.00")),), "reference", "first"),
        Application(lines[1].id, (Pay(invoice.open_item_id, expected=Decimal("50.00")),), "reference", "second"),
        Application(lines[2].id, (BookTo(sales.id, Decimal("60.00")),), "manual", "too much"),
        Application(lines[2].id, (BookTo(sales.id),), "manual", "all"),
        Application(lines[2].id, (BookTo(sales.id),), "manual", "again"),
        Application(new_id(), (BookTo(sales.id),), "manual", "unknown"),
    ]
    outcomes = apply(company, applications, actor=None, now=NOW)
    codes = ["" if isinstance(outcome, MatchGroup) else getattr(outcome, "code", "") for outcome in outcomes]
    assert codes[:5] == ["", "itemNotOpen", "amountInvalid", "", "lineReconciled"]
    assert not isinstance(outcomes[5], MatchGroup)
    assert MatchGroup.objects.count() == 2
    lines[1].refresh_from_db()
    assert not lines[1].reconciled
    assert balance(journal.suspense_account) == Decimal("-50.00")


def test_a_stale_decision_is_refused(owner: User, company: Company, journal: Journal) -> None:
    invoice = invoice_of(owner, company, "F", "50.00")
    line = line_of(journal, "50.00")
    with pytest.raises(Problem, match="has changed"):
        done(company, line, Pay(invoice.open_item_id, expected=Decimal("49.00")))
    with pytest.raises(Problem, match="has changed"):
        apply_one(
            company,
            Application(line.id, (Pay(invoice.open_item_id),), "manual", "x", expected_rest=Decimal("49.00")),
            actor=None,
            now=NOW,
        )


def test_proposals_that_may_be_applied_are(owner: User, company: Company, journal: Journal) -> None:
    invoice = invoice_of(owner, company, "INV/2026/0007", "121.00", reference="+++020/3430/57642+++")
    line = line_of(journal, "100.00", "payment 020343057642")
    (proposal,) = propose_lines(company, [line.id])
    (outcome,) = apply(company, of_proposal(company, proposal, line.suspense_residual), actor=None, now=NOW)
    assert isinstance(outcome, MatchGroup) and outcome.automatic and outcome.step == "reference"
    assert outcome.explanation == ("Reference +++020/3430/57642+++ in the message = INV/2026/0007, 21.00 EUR stay open")
    assert outcome.evidence["evidence"] == [{"kind": "reference", "text": "020343057642", "place": "message"}]
    invoice.open_item.refresh_from_db()
    assert invoice.open_item.residual == Decimal("21.00")
    assert list(propose_lines(company, [line.id])) == []


def test_both_halves_of_a_transfer_are_matched_and_taken_back_together(
    owner: User, company: Company, journal: Journal
) -> None:
    Journal.objects.filter(pk=journal.pk).update(account_number="BE68539007547034")
    savings = create_journal(owner, company, name="Savings", currency="EUR", account_number="BE71096123456769")
    out = line_of(journal, "-500.00", "to savings", counterparty_account="BE71096123456769")
    received = line_of(savings, "500.00", "from current", counterparty_account="BE68539007547034")
    before = state(company)
    (proposal,) = propose_lines(company, [out.id])
    outcomes = apply(company, of_proposal(company, proposal, out.suspense_residual), actor=None, now=NOW)
    assert all(isinstance(outcome, MatchGroup) for outcome in outcomes)
    assert not Line.objects.filter(pk__in=[out.id, received.id], reconciled=False).exists()
    assert balance(account_for(company, Purpose.TRANSFER)) == 0
    undo(owner, outcomes[0].id, now=NOW)  # type: ignore[union-attr]
    assert state(company) == before
