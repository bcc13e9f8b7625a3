"""Rows one by one, as the sandbox resources of the Hub's API see them (hub-api.md section 8).

A row is known by its number at the bank, which counts up as rows are made. Whoever makes one may keep a note with it,
which this address shows again and no customer's service ever sees.
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

from werkzeug.wrappers import Response

from nostro.sandbox.bank import Bank
from nostro.sandbox.control.accounts import minor_of, rows_account
from nostro.sandbox.errors import Refusal, format_error
from nostro.sandbox.histories.rows import FOREVER, Row
from nostro.sandbox.ledger import NOTE, Account
from nostro.sandbox.money import amount_text
from nostro.sandbox.replies import json_reply
from nostro.sandbox.requests import BankRequest, iso_date, json_object

MAX_PAGE = 200
MAX_FIELDS = 30
#: Numbers of rows are SQLite's.
MAX_NUMBER = 2**53


def show_account(bank: Bank, request: BankRequest, account_id: str) -> Response:
    """``GET /accounts/{a}``: what the account is, and its balances now."""
    del request
    account = rows_account(bank, account_id)
    today = bank.clock.today()
    booked, pending = bank.ledger.booked_sum(account, today, today), bank.ledger.pending_sum(account, today)
    figures = {"booked": booked, "expected": booked + pending}
    return json_reply({"id": account.id, **{name: amount_text(n, account.currency) for name, n in figures.items()}})


def read(bank: Bank, request: BankRequest, account_id: str) -> Response:
    """``GET /accounts/{a}/rows?older_than=&newer_than=&limit=``: newest first; with ``newer_than`` alone the rows
    nearest to it."""
    account = rows_account(bank, account_id)
    older, newer = _number(request, "older_than"), _number(request, "newer_than")
    limit = min(_number(request, "limit") or MAX_PAGE, MAX_PAGE)
    order = "ASC" if newer is not None and older is None else "DESC"
    query = (
        "SELECT * FROM rows WHERE account = ? AND seen_on <= ? AND gone_on > ? AND id < ? AND id > ? "  # noqa: S608
        f"ORDER BY id {order} LIMIT ?"
    )
    today = bank.clock.today().isoformat()
    with bank.storage.transaction() as db:
        values = (account.id, today, today, MAX_NUMBER if older is None else older, newer or 0, limit)
        found = db.execute(query, values).fetchall()
    if order == "ASC":
        found.reverse()
    return json_reply({"rows": [_row(row, account, today) for row in found]})


def read_one(bank: Bank, request: BankRequest, account_id: str, number: int) -> Response:
    """``GET /accounts/{a}/rows/{n}``."""
    del request
    account = rows_account(bank, account_id)
    return _shown(bank, account, number)


def make(bank: Bank, request: BankRequest, account_id: str) -> Response:
    """``POST /accounts/{a}/rows {amount, bookingDate, valueDate, pending, body, note}``: one new row."""
    account = rows_account(bank, account_id)
    [truth_id] = bank.changes.add(account.id, [_given(bank, account, json_object(request))])
    with bank.storage.transaction() as db:
        number = db.execute("SELECT id FROM rows WHERE truth_id = ?", (truth_id,)).fetchone()["id"]
    return _shown(bank, account, number, 201)


def replace(bank: Bank, request: BankRequest, account_id: str, number: int) -> Response:
    """``PUT /accounts/{a}/rows/{n}`` with the same body: the row is another one now, under the same ids."""
    account = rows_account(bank, account_id)
    row = _given(bank, account, json_object(request))
    if not bank.changes.replace(account.id, number, row):
        raise _unknown()
    return _shown(bank, account, number)


def _given(bank: Bank, account: Account, body: dict[str, Any]) -> Row:
    """The row that a body describes. One whose booking day is still to come is pending until that day."""
    fields, note = body.get("body"), body.get("note", {})
    if not isinstance(fields, dict) or not isinstance(note, dict) or len(fields) > MAX_FIELDS:
        raise format_error("body and note must be objects.", "body")
    day, today = iso_date(body.get("bookingDate"), "bookingDate"), bank.clock.today()
    return Row(
        minor_of(body, account.currency),
        FOREVER if body.get("pending") is True else day,
        {**fields, NOTE: note},
        seen_on=min(day, today),
        value_on=iso_date(body.get("valueDate"), "valueDate"),
    )


def _shown(bank: Bank, account: Account, number: int, status: int = 200) -> Response:
    today = bank.clock.today().isoformat()
    query = "SELECT * FROM rows WHERE account = ? AND id = ? AND seen_on <= ? AND gone_on > ?"
    with bank.storage.transaction() as db:
        found = db.execute(query, (account.id, min(number, MAX_NUMBER), today, today)).fetchone()
    if found is None:
        raise _unknown()
    return json_reply(_row(found, account, today), status)


def _row(row: sqlite3.Row, account: Account, today: str) -> dict[str, Any]:
    body = json.loads(row["body"])
    minor, value_on, is_booked = row["minor"], row["value_on"], row["booked_on"] <= today
    if row["amended_on"] is not None and row["amended_on"] <= today:
        amendment = json.loads(row["amendment"])
        body, minor, value_on = body | amendment["texts"], row["amended_minor"], amendment.get("valueDate", value_on)
    is_pending = row["booked_on"] == FOREVER.isoformat()
    note = body.pop(NOTE, {})
    return {
        "number": row["id"],
        "amount": amount_text(minor if is_booked else row["pending_minor"], account.currency),
        "currency": account.currency,
        "pending": is_pending,
        "bookingDate": row["seen_on"] if is_pending else row["booked_on"],
        "valueDate": value_on,
        "body": body,
        "note": note,
    }


def _number(request: BankRequest, name: str) -> int | None:
    text = request.args.get(name, "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise format_error(f"{name} must be a number.", name)
    return int(text)


def _unknown() -> Refusal:
    return Refusal(404, "RESOURCE_UNKNOWN", "The account has no such row.")
