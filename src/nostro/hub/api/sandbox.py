"""The sandbox resources (hub-api.md section 8): fake institutions, their accounts, and rows that appear at the bank.

An integration reaches the sandbox accounts that it may read, and no others. Rows are those of the sandbox bank itself:
what is made or changed here is seen under ``/accounts`` after the account's next synchronization.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from urllib.parse import urlencode

from nostro.hub.accounts.models import Account
from nostro.hub.accounts.services import read_again_from
from nostro.hub.api import documents as d
from nostro.hub.api import sandbox_documents as s
from nostro.hub.api.errors import invalid_cursor, not_found, validation
from nostro.hub.api.institutions import get_institution, list_sandbox_institutions
from nostro.hub.api.paging import Cursors, Window, page_links, read_cursors
from nostro.hub.api.request import Request, attributes, parse_id
from nostro.hub.api.responses import Answer, page
from nostro.hub.api.sandbox_bank import ask
from nostro.hub.api.sandbox_rows import attributes_of, row_of
from nostro.hub.directory.models import Institution
from nostro.hub.integrations.queries import access_granted_account
from nostro.web.errors import NotFound

_ACCOUNT: Final = "financialInstitutionAccount"
_ROW: Final = "financialInstitutionTransaction"


def list_institutions(request: Request) -> Answer:
    return list_sandbox_institutions(request)


def get_sandbox_institution(request: Request) -> Answer:
    _institution(request)
    return get_institution(request)


def list_accounts(request: Request) -> Answer:
    """The accounts at this institution that the integration may read, newest first."""
    institution_id = _institution(request)
    listing = s.accounts(request.integration.integration_id, institution_id)
    return page(request, listing, lambda row: _account_document(Account.objects.get(id=row[0])))


def get_account(request: Request) -> Answer:
    return Answer(200, d.One(_account_document(_account(request))))


def list_transactions(request: Request) -> Answer:
    """The rows of the bank, the newest first."""
    account, cursors = _account(request), read_cursors(request)
    bounds = {
        "older_than": _number(account, cursors.after, cursors.style["after"]),
        "newer_than": _number(account, cursors.before, cursors.style["before"]),
    }
    for name, style in (("older_than", "after"), ("newer_than", "before")):
        if bounds[name] is not None and not _exists(account, bounds[name]):
            raise invalid_cursor(cursors.style[style])
    found = _rows(account, limit=cursors.limit + 1, **bounds)
    return _page(request, account, cursors, found)


def _page(request: Request, account: Account, cursors: Cursors, found: list[dict[str, Any]]) -> Answer:
    upwards = bool(cursors.before) and not cursors.after
    more = len(found) > cursors.limit
    if upwards:
        rows, has_newer = found[-cursors.limit :], more
        has_older = bool(rows) and bool(_rows(account, older_than=rows[-1]["number"], limit=1))
    else:
        rows, has_older = found[: cursors.limit], more
        has_newer = bool(rows and cursors.after) and bool(_rows(account, newer_than=rows[0]["number"], limit=1))
    documents = [_transaction_document(account, row) for row in rows]
    window = Window([(document.id,) for document in documents], has_older, has_newer)
    paging, links = page_links(request, cursors, window)
    return Answer(200, d.Page(documents, d.PageMeta(paging), links))


def get_transaction(request: Request) -> Answer:
    account = _account(request)
    row = ask("GET", account, f"/rows/{_row_number(request, account)}", resource=_ROW)
    return Answer(200, d.One(_transaction_document(account, row)))


def create_transaction(request: Request) -> Answer:
    account = _account(request)
    given = _checked(attributes(request), account, {})
    row = ask("POST", account, "/rows", row_of(given), resource=_ACCOUNT)
    _read_again(account, given)
    return Answer(201, d.One(_transaction_document(account, row)))


def change_transaction(request: Request) -> Answer:
    """What is given changes, the rest stays."""
    account = _account(request)
    path = f"/rows/{_row_number(request, account)}"
    before = attributes_of(ask("GET", account, path, resource=_ROW))
    given = _checked(attributes(request), account, before)
    row = ask("PUT", account, path, row_of(given), resource=_ROW)
    _read_again(account, given, before)
    return Answer(200, d.One(_transaction_document(account, row)))


def _institution(request: Request) -> uuid.UUID:
    """The sandbox institution of the path; any other id is 404."""
    institution_id = parse_id(request.parameters[0]) or uuid.UUID(int=0)
    if not Institution.objects.filter(id=institution_id, is_sandbox=True).exists():
        raise not_found("financialInstitution")
    return institution_id


def _account(request: Request) -> Account:
    institution_id = parse_id(request.parameters[0])
    account_id = parse_id(request.parameters[1])
    try:
        account = access_granted_account(request.integration.integration_id, account_id or uuid.UUID(int=0))
    except NotFound:
        raise not_found(_ACCOUNT) from None
    if account.institution_id != institution_id or not account.is_sandbox:
        raise not_found(_ACCOUNT)
    return account


def _account_document(account: Account) -> s.FakeAccount:
    figures = ask("GET", account, resource=_ACCOUNT)
    return s.FakeAccount(
        _ACCOUNT,
        str(account.id),
        s.FakeAccountAttributes(
            account.subtype, account.reference_type, account.reference, account.name or account.bank_name or None,
            account.currency, Decimal(figures["booked"]), Decimal(figures["expected"]), account.holder_name or None,
            account.product or None,
        ),
    )  # fmt: skip


def _transaction_document(account: Account, row: dict[str, Any]) -> s.FakeTransaction:
    return s.FakeTransaction(_ROW, row_id(account, row["number"]), s.shown(attributes_of(row)))


def _read_again(account: Account, *versions: dict[str, Any]) -> None:
    """The next synchronization must reach back to the day of the row, however long ago that is."""
    read_again_from(account, min(dt.date.fromisoformat(version["executionDate"]) for version in versions))


def _checked(given: dict[str, Any], account: Account, before: dict[str, Any]) -> dict[str, Any]:
    """All attributes of a row: ``before`` with what is ``given``. Raises validationError."""
    merged = dict(before)
    for name, kind in s.ATTRIBUTES.items():
        if name in given:
            merged[name] = _value(name, given[name], kind)
    for name in s.REQUIRED:
        if merged.get(name) is None:
            raise validation(f"{name} is required.", name)
    if merged["currency"] != account.currency:
        raise validation(f"The account is kept in {account.currency}.", "currency")
    if merged["remittanceInformationType"] not in {"structured", "unstructured"}:
        raise validation("remittanceInformationType must be structured or unstructured.", "remittanceInformationType")
    if merged.get("cardReferenceType") not in {None, "PAN", "MASKEDPAN"}:
        raise validation("cardReferenceType must be PAN or MASKEDPAN.", "cardReferenceType")
    if merged.get("automaticBooking") is None:
        merged["automaticBooking"] = True
    return merged


def _value(name: str, value: Any, kind: str) -> Any:
    if value is None:
        return None
    try:
        return _READERS[kind](value)
    except (ValueError, InvalidOperation, OverflowError):
        raise validation(f"{name} {_WANTED[kind]}.", name) from None


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > s.MAX_TEXT:
        raise ValueError
    # What is no character at all could not be sent on.
    return value.encode("utf-8", "replace").decode().replace("\x00", "")


def _date(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 40:
        raise ValueError
    day = dt.datetime.fromisoformat(value).date()
    if not 1970 <= day.year <= 2199:
        raise ValueError
    return day.isoformat()


def _amount(value: Any) -> str:
    """As decimal text: numbers and numeric strings are accepted (2.5)."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal) or len(str(value)) > 40:
        raise ValueError
    amount = Decimal(value)
    if not amount.is_finite() or abs(amount) >= Decimal(10) ** 14 or amount != round(amount, 3):
        raise ValueError
    digits = f"{amount:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


