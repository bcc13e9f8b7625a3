"""Payments and batches that were ordered: settled by a line, rejected, returned, undone (books.md 16.7)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from tests.books.conftest import NOW
from tests.books.reconcile.steps import DAY, line_of, standing

from nostro.books.companies.models import Company
from nostro.books.journals.models import Journal, Line
from nostro.books.journals.services import create_journal
from nostro.books.ledger.models import Document, EntryItem, Payment, PaymentState
from nostro.books.ledger.services import create_document
from nostro.books.reconcile.applications import of_option
from nostro.books.reconcile.applying import apply_one
from nostro.books.reconcile.engine import Proposal
from nostro.books.reconcile.models import MatchGroup
from nostro.books.reconcile.payments import change_payment, order_payments
from nostro.books.reconcile.proposing import propose_lines
from nostro.books.reconcile.services import undo
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem


@pytest.fixture
def bills(owner: User, company: Company) -> list[Document]:
    return [
        create_document(
            owner,
            company,
            kind="bill",
            partner_name=f"Supplier {n}",
            number=f"BILL-{n}",
            date=DAY,
            amount=Decimal(amount),
        )
        for n, amount in enumerate(("1000.00", "700.00", "300.00"), 1)
    ]


@pytest.fixture
def batch(owner: User, journal: Journal, bills: Sequence[Document]) -> list[Payment]:
    """The example of books.md 16.7: 1 000.00, 700.00 and 300.00, sent together."""
    return order_payments(
        owner, journal.id, {bill.open_item_id: None for bill in bills}, date=DAY, batch_reference="BATCH-2026-1",
        message_id="MSG-881", end_to_end_ids={bill.open_item_id: f"E2E-{bill.number}" for bill in bills}, now=NOW,
    )  # fmt: skip


def proposal_of(company: Company, line: Line) -> Proposal:
    (proposal,) = propose_lines(company, [line.id])
    return proposal


def choose(user: User, company: Company, line: Line) -> MatchGroup:
    """The best option, as the page would apply it."""
    line.refresh_from_db()
    proposal = proposal_of(company, line)
    (application,) = of_option(company, proposal, proposal.options[0], line.suspense_residual)
    return apply_one(company, application, actor=user, now=NOW)


def residuals(bills: Sequence[Document]) -> list[Decimal]:
    found = EntryItem.objects.in_bulk([bill.open_item_id for bill in bills])
    return [found[bill.open_item_id].residual_currency or Decimal(0) for bill in bills]


def states() -> list[str]:
    return list(Payment.objects.order_by("amount").values_list("state", flat=True))


def test_a_batch_with_a_rejected_payment_and_a_later_return(
    owner: User, company: Company, journal: Journal, bills: list[Document], batch: list[Payment]
) -> None:
    change_payment(owner, batch[2].id, PaymentState.REJECTED, now=NOW)
    line = line_of(journal, "-1700.00", "batch-2026-1 executed")
    proposal = proposal_of(company, line)
    assert (proposal.decision, proposal.options[0].step) == ("apply", "payment")
    group = choose(owner, company, line)
    assert group.parts.count() == 2
    assert residuals(bills) == [0, 0, -300]
    assert states() == ["settled", "settled", "rejected"]

    back = line_of(journal, "700.00", "return", end_to_end_id="e2e-bill-2")
    returned = proposal_of(company, back)
    assert (returned.decision, returned.options[0].step) == ("apply", "end_to_end_id")
    choose(owner, company, back)
    assert residuals(bills) == [0, -700, -300]
    assert states() == ["settled", "returned", "rejected"]
    assert order_payments(owner, journal.id, {bills[1].open_item_id: None}, date=DAY, now=NOW)[0].amount == -700


@pytest.mark.parametrize("order", list(itertools.permutations((0, 1))), ids=["payment first", "return first"])
def test_both_are_undone_in_any_order(
    owner: User, company: Company, journal: Journal, bills: list[Document], batch: list[Payment], order: tuple[int, int]
) -> None:
    paid, back = line_of(journal, "-2000.00", "MSG-881"), line_of(journal, "700.00", "x", end_to_end_id="E2E-BILL-2")
    before = standing(company)
    groups = [choose(owner, company, paid), choose(owner, company, back)]
    for index in order:
        undo(owner, groups[index].id, now=NOW)
    assert standing(company) == before
    assert states() == ["outstanding"] * 3
    assert residuals(bills) == [-1000, -700, -300]


@pytest.mark.parametrize(
    ("amount", "text", "decision", "step"),
    [
        ("-2000.00", "MSG-881", "apply", "payment"),
        ("-2000.00", "no reference", "suggest", "payment"),  # the amount alone is never enough
        ("-1999.00", "BATCH-2026-1", "suggest", "payment"),  # neither the total nor less the rejected ones
        ("-2000.00", "", "suggest", "payment"),
        ("2000.00", "MSG-881", "nothing", None),
    ],
)
def test_a_batch_is_found_by_its_id_and_else_only_suggested(
    company: Company, journal: Journal, batch: list[Payment], amount: str, text: str, decision: str, step: str | None
) -> None:
    proposal = proposal_of(company, line_of(journal, amount, text))
    assert (proposal.decision, proposal.step) == (decision, step)


def test_two_batches_of_one_total_are_for_a_person(
    owner: User, company: Company, journal: Journal, bills: list[Document], batch: list[Payment]
) -> None:
    again = create_document(
        owner, company, kind="bill", partner_name="S", number="BILL-9", date=DAY, amount=Decimal(2000)
    )
    order_payments(owner, journal.id, {again.open_item_id: None}, date=DAY, batch_reference="OTHER-1", now=NOW)
    proposal = proposal_of(company, line_of(journal, "-2000.00"))
    assert proposal.decision == "suggest"
    assert len([option for option in proposal.options if option.step == "payment"]) == 2


def test_a_single_payment_goes_before_its_bill_and_stays_on_its_account(
    owner: User, company: Company, journal: Journal, bills: list[Document]
) -> None:
    (payment,) = order_payments(owner, journal.id, {bills[0].open_item_id: None}, date=DAY, now=NOW)
    elsewhere = create_journal(owner, company, name="Other", currency="EUR")
    assert proposal_of(company, line_of(elsewhere, "-1000.00", end_to_end_id=payment.end_to_end_id)).decision != "apply"
    line = line_of(journal, "-1000.00", "payment", end_to_end_id=payment.end_to_end_id)
    group = choose(owner, company, line)
    assert group.parts.get().payment == payment
    payment.refresh_from_db()
    assert payment.state == PaymentState.SETTLED
    with pytest.raises(Problem, match="On a bank line"):
        change_payment(owner, payment.id, PaymentState.REJECTED, now=NOW)


def test_what_cannot_be_paid_is_refused(
    owner: User, stranger: User, company: Company, journal: Journal, bills: list[Document], batch: list[Payment]
) -> None:
    first = bills[0].open_item_id
    for amounts, code in (({}, "itemsMissing"), ({first: None}, "paymentOutstanding")):
        with pytest.raises(Problem) as caught:
            order_payments(owner, journal.id, amounts, date=DAY, now=NOW)
        assert caught.value.code == code
    change_payment(owner, batch[0].id, PaymentState.CANCELLED, now=NOW)
    for part in ("1000.01", "-1000.01", "0"):
        with pytest.raises(Problem, match="no part of it"):
            order_payments(owner, journal.id, {first: Decimal(part)}, date=DAY, now=NOW)
    with pytest.raises(Problem) as caught:
        order_payments(owner, journal.id, {first: None}, date=DAY, batch_reference="batch-2026-1", now=NOW)
    assert caught.value.code == "batchExists"
    with pytest.raises(Problem) as caught:
        order_payments(owner, journal.id, {first: None}, date=DAY, end_to_end_ids={first: "e2e-bill-2"}, now=NOW)
    assert caught.value.code == "endToEndIdTaken"
    with pytest.raises(NotFound):
        order_payments(stranger, journal.id, {first: None}, date=DAY, now=NOW)
    with pytest.raises(NotFound):
        change_payment(stranger, batch[1].id, PaymentState.REJECTED, now=NOW)


def test_the_database_keeps_one_outstanding_payment_per_item_and_ids_apart(
    company: Company, journal: Journal, batch: list[Payment]
) -> None:
    for change in ({"open_item": batch[0].open_item}, {"end_to_end_id": batch[0].end_to_end_id}, {"amount": 0}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Payment.objects.filter(pk=batch[1].pk).update(**change)
