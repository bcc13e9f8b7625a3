"""Objects of the Books as resources: type, id, attributes, relationships, like the Hub's."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from nostro.books.api.call import Document
from nostro.books.companies.models import Company, CompanyInvitation, CompanyMember
from nostro.books.journals.explaining import Explanation
from nostro.books.journals.models import BankChange, Journal, Line, PendingLine, Statement
from nostro.books.ledger.models import Document as OpenDocument
from nostro.books.ledger.models import (
    DocumentDraft,
    EntryItem,
    ExchangeRate,
    LedgerAccount,
    MiscEntry,
    Partner,
    Payment,
)
from nostro.books.links.missing import Missing
from nostro.books.links.models import Connection, JournalLink, OnlineAccount, RawTransaction, Run
from nostro.books.reconcile.choosing import option_key
from nostro.books.reconcile.engine.values import Proposal
from nostro.books.reconcile.models import Automation, LearnedRule, MatchGroup, Rule, Simulation
from nostro.books.reminders.models import ConsentNotice
from nostro.core.coverage import Span
from nostro.people.models import AuditRecord


def resource(kind: str, thing: Any, attributes: Document, **related: object) -> Document:
    """An object by its id; ``related`` are ids of others by name, or None."""
    linked = {name: {"data": None if key is None else {"id": str(key)}} for name, key in related.items()}
    return {"type": kind, "id": str(thing.id), "attributes": attributes, "relationships": linked}


def moment(value: dt.datetime | None) -> str | None:
    """A time as the Hub writes it."""
    return None if value is None else value.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def company(each: Company) -> Document:
    return resource("company", each, {
        "name": each.name, "country": each.country, "currency": each.currency, "lockDate": each.lock_date,
        "salesLockDate": each.sales_lock_date, "purchaseLockDate": each.purchase_lock_date,
        "bankLockDate": each.bank_lock_date, "hardLockDate": each.hard_lock_date,
    })  # fmt: skip


def connection(each: Connection) -> Document:
    """Never a secret."""
    return resource("connection", each, {
        "hubUrl": each.hub_url, "clientId": each.client_id, "credentialKind": each.credential_kind,
        "state": each.state, "stateCode": each.state_code or None, "automaticSynchronization": each.automatic_sync,
        "secretSetAt": moment(each.secret_set_at), "accountsReadAt": moment(each.accounts_read_at),
    })  # fmt: skip


def online_account(each: OnlineAccount) -> Document:
    link = next((link for link in each.links.all() if link.unlinked_at is None), None)
    return resource("onlineAccount", each, {
        "reference": each.reference, "referenceType": each.reference_type, "currency": each.currency,
        "bankName": each.bank_name, "holderName": each.holder_name, "health": each.health,
        "fetchState": each.fetch_state, "currentBalance": each.current_balance,
        "currentBalanceReferenceDate": each.current_balance_date, "availableBalance": each.available_balance,
        "synchronizedAt": moment(each.synchronized_at), "lastFetchAt": moment(each.last_fetch_at),
        "nextFetchAt": moment(each.next_fetch_at), "lastResult": each.last_result,
        "authorizationExpirationExpectedAt": moment(each.consent_expires_at), "declined": each.declined,
        "invertedTransactions": each.invert_transaction_sign, "invertedBalances": each.invert_balance_sign,
        "historyFrom": each.history_from, "historyComplete": each.history_complete,
    }, connection=each.connection_id, link=link and link.id, journal=link and link.journal_id)  # fmt: skip


def link(each: JournalLink) -> Document:
    return resource("link", each, {
        "fetchSchedule": each.fetch_schedule, "fetchTimes": [f"{time:%H:%M}" for time in each.fetch_times],
        "fetchFrom": each.fetch_from, "grouping": each.journal.grouping, "linkedAt": moment(each.linked_at),
        "unlinkedAt": moment(each.unlinked_at),
    }, onlineAccount=each.online_account_id, journal=each.journal_id)  # fmt: skip


def run(each: Run) -> Document:
    return resource("fetch", each, {
        "status": each.status, "trigger": each.trigger, "newCount": each.new_count, "knownCount": each.known_count,
        "heldCount": each.held_count, "errorCode": each.error_code or None, "result": each.result,
        "startedAt": moment(each.started_at), "finishedAt": moment(each.finished_at),
    }, onlineAccount=each.online_account_id)  # fmt: skip


def journal(each: Journal) -> Document:
    return resource("journal", each, {
        "code": each.code, "name": each.name, "kind": each.kind, "currency": each.currency,
        "accountNumber": each.account_number, "bankName": each.bank_name, "feed": each.feed,
        "grouping": each.grouping, "openingAmount": each.opening_amount, "openingDate": each.opening_date,
        "proof": each.proof, "proofDifference": each.proof_difference,
    }, bankAccount=each.bank_account_id)  # fmt: skip


def line(each: Line) -> Document:
    return resource("line", each, {
        "bookingDate": each.booking_date, "valueDate": each.value_date, "orderDate": each.order_date,
        "amount": each.amount, "currency": each.currency, "foreignAmount": each.foreign_amount,
        "foreignCurrency": each.foreign_currency or None, "companyAmount": each.company_amount, "label": each.label,
        "counterpartName": each.counterparty_name, "counterpartReference": each.counterparty_account,
        "structuredReference": each.structured_reference, "remittanceInformation": each.remittance_text,
        "endToEndId": each.end_to_end_id, "status": each.status, "statusReason": each.status_reason,
        "reconciled": each.reconciled, "residual": each.suspense_residual, "toCheck": each.to_check,
        "source": each.source,
    }, journal=each.journal_id, statement=each.statement_id, partner=each.partner_id)  # fmt: skip


def pending(each: PendingLine) -> Document:
    return resource("pendingLine", each, {
        "amount": each.amount, "currency": each.currency, "state": each.state, "date": each.date,
        "label": each.label, "note": each.note,
    }, journal=each.journal_id, line=each.line_id)  # fmt: skip


def statement(each: Statement) -> Document:
    return resource("statement", each, {
        "name": each.name, "date": each.date, "start": each.start, "computedEnd": each.computed_end,
        "statedEnd": each.stated_end, "confirmedAt": moment(each.confirmed_at),
    }, journal=each.journal_id)  # fmt: skip


def document(each: OpenDocument) -> Document:
    return resource("document", each, {
        "kind": each.kind, "number": each.number, "date": each.date, "dueDate": each.due_date,
        "amount": each.amount, "currency": each.currency, "partnerName": each.partner.name,
        "structuredReference": each.structured_reference, "residual": each.open_item.residual_currency,
        "partnerReference": each.partner_reference, "endToEndId": each.end_to_end_id, "taxAmount": each.tax_amount,
        "taxes": [{"percent": tax.percent, "net": tax.net, "tax": tax.tax} for tax in each.taxes.all()],
        "discountPercent": each.discount_percent, "discountUntil": each.discount_until,
    }, openItem=each.open_item_id, partner=each.partner_id, reverses=each.reverses_id)  # fmt: skip


def draft(each: DocumentDraft) -> Document:
    """What it says, as it was given; nothing of it is in the books."""
    posted = each.document_id or each.misc_entry_id
    return resource("draft", each, {
        "kind": each.kind, "version": each.version, "content": each.content, "changedAt": moment(each.changed_at),
        "posted": posted is not None,
    }, document=each.document_id, entry=each.misc_entry_id)  # fmt: skip


def entry(each: MiscEntry) -> Document:
    return resource("entry", each, {
        "number": each.number, "date": each.entry.date, "label": each.label, "reversed": each.is_reversed,
        "items": [
            {"id": str(item.id), "accountId": str(item.account_id), "amount": item.amount_currency,
             "currency": item.currency, "companyAmount": item.amount, "residual": item.residual_currency,
             "partnerId": str(item.partner_id) if item.partner_id else None, "dueDate": item.due_date,
             "analytic": item.analytic or None}
            for item in each.entry.items.order_by("id")
        ],
    })  # fmt: skip


def open_item(each: EntryItem) -> Document:
    """What can be matched: of a document, of an entry made by hand, or of a line booked to a partner."""
    found = getattr(each, "document", None)
    return resource("openItem", each, {
        "residual": each.residual_currency, "amount": each.amount_currency, "currency": each.currency,
        "date": each.date, "dueDate": each.due_date, "label": each.label,
        "number": found.number if found else None, "partnerName": each.partner.name if each.partner else None,
    }, account=each.account_id, partner=each.partner_id, document=found.id if found else None)  # fmt: skip


def partner(each: Partner) -> Document:
    return resource("partner", each, {
        "name": each.name, "vatNumber": each.vat_number or None, "active": each.active,
        "accountNumbers": [
            {"id": str(one.id), "accountNumber": one.account_number, "active": one.active, "trusted": one.trusted}
            for one in each.bank_accounts.order_by("account_number")
        ],
    })  # fmt: skip


def reconcile_settings(company: Company, found: Automation) -> Document:
    return {"type": "reconcileSettings", "id": str(company.id), "attributes": {
        "enabled": found.enabled, "graceDays": found.grace_days, "lookBackMonths": found.look_back_months,
        "reconcileMode": company.reconcile_mode,
    }}  # fmt: skip


def imported(kind: str, company: Company, **counts: int) -> Document:
    """What a file brought."""
    return {"type": kind, "id": str(company.id), "attributes": counts}


def payment(each: Payment) -> Document:
    return resource("payment", each, {
        "amount": each.amount, "currency": each.open_item.currency, "date": each.date, "reference": each.reference,
        "endToEndId": each.end_to_end_id, "state": each.state,
        "batchReference": each.batch.reference if each.batch else None,
        "messageId": (each.batch.message_id or None) if each.batch else None,
    }, openItem=each.open_item_id, journal=each.journal_id, batch=each.batch_id)  # fmt: skip


def raw(each: RawTransaction) -> Document:
    return resource("rawTransaction", each, {
        "externalId": each.external_id, "payload": each.payload, "payloadHash": each.payload_hash,
        "firstSeen": moment(each.first_seen), "lastSeen": moment(each.last_seen),
    }, fetch=each.run_id)  # fmt: skip


def account(each: LedgerAccount) -> Document:
    return resource("account", each, {
        "code": each.code, "name": each.name, "kind": each.kind, "purpose": each.purpose or None,
        "currency": each.currency or None, "reconcilable": each.reconcilable,
    })  # fmt: skip


def match(each: MatchGroup) -> Document:
    return resource("match", each, {
        "createdAt": moment(each.created_at), "undoneAt": moment(each.undone_at),
    }, line=each.line_id)  # fmt: skip


def notice(each: ConsentNotice) -> Document:
    return resource("consentNotice", each, {
        "expiresOn": each.expires_on, "daysBefore": each.days_before, "createdAt": moment(each.created_at),
    }, onlineAccount=each.online_account_id, journal=each.journal_id)  # fmt: skip


def duplicates(journal: Journal, line_ids: list[UUID]) -> Document:
    return {"type": "duplicates", "id": str(line_ids[0]), "attributes": {"lineIds": [str(each) for each in line_ids]},
            "relationships": {"journal": {"data": {"id": str(journal.id)}}}}  # fmt: skip


def missing(each: Missing) -> Document:
    item = each.item
    return {"type": "missingTransaction", "id": item.id, "attributes": {
        "bookingDate": item.booking_date, "amount": item.amount, "currency": item.currency,
        "counterpartName": item.counterparty_name, "remittanceInformation": item.remittance,
        "reason": each.reason, "importable": each.importable,
    }, "relationships": {"line": {"data": {"id": str(each.line.id)} if each.line else None}}}  # fmt: skip


def change(each: BankChange) -> Document:
    return resource("bankChange", each, {
        "kind": each.kind, "amount": each.amount, "currency": each.currency or None, "bookingDate": each.booking_date,
    }, line=each.line_id)  # fmt: skip


def proof(journal: Journal, found: Explanation) -> Document:
    proved, gap = found.proof, found.gap
    return {"type": "balanceProof", "id": str(journal.id), "attributes": {
        "verdict": proved.verdict, "referenceDate": proved.reference_date, "opening": journal.opening_amount,
        "expected": proved.expected, "stated": proved.stated, "difference": proved.difference, "hint": proved.hint,
        "gap": None if gap is None else {"after": gap.after, "until": gap.until, "difference": gap.difference},
        "clues": [{"lineId": str(each.line.id), "kind": each.kind} for each in found.clues],
        "effects": [{"lineId": str(each.line.id), "amount": each.amount} for each in found.effects],
    }}  # fmt: skip


def coverage(journal: Journal, days: tuple[Span, ...]) -> Document:
    return {"type": "coverage", "id": str(journal.id), "attributes": {"spans": [
        {"state": each.state, "first": each.window.date_from, "last": each.window.date_to} for each in days
    ]}}  # fmt: skip


def member(each: CompanyMember) -> Document:
    return resource("member", each, {"name": str(each.user), "email": each.user.email, "role": each.role})


def invitation(each: CompanyInvitation) -> Document:
    """Never the link."""
    return resource("invitation", each, {
        "email": each.email, "role": each.role, "expiresAt": moment(each.expires_at),
    })  # fmt: skip


def rate(each: ExchangeRate) -> Document:
    return resource("exchangeRate", each, {
        "currency": each.currency, "validFrom": each.valid_from, "rate": each.rate, "source": each.source or None,
    })  # fmt: skip


def proposal(line: Line, found: Proposal | None) -> Document:
    options = [] if found is None else [
        {"key": option_key(option), "step": option.step, "exact": option.exact, "sentence": option.sentence,
         "itemIds": [str(key) for key in option.item_ids]} for option in found.options
    ]  # fmt: skip
    refused = [] if found is None else [
        {"itemId": str(each.item_id), "name": each.name, "why": each.why} for each in found.refused
    ]  # fmt: skip
    return {"type": "proposal", "id": str(line.id), "attributes": {
        "decision": found.decision if found else "nothing", "options": options, "refused": refused,
        "partnerId": str(found.partner_id) if found and found.partner_id else None,
        "partnerWhy": found.partner_why if found else "",
    }}  # fmt: skip


def rule(each: Rule) -> Document:
    version = each.version
    return resource("rule", each, {
        "name": version.name if version else "", "version": version.number if version else None, "kind": each.kind,
        "active": each.active, "applies": each.applies, "shipped": each.shipped or None, "sequence": each.sequence,
        "definition": version.definition if version else None, "archivedAt": moment(each.archived_at),
    })  # fmt: skip


def simulation(each: Simulation) -> Document:
    return resource("simulation", each, {
        "dateFrom": each.date_from, "lines": each.lines, "agrees": each.agrees, "differs": each.differs,
        "newly": each.newly, "missed": each.missed,
    })  # fmt: skip


def learned_rule(each: LearnedRule) -> Document:
    return resource("learnedRule", each, {
        "words": each.words, "definition": each.definition, "simulation": each.simulation,
        "lineIds": each.line_ids,
    }, journal=each.journal_id, account=each.account_id, partner=each.partner_id)  # fmt: skip


def audit_record(each: AuditRecord) -> Document:
    return resource("auditRecord", each, {
        "actor": each.actor_name, "action": each.action, "sentence": each.sentence, "objectType": each.object_type,
        "objectId": each.object_id, "before": each.before, "after": each.after,
        "createdAt": moment(each.created_at), "sequence": each.sequence, "hash": each.hash or None,
    })  # fmt: skip
