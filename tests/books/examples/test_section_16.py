"""The worked examples of books.md 16 with their figures; docs/contributing/ledger-examples.md lists them all, with the
ones that have their test elsewhere."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone
from tests.books.conftest import NOW
from tests.books.examples.figures import entry_of, residual_of, sides
from tests.books.reconcile.steps import DAY, REFERENCE, invoice_of, line_of
from tests.books.steps import balance

from nostro.books.companies.models import Company
from nostro.books.journals.models import Journal, Line
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import Document, EntryItem, PartnerBankAccount, PaymentState, Purpose
from nostro.books.ledger.rates import set_rate
from nostro.books.ledger.services import create_document
from nostro.books.reconcile.applications import Application, Pay
from nostro.books.reconcile.applying import apply_one
from nostro.books.reconcile.automation import look
from nostro.books.reconcile.choosing import choose_option, option_key
from nostro.books.reconcile.engine import Definition, Proposal
from nostro.books.reconcile.engine.rules import AmountType, Counterpart
from nostro.books.reconcile.models import MatchGroup, RuleKind
from nostro.books.reconcile.payments import change_payment, order_payments
from nostro.books.reconcile.proposing import propose_lines
from nostro.books.reconcile.rules.services import create_rule, press
from nostro.books.reconcile.services import undo
from nostro.people.models import User


def proposal_of(company: Company, line: Line) -> Proposal:
    (proposal,) = propose_lines(company, [line.id])
    return proposal


# --- 16.2: invoice INV/2026/0007, 121.00, +++020/3430/57642+++ ------------------------------------------------------


@pytest.fixture
def invoice(owner: User, company: Company) -> Document:
    return invoice_of(owner, company, reference=REFERENCE)


def test_exact_is_automatic_explained_and_undo_restores(
    owner: User, company: Company, journal: Journal, invoice: Document
) -> None:
    """16.2 first line, and the sentence of 16.9."""
    line = line_of(journal, "121.00", "payment 020343057642")
    assert entry_of(journal, line) == ["Dr Bank 121.00", "Cr Suspense 121.00"]
    look(company)
    group = MatchGroup.objects.get()
    assert (group.step, group.automatic) == ("reference", True)
    assert group.explanation == "Reference +++020/3430/57642+++ in the message = INV/2026/0007, amount exact"
    assert entry_of(journal, line) == ["Dr Bank 121.00", "Cr Receivable 121.00"]
    assert [line.reconciled, residual_of(invoice.open_item)] == [True, 0]
    undo(owner, group.id, now=NOW)
    assert entry_of(journal, line) == ["Dr Bank 121.00", "Cr Suspense 121.00"]
    assert (line.reconciled, residual_of(invoice.open_item)) == (False, Decimal("121.00"))


@pytest.mark.parametrize(
    ("amount", "is_reconciled", "open_left", "suspense"),
    [("100.00", True, "21.00", "0"), ("150.00", False, "0", "29.00")],
    ids=["underpaid", "overpaid"],
)
def test_underpaid_leaves_the_invoice_open_and_overpaid_leaves_suspense(
    company: Company, journal: Journal, invoice: Document, amount: str, is_reconciled: bool, open_left: str,
    suspense: str,
) -> None:  # fmt: skip
    line = line_of(journal, amount, "payment 020343057642")
    assert look(company).applied == 1
    line.refresh_from_db()
    assert (line.reconciled, residual_of(invoice.open_item)) == (is_reconciled, Decimal(open_left))
    assert balance(journal.suspense_account) == -Decimal(suspense)


def test_the_amount_alone_is_shown_under_step_8_and_a_known_payer_under_step_6(
    company: Company, journal: Journal, invoice: Document
) -> None:
    unknown = line_of(journal, "121.00", "thanks", counterparty_account="BE71096123456769")
    assert look(company).applied == 0
    assert [option.step for option in proposal_of(company, unknown).options] == ["rest"]
    PartnerBankAccount.objects.create(
        company=company, partner=invoice.partner, account_number="BE71096123456769"
    )  # fmt: skip
    known = proposal_of(company, unknown)
    assert (known.decision, known.options[0].step) == ("suggest", "partner")


def test_a_copied_reference_and_a_wrong_checksum_decide_nothing(
    owner: User, company: Company, journal: Journal, invoice: Document
) -> None:
    wrong = line_of(journal, "121.00", "payment 020343057643")
    assert "reference" not in {option.step for option in proposal_of(company, wrong).options}
    copied = invoice_of(owner, company, "INV/2026/0008", reference=REFERENCE)
    line = line_of(journal, "121.00", "payment 020343057642")
    assert look(company).applied == 0
    found = [option for option in proposal_of(company, line).options if option.step == "reference"]
    assert {option.item_ids for option in found} == {(invoice.open_item_id,), (copied.open_item_id,)}


# --- 16.6: the bank's implied rate ----------------------------------------------------------------------------------


def in_dollars(owner: User, company: Company, number: str, dollars: str, euro: str) -> Document:
    """An invoice in dollars that is booked at an amount in euro."""
    set_rate(company, "USD", DAY, Decimal(euro) / Decimal(dollars))
    document = create_document(
        owner, company, kind="invoice", partner_name="Customer NV", number=number, date=DAY, amount=Decimal(dollars),
        currency="USD",
    )  # fmt: skip
    assert document.open_item.amount == Decimal(euro)
    return document


def paid(company: Company, line: Line, *documents: Document) -> MatchGroup:
    moves = tuple(Pay(document.open_item_id) for document in documents)
    return apply_one(company, Application(line.id, moves, "manual", "by hand"), actor=None, now=NOW)


def slices(group: MatchGroup, *documents: Document) -> list[str]:
    by_item = {part.open_item_id: str(part.amount) for part in group.parts.all()}
    return [by_item[document.open_item_id] for document in documents]


def test_a_one_invoice_in_dollars(owner: User, company: Company, journal: Journal) -> None:
    invoice = in_dollars(owner, company, "A", "1000", "900.00")
    line = line_of(journal, "915.00", foreign_amount=Decimal(1000), foreign_currency="USD")
    group = paid(company, line, invoice)
    assert entry_of(journal, line) == ["Dr Bank 915.00", "Cr Receivable 915.00 (USD 1000.00)"]
    exchange = ["Dr Receivable 15.00 (USD 0.00)", "Cr Exchange gains 15.00"]
    assert sides(journal, group.exchange_entry) == exchange
    invoice.open_item.refresh_from_db()
    assert (invoice.open_item.residual, invoice.open_item.residual_currency) == (0, 0)
    receivable = EntryItem.objects.filter(account=account_for(company, Purpose.RECEIVABLE))
    assert sum(item.amount for item in receivable) == sum(item.amount_currency for item in receivable) == 0


def test_b_two_invoices_in_dollars(owner: User, company: Company, journal: Journal) -> None:
    documents = in_dollars(owner, company, "B1", "300", "270.00"), in_dollars(owner, company, "B2", "700", "637.00")
    line = line_of(journal, "915.00", foreign_amount=Decimal(1000), foreign_currency="USD")
    group = paid(company, line, *documents)
    assert slices(group, *documents) == ["274.50", "640.50"]
    gains = EntryItem.objects.filter(entry=group.exchange_entry, account__purpose=Purpose.EXCHANGE_GAIN)
    assert sorted(-item.amount for item in gains) == [Decimal("3.50"), Decimal("4.50")]


def test_c_the_last_slice_is_the_remainder(owner: User, company: Company, journal: Journal) -> None:
    documents = [
        in_dollars(owner, company, name, amount, euro)
        for name, amount, euro in (("C1", "37.04", "33.34"), ("C2", "37.04", "33.34"), ("C3", "37.03", "33.33"))
    ]
    line = line_of(journal, "100.00", foreign_amount=Decimal("111.11"), foreign_currency="USD")
    assert slices(paid(company, line, *documents), *documents) == ["33.34", "33.34", "33.32"]


# --- 16.7: a batch --------------------------------------------------------------------------------------------------


def test_a_batch_by_its_total_without_the_rejected_payment_and_a_return(
    owner: User, company: Company, journal: Journal
) -> None:
    bills = [
        create_document(
            owner, company, kind="bill", partner_name=f"S{n}", number=f"BILL-{n}", date=DAY, amount=Decimal(amount)
        )
        for n, amount in enumerate(("1000.00", "700.00", "300.00"), 1)
    ]  # fmt: skip
    payments = order_payments(
        owner, journal.id, {bill.open_item_id: None for bill in bills}, date=DAY, batch_reference="B-2026-1",
        end_to_end_ids={bill.open_item_id: f"E2E-{bill.number}" for bill in bills}, now=NOW,
    )  # fmt: skip
    third = next(payment for payment in payments if payment.open_item_id == bills[2].open_item_id)
    change_payment(owner, third.id, PaymentState.REJECTED, now=NOW)
    line = line_of(journal, "-1700.00", "executed")
    proposal = proposal_of(company, line)
    group = choose_option(owner, line.id, option_key(proposal.options[0]), now=NOW)
    assert entry_of(journal, line) == ["Dr Payable 1000.00", "Dr Payable 700.00", "Cr Bank 1700.00"]
    assert group.parts.count() == 2
    assert [residual_of(bill.open_item) for bill in bills] == [0, 0, -300]
    back = line_of(journal, "700.00", "return", end_to_end_id="E2E-BILL-2")
    assert look(company).applied == 1
    assert entry_of(journal, back) == ["Dr Bank 700.00", "Cr Payable 700.00"]
    assert [residual_of(bill.open_item) for bill in bills] == [0, -700, -300]


# --- 16.8: rules ----------------------------------------------------------------------------------------------------


def test_half_of_the_line_and_half_of_the_balance_leave_30_in_suspense(
    owner: User, company: Company, journal: Journal
) -> None:
    fees, rent = account_for(company, Purpose.BANK_FEES), account_for(company, Purpose.PURCHASES)
    half = Decimal(50)
    definition = Definition(
        counterparts=(
            Counterpart(fees.id, amount_type=AmountType.PERCENT_OF_LINE, amount=half),
            Counterpart(rent.id, amount_type=AmountType.PERCENT_OF_BALANCE, amount=half),
        )
    )
    rule = create_rule(owner, company, name="Halves", kind=RuleKind.MANUAL, definition=definition, now=timezone.now())
    line = line_of(journal, "-120.00", "rent")
    press(owner, line.id, rule.id, now=NOW)
    assert [balance(fees), balance(rent), balance(journal.suspense_account)] == [60, 30, 30]


def test_an_amount_from_the_label(owner: User, company: Company, journal: Journal) -> None:
    fees = account_for(company, Purpose.BANK_FEES)
    fee = Counterpart(fees.id, amount_type=AmountType.FROM_LABEL, pattern=r"FEE\s+(\d+,\d{2})", decimal_separator=",")
    rule = create_rule(
        owner, company, name="Fee", kind=RuleKind.MANUAL, definition=Definition(counterparts=(fee,)), now=timezone.now()
    )  # fmt: skip
    line = line_of(journal, "-97.10", "GROSS 100,00 FEE 2,90")
    press(owner, line.id, rule.id, now=NOW)
    assert balance(fees) == Decimal("2.90")
