"""Bank files by the API: handed in, looked at, imported, undone; and accounts written as files (decision 0035).

Every verb is that of the pages, so roles, limits and the audit trail are the same. A person does it, with a personal
token; writing an account as a file is open to whatever software may read the account.
"""

# SQL is put together from constants of this package only; what a caller gives travels as arguments.
# ruff: noqa: S608

from __future__ import annotations

import datetime as dt
import uuid
from typing import TypeVar

import msgspec

from nostro.hub.accounts.models import Account
from nostro.hub.accounts.queries import access_account
from nostro.hub.api import bank_file_documents as b
from nostro.hub.api import documents as d
from nostro.hub.api import reads
from nostro.hub.api.errors import ApiError, not_found, validation
from nostro.hub.api.paging import Listing, Row
from nostro.hub.api.request import Request, attributes, parse_id
from nostro.hub.api.responses import Answer, page
from nostro.hub.api.transfers import written
from nostro.hub.files import services
from nostro.hub.files.exporting import export_statements, media_types, period_of
from nostro.hub.files.models import FileImport
from nostro.hub.files.queries import access_import
from nostro.hub.integrations.queries import access_granted_account
from nostro.hub.organizations.models import Role
from nostro.hub.organizations.queries import access_organization
from nostro.web.errors import NotFound
from nostro.web.hot_reads import fetch_one

_Given = TypeVar("_Given", bound=d.Document)
#: Named in an answer that is a file: the fields that its format has no place for.
LEFT_OUT_HEADER = "nostro-left-out"
UPLOAD_PARAMETERS = (
    ("name", "What the file is called; only people see it."),
    ("accountId", "Take the rows of this account only."),
    ("sandbox", "true: the file is about accounts of the sandbox. Default false."),
)
MEDIA_TYPES = media_types()
EXPORT_PARAMETERS = (
    ("format", "camt.053, coda, csv, mt940, ofx or xlsx. Default csv."),
    ("from", "The first day, as 2026-11-01. Default: the oldest."),
    ("to", "The last day, as 2026-11-30. Default: today."),
)


# --- files


_FILE = (
    "f.id::text, f.name, f.size, f.sha256, f.status, nullif(f.format, ''), nullif(f.version, ''),"
    " nullif(f.encoding, ''), f.is_sandbox, f.account_id::text, f.archive_id::text, f.bytes_read, f.rows_read,"
    f" f.quarantined, f.problems::text, nullif(f.reason, ''), {reads.moment('f.created_at')},"
    f" {reads.moment('f.imported_at')}, {reads.moment('f.undone_at')}"
)


def list_files(request: Request) -> Answer:
    """All files of the organization, live and sandbox, those of archives among them; newest first."""
    where, values = "f.organization_id = %s", (request.person.organization.id,)
    source = "files_fileimport f"
    listing = Listing(
        f"SELECT {_FILE}\nFROM {source}", where, values, ("f.created_at", "f.id"),
        f"FROM {source} WHERE {where} AND f.id = %s", values,
    )  # fmt: skip
    return page(request, listing, _file)


def get_file(request: Request) -> Answer:
    return Answer(200, d.One(_document(_access(request).pk)))


def create_file(request: Request) -> Answer:
    """The body is the file. It is read by a worker: ask for it again until its status is ``waiting``."""
    person, account = request.person, None
    for name in request.query:
        # A mistyped parameter would send the file elsewhere.
        if name not in dict(UPLOAD_PARAMETERS):
            raise _wrong_parameter(name, f"is not known; there are: {', '.join(dict(UPLOAD_PARAMETERS))}")
    is_sandbox = _flag(request, "sandbox")
    if text := request.query.get("accountId", ""):
        account = access_account(person.user, parse_id(text) or uuid.UUID(int=0))
        if account.organization_id != person.organization.id:
            raise not_found("account")
    is_sandbox = is_sandbox if account is None else account.is_sandbox
    received = request.received
    received.name = request.query.get("name", "")
    if not received.size:
        raise validation("The body is empty; send the bytes of the file.")
    organization = access_organization(person.user, person.organization.id, role=Role.ADMIN)
    [file] = services.hand_in(
        person.user, organization, [received], is_sandbox=is_sandbox, now=request.now, account=account
    )
    return Answer(201, d.One(_document(file.pk)))


