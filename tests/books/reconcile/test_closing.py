"""By hand: credit notes beside invoices, other currencies, write-offs with taxes and over several accounts (16.4)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from tests.books.conftest import NOW
from tests.books.examples.figures import entry_of, residual_of, sides
from tests.books.invariants import checks
from tests.books.reconcile.steps import DAY, REFERENCE, invoice_of, line_of, standing
from tests.books.steps import balance

from nostro.books.companies.models import Company
from nostro.books.journals.models import Journal
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import Document, Purpose
from nostro.books.ledger.rates import set_rate
from nostro.books.ledger.services import create_document
from nostro.books.ledger.terms import EarlyTerms, Taxed
from nostro.books.reconcile.automation import automation_of, change_settings, look
from nostro.books.reconcile.candidates import candidates
from nostro.books.reconcile.choosing import choose_option, option_key
from nostro.books.reconcile.closing import RestLine, close_with
from nostro.books.reconcile.proposing import propose_lines
from nostro.books.reconcile.services import reconcile_with_items, undo
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem


def document(
    owner: User, company: Company, number: str, amount: str, *, kind: str = "invoice", partner: str = "Customer NV",
    currency: str = "EUR", day: dt.date = DAY,
) -> Document:  # fmt: skip
    return create_document(
        owner, company, kind=kind, partner_name=partner, number=number, date=day, amount=Decimal(amount),
        currency=currency,
    )  # fmt: skip


def sound(company: Company) -> None:
    for check in checks.ALL:
        check(company)


# --- credit notes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("paid", "credit_left", "invoice_left"),
    [("100.00", "0.00", "0.00"), ("110.00", "-10.00", "0.00"), ("90.00", "0.00", "10.00")],
    ids=["exact", "credit_stays", "invoice_stays"],
)
def test_a_credit_note_is_used_as_far_as_the_line_does_not_reach(
    owner: User, company: Company, journal: Journal, paid: str, credit_left: str, invoice_left: str
) -> None:
    invoice = document(owner, company, "INV-1", "121.00")
    credit = document(owner, company, "CN-1", "21.00", kind="credit_note")
    line = line_of(journal, paid)
    before = standing(company)
    group = reconcile_with_items(owner, line.id, [invoice.open_item_id, credit.open_item_id], now=NOW)
    assert residual_of(credit.open_item) == Decimal(credit_left)
    assert residual_of(invoice.open_item) == Decimal(invoice_left)
    line.refresh_from_db()
    assert line.reconciled
    sound(company)
    undo(owner, group.id, now=NOW)
    assert standing(company) == before


def test_the_entry_of_an_invoice_less_a_credit_note(owner: User, company: Company, journal: Journal) -> None:
    items = [document(owner, company, "INV-1", "121.00"), document(owner, company, "CN-1", "21.00", kind="credit_note")]
    line = line_of(journal, "100.00")
    reconcile_with_items(owner, line.id, [item.open_item_id for item in items], now=NOW)
    assert entry_of(journal, line) == ["Dr Bank 100.00", "Dr Receivable 21.00", "Cr Receivable 121.00"]


def test_receivable_and_payable_of_one_partner_are_netted_and_of_two_are_not(
    owner: User, company: Company, journal: Journal
) -> None:
    invoice = document(owner, company, "INV-1", "121.00")
    bill, other = (
        document(owner, company, f"B-{name}", "21.00", kind="bill", partner=name) for name in ("Customer NV", "X")
    )
    line = line_of(journal, "100.00")
    with pytest.raises(Problem) as refused:
        reconcile_with_items(owner, line.id, [invoice.open_item_id, other.open_item_id], now=NOW)
    assert refused.value.code == "nettingPartners"
    reconcile_with_items(owner, line.id, [invoice.open_item_id, bill.open_item_id], now=NOW)
    assert entry_of(journal, line) == ["Dr Bank 100.00", "Dr Payable 21.00", "Cr Receivable 121.00"]


def test_what_goes_the_other_way_alone_or_without_need_is_refused(
    owner: User, company: Company, journal: Journal
) -> None:  # fmt: skip
    invoice = document(owner, company, "INV-1", "50.00")
    credit = document(owner, company, "CN-1", "21.00", kind="credit_note")
    line = line_of(journal, "100.00")
    for items, code in (([credit], "signMismatch"), ([invoice, credit], "nettingNotNeeded")):
        with pytest.raises(Problem) as refused:
            reconcile_with_items(owner, line.id, [item.open_item_id for item in items], now=NOW)
        assert refused.value.code == code


def test_in_a_foreign_currency_slices_and_exchange_differences_still_add_up(
    owner: User, company: Company, journal: Journal
) -> None:
    set_rate(company, "USD", DAY, Decimal("0.9"))
    invoice = document(owner, company, "INV-1", "1000", currency="USD")
    credit = document(owner, company, "CN-1", "100", kind="credit_note", currency="USD")
    line = line_of(journal, "823.50", foreign_amount=Decimal(900), foreign_currency="USD")
    group = reconcile_with_items(owner, line.id, [invoice.open_item_id, credit.open_item_id], now=NOW)
    assert entry_of(journal, line) == [
        "Dr Bank 823.50", "Dr Receivable 91.50 (USD 100.00)", "Cr Receivable 915.00 (USD 1000.00)",
    ]  # fmt: skip
    exchange = [account_for(company, purpose) for purpose in (Purpose.EXCHANGE_GAIN, Purpose.EXCHANGE_LOSS)]
    assert [balance(account) for account in exchange] == [Decimal("-15.00"), Decimal("1.50")]
    assert balance(account_for(company, Purpose.RECEIVABLE)) == 0
    sound(company)
    undo(owner, group.id, now=NOW)
    sound(company)


def test_all_that_a_partner_has_open_less_credit_notes_is_proposed(
    owner: User, company: Company, journal: Journal
) -> None:  # fmt: skip
    document(owner, company, "INV-1", "121.00")
    document(owner, company, "CN-1", "21.00", kind="credit_note")
    line = line_of(journal, "100.00", "thanks", counterparty_name="Customer NV")
    (proposal,) = propose_lines(company, [line.id])
    assert (proposal.decision, proposal.step) == ("suggest", "partner")
    choose_option(owner, line.id, option_key(proposal.options[0]), now=NOW)
    assert balance(account_for(company, Purpose.RECEIVABLE)) == 0


# --- other currencies -----------------------------------------------------------------------------------------------


def test_an_item_of_another_currency_is_found_and_paid_by_hand(owner: User, company: Company, journal: Journal) -> None:
    set_rate(company, "USD", DAY, Decimal("0.9"))
    invoice = document(owner, company, "INV-USD-1", "100.00", currency="USD")
    line = line_of(journal, "90.00", "thanks")
    (found,) = candidates(line, text="inv-usd")
    assert (found.item.id, found.currency) == (invoice.open_item_id, "USD")
    reconcile_with_items(owner, line.id, [invoice.open_item_id], now=NOW)
    assert entry_of(journal, line) == ["Dr Bank 90.00", "Cr Receivable 90.00 (USD 100.00)"]
    sound(company)


def test_at_somebody_elses_rate_a_reference_is_a_suggestion_only(
    owner: User, company: Company, journal: Journal
) -> None:  # fmt: skip
    """16.6: any other currency → rate of the accounting date, suggestion only."""
    set_rate(company, "USD", DAY, Decimal("0.9"))
    create_document(
        owner, company, kind="invoice", partner_name="C", number="INV-USD-1", date=DAY, amount=Decimal("100.00"),
        currency="USD", structured_reference=REFERENCE,
    )  # fmt: skip
    line = line_of(journal, "90.00", REFERENCE)
    assert look(company).applied == 0
    (proposal,) = propose_lines(company, [line.id])
    assert (proposal.decision, proposal.options[0].step) == ("suggest", "reference")
    choose_option(owner, line.id, option_key(proposal.options[0]), now=NOW)
    assert entry_of(journal, line) == ["Dr Bank 90.00", "Cr Receivable 90.00 (USD 100.00)"]


# --- write-offs -----------------------------------------------------------------------------------------------------


def test_a_write_off_with_tax_corrects_the_tax(owner: User, company: Company, journal: Journal) -> None:
    invoice = invoice_of(owner, company)
    line, given = line_of(journal, "108.90"), account_for(company, Purpose.DISCOUNT_GIVEN)
    group = close_with(
        owner, line.id, [invoice.open_item_id], [RestLine(given.id, tax_percent=Decimal(21))], now=NOW
    )  # fmt: skip
    assert sides(journal, group.write_off_entry) == [
        "Dr Cash discount given 10.00", "Dr VAT payable 2.10", "Cr Receivable 2.10", "Cr Receivable 10.00",
    ]  # fmt: skip
    assert residual_of(invoice.open_item) == 0
    sound(company)


def test_a_write_off_over_several_accounts_and_what_is_not_said_stays_open(
    owner: User, company: Company, journal: Journal
) -> None:
    fees, given = account_for(company, Purpose.BANK_FEES), account_for(company, Purpose.DISCOUNT_GIVEN)
    invoice, line = invoice_of(owner, company), line_of(journal, "100.00")
    with pytest.raises(Problem) as refused:
        close_with(owner, line.id, [invoice.open_item_id], [RestLine(fees.id, Decimal("21.01"))], now=NOW)
    assert refused.value.code == "amountInvalid"
    parts = [RestLine(fees.id, Decimal("5.00")), RestLine(given.id, Decimal("15.00"), Decimal(21), "agreed")]
    group = close_with(owner, line.id, [invoice.open_item_id], parts, now=NOW)
    assert residual_of(invoice.open_item) == Decimal("1.00")
    assert [balance(fees), balance(given)] == [Decimal("5.00"), Decimal("12.40")]
    assert balance(account_for(company, Purpose.VAT_PAYABLE)) == Decimal("2.60")
    undo(owner, group.id, now=NOW)
    assert residual_of(invoice.open_item) == Decimal("121.00")
    sound(company)


def test_what_is_left_of_the_line_goes_to_accounts_with_tax_too(
    owner: User, company: Company, journal: Journal
) -> None:
    fees = account_for(company, Purpose.BANK_FEES)
    bill = document(owner, company, "B-1", "100.00", kind="bill")
    line = line_of(journal, "-112.10")
    close_with(owner, line.id, [bill.open_item_id], [RestLine(fees.id, tax_percent=Decimal(21))], now=NOW)
    assert entry_of(journal, line) == [
        "Dr Payable 100.00", "Dr Bank fees 10.00", "Dr VAT recoverable 2.10", "Cr Bank 112.10",
    ]  # fmt: skip


def test_accounts_of_others_and_amounts_below_zero_are_refused(
    owner: User, stranger: User, company: Company, journal: Journal
) -> None:
    fees, invoice = account_for(company, Purpose.BANK_FEES), invoice_of(owner, company)
    line = line_of(journal, "100.00")
    with pytest.raises(NotFound):
        close_with(stranger, line.id, [invoice.open_item_id], [RestLine(fees.id)], now=NOW)
    with pytest.raises(NotFound):
        close_with(owner, line.id, [invoice.open_item_id], [RestLine(line.id)], now=NOW)
    for rests in ([], [RestLine(fees.id, Decimal(-1))]):
        with pytest.raises(Problem):
            close_with(owner, line.id, [invoice.open_item_id], rests, now=NOW)


# --- settings -------------------------------------------------------------------------------------------------------


def test_days_of_grace_move_the_discount(owner: User, company: Company, journal: Journal) -> None:
    """16.5."""
    create_document(
        owner, company, kind="invoice", partner_name="P", number="DOC-7", date=DAY, amount=Decimal("121.00"),
        taxes=(Taxed(Decimal(21), Decimal("100.00")),), structured_reference=REFERENCE,
        early=EarlyTerms(Decimal(2), DAY + dt.timedelta(days=10)),
    )  # fmt: skip
    line = line_of(journal, "118.58", REFERENCE, DAY + dt.timedelta(days=12))
    for days, written_off in ((1, Decimal(0)), (2, Decimal("2.42"))):
        change_settings(owner, company, grace_days=days)
        (proposal,) = propose_lines(company, [line.id])
        assert proposal.options[0].allocations[0].write_off == written_off


def test_what_is_older_than_the_look_back_is_found_by_hand_only(
    owner: User, company: Company, journal: Journal
) -> None:
    """16.1: 18 months by default, unlimited when searched by hand."""
    document(owner, company, "INV-OLD-1", "50.00", day=dt.date(2025, 5, 9))
    document(owner, company, "INV-NEW-1", "60.00", day=dt.date(2025, 5, 10))
    old, new = line_of(journal, "50.00", "INV-OLD-1"), line_of(journal, "60.00", "INV-NEW-1")
    proposals = {one.line_id: one for one in propose_lines(company, [old.id, new.id])}
    assert (proposals[old.id].decision, proposals[new.id].decision) == ("nothing", "apply")
    assert "older than 18 months" in proposals[old.id].refused[0].why
    assert [found.document.number for found in candidates(old, text="old") if found.document] == ["INV-OLD-1"]
    change_settings(owner, company, look_back_months=19)
    (proposal,) = propose_lines(company, [old.id])
    assert proposal.decision == "apply"


def test_settings_are_for_accountants_within_limits_and_told(owner: User, stranger: User, company: Company) -> None:
    for changes in ({"grace_days": 32}, {"grace_days": -1}, {"look_back_months": 0}, {"reconcile_mode": "x"}):
        with pytest.raises(Problem) as refused:
            change_settings(owner, company, **changes)
        assert refused.value.code == "settingInvalid"
    with pytest.raises(NotFound):
        change_settings(stranger, company, grace_days=1)
    change_settings(owner, company, grace_days=3, reconcile_mode="keep_suspense")
    company.refresh_from_db()
    assert (automation_of(company).grace_days, company.reconcile_mode) == (3, "keep_suspense")
