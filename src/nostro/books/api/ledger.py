"""Drafts, entries made by hand, open items, partners, files, and how a company reconciles, as endpoints."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from nostro.books.api import documents as show
from nostro.books.api.call import Call, Document, as_id, invalid, listed
from nostro.books.api.payments import document_facts
from nostro.books.companies.models import Company, Role
from nostro.books.journals.foreign import state_foreign_amount
from nostro.books.journals.queries import access_line
from nostro.books.ledger import drafts, misc, partners
from nostro.books.ledger.chart_import import import_chart
from nostro.books.ledger.imports import import_open_items
from nostro.books.ledger.models import Purpose, ReferenceStandard, SeriesKind
from nostro.books.ledger.own_references import set_standard, standard_of
from nostro.books.ledger.queries import access_account, access_document, open_items
from nostro.books.ledger.reversing import reverse_document, reverse_misc
from nostro.books.ledger.ubl import import_invoice
from nostro.books.reconcile.automation import automation_of, change_settings
from nostro.books.reconcile.choosing import book_to_partner, set_partner
from nostro.books.reconcile.closing import MAX_RESTS, RestLine, close_with

#: Open items and partners of one list; it is narrowed by ``partner`` and ``q``.
LIST_LIMIT = 1_000


def _one(resource: Document) -> Document:
    return {"data": resource}


# --- drafts ------------------------------------------------------------------------------------------------------


def list_drafts(call: Call) -> Document:
    return call.page(drafts.drafts_of(call.company), show.draft)


def get_draft(call: Call, key: UUID) -> Document:
    return _one(show.draft(call.own(drafts.access_draft, key)))


def create_draft(call: Call) -> Document:
    """A document, or with the kind ``misc`` an entry with its sides; it is checked when it is posted."""
    company = call.require(Role.CLERK)
    return _one(show.draft(drafts.make_draft(call.user, company, _facts(call))))


def edit_draft(call: Call, key: UUID) -> Document:
    """Replace all that it says; ``version`` is the one that was read."""
    found = call.own(drafts.access_draft, key)
    call.require(Role.CLERK)
    return _one(show.draft(drafts.change_draft(call.user, found.id, _facts(call), version=_version(call))))


def post_draft(call: Call, key: UUID) -> Document:
    """Post it under the next number of its series; again it answers the same."""
    found = call.own(drafts.access_draft, key)
    drafts.post_draft(call.user, found.id, version=call.number("version"))
    return get_draft(call, key)


def delete_draft(call: Call, key: UUID) -> Document:
    found = call.own(drafts.access_draft, key)
    drafts.delete_draft(call.user, found.id)
    return _one({"type": "draft", "id": str(key), "attributes": {"deleted": True}})


def _version(call: Call) -> int:
    version = call.number("version")
    if version is None:
        raise invalid("version is missing.", "version")
    return version


def _facts(call: Call) -> drafts.Facts:
    return _entry_facts(call) if call.text("kind") == SeriesKind.MISC else document_facts(call)


# --- entries, and taking back ------------------------------------------------------------------------------------


def list_entries(call: Call) -> Document:
    return call.page(misc.misc_entries_of(call.company), show.entry)


def get_entry(call: Call, key: UUID) -> Document:
    return _one(show.entry(call.own(misc.access_misc, key)))


def create_entry(call: Call) -> Document:
    """Post an entry of any accounts but those of bank journals; amounts are debit +, credit −."""
    company = call.require(Role.CLERK)
    return _one(show.entry(misc.post_misc(call.user, company, _entry_facts(call))))


def take_entry_back(call: Call, key: UUID) -> Document:
    found = call.own(misc.access_misc, key)
    return _one(show.entry(reverse_misc(call.user, found.id, date=call.day("date"))))


def take_document_back(call: Call, key: UUID) -> Document:
    """By a document of the other kind; again it answers the same one."""
    found = call.own(access_document, key)
    return _one(show.document(reverse_document(call.user, found.id, date=call.day("date"))))


def _entry_facts(call: Call) -> misc.MiscFacts:
    return misc.MiscFacts(
        call.required_day("date"), call.text("label", default=""),
        tuple(_side(call.part(row)) for row in call.rows("sides")), call.text("currency", default=""),
    )  # fmt: skip


def _side(row: Call) -> misc.MiscSide:
    account = row.id("accountId")
    if account is None:
        raise invalid("A side needs accountId and amount.", "sides")
    row.own(access_account, account)
    return misc.MiscSide(
        account, row.required_amount("amount"), row.text("partnerName", default=""), row.text("label", default=""),
        row.day("dueDate"), row.text("structuredReference", default=""), row.text("analytic", default=""),
    )  # fmt: skip


# --- open items and lines ----------------------------------------------------------------------------------------


def list_open_items(call: Call) -> Document:
    """What can be matched, the oldest first."""
    found = open_items(call.company).select_related("document", "partner").order_by("date", "id")
    return call.page(list(found[:LIST_LIMIT]), show.open_item)


def close_line(call: Call, key: UUID) -> Document:
    """Pay open items and book what is left, on whichever side, to accounts; the last may have no amount."""
    found, rests = call.own(access_line, key), call.rows("rests")
    call.require(Role.CLERK)
    if not 0 < len(rests) <= MAX_RESTS:
        raise invalid(f"rests must be a list of 1 to {MAX_RESTS} objects.", "rests")
    made = close_with(
        call.user, found.id, call.ids("itemIds"), [_rest(call.part(row)) for row in rests], now=call.now
    )  # fmt: skip
    return _one(show.match(made))


def _rest(row: Call) -> RestLine:
    account = row.id("accountId")
    if account is None:
        raise invalid("A rest needs accountId.", "rests")
    row.own(access_account, account)
    percent = row.amount("taxPercent") or Decimal(0)
    return RestLine(
        account, row.amount("amount"), percent, row.text("label", default=""), row.text("analytic", default="")
    )


def state_foreign(call: Call, key: UUID) -> Document:
    """What the line was in the currency it was paid in; once, and before it is matched."""
    found = call.own(access_line, key)
    call.require(Role.CLERK)
    made = state_foreign_amount(call.user, found.id, call.required_amount("amount"), call.text("currency"))
    return _one(show.line(made))


def change_line_partner(call: Call, key: UUID) -> Document:
    """Say whose payment a line is; null takes it back."""
    found, partner = call.own(access_line, key), call.id("partnerId")
    call.require(Role.CLERK)
    if partner is not None:
        call.own(partners.access_partner, partner)
    set_partner(call.user, found.id, partner)
    return _one(show.line(access_line(call.user, found.id)))


def book_line_to_partner(call: Call, key: UUID) -> Document:
    """Book what is unexplained to the account of customers or suppliers, where it stays open."""
    found, purpose = call.own(access_line, key), call.text("purpose", default="")
    call.require(Role.CLERK)
    if purpose not in {Purpose.RECEIVABLE, Purpose.PAYABLE}:
        raise invalid("purpose must be receivable or payable.", "purpose")
    return _one(show.match(book_to_partner(call.user, found.id, Purpose(purpose), now=call.now)))


# --- partners ----------------------------------------------------------------------------------------------------


def list_partners(call: Call) -> Document:
    """By name; ``q`` is part of a name, VAT number or account number."""
    after, text = call.query.get("after", ""), call.query.get("q", "")[:100]
    archived = call.query.get("archived", "false")
    if archived not in {"true", "false"}:
        raise invalid("archived must be true or false.", "archived")
    start = call.own(partners.access_partner, as_id(after, "after")).name if after else ""
    found, more = partners.find_partners(call.company, text=text, archived=archived == "true", after=start)
    shown = found[: call.limit]
    goes_on = len(found) > call.limit or bool(more)
    return listed([show.partner(each) for each in shown], str(shown[-1].id) if goes_on else "")


def get_partner(call: Call, key: UUID) -> Document:
    return _one(show.partner(call.own(partners.access_partner, key)))


def create_partner(call: Call) -> Document:
    company = call.require(Role.CLERK)
    made = partners.add_partner(
        call.user, company, name=call.text("name"), vat_number=call.text("vatNumber", default="")
    )  # fmt: skip
    return _one(show.partner(made))


def edit_partner(call: Call, key: UUID) -> Document:
    """Only what is named changes; an archived one is not suggested any more."""
    found = call.own(partners.access_partner, key)
    made = partners.change_partner(
        call.user, found.id, name=call.text("name", default=found.name),
        vat_number=call.text("vatNumber", default=found.vat_number), active=call.flag("active", default=found.active),
    )  # fmt: skip
    return _one(show.partner(made))


def add_partner_number(call: Call, key: UUID) -> Document:
    """Payments from this account number are known as the partner's."""
    found = call.own(partners.access_partner, key)
    call.require(Role.CLERK)
    partners.add_number(call.user, found.id, call.text("accountNumber"))
    return get_partner(call, key)


