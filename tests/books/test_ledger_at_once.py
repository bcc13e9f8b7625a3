"""Two who post at once, on connections of their own: each draft once, each number once (books.md 14.1)."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.books.at_once import while_held
from tests.books.conftest import NOW
from tests.books.reconcile.steps import line_of
from tests.books.reconcile.test_booked_to_partners import booked, opened, sound
from tests.books.test_ledger_drafts import FACTS

from nostro.books.companies.models import Company
from nostro.books.companies.services import create_company
from nostro.books.journals.services import create_journal
from nostro.books.ledger.drafts import delete_draft, make_draft, post_draft
from nostro.books.ledger.models import Document, NumberSeries
from nostro.books.ledger.reversing import reverse_document
from nostro.books.ledger.services import create_document, post_document
from nostro.books.reconcile.services import reconcile_with_items, undo
from nostro.people.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def one_draft_is_posted_once(owner: User, company: Company) -> None:
    draft = make_draft(owner, company, FACTS)
    with while_held(lambda: post_draft(owner, draft.id)) as other:
        made = post_draft(owner, draft.id)
    assert other.result == made
    assert Document.objects.filter(company=company).count() == 1


def what_is_posted_meanwhile_is_not_deleted(owner: User, company: Company) -> None:
    draft = make_draft(owner, company, FACTS)
    with while_held(lambda: delete_draft(owner, draft.id)) as other:
        post_draft(owner, draft.id)
    assert other.code == "draftPosted"


def two_documents_get_two_numbers(owner: User, company: Company) -> None:
    post_document(owner, company, FACTS)  # the series is there
    second = make_draft(owner, company, replace(FACTS, partner_name="Other"))
    with while_held(lambda: post_draft(owner, second.id)) as other:
        post_document(owner, company, FACTS)
    numbers = sorted(Document.objects.filter(company=company).values_list("number", flat=True))
    assert numbers == ["INV/2026/0001", "INV/2026/0002", "INV/2026/0003"] and other.result.number == numbers[-1]


def the_first_two_of_a_year(owner: User, company: Company) -> None:
    with while_held(lambda: post_document(owner, company, replace(FACTS, partner_name="Other"))) as other:
        post_document(owner, company, FACTS)
    assert other.result.number == "INV/2026/0002"
    assert NumberSeries.objects.get(company=company).last == 2


def a_typed_number_waits_for_the_series(owner: User, company: Company) -> None:
    def typed() -> Document:
        return create_document(
            owner, company, kind="invoice", partner_name="Other", number="INV/2026/0001", date=FACTS.date,
            amount=Decimal(5),
        )  # fmt: skip

    with while_held(typed) as other:
        post_document(owner, company, FACTS)
    assert other.code == "numberOfSeries"


def a_document_is_reversed_once_and_not_while_it_is_matched(owner: User, company: Company) -> None:
    journal = create_journal(owner, company, name="Bank", currency="EUR", kind="bank")
    document = post_document(owner, company, FACTS)
    line = line_of(journal, "121.00")
    with while_held(lambda: reverse_document(owner, document.id)) as other:
        reconcile_with_items(owner, line.id, [document.open_item_id], now=NOW)
    assert other.code == "documentMatched"
    document = post_document(owner, company, FACTS)
    with while_held(lambda: reverse_document(owner, document.id)) as other:
        made = reverse_document(owner, document.id)
    assert other.result == made


def an_advance_that_is_used_meanwhile_is_not_taken_back_half(owner: User, company: Company) -> None:
    journal = create_journal(owner, company, name="Bank", currency="EUR", kind="bank")
    first = booked(owner, journal, "50.00")
    back = line_of(journal, "-50.00")
    with while_held(lambda: undo(owner, first.id, now=NOW)) as other:
        second = reconcile_with_items(owner, back.id, [opened(first).id], now=NOW)
    assert other.code == "proposalStale"
    undo(owner, first.id, now=NOW)
    second.refresh_from_db()
    assert second.undone_at is not None
    sound(company)


CASES = [
    one_draft_is_posted_once, what_is_posted_meanwhile_is_not_deleted, two_documents_get_two_numbers,
    the_first_two_of_a_year, a_typed_number_waits_for_the_series,
    a_document_is_reversed_once_and_not_while_it_is_matched,
    an_advance_that_is_used_meanwhile_is_not_taken_back_half,
]  # fmt: skip


def test_at_once() -> None:
    """All in one test, because emptying the database between them takes longer than they do."""
    owner = User.objects.create_user("at-once@example.test", "a long password")
    for case in CASES:
        case(owner, create_company(owner, name=case.__name__.replace("_", " "), country="BE"))