def delete_file(request: Request) -> Answer:
    """Discard a file that was not imported."""
    file = services.discard(request.person.user, _access(request).pk, request.now)
    return Answer(200, d.One(d.Identifier("bankFile", str(file.pk))))


def create_import(request: Request) -> Answer:
    """Confirm a file that waits; a worker stores it. Repeating it changes nothing."""
    file, wanted = _access(request), _given(request, b.FileImportInput)
    answers = {}
    for each in wanted.accounts or ():
        answer = services.Answer(each.decision, each.bank or "", parse_id(each.account_id or None))
        answers[parse_id(each.id) or uuid.UUID(int=0)] = answer
    services.confirm(
        request.person.user, file.pk, answers, request.now, add_held=bool(wanted.add_held), reason=wanted.reason or "",
        proved_only=bool(wanted.proved_only),
    )  # fmt: skip
    return Answer(201, d.One(_document(file.pk)))


def update_file(request: Request) -> Answer:
    """Say how a file is to be read; it is read again. Only what is given here counts."""
    file, wanted = _access(request), _given(request, b.FileReadingInput)
    given = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not msgspec.UNSET}
    is_remembered = bool(given.pop("remember", False))
    services.answer(request.person.user, file.pk, given, request.now, is_remembered=is_remembered)
    return Answer(200, d.One(_document(file.pk)))


def _given(request: Request, kind: type[_Given]) -> _Given:
    """The attributes of the body. Raises validationError that names the wrong one."""
    try:
        return msgspec.convert(attributes(request), kind)
    except msgspec.ValidationError as error:
        raise validation(f"{error}.", pointer="/data/attributes") from None


def delete_import(request: Request) -> Answer:
    """Undo the import: what only this file showed is taken out again."""
    file = services.undo(request.person.user, _access(request).pk, request.now)
    return Answer(200, d.One(_document(file.pk)))


def _access(request: Request) -> FileImport:
    """The file, if it belongs to the organization of the token: a person may belong to others too."""
    try:
        file = access_import(request.person.user, parse_id(request.parameters[0]) or uuid.UUID(int=0))
    except NotFound:
        raise not_found("bankFile") from None
    if file.organization_id != request.person.organization.id:
        raise not_found("bankFile")
    return file


def _document(file_id: uuid.UUID) -> b.BankFile:
    row = fetch_one(f"SELECT {_FILE} FROM files_fileimport f WHERE f.id = %s", [file_id])
    assert row is not None
    return _file(row)


def _file(row: Row) -> b.BankFile:
    problems = [
        b.FileProblem(each["severity"], each["code"], each["sentence"], each["position"], each["statement"])
        for each in msgspec.json.decode(row[14])
    ]
    values = (*row[1:14], problems, *row[15:19])
    return b.BankFile("bankFile", row[0], b.BankFileAttributes(*values))


# --- what is in them


_ACCOUNT = (
    "a.id::text, a.number, a.number_kind, a.currency, nullif(a.owner_name, ''), nullif(a.bic, ''),"
    " a.account_id::text, nullif(a.decision, ''), nullif(a.refusal, ''), a.rows, a.new, a.known, a.restored, a.held,"
    " a.not_shown, a.announced, a.left_out, trim_scale(a.held_sum), a.synchronization_id::text"
)
_KINDS = {"iban": "IBAN", "bban": "BBAN", "masked_pan": "MASKEDPAN"}


def list_file_accounts(request: Request) -> Answer:
    return page(request, _part(request, _ACCOUNT, "files_fileaccount a", "a", "a.position"), _file_account)


