"""Analytic labels (books.md 14.1, 16.4, 16.8): given by hand, by a rule, with a write-off; kept, shown and listed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from tests.books.conftest import NOW
from tests.books.reconcile.steps import DAY, line_of

from nostro.books.companies.models import Company
from nostro.books.journals.models import Journal
from nostro.books.journals.services import create_journal
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.drafts import facts_of, make_draft, post_draft
from nostro.books.ledger.misc import MiscFacts, MiscSide, post_misc
from nostro.books.ledger.models import Document, DocumentDraft, EntryItem, MiscEntry, Purpose
from nostro.books.ledger.reversing import reverse_document
from nostro.books.ledger.services import DocumentFacts
from nostro.books.reconcile.closing import RestLine, close_with
from nostro.books.reconcile.engine import Definition
from nostro.books.reconcile.engine.rules import Counterpart
from nostro.books.reconcile.models import RuleKind
from nostro.books.reconcile.rules.services import create_rule, press
from nostro.books.reconcile.services import undo
from nostro.people.models import User
from nostro.web.errors import Problem

pytestmark = pytest.mark.django_db
LABEL = "Bridge 7 <b>"
FACTS = DocumentFacts("invoice", "Acme", "7", DAY, Decimal("121.00"), analytic=LABEL)


@pytest.fixture
def journal(owner: User, company: Company) -> Journal:
    return create_journal(owner, company, name="Bank", currency="EUR", kind="bank")


def labelled(company: Company) -> list[tuple[str, Decimal]]:
    """The items with a label, by account and amount, in the order they were made."""
    items = EntryItem.objects.filter(company=company, analytic=LABEL).select_related("account").order_by("id")
    return [(item.account.purpose, item.amount) for item in items]


def test_a_document_has_it_with_the_net_amount_and_its_reversal_too(owner: User, company: Company) -> None:
    draft = make_draft(owner, company, FACTS)
    assert facts_of(DocumentDraft.objects.get(pk=draft.pk)) == FACTS
    made = post_draft(owner, draft.id)
    assert labelled(company) == [("sales", Decimal("-121.00"))]
    reverse_document(owner, made.id)
    assert labelled(company) == [("sales", Decimal("-121.00")), ("sales", Decimal("121.00"))]


def test_a_draft_of_before_has_none(owner: User, company: Company) -> None:
    draft = make_draft(owner, company, FACTS)
    del draft.content["analytic"]
    draft.save()
    post_draft(owner, draft.id)
    assert labelled(company) == []


def test_sides_of_an_entry_each_have_their_own(owner: User, company: Company) -> None:
    fees, sales = account_for(company, Purpose.BANK_FEES), account_for(company, Purpose.SALES)
    sides = MiscSide(fees.id, Decimal(5), analytic=f" {LABEL}\n"), MiscSide(sales.id, Decimal(-5), analytic="Other")
    post_misc(owner, company, MiscFacts(DAY, "Moved", sides))
    assert labelled(company) == [("bank_fees", Decimal(5))]


@pytest.mark.parametrize("mode", ["edit", "keep_suspense"])
def test_a_rule_books_it_and_undoing_leaves_none_in_sum(
    mode: str, owner: User, company: Company, journal: Journal
) -> None:
    Company.objects.update(reconcile_mode=mode)
    fees = account_for(company, Purpose.BANK_FEES)
    said = Definition(counterparts=(Counterpart(fees.id, tax_percent=Decimal(21), analytic=LABEL),))
    rule = create_rule(owner, company, name="Fees", kind=RuleKind.MANUAL, definition=said, now=NOW)
    made = press(owner, line_of(journal, "-121.00", "fee").id, rule.id, now=NOW)
    assert labelled(company) == [("bank_fees", Decimal("100.00"))], "the tax has none"
    undo(owner, made.id, now=NOW)
    assert sum(amount for _, amount in labelled(company)) == 0


@pytest.mark.parametrize(
    "wrong", [{"analytic": "x" * 61}, {"analytic": "x", "account_id": None}], ids=["long", "no-account"]
)
def test_a_rule_refuses_what_it_cannot_book(wrong: dict[str, object], owner: User, company: Company) -> None:
    fees = account_for(company, Purpose.BANK_FEES)
    one = Counterpart(**{"account_id": fees.id, **wrong})
    with pytest.raises(Problem) as refused:
        create_rule(owner, company, name="x", kind=RuleKind.MANUAL, definition=Definition(counterparts=(one,)), now=NOW)
    assert refused.value.code == "ruleInvalid"


def test_a_write_off_and_what_a_line_leaves_have_it(owner: User, company: Company, journal: Journal) -> None:
    given = account_for(company, Purpose.DISCOUNT_GIVEN)
    rest = RestLine(given.id, tax_percent=Decimal(21), analytic=LABEL)
    for number, paid in (("7", "108.90"), ("8", "133.10")):
        invoice = post_draft(
            owner, make_draft(owner, company, DocumentFacts("invoice", "Acme", number, DAY, Decimal(121))).id
        )
        assert isinstance(invoice, Document)
        close_with(owner, line_of(journal, paid).id, [invoice.open_item_id], [rest], now=NOW)
    assert labelled(company) == [("discount_given", Decimal("10.00")), ("discount_given", Decimal("-10.00"))]


def test_pages_and_files_show_it(owner: User, company: Company, client: Client) -> None:
    sales = account_for(company, Purpose.SALES)
    fees = account_for(company, Purpose.BANK_FEES)
    sides = MiscSide(fees.id, Decimal(5), analytic=LABEL), MiscSide(sales.id, Decimal(-5))
    made = post_misc(owner, company, MiscFacts(DAY, "Moved", sides))
    assert isinstance(made, MiscEntry)
    client.force_login(owner)
    page = client.get(reverse("books:account", args=[fees.id])).content.decode()
    entry = client.get(reverse("books:entry", args=[made.id])).content.decode()
    for shown in (page, entry):
        assert "Bridge 7 &lt;b&gt;" in shown and "Analytic label" in shown
    file = client.get(reverse("books:export_account", args=[fees.id, "csv"]))
    text = b"".join(file.streaming_content).decode() if file.streaming else file.content.decode()  # type: ignore[attr-defined]
    assert "analytic" in text.splitlines()[0] and LABEL in text.splitlines()[1]
