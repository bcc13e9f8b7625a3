"""Early-payment discount on a real ledger: the table of books.md 16.5, its days, and the references beside it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone
from tests.books.conftest import NOW
from tests.books.reconcile.steps import DAY, REFERENCE, line_of, standing
from tests.books.steps import balance

from nostro.books.companies.models import Company
from nostro.books.journals.models import Journal
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import Document, Purpose, TaxOption
from nostro.books.ledger.services import create_document
from nostro.books.ledger.terms import EarlyTerms, Taxed
from nostro.books.reconcile.applications import Application, Pay, of_option
from nostro.books.reconcile.applying import apply_one
from nostro.books.reconcile.automation import look
from nostro.books.reconcile.choosing import choose_option, option_key
from nostro.books.reconcile.engine import Proposal
from nostro.books.reconcile.models import StoredProposal
from nostro.books.reconcile.proposing import propose_lines
from nostro.books.reconcile.queries import proposals_for
from nostro.books.reconcile.services import undo
from nostro.people.models import User


def document_of(
    user: User, company: Company, *, kind: str = "invoice", total: str = "121.00",
    option: TaxOption = TaxOption.ON_EARLY_PAYMENT, **more: str,
) -> Document:  # fmt: skip
    """Net 100.00, tax 21 %, 2 % off within ten days."""
    early = EarlyTerms(Decimal(2), DAY + dt.timedelta(days=10), option)
    return create_document(
        user, company, kind=kind, partner_name="Partner NV", number="DOC-2026-7", date=DAY, amount=Decimal(total),
        currency="EUR", taxes=(Taxed(Decimal(21), Decimal("100.00")),), early=early, **more,
    )  # fmt: skip


def proposed(company: Company, journal: Journal, amount: str, text: str, end_to_end_id: str = "") -> Proposal:
    line = line_of(journal, amount, text, end_to_end_id=end_to_end_id)
    (proposal,) = propose_lines(company, [line.id])
    return proposal


@pytest.mark.parametrize("kind", ["invoice", "bill"])
@pytest.mark.parametrize(
    ("option", "total", "early", "tax_left", "correction"),
    [
        (TaxOption.ALWAYS, "120.58", "118.58", "20.58", "0"),
        (TaxOption.ON_EARLY_PAYMENT, "121.00", "118.58", "20.58", "0.42"),
        (TaxOption.NEVER, "121.00", "119.00", "21.00", "0"),
    ],
)
def test_paid_early_the_discount_and_the_tax_are_booked_as_the_option_says(
    owner: User, company: Company, journal: Journal, kind: str, option: TaxOption, total: str, early: str,
    tax_left: str, correction: str,
) -> None:  # fmt: skip
    document = document_of(owner, company, kind=kind, total=total, option=option, structured_reference=REFERENCE)
    sign = 1 if kind == "invoice" else -1
    line = line_of(journal, str(sign * Decimal(early)), REFERENCE, day=DAY + dt.timedelta(days=10))
    before = standing(company)
    (proposal,) = propose_lines(company, [line.id])
    assert proposal.decision == "suggest", "nothing is written off without a person or a rule"
    (application,) = of_option(company, proposal, proposal.options[0], line.amount)
    group = apply_one(company, application, actor=owner, now=NOW)
    document.open_item.refresh_from_db()
    assert (document.open_item.residual, document.open_item.residual_currency) == (0, 0)
    given = Purpose.DISCOUNT_GIVEN if kind == "invoice" else Purpose.DISCOUNT_RECEIVED
    tax = Purpose.VAT_PAYABLE if kind == "invoice" else Purpose.VAT_RECOVERABLE
    assert balance(account_for(company, given)) == sign * Decimal("2.00")
    assert balance(account_for(company, tax)) == -sign * Decimal(tax_left)
    assert document.discount_tax == Decimal(correction)
    owed = account_for(company, Purpose.RECEIVABLE if kind == "invoice" else Purpose.PAYABLE)
    assert balance(owed) == 0
    undo(owner, group.id, now=NOW)
    assert standing(company) == before


def test_a_day_late_there_is_no_discount(owner: User, company: Company, journal: Journal) -> None:
    document_of(owner, company, structured_reference=REFERENCE)
    line = line_of(journal, "118.58", REFERENCE, day=DAY + dt.timedelta(days=11))
    (proposal,) = propose_lines(company, [line.id])
    (option,) = proposal.options[:1]
    assert option.auto
    assert option.allocations[0].write_off == 0, "underpaid: the document stays open with its rest"


def test_a_document_paid_in_part_has_no_discount_any_more(owner: User, company: Company, journal: Journal) -> None:
    document = document_of(owner, company, structured_reference=REFERENCE)
    part = line_of(journal, "2.42", "first part")
    apply_one(company, Application(part.id, (Pay(document.open_item_id),), "manual", "x"), actor=owner, now=NOW)
    line = line_of(journal, "116.16", REFERENCE)
    (proposal,) = propose_lines(company, [line.id])
    assert proposal.options[0].allocations[0].write_off == 0


def test_their_reference_and_the_end_to_end_id_lead_to_a_document(
    owner: User, company: Company, journal: Journal
) -> None:
    document = document_of(owner, company, partner_reference="PO-88123", end_to_end_id="e2e-77")
    by_number = proposed(company, journal, "121.00", "order po-88123, thanks")
    assert (by_number.decision, by_number.options[0].step) == ("apply", "number")
    by_id = proposed(company, journal, "121.00", "thanks", end_to_end_id="E2E-77")
    assert (by_id.decision, by_id.options[0].step) == ("apply", "end_to_end_id")
    assert by_id.options[0].item_ids == (document.open_item_id,)


def test_a_proposal_that_was_stored_books_the_same(owner: User, company: Company, journal: Journal) -> None:
    document_of(owner, company, structured_reference=REFERENCE)
    line = line_of(journal, "118.58", REFERENCE)
    look(company, clock=lambda: timezone.now() + dt.timedelta(minutes=5))
    assert StoredProposal.objects.filter(line=line).exists()
    stored = proposals_for([line])[line.id]
    choose_option(owner, line.id, option_key(stored.options[0]), now=NOW)
    assert balance(account_for(company, Purpose.DISCOUNT_GIVEN)) == Decimal("2.00")
    assert balance(account_for(company, Purpose.VAT_PAYABLE)) == Decimal("-20.58")
