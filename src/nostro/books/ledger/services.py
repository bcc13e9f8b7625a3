"""Verbs on the ledger: documents that become open items."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from nostro.books.companies.models import Company
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import Document, DocumentKind, EntryItem, ItemReference, LedgerAccount, Partner, Purpose
from nostro.books.ledger.posting import Side, draft_entry, post, require_open
from nostro.books.ledger.rates import Rates
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
_OF_CUSTOMERS = {DocumentKind.INVOICE, DocumentKind.CREDIT_NOTE}


def get_partner(company: Company, name: str) -> Partner:
    """The company's partner of that name (case aside), made if there is none. Raises :class:`Problem` when empty."""
    name = clean(name, 200)
    if not name:
        raise Problem("The partner has no name.", what_to_do="Type the name.", code="partnerMissing", field="partner")
    known = Partner.objects.filter(company=company, name__iexact=name).first()
    return known or Partner.objects.create(company=company, name=name)


@transaction.atomic
def create_document(
    user: User | None,
    company: Company,
    *,
    kind: str,
    partner_name: str,
    number: str,
    date: dt.date,
    due_date: dt.date | None = None,
    amount: Decimal,
    currency: str = "",
    structured_reference: str = "",
    counter_account_id: UUID | None = None,
) -> Document:
    """Post an invoice, bill or credit note as an open item. The caller has checked the person's role.

    A document of the same kind, partner and number is returned as it is, if all its figures are the same; otherwise
    it raises :class:`Problem` ``documentExists``. ``amount`` is positive, in ``currency``.
    """
    document_kind = _kind(kind)
    number, currency = _checked_number(number), _checked_currency(currency or company.currency)
    _check_amount(amount, currency)
    partner = get_partner(company, partner_name)
    Partner.objects.select_for_update().get(pk=partner.pk)
    known = Document.objects.filter(company=company, kind=kind, partner=partner, number=number).first()
    if known is not None:
        return _same_document(known, date, amount, currency)
    require_open(company, date)
    document = _post_document(
        company,
        kind=document_kind,
        partner=partner,
        number=number,
        date=date,
        due_date=due_date or date,
        amount=amount,
        currency=currency,
        reference=clean(structured_reference, 60),
        counter=_counter_account(company, document_kind, counter_account_id),
    )
    record(
        tenant_id=company.id,
        actor=user,
        action="document.posted",
        obj=document,
        sentence=f"{document_kind.label} {number} of {partner.name}: {amount} {currency}.",
        after={"amount": str(amount), "currency": currency, "date": date.isoformat()},
    )
    return document


def _post_document(
    company: Company,
    *,
    kind: DocumentKind,
    partner: Partner,
    number: str,
    date: dt.date,
    due_date: dt.date,
    amount: Decimal,
    currency: str,
    reference: str,
    counter: LedgerAccount,
) -> Document:
    signed = amount * _SIGN[kind]
    own = Rates(company).company_amount(signed, currency, date)
    if own is None:
        raise Problem(
            f"No exchange rate from {currency} to {company.currency} is known.",
            what_to_do="Enter a rate for this date first.",
            code="rateMissing",
            field="currency",
        )
    purpose = Purpose.RECEIVABLE if kind in _OF_CUSTOMERS else Purpose.PAYABLE
    draft = draft_entry(
        company,
        kind="document",
        date=date,
        label=f"{kind.label} {number}",
        sides=(
            Side(account_for(company, purpose).id, own, currency, signed, partner.id, due_date, is_open=True),
            Side(counter.id, -own, currency, -signed, partner.id),
        ),
    )
    post([draft])
    item = draft.items[0]
    document = Document.objects.create(
        company=company,
        kind=kind,
        partner=partner,
        number=number,
        date=date,
        due_date=due_date,
        amount=amount,
        currency=currency,
        structured_reference=reference,
        entry=draft.entry,
        open_item=item,
    )
    index_references(item, reference)
    return document


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


def _checked_number(number: str) -> str:
    number = clean(number, 60)
    if not number:
        raise Problem("The document has no number.", what_to_do="Type it.", code="numberMissing", field="number")
    return number


def _checked_currency(currency: str) -> str:
    try:
        return parse_currency(currency)
    except MoneyError:
        raise Problem(
            "This is no currency.",
            what_to_do="Use three letters, such as EUR.",
            code="currencyUnknown",
            field="currency",
        ) from None


def _check_amount(amount: Decimal, currency: str) -> None:
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
        return account_for(company, Purpose.SALES if kind in _OF_CUSTOMERS else Purpose.PURCHASES)
    account = LedgerAccount.objects.filter(company=company, pk=account_id).first()
    if account is None:
        raise NotFound("account")
    return account
