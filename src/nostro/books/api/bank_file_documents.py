"""The documents of bank files, by the names of the Hub's where both have the same (decision 0035)."""

from __future__ import annotations

from nostro.books.api.call import Document
from nostro.books.api.documents import moment, resource
from nostro.books.files.asking import Table
from nostro.books.files.models import JournalFile, JournalFileAccount, JournalFileStatement, StagedLine
from nostro.books.files.reading import values_of
from nostro.web.tables.answers import is_known_table


def bank_file(each: JournalFile, earlier: JournalFile | None = None) -> Document:
    """``earlier`` is an import of the same bytes that counts."""
    return resource("bankFile", each, {
        "name": each.name, "size": each.size, "sha256": each.sha256 or None, "status": each.status,
        "format": each.format or None, "memberCount": each.members, "quarantined": each.quarantined,
        "problems": each.problems, "reason": each.reason or None, "rowCount": each.rows, "newCount": each.new_count,
        "knownCount": each.known_count, "restoredCount": each.restored_count, "heldCount": each.held_count,
        "changedCount": each.changed_count, "announcedCount": each.announced_count, "leftOutCount": each.left_out,
        "createdAt": moment(each.created_at), "importedAt": moment(each.imported_at),
        "undoneAt": moment(each.undone_at),
    }, journal=each.journal_id, earlier=earlier and earlier.pk)  # fmt: skip


def file_account(each: JournalFileAccount) -> Document:
    """``choices`` are the decisions that are possible; without a ``decision`` importing needs one of them."""
    choices = [] if each.refusal else ["import", "skip"] if each.journal_id else ["create", "skip"]
    return resource("bankFileAccount", each, {
        "reference": each.number, "currency": each.currency, "holderName": each.owner_name or None,
        "bic": each.bic or None, "decision": each.decision or None, "choices": choices,
        "refusal": each.refusal or None, "otherCompany": each.elsewhere or None, "rowCount": each.rows,
        "newCount": each.new_count, "knownCount": each.known_count, "restoredCount": each.restored_count,
        "heldCount": each.held_count, "changedCount": each.changed_count,
        "announcedCount": each.announced_count, "notShownCount": each.not_shown_count,
    }, journal=each.journal_id)  # fmt: skip


def file_statement(each: JournalFileStatement) -> Document:
    """``difference`` is closing less computed."""
    return resource("bankFileStatement", each, {
        "index": each.index, "reference": each.number or None, "firstBookingDate": each.first_day,
        "lastBookingDate": each.last_day, "openingBalance": each.opening, "closingBalance": each.closing,
        "closingBalanceDate": each.closing_day, "creditSum": each.credit_sum, "debitSum": each.debit_sum,
        "proof": each.proof, "difference": each.difference,
    }, account=each.account_id)  # fmt: skip


def file_row(each: StagedLine) -> Document:
    """``held`` says why a row does not simply become a line: alike, withdrawn, locked, currency; ``changes`` that it
    says otherwise of the line it names. ``standing``: booked; provisional or pending, which bring no line."""
    values = values_of(each)
    return resource("bankFileRow", each, {
        "number": each.number, "position": each.position, "bookingDate": values.booking_date,
        "valueDate": values.value_date, "amount": values.amount, "currency": values.currency,
        "counterpartName": values.counterparty_name, "counterpartReference": values.counterparty_account,
        "remittanceInformation": values.remittance_text, "standing": each.standing,
        "held": each.held or None, "changes": each.changes,
    }, statement=each.statement_id, line=each.like)  # fmt: skip


def file_table(file: JournalFile, each: Table) -> Document:
    """A table by its number: the columns as a mapping names them, its first rows, and the answers about it."""
    head, given = each.head, each.answers
    return {"type": "bankFileTable", "id": str(each.number), "attributes": {
        "number": each.number, "name": each.name or None, "asked": each.is_asked, "known": is_known_table(head),
        "columns": [head.key(at) for at in range(head.width)], "sheet": head.sheet, "sheets": list(head.sheets),
        "rows": [[str(cell) for cell in row.cells] for row in head.rows], "mapping": given.get("mapping"),
        "encoding": given.get("encoding") or head.encoding, "account": given.get("account") or None,
        "currency": given.get("currency") or None,
    }, "relationships": {"file": {"data": {"id": str(file.pk)}}}}  # fmt: skip
