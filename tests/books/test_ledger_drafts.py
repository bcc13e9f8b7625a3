"""Drafts, numbers without gaps, entries made by hand, and what is posted stays (books.md 14.1, 14.6, 16.1)."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from tests.books.conftest import NOW
from tests.books.invariants import checks
from tests.books.reconcile.steps import DAY, invoice_of, line_of
from tests.books.steps import balance

from nostro.books.companies.models import Company, CompanyMember, Role
from nostro.books.companies.services import create_company
from nostro.books.journals.services import create_journal
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.drafts import (
    access_draft,
    change_draft,
    delete_draft,
    drafts_like,
    drafts_of,
    facts_of,
    make_draft,
    post_draft,
)
from nostro.books.ledger.misc import MiscFacts, MiscSide, access_misc, post_misc
from nostro.books.ledger.models import (
    Document,
    DocumentDraft,
    DocumentSettings,
    EntryItem,
    MiscEntry,
    NumberSeries,
    Purpose,
    ReferenceStandard,
    SeriesKind,
)  # fmt: skip
from nostro.books.ledger.queries import open_items
from nostro.books.ledger.reversing import reverse_document, reverse_misc
from nostro.books.ledger.services import DocumentFacts, post_document
from nostro.books.ledger.terms import Taxed
from nostro.books.reconcile.automation import look
from nostro.books.reconcile.candidates import candidates
from nostro.books.reconcile.services import reconcile_with_items
from nostro.people.models import User
from nostro.web.errors import Forbidden, NotFound, Problem

FACTS = DocumentFacts(
    kind="invoice", partner_name="Customer NV", number="", date=DAY, amount=Decimal("121.00"), currency="EUR",
    taxes=(Taxed(Decimal(21), Decimal("100.00")),),
)  # fmt: skip


def misc_of(company: Company, amount: str = "50.00", *, partner: str = "Customer NV", reference: str = "") -> MiscFacts:
    """A customer owes for something that is no invoice."""
    receivable, sales = account_for(company, Purpose.RECEIVABLE), account_for(company, Purpose.SALES)
    owed = MiscSide(receivable.id, Decimal(amount), partner, "Deposit of 2025", reference=reference)
    return MiscFacts(DAY, "Deposit", (owed, MiscSide(sales.id, -Decimal(amount))))


def sound(company: Company) -> None:
    """Entries balance, and accounts of open items hold what is open of them (I-1, I-2, I-3)."""
    checks.entries_balance(company)
    checks.closed_groups_are_zero(company)
    checks.bank_and_suspense_agree(company)


def posted(user: User, company: Company, facts: DocumentFacts = FACTS) -> Document:
    made = post_draft(user, make_draft(user, company, facts).id)
    assert isinstance(made, Document)
    return made


# --- drafts ------------------------------------------------------------------------------------------------------


def test_a_draft_is_nothing_in_the_books_until_it_is_posted(owner: User, company: Company) -> None:
    draft = make_draft(owner, company, FACTS)
    assert facts_of(draft) == FACTS and drafts_of(company) == [draft]
    assert not EntryItem.objects.exists() and not NumberSeries.objects.exists()
    journal = create_journal(owner, company, name="Bank", currency="EUR", kind="bank")
    assert candidates(line_of(journal, "121.00", "Customer NV")) == []

    document = post_draft(owner, draft.id)
    assert isinstance(document, Document)
    assert (document.number, document.amount, document.tax_amount) == (
        "INV/2026/0001", Decimal("121.00"), Decimal("21.00"),
    )  # fmt: skip
    assert drafts_of(company) == []
    assert open_items(company).get() == document.open_item


def test_a_draft_is_shown_beside_the_line_that_would_pay_it(owner: User, company: Company) -> None:
    draft = make_draft(owner, company, replace(FACTS, currency=""))
    make_draft(owner, company, replace(FACTS, kind="bill"))
    make_draft(owner, company, replace(FACTS, currency="USD"))
    make_draft(owner, company, misc_of(company, "121.00"))
    assert drafts_like(company, Decimal(121), "EUR") == [draft]
    assert drafts_like(company, Decimal(120), "EUR") == drafts_like(company, Decimal(121), "CHF") == []
    post_draft(owner, draft.id)
    assert drafts_like(company, Decimal(121), "EUR") == []


def test_posting_twice_posts_once(owner: User, company: Company) -> None:
    draft = make_draft(owner, company, FACTS)
    assert post_draft(owner, draft.id) == post_draft(owner, draft.id)
    assert Document.objects.count() == 1


def test_a_draft_is_changed_by_who_saw_it_as_it_is(owner: User, company: Company) -> None:
    draft = make_draft(owner, company, FACTS)
    changed = change_draft(owner, draft.id, replace(FACTS, amount=Decimal("60.50"), taxes=()), version=1)
    assert changed.version == 2
    for refused in (
        lambda: change_draft(owner, draft.id, FACTS, version=1),
        lambda: post_draft(owner, draft.id, version=1),
    ):
        with pytest.raises(Problem) as problem:
            refused()
        assert problem.value.code == "draftStale"
    document = post_draft(owner, draft.id, version=2)
    assert isinstance(document, Document) and document.amount == Decimal("60.50")


def test_a_draft_may_be_deleted_and_a_posted_one_may_not_be_touched(owner: User, company: Company) -> None:
    thrown = make_draft(owner, company, FACTS)
    delete_draft(owner, thrown.id)
    with pytest.raises(NotFound):
        post_draft(owner, thrown.id)
    draft = make_draft(owner, company, FACTS)
    assert posted(owner, company).number == "INV/2026/0001", "a deleted draft took no number"
    post_draft(owner, draft.id)
    with pytest.raises(Problem) as problem:
        delete_draft(owner, draft.id)
    assert problem.value.code == "draftPosted"
    with pytest.raises(Problem):
        change_draft(owner, draft.id, FACTS, version=1)


def test_what_keeps_a_draft_from_being_posted_leaves_it_as_it_is(owner: User, company: Company) -> None:
    draft = make_draft(owner, company, replace(FACTS, amount=Decimal("120.00")))
    with pytest.raises(Problem) as problem, transaction.atomic():
        post_draft(owner, draft.id)
    assert problem.value.code == "taxesDoNotAddUp"
    assert drafts_of(company) == [draft] and not NumberSeries.objects.exists()


def test_one_document_comes_of_one_draft(owner: User, company: Company) -> None:
    facts = replace(FACTS, number="2026-17")
    posted(owner, company, facts)
    with pytest.raises(Problem) as problem:
        posted(owner, company, facts)
    assert problem.value.code == "documentExists"


# --- numbers -----------------------------------------------------------------------------------------------------


def test_each_kind_and_year_has_its_series(owner: User, company: Company) -> None:
    last_year = replace(FACTS, date=dt.date(2025, 12, 31))
    numbers = [posted(owner, company, each).number for each in (FACTS, last_year, replace(FACTS, kind="bill"), FACTS)]
    numbers.append(post_misc(owner, company, misc_of(company)).number)
    assert numbers == ["INV/2026/0001", "INV/2025/0001", "BILL/2026/0001", "INV/2026/0002", "MISC/2026/0001"]


def test_a_series_goes_on_after_what_was_typed_and_then_gives_all_numbers(owner: User, company: Company) -> None:
    invoice_of(owner, company, "INV/2026/0122")
    invoice_of(owner, company, "INV/2026/0009")
    assert posted(owner, company).number == "INV/2026/0123"
    for typed in ("INV/2026/0124", "INV/2026/0500", "INV/2026/0001"):
        with pytest.raises(Problem) as problem:
            invoice_of(owner, company, typed)
        assert problem.value.code == "numberOfSeries"
    assert invoice_of(owner, company, "INV/2026/0122").number == "INV/2026/0122", "what is known may come again"
    assert invoice_of(owner, company, "SHOP-55").number == "SHOP-55"
    assert posted(owner, company).number == "INV/2026/0124"


def test_a_refused_posting_takes_no_number(owner: User, company: Company) -> None:
    assert posted(owner, company).number == "INV/2026/0001"
    Company.objects.filter(pk=company.pk).update(sales_lock_date=DAY)
    draft = make_draft(owner, company, FACTS)
    with pytest.raises(Problem), transaction.atomic():
        post_draft(owner, draft.id)
    Company.objects.filter(pk=company.pk).update(sales_lock_date=None)
    assert posted(owner, company).number == "INV/2026/0002"


@pytest.mark.parametrize("step", [2, -1, 5], ids=["skipped", "back", "far"])
def test_the_database_refuses_a_gap(step: int, owner: User, company: Company) -> None:
    posted(owner, company)
    series = NumberSeries.objects.get(kind=SeriesKind.INVOICE)
    with pytest.raises(IntegrityError, match="series"), transaction.atomic():
        NumberSeries.objects.filter(pk=series.pk).update(last=series.last + step)


def test_the_database_refuses_a_number_that_is_given_to_nothing(owner: User, company: Company) -> None:
    posted(owner, company)
    with pytest.raises(IntegrityError, match="given to nothing"), transaction.atomic():
        NumberSeries.objects.update(last=2)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_the_database_keeps_what_is_posted(owner: User, company: Company) -> None:
    document, misc = posted(owner, company), post_misc(owner, company, misc_of(company))
    draft = DocumentDraft.objects.get()
    for attempt in (
        lambda: Document.objects.filter(pk=document.pk).update(number="INV/2026/0009"),
        lambda: Document.objects.filter(pk=document.pk).update(amount=Decimal(5)),
        lambda: Document.objects.filter(pk=document.pk).delete(),
        lambda: MiscEntry.objects.filter(pk=misc.pk).update(number="x"),
        lambda: DocumentDraft.objects.filter(pk=draft.pk).update(content={}),
        lambda: DocumentDraft.objects.filter(pk=draft.pk).delete(),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            attempt()


# --- entries made by hand ----------------------------------------------------------------------------------------


def test_what_an_entry_says_somebody_owes_is_an_open_item_and_paid_like_an_invoice(
    owner: User, company: Company
) -> None:
    journal = create_journal(owner, company, name="Bank", currency="EUR", kind="bank")
    made = post_misc(owner, company, misc_of(company, reference="+++020/3430/57642+++"))
    assert made.number == "MISC/2026/0001"
    item = open_items(company).get()
    assert (item.partner and item.partner.name, item.residual_currency, item.due_date) == (
        "Customer NV", Decimal("50.00"), DAY,
    )  # fmt: skip
    line = line_of(journal, "50.00", "payment 020343057642")
    assert [each.item for each in candidates(line)] == [item]
    reconcile_with_items(owner, line.id, [item.id], now=NOW)
    assert not open_items(company).exists()
    sound(company)


def test_an_open_item_of_an_entry_is_found_by_its_number_too(owner: User, company: Company) -> None:
    journal = create_journal(owner, company, name="Bank", currency="EUR", kind="bank")
    post_misc(owner, company, misc_of(company))
    line = line_of(journal, "50.00", "your claim MISC/2026/0001")
    look(company, clock=lambda: NOW)
    line.refresh_from_db()
    assert line.reconciled and "MISC/2026/0001" in line.match_groups.get().explanation
    assert not open_items(company).exists()


def test_rounding_of_an_entry_in_another_currency_is_taken_by_its_last_side(owner: User, company: Company) -> None:
    from nostro.books.ledger.rates import set_rate

    set_rate(company, "USD", DAY, Decimal("0.333"))
    sales, fees = account_for(company, Purpose.SALES), account_for(company, Purpose.BANK_FEES)
    sides = (
        MiscSide(sales.id, Decimal("-0.05")), MiscSide(sales.id, Decimal("-0.05")), MiscSide(fees.id, Decimal("0.10")),
    )  # fmt: skip
    made = post_misc(owner, company, MiscFacts(DAY, "", sides, "USD"))
    assert sorted(item.amount for item in made.entry.items.all()) == [
        Decimal("-0.02"), Decimal("-0.02"), Decimal("0.04"),
    ]  # fmt: skip


def test_entries_that_make_no_sense_are_refused(owner: User, company: Company) -> None:
    create_journal(owner, company, name="Bank", currency="EUR", kind="bank")
    journal = company.journals.get()
    sales, receivable = account_for(company, Purpose.SALES), account_for(company, Purpose.RECEIVABLE)
    other = create_company(owner, name="Other", country="BE")
    for account, amounts, code in (
        (sales.id, ("5", "-4"), "entryUnbalanced"),
        (journal.bank_account_id, ("5", "-5"), "accountInvalid"),
        (journal.suspense_account_id, ("5", "-5"), "accountInvalid"),
        (receivable.id, ("5", "-5"), "partnerMissing"),
        (sales.id, ("0", "0"), "amountInvalid"),
        (sales.id, ("0.001", "-0.001"), "amountInvalid"),
        (account_for(other, Purpose.SALES).id, ("5", "-5"), "notFound"),
    ):
        sides = tuple(MiscSide(account, Decimal(amount)) for amount in amounts)
        with pytest.raises((Problem, NotFound)) as problem, transaction.atomic():
            post_misc(owner, company, MiscFacts(DAY, "x", sides))
        assert code in {problem.value.code, "notFound"}, account


# --- reversing ---------------------------------------------------------------------------------------------------


def test_a_document_is_reversed_by_one_of_the_other_kind(owner: User, company: Company) -> None:
    document = posted(owner, company)
    credit = reverse_document(owner, document.id)
    assert (credit.kind, credit.number, credit.reverses) == ("credit_note", "CN/2026/0001", document)
    assert [(tax.percent, tax.net, tax.tax) for tax in credit.taxes.all()] == [
        (Decimal(21), Decimal("100.00"), Decimal("21.00"))
    ]
    assert not open_items(company).exists()
    for purpose in (Purpose.RECEIVABLE, Purpose.SALES, Purpose.VAT_PAYABLE):
        assert balance(account_for(company, purpose)) == 0, purpose
    assert reverse_document(owner, document.id) == credit
    with pytest.raises(Problem) as problem:
        reverse_document(owner, credit.id)
    assert problem.value.code == "reversalReversed"
    sound(company)


def test_a_matched_document_is_reversed_only_after_its_match_is_undone(owner: User, company: Company) -> None:
    journal = create_journal(owner, company, name="Bank", currency="EUR", kind="bank")
    document = posted(owner, company)
    reconcile_with_items(owner, line_of(journal, "100.00").id, [document.open_item_id], now=NOW)
    with pytest.raises(Problem) as problem:
        reverse_document(owner, document.id)
    assert problem.value.code == "documentMatched"


def test_a_document_of_a_locked_day_is_reversed_on_the_first_open_day(owner: User, company: Company) -> None:
    document = posted(owner, company)
    Company.objects.filter(pk=company.pk).update(sales_lock_date=DAY)
    assert reverse_document(owner, document.id).date == DAY + dt.timedelta(days=1)
    with pytest.raises(Problem) as problem:
        reverse_document(owner, posted(owner, company, replace(FACTS, date=DAY + dt.timedelta(days=1))).id, date=DAY)
    assert problem.value.code == "D-LOCKED"


def test_an_entry_is_reversed(owner: User, company: Company) -> None:
    made = post_misc(owner, company, misc_of(company))
    back = reverse_misc(owner, made.id)
    assert (back.number, back.entry.reverses) == ("MISC/2026/0002", made.entry)
    assert reverse_misc(owner, made.id) == back
    assert not open_items(company).exists() and balance(account_for(company, Purpose.RECEIVABLE)) == 0
    sound(company)


# --- who may -----------------------------------------------------------------------------------------------------


def test_strangers_reach_nothing_and_readers_and_clerks_may_what_their_role_says(
    owner: User, stranger: User, company: Company
) -> None:
    draft, document = make_draft(owner, company, FACTS), posted(owner, company)
    misc = post_misc(owner, company, misc_of(company))
    acts = (
        lambda: access_draft(stranger, draft.id), lambda: post_draft(stranger, draft.id),
        lambda: delete_draft(stranger, draft.id), lambda: change_draft(stranger, draft.id, FACTS, version=1),
        lambda: make_draft(stranger, company, FACTS), lambda: reverse_document(stranger, document.id),
        lambda: access_misc(stranger, misc.id), lambda: reverse_misc(stranger, misc.id),
    )  # fmt: skip
    for act in acts:
        with pytest.raises(NotFound):
            act()
    member = CompanyMember.objects.create(company=company, user=stranger, role=Role.READER)
    for act in (*acts[1:6], acts[7]):
        with pytest.raises(Forbidden):
            act()
    member.role = Role.CLERK
    member.save()
    for act in (acts[5], acts[7]):
        with pytest.raises(Forbidden):
            act()
    assert acts[1]() is not None


# --- references of own invoices ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("country", "reference"),
    [
        ("BE", "+++026/0000/00137+++"), ("DE", "RF72 2600 0000 1"), ("FI", "2600000013"), ("NO", "2600000018"),
        ("SE", "26000000112"), ("CH", "RF72 2600 0000 1"), ("NL", "39260000001"),
    ],
)  # fmt: skip
def test_own_invoices_get_the_reference_of_the_country(country: str, reference: str, owner: User) -> None:
    company = create_company(owner, name=country, country=country)
    document = post_document(owner, company, FACTS)
    assert document.structured_reference == reference
    assert document.open_item.references.exists()
    assert not post_document(owner, company, replace(FACTS, kind="bill")).structured_reference
    assert not invoice_of(owner, company, "SHOP-1").structured_reference, "who typed the number has the customer's copy"
    own = replace(FACTS, structured_reference="RF18 1234 5678 9")
    assert post_document(owner, company, own).structured_reference == "RF18 1234 5678 9"


def test_a_swiss_invoice_has_a_qr_reference_only_with_a_qr_iban(owner: User) -> None:
    company = create_company(owner, name="Swiss", country="CH", currency="CHF")
    create_journal(
        owner, company, name="Bank", currency="CHF", kind="bank", account_number="CH44 3199 9123 0008 8901 2"
    )
    facts = replace(FACTS, currency="CHF")
    assert post_document(owner, company, facts).structured_reference == "00 00000 00000 00000 26000 00011"


@pytest.mark.parametrize("standard", list(ReferenceStandard))
def test_the_company_chooses_its_standard(standard: ReferenceStandard, owner: User, company: Company) -> None:
    DocumentSettings.objects.create(company=company, standard=standard)
    wanted = {"country": "+++026/0000/00137+++", "rf": "RF72 2600 0000 1", "none": ""}
    assert post_document(owner, company, FACTS).structured_reference == wanted[standard]


def test_a_payment_is_found_by_the_reference_of_an_own_invoice_first(owner: User, company: Company) -> None:
    journal = create_journal(owner, company, name="Bank", currency="EUR", kind="bank")
    document = posted(owner, company)
    invoice_of(owner, company, "SHOP-1")  # the same customer and amount
    digits = "".join(filter(str.isdigit, document.structured_reference))
    line = line_of(journal, "121.00", f"payment {digits}")
    look(company, clock=lambda: NOW)
    line.refresh_from_db()
    document.open_item.refresh_from_db()
    assert line.reconciled and document.open_item.residual_currency == 0
