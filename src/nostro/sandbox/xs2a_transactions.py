"""The standard's transaction endpoints: the list in pages, and single transactions (connectors.md 4.1, Read)."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from werkzeug.wrappers import Response

from nostro.sandbox import paging, reports
from nostro.sandbox.access import count, granted_account, require_open
from nostro.sandbox.bank import Bank
from nostro.sandbox.consents import Consent
from nostro.sandbox.errors import Refusal, format_error
from nostro.sandbox.histories.company import codes
from nostro.sandbox.histories.rows import Row
from nostro.sandbox.ledger import Account, Entry
from nostro.sandbox.money import amount_object
from nostro.sandbox.protocol import Record
from nostro.sandbox.replies import json_reply
from nostro.sandbox.requests import BankRequest, iso_date
from nostro.sandbox.scenarios import Scenario
from nostro.sandbox.xs2a_accounts import reference

_ODD_PLACE = re.compile(r"page\|([a-z_]{1,20})\|(\d{1,6})", re.ASCII)
#: Widths at which a bank breaks texts, and what it puts between the lines; both change with each read.
_WIDTHS, _BREAKS = (27, 35, 52, 65), (" ", "\n", "  ")
MAX_TEXT = 140


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of list: where its accounts are, the names of account and list in the answer, and how a row is shown."""

    root: str
    account: str
    rows: str
    shown: Callable[[Entry, dict[str, Account]], dict[str, Any]]
    is_card: bool = False


def read_transactions(bank: Bank, request: BankRequest, record: Record, resource_id: str) -> Response:
    """``GET /v1/accounts/{id}/transactions``: booked rows newest first in pages, pending rows on the first."""
    return read_list(bank, request, record, resource_id, Kind("/v1/accounts", "account", "transactions", _transaction))


def read_list(bank: Bank, request: BankRequest, record: Record, resource_id: str, kind: Kind) -> Response:
    """One page of a list of one kind."""
    consent, account = granted_account(bank, request, record, resource_id, "transactions", is_card=kind.is_card)
    require_open(account)
    reports.require_accepted(request, account.habits.format)
    query = _query(bank, request, account, consent)
    record.page = "first" if query.is_first else "next"
    if query.is_first or account.habits.counts_pages:
        count(bank, record, consent)
    if account.habits.format == "json":
        report = _Report(bank, request, account, query, kind).written()
        reply = json_reply({kind.account: reference(account), kind.rows: report})
    elif account.habits.format == "download":
        wanted = urlencode({"bookingStatus": query.status, "dateFrom": query.since, "dateTo": query.until})
        href = f"{kind.root}/{account.resource_id}/download?{wanted}"
        reply = json_reply({kind.account: reference(account), "_links": {"download": {"href": href}}})
    else:
        reply = reports.reply(bank, account, query.since, query.until, query.status)
    if query.is_first:
        bank.changes.count_read(account)
    return reply


def download(bank: Bank, request: BankRequest, record: Record, resource_id: str) -> Response:
    """``GET /v1/accounts/{id}/download``, where a list said that it is a file: the next page of that list."""
    consent, account = granted_account(bank, request, record, resource_id, "transactions")
    require_open(account)
    query = _query(bank, request, account, consent)
    record.page = "next"
    if account.habits.format != "download":
        raise Refusal(404, "RESOURCE_UNKNOWN", "The bank has no file at this address.")
    return reports.reply(bank, account, query.since, query.until, query.status)


def read_transaction(
    bank: Bank, request: BankRequest, record: Record, resource_id: str, transaction_id: str
) -> Response:
    """``GET /v1/accounts/{id}/transactions/{tid}``."""
    consent, account = granted_account(bank, request, record, resource_id, "transactions")
    require_open(account)
    parts = bank.ledger.parts(account)
    entry = bank.ledger.by_transaction_id([part.id for part in parts], transaction_id, bank.clock.today())
    if entry is None:
        raise Refusal(403, "RESOURCE_UNKNOWN", "This account has no booked transaction with this id.")
    count(bank, record, consent)
    return json_reply({"transactionsDetails": _transaction(entry, {part.id: part for part in parts})})


@dataclass(frozen=True, slots=True)
class Query:
    """``before`` is the place where the page before ended, ``odd`` mode and number of a page in a strange mode; both
    None on the first page."""

    status: str
    since: str
    until: str
    before: tuple[str, str] | None
    odd: tuple[str, int] | None

    @property
    def is_first(self) -> bool:
        """Whether a list is begun."""
        return self.before is None and self.odd is None


def _query(bank: Bank, request: BankRequest, account: Account, consent: Consent) -> Query:
    status = request.args.get("bookingStatus", "")
    if status not in {"booked", "pending", "both", "information"}:
        raise format_error("bookingStatus must be booked, pending or both.", "bookingStatus")
    scenario = bank.customers.require(account.psu)
    if status == "information" or (status != "booked" and not scenario.shows_pending):
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
    query = Query(status, since, until, *_place(request.args.get("after")))
    if query.is_first:
        _require_open_period(bank, scenario, consent, since)
    return query


