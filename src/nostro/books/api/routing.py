# ruff: noqa: E501 - a table is read by its columns
"""The table of all endpoints: the addresses, the OpenAPI document and the tests are made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from nostro.books.api import bank_files, finding, ledger, payments, people, rules
from nostro.books.api import endpoints as do
from nostro.books.api.call import Document


class Endpoint(NamedTuple):
    """One verb at one path. ``attributes`` are those of the body; a name that ends in ``?`` may be left out.

    ``parameters`` are those of the address, with what they mean. An endpoint that ``takes_file`` has one as its body.
    """

    method: str
    path: str
    handler: Callable[..., Document]
    summary: str
    attributes: tuple[str, ...] = ()
    parameters: Mapping[str, str] = MappingProxyType({})
    takes_file: bool = False


_PAIR = ("clientId", "secret")
_LINK = ("grouping?", "fetchSchedule?", "fetchTimes?", "fetchFrom?")
_K = "<uuid:key>"
_TERMS = (
    "dueDate?",
    "currency?",
    "structuredReference?",
    "partnerReference?",
    "endToEndId?",
    "taxes?",
    "discountPercent?",
    "discountUntil?",
    "discountTax?",
    "accountId?",
    "analytic?",
)
_DRAFT = ("kind", "date", "partnerName?", "number?", "amount?", *_TERMS, "label?", "sides?")

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint("GET", "company", do.get_company, "The company of the token"),
    Endpoint("GET", "connections", do.list_connections, "Connections to Hubs"),
    Endpoint("POST", "connections", do.create_connection, "Connect a Hub", ("hubUrl", *_PAIR)),
    Endpoint("POST", "connections/token", do.connect_with_token, "Connect a Hub with a deprecated API token", ("hubUrl", "apiToken")),
    Endpoint("GET", f"connections/{_K}", do.get_connection, "One connection"),
    Endpoint("GET", f"connections/{_K}/accounts", do.list_accounts, "Its online accounts"),
    Endpoint("POST", f"connections/{_K}/reload", do.reload, "Read the Hub's list of accounts again"),
    Endpoint("POST", f"connections/{_K}/fetch", do.fetch_connection, "Fetch all its linked accounts"),
    Endpoint("POST", f"connections/{_K}/credentials/preview", do.preview_credentials, "What a new pair would show", _PAIR),
    Endpoint("POST", f"connections/{_K}/credentials", do.update_credentials, "Use a new pair, or migrate an API token", _PAIR),
    Endpoint("POST", f"connections/{_K}/token", do.take_token_back, "Go back to a migrated API token that is still kept"),
    Endpoint("POST", f"connections/{_K}/pause", do.pause, "Fetch nothing by schedule"),
    Endpoint("POST", f"connections/{_K}/resume", do.resume, "Fetch by schedule again"),
    Endpoint("POST", f"connections/{_K}/automatic", do.set_automatic, "Switch automatic synchronization", ("automaticSynchronization",)),
    Endpoint("POST", f"connections/{_K}/disconnect", do.disconnect, "End all its links"),
    Endpoint("POST", f"connections/{_K}/links", do.create_links, "Link accounts: all rows or none", ("rows",)),
    Endpoint("GET", f"links/{_K}", do.get_link, "One link"),
    Endpoint("POST", f"links/{_K}", do.edit_link, "Change the settings of one link", _LINK),
    Endpoint("POST", f"links/{_K}/move", do.move_link, "Feed another journal", ("journalId", "confirmedNumber?")),
    Endpoint("POST", f"links/{_K}/unlink", do.unlink, "End one link", ("declined?",)),
    Endpoint("POST", f"online-accounts/{_K}/fetch", do.fetch_account, "Fetch one account, or join the fetch under way"),
    Endpoint("POST", f"online-accounts/{_K}/reset", do.reset_account, "Read one account again from its first day"),
    Endpoint("POST", f"online-accounts/{_K}/signs", payments.set_signs, "Turn the signs of what is read from now on", ("transactions?", "balances?")),
    Endpoint("GET", f"online-accounts/{_K}/raw", payments.list_raw, "What the Hub sent, word for word"),
    Endpoint("GET", f"fetches/{_K}", do.get_fetch, "How a fetch goes"),
    Endpoint("GET", "consent-notices", do.list_notices, "Notices about consents that end"),
    Endpoint("GET", "journals", do.list_journals, "Journals"),
    Endpoint("POST", "journals", do.create_journal, "A journal without synchronization", ("name", "currency", "kind?", "accountNumber?", "bankName?", "bic?")),
    Endpoint("GET", f"journals/{_K}", do.get_journal, "One journal"),
    Endpoint("GET", f"journals/{_K}/statements", do.list_statements, "Its statements"),
    Endpoint("GET", f"journals/{_K}/pending-lines", do.list_pending, "What the bank announced and has not booked"),
    Endpoint("POST", f"journals/{_K}/lines", do.add_line, "Type a bank transaction by hand", ("date", "amount", "label", "counterpartName?")),
    Endpoint("POST", f"journals/{_K}/contacts", finding.change_contacts, "Who is mailed before a consent ends", ("addresses",)),
    Endpoint("POST", f"journals/{_K}/regroup", finding.regroup, "Cut all statements that are not confirmed again"),
    Endpoint("GET", f"journals/{_K}/proof", finding.get_proof, "The balance proof, and where it begins to fail"),
    Endpoint("GET", f"journals/{_K}/coverage", finding.get_coverage, "Which days were read"),
    Endpoint("GET", f"journals/{_K}/duplicates", finding.list_duplicates, "Lines that may be one transaction"),
    Endpoint("POST", f"journals/{_K}/duplicates/merge", finding.merge_duplicates, "They are one transaction", ("keptId", "otherIds")),
    Endpoint("POST", f"journals/{_K}/duplicates/delete", finding.delete_duplicates, "These are too many", ("lineIds",)),
    Endpoint("POST", f"journals/{_K}/duplicates/different", finding.call_different, "They are different transactions", ("lineIds",)),
    Endpoint("GET", f"journals/{_K}/missing", finding.list_missing, "What the Hub has booked and the journal has not"),
    Endpoint("POST", f"journals/{_K}/missing/import", finding.import_found, "Import some of them", ("transactionIds", "first?", "last?")),
    Endpoint("GET", f"journals/{_K}/changes", finding.list_changes, "What the bank changed afterwards"),
    Endpoint("GET", "bank-files", bank_files.list_bank_files, "Bank files that were handed in, newest first", parameters=bank_files.LIST_PARAMETERS),
    Endpoint("POST", "bank-files", bank_files.create_bank_file, "Hand a bank file in: the body is the file", parameters=bank_files.UPLOAD_PARAMETERS, takes_file=True),
    Endpoint("GET", f"bank-files/{_K}", bank_files.get_bank_file, "One bank file: how far it is, what it would bring or brought"),
    Endpoint("POST", f"bank-files/{_K}", bank_files.answer_bank_file, "Say how a table is to be read; the file is read again", ("table?", "mapping?", "sheet?", "encoding?", "account?", "currency?", "remember?")),
    Endpoint("GET", f"bank-files/{_K}/accounts", bank_files.list_bank_file_accounts, "The accounts that it tells about"),
    Endpoint("GET", f"bank-files/{_K}/statements", bank_files.list_bank_file_statements, "Its statements and their arithmetic"),
    Endpoint("GET", f"bank-files/{_K}/rows", bank_files.list_bank_file_rows, "Its rows that wait"),
    Endpoint("GET", f"bank-files/{_K}/tables", bank_files.list_bank_file_tables, "The tables in it whose columns a person may explain"),
    Endpoint("POST", f"bank-files/{_K}/import", bank_files.import_bank_file, "Import a file that waits", ("accounts?", "reason?")),
    Endpoint("POST", f"bank-files/{_K}/undo", bank_files.undo_bank_file, "Take an import back"),
    Endpoint("POST", f"bank-files/{_K}/discard", bank_files.discard_bank_file, "Forget a file that was not imported"),
    Endpoint("POST", f"pending-lines/{_K}/note", finding.note, "A note that moves to the booked line", ("note",)),
    Endpoint("GET", "lines", do.list_lines, "Bank lines, newest first"),
    Endpoint("GET", f"lines/{_K}", do.get_line, "One line"),
    Endpoint("POST", f"lines/{_K}/remove", do.remove_line, "Remove a line, with a reason", ("reason",)),
    Endpoint("POST", f"lines/{_K}/restore", do.restore_line, "Bring a removed line back"),
    Endpoint("POST", f"lines/{_K}/merge", do.merge_line, "A held duplicate is the same transaction"),
    Endpoint("POST", f"lines/{_K}/keep", do.keep_line, "A held duplicate is a transaction of its own"),
    Endpoint("POST", f"lines/{_K}/accept", finding.accept_change, "Take over what the bank changed"),
    Endpoint("POST", f"lines/{_K}/ignore", finding.ignore_change, "Leave the line as it is"),
    Endpoint("POST", f"lines/{_K}/another", finding.take_as_another, "What a file said otherwise is another transaction; the answer is its line"),
    Endpoint("POST", f"lines/{_K}/retry", finding.retry_line, "Post a line that a lock or a rate held"),
    Endpoint("POST", f"lines/{_K}/post", finding.post_on_open_day, "Post a held line on the first open day"),
    Endpoint("POST", f"lines/{_K}/entry", finding.link_to_entry, "A held line was booked by hand as an entry", ("entryId",)),
    Endpoint("GET", f"lines/{_K}/proposal", rules.get_proposal, "What is proposed for a line, and why"),
    Endpoint("POST", f"lines/{_K}/proposal", rules.choose, "Apply an option of the proposal", ("key",)),
    Endpoint("POST", f"lines/{_K}/rule", rules.press_rule, "Explain a line with a rule", ("ruleId",)),
    Endpoint("POST", f"lines/{_K}/check", do.check_line, "Mark a line to check", ("toCheck",)),
    Endpoint("GET", f"lines/{_K}/matches", do.list_matches, "What a line was explained with"),
    Endpoint("POST", f"lines/{_K}/matches", do.create_match, "Explain a line with open items or an account", ("itemIds?", "accountId?", "amount?", "label?")),
    Endpoint("POST", f"lines/{_K}/close", ledger.close_line, "Pay open items and book what is left to accounts", ("itemIds", "rests")),
    Endpoint("POST", f"lines/{_K}/foreign-amount", ledger.state_foreign, "What it was in the currency it was paid in", ("amount", "currency")),
    Endpoint("POST", f"lines/{_K}/partner", ledger.change_line_partner, "Whose payment it is; null takes it back", ("partnerId",)),
    Endpoint("POST", f"lines/{_K}/book", ledger.book_line_to_partner, "Book it to customers or suppliers, where it stays open", ("purpose",)),
    Endpoint("POST", f"matches/{_K}/undo", do.undo_match, "Take a match back"),
    Endpoint("POST", f"statements/{_K}/confirm", do.confirm_statement, "Confirm a statement; it never changes then"),
    Endpoint("GET", "documents", do.list_documents, "Invoices and bills"),
    Endpoint("POST", "documents", payments.create_open_document, "Post an invoice or bill, with its taxes", ("kind", "partnerName", "number?", "date", "amount", *_TERMS)),
    Endpoint("POST", "documents/import", ledger.import_documents, "Post open items of a CSV or XLSX file: all or none", ("file",)),
    Endpoint("POST", "documents/upload", ledger.upload_invoice, "Post an electronic invoice (UBL, Peppol)", ("file",)),
    Endpoint("GET", f"documents/{_K}", do.get_document, "One invoice or bill"),
    Endpoint("POST", f"documents/{_K}/reverse", ledger.take_document_back, "Take it back by a document of the other kind", ("date?",)),
    Endpoint("GET", "document-settings", ledger.get_document_settings, "Which structured reference own invoices get"),
    Endpoint("POST", "document-settings", ledger.change_document_settings, "country, rf (ISO 11649) or none", ("references",)),
    Endpoint("GET", "drafts", ledger.list_drafts, "Documents and entries that are not posted"),
    Endpoint("POST", "drafts", ledger.create_draft, "Keep a document, or an entry (kind misc), for later", _DRAFT),
    Endpoint("GET", f"drafts/{_K}", ledger.get_draft, "One draft, and what became of it"),
    Endpoint("POST", f"drafts/{_K}", ledger.edit_draft, "Replace what a draft says", (*_DRAFT, "version")),
    Endpoint("POST", f"drafts/{_K}/post", ledger.post_draft, "Post it under the next number of its series", ("version?",)),
    Endpoint("POST", f"drafts/{_K}/delete", ledger.delete_draft, "Throw a draft away"),
    Endpoint("GET", "entries", ledger.list_entries, "Entries made by hand"),
    Endpoint("POST", "entries", ledger.create_entry, "Post an entry; amounts are debit +, credit -", ("date", "sides", "label?", "currency?")),
    Endpoint("GET", f"entries/{_K}", ledger.get_entry, "One entry with its items"),
    Endpoint("POST", f"entries/{_K}/reverse", ledger.take_entry_back, "Take it back by an entry against it", ("date?",)),
    Endpoint("GET", "open-items", ledger.list_open_items, "What can be matched, the oldest first"),
    Endpoint("GET", "partners", ledger.list_partners, "Customers and suppliers, by name"),
    Endpoint("POST", "partners", ledger.create_partner, "A new customer or supplier", ("name", "vatNumber?")),
    Endpoint("GET", f"partners/{_K}", ledger.get_partner, "One partner with its account numbers"),
    Endpoint("POST", f"partners/{_K}", ledger.edit_partner, "Rename or archive it", ("name?", "vatNumber?", "active?")),
    Endpoint("POST", f"partners/{_K}/numbers", ledger.add_partner_number, "Know it by an account number", ("accountNumber",)),
    Endpoint("POST", f"partners/{_K}/numbers/switch", ledger.switch_partner_number, "Stop knowing it by one, or begin again", ("numberId", "active")),
    Endpoint("GET", "payments", payments.list_payments, "Payments that were ordered at the bank"),
    Endpoint("POST", "payments", payments.order, "Register payments, with a batch reference as one bank line", ("journalId", "date", "payments", "batchReference?", "messageId?")),
    Endpoint("GET", f"payments/{_K}", payments.get_payment, "One payment"),
    Endpoint("POST", f"payments/{_K}", payments.change, "Rejected, expected again, or cancelled", ("state",)),
    Endpoint("GET", "rules", rules.list_rules, "Reconciliation rules, in their order"),
    Endpoint("POST", "rules", rules.create_rule, "Make a rule that suggests", ("name", "kind", "definition")),
    Endpoint("POST", "rules/order", rules.order_rules, "Put the rules in another order", ("ruleIds",)),
    Endpoint("GET", f"rules/{_K}", rules.get_rule, "One rule"),
    Endpoint("POST", f"rules/{_K}", rules.edit_rule, "Edit a rule as a new version", ("name", "definition")),
    Endpoint("POST", f"rules/{_K}/active", rules.switch_rule, "Switch a rule on or off", ("active",)),
    Endpoint("POST", f"rules/{_K}/applies", rules.let_rule_apply, "Let a simulated rule apply by itself", ("applies",)),
    Endpoint("POST", f"rules/{_K}/simulate", rules.simulate_rule, "Run a rule on the past without changing it"),
    Endpoint("POST", f"rules/{_K}/remove", rules.remove_rule, "Delete a rule, or archive a used one"),
    Endpoint("GET", "learned-rules", rules.list_learned, "Rules that are proposed because people did the same"),
    Endpoint("POST", f"learned-rules/{_K}/approve", rules.approve_learned, "Make a rule of it"),
    Endpoint("POST", f"learned-rules/{_K}/decline", rules.decline_learned, "Do not propose it again"),
    Endpoint("GET", "members", people.list_members, "People of the company"),
    Endpoint("POST", f"members/{_K}", people.change_member, "Change a role", ("role",)),
    Endpoint("POST", f"members/{_K}/remove", people.remove_member, "End a membership"),
    Endpoint("GET", "invitations", people.list_invitations, "Open invitations"),
    Endpoint("POST", "invitations", people.create_invitation, "Invite somebody by mail", ("email", "role")),
    Endpoint("POST", f"invitations/{_K}/withdraw", people.withdraw_invitation, "Withdraw an invitation"),
    Endpoint("POST", "lock", people.change_lock, "Set the last locked day of each kind of entry", ("lockDate?", "salesLockDate?", "purchaseLockDate?", "bankLockDate?", "hardLockDate?")),
    Endpoint("POST", "suspense-account", payments.set_suspense, "Where bank lines of new journals wait", ("accountId",)),
    Endpoint("GET", "exchange-rates", people.list_rates, "Exchange rates, newest first"),
    Endpoint("POST", "exchange-rates", people.create_rate, "What one unit of a currency is worth", ("currency", "validFrom", "rate", "source?")),
    Endpoint("GET", "accounts", do.list_chart, "The chart of accounts"),
    Endpoint("POST", "accounts/import", ledger.import_accounts, "Make and change accounts by a CSV or XLSX file", ("file",)),
    Endpoint("GET", "reconcile-settings", ledger.get_reconcile_settings, "How the company reconciles"),
    Endpoint("POST", "reconcile-settings", ledger.change_reconcile_settings, "Change how it reconciles", ("enabled?", "graceDays?", "lookBackMonths?", "reconcileMode?")),
    Endpoint("GET", "audit-records", do.list_audit, "Who did what"),
)  # fmt: skip
