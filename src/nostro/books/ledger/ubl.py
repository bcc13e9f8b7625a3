"""Electronic invoices: UBL 2.1 as Peppol BIS Billing 3 and EN 16931 use it, read into the facts of a document.

Names in this module are those of the standard (BT numbers in comments). What an invoice says is taken as it is; one
whose figures do not fit together is refused, because guessing would make wrong books.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID
from xml.parsers import expat

from django.db import transaction

from nostro.books.companies.models import Company, Role
from nostro.books.companies.queries import access_company
from nostro.books.ledger.models import Document, PartnerBankAccount
from nostro.books.ledger.services import DocumentFacts, post_document
from nostro.books.ledger.terms import Taxed
from nostro.core.money import MoneyError, parse_amount
from nostro.core.text import clean
from nostro.people.models import User
from nostro.web.errors import Problem

MAX_BYTES = 5 * 1024 * 1024
MAX_DEPTH, MAX_ELEMENTS, MAX_TEXT = 20, 200_000, 10_000
_ROOTS = {
    "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2 Invoice": False,
    "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2 CreditNote": True,
}
#: Codes of Invoice documents that are credit notes (UNTDID 1001).
_CREDIT_CODES = {"381", "396", "261"}


@dataclass(slots=True)
class Node:
    """An element: its name with its namespace, its text, and what it holds."""

    name: str
    text: str = ""
    children: list[Node] = field(default_factory=list)

    def all(self, *path: str) -> Iterator[Node]:
        """Every element under a path of local names."""
        if not path:
            yield self
            return
        for child in self.children:
            if child.name.rpartition(" ")[2] == path[0]:
                yield from child.all(*path[1:])

    def say(self, *path: str) -> str:
        """The text of the first element under the path that has one, else nothing."""
        return next((text for node in self.all(*path) if (text := " ".join(node.text.split()))), "")


def parse(file: bytes) -> Node:
    """The root element. Raises :class:`Problem` for what is too large, broken, or has a document type."""
    if len(file) > MAX_BYTES:
        raise Problem("The file is too large.", what_to_do="5 MB at most.", code="fileTooLarge", field="file")
    top = Node("")
    open_nodes, count = [top], 0

    def start(name: str, _attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(open_nodes) > MAX_DEPTH or count > MAX_ELEMENTS:
            raise _unreadable("It is nested too deeply, or has too many elements.")
        node = Node(name)
        open_nodes[-1].children.append(node)
        open_nodes.append(node)

    def text(data: str) -> None:
        node = open_nodes[-1]
        if len(node.text) < MAX_TEXT:
            node.text += data[:MAX_TEXT]

    def refuse(*_: object) -> None:
        raise _unreadable("It has a document type, which no electronic invoice needs.")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.buffer_text = True
    parser.StartElementHandler, parser.CharacterDataHandler = start, text
    parser.EndElementHandler = lambda _name: open_nodes.pop()
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(file, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise _unreadable(str(error)[:200]) from None
    return top.children[0]


def _unreadable(why: str) -> Problem:
    return Problem(
        "The file is no electronic invoice.",
        why=why,
        what_to_do="Choose the XML file of the invoice (UBL, Peppol), or type the invoice.",
        code="invoiceUnreadable",
        field="file",
    )


def facts_of(root: Node, company: Company) -> tuple[DocumentFacts, str]:
    """What the invoice says of itself, and the account number it wants to be paid to (empty if none).

    It is a customer's invoice where the company is its seller, else a supplier's bill.
    """
    if root.name not in _ROOTS:
        raise _unreadable(f"It begins with {root.name.rpartition(' ')[2][:40]}.")
    is_credit = _ROOTS[root.name] or root.say("InvoiceTypeCode") in _CREDIT_CODES  # BT-3
    seller, buyer = _name(root, "AccountingSupplierParty"), _name(root, "AccountingCustomerParty")  # BT-27, BT-44
    is_ours = seller.casefold() == " ".join(company.name.split()).casefold()
    amount = _amount(root.say("LegalMonetaryTotal", "PayableAmount"), "the amount that is due")  # BT-115
    sign = -1 if amount < 0 else 1
    taxes = tuple(_taxes(root, sign))
    kinds = ("invoice", "credit_note") if is_ours else ("bill", "refund")
    reference = root.say("BuyerReference") or root.say("OrderReference", "ID")  # BT-10, BT-13
    facts = DocumentFacts(
        kind=kinds[is_credit != (sign < 0)],
        partner_name=buyer if is_ours else seller,
        number=root.say("ID"),  # BT-1
        date=_date(root.say("IssueDate"), "the date"),  # BT-2
        due_date=_due_date(root),
        amount=abs(amount),
        currency=root.say("DocumentCurrencyCode"),  # BT-5
        structured_reference=root.say("PaymentMeans", "PaymentID"),  # BT-83
        partner_reference=reference if is_ours else "",
        taxes=taxes,
    )
    account = "" if is_ours else root.say("PaymentMeans", "PayeeFinancialAccount", "ID")  # BT-84
    return facts, "".join(filter(str.isalnum, account)).upper()[:70]


def _name(root: Node, party: str) -> str:
    legal = root.say(party, "Party", "PartyLegalEntity", "RegistrationName")
    return legal or root.say(party, "Party", "PartyName", "Name")


def _due_date(root: Node) -> dt.date | None:
    text = root.say("DueDate") or root.say("PaymentMeans", "PaymentDueDate")  # BT-9
    return _date(text, "the due date") if text else None


def _taxes(root: Node, sign: int) -> Iterator[Taxed]:
    """The breakdown by rate in the document's own currency (BG-23)."""
    for total in root.all("TaxTotal"):
        for one in total.all("TaxSubtotal"):
            net = _amount(one.say("TaxableAmount"), "a net amount") * sign
            percent = one.say("TaxCategory", "Percent")
            if net:
                rate = _amount(percent, "a tax rate") if percent else Decimal(0)
                yield Taxed(rate, net, _amount(one.say("TaxAmount"), "a tax amount") * sign)


def _amount(text: str, what: str) -> Decimal:
    try:
        return parse_amount(text)
    except MoneyError:
        raise _unreadable(f"It does not say {what}.") from None


def _date(text: str, what: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text[:10])
    except ValueError:
        raise _unreadable(f"It does not say {what}.") from None


@transaction.atomic
def import_invoice(user: User, company_id: UUID, file: bytes) -> Document:
    """Post an electronic invoice; the same one again is the document that there is.

    Its account number is noted on a supplier as seen, never as trusted (books.md 16.3). Raises :class:`Problem` also
    where part of it was paid before, or rounded: those are typed by a person.
    """
    company = access_company(user, company_id, role=Role.CLERK)
    root = parse(file)
    facts, account = facts_of(root, company)
    document = post_document(user, company, facts)
    partner, number = document.partner, root.say("AccountingSupplierParty", "Party", "PartyTaxScheme", "CompanyID")
    if document.kind in {"bill", "refund"} and number and not partner.vat_number:
        partner.vat_number = clean(number, 20)
        partner.save(update_fields=["vat_number"])
    if account:
        PartnerBankAccount.objects.get_or_create(
            partner=partner, account_number=account, defaults={"company_id": company.id}
        )
    return document
