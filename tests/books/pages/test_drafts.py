"""Pages of drafts, entries made by hand, and reversing: as a person uses them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from django.test import Client
from django.urls import reverse
from tests.books.pages.conftest import House
from tests.books.pages.test_documents import FORM

from nostro.books.companies.models import Company
from nostro.books.ledger.drafts import drafts_of
from nostro.books.ledger.models import Document, DocumentDraft, MiscEntry
from nostro.books.ledger.own_references import standard_of
from nostro.books.ledger.queries import open_items

HEAD = {"date": "2026-11-10", "label": "Deposit", "currency": "EUR"}
MANAGEMENT = {"sides-TOTAL_FORMS": "4", "sides-INITIAL_FORMS": "0"}
SIDES = {
    **HEAD, **MANAGEMENT,
    "sides-0-account": "400000", "sides-0-debit": "50,00", "sides-0-partner_name": "Acme NV",
    "sides-1-account": "700000", "sides-1-credit": "50,00",
}  # fmt: skip


def at(name: str, *ids: object) -> str:
    return reverse(f"books:{name}", args=ids)


def test_an_invoice_is_kept_changed_and_posted_with_a_number_and_a_reference(browser: Client, house: House) -> None:
    invoice = {**FORM, "number": "", "percent_1": "21", "amount": "121.00"}
    answer = browser.post(at("add_document", house.company.id), {**invoice, "action": "draft"}, follow=True)
    page = answer.content.decode()
    assert "Nothing of it is in the books yet." in page and "121.00" in page
    (draft,) = drafts_of(house.company)

    page = browser.get(at("draft", draft.id)).content.decode()
    assert 'value="121.00"' in page and 'value="21"' in page
    kept = browser.post(at("draft", draft.id), {**invoice, "amount": "242.00", "version": "1", "action": "save"})
    assert kept.status_code == 302 and not Document.objects.filter(number__startswith="INV/2026/0008").exists()
    posted = browser.post(
        at("draft", draft.id), {**invoice, "amount": "242.00", "version": "2", "action": "post"}, follow=True
    )
    page = posted.content.decode()
    document = DocumentDraft.objects.get(pk=draft.pk).document
    assert document is not None and (document.number, document.amount) == ("INV/2026/0008", Decimal(242))
    assert "It is posted as INV/2026/0008." in page and document.structured_reference in page
    assert browser.get(at("draft", draft.id)).headers["Location"] == at("document", document.id)


def test_who_saves_what_somebody_else_changed_is_told_and_keeps_what_was_typed(browser: Client, house: House) -> None:
    browser.post(at("add_document", house.company.id), {**FORM, "action": "draft"})
    (draft,) = drafts_of(house.company)
    assert browser.post(at("draft", draft.id), {**FORM, "version": "1", "action": "save"}).status_code == 302
    page = browser.post(at("draft", draft.id), {**FORM, "amount": "77.00", "version": "1", "action": "post"})
    assert "The draft was changed meanwhile." in page.content.decode() and "77.00" in page.content.decode()
    assert not Document.objects.filter(number="INV-9").exists()


def test_what_keeps_it_from_being_posted_is_told_and_the_draft_stays(browser: Client, house: House) -> None:
    Company.objects.filter(pk=house.company.pk).update(lock_date="2026-11-30")
    browser.post(at("add_document", house.company.id), {**FORM, "action": "draft"})
    (draft,) = drafts_of(house.company)
    page = browser.post(at("draft", draft.id), {**FORM, "version": "1", "action": "post"}, follow=True)
    assert "The books are locked until" in page.content.decode()
    assert len(drafts_of(house.company)) == 1


def test_a_draft_is_deleted(browser: Client, house: House) -> None:
    browser.post(at("add_document", house.company.id), {**FORM, "action": "draft"})
    (draft,) = drafts_of(house.company)
    page = browser.post(at("delete_draft", draft.id), follow=True).content.decode()
    assert "The draft is deleted." in page and not DocumentDraft.objects.exists()


def test_an_entry_is_posted_shown_and_reversed(browser: Client, house: House) -> None:
    before = open_items(house.company).count()
    page = browser.post(at("add_entry", house.company.id), {**SIDES, "action": "post"}, follow=True).content.decode()
    made = MiscEntry.objects.get()
    assert "It is posted as MISC/2026/0001." in page and "Open until a payment is matched" in page
    assert open_items(house.company).count() == before + 1
    assert "MISC/2026/0001" in browser.get(at("entries", house.company.id)).content.decode()

    page = browser.post(at("reverse_entry", made.id), follow=True).content.decode()
    assert "MISC/2026/0002" in page and open_items(house.company).count() == before
    assert "reversed" in browser.get(at("entries", house.company.id)).content.decode()


def test_an_entry_that_does_not_balance_may_be_a_draft_but_is_not_posted(browser: Client, house: House) -> None:
    uneven = {**SIDES, "sides-1-credit": "40"}
    page = browser.post(at("add_entry", house.company.id), {**uneven, "action": "post"}).content.decode()
    assert "Debit and credit differ by 10" in page and not MiscEntry.objects.exists()
    browser.post(at("add_entry", house.company.id), {**uneven, "action": "draft"})
    (draft,) = drafts_of(house.company)
    page = browser.get(at("draft", draft.id)).content.decode()
    assert "400000" in page and 'value="40"' in page
    answer = browser.post(
        at("draft", draft.id), {**SIDES, "sides-INITIAL_FORMS": "2", "version": "1", "action": "post"}, follow=True
    )
    assert "It is posted as MISC/2026/0001." in answer.content.decode()


def test_more_sides_are_given_and_what_is_wrong_is_told_beside_its_side(browser: Client, house: House) -> None:
    page = browser.post(at("add_entry", house.company.id), {**SIDES, "action": "more"}).content.decode()
    assert 'name="sides-7-account"' in page and 'value="50,00"' in page
    wrong = {**SIDES, "sides-1-debit": "5", "sides-2-debit": "5"}
    page = browser.post(at("add_entry", house.company.id), {**wrong, "action": "post"}).content.decode()
    assert "Type either a debit or a credit." in page and "Choose the account of this side." in page


def test_a_document_is_reversed_from_its_page(browser: Client, house: House) -> None:
    page = browser.post(at("reverse_document", house.document.id), follow=True).content.decode()
    assert "CN/2026/0001" in page and "It is reversed." in page
    again = browser.get(at("document", house.document.id)).content.decode()
    assert "Reversed by" in again and "Reverse this document?" not in again


def test_drafts_of_the_amount_stand_beside_a_line(browser: Client, house: House) -> None:
    browser.post(at("add_document", house.company.id), {**FORM, "kind": "bill", "amount": "50.00", "action": "draft"})
    (draft,) = drafts_of(house.company)
    line = house.line("-50")
    page = browser.get(f"{at('reconcile', house.company.id)}?line={line.id}").content.decode()
    assert "Drafts of this amount" in page and at("draft", draft.id) in page
    assert at("foreign_amount", line.id) in page
    other = browser.get(f"{at('reconcile', house.company.id)}?line={house.line('-100').id}").content.decode()
    assert "Drafts of this amount" not in other


def test_the_standard_of_own_references_is_chosen(
    browser: Client, house: House, member: Callable[[Company, str], Client]
) -> None:
    address = at("document_settings", house.company.id)
    assert "is now BE" in browser.get(address).content.decode()
    assert browser.post(address, {"references": "none"}).status_code == 302
    assert standard_of(house.company) == "none"
    assert "Select a valid choice" in browser.post(address, {"references": "x"}).content.decode()
    assert member(house.company, "clerk").get(address).status_code == 403


def test_who_may(house: House, member: Callable[[Company, str], Client], browser: Client) -> None:
    browser.post(at("add_document", house.company.id), {**FORM, "action": "draft"})
    (draft,) = drafts_of(house.company)
    reader, clerk = member(house.company, "reader"), member(house.company, "clerk")
    assert reader.get(at("drafts", house.company.id)).status_code == 200
    refused = [reader.get(at("draft", draft.id)), reader.get(at("add_entry", house.company.id))]
    refused += [reader.post(at("delete_draft", draft.id)), clerk.post(at("reverse_document", house.document.id))]
    assert [answer.status_code for answer in refused] == [403] * 4
    assert clerk.get(at("draft", draft.id)).status_code == 200
