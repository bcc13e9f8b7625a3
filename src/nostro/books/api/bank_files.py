"""Bank files by the API: handed in, looked at, answered, imported, undone (decision 0035).

Every verb is that of the pages, so roles, limits and the audit trail are the same.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from nostro.books.api import bank_file_documents as show
from nostro.books.api.call import MAX_PAGE, Call, Document, as_id, invalid, listed
from nostro.books.companies.models import Role
from nostro.books.files import queries, services
from nostro.books.files.asking import WHOLE, tables_of
from nostro.books.files.models import JournalFile
from nostro.books.journals.queries import access_journal

#: What the address of an upload may say.
UPLOAD_PARAMETERS = {
    "name": "What the file is called; only people see it.",
    "journalId": "Take the rows of this journal's account only.",
}
LIST_PARAMETERS = {"journalId": "Only files about the account of this journal."}
_ANSWERS = ("sheet", "encoding", "account", "currency")


def list_bank_files(call: Call) -> Document:
    """Files of the company, newest first; ``journalId`` narrows them."""
    journal_id, after = call.query.get("journalId", ""), call.query.get("after", "")
    journal = call.own(access_journal, as_id(journal_id, "journalId")) if journal_id else None
    last = call.own(services.access_file, as_id(after, "after")) if after else None
    found = queries.files_after(call.company, journal=journal, after=last, limit=call.limit + 1)
    shown = found[: call.limit]
    return listed([show.bank_file(each) for each in shown], str(shown[-1].pk) if len(found) > call.limit else "")


def create_bank_file(call: Call) -> Document:
    """The body is the file. A worker reads it: ask for it again until its status is ``waiting`` or ``asking``."""
    company = call.require(Role.CLERK)
    for name in call.query:
        # A mistyped parameter would send the file elsewhere.
        if name not in UPLOAD_PARAMETERS:
            raise invalid(f"There is no parameter {name[:50]}; there are {', '.join(UPLOAD_PARAMETERS)}.", name[:50])
    journal_id = call.query.get("journalId", "")
    journal = call.own(access_journal, as_id(journal_id, "journalId")) if journal_id else None
    received = call.received
    if not received.size:
        raise invalid("The body is empty; send the bytes of the file.")
    received.name = call.query.get("name", "")
    [file] = services.hand_in(
        call.user, company.id, [received], call.now, journal_id=journal.id if journal else None
    )  # fmt: skip
    return {"data": show.bank_file(file)}


def get_bank_file(call: Call, key: UUID) -> Document:
    file = _file(call, key)
    return {"data": show.bank_file(file, queries.earlier_file(file) if file.status == "waiting" else None)}


def list_bank_file_accounts(call: Call, key: UUID) -> Document:
    return call.page([each.account for each in queries.accounts_in(_file(call, key))], show.file_account)


def list_bank_file_statements(call: Call, key: UUID) -> Document:
    """The first hundred statements, in the order of the file."""
    return call.page(queries.statements_in(_file(call, key)), show.file_statement)


def list_bank_file_rows(call: Call, key: UUID) -> Document:
    """The rows of a file that waits; of an imported one those that are shown and not stored."""
    file, after = _file(call, key), call.query.get("after", "")
    if after and not (after.isascii() and after.isdigit() and len(after) < 10):
        raise invalid("after must be the number of a row.", "after")
    found = queries.rows_after(file, int(after or 0), call.limit + 1)
    shown = found[: call.limit]
    return listed([show.file_row(each) for each in shown], str(shown[-1].number) if len(found) > call.limit else "")


def list_bank_file_tables(call: Call, key: UUID) -> Document:
    """The tables about which something may be said: the file itself as number 0, or those of an archive."""
    file = _file(call, key)
    return call.page(tables_of(file), lambda each: show.file_table(file, each))


def answer_bank_file(call: Call, key: UUID) -> Document:
    """Say how a table is to be read; the file is read again. Only what is given here counts."""
    file, number = _file(call, key), call.attributes.get("table", WHOLE)
    if not isinstance(number, int) or isinstance(number, bool):
        raise invalid("table must be the number of a table.", "table")
    given: dict[str, Any] = {name: call.text(name, default="") for name in _ANSWERS}
    mapping = call.attributes.get("mapping")
    if mapping is not None and not isinstance(mapping, dict):
        raise invalid("mapping must be an object.", "mapping")
    services.answer(
        call.user, file.pk, {**given, "mapping": mapping}, call.now, table=number, is_remembered=call.flag("remember")
    )
    return get_bank_file(call, key)


def import_bank_file(call: Call, key: UUID) -> Document:
    """Import a file that waits, as a job. Repeating it changes nothing."""
    services.confirm(
        call.user, _file(call, key).pk, call.now, answers=_decisions(call), reason=call.text("reason", default="")
    )
    return get_bank_file(call, key)


def _decisions(call: Call) -> dict[UUID, str]:
    """``[{"id": …, "decision": "import"}]``, for the accounts of the file that are not as proposed."""
    given = call.attributes.get("accounts", [])
    if not isinstance(given, list) or len(given) > MAX_PAGE or not all(isinstance(each, dict) for each in given):
        raise invalid(f"accounts must be a list of at most {MAX_PAGE} objects.", "accounts")
    decisions: dict[UUID, str] = {}
    for each in given:
        decision = each.get("decision")
        if decision not in {"import", "create", "skip"}:
            raise invalid("decision must be import, create or skip.", "accounts")
        decisions[as_id(each.get("id"), "accounts")] = decision
    return decisions


def undo_bank_file(call: Call, key: UUID) -> Document:
    """Take an import back as a whole. Repeating it changes nothing."""
    services.undo(call.user, _file(call, key).pk, call.now)
    return get_bank_file(call, key)


def discard_bank_file(call: Call, key: UUID) -> Document:
    """Forget a file that was not imported. Repeating it changes nothing."""
    services.discard(call.user, _file(call, key).pk, call.now)
    return get_bank_file(call, key)


def _file(call: Call, key: UUID) -> JournalFile:
    return call.own(services.access_file, key)