def switch_partner_number(call: Call, key: UUID) -> Document:
    """Stop knowing the partner by one of its account numbers, or begin again."""
    found, number = call.own(partners.access_partner, key), call.id("numberId")
    call.require(Role.CLERK)
    if number is None:
        raise invalid("numberId is missing.", "numberId")
    partners.set_number_active(call.user, found.id, number, call.flag("active"))
    return get_partner(call, key)


# --- files -------------------------------------------------------------------------------------------------------


def import_accounts(call: Call) -> Document:
    """A chart of accounts as CSV or XLSX: all rows or none; the same file again changes nothing."""
    company = call.require(Role.ACCOUNTANT)
    made = import_chart(call.user, company.id, call.file("file"))
    return _one(show.imported("chartImport", company, created=made.created, changed=made.changed, known=made.known))


def import_documents(call: Call) -> Document:
    """Open items as CSV or XLSX: all rows or none; the same file again adds nothing."""
    company = call.require(Role.CLERK)
    made = import_open_items(call.user, company.id, call.file("file"))
    return _one(show.imported("documentImport", company, created=made.created, known=made.known))


def upload_invoice(call: Call) -> Document:
    """An electronic invoice (UBL, Peppol); the same again leads to the same document."""
    company = call.require(Role.CLERK)
    return _one(show.document(import_invoice(call.user, company.id, call.file("file"))))


