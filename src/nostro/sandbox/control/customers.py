"""Customers and accounts that a test needs and the table has not."""

from __future__ import annotations

import re

from werkzeug.wrappers import Response

from nostro.sandbox.bank import Bank
from nostro.sandbox.errors import Refusal, format_error
from nostro.sandbox.habits import Habits
from nostro.sandbox.replies import json_reply
from nostro.sandbox.requests import BankRequest, json_object
from nostro.sandbox.scenarios import HISTORIES, SCENARIOS, AccountPlan

MAX_ACCOUNTS = 1_000
CURRENCIES = ("EUR", "USD", "JPY", "KWD", "GBP", "CHF")
_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,39}", re.ASCII)


def add(bank: Bank, request: BankRequest) -> Response:
    """``POST /psus {psu, scenario?}``: a customer without accounts, treated like that test user."""
    body = json_object(request)
    psu, scenario = _name(body.get("psu"), "psu"), body.get("scenario")
    if scenario is not None and (not isinstance(scenario, str) or scenario not in SCENARIOS):
        raise format_error("scenario must be a test user of the table.", "scenario")
    if bank.customers.find(psu) is not None:
        raise Refusal(409, "STATUS_INVALID", "The bank has this customer already.")
    if not bank.customers.add(psu, scenario):
        raise Refusal(409, "STATUS_INVALID", "The bank has too many customers.")
    return json_reply({"psu": psu}, 201)


def add_account(bank: Bank, request: BankRequest, psu: str) -> Response:
    """``POST /psus/{psu}/accounts {key?, name?, currency?, history?}``: one more account, with 24 months of ``history``
    (``empty`` is none)."""
    scenario = bank.customers.find(psu)
    if scenario is None:
        raise Refusal(404, "RESOURCE_UNKNOWN", "The bank has no such customer.")
    body, keys = json_object(request), {account.id for account in bank.ledger.listed() if account.psu == psu}
    if len(keys) >= MAX_ACCOUNTS:
        raise Refusal(409, "STATUS_INVALID", f"A customer has at most {MAX_ACCOUNTS} accounts.")
    key = _name(body.get("key", f"account{len(keys) + 1}"), "key")
    if f"{psu}-{key}" in keys:
        raise Refusal(409, "STATUS_INVALID", "The customer has an account with this key.")
    currency, history, name = body.get("currency", "EUR"), body.get("history", "empty"), body.get("name", key)
    if currency not in CURRENCIES:
        raise format_error(f"currency must be one of {', '.join(CURRENCIES)}.", "currency")
    if not isinstance(history, str) or history not in HISTORIES:
        raise format_error(f"history must be one of {', '.join(HISTORIES)}.", "history")
    if history == "trade" and currency in {"GBP", "CHF"}:
        raise format_error("There is no trade in this currency.", "history")
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= 70:
        raise format_error("name must be text of at most 70 characters.", "name")
    plan = AccountPlan(key, name, "Business current account", currency, history=history)
    identity = bank.ledger.open_account(psu, len(keys), plan, Habits(scenario.paging, new_ids=scenario.new_ids))
    account = bank.ledger.account(identity)
    assert account is not None
    return json_reply({"id": identity, "resourceId": account.resource_id, "iban": account.iban}, 201)


def _name(value: object, path: str) -> str:
    if not isinstance(value, str) or _NAME.fullmatch(value) is None:
        raise format_error(f"{path} must be 1 to 40 of a-z, 0-9 and _.", path)
    return value
