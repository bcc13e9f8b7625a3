"""The worked examples of books.md 15: what is printed on an invoice meets what a payer writes, by the canonical key.

The check digits and every printed form are tests of ``tests/core/test_references.py``; here they lead to the item.
"""

from __future__ import annotations

import pytest
from tests.books.conftest import NOW
from tests.books.examples.figures import entry_of, residual_of
from tests.books.reconcile.engine.cases import a_book, a_line, an_item
from tests.books.reconcile.steps import invoice_of, line_of

from nostro.books.companies.models import Company
from nostro.books.journals.models import Journal
from nostro.books.reconcile.automation import look
from nostro.books.reconcile.engine import Step, propose
from nostro.people.models import User

#: Scheme, as it is on the invoice, as the payer wrote it.
FORMS = [
    ("RF", "RF18 1234 5678 9", "Payment rf18123456789 thanks"),
    ("BE", "+++020/3430/57642+++", "020343057642"),
    ("BE_stars", "***020/3430/57642***", "ref 020/3430/57642."),
    ("BE_97", "+++097/0000/00097+++", "097000000097"),
    ("FI", "RF34 1234 561", "0001234561"),
    ("FI_as_RF", "1234561", "RF341234561"),
    ("NO_luhn", "12345674", "KID: 12345674"),
    ("NO_mod11", "1234560", "KID 1234560"),
    ("NO_mod11_dash", "1009-", "KID 1009-"),
    ("SE", "12345682", "OCR 12345682"),
    ("CH", "21 00000 00003 13947 14300 09017", "210000000003139471430009017"),
    ("SI01", "SI01 123-456-789", "si01 123-456-789"),
    ("SI12", "SI12 12345679", "SI1212345679"),
    ("DK", "+71<123456789012347+12345678<", "girokort +71<123456789012347+12345678<"),
    ("NL_16", "5000056789012345", "kenmerk 5000056789012345"),
    ("NL_9", "271234567", "betalingskenmerk 271234567"),
]


@pytest.mark.parametrize(("printed", "written"), [form[1:] for form in FORMS], ids=[form[0] for form in FORMS])
def test_a_reference_in_another_writing_finds_its_invoice(printed: str, written: str) -> None:
    proposal = propose(a_line("121.00", written), a_book(an_item(reference=printed)))
    assert (proposal.decision, proposal.step) == ("apply", Step.REFERENCE)


#: Valid forms of which one sign is another.
WRONG = [
    ("RF", "RF18 1234 5678 9", "RF19123456789"),
    ("BE", "+++020/3430/57642+++", "020343057643"),
    ("BE_00", "+++097/0000/00097+++", "097000000000"),
    ("FI", "1234561", "1234562"),
    ("NO", "12345674", "12345675"),
    ("SE", "12345682", "12345683"),
    ("CH", "21 00000 00003 13947 14300 09017", "210000000003139471430009018"),
    ("SI", "SI01 123-456-789", "SI01 123-456-780"),
    ("DK", "+71<123456789012347+12345678<", "+71<123456789012348+12345678<"),
    ("NL", "5000056789012345", "5000056789012346"),
]


@pytest.mark.parametrize(("printed", "written"), [form[1:] for form in WRONG], ids=[form[0] for form in WRONG])
def test_a_reference_whose_check_fails_decides_nothing(printed: str, written: str) -> None:
    proposal = propose(a_line("121.00", written), a_book(an_item(reference=printed)))
    assert (proposal.decision, proposal.step) == ("suggest", Step.REST)


def test_bare_digits_in_a_label_meet_the_printed_form_on_an_invoice(
    owner: User, company: Company, journal: Journal
) -> None:
    """The sentence before the table, on a real ledger."""
    invoice = invoice_of(owner, company, reference="+++020/3430/57642+++")
    line = line_of(journal, "121.00", "020343057642")
    assert look(company, clock=lambda: NOW).applied == 1
    assert entry_of(journal, line) == ["Dr Bank 121.00", "Cr Receivable 121.00"]
    assert residual_of(invoice.open_item) == 0


def test_the_structured_field_is_read_before_the_text() -> None:
    """The read order: structured field, remittance text, description."""
    item = an_item(reference="+++020/3430/57642+++")
    proposal = propose(a_line("121.00", "020343057642", structured_reference="020343057642"), a_book(item))
    assert proposal.options[0].evidence[0].place == "structured reference"


def test_of_several_schemes_exactly_one_must_lead_to_an_item() -> None:
    """One text may satisfy several schemes: 12345674 is a Norwegian KID and, by its digits, others too."""
    one = an_item(reference="12345674")
    assert propose(a_line("121.00", "12345674"), a_book(one)).decision == "apply"
    other = an_item("INV/2026/0008", "50.00", keys=(next(iter(set(one.keys))),))
    proposal = propose(a_line("121.00", "12345674"), a_book(one, other))
    assert (proposal.decision, proposal.step) == ("suggest", Step.REFERENCE)
    assert len(proposal.options) >= 2
