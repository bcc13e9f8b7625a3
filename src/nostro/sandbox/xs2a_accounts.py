"""The standard's account endpoints: list, details, balances (connectors.md 4.1, Read)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from werkzeug.wrappers import Response

from nostro.sandbox.access import count, granted_account, require_open, valid_consent
from nostro.sandbox.bank import Bank
from nostro.sandbox.consents import Consent
from nostro.sandbox.errors import format_error
from nostro.sandbox.histories.parties import BIC
from nostro.sandbox.ledger import Account
from nostro.sandbox.money import amount_object
from nostro.sandbox.protocol import Record
from nostro.sandbox.replies import json_reply
from nostro.sandbox.requests import BankRequest


def list_accounts(bank: Bank, request: BankRequest, record: Record) -> Response:
    """``GET /v1/accounts``."""
    consent = valid_consent(bank, request, record)
    count(bank, record, consent)
    accounts = [a for a in bank.ledger.accounts(consent.psu) if a.id in consent.granted["accounts"] and not a.is_card]
    return json_reply({"accounts": [_details(bank, request, consent, account) for account in accounts]})


def read_account(bank: Bank, request: BankRequest, record: Record, resource_id: str) -> Response:
    """``GET /v1/accounts/{id}``."""
    consent, account = granted_account(bank, request, record, resource_id, "accounts")
    count(bank, record, consent)
    return json_reply({"account": _details(bank, request, consent, account)})


def read_balances(bank: Bank, request: BankRequest, record: Record, resource_id: str) -> Response:
    """``GET /v1/accounts/{id}/balances``."""
    consent, account = granted_account(bank, request, record, resource_id, "balances")
    require_open(account)
    count(bank, record, consent)
    return json_reply({"account": reference(account), "balances": balances(bank, account)})


def wants_balance(request: BankRequest) -> bool:
    """The parameter ``withBalance``."""
    value = request.args.get("withBalance", "false").lower()
    if value not in {"true", "false"}:
        raise format_error("withBalance must be true or false.", "withBalance")
    return value == "true"


def _details(bank: Bank, request: BankRequest, consent: Consent, account: Account) -> dict[str, Any]:
    href = f"/v1/accounts/{account.resource_id}"
    links = {
        scope: {"href": f"{href}/{scope}"}
        for scope in ("balances", "transactions")
        if account.id in consent.granted.get(scope, ()) and account.status == "enabled"
    }
    details: dict[str, Any] = {
        "resourceId": account.resource_id,
        **reference(account),
        "name": account.name,
        "ownerName": account.owner,
        "product": account.product,
        "cashAccountType": account.type,
        "status": account.status,
        "bic": BIC,
        "usage": "ORGA",
    }
    if wants_balance(request) and account.id in consent.granted.get("balances", ()) and account.status == "enabled":
        details["balances"] = balances(bank, account)
    return {**details, "_links": links}


def reference(account: Account) -> dict[str, str]:
    """The standard's ``accountReference``."""
    return {"maskedPan" if account.is_card else "iban": account.iban, "currency": account.currency}


def balances(bank: Bank, account: Account) -> list[dict[str, Any]]:
    """Booked as of now, booked at the end of yesterday, and what is to be expected. An aggregate shows its parts'."""
    today = bank.clock.today()
    yesterday = today - dt.timedelta(days=1)
    shown: list[dict[str, Any]] = []
    for part in bank.ledger.parts(account):
        booked = bank.ledger.booked_sum(part, today, today)
        figures = (
            ("interimBooked", booked, today),
            ("closingBooked", bank.ledger.booked_sum(part, yesterday, today), yesterday),
            ("expected", booked + bank.ledger.pending_sum(part, today), today),
        )
        for kind, minor, day in figures:
            balance: dict[str, Any] = {
                "balanceAmount": amount_object(minor, part.currency),
                "balanceType": kind,
                "referenceDate": day.isoformat(),
            }
            last = bank.ledger.last_reference(part.id, day, today) if kind != "expected" else None
            shown.append(balance | ({"lastCommittedTransaction": last} if last else {}))
    return shown
