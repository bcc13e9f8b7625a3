"""The worked examples of books.md 16.2, and what must never be decided without a person."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.books.reconcile.engine.cases import DAY, a_book, a_line, an_id, an_item

from nostro.books.reconcile.engine import EarlyPayment, ItemKind, Step, propose
from nostro.books.reconcile.engine.partners import AccountOwner

REFERENCE = "+++020/3430/57642+++"
INVOICE = an_item(reference=REFERENCE)


def parts(proposal):
    return [str(allocation.part) for allocation in proposal.options[0].allocations]


@pytest.mark.parametrize(
    ("amount", "part", "words"),
    [
        ("121.00", "121.00", "amount exact"),
        ("100.00", "100.00", "21.00 EUR stay open"),
        ("150.00", "121.00", "29.00 EUR of the line stay unexplained"),
    ],
)
def test_a_reference_decides_exact_underpaid_and_overpaid(amount, part, words):
    proposal = propose(a_line(amount, "payment 020343057642"), a_book(INVOICE))
    assert (proposal.decision, proposal.step) == ("apply", Step.REFERENCE)
    assert parts(proposal) == [part]
    assert proposal.options[0].sentence == f"Reference {REFERENCE} in the message = INV/2026/0007, {words}"
    assert proposal.options[0].exact is (amount == "121.00")


def test_an_amount_alone_is_shown_and_never_applied():
    proposal = propose(a_line("121.00", "thanks"), a_book(INVOICE))
    assert (proposal.decision, proposal.step) == ("suggest", Step.REST)


def test_a_known_payer_with_one_open_item_of_the_amount_is_a_suggestion():
    item = an_item(partner_id=an_id("ann"))
    book = a_book(item, partners={"ann": "Ann"}, owners={"BE1": [AccountOwner(an_id("ann"))]})
    proposal = propose(a_line("121.00", "thanks", counterparty_account="BE1"), book)
    assert (proposal.decision, proposal.step) == ("suggest", Step.PARTNER)
    assert "Ann, known by account BE1: the open item of this amount" in proposal.options[0].sentence


def test_a_copied_reference_leads_to_two_invoices_and_to_a_person():
    other = an_item("INV/2026/0008", reference=REFERENCE)
    proposal = propose(a_line("121.00", "payment 020343057642"), a_book(INVOICE, other))
    assert proposal.decision == "suggest"
    assert {option.item_ids for option in proposal.options} == {(INVOICE.id,), (other.id,)}
    assert {option.step for option in proposal.options} == {Step.REFERENCE}


def test_a_wrong_check_digit_is_no_reference():
    proposal = propose(a_line("121.00", "payment 020343057643"), a_book(INVOICE))
    assert proposal.decision == "suggest" and proposal.step == Step.REST


def test_several_references_pay_several_items_while_the_amount_reaches():
    other = an_item("INV/2026/0008", "50.00", reference="RF18123456789")
    text = "020343057642 RF18 1234 5678 9"
    enough = propose(a_line("171.00", text), a_book(INVOICE, other))
    assert enough.decision == "apply" and parts(enough) == ["121.00", "50.00"]
    too_little = propose(a_line("150.00", text), a_book(INVOICE, other))
    assert too_little.decision == "suggest" and too_little.step == Step.REFERENCE


def test_a_short_reference_needs_the_exact_amount():
    item = an_item("INV/2026/0009", "40.00", reference="1234561")
    assert propose(a_line("40.00", "ref 1234561"), a_book(item)).decision == "apply"
    refused = propose(a_line("41.00", "ref 1234561"), a_book(item))
    assert refused.decision == "nothing"
    assert "too short to be sure of" in refused.refused[0].why


def test_two_references_beside_each_other_are_two():
    other = an_item("INV/2026/0008", "50.00", reference="+++097/0000/00097+++")
    proposal = propose(a_line("171.00", "020343057642 097000000097"), a_book(INVOICE, other))
    assert proposal.decision == "apply" and parts(proposal) == ["121.00", "50.00"]


@pytest.mark.parametrize("text", ["1234 0203 4305 7642", "card 0203-4305-7642-99"])
def test_a_reference_that_is_a_piece_of_a_longer_number_needs_the_exact_amount(text):
    assert propose(a_line("100.00", text), a_book(INVOICE)).decision == "nothing"
    assert propose(a_line("121.00", text), a_book(INVOICE)).decision == "apply"


def test_an_end_to_end_id_decides_when_the_amount_is_equal():
    item = an_item("PAY/1", "-121.00", kind=ItemKind.PAYMENT, end_to_end_ids=("E2E-1",))
    assert propose(a_line("-121.00", "", end_to_end_id="e2e-1"), a_book(item)).decision == "apply"
    assert propose(a_line("-120.00", "", end_to_end_id="e2e-1"), a_book(item)).decision == "suggest"
    nothing = an_item("PAY/1", "-121.00", kind=ItemKind.PAYMENT, end_to_end_ids=("NOTPROVIDED",))
    # A payment is not found by its amount; the document that it pays is.
    assert propose(a_line("-121.00", "", end_to_end_id="NOTPROVIDED"), a_book(nothing)).decision == "nothing"


@pytest.mark.parametrize("text", ["INV/2026/0007", "your inv/2026/0007.", "(INV/2026/0007)", "a:INV/2026/0007;b"])
def test_a_document_number_decides_only_an_exact_amount(text):
    assert propose(a_line("121.00", text), a_book(INVOICE)).decision == "apply"
    assert propose(a_line("120.00", text), a_book(INVOICE)).decision == "suggest"


@pytest.mark.parametrize("text", ["XINV/2026/0007", "INV/2026/00071", "INV/2026/0007A"])
def test_a_number_inside_a_longer_word_is_none(text):
    assert propose(a_line("121.00", text), a_book(INVOICE)).step == Step.REST


def test_the_longer_of_two_overlapping_numbers_counts():
    part = an_item("2026/0007", "121.00")
    proposal = propose(a_line("121.00", "INV/2026/0007"), a_book(INVOICE, part))
    assert proposal.decision == "apply" and proposal.options[0].item_ids == (INVOICE.id,)


def test_a_transfer_finds_its_other_half_within_five_days():
    def mirror(name, days):
        return an_item(
            name, "-500.00", kind=ItemKind.MIRROR, counterparty_account="BE9", date=DAY + dt.timedelta(days=days)
        )

    line = a_line("-500.00", "to savings", counterparty_account="BE9")
    own = frozenset({"BE9"})
    assert propose(line, a_book(mirror("a", 5), own_accounts=own)).decision == "apply"
    assert propose(line, a_book(mirror("a", 6), own_accounts=own)).decision == "nothing"
    assert propose(line, a_book(mirror("a", 1), mirror("b", 2), own_accounts=own)).decision == "suggest"
    assert propose(line, a_book(mirror("a", 1))).decision == "nothing"


def test_discount_in_time_is_offered_and_late_is_not():
    item = an_item(reference=REFERENCE, early_payment=EarlyPayment(DAY, Decimal("118.58")))
    in_time = propose(a_line("118.58", "020343057642"), a_book(item))
    assert in_time.decision == "suggest" and in_time.options[0].allocations[0].write_off == Decimal("2.42")
    late = propose(a_line("118.58", "020343057642", date=DAY + dt.timedelta(days=1)), a_book(item))
    assert late.decision == "apply" and parts(late) == ["118.58"]
    graced = propose(a_line("118.58", "020343057642", date=DAY + dt.timedelta(days=1)), a_book(item), grace_days=1)
    assert graced.decision == "suggest"


def test_money_out_pays_no_customer_and_other_currencies_are_refused_with_the_reason():
    out = propose(a_line("-121.00", "020343057642"), a_book(INVOICE))
    assert out.decision == "nothing" and out.refused[0].why == "it goes the other way"
    dollars = propose(a_line("121.00", "020343057642", currency="USD"), a_book(INVOICE))
    assert dollars.decision == "nothing" and "no rate is known" in dollars.refused[0].why


def test_a_draft_and_an_estimated_rate_are_for_people():
    draft = an_item(reference=REFERENCE, is_draft=True)
    assert propose(a_line("121.00", "020343057642"), a_book(draft)).decision == "suggest"
    line = a_line("130.00", "020343057642", currency="USD", estimated=frozenset({"EUR"}))
    line = a_line(
        "130.00",
        "020343057642",
        currency="USD",
        rests={"USD": Decimal(130), "EUR": Decimal(121)},
        estimated=frozenset({"EUR"}),
    )
    assert propose(line, a_book(INVOICE)).decision == "suggest"


def test_all_that_a_partner_has_open_comes_before_one_item():
    items = [an_item(f"A{n}", "60.50", partner_id=an_id("ann")) for n in range(2)]
    proposal = propose(a_line("121.00", "", partner_id=an_id("ann")), a_book(*items, partners={"ann": "Ann"}))
    assert parts(proposal) == ["60.50", "60.50"] and "everything that is open" in proposal.options[0].sentence


def test_what_is_applied_is_gone_for_the_next_line_of_the_batch():
    book = a_book(INVOICE)
    first = propose(a_line("121.00", "020343057642"), book)
    book.take(first.options[0])
    again = propose(a_line("121.00", "again 020343057642"), book)
    assert again.decision == "nothing"
    partly = a_book(INVOICE)
    partly.take(propose(a_line("100.00", "020343057642"), partly).options[0])
    assert parts(propose(a_line("121.00", "020343057642"), partly)) == ["21.00"]


@given(
    amount=st.decimals("0.01", "500", places=2),
    residuals=st.lists(st.decimals("0.01", "500", places=2), min_size=1, max_size=6),
    text=st.sampled_from(["thanks", "invoice", "salary march", "card 1234", "Ann"]),
)
def test_nothing_is_applied_without_a_reference_or_a_number(amount, residuals, text):
    items = [an_item(f"INV/2026/{n:04}", str(value), reference=REFERENCE) for n, value in enumerate(residuals)]
    proposal = propose(a_line(str(amount), text), a_book(*items))
    assert proposal.decision != "apply"
    assert proposal == propose(a_line(str(amount), text), a_book(*items))
