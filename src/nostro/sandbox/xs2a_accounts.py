"""The standard's account endpoints: list, details, balances, transactions (connectors.md 4.1, Read)."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from werkzeug.wrappers import Response

from nostro.sandbox.bank import Bank
from nostro.sandbox.consents import Consent
from nostro.sandbox.errors import Refusal, format_error
from nostro.sandbox.histories.parties import BIC
from nostro.sandbox.ledger import Account, Entry
from nostro.sandbox.money import amount_object
from nostro.sandbox.protocol import Record
from nostro.sandbox.replies import json_reply
from nostro.sandbox.requests import BankRequest, is_attended, iso_date
from nostro.sandbox.scenarios import SCENARIOS


def list_accounts(bank: Bank, request: BankRequest, record: Record) -> Response:
    """``GET /v1/accounts``."""
    consent = _consent(bank, request, record, "accounts")
    _count(bank, record, consent)
    accounts = [a for a in bank.ledger.accounts(consent.psu) if a.id in consent.granted["accounts"]]
    return json_reply({"accounts": [_details(bank, request, consent, account) for account in accounts]})


def read_account(bank: Bank, request: BankRequest, record: Record, resource_id: str) -> Response:
    """``GET /v1/accounts/{id}``."""
    consent, account = _granted(bank, request, record, resource_id, endpoint="details", scope="accounts")
    _count(bank, record, consent)
    return json_reply({"account": _details(bank, request, consent, account)})


def read_balances(bank: Bank, request: BankRequest, record: Record, resource_id: str) -> Response:
    """``GET /v1/accounts/{id}/balances``."""
    consent, account = _granted(bank, request, record, resource_id, endpoint="balances", scope="balances")
    _count(bank, record, consent)
    return json_reply({"account": _reference(account), "balances": balances(bank, account)})


def read_transactions(bank: Bank, request: BankRequest, record: Record, resource_id: str) -> Response:
    """``GET /v1/accounts/{id}/transactions``: booked rows newest first in pages, pending rows on the first."""
    consent, account = _granted(bank, request, record, resource_id, endpoint="transactions", scope="transactions")
    query = _query(bank, request, account)
    record.page = "next" if query.before else "first"
    if query.before is None:
        _count(bank, record, consent)
    return json_reply({"account": _reference(account), "transactions": _report(bank, account, query)})


def read_transaction(
    bank: Bank, request: BankRequest, record: Record, resource_id: str, transaction_id: str
) -> Response:
    """``GET /v1/accounts/{id}/transactions/{tid}``."""
    consent, account = _granted(bank, request, record, resource_id, endpoint="transaction", scope="transactions")
    parts = bank.ledger.parts(account)
    entry = bank.ledger.by_transaction_id([part.id for part in parts], transaction_id, bank.clock.today())
    if entry is None:
        raise Refusal(403, "RESOURCE_UNKNOWN", "This account has no booked transaction with this id.")
    _count(bank, record, consent)
    return json_reply({"transactionsDetails": _transaction(entry, {part.id: part for part in parts})})


def _consent(bank: Bank, request: BankRequest, record: Record, endpoint: str) -> Consent:
    """The valid consent of the header, or the standard's refusal."""
    record.endpoint, record.attended = endpoint, is_attended(request)
    identity = request.headers.get("Consent-ID", "")
    if not identity:
        raise format_error("The header Consent-ID is required.", "Consent-ID")
    record.consent = identity[:100]
    consent = bank.consents.require(identity, status=400)
    if consent.status == "expired":
        raise Refusal(401, "CONSENT_EXPIRED", "The consent is over and must be given anew.")
    if consent.status != "valid":
        raise Refusal(401, "CONSENT_INVALID", f"The consent is {consent.status}.")
    return consent


def _granted(
    bank: Bank, request: BankRequest, record: Record, resource_id: str, *, endpoint: str, scope: str
) -> tuple[Consent, Account]:
    consent = _consent(bank, request, record, endpoint)
    account = bank.ledger.account(resource_id)
    if account is None or account.resource_id != resource_id or account.psu != consent.psu:
        raise Refusal(404, "RESOURCE_UNKNOWN", "The bank knows no such account under this consent.")
    record.account = account.id
    if account.id not in consent.granted.get(scope, ()):
        raise Refusal(401, "CONSENT_INVALID", f"The consent does not cover the {scope} of this account.")
    return consent, account


def _count(bank: Bank, record: Record, consent: Consent) -> None:
    """Unattended reads take a place of the quota."""
    if not record.attended:
        bank.quota.take(consent.id, record.account, record.endpoint, bank.clock.now(), consent.frequency)
        record.counted = True


def _wants_balance(request: BankRequest) -> bool:
    value = request.args.get("withBalance", "false").lower()
    if value not in {"true", "false"}:
        raise format_error("withBalance must be true or false.", "withBalance")
    return value == "true"


def _details(bank: Bank, request: BankRequest, consent: Consent, account: Account) -> dict[str, Any]:
    href = f"/v1/accounts/{account.resource_id}"
    links = {
        scope: {"href": f"{href}/{scope}"}
        for scope in ("balances", "transactions")
        if account.id in consent.granted.get(scope, ())
    }
    details: dict[str, Any] = {
        "resourceId": account.resource_id,
        **_reference(account),
        "name": account.name,
        "ownerName": account.owner,
        "product": account.product,
        "cashAccountType": account.type,
        "status": account.status,
        "bic": BIC,
        "usage": "ORGA",
    }
    if _wants_balance(request) and account.id in consent.granted.get("balances", ()):
        details["balances"] = balances(bank, account)
    return {**details, "_links": links}


