"""Reset, clock, state, log, and the oracle that tests compare with."""

from __future__ import annotations

import datetime as dt
from typing import Any

from werkzeug.wrappers import Response

from nostro.sandbox import unfolding
from nostro.sandbox.bank import Bank
from nostro.sandbox.clock import moment_text, parse_moment
from nostro.sandbox.errors import Refusal, format_error
from nostro.sandbox.ledger import Account, Entry
from nostro.sandbox.money import amount_text
from nostro.sandbox.quota import WINDOW
from nostro.sandbox.replies import json_reply
from nostro.sandbox.requests import BankRequest, json_object, whole_number

MAX_ADVANCE_S = 3 * 366 * 86_400
MAX_LOG_PAGE = 1_000


def reset(bank: Bank, request: BankRequest) -> Response:
    """``POST /reset {seed?, at?}``: a fresh bank."""
    body = json_object(request)
    seed = whole_number(body, "seed", bank.seed, 0, 2**31)
    bank.reset(seed, _moment(body["at"], "at") if "at" in body else None)
    return json_reply({"seed": seed, "clock": moment_text(bank.clock.now())})


def clock(bank: Bank, request: BankRequest) -> Response:
    """``POST /clock {set}`` (a moment) or ``{advance}`` (seconds)."""
    body = json_object(request)
    if "set" in body:
        moment = _moment(body["set"], "set")
    else:
        seconds = whole_number(body, "advance", None, 0, MAX_ADVANCE_S)
        moment = bank.clock.now() + dt.timedelta(seconds=seconds)
    if abs(moment - bank.clock.now()) > dt.timedelta(seconds=MAX_ADVANCE_S):
        raise format_error("The clock moves by three years at most.", "set")
    bank.clock.set(moment)
    unfolding.settle(bank)
    return json_reply({"clock": moment_text(bank.clock.now())})


def _moment(value: object, name: str) -> dt.datetime:
    try:
        moment = parse_moment(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        moment = None
    if moment is None or not 2000 <= moment.year <= 2200:
        raise format_error(f"{name} must be a moment such as 2026-01-05T09:00:00Z.", name)
    return moment


def show(bank: Bank, request: BankRequest) -> Response:
    """``GET /state``: everything, for diagnosis. Balances are shown for customers whose accounts somebody has asked
    for; the histories of others are not even written yet."""
    del request
    asked_for, accounts = bank.ledger.asked_for(), bank.ledger.listed()
    in_use = {account.psu for account in accounts if account.id in asked_for}
    return json_reply(
        {
            "seed": bank.seed,
            "clock": moment_text(bank.clock.now()),
            "accounts": [_account(bank, account, shows_balances=account.psu in in_use) for account in accounts],
            "consents": [
                {
                    "consentId": consent.id,
                    "psu": consent.psu,
                    "consentStatus": consent.status,
                    "validUntil": consent.valid_until.isoformat(),
                    "granted": consent.granted,
                    "authorisations": bank.consents.authorisation_ids(consent.id),
                }
                for consent in bank.consents.all()
            ],
            "quota": _quota(bank),
            "faults": bank.faults.planned(),
        }
    )


def _account(bank: Bank, account: Account, *, shows_balances: bool = True) -> dict[str, Any]:
    return {
        "id": account.id,
        "psu": account.psu,
        "resourceId": account.resource_id,
        "iban": account.iban,
        "currency": account.currency,
        "status": account.status,
        "balances": [_balances(bank, part) for part in bank.ledger.parts(account)] if shows_balances else [],
    }


def _balances(bank: Bank, account: Account) -> dict[str, str]:
    today = bank.clock.today()
    booked, pending = bank.ledger.booked_sum(account, today, today), bank.ledger.pending_sum(account, today)
    figures = {"booked": booked, "pending": pending}
    return {"currency": account.currency, **{k: amount_text(minor, account.currency) for k, minor in figures.items()}}


def _quota(bank: Bank) -> list[dict[str, Any]]:
    """Every counter that is not empty, with the moment its oldest access is 24 hours old."""
    counters = bank.quota.counters(bank.clock.now())
    return [{**counter, "nextFreeAt": moment_text(parse_moment(counter["oldest"]) + WINDOW)} for counter in counters]


def log(bank: Bank, request: BankRequest) -> Response:
    """``GET /log?after=ID``: every request, at most a thousand at a time; ask again after the last id."""
    after = request.args.get("after", "0")
    if not after.isascii() or not after.isdigit() or len(after) > 18:
        raise format_error("after must be the id of a record.", "after")
    return json_reply({"records": bank.protocol.read(int(after), MAX_LOG_PAGE)})


def truth(bank: Bank, request: BankRequest, account_id: str) -> Response:
    """``GET /truth/{account}``: all rows as the bank holds them, by the bank's id or the interface's. ``unlisted`` are
    rows that balances count and no list shows yet."""
    del request
    account = bank.ledger.account(account_id)
    if account is None:
        raise Refusal(404, "RESOURCE_UNKNOWN", "The bank has no such account.")
    parts, today = bank.ledger.parts(account), bank.clock.today()
    names = {part.id: part for part in parts}
    booked, unlisted = bank.ledger.booked(list(names), today), bank.ledger.unlisted(list(names), today)
    pending = [entry for part in parts for entry in bank.ledger.pending(part.id, today)]
    return json_reply(
        {
            **_account(bank, account),
            "rows": [_row(entry, names[entry.account].currency) for entry in booked],
            "pending": [_row(entry, names[entry.account].currency) for entry in pending],
            **({"unlisted": [_row(entry, names[entry.account].currency) for entry in unlisted]} if unlisted else {}),
        }
    )


def _row(entry: Entry, currency: str) -> dict[str, Any]:
    return {
        "truthId": entry.truth_id,
        "account": entry.account,
        "amount": amount_text(entry.minor, currency),
        "currency": currency,
        "bookingDate": entry.booked_on if entry.is_booked else None,
        "valueDate": entry.value_on,
        "transactionId": entry.transaction_id if entry.is_booked else None,
        "entryReference": entry.entry_reference if entry.is_booked else None,
        **entry.body,
    }
