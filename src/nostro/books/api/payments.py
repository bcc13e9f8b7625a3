"""Payments ordered at the bank, taxes of documents, and technical settings, as endpoints."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from nostro.books.api import documents as show
from nostro.books.api.call import Call, Document, as_amount, as_id, invalid, listed
from nostro.books.companies.models import Role
from nostro.books.journals.queries import access_journal
from nostro.books.ledger.models import TaxOption
from nostro.books.ledger.queries import access_account
from nostro.books.ledger.services import DocumentFacts, post_document
from nostro.books.ledger.suspense import choose_suspense
from nostro.books.ledger.terms import EarlyTerms, Taxed
from nostro.books.links.control import invert_signs
from nostro.books.links.queries import access_online_account, raw_of
from nostro.books.reconcile.payments import LIST_LIMIT, access_payment, change_payment, order_payments, payments_of
from nostro.web.errors import Problem

#: An end-to-end id and the references around it (ISO 20022).
MAX_REFERENCE = 35


# --- payments --------------------------------------------------------------------------------------------------


def list_payments(call: Call) -> Document:
    """Newest first, settled and cancelled ones too."""
    return call.page(list(payments_of(call.company.id)[:LIST_LIMIT]), show.payment)


def get_payment(call: Call, key: UUID) -> Document:
    return {"data": show.payment(call.own(access_payment, key))}


def order(call: Call) -> Document:
    """Register what was ordered at the bank; with ``batchReference`` it is expected as one bank line."""
    company = call.require(Role.CLERK)
    journal_id = call.id("journalId")
    if journal_id is None:
        raise invalid("journalId is missing.", "journalId")
    journal = call.own(access_journal, journal_id)
    amounts: dict[UUID, Decimal | None] = {}
    identifiers: dict[UUID, str] = {}
    for row in call.rows("payments"):
        item = as_id(row.get("itemId"), "itemId")
        if item in amounts:
            raise invalid("An open item is named twice.", "payments")
        amounts[item] = as_amount(row["amount"], "amount") if row.get("amount") is not None else None
        if row.get("endToEndId"):
            identifiers[item] = _reference(row["endToEndId"], "endToEndId")
    made = order_payments(
        call.user, journal.id, amounts, date=call.required_day("date"),
        batch_reference=_reference(call.text("batchReference", default=""), "batchReference"),
        message_id=_reference(call.text("messageId", default=""), "messageId"),
        end_to_end_ids=identifiers, now=call.now,
    )  # fmt: skip
    found = payments_of(company.id).filter(id__in=[each.id for each in made])
    return listed([show.payment(each) for each in found], "")


def change(call: Call, key: UUID) -> Document:
    """rejected, outstanding (expected again) or cancelled."""
    payment = call.own(access_payment, key)
    change_payment(call.user, payment.id, call.text("state"), now=call.now)
    return get_payment(call, key)


def _reference(value: object, name: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_REFERENCE:
        raise invalid(f"{name} must be a text of at most {MAX_REFERENCE} characters.", name)
    return value


# --- documents with taxes --------------------------------------------------------------------------------------


def create_open_document(call: Call) -> Document:
    """Post an invoice, bill or credit note, with the taxes and the early-payment discount it names."""
    company = call.require(Role.CLERK)
    return {"data": show.document(post_document(call.user, company, document_facts(call)))}


def document_facts(call: Call) -> DocumentFacts:
    """What an invoice or bill says, by the attributes of a call."""
    counter = call.id("accountId")
    if counter is not None:
        call.own(access_account, counter)
    return DocumentFacts(
        kind=call.text("kind"), partner_name=call.text("partnerName"), number=call.text("number", default=""),
        date=call.required_day("date"), due_date=call.day("dueDate"), amount=call.required_amount("amount"),
        currency=call.text("currency", default=call.company.currency),
        structured_reference=call.text("structuredReference", default=""),
        partner_reference=call.text("partnerReference", default=""),
        end_to_end_id=call.text("endToEndId", default=""), taxes=_taxes(call), early=_early(call),
        counter_account_id=counter, analytic=call.text("analytic", default=""),
    )  # fmt: skip


def _taxes(call: Call) -> tuple[Taxed, ...]:
    """``[{"percent": 21, "net": 100, "tax": 21}]``; the tax is worked out where it is not given."""
    return tuple(
        Taxed(
            as_amount(row.get("percent"), "percent"),
            as_amount(row.get("net"), "net"),
            as_amount(row["tax"], "tax") if row.get("tax") is not None else None,
        )
        for row in call.rows("taxes")
    )


def _early(call: Call) -> EarlyTerms | None:
    percent, until = call.amount("discountPercent"), call.day("discountUntil")
    if percent is None and until is None:
        return None
    if percent is None or until is None:
        raise invalid("A discount needs discountPercent and discountUntil.", "discountPercent")
    option = call.text("discountTax", default=TaxOption.ON_EARLY_PAYMENT)
    if option not in TaxOption.values:
        raise invalid(f"discountTax must be one of {', '.join(TaxOption.values)}.", "discountTax")
    return EarlyTerms(percent, until, TaxOption(option))


# --- technical -------------------------------------------------------------------------------------------------


def set_suspense(call: Call) -> Document:
    """Where bank lines of new journals wait until they are explained."""
    company = call.require(Role.ACCOUNTANT)
    account_id = call.id("accountId")
    if account_id is None:
        raise invalid("accountId is missing.", "accountId")
    return {"data": show.account(choose_suspense(call.user, company, call.own(access_account, account_id)))}


def set_signs(call: Call, key: UUID) -> Document:
    """Which signs are turned when the account is read; lines that arrived stay."""
    account = call.own(access_online_account, key)
    changed = invert_signs(
        call.user, account.id, transactions=call.flag("transactions"), balances=call.flag("balances")
    )
    return {"data": show.online_account(changed)}


def list_raw(call: Call, key: UUID) -> Document:
    """What the Hub sent, newest first, each as the text it was."""
    account = call.own(access_online_account, key)
    after = call.query.get("after", "")
    if after and not (after.isascii() and after.isdigit() and len(after) < 19):
        raise Problem("The cursor does not name an item of this list.", code="invalidCursor", field="after")
    found = raw_of(account, before=int(after) if after else None, limit=call.limit + 1)
    shown = found[: call.limit]
    return listed([show.raw(each) for each in shown], str(shown[-1].id) if len(found) > call.limit else "")