def _reference(account: Account) -> dict[str, str]:
    return {"iban": account.iban, "currency": account.currency}


def balances(bank: Bank, account: Account) -> list[dict[str, Any]]:
    """Booked as of now, booked at the end of yesterday, and what is to be expected. An aggregate shows its parts'."""
    today = bank.clock.today()
    yesterday = today - dt.timedelta(days=1)
    shown: list[dict[str, Any]] = []
    for part in bank.ledger.parts(account):
        booked = bank.ledger.booked_sum(part.id, today)
        figures = (
            ("interimBooked", booked, today),
            ("closingBooked", bank.ledger.booked_sum(part.id, yesterday), yesterday),
            ("expected", booked + bank.ledger.pending_sum(part.id, today), today),
        )
        for kind, minor, day in figures:
            balance: dict[str, Any] = {
                "balanceAmount": amount_object(minor, part.currency),
                "balanceType": kind,
                "referenceDate": day.isoformat(),
            }
            last = bank.ledger.last_reference(part.id, day) if kind != "expected" else None
            shown.append(balance | ({"lastCommittedTransaction": last} if last else {}))
    return shown


@dataclass(frozen=True, slots=True)
class Query:
    """``before`` is the place where the page before ended; None on the first page."""

    status: str
    since: str
    until: str
    before: tuple[str, str] | None


def _query(bank: Bank, request: BankRequest, account: Account) -> Query:
    status = request.args.get("bookingStatus", "")
    if status not in {"booked", "pending", "both", "information"}:
        raise format_error("bookingStatus must be booked, pending or both.", "bookingStatus")
    if status == "information" or (status != "booked" and not SCENARIOS[account.psu].shows_pending):
        raise Refusal(400, "PARAMETER_NOT_SUPPORTED", f"This bank has no {status} list.", path="bookingStatus")
    for name in ("deltaList", "entryReferenceFrom"):
        if name in request.args:
            raise Refusal(400, "PARAMETER_NOT_SUPPORTED", f"This bank knows no {name}.", path=name)
    if "dateFrom" not in request.args:
        raise format_error("dateFrom is required.", "dateFrom")
    since = _day(request, "dateFrom", "")
    until = _day(request, "dateTo", bank.clock.today().isoformat())
    if since > until:
        raise Refusal(400, "PERIOD_INVALID", "dateFrom must not be after dateTo or in the future.", path="dateFrom")
    return Query(status, since, until, _place(request.args.get("after")))


def _day(request: BankRequest, name: str, default: str) -> str:
    text = request.args.get(name, default)
    return iso_date(text, name).isoformat()


def _place(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    try:
        day, truth_id = base64.urlsafe_b64decode(text.encode("ascii")).decode("ascii").split("|", 1)
    except (ValueError, UnicodeError, binascii.Error):
        raise format_error("This page does not exist.", "after") from None
    return day, truth_id


def _report(bank: Bank, account: Account, query: Query) -> dict[str, Any]:
    parts = {part.id: part for part in bank.ledger.parts(account)}
    today, size = bank.clock.today(), SCENARIOS[account.psu].page_size
    report: dict[str, Any] = {}
    links: dict[str, Any] = {"account": {"href": f"/v1/accounts/{account.resource_id}"}}
    if query.status in {"booked", "both"}:
        found = bank.ledger.booked(list(parts), today, query.since, query.until, before=query.before, limit=size + 1)
        report["booked"] = [_transaction(entry, parts) for entry in found[:size]]
        if len(found) > size:
            links["next"] = {"href": _next(account, query, found[size - 1])}
    if query.status in {"pending", "both"} and query.before is None:
        waiting = [entry for part in parts for entry in bank.ledger.pending(part, today)]
        report["pending"] = [_transaction(entry, parts) for entry in waiting]
    return {**report, "_links": links}


def _next(account: Account, query: Query, last: Entry) -> str:
    place = base64.urlsafe_b64encode(f"{last.booked_on}|{last.truth_id}".encode("ascii")).decode("ascii")
    wanted = {"bookingStatus": query.status, "dateFrom": query.since, "dateTo": query.until, "after": place}
    return f"/v1/accounts/{account.resource_id}/transactions?{urlencode(wanted)}"


def _transaction(entry: Entry, accounts: dict[str, Account]) -> dict[str, Any]:
    """The standard's ``transactions`` object. A pending row has neither ids of the bank nor a booking date."""
    shown: dict[str, Any] = {}
    if entry.is_booked and entry.transaction_id:
        shown["transactionId"] = entry.transaction_id
    if entry.is_booked and entry.entry_reference:
        shown["entryReference"] = entry.entry_reference
    if entry.is_booked:
        shown["bookingDate"] = entry.booked_on
    shown["valueDate"] = entry.value_on
    shown["transactionAmount"] = amount_object(entry.minor, accounts[entry.account].currency)
    return shown | entry.body