_READERS: dict[str, Any] = {"text": _text, "date": _date, "amount": _amount, "flag": _flag}
_WANTED = {
    "text": f"must be text of at most {s.MAX_TEXT} characters",
    "date": "must be a date such as 2026-05-22T00:00:00.000Z",
    "amount": "must be a number with at most three decimals",
    "flag": "must be true or false",
}


# --- ids of rows ----------------------------------------------------------------------------------------------


def row_id(account: Account, number: int) -> str:
    """A version 4 UUID that says which row it is: a mark of the account and the row's number at the bank."""
    mark = hashlib.sha256(account.id.bytes).digest()
    return str(uuid.UUID(bytes=mark[:9] + number.to_bytes(7), version=4))


def _number(account: Account, text: str, parameter: str) -> int | None:
    """The number of the row that a cursor names, None without a cursor."""
    if not text:
        return None
    number = _number_of(account, parse_id(text))
    if number is None:
        raise invalid_cursor(parameter)
    return number


def _number_of(account: Account, row: uuid.UUID | None) -> int | None:
    if row is None:
        return None
    number = int.from_bytes(row.bytes[9:])
    return number if row_id(account, number) == str(row) else None


def _row_number(request: Request, account: Account) -> int:
    number = _number_of(account, parse_id(request.parameters[2]))
    if number is None:
        raise not_found(_ROW)
    return number


def _exists(account: Account, number: int | None) -> bool:
    found = _rows(account, older_than=None if number is None else number + 1, limit=1)
    return bool(found) and found[0]["number"] == number


def _rows(account: Account, **bounds: int | None) -> list[dict[str, Any]]:
    query = urlencode({name: value for name, value in bounds.items() if value is not None})
    found: list[dict[str, Any]] = ask("GET", account, f"/rows?{query}", resource=_ACCOUNT)["rows"]
    return found
