"""Verbs on the ledger: documents that become open items."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from nostro.books.companies.models import Company, LockType
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import (
    Document,
    DocumentKind,
    DocumentTax,
    EntryItem,
    ItemReference,
    LedgerAccount,
    Partner,
    Purpose,
)
from nostro.books.ledger.numbering import Number, check_typed_number, next_number
from nostro.books.ledger.own_references import own_reference
from nostro.books.ledger.posting import Side, draft_entry, hold_locks, post, require_open, set_residuals, sides_against
from nostro.books.ledger.rates import Rates
from nostro.books.ledger.terms import EarlyTerms, Figures, Taxed, work_out
from nostro.core.money import MoneyError, decimals, parse_currency
from nostro.core.references import canonical_keys
from nostro.core.text import clean
from nostro.people.audit import record
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

#: Sign of the open item: a customer's debt is a debit, a debt to a supplier a credit.
_SIGN = {
    DocumentKind.INVOICE: 1,
    DocumentKind.CREDIT_NOTE: -1,
    DocumentKind.BILL: -1,
    DocumentKind.REFUND: 1,
}
OF_CUSTOMERS = {DocumentKind.INVOICE, DocumentKind.CREDIT_NOTE}


def get_partner(company: Company, name: str) -> Partner:
    """The company's partner of that name (case aside), made if there is none. Raises :class:`Problem` when empty."""
    name = clean(name, 200)
    if not name:
        raise Problem("The partner has no name.", what_to_do="Type the name.", code="partnerMissing", field="partner")
    known = Partner.objects.filter(company=company, name__iexact=name).first()
    return known or Partner.objects.create(company=company, name=name)


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """What an invoice or bill says. ``amount`` is positive, with taxes, in ``currency`` (the company's where empty).
    Without a number it gets the next one of its series.

    ``taxes`` must add up to ``amount``; without any the document has no tax. ``counter_account_id`` is where the net
    amount is booked, the account of sales or purchases where it is ``None``; ``analytic`` says what it is for.
    """

    kind: str
    partner_name: str
    number: str
    date: dt.date
    amount: Decimal
    due_date: dt.date | None = None
    currency: str = ""
    structured_reference: str = ""
    partner_reference: str = ""
    end_to_end_id: str = ""
    taxes: tuple[Taxed, ...] = ()
    early: EarlyTerms | None = None
    counter_account_id: UUID | None = None
    analytic: str = ""


def create_document(user: User | None, company: Company, **facts: Any) -> Document:
    """:func:`post_document` with the fields of :class:`DocumentFacts` as arguments."""
    return post_document(user, company, DocumentFacts(**facts))


@transaction.atomic
def post_document(user: User | None, company: Company, facts: DocumentFacts) -> Document:
    """Post an invoice, bill or credit note as an open item. The caller has checked the person's role.

    A document of the same kind, partner and number is returned as it is, if all its figures are the same; otherwise
    it raises :class:`Problem` ``documentExists``. An own invoice with a number of the series gets a structured
    reference, if it has none.
    """
    kind = _kind(facts.kind)
    facts = replace(
        facts,
        number=clean(facts.number, 60),
        currency=checked_currency(facts.currency or company.currency),
        end_to_end_id=clean(facts.end_to_end_id, 35).upper(),
        partner_reference=clean(facts.partner_reference, 60),
        structured_reference=clean(facts.structured_reference, 60),
    )
    check_amount(facts.amount, facts.currency)
    figures = _figures(facts)
    partner = get_partner(company, facts.partner_name)
    Partner.objects.select_for_update().get(pk=partner.pk)
    known = Document.objects.filter(company=company, kind=kind, partner=partner, number=facts.number).first()
    if known is not None:
        return _same_document(known, facts.date, facts.amount, facts.currency)
    hold_locks(company)
    require_open(company, facts.date, LockType.SALES if kind in OF_CUSTOMERS else LockType.PURCHASES)
    facts, number = _numbered(company, kind, facts)
    document = store_document(company, kind, partner, facts, figures, number)
    record(
        tenant_id=company.id,
        actor=user,
        action="document.posted",
        obj=document,
        sentence=f"{kind.label} {facts.number} of {partner.name}: {facts.amount} {facts.currency}.",
        after={
            "amount": str(facts.amount),
            "tax": str(document.tax_amount),
            "currency": facts.currency,
            "date": facts.date.isoformat(),
        },
    )
    return document