# --- how a company reconciles ------------------------------------------------------------------------------------


def get_reconcile_settings(call: Call) -> Document:
    return _one(show.reconcile_settings(call.company, automation_of(call.company)))


def change_reconcile_settings(call: Call) -> Document:
    """Only what is named changes."""
    company = call.require(Role.ACCOUNTANT)
    names = {"graceDays": "grace_days", "lookBackMonths": "look_back_months"}
    changes: dict[str, object] = {own: call.number(name) for name, own in names.items() if name in call.attributes}
    if "enabled" in call.attributes:
        changes["enabled"] = call.flag("enabled")
    if "reconcileMode" in call.attributes:
        changes["reconcile_mode"] = call.text("reconcileMode")
    if any(value is None for value in changes.values()):
        raise invalid("A setting is empty.")
    found = change_settings(call.user, company, **changes)
    return _one(show.reconcile_settings(Company.objects.get(pk=company.pk), found))


def get_document_settings(call: Call) -> Document:
    return _one(_document_settings(call.company))


def change_document_settings(call: Call) -> Document:
    """The structured reference that own invoices get from now on."""
    company, standard = call.require(Role.ACCOUNTANT), call.text("references")
    if standard not in ReferenceStandard.values:
        raise invalid(f"references must be one of {', '.join(ReferenceStandard.values)}.", "references")
    set_standard(call.user, company, ReferenceStandard(standard))
    return _one(_document_settings(company))


def _document_settings(company: Company) -> Document:
    return {"type": "documentSettings", "id": str(company.id), "attributes": {"references": standard_of(company)}}
