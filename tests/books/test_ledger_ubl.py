"""Electronic invoices: what is read of them, what is refused, and hostile files (EN 16931, Peppol BIS Billing 3)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from tests.books.steps import balance

from nostro.books.companies.models import Company
from nostro.books.ledger.chart import account_for
from nostro.books.ledger.models import Document, PartnerBankAccount, Purpose
from nostro.books.ledger.ubl import import_invoice
from nostro.people.models import User
from nostro.web.errors import NotFound, Problem

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"


def invoice(
    *, root: str = "Invoice", seller: str = "Paper Ltd", buyer: str = "Nostro NV", due: str = "174.00",
    taxes: tuple[tuple[str, str, str], ...] = (("100.00", "21.00", "21"), ("50.00", "3.00", "6")), more: str = "",
) -> bytes:  # fmt: skip
    """An invoice as Peppol carries it, with the parts that are read and a few that are not."""
    parts = "".join(
        f"<a:TaxSubtotal><b:TaxableAmount currencyID='EUR'>{net}</b:TaxableAmount><b:TaxAmount currencyID='EUR'>{tax}"
        f"</b:TaxAmount><a:TaxCategory><b:ID>S</b:ID><b:Percent>{percent}</b:Percent></a:TaxCategory></a:TaxSubtotal>"
        for net, tax, percent in taxes
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>{more}
<i:{root} xmlns:i="{_UBL}{root}-2" xmlns:a="{_UBL}CommonAggregateComponents-2" xmlns:b="{_UBL}CommonBasicComponents-2">
<b:ID>2026/881</b:ID><b:IssueDate>2026-11-05</b:IssueDate><b:DueDate>2026-12-05</b:DueDate>
<b:DocumentCurrencyCode>EUR</b:DocumentCurrencyCode><b:BuyerReference>PO-9</b:BuyerReference>
<a:AccountingSupplierParty><a:Party><a:PartyName><b:Name>Trading name</b:Name></a:PartyName><a:PartyTaxScheme>
<b:CompanyID>BE0403019261</b:CompanyID></a:PartyTaxScheme><a:PartyLegalEntity><b:RegistrationName>{seller}
</b:RegistrationName></a:PartyLegalEntity></a:Party></a:AccountingSupplierParty>
<a:AccountingCustomerParty><a:Party><a:PartyLegalEntity><b:RegistrationName>{buyer}</b:RegistrationName>
</a:PartyLegalEntity></a:Party></a:AccountingCustomerParty>
<a:PaymentMeans><b:PaymentID>+++020/3430/57642+++</b:PaymentID><a:PayeeFinancialAccount><b:ID>be68 5390 0754 7034</b:ID>
</a:PayeeFinancialAccount></a:PaymentMeans>
<a:TaxTotal><b:TaxAmount currencyID="EUR">24.00</b:TaxAmount>{parts}</a:TaxTotal>
<a:LegalMonetaryTotal><b:PayableAmount currencyID="EUR">{due}</b:PayableAmount></a:LegalMonetaryTotal>
</i:{root}>""".encode()


def test_a_bill_is_posted_with_its_taxes_and_known_by_its_reference(owner: User, company: Company) -> None:
    made = import_invoice(owner, company.id, invoice())
    assert (made.kind, made.number, made.partner.name) == ("bill", "2026/881", "Paper Ltd")
    assert (made.date, made.due_date) == (dt.date(2026, 11, 5), dt.date(2026, 12, 5))
    assert (made.amount, made.tax_amount) == (Decimal("174.00"), Decimal("24.00"))
    assert balance(account_for(company, Purpose.VAT_RECOVERABLE)) == Decimal("24.00")
    assert made.open_item.references.get().key == "BE:020343057642"
    assert made.partner.vat_number == "BE0403019261"
    number = PartnerBankAccount.objects.get()
    assert (number.account_number, number.trusted) == ("BE68539007547034", False)
    assert import_invoice(owner, company.id, invoice()) == made


@pytest.mark.parametrize(
    ("root", "seller", "sign", "kind"),
    [
        ("Invoice", "nostro  nv", "", "invoice"),
        ("CreditNote", "Nostro NV", "", "credit_note"),
        ("CreditNote", "Paper Ltd", "", "refund"),
        ("Invoice", "Paper Ltd", "-", "refund"),
        ("CreditNote", "Paper Ltd", "-", "bill"),
    ],
)
def test_kind_follows_from_seller_root_and_sign(
    owner: User, company: Company, root: str, seller: str, sign: str, kind: str
) -> None:
    taxes = ((f"{sign}100.00", f"{sign}21.00", "21"),)
    made = import_invoice(owner, company.id, invoice(root=root, seller=seller, due=f"{sign}121.00", taxes=taxes))
    assert (made.kind, made.amount, made.tax_amount) == (kind, Decimal("121.00"), Decimal("21.00"))
    assert made.partner_reference == ("PO-9" if "ostro" in seller else "")


_BOMB = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (b"", "invoiceUnreadable"),
        (b"no xml", "invoiceUnreadable"),
        (b"<Invoice/>", "invoiceUnreadable"),
        (invoice()[:-20], "invoiceUnreadable"),
        (invoice(more=_BOMB), "invoiceUnreadable"),
        (invoice(more=_BOMB).replace(b"UTF-8", b"UTF-16", 1).decode().encode("utf-16"), "invoiceUnreadable"),
        (b"<a>" * 50 + b"</a>" * 50, "invoiceUnreadable"),
        (b" " * (5 * 1024 * 1024 + 1), "fileTooLarge"),
        (invoice(due=""), "invoiceUnreadable"),
        (invoice(due="100.00"), "taxesDoNotAddUp"),  # something was paid before
        (invoice(seller="").replace(b"Trading name", b""), "partnerMissing"),
    ],
    ids=["empty", "text", "no-namespace", "cut", "entities", "entities16", "deep", "large", "no-amount", "prepaid",
         "nobody"],
)  # fmt: skip
def test_what_is_no_invoice_is_refused_and_nothing_is_posted(
    owner: User, company: Company, file: bytes, code: str
) -> None:
    with pytest.raises(Problem) as caught:
        import_invoice(owner, company.id, file)
    assert caught.value.code == code
    assert not Document.objects.exists()


def test_a_stranger_uploads_nothing(stranger: User, company: Company) -> None:
    with pytest.raises(NotFound):
        import_invoice(stranger, company.id, invoice())


def test_the_page_posts_it_and_tells_what_is_wrong(owner: User, company: Company) -> None:
    browser = Client()
    browser.force_login(owner)
    url = reverse("books:upload_document", args=[company.id])
    wrong = browser.post(url, {"file": SimpleUploadedFile("a.xml", b"x")})
    assert "no electronic invoice" in wrong.content.decode()
    told = browser.post(url, {"file": SimpleUploadedFile("a.xml", invoice(due="100.00"))})
    assert "add up to 174.00 EUR" in told.content.decode()
    made = browser.post(url, {"file": SimpleUploadedFile("a.xml", invoice())})
    assert made["Location"] == reverse("books:document", args=[Document.objects.get().id])