def _figures(facts: DocumentFacts) -> Figures:
    """Taxes and discount worked out; they must give the amount the document says."""
    parts = facts.taxes or (Taxed(Decimal(0), facts.amount, Decimal(0)),)
    figures = work_out(parts, facts.currency, facts.early)
    for one in figures.taxes:
        check_amount(one.net, facts.currency)
        if one.tax:
            check_amount(one.tax, facts.currency)
    if figures.total != facts.amount:
        raise Problem(
            f"Net amounts and taxes add up to {figures.total} {facts.currency}, not to {facts.amount}.",
            what_to_do="Correct the amount, or the net amounts and rates.",
            code="taxesDoNotAddUp",
            field="amount",
        )
    if facts.early is not None and facts.early.until < facts.date:
        raise Problem(
            "The early-payment discount ends before the document's date.",
            what_to_do="Use a later day.",
            code="discountInvalid",
            field="discount_until",
        )
    if facts.early is not None and figures.discount <= 0:
        raise Problem(
            "The early-payment discount is less than the smallest coin.",
            what_to_do="Use a larger percentage, or none.",
            code="discountInvalid",
            field="discount_percent",
        )
    return figures


def _numbered(company: Company, kind: DocumentKind, facts: DocumentFacts) -> tuple[DocumentFacts, Number | None]:
    """The facts with a number and perhaps a reference, and the place in the series where the number is of one."""
    if facts.number:
        check_typed_number(company, kind, facts.number)
        return facts, None
    number = next_number(company, kind, facts.date.year)
    reference = facts.structured_reference
    if kind == DocumentKind.INVOICE and not reference:
        reference = own_reference(company, number)
    return replace(facts, number=number.text, structured_reference=reference), number


def store_document(  # noqa: PLR0917 - what it says, and what it is made of
    company: Company,
    kind: DocumentKind,
    partner: Partner,
    facts: DocumentFacts,
    figures: Figures,
    number: Number | None,
    *,
    reverses: Document | None = None,
) -> Document:
    """Write a document that was checked, with its entry. What reverses another has nothing open."""
    item = _entry_of(company, kind, partner, facts, figures, reverses)
    early = facts.early
    document = Document.objects.create(
        company=company,
        kind=kind,
        partner=partner,
        number=facts.number,
        date=facts.date,
        due_date=facts.due_date or facts.date,
        amount=facts.amount,
        tax_amount=figures.tax,
        currency=facts.currency,
        discount_percent=early.percent if early else None,
        discount_until=early.until if early else None,
        discount_option=early.option if early else "",
        discount=figures.discount,
        discount_tax=figures.discount_tax,
        partner_reference=facts.partner_reference,
        end_to_end_id=facts.end_to_end_id,
        structured_reference=facts.structured_reference,
        entry=item.entry,
        open_item=item,
        series_year=number and number.year,
        series_number=number and number.place,
        reverses=reverses,
    )
    if facts.taxes:
        rows = (
            DocumentTax(document=document, percent=one.percent, net=one.net, tax=one.tax or Decimal(0))
            for one in figures.taxes
        )
        DocumentTax.objects.bulk_create(rows)
    index_references(item, facts.structured_reference)
    return document


def _entry_of(  # noqa: PLR0917 - what it says, and what it is made of
    company: Company,
    kind: DocumentKind,
    partner: Partner,
    facts: DocumentFacts,
    figures: Figures,
    reverses: Document | None,
) -> EntryItem:
    """Post the entry; its item on the account of customers or suppliers."""
    draft = draft_entry(
        company,
        kind="document",
        date=facts.date,
        label=f"{kind.label} {facts.number}",
        sides=_sides(company, kind, partner, facts, figures) if reverses is None else sides_against(reverses.entry),
        reverses=None if reverses is None else reverses.entry,
    )
    post([draft])
    item = draft.items[0]
    if reverses is not None:
        item = next(each for each in draft.items if each.account_id == reverses.open_item.account_id)
        item.residual = item.residual_currency = Decimal(0)
        set_residuals({item.id: (Decimal(0), Decimal(0))})
    item.entry = draft.entry
    return item