def _require_open_period(bank: Bank, scenario: Scenario, consent: Consent, since: str) -> None:
    """Some banks open old rows only right after the approval, or never."""
    if scenario.oldest_days is None:
        return
    opened = consent.approved_at
    if opened is not None and bank.clock.now() < opened + dt.timedelta(seconds=scenario.all_open_s):
        return
    if since < (bank.clock.today() - dt.timedelta(days=scenario.oldest_days)).isoformat():
        text = f"dateFrom must not be more than {scenario.oldest_days} days ago."
        raise Refusal(400, "PERIOD_INVALID", text, path="dateFrom")


def _day(request: BankRequest, name: str, default: str) -> str:
    text = request.args.get(name, default)
    return iso_date(text, name).isoformat()


def _place(text: str | None) -> tuple[tuple[str, str] | None, tuple[str, int] | None]:
    """The place after a page of a well-behaved list, or mode and number of a page of a strange one."""
    if text is None:
        return None, None
    try:
        place = base64.urlsafe_b64decode(text.encode("ascii")).decode("ascii")
        day, truth_id = place.split("|", 1)
    except (ValueError, UnicodeError, binascii.Error):
        raise format_error("This page does not exist.", "after") from None
    odd = _ODD_PLACE.fullmatch(place)
    if odd is not None and odd[1] in paging.ODD:
        return None, (odd[1], int(odd[2]))
    return (day, truth_id), None


class _Report:
    """One page of a list."""

    def __init__(self, bank: Bank, request: BankRequest, account: Account, query: Query, kind: Kind) -> None:
        self._kind = kind
        self._bank, self._request, self._account, self._query = bank, request, account, query
        self._scenario = bank.customers.require(account.psu)
        self._parts = {part.id: part for part in bank.ledger.parts(account)}
        self._today = bank.clock.today()
        self._size = account.habits.page_size or self._scenario.page_size
        #: The number of the read this page belongs to, counted from 0: follow-up pages come after it was counted.
        self._read = account.reads - (not query.is_first)
        self._mode = query.odd[0] if query.odd else paging.mode_of(account.habits.paging, self._read)
        if query.before is not None and self._mode in paging.ODD:
            # The list was begun in a good mode, and another one has been begun meanwhile.
            self._mode = "links"

    def written(self) -> dict[str, Any]:
        """The standard's ``accountReport``."""
        report: dict[str, Any] = {}
        links: dict[str, Any] = {self._kind.account: {"href": f"{self._kind.root}/{self._account.resource_id}"}}
        if self._query.status in {"booked", "both"}:
            rows, place = self._odd_page() if self._mode in paging.ODD else self._next_page()
            report["booked"] = [self._shown(row) for row in rows]
            if place is not None:
                links["next"] = {"href": self._next(place)}
        if self._query.status in {"pending", "both"} and self._query.is_first:
            waiting = [entry for part in self._parts for entry in self._bank.ledger.pending(part, self._today)]
            report["pending"] = [self._shown(row) for row in waiting]
        return {**report, "_links": links}

    def _booked(self, before: tuple[str, str] | None = None, limit: int = -1) -> list[Entry]:
        query = self._query
        return self._bank.ledger.booked(
            list(self._parts), self._today, query.since, query.until, before=before, limit=limit
        )

    def _next_page(self) -> tuple[list[Entry], str | None]:
        found = self._booked(self._query.before, self._size + 1)
        if len(found) <= self._size:
            return found, None
        last = found[self._size - 1]
        return found[: self._size], f"{last.booked_on}|{last.truth_id}"

    def _odd_page(self) -> tuple[list[Entry], str | None]:
        number = self._query.odd[1] if self._query.odd else 0
        if self._mode == "row_inserted" and number == 1:
            text = {"debtorName": "Haastige Klant BV", "remittanceInformationUnstructured": "While you were reading"}
            row = Row(4_200, self._today, {**text, **codes("PMNT-RCDT-ESCT", "CREDIT")})
            self._bank.changes.add(next(iter(self._parts)), [row])
        rows, following = paging.odd_page(self._mode, self._booked(), self._size, number)
        return rows, None if following is None else f"page|{self._mode}|{following}"

    def _next(self, place: str) -> str:
        query, after = self._query, base64.urlsafe_b64encode(place.encode("ascii")).decode("ascii")
        wanted = {"bookingStatus": query.status, "dateFrom": query.since, "dateTo": query.until, "after": after}
        here = f"transactions?{urlencode(wanted)}"
        if self._mode == "relative_links":
            return here
        path = f"{self._kind.root}/{self._account.resource_id}/{here}"
        return self._request.host_url.rstrip("/") + path if self._mode == "full_links" else path

    def _shown(self, entry: Entry) -> dict[str, Any]:
        shown = self._kind.shown(entry, self._parts)
        if self._scenario.rewraps and "remittanceInformationUnstructured" in shown:
            shown["remittanceInformationUnstructured"] = _rewrapped(entry, self._read)
        return shown


def _rewrapped(entry: Entry, read: int) -> str:
    """The text broken into lines, differently on each read."""
    text = str(entry.body["remittanceInformationUnstructured"])
    width, line_break = _WIDTHS[read % len(_WIDTHS)], _BREAKS[read % len(_BREAKS)]
    wrapped = line_break.join(text[at : at + width] for at in range(0, len(text), width))
    return wrapped if len(wrapped) <= MAX_TEXT else text


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