def _file_account(row: Row) -> b.BankFileAccount:
    values = (row[1], _KINDS.get(row[2], "OTHER"), *row[3:19])
    return b.BankFileAccount("bankFileAccount", row[0], b.BankFileAccountAttributes(*values))


_STATEMENT = (
    "s.id::text, s.file_account_id::text, s.index, s.kind, nullif(s.number, ''), nullif(s.position, ''),"
    f" {reads.day('s.first_day')}, {reads.day('s.last_day')}, trim_scale(s.opening), {reads.day('s.opening_day')},"
    f" trim_scale(s.closing), {reads.day('s.closing_day')}, s.credits, trim_scale(s.credit_sum), s.debits,"
    " trim_scale(s.debit_sum), s.proof, s.totals, trim_scale(s.difference), s.hints::text"
)


def list_file_statements(request: Request) -> Answer:
    return page(request, _part(request, _STATEMENT, "files_filestatement s", "s", "s.index"), _statement)


def _statement(row: Row) -> b.BankFileStatement:
    values = (*row[1:19], msgspec.json.decode(row[19]))
    return b.BankFileStatement("bankFileStatement", row[0], b.BankFileStatementAttributes(*values))


_ROW = (
    f"r.id::text, r.statement_id::text, r.number, r.standing, nullif(r.position, ''), {reads.day('r.booking_date')},"
    f" {reads.day('r.value_date')}, trim_scale(r.amount), r.currency, r.counterpart_name, r.counterpart_reference,"
    " nullif(r.remittance_information, ''), nullif(r.held, ''), r.like::text"
)


def list_file_rows(request: Request) -> Answer:
    """The rows of a file that waits; of an imported one those that are held."""
    return page(request, _part(request, _ROW, "files_stagedrow r", "r", "r.number"), _row)


def _row(row: Row) -> b.BankFileRow:
    return b.BankFileRow("bankFileRow", row[0], b.BankFileRowAttributes(*row[1:14]))


def _part(request: Request, columns: str, source: str, table: str, number: str) -> Listing:
    """What belongs to one file, in the order of the file."""
    where, values = f"{table}.file_id = %s", (_access(request).pk,)
    return Listing(
        f"SELECT {columns}\nFROM {source}", where, values, (number,),
        f"FROM {source} WHERE {where} AND {table}.id = %s", values, descending=False,
    )  # fmt: skip


# --- accounts as files


def export_account(request: Request) -> Answer:
    """The booked transactions of an account and period as a bank file."""
    account = _readable_account(request)
    first, last = _day(request, "from"), _day(request, "to")
    window = period_of(account, first, last, request.now.date())
    made = export_statements(account, request.query.get("format") or "csv", window, request.now)
    headers = ((LEFT_OUT_HEADER, ", ".join(made.lossy)),) if made.lossy else ()
    return Answer(200, written(made.chunks, made.name, made.content_type), headers)


def _readable_account(request: Request) -> Account:
    account_id = parse_id(request.parameters[0]) or uuid.UUID(int=0)
    if request.grantee is not None:
        return access_granted_account(request.grantee.integration_id, account_id)
    account = access_account(request.person.user, account_id)
    if account.organization_id != request.person.organization.id or account.removed_at is not None:
        raise not_found("account")
    return account


def _day(request: Request, name: str) -> dt.date | None:
    text = request.query.get(name, "")
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise _wrong_parameter(name, "is no day; write it as 2026-11-30") from None


def _flag(request: Request, name: str) -> bool:
    text = request.query.get(name, "") or "false"
    if text not in {"true", "false"}:
        raise _wrong_parameter(name, "must be true or false")
    return text == "true"


def _wrong_parameter(name: str, why: str) -> ApiError:
    return ApiError(400, "validationError", f"The parameter {name} {why}.", meta={"attribute": name})