def _sides(
    company: Company, kind: DocumentKind, partner: Partner, facts: DocumentFacts, figures: Figures
) -> tuple[Side, ...]:
    """The open item, the net amount and the tax, which stand against each other in both currencies."""
    rates, sign, currency = Rates(company), _SIGN[kind], facts.currency
    own = rates.company_amount(facts.amount * sign, currency, facts.date)
    own_tax = rates.company_amount(figures.tax * sign, currency, facts.date)
    if own is None or own_tax is None:
        raise Problem(
            f"No exchange rate from {currency} to {company.currency} is known.",
            what_to_do="Enter a rate for this date first.",
            code="rateMissing",
            field="currency",
        )
    of_customer = kind in OF_CUSTOMERS
    purpose = Purpose.RECEIVABLE if of_customer else Purpose.PAYABLE
    counter = _counter_account(company, kind, facts.counter_account_id)
    total, tax = facts.amount * sign, figures.tax * sign
    owed = Side(
        account_for(company, purpose).id, own, currency, total, partner.id, facts.due_date or facts.date, is_open=True
    )
    net = Side(counter.id, own_tax - own, currency, tax - total, partner.id, analytic=facts.analytic)
    if not tax:
        return owed, net
    vat = account_for(company, Purpose.VAT_PAYABLE if of_customer else Purpose.VAT_RECOVERABLE)
    return owed, net, Side(vat.id, -own_tax, currency, -tax, partner.id)


def index_references(item: EntryItem, reference: str) -> None:
    """Make an open item findable by every key its reference satisfies (books.md 15)."""
    ItemReference.objects.bulk_create(
        [ItemReference(company_id=item.company_id, item=item, key=key) for key in canonical_keys(reference)],
        ignore_conflicts=True,
    )


def _same_document(known: Document, date: dt.date, amount: Decimal, currency: str) -> Document:
    if (known.date, known.amount, known.currency) == (date, amount, currency):
        return known
    raise Problem(
        f"Number {known.number} of {known.partner.name} exists already with other figures: "
        f"{known.amount} {known.currency} of {known.date:%d %b %Y}.",
        what_to_do="Use another number, or leave this one out.",
        code="documentExists",
        field="number",
    )


def _kind(kind: str) -> DocumentKind:
    try:
        return DocumentKind(kind)
    except ValueError:
        raise Problem(
            "This is no kind of document.",
            what_to_do="Use invoice, credit_note, bill or refund.",
            code="documentKindUnknown",
            field="kind",
        ) from None


def checked_currency(currency: str) -> str:
    try:
        return parse_currency(currency)
    except MoneyError:
        raise Problem(
            "This is no currency.",
            what_to_do="Use three letters, such as EUR.",
            code="currencyUnknown",
            field="currency",
        ) from None


def check_amount(amount: Decimal, currency: str) -> None:
    exponent = amount.as_tuple().exponent
    if not amount.is_finite() or amount <= 0 or (isinstance(exponent, int) and -exponent > decimals(currency)):
        raise Problem(
            f"{amount} is no amount in {currency}.",
            what_to_do=f"Use a positive number with at most {decimals(currency)} decimals.",
            code="amountInvalid",
            field="amount",
        )


def _counter_account(company: Company, kind: DocumentKind, account_id: UUID | None) -> LedgerAccount:
    if account_id is None:
        return account_for(company, Purpose.SALES if kind in OF_CUSTOMERS else Purpose.PURCHASES)
    account = LedgerAccount.objects.filter(company=company, pk=account_id).first()
    if account is None:
        raise NotFound("account")
    return account
