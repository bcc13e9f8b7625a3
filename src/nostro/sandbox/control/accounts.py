"""Rows that appear, change, book and vanish because a test wants it."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from typing import Any

from werkzeug.wrappers import Response

from nostro.sandbox.bank import Bank
from nostro.sandbox.errors import Refusal, format_error
from nostro.sandbox.histories.company import codes
from nostro.sandbox.histories.rows import FOREVER, Row, derived_id
from nostro.sandbox.histories.special import twin
from nostro.sandbox.ledger import Account
from nostro.sandbox.money import parse_minor
from nostro.sandbox.replies import json_reply
from nostro.sandbox.requests import BankRequest, iso_date, json_object, whole_number

#: The text fields of the standard that control may set; each at most 500 characters.
TEXTS = (
    "endToEndId",
    "mandateId",
    "creditorId",
    "creditorName",
    "debtorName",
    "remittanceInformationUnstructured",
    "additionalInformation",
)
MAX_TEXT = 500
#: Half of a character, which no answer could carry.
_SURROGATE = re.compile("[\ud800-\udfff]")


def add(bank: Bank, request: BankRequest, account_id: str) -> Response:
    """``POST /accounts/{a}/transactions {amount, bookingDate?, valueDate?, pending?, ids?, texts}``: one new row.

    ``bookingDate`` may lie in the past; ``pending`` true waits until it is booked; ``ids`` false gives none.
    """
    account, body = rows_account(bank, account_id), json_object(request)
    today = bank.clock.today()
    day = _day(body, "bookingDate", today)
    pending = body.get("pending", False) is True
    row = Row(
        minor_of(body, account.currency),
        FOREVER if pending else day,
        {**_texts(body), **codes("PMNT-RCDT-ESCT", "CONTROL")},
        seen_on=day,
        value_on=_day(body, "valueDate", day),
        has_ids=body.get("ids", True) is not False,
    )
    return json_reply({"truthIds": bank.changes.add(account.id, [row])}, 201)


def twins(bank: Bank, request: BankRequest, account_id: str) -> Response:
    """``POST /accounts/{a}/twins {count, amount?}``: equal rows of today without ids."""
    account, body = rows_account(bank, account_id), json_object(request)
    count = whole_number(body, "count", 2, 1, 100)
    minor = minor_of(body, account.currency) if "amount" in body else -1_250
    row = replace(twin(bank.clock.today()), minor=minor)
    return json_reply({"truthIds": bank.changes.add(account.id, [row] * count)}, 201)


def alter(bank: Bank, request: BankRequest, truth_id: str) -> Response:
    """``PATCH /transactions/{t} {amount?, bookingDate?, valueDate?, texts}``."""
    body, currency = json_object(request), _currency(bank, truth_id)
    bank.changes.alter(
        truth_id,
        minor=minor_of(body, currency) if "amount" in body else None,
        booked_on=iso_date(body["bookingDate"], "bookingDate") if "bookingDate" in body else None,
        value_on=iso_date(body["valueDate"], "valueDate") if "valueDate" in body else None,
        texts=_texts(body),
    )
    return json_reply({"truthId": truth_id})


def remove(bank: Bank, request: BankRequest, truth_id: str) -> Response:
    """``DELETE /transactions/{t}``: the row is gone as if it had never been."""
    del request
    _currency(bank, truth_id)
    bank.changes.remove(truth_id)
    return Response(status=204)


def book(bank: Bank, request: BankRequest, truth_id: str) -> Response:
    """``POST /transactions/{t}/book {amount?, keep_reference?}``: a pending row is booked today, perhaps with another
    amount, and with an ``entryReference`` of its own unless ``keep_reference`` is true (which is the rule)."""
    body, currency = json_object(request), _currency(bank, truth_id)
    minor = minor_of(body, currency) if "amount" in body else None
    reference = None if body.get("keep_reference", True) is not False else f"BOOKED{derived_id(truth_id)[:12].upper()}"
    if not bank.changes.book(truth_id, minor, reference):
        raise Refusal(409, "STATUS_INVALID", "Only a pending row can be booked.")
    return json_reply({"truthId": truth_id})


def backdate(bank: Bank, request: BankRequest, account_id: str) -> Response:
    """``POST /accounts/{a}/backdate {days, amount}``: a row that appears now, booked so many days ago."""
    account, body = rows_account(bank, account_id), json_object(request)
    today = bank.clock.today()
    booked_on = today - dt.timedelta(days=whole_number(body, "days", None, 0, 3_650))
    text = {"creditorName": "Assekura Feldberg AG", "remittanceInformationUnstructured": "Nachbelastung"}
    body_of_row = {**text, **codes("PMNT-ICDT-ESCT", "CONTROL")}
    row = Row(minor_of(body, account.currency), booked_on, body_of_row, seen_on=today)
    return json_reply({"truthIds": bank.changes.add(account.id, [row])}, 201)


def reuse_entry_reference(bank: Bank, request: BankRequest, account_id: str) -> Response:
    """``POST /accounts/{a}/reuse-entry-reference {amount?}``: another row of today with the newest reference."""
    account, body = rows_account(bank, account_id), json_object(request)
    today = bank.clock.today()
    reference = next(
        (row.entry_reference for row in bank.ledger.booked([account.id], today) if row.entry_reference), ""
    )
    if not reference:
        raise Refusal(409, "STATUS_INVALID", "The account has no row with a reference.")
    minor = minor_of(body, account.currency) if "amount" in body else -3_210
    text = {"creditorName": "Drukkerij Ostermans NV", "remittanceInformationUnstructured": "Herdruk folders"}
    row = Row(minor, today, {**text, **codes("PMNT-ICDT-ESCT", "CONTROL")}, reference=reference)
    made = bank.changes.add(account.id, [row])
    return json_reply({"truthIds": made, "entryReference": reference}, 201)


def any_account(bank: Bank, account_id: object) -> Account:
    """By the bank's own id or the interface's. Raises RESOURCE_UNKNOWN."""
    account = bank.ledger.account(account_id) if isinstance(account_id, str) else None
    if account is None:
        raise Refusal(404, "RESOURCE_UNKNOWN", "The bank has no such account.")
    return account


def rows_account(bank: Bank, account_id: str) -> Account:
    """The same, if the account has rows of its own."""
    account = any_account(bank, account_id)
    if account.is_aggregate:
        raise Refusal(404, "RESOURCE_UNKNOWN", "The account has no rows of its own, only its parts have.")
    return account


def _currency(bank: Bank, truth_id: str) -> str:
    currency = bank.ledger.currency_of(truth_id)
    if currency is None:
        raise Refusal(404, "RESOURCE_UNKNOWN", "The bank has no such row.")
    return currency


def minor_of(body: dict[str, Any], currency: str) -> int:
    """The ``amount`` of a body in minor units of ``currency``. Raises FORMAT_ERROR."""
    try:
        return parse_minor(body.get("amount"), currency)
    except ValueError as error:
        raise format_error(f"amount: {error}.", "amount") from None


def _day(body: dict[str, Any], name: str, default: dt.date) -> dt.date:
    return iso_date(body[name], name) if name in body else default


def _texts(body: dict[str, Any]) -> dict[str, str]:
    texts = {name: body[name] for name in TEXTS if name in body}
    for name, value in texts.items():
        if not isinstance(value, str) or len(value) > MAX_TEXT or _SURROGATE.search(value):
            raise format_error(f"{name} must be text of at most {MAX_TEXT} characters.", name)
    return texts
